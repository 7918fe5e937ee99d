"""`adaptive`: serves until nobody comes, then whoever is worth most; greens grow as the streets fill.

What a stage is worth is vehicles served per second, lost time included, and weighed by how long they have waited and
how full their lanes are (see `worthiest` and `max_pressure`). Three things make it differ from `max-pressure`, whose
greens are the shorter the longer all queues are:

- A green ends early, as an actuated one does, in the first gap of those whom it serves (Signal Timing Manual, passage
  time); while they keep coming another stage must be worth several times as much. So with queues everywhere a stage
  goes on until its own are served, and little is lost in changing.
- Behind a lane too short for its queue stands its whole approach: it counts as waiting, and such a lane waits less.
  Where it fills from where no loop looks, its green has a minimum of its own.
- Who turns in gaps, and whoever stands behind him within the junction, is shown a short protected green before cross
  traffic starts: a junction whose box is left full locks for good. Two a lane (HCM: sneakers) are left to a long
  interstage, where the green has been long enough for gaps, one lane alone still turns, and nothing holds it up.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from signals.controllers.common import interstages_s
from signals.controllers.worthiest import STARVED, WORDING, Worthiest, WorthiestSettings, per_vehicle, places
from signals.intersection import Aspect
from signals.layout import Layout
from signals.values import Bools, Floats, Ints, TrafficState

SETTLING = len(WORDING)
SHORT_VEH = 5.0
"""A lane with room for fewer is a bay, or a stub between two junctions: its queue soon reaches who is not in it."""


class AdaptiveSettings(WorthiestSettings):
    """Parameters of `adaptive`; one set for all junctions."""

    minimum_green_s: Annotated[
        float, Field(ge=0, le=60, description="Shortest green of a stage, if its own is less.")
    ] = 5.0
    passage_s: Annotated[float, Field(ge=1, le=10, description="A gap longer than this ends the green.")] = 3.0
    hysteresis: Annotated[
        float, Field(ge=1, le=20, description="How many times better another stage must be while vehicles keep coming.")
    ] = 2.5
    fan_hysteresis: Annotated[
        float, Field(ge=1, le=20, description="The same times at a junction with an approach that fans out.")
    ] = 1.5
    waiting_s: Annotated[float, Field(ge=10, le=1e6, description="Red after which a vehicle counts double.")] = 120.0
    fullness: Annotated[float, Field(ge=0, le=50, description="Extra weight of a lane group whose reach is full.")] = (
        6.0
    )
    short_lane_red_s: Annotated[
        float, Field(ge=15, le=240, description="Longest wait of a full lane that holds few vehicles.")
    ] = 30.0
    short_lane_passage_s: Annotated[
        float,
        Field(ge=1, le=15, description="A gap longer than this ends the green of a lane that holds few vehicles."),
    ] = 5.0
    short_lane_hysteresis: Annotated[
        float, Field(ge=1, le=20, description="The same times, while a lane that holds few vehicles fills from behind.")
    ] = 6.0
    stub_green_s: Annotated[
        float, Field(ge=0, le=60, description="Shortest green of a stub that fills from where no loop looks.")
    ] = 12.0
    sneaking_s: Annotated[
        float, Field(ge=0, le=20, description="Who turned in gaps leaves in an interstage that long; 20: in none.")
    ] = 4.5
    sneaking_green_s: Annotated[
        float, Field(ge=0, le=60, description="Least green before such an interstage, while one who turns calls.")
    ] = 20.0
    sneakers_veh: Annotated[
        float, Field(ge=0, le=100, description="Vehicles a lane that turn in such an interstage.")
    ] = 2.0


class Adaptive(Worthiest):
    """The worthiest stage, once the one that stands has a gap or another is worth much more."""

    wording = (*WORDING, "keeps green: who turns in gaps has time for it")

    def __init__(self, layout: Layout, settings: AdaptiveSettings) -> None:
        self._settings, self._approach = settings, same_approach(layout)
        super().__init__(layout, settings)
        self._rows = np.arange(len(layout.intersections))
        self._weight_per_veh = per_vehicle(layout, settings.fullness)
        short = short_lanes(layout)
        self._full_veh = np.where(short, np.maximum(layout.room_veh - 1.0, 1.0), np.inf)
        self._short, self._any_short = short, bool(short.any())
        self._passage_s = np.where(short, settings.short_lane_passage_s, settings.passage_s)
        self._short_red_s = np.minimum(self._maximum_red_s, settings.short_lane_red_s)
        self._hysteresis = np.where(fans(layout), settings.fan_hysteresis, settings.hysteresis)
        stubs: Bools = np.logical_or.reduce(short, axis=1)
        self._sneaks = (interstages_s(layout) >= settings.sneaking_s) & ~stubs[:, None, None]
        self._sneakers_veh = settings.sneakers_veh * layout.lanes
        self._bays = places(self._turning_which & turning_only(layout))

    def _shortest_s(self, layout: Layout, minimum_green_s: float) -> Floats:
        shortest_s = super()._shortest_s(layout, minimum_green_s)
        filled = fill_unseen(layout, self._approach)
        return np.where(filled, np.maximum(shortest_s, self._settings.stub_green_s), shortest_s)

    def _weigh(self, traffic: TrafficState, arriving: Floats, waiting: Floats, weight: Floats) -> None:
        np.multiply(traffic.red_s, 1 / self._settings.waiting_s, out=weight)
        weight += waiting * self._weight_per_veh
        weight += 1.0
        if self._any_short:
            full = waiting >= self._full_veh
            behind_veh_per_s = np.matmul(self._approach, arriving[:, :, None])[:, :, 0]
            waiting += behind_veh_per_s * traffic.red_s * full

    def _better(self, traffic: TrafficState, own: Floats, other: Floats) -> Bools:
        served = self._layout.any_green[self._rows, self._current]
        comes = served & (traffic.calls | self._short) & ~traffic.blocked
        comes &= traffic.gap_s <= self._passage_s
        times = np.where(comes.any(axis=1), self._hysteresis, 1.0)
        if self._any_short:
            times[(comes & self._short).any(axis=1)] = self._settings.short_lane_hysteresis
        better: Bools = other > times * own
        return better

    def _longest_red_s(self, traffic: TrafficState) -> Floats:
        if not self._any_short:
            return self._maximum_red_s
        full = traffic.queue_veh + traffic.approaching_veh >= self._full_veh
        return np.where(full, self._short_red_s, self._maximum_red_s)

    def _turners_first(self, traffic: TrafficState, worth: Floats, row: int, stage: Ints, why: Ints) -> None:
        current, wished = int(self._current[row]), int(stage[row])
        clears = self._clears[row][current]
        if clears and wished not in (current, *clears) and not self._can_sneak(traffic, row, current, wished):
            if why[row] != STARVED and self._may_settle(traffic, row, current, wished):
                stage[row], why[row] = current, SETTLING
            else:
                super()._turners_first(traffic, worth, row, stage, why)

    def _can_sneak(self, traffic: TrafficState, row: int, current: int, wished: int) -> bool:
        """Whether those who turn in gaps, and whoever stands behind them in the junction, leave in an interstage.

        In the first seconds of a green the opposing queue lets nobody turn, and a lane that has green and stands has
        somebody in the junction who holds it up: what then remains is there when cross traffic starts.
        """
        calls, blocked = traffic.calls[row], traffic.blocked[row]
        calling = [group for group in self._turning[row][current] if calls[group]]
        if not calling or not self._sneaks[row, current, wished]:
            return not calling
        waiting = traffic.queue_veh[row] + traffic.approaching_veh[row]
        return (
            len(calling) == 1
            and not blocked[calling[0]]
            and float(traffic.elapsed_green_s[row]) >= self._settings.sneaking_green_s
            and all(waiting[group] <= self._sneakers_veh[row, group] for group in self._bays[row][current])
        )

    def _may_settle(self, traffic: TrafficState, row: int, current: int, wished: int) -> bool:
        """Whether the green is too young for it, and no two lanes hold each other up."""
        if not self._sneaks[row, current, wished]:
            return False
        held = sum(bool(traffic.blocked[row, group]) for group in self._turning[row][current])
        return held < 2 and float(traffic.elapsed_green_s[row]) < self._settings.sneaking_green_s


def turning_only(layout: Layout) -> Bools:
    """Lane groups [J, S, N] that have no protected green in a stage: who turns in gaps holds up nobody but his like."""
    only = layout.any_green.copy()
    for row, intersection in enumerate(layout.intersections):
        index = {g.id: k for k, g in enumerate(intersection.signal_groups)}
        for column, group in enumerate(intersection.lane_groups):
            heads = [index[g] for g in group.signal_groups]
            only[row, :, column] &= (layout.stage_aspects[row][:, heads] != Aspect.GREEN).all(axis=1)
    return only


def fans(layout: Layout) -> Bools:
    """Junctions [J] with an approach that fans out into several lane groups below its advance loop.

    Such lanes discharge at their saturation flow for as long as those who stand in them last, and then only as fast as
    the lanes behind bring others.
    """
    several = [
        any(d.kind == "advance" and len(d.lane_groups) > 1 for d in intersection.detectors)
        for intersection in layout.intersections
    ]
    return np.array(several, bool)


def short_lanes(layout: Layout) -> Bools:
    """Lane groups [J, N] that are bays or stubs: their lanes have room for few."""
    short: Bools = layout.has_group & (layout.room_veh < SHORT_VEH * layout.lanes)
    return short


def same_approach(layout: Layout) -> Floats:
    """Which lane groups are of one approach, 1 or 0 [J, N, N]."""
    same = np.zeros((*layout.shape, layout.shape[1]))
    for row, intersection in enumerate(layout.intersections):
        of = np.array([group.approach for group in intersection.lane_groups])
        same[row, : of.size, : of.size] = of[:, None] == of
    return same


def fill_unseen(layout: Layout, approach: Floats) -> Bools:
    """Stages [J, S] that serve the whole of an approach with a short lane that no advance loop watches.

    Such a stub fills from where no loop looks, often at a yield: who comes from there waits until the queue that is
    seen has gone, and is the last to get in before a green ends. approach: `same_approach`.
    """
    unseen = short_lanes(layout) & (layout.advance_distance_m == 0)
    of = np.matmul(approach, unseen[:, :, None])[:, :, 0] > 0
    whole = (layout.full_green | ~of[:, None, :]).all(axis=2)
    stages: Bools = whole & layout.has_stage & of.any(axis=1)[:, None]
    return stages
