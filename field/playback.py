"""A log played back: does the loop still decide as it did, and what did it look like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from field.clock import WallClock
from field.console import DIFFERENT
from field.tally import Tally
from field.view import View
from signals.controllers import build
from signals.recording import LogReader
from signals.replay import Replayed, logged_controller, replay


def play_back(path: Path, speed: float | None, controller: str | None, console: Console) -> int:
    """Compare every decision and command with those recorded; the exit status is 0 if all are equal.

    `controller` stands in for the one in the log, whose files the log may not hold.
    """
    log = LogReader(path)
    header = log.header
    console.print(
        f"{path}: {header.street} under {header.controller.name}, {len(header.intersections)} junctions, "
        f"started {header.started}",
        markup=False,
    )
    deciding = build(controller, log.layout, header.plans) if controller else logged_controller(header, log.layout)
    rows = replay(log, deciding)
    compared = Comparison()
    for row in rows if speed is None else watched(rows, log, speed, console):
        compared.update(row, len(header.intersections))
    if log.cut:
        console.print("the last line is cut, as a crash leaves it, and was left out")
    for line in compared.lines():
        console.print(line, markup=False)
    return DIFFERENT if compared.first else 0


def watched(rows: Iterator[Replayed], log: LogReader, speed: float, console: Console) -> Iterator[Replayed]:
    """The same rows, each shown when it is due."""
    shown: list[Replayed] = []

    def seconds() -> Iterator[float]:
        for row in rows:
            shown.append(row)
            yield row.record.snapshot.time_s

    clock, tally = WallClock(seconds(), speed), Tally()
    with View(console, log.layout, log.header.street, log.header.controller.name, clock) as view:
        for _ in clock:
            row = shown.pop()
            tally.update(row.record)
            view.show(row.record, "replay", tally)
            yield row


class Comparison:
    """Counts what is the same, and remembers the first difference."""

    def __init__(self) -> None:
        self.ticks = self.asked = self.decisions = self.commands = 0
        self.first = ""

    def update(self, row: Replayed, junctions: int) -> None:
        """Take one tick."""
        self.ticks += 1
        self.asked += junctions
        self.decisions += junctions - len(row.decisions)
        self.commands += junctions - len(row.commands)
        self.first = self.first or next(iter((*row.decisions, *row.commands)), "")

    def lines(self) -> list[str]:
        """The outcome in words."""
        same = f"{self.decisions} of {self.asked} decisions and {self.commands} of {self.asked} commands are the same"
        return [f"{self.ticks} ticks: {same}", *([f"first difference: {self.first}"] if self.first else [])]
