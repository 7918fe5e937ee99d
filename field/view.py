"""Showing records as they come: a live picture in a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from field.clock import WallClock
from field.junctions import Junctions, JunctionView
from field.live import Dashboard, Status, clock_face
from field.tally import Tally
from signals.layout import Layout
from signals.values import Record

PICTURE_EVERY_S = 0.25
LINE_EVERY_S = 5.0
NAMED_IN_A_LINE = 5


class Renderer(Protocol):
    """Draws one moment."""

    every_s: float

    def draw(self, status: Status, junctions: list[JunctionView], tally: Tally) -> None:
        """Draw it."""

    def __enter__(self) -> object: ...

    def __exit__(self, *error: object) -> None: ...


class Shows(Protocol):
    """Is shown every record."""

    def show(self, record: Record, mode: str, tally: Tally, last: bool = False) -> None:
        """Draw this one, or not."""


class Picture:
    """A live picture."""

    every_s = PICTURE_EVERY_S

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")

    def draw(self, status: Status, junctions: list[JunctionView], _: Tally) -> None:
        """Replace the picture."""
        self._live.update(Dashboard(status, junctions), refresh=True)

    def __enter__(self) -> object:
        return self._live.__enter__()

    def __exit__(self, *_: object) -> None:
        self._live.stop()


class Lines:
    """One plain line a moment."""

    every_s = LINE_EVERY_S

    def __init__(self, console: Console) -> None:
        self._console = console

    def draw(self, status: Status, junctions: list[JunctionView], tally: Tally) -> None:
        """Add a line."""
        queue_veh = sum(a.queue_veh for j in junctions for a in j.approaches)
        words = [
            f"{clock_face(status.time_s)}  {status.mode}",
            f"queued {queue_veh:.0f} veh",
            f"changes {tally.changes}",
            f"refused {tally.refusals.total()}",
            f"late {status.late} of {status.ticks}",
            "  ".join(f"{j.name} {j.stage} {j.green_s:.0f} s" for j in junctions[:NAMED_IN_A_LINE]),
        ]
        self._console.print("   ".join(words), markup=False)

    def __enter__(self) -> object:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class View:
    """Shows a record if it is time to, so that drawing never takes the loop's time."""

    def __init__(self, console: Console, layout: Layout, street: str, controller: str, clock: WallClock) -> None:
        self._renderer: Renderer = (
            Picture(console) if console.is_terminal and not console.is_dumb_terminal else Lines(console)
        )
        self._junctions = Junctions(layout)
        self._street, self._controller, self._clock = street, controller, clock
        self._drawn_s = -self._renderer.every_s

    def show(self, record: Record, mode: str, tally: Tally, last: bool = False) -> None:
        """Draw this record, unless it is not the last and the one before is on the screen for too short a time."""
        now_s = time.monotonic()
        if not last and now_s - self._drawn_s < self._renderer.every_s:
            return
        self._drawn_s = now_s
        clock = self._clock
        status = Status(
            self._street,
            self._controller,
            mode,
            record.snapshot.time_s,
            clock.speed,
            clock.ticks,
            clock.late,
            clock.lateness_p99_s,
        )
        self._renderer.draw(status, self._junctions.views(record), tally)

    def __enter__(self) -> Self:
        self._renderer.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._renderer.__exit__(*error)
