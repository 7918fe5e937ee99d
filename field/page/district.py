"""Junctions that one loop drives together, each on a board of its own: the demo's, which has no cabinets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from field.clock import WallClock
from field.page.board import Board, Durations, Reading
from field.tally import Tally
from field.view import Shows
from field.vitals import Vitals
from signals.layout import Layout
from signals.values import Record


class District:
    """Implements `field.view.Shows`: passes each record on, and its junctions to their boards.

    A loop counts as believed where the plant has no fault on it: what the estimator thinks of it stays with the loop.
    """

    def __init__(self, view: Shows, boards: Sequence[Board], layout: Layout, clock: WallClock) -> None:
        self._view, self._boards, self._clock = view, boards, clock
        self._loops = [np.array([j == row for j, _ in layout.loops], bool) for row in range(len(boards))]
        self._durations = Durations()
        self._tallies = [Tally() for _ in boards]

    def show(self, record: Record, mode: str, tally: Tally, last: bool = False) -> None:
        """On the page and in the terminal."""
        clock = self._clock
        self._durations.follow(clock)
        so_far = self._durations.so_far
        for row, (board, loops) in enumerate(zip(self._boards, self._loops, strict=True)):
            own, counted = junction_of(record, row, loops), self._tallies[row]
            counted.update(own)
            board.latest = Reading(
                own, Vitals(mode), clock.ticks, clock.late, counted.changes, dict(counted.refusals), so_far
            )
        self._view.show(record, mode, tally, last)


def junction_of(record: Record, row: int, loops: np.ndarray) -> Record:
    """The part of a record that is one junction's, as if it were alone; loops [L]: its own."""
    snapshot, traffic, decision, command = record
    one = slice(row, row + 1)
    by_junction = ("stage", "aspects", "local", "calls")
    by_loop = ("volume_veh", "occupancy", "presence", "healthy")
    parts = {name: getattr(snapshot, name)[one] for name in by_junction}
    parts |= {name: getattr(snapshot, name)[loops] for name in by_loop}
    return Record(
        snapshot._replace(**parts),
        traffic._replace(**{name: value[one] for name, value in traffic._asdict().items() if name != "time_s"}),
        decision._replace(**{name: getattr(decision, name)[one] for name in ("mode", "stage", "why", "number")}),
        command._replace(**{name: getattr(command, name)[one] for name in ("mode", "stage", "refusal")}),
    )
