"""What the interlock remembers of the street: the clock, the heads, and who waits. Timers, and the reading before.

Serves `signals.safety` alone, and like it imports neither `signals.sequencer` nor `signals.controllers`. Nothing
here counts as having lasted longer than it was seen to last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from math import inf, isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.layout import Layout
from signals.limits import Faces, Limits, faces, heads_in, milliseconds
from signals.values import TRANSITION, Bools, Snapshot


class Clock:
    """How long the plant was watched: at least the shorter, at most the longer of this span and the one before.

    One step of its clock, ahead or back, thus makes no green older and no yellow shorter. `sure` says whether the span
    before is known; after one that is not, nothing has passed at least, and anything at most.
    """

    def __init__(self, longest_ms: int) -> None:
        self._longest_ms = self._span_ms = longest_ms
        self._time_ms: int | None = None
        self.least_ms = self.most_ms = self.most_before_ms = 0

    def advance(self, time_s: float) -> bool:
        """Take the plant's time, and say whether it is a step that can be believed."""
        self.most_before_ms = self.most_ms
        self.sure = self._span_ms != 0
        if not isfinite(time_s):
            return self._lose()
        before, self._time_ms = self._time_ms, milliseconds(time_s)
        if before is None:
            return True
        span_ms = self._time_ms - before
        if not 0 < span_ms <= self._longest_ms:
            return self._lose()
        self.least_ms += min(span_ms, self._span_ms)
        self.most_ms += max(span_ms, self._span_ms)
        self._span_ms = span_ms
        return True

    def _lose(self) -> bool:
        self._span_ms = 0
        return False


class Reading(NamedTuple):
    """What one junction showed, beside what it had shown before.

    lost: a head or the stage cannot be read. Sets of heads: opened, newly green; fresh, green newly or under another
    stage or control; closed, newly without yellow, or without green and without a yellow. By head: turned_ms, when it
    was first seen green, or not green, on the clock's least; green_until_ms, when its last green was last seen, on the
    clock's most.
    """

    stage: int
    local: bool
    lost: bool
    shown: Faces
    opened: int
    fresh: int
    closed: int
    turned_ms: dict[int, float]
    green_until_ms: dict[int, float]
    most_ms: int


class Heads:
    """Takes what one junction shows. What cannot be read is not green, and no time is judged across it.

    A way between two stages may end between two looks: a head that it interrupts begins anew, seen or not.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._under: tuple[int, bool] | None = None
        self._stood = TRANSITION
        self._shown = faces(b"\xff" * limits.heads)
        self._turned_ms: dict[int, float] = {}
        self._green_until_ms: dict[int, float] = {}

    def update(self, aspects: bytes, stage: int, local: bool, clock: Clock, steady: bool) -> Reading:
        """Take one reading, at least whenever it is not as before or the clock is not steady."""
        before, shown = self._shown, faces(aspects)
        misread = not TRANSITION <= stage < len(self._limits.shows)
        stage = TRANSITION if misread else stage
        opened, ended = shown.green & ~before.green, before.green & ~shown.green
        blind = shown.unread | before.unread
        again = self._limits.interrupted.get((self._stood, stage), 0)
        if stage != TRANSITION:
            self._stood = stage
        for head in heads_in(opened | ended | blind | again):
            self._turned_ms[head] = clock.least_ms
        for head in heads_in(ended):
            self._green_until_ms[head] = clock.most_before_ms
        for head in heads_in(blind):
            self._green_until_ms[head] = -inf
        if not steady:
            self._turned_ms = dict.fromkeys(range(self._limits.heads), clock.least_ms)
        if not (steady and clock.sure):
            self._green_until_ms = dict.fromkeys(range(self._limits.heads), -inf)
        fresh = opened if (stage, local) == self._under else shown.green
        self._shown, self._under = shown, (stage, local)
        return Reading(
            stage=stage,
            local=local,
            lost=misread or shown.unread > 0,
            shown=shown,
            opened=opened & ~blind,
            fresh=fresh,
            closed=(before.yellow | ended) & ~shown.yellow,
            turned_ms=self._turned_ms,
            green_until_ms=self._green_until_ms,
            most_ms=clock.most_ms,
        )


def overdue(here: bool, due_ms: float, now_ms: int) -> bool:
    """Who has waited for the maximum red and is still there (STM 2nd ed. ch. 6; NTCIP 1202 CycleFault)."""
    return here and now_ms >= due_ms


class Waits:
    """Until when each head that keeps a call, or an occupied stop-line loop, waiting must be served.

    A place is a loop, or behind the loops a head's call; where somebody is, is one integer with a byte a place. A head
    of any junction is a cell of [J, P]. What a tick costs is then for those who have come, and for waits that end.
    """

    def __init__(self, layout: Layout, served: Sequence[int], maximum_red_ms: Sequence[int]) -> None:
        self._loops, self._heads = (len(layout.loops),), layout.has_head.shape
        self._width, self._served, self._green = layout.has_head.shape[1], served, list(served)
        self._maximum_ms = maximum_red_ms
        self._cells = _cells(layout)
        self._places = [0] * layout.has_head.size
        for place, cells in enumerate(self._cells):
            for cell in cells:
                self._places[cell] |= 1 << 8 * place
        self._calls_begin = 8 * len(layout.loops)
        self._red: set[int] = set()
        self._awaited = 0
        self._due_ms: dict[int, int] = {}
        self._first_due_ms = inf

    def update(self, snapshot: Snapshot, now_ms: int) -> list[int]:
        """Take calls and loops, and say at which junctions somebody is overdue."""
        here = self._here(snapshot)
        arrived = here & self._awaited
        if arrived:
            self._begin(arrived, now_ms)
        if now_ms < self._first_due_ms:
            return []
        due = self._due_ms.items()
        self._first_due_ms = min(self._due_ms.values(), default=inf)
        return [cell // self._width for cell, ms in due if overdue(bool(here & self._places[cell]), ms, now_ms)]

    def _here(self, snapshot: Snapshot) -> int:
        """Where somebody is: on a loop without a fault, or calling. What is not as it should be says nothing."""
        covered = called = 0
        if fits(snapshot.presence, self._loops, "b") and fits(snapshot.healthy, self._loops, "b"):
            covered = as_places(snapshot.presence) & as_places(snapshot.healthy)
        if fits(snapshot.calls, self._heads, "b"):
            called = as_places(snapshot.calls)
        return covered | called << self._calls_begin

    def _begin(self, arrived: int, now_ms: int) -> None:
        """A wait begins for each head that is red and has somebody now; one that runs goes on."""
        self._awaited ^= arrived
        for cells in compress(self._cells, arrived.to_bytes(len(self._cells), "little")):
            for cell in self._red.intersection(cells):
                due_ms = self._due_ms.setdefault(cell, now_ms + self._maximum_ms[cell // self._width])
                self._first_due_ms = min(self._first_due_ms, due_ms)

    def turn(self, junction: int, green: int) -> None:
        """Heads that are green wait no longer; those that were may begin to."""
        for head in heads_in((green | self._green[junction]) & self._served[junction]):
            cell = junction * self._width + head
            self._due_ms.pop(cell, None)
            if green >> head & 1:
                self._red.discard(cell)
            else:
                self._red.add(cell)
                self._awaited |= self._places[cell]
        self._green[junction] = green


def as_places(array: Bools) -> int:
    """One byte each, 0 or 1, as numpy keeps them."""
    return int.from_bytes(array.tobytes(), "little")


def _cells(layout: Layout) -> list[list[int]]:
    """The heads for which somebody at a place waits: those of a stop-line loop's lane groups, and who is called."""
    width = layout.has_head.shape[1]
    loops: dict[tuple[int, str], list[int]] = {loop: [] for loop in layout.loops}
    for row, intersection in enumerate(layout.intersections):
        column = {group.id: k for k, group in enumerate(intersection.signal_groups)}
        groups = {lanes.id: lanes.signal_groups for lanes in intersection.lane_groups}
        for detector in intersection.detectors:
            if detector.kind == "stop_line":
                heads = [column[group] for lanes in detector.lane_groups for group in groups[lanes]]
                loops[row, detector.id] = [row * width + head for head in heads]
    return [*loops.values(), *([cell] for cell in range(layout.has_head.size))]


def fits(array: NDArray[np.generic], shape: tuple[int, ...], kind: str) -> bool:
    """Whether an array is what it should be."""
    return array.shape == shape and array.dtype.kind == kind
