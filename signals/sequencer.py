"""The interval machine, for plants that have none of their own.

What may live here: the intervals between two stages, and a clock that walks through them. What may not: any choice
of stage, any knowledge of traffic, and anything that `signals.safety` relies on.

A timing sheet's own interstage is used as it stands. Where the sheet has none for a pair of stages it is built by
one rule: heads that lose their green, or their protection, show yellow for their change time and red for their
clearance, or longer where turning traffic may stand inside the junction; heads that gain green wait for the last of
them; the rest keep what they show.
"""

from __future__ import annotations

import numpy as np

from signals.intersection import Aspect, Intersection, Interval, Phase, Stage
from signals.layout import Layout
from signals.values import Floats

GREENS = (Aspect.GREEN, Aspect.PERMISSIVE)
TURNERS_INTERGREEN_S = 6.0
"""Least time from a permissive green to cross traffic: opposing vehicles pass until yellow ends, and whoever waited for
them inside the junction needs about three seconds more to leave it."""


def intervals_between(intersection: Intersection, start: Stage, end: Stage) -> tuple[Interval, ...]:
    """The intervals from one stage to another; empty where no head ends and the sheet has no interval."""
    for interstage in intersection.interstages:
        if (interstage.start, interstage.end) == (start.name, end.name):
            return interstage.intervals
    return _derived(intersection, intersection.stage_aspects(start), intersection.stage_aspects(end))


def intervals_to_red(intersection: Intersection, start: Stage) -> tuple[Interval, ...]:
    """The intervals from a stage until every head may be red."""
    return _derived(intersection, intersection.stage_aspects(start), (Aspect.RED,) * len(intersection.signal_groups))


def interstages_s(layout: Layout) -> Floats:
    """How long it takes from each stage to each other, [J, S, S]; 0 from a stage to itself and in the padding."""
    junctions, stages = layout.has_stage.shape
    times_s = np.zeros((junctions, stages, stages))
    for row, intersection in enumerate(layout.intersections):
        for a, start in enumerate(intersection.stages):
            for b, end in enumerate(intersection.stages):
                if a != b:
                    times_s[row, a, b] = sum(i.duration_s for i in intervals_between(intersection, start, end))
    return times_s


def _derived(intersection: Intersection, before: tuple[Aspect, ...], after: tuple[Aspect, ...]) -> tuple[Interval, ...]:
    phases = (intersection.phase_of(g.id) for g in intersection.signal_groups)
    times = [
        (phase.yellow_change_s, _clear_after_s(phase, a, b)) for phase, a, b in zip(phases, before, after, strict=True)
    ]
    ending = [_ends(a, b) for a, b in zip(before, after, strict=True)]
    total_s = max((clear for (_, clear), ends in zip(times, ending, strict=True) if ends), default=0.0)
    marks = sorted({y for (y, _), ends in zip(times, ending, strict=True) if ends and 0 < y < total_s} | {total_s})
    intervals, since_s = [], 0.0
    for until_s in marks:
        if until_s <= since_s:
            continue
        aspects = tuple(
            _during(a, b, ends, since_s < yellow_s)
            for a, b, ends, (yellow_s, _) in zip(before, after, ending, times, strict=True)
        )
        intervals.append(Interval(duration_s=until_s - since_s, aspects=aspects))
        since_s = until_s
    return tuple(intervals)


def _clear_after_s(phase: Phase, before: Aspect, after: Aspect) -> float:
    """From the end of a head's green until others may begin."""
    least_s = TURNERS_INTERGREEN_S if before == Aspect.PERMISSIVE and after not in GREENS else 0.0
    return max(least_s, phase.yellow_change_s + phase.red_clearance_s)


def _ends(before: Aspect, after: Aspect) -> bool:
    return before in GREENS and (after not in GREENS or (before, after) == GREENS)


def _during(before: Aspect, after: Aspect, ends: bool, in_yellow: bool) -> Aspect:
    if ends:
        return Aspect.YELLOW if in_yellow else Aspect.RED
    if before in GREENS or before == after:
        return before
    return Aspect.RED


class Sequencer:
    """Shows one junction's aspects second by second; asked for a stage, it walks there through the intervals."""

    def __init__(self, intersection: Intersection, stage: int, time_s: float) -> None:
        self._intersection = intersection
        self._stage, self._since_s = stage, time_s
        self._intervals: tuple[Interval, ...] = ()
        self._stage_aspects = [intersection.stage_aspects(s) for s in intersection.stages]
        self._between: dict[tuple[int, int], tuple[Interval, ...]] = {}

    def request(self, stage: int, time_s: float) -> None:
        """Leave for a stage. A request in an interstage, or for the stage that stands, changes nothing."""
        if self.confirmed(time_s) in (None, stage):
            return
        pair, stages = (self._stage, stage), self._intersection.stages
        if pair not in self._between:
            self._between[pair] = intervals_between(self._intersection, stages[self._stage], stages[stage])
        self._intervals = self._between[pair]
        self._stage, self._since_s = stage, time_s

    def confirmed(self, time_s: float) -> int | None:
        """The stage that stands, or None in an interstage."""
        return None if self._interval(time_s) else self._stage

    def aspects(self, time_s: float) -> tuple[Aspect, ...]:
        """What every signal group shows."""
        interval = self._interval(time_s)
        if interval is not None:
            return interval.aspects
        return self._stage_aspects[self._stage]

    def _interval(self, time_s: float) -> Interval | None:
        passed_s = time_s - self._since_s
        for interval in self._intervals:
            if passed_s < interval.duration_s:
                return interval
            passed_s -= interval.duration_s
        return None
