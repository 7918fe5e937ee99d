"""What the interlock remembers of the street: the clock, the heads, and who waits. Timers, and the reading before.

Serves `signals.safety` alone, and like it imports neither `signals.sequencer` nor `signals.controllers`. Nothing
here counts as having lasted longer than it was seen to last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from math import inf, isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.layout import Layout
from signals.limits import Faces, Limits, faces, heads_in, milliseconds
from signals.values import TRANSITION, Bools, Floats, Ints, Snapshot


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
    """Takes what one junction shows. What cannot be read is not green, and no time is judged across it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._under: tuple[int, bool] | None = None
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
        for head in heads_in(opened | ended | blind):
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


def overdue(here: Bools, due_ms: Floats, now_ms: int) -> Bools:
    """Who has waited for the maximum red and is still there (STM 2nd ed. ch. 6; NTCIP 1202 CycleFault)."""
    return here & (now_ms >= due_ms)


class Waits:
    """Until when each head that keeps a call, or an occupied stop-line loop, waiting must be served."""

    def __init__(self, layout: Layout, served: Sequence[int], maximum_red_ms: Sequence[int]) -> None:
        self._width, self._served, self._green = layout.has_head.shape[1], served, list(served)
        places = [*layout.loops, None]
        self._seen = np.zeros(len(places), bool)
        self._covered, self._no_calls = self._seen[: len(layout.loops)], np.zeros(layout.has_head.shape, bool)
        self._sources = _sources(layout, places)
        self._maximum_ms = np.repeat(np.array(maximum_red_ms), self._width)
        self._due_ms = np.full(layout.has_head.size, inf)
        self._idle = np.zeros(layout.has_head.size, bool)
        self._taken: tuple[bytes, bytes, bytes] | None = None
        self._first_due_ms = inf

    def update(self, snapshot: Snapshot, now_ms: int) -> list[int]:
        """Take calls and loops, and say at which junctions somebody is overdue."""
        taken = snapshot.presence.tobytes(), snapshot.healthy.tobytes(), snapshot.calls.tobytes()
        if taken != self._taken:
            self._taken = taken
            self._here = self._called(snapshot) | np.logical_or.reduce(self._seen.take(self._sources))
            begun = self._here & self._idle
            if np.count_nonzero(begun):
                self._due_ms[begun] = now_ms + self._maximum_ms[begun]
                self._idle[begun] = False
                self._first_due_ms = float(self._due_ms.min())
        if now_ms < self._first_due_ms:
            return []
        late = overdue(self._here, self._due_ms, now_ms)
        return [cell // self._width for cell in np.flatnonzero(late).tolist()]

    def _called(self, snapshot: Snapshot) -> Bools:
        """Heads with a call, [J * P]; beside it the loops are taken. What is not as it should be says nothing."""
        loops, calls = self._covered.shape, self._no_calls
        if fits(snapshot.presence, loops, "b") and fits(snapshot.healthy, loops, "b"):
            np.logical_and(snapshot.presence, snapshot.healthy, out=self._covered)
        else:
            self._covered.fill(False)
        return (snapshot.calls if fits(snapshot.calls, calls.shape, "b") else calls).ravel()

    def turn(self, junction: int, green: int) -> None:
        """Heads that are green wait no longer; those that were may begin to."""
        for head in heads_in((green | self._green[junction]) & self._served[junction]):
            cell = junction * self._width + head
            self._due_ms[cell] = inf
            self._idle[cell] = not green >> head & 1
        self._green[junction] = green
        self._taken = None


def _sources(layout: Layout, places: Sequence[tuple[int, str] | None]) -> Ints:
    """Where each head's stop-line loops are in `places`: a row [J * P] for the first of each, one for the next.

    Heads without a loop, or with fewer than others, have the last place, where nobody is.
    """
    width = layout.has_head.shape[1]
    found: list[list[int]] = [[] for _ in layout.has_head.ravel()]
    for row, intersection in enumerate(layout.intersections):
        column = {group.id: k for k, group in enumerate(intersection.signal_groups)}
        groups = {lanes.id: lanes.signal_groups for lanes in intersection.lane_groups}
        for detector in intersection.detectors:
            if detector.kind == "stop_line":
                for group in (g for lanes in detector.lane_groups for g in groups[lanes]):
                    found[row * width + column[group]].append(places.index((row, detector.id)))
    nobody = places.index(None)
    return np.array([[nobody] * len(found), *zip_longest(*found, fillvalue=nobody)])


def fits(array: NDArray[np.generic], shape: tuple[int, ...], kind: str) -> bool:
    """Whether an array is what it should be."""
    return array.shape == shape and array.dtype.kind == kind
