"""`control.py report`: days of shadow told, or before compared with after; in words, and as a page if one is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from reports.field import on_off, shadow
from reports.field.document import Document, words, write_page
from reports.field.logs import site_log
from reports.field.watched import watch
from signals.errors import ConfigError

TOLD_EVERY_S = 900.0


@dataclass(frozen=True)
class Asked:
    """One log, or two to compare."""

    log: Path | None
    out: Path | None = None
    before: Path | None = None
    after: Path | None = None
    controller: str | None = None

    def __post_init__(self) -> None:
        two = self.before is not None and self.after is not None
        if (self.log is None) != two or (self.before is None) != (self.after is None):
            raise ConfigError("report: must have a LOG, or --before LOG and --after LOG")


def run_report(asked: Asked, audit: Callable[[Path], str], console: Console) -> int:
    """Print it, write it; the exit status. `audit` says what the check of a log's audit log finds."""
    document = _document(asked, audit, console)
    for line in words(document):
        console.print(line, markup=False, soft_wrap=True)
    if asked.out:
        write_page(document, asked.out)
        console.print(f"page: {asked.out}", markup=False, soft_wrap=True)
    return 0


def _document(asked: Asked, audit: Callable[[Path], str], console: Console) -> Document:
    if asked.log is None:
        assert asked.before is not None and asked.after is not None
        return on_off.document(site_log(asked.before), site_log(asked.after))
    log = site_log(asked.log)
    with console.status("reading") as status:
        told_s = float("-inf")

        def tell(time_s: float) -> None:
            nonlocal told_s
            if time_s - told_s >= TOLD_EVERY_S:
                told_s = time_s
                status.update(f"reading, at {shadow.when(time_s)}")

        found = watch(log, asked.controller, tell)
    return shadow.document(log, found, audit(asked.log), str(asked.log))
