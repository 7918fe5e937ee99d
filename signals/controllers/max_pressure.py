"""`max-pressure`: the stage whose green is worth most per second, lost time included.

The pressure of a lane group is its estimated queue and what arrives meanwhile, cut to what its exits can take
(Varaiya 2013, with queues from loops and finite exits). It counts more the fuller its lanes are, lest a turn bay spill
over into its neighbour, and the longer it has been red. A stage's worth is the pressure that it would serve per
second over all its green links, in the best of a few spans of green; a change of stage first loses its interstage and
start-up time, so it has to be worth more. Whoever has waited for the maximum red goes first.
"""

from __future__ import annotations

from typing import Annotated, cast

import numpy as np
from pydantic import Field

from signals.controllers.common import interstages_s, stage_or_hold
from signals.intersection import Aspect, Frozen
from signals.layout import VEHICLE_SPACE_M, Layout
from signals.values import Bools, Decision, Floats, Ints, TrafficState

WORDING = (
    "interstage",
    "minimum green, {number:.0f} s so far",
    "keeps green: serves {number:.2f} veh/s, no other clearly more",
    "stage {stage} would serve more, {number:.2f} veh/s with its lost time",
    "maximum red: stage {stage} waits {number:.0f} s",
    "stage {stage} first: it clears who turns in gaps",
)
GREENS_S = np.array([6.0, 12.0, 20.0, 35.0])
"""Spans of green that a stage is valued for."""
SHORTEST_REACH_VEH = 4.0
MINIMUM, KEEPS, BETTER, STARVED, TURNERS = range(1, 6)


class MaxPressureSettings(Frozen):
    """Parameters of `max-pressure`; one set for all junctions."""

    minimum_green_s: Annotated[
        float, Field(ge=0, le=60, description="Shortest green of a stage, if its own is less.")
    ] = 13.0
    waiting_s: Annotated[float, Field(ge=10, le=1e6, description="Red after which a vehicle counts double.")] = 120.0
    startup_lost_s: Annotated[float, Field(ge=0, le=5, description="Green that a queue loses in starting.")] = 2.0
    fullness: Annotated[float, Field(ge=0, le=50, description="Extra weight of a lane group whose reach is full.")] = (
        12.0
    )
    hysteresis: Annotated[float, Field(ge=1, le=3, description="How many times better another stage must be.")] = 1.2
    maximum_red_s: Annotated[float, Field(ge=30, le=240, description="Longest wait of a lane group with a call.")] = (
        100.0
    )
    exit_room_veh: Annotated[float, Field(ge=0, le=20, description="Room that an exit must have left.")] = 3.0


class MaxPressure:
    """Decides for all junctions at once; remembers only what it has worked out for the stages that stand."""

    def __init__(self, layout: Layout, settings: MaxPressureSettings) -> None:
        self._layout, self._settings = layout, settings
        junctions = len(layout.intersections)
        self._rows = np.arange(junctions)
        lost_s = interstages_s(layout) + settings.startup_lost_s * ~np.eye(layout.stages, dtype=bool)
        self._span_s = lost_s[..., None] + GREENS_S
        rate = layout.serves * layout.saturation_flow_veh_per_h[:, None, :] / 3600.0
        self._capacity = rate[:, :, None, :] * GREENS_S[:, None]  # [J, S, span, N]
        self._turning, self._clears = turns_in_gaps(layout)
        at_least_s = np.where(self._clears.any(axis=1), 0.0, settings.minimum_green_s)
        self._minimum_s = np.maximum(layout.stage_minimum_green_s, at_least_s)
        reach_veh = layout.lanes * layout.advance_distance_m / VEHICLE_SPACE_M
        self._weight_per_veh = settings.fullness / np.maximum(reach_veh, SHORTEST_REACH_VEH)
        self._exits_known = layout.downstream.shape[2] > 0
        self._keeps, self._young = np.full(junctions, KEEPS), np.full(junctions, MINIMUM)
        self._follow(np.zeros(junctions, np.int64))

    def _follow(self, current: Ints) -> None:
        """What depends on the stages that stand, worked out when one changes."""
        self._current, rows = current, self._rows
        span_s = self._span_s[rows, current]
        self._span_from_here_s, self._per_s = span_s[..., None], 1.0 / span_s
        self._least_s = self._minimum_s[rows, current]
        self._own = rows * self._layout.stages + current

    def decide(self, traffic: TrafficState) -> Decision:
        """The worthiest stage; the current one within its minimum green, or when no other is clearly better."""
        if traffic.last_stage is not self._current:
            self._follow(traffic.last_stage)
        current, green_s = self._current, traffic.elapsed_green_s
        young = green_s < self._least_s
        still_young = np.count_nonzero(young)
        if still_young == young.size:
            return stage_or_hold(traffic, current, self._young, green_s, WORDING)
        stage, why, number = self._best(traffic)
        if still_young:
            stage = np.where(young, current, stage)
            why = np.where(young, MINIMUM, why)
            number = np.where(young, green_s, number)
        return stage_or_hold(traffic, stage, why, number, WORDING)

    def _best(self, traffic: TrafficState) -> tuple[Ints, Ints, Floats]:
        """Stage, reason and its figure where the minimum green has run."""
        worth = self._worth(traffic)
        own, other = worth.take(self._own), worth.max(axis=1)
        stage, why, number = self._current, self._keeps, own
        better = other > self._settings.hysteresis * own
        if np.count_nonzero(better):
            stage = np.where(better, worth.argmax(axis=1), stage)
            why = np.where(better, BETTER, why)
            number = np.where(better, other, own)
        starved = traffic.red_s > self._settings.maximum_red_s  # only whoever calls has a red time
        if np.count_nonzero(starved):
            stage, why, number = self._rescue(traffic, starved, worth, stage, why, number)
        if np.count_nonzero(stage != self._current):
            stage, why = self._turners_first(traffic, worth, stage, why)
        return stage, why, number

    def _turners_first(self, traffic: TrafficState, worth: Floats, stage: Ints, why: Ints) -> tuple[Ints, Ints]:
        """Before cross traffic starts, clear whoever still has to turn in gaps, where a stage can.

        A junction whose box is left full locks for good: that is how pressure controllers gridlock.
        """
        rows, current = self._rows, self._current
        waiting = (self._turning[rows, current] & traffic.calls).any(axis=1)
        clears = self._clears[rows, current]
        first = waiting & (stage != current) & clears.any(axis=1) & ~clears[rows, stage]
        best = np.where(clears, worth, -2.0).argmax(axis=1)
        return np.where(first, best, stage), np.where(first, TURNERS, why)

    def _worth(self, traffic: TrafficState) -> Floats:
        """Weighed vehicles per second that each stage would serve, [J, S]."""
        settings, queue = self._settings, traffic.queue_veh
        arriving = traffic.arrival_flow_veh_per_h * (1 / 3600.0)
        served = arriving[:, None, None, :] * self._span_from_here_s
        served += queue[:, None, None, :]
        if self._exits_known:
            room = np.maximum(traffic.exit_room_veh - settings.exit_room_veh, 0.0)
            np.minimum(served, room[:, None, None, :], out=served)
        np.minimum(served, self._capacity, out=served)
        if np.count_nonzero(traffic.blocked):
            served[self._rows, self._current] *= ~traffic.blocked[:, None, :]
        weight = traffic.red_s * (1 / settings.waiting_s)
        weight += queue * self._weight_per_veh
        weight += 1.0
        served *= weight[:, None, None, :]
        per_second = np.add.reduce(served, axis=3) * self._per_s
        return cast(Floats, np.maximum.reduce(per_second, axis=2))

    def _rescue(
        self, traffic: TrafficState, starved: Bools, worth: Floats, stage: Ints, why: Ints, number: Floats
    ) -> tuple[Ints, Ints, Floats]:
        """The stage that serves the longest wait, and among those the worthiest."""
        waits_s = np.where(starved, traffic.red_s, 0.0)
        longest = waits_s.argmax(axis=1)
        serves = self._layout.full_green[self._rows, :, longest]
        rescue = np.where(serves, worth, -2.0).argmax(axis=1)
        needed = waits_s.max(axis=1) > 0
        stage = np.where(needed, rescue, stage)
        return stage, np.where(needed, STARVED, why), np.where(needed, waits_s.max(axis=1), number)


def turns_in_gaps(layout: Layout) -> tuple[Bools, Bools]:
    """Lane groups with a head that yields in a stage, [J, S, N], and stages that give all of those green, [J, S, S]."""
    yields = layout.stage_aspects == Aspect.PERMISSIVE
    green = layout.stage_aspects == Aspect.GREEN
    turning = np.zeros(layout.any_green.shape, bool)
    for row, intersection in enumerate(layout.intersections):
        index = {g.id: k for k, g in enumerate(intersection.signal_groups)}
        for column, group in enumerate(intersection.lane_groups):
            heads = [index[g] for g in group.signal_groups]
            turning[row, :, column] = yields[row][:, heads].any(axis=1)
    clears = (~yields[:, :, None, :] | green[:, None, :, :]).all(axis=3) & yields.any(axis=2)[:, :, None]
    return turning, clears & layout.has_stage[:, None, :]
