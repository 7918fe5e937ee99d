"""A real demo in a fraction of its time, and the log that it leaves."""

import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from field.demo import Demo, run_demo

STREET = "resco:cologne3"
FAST = 1000.0


def record(log: Path, controller: str, seconds: float = 90.0, street: str = STREET) -> str:
    """Run it, and return what it printed."""
    said = io.StringIO()
    assert run_demo(Demo(street, controller, FAST, seconds, log), Console(file=said, width=150)) == 0
    return said.getvalue()


def rows_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def write_rows(log: Path, rows: list[dict[str, Any]]) -> Path:
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return log
