"""`fixed-time`: a timing plan with offsets and time of day, driven through the stage port.

The next stage is asked for one interstage before its green is due, so that greens begin where the plan has them.
"""

from __future__ import annotations

import numpy as np

from signals.controllers.common import interstages_s, stage_or_hold
from signals.errors import ConfigError
from signals.intersection import Intersection
from signals.layout import Layout
from signals.plans import DAY_S, PlanFile, TimingPlan
from signals.values import Decision, Floats, Ints, TrafficState

WORDING = ("interstage", "plan, {number:.0f} s into the cycle")


class FixedTime:
    """Follows the plan in force. Raises `ConfigError` where a junction has no plan or a plan does not fit it."""

    def __init__(self, layout: Layout, plans: PlanFile) -> None:
        times_s = interstages_s(layout)
        self._tables = [
            [_table(i, p, times_s[row]) for p in _plans_of(i, plans)] for row, i in enumerate(layout.intersections)
        ]
        self._from_s = [np.array([p.from_s for p in _plans_of(i, plans)]) for i in layout.intersections]
        self._changes_s = np.unique([p.from_s for i in layout.intersections for p in _plans_of(i, plans)])
        self._width = max((len(stages) for tables in self._tables for _, _, _, stages in tables), default=1)
        self._in_force = -1
        self._rows = np.arange(len(layout.intersections))
        self._why = np.ones(len(layout.intersections), np.int64)

    def decide(self, traffic: TrafficState) -> Decision:
        """The stage that the plan has, or is changing to, at this time."""
        self._follow_time_of_day(traffic.time_s % DAY_S)
        into_s = (traffic.time_s - self._offset_s) % self._cycle_s
        column = (self._asked_s <= into_s[:, None]).sum(axis=1)
        return stage_or_hold(traffic, self._order[self._rows, column], self._why, into_s, WORDING)

    def _follow_time_of_day(self, clock_s: float) -> None:
        in_force = int(np.searchsorted(self._changes_s, clock_s, side="right"))
        if in_force == self._in_force:
            return
        self._in_force = in_force
        junctions = len(self._tables)
        self._cycle_s, self._offset_s = np.zeros(junctions), np.zeros(junctions)
        self._asked_s = np.full((junctions, self._width), np.inf)
        self._order = np.zeros((junctions, self._width + 1), np.int64)
        for row, (tables, from_s) in enumerate(zip(self._tables, self._from_s, strict=True)):
            cycle_s, offset_s, asked_s, stages = tables[int(np.searchsorted(from_s, clock_s, side="right")) - 1]
            self._cycle_s[row], self._offset_s[row] = cycle_s, offset_s
            self._asked_s[row, : len(asked_s)] = asked_s
            self._order[row, : len(stages)] = stages
            self._order[row, len(stages)] = stages[0]


def _plans_of(intersection: Intersection, plans: PlanFile) -> tuple[TimingPlan, ...]:
    found = plans.of(intersection.id)
    if intersection.id in plans.untold:
        why = plans.untold[intersection.id]
        raise ConfigError(
            f"intersection {intersection.id}: its existing plan cannot be told in stages: {why}; fixed-time needs a "
            "plan file for it (fixed-time:FILE)"
        )
    if not found:
        raise ConfigError(f"intersection {intersection.id}: the plan file has no plan for it")
    return found


def _table(intersection: Intersection, plan: TimingPlan, times_s: Floats) -> tuple[float, float, Floats, Ints]:
    """(cycle, offset, when in the cycle each next stage is asked for, the stages in order)."""
    number = {stage.name: k for k, stage in enumerate(intersection.stages)}
    for split in plan.splits:
        if split.stage not in number:
            raise ConfigError(f"intersection {intersection.id}: its plan has an unknown stage {split.stage}")
    order = [number[s.stage] for s in plan.splits]
    ends_s = np.cumsum([s.split_s for s in plan.splits])
    lost_s = np.array([times_s[a, b] for a, b in zip(order, [*order[1:], order[0]], strict=True)])
    for split, stage, lost in zip(plan.splits, order, lost_s, strict=True):
        least_s = intersection.stages[stage].minimum_green_s + float(lost)
        if split.split_s < least_s:
            raise ConfigError(
                f"intersection {intersection.id}: stage {split.stage}: split_s = {split.split_s:g}, "
                f"must be at least {least_s:g} (minimum green and interstage)"
            )
    return plan.cycle_s, plan.offset_s, ends_s - lost_s, np.array(order)
