"""What the operator's terminal is told in one line: errors, and nothing with a traceback."""

from __future__ import annotations

import io
import sys
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from signals.errors import ConfigError, PlantError

INTERRUPTED, BAD_INPUT, DIFFERENT = 130, 2, 1
WIDTH_IN_FILE = 150

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def output() -> Console:
    """Standard output; lines in a file or pipe are not folded, and a mark that it cannot show becomes a "?"."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_IN_FILE, soft_wrap=True)


def complain(message: str) -> None:
    """One red line on standard error, taken as it is."""
    errors.print(message, style="red", markup=False)


class OneLineErrors(TyperGroup):
    """Commands whose expected errors are a line and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (ConfigError, PlantError) as error:
            complain(f"error: {error}")
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
