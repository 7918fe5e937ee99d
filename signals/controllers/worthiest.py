"""What `max-pressure` and `adaptive` share: the stage whose green is worth most per second, lost time included.

A lane group's waiting vehicles, and those that arrive meanwhile, are cut to what its exits can take; a stage's worth is
what it would serve of them per second over all its green links, in the best of a few spans of green. A change of
stage first loses its interstage and start-up time, so it has to be worth more. Whoever has waited for the maximum red
goes first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, cast

import numpy as np
from pydantic import Field

from signals.controllers.common import interstages_s
from signals.intersection import Aspect, Frozen
from signals.layout import VEHICLE_SPACE_M, Layout
from signals.values import TRANSITION, Bools, Decision, Floats, Ints, TrafficState, every, some

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
RECALLED_GREEN_S = 15.0
"""Least green of who is rescued though no loop has told of him: what waits there nobody knows."""
MINIMUM, KEEPS, BETTER, STARVED, TURNERS = range(1, 6)


class WorthiestSettings(Frozen):
    """Parameters that both have; one set for all junctions."""

    minimum_green_s: Annotated[
        float, Field(ge=0, le=60, description="Shortest green of a stage, if its own is less.")
    ] = 13.0
    startup_lost_s: Annotated[float, Field(ge=0, le=5, description="Green that a queue loses in starting.")] = 2.0
    maximum_red_s: Annotated[float, Field(ge=30, le=240, description="Longest wait of a lane group with a call.")] = (
        100.0
    )
    exit_room_veh: Annotated[float, Field(ge=0, le=20, description="Room that an exit must have left.")] = 3.0


class Worthiest(ABC):
    """Decides for all junctions at once; remembers only what it has worked out for the stages that stand.

    It is worked out anew when a state brings other arrays of stages, since those that travel are never changed.
    What each stage is worth is arrays over all junctions; whoever changes for another reason is rare, and decided by
    itself. A strategy says how waiting vehicles weigh (`_weigh`) and when another stage is better (`_better`).
    """

    wording: tuple[str, ...] = WORDING

    def __init__(self, layout: Layout, settings: WorthiestSettings) -> None:
        self._layout, self._exit_room_veh = layout, settings.exit_room_veh
        self._shape = junctions, stages = len(layout.intersections), layout.stages
        lost_s = interstages_s(layout) + settings.startup_lost_s * ~np.eye(stages, dtype=bool)
        spans_s = lost_s[:, :, None, :] + GREENS_S[:, None]  # [J, current S, span, S]
        self._spans_s, self._spans_per_s = [*map(list, spans_s)], [*map(list, 1.0 / spans_s)]
        self._index_served(layout)
        self._turning_which, self._clears_which = turning, clears = turns_in_gaps(layout)
        self._turning, self._clears = places(turning), places(clears)
        self._minimum_s = self._shortest_s(layout, settings.minimum_green_s)
        served = layout.full_green.any(axis=1)  # a turn on red alone has no stage that could come to its rescue
        self._maximum_red_s = np.where(served, settings.maximum_red_s, np.inf)
        self._exits_known = layout.downstream.shape[2] > 0
        self._keeps = np.full(junctions, KEEPS)
        cells = np.concatenate([layout.stop_cell, layout.advance_cell])
        self._watched = np.bincount(cells, minlength=layout.has_group.size).reshape(layout.shape) > 0
        self._recalled: Ints = np.full(junctions, -1)
        self._stage: Ints | None = None
        self._current: Ints = np.full(junctions, -1)
        self._own, self._green_s = np.zeros(junctions, np.int64), np.zeros(junctions)
        self._span_s = np.zeros((GREENS_S.size, 1, junctions * stages))
        self._per_s = np.zeros((GREENS_S.size, junctions * stages))
        self._follow(np.zeros(junctions, np.int64), np.zeros(junctions, np.int64))

    def _index_served(self, layout: Layout) -> None:
        """For each stage the lane groups that it serves, one behind the other, and what it can serve of each.

        Most stages serve few, so this is a fraction of all pairs. Stages that serve fewer than others have the first
        lane group with a capacity of none. Both arrays end in [J * S].
        """
        junctions, groups = layout.shape
        served = places(layout.serves > 0)
        most = max((len(of) for row in served for of in row), default=1)
        rate = layout.serves * layout.saturation_flow_veh_per_h[:, None, :] / 3600.0
        cells, rates = np.zeros((most, *self._shape), np.int64), np.zeros((most, *self._shape))
        for row in range(junctions):
            for stage, of in enumerate(served[row]):
                for k, group in enumerate(of):
                    cells[k, row, stage] = row * groups + group
                    rates[k, row, stage] = rate[row, stage, group]
        self._cells = cells.reshape(most, -1)
        self._capacity = GREENS_S[:, None, None] * rates.reshape(most, -1)  # [span, k, J * S]
        self._facts = np.zeros((4, *layout.shape))

    def _follow(self, stage: Ints, current: Ints) -> None:
        """What depends on the stages that stand, or stood last, worked out where they change."""
        stages = self._shape[1]
        for row in (current != self._current).nonzero()[0].tolist():
            last = int(current[row])
            of = slice(row * stages, (row + 1) * stages)
            self._span_s[:, 0, of], self._per_s[:, of] = self._spans_s[row][last], self._spans_per_s[row][last]
            self._green_s[row] = self._minimum_s[row, last]
            if self._recalled[row] == last:
                self._green_s[row] = max(self._green_s[row], RECALLED_GREEN_S)
            self._recalled[row] = -1
            self._own[row] = row * stages + last
        self._stage, self._current = stage, current
        confirmed = stage != TRANSITION
        self._mode = confirmed.view(np.int8)  # Mode.GO is 1 and Mode.HOLD 0
        self._young = confirmed * MINIMUM  # the first wording in an interstage
        self._least_s = np.where(confirmed, self._green_s, np.inf)

    def decide(self, traffic: TrafficState) -> Decision:
        """The worthiest stage; the current one within its minimum green, or when no other is clearly better."""
        if traffic.stage is not self._stage or traffic.last_stage is not self._current:
            self._follow(traffic.stage, traffic.last_stage)
        green_s = traffic.elapsed_green_s
        old = green_s >= self._least_s
        if not some(old):
            return Decision(traffic.time_s, self._mode, self._current, self._young, green_s, self.wording)
        return Decision(traffic.time_s, self._mode, *self._best(traffic, old), self.wording)

    def _best(self, traffic: TrafficState, old: Bools) -> tuple[Ints, Ints, Floats]:
        """Stage, reason and its figure; only where the minimum green has run (`old`) another than the current."""
        worth = self._worth(traffic)
        own, other = worth.take(self._own), np.maximum.reduce(worth.reshape(self._shape), axis=1)
        better = self._better(traffic, own, other)
        better &= old
        why, number = self._keeps, own
        if not every(old):
            why, number = np.where(old, KEEPS, self._young), np.where(old, own, traffic.elapsed_green_s)
        beyond_s = traffic.red_s - self._longest_red_s(traffic)  # only whoever calls has a red time
        starved = beyond_s > 0
        if some(better) or some(starved):
            return self._changed(traffic, worth, better, np.where(old[:, None], beyond_s, 0.0), why.copy(), number)
        return self._current, why, number

    def _changed(
        self, traffic: TrafficState, worth: Floats, better: Bools, beyond_s: Floats, why: Ints, number: Floats
    ) -> tuple[Ints, Ints, Floats]:
        """With other stages for some: the worthiest, or that of whoever has waited for the maximum red."""
        stage = self._current.copy()
        rows: list[int] = better.nonzero()[0].tolist()
        for row in rows:
            of = self._stages_worth(worth, row)
            stage[row] = best = of.argmax()
            self._recalled[row] = -1
            why[row], number[row] = BETTER, of[best]
        late: list[int] = (np.maximum.reduce(beyond_s, axis=1) > 0).nonzero()[0].tolist()
        for row in late:
            longest = int(beyond_s[row].argmax())
            stage[row], why[row] = self._rescue(worth, row, longest), STARVED
            number[row] = traffic.red_s[row, longest]
            unseen = self._watched[row, longest] and traffic.gap_s[row, longest] >= traffic.red_s[row, longest]
            self._recalled[row] = stage[row] if unseen else -1
        for row in rows + late:
            self._turners_first(traffic, worth, row, stage, why)
        return stage, why, number

    def _stages_worth(self, worth: Floats, row: int) -> Floats:
        stages = self._shape[1]
        return worth[row * stages : (row + 1) * stages]

    def _turners_first(self, traffic: TrafficState, worth: Floats, row: int, stage: Ints, why: Ints) -> None:
        """Before cross traffic starts, clear whoever still has to turn in gaps, where a stage can.

        A junction whose box is left full locks for good: that is how pressure controllers gridlock.
        """
        current, wished = int(self._current[row]), int(stage[row])
        clears = self._clears[row][current]
        if clears and wished not in (current, *clears):
            calls: list[bool] = traffic.calls[row].tolist()
            if any(calls[group] for group in self._turning[row][current]):
                of: list[float] = self._stages_worth(worth, row).tolist()
                stage[row], why[row] = max(clears, key=of.__getitem__), TURNERS

    def _shortest_s(self, layout: Layout, minimum_green_s: float) -> Floats:
        """The shortest green of each stage, [J, S]; those that clear who turns in gaps have their own."""
        at_least_s = np.where(self._clears_which.any(axis=1), 0.0, minimum_green_s)
        return np.maximum(layout.stage_minimum_green_s, at_least_s)

    @abstractmethod
    def _better(self, traffic: TrafficState, own: Floats, other: Floats) -> Bools:
        """Where [J] the worthiest stage, worth `other`, is better enough than the one that stands, worth `own`."""

    @abstractmethod
    def _weigh(self, traffic: TrafficState, arriving: Floats, waiting: Floats, weight: Floats) -> None:
        """Fill in how much each lane group's vehicles count; `arriving` per second and `waiting` are there."""

    def _longest_red_s(self, traffic: TrafficState) -> Floats:
        """After which lane groups [J, N] go first."""
        return self._maximum_red_s

    def _worth(self, traffic: TrafficState) -> Floats:
        """Weighed vehicles per second that each stage would serve, [J * S]."""
        arriving, waiting, weight, room = self._facts
        np.multiply(traffic.arrival_flow_veh_per_h, 1 / 3600.0, out=arriving)
        np.add(traffic.queue_veh, traffic.approaching_veh, out=waiting)
        self._weigh(traffic, arriving, waiting, weight)
        if self._exits_known:
            np.subtract(traffic.exit_room_veh, self._exit_room_veh, out=room)
            np.maximum(room, 0.0, out=room)
        arriving, waiting, weight, room = self._facts.reshape(4, -1).take(self._cells, axis=1)
        served: Floats = arriving * self._span_s
        served += waiting
        if self._exits_known:
            np.minimum(served, room, out=served)
        np.minimum(served, self._capacity, out=served)
        if some(traffic.blocked):
            served[:, :, self._own] *= ~traffic.blocked.take(self._cells[:, self._own])
        served *= weight
        per_second = np.add.reduce(served, axis=1)
        per_second *= self._per_s
        return cast(Floats, np.maximum.reduce(per_second, axis=0))

    def _rescue(self, worth: Floats, row: int, longest: int) -> int:
        """The worthiest of the stages that serve the lane group with the longest wait."""
        serves = self._layout.full_green[row, :, longest]
        return int(np.where(serves, self._stages_worth(worth, row), -2.0).argmax())


def per_vehicle(layout: Layout, fullness: float) -> Floats:
    """What each vehicle adds to the weight of its lane group [J, N], `fullness` where its reach is full."""
    reach_veh = layout.lanes * layout.advance_distance_m / VEHICLE_SPACE_M
    weight: Floats = fullness / np.maximum(reach_veh, SHORTEST_REACH_VEH)
    return weight


def places(which: Bools) -> list[list[list[int]]]:
    """Where the last axis of [J, S, ...] is true."""
    return [[np.flatnonzero(of).tolist() for of in row] for row in which]


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
