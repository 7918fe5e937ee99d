"""Capacity of left turns that yield: gap acceptance once the opposing queue has cleared (HCM 2010, chapter 31).

    s = v e^(-v t_c) / (1 - e^(-v t_f)),   vehicles a green = 2 + s E[max(0, g - q r / (s_o - q) - 2 / s)]

v is the opposing flow, s what turns through its gaps, with the manual's critical and follow-up headways; g is the green
that yields, and from it goes the time in which the opposing lanes, of flow q and saturation flow s_o, serve the queue
of their red r; greens are taken to begin together. Two turn at the end of a green whatever came. The manual takes the
queue for its mean; here it is a mean over cycles, with Poisson arrivals, as a mean queue hides the cycles without one.

Turns that share a lane with others, right turns, and whoever yields to people on foot count as if they did not yield,
and are told as not judged.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from signals.intersection import Intersection, LaneGroup, Movement
from simulation.movement_groups import MovementGroup
from simulation.network import Network

CRITICAL_S, FOLLOW_UP_S = 4.5, 2.5
"""Headways of permitted left turns from a lane of their own."""
TURN_AT_THE_END = 2.0
"""Vehicles that have waited inside the junction and turn as a green ends."""
JUDGED = {"left", "u-turn"}
Way = tuple[str, str]
Flows = Mapping[Way, float]
"""Vehicles an hour from an approach to an exit."""


class Capacity(NamedTuple):
    """`not_judged`: share of the green that yields and is counted as if it did not."""

    veh_per_h: float
    not_judged: float


def gap_acceptance_veh_per_h(opposing_veh_per_h: float) -> float:
    """How many an hour turn through the gaps of an opposing flow that is not queued."""
    per_s = opposing_veh_per_h / 3600.0
    if per_s <= 0.0:
        return 3600.0 / FOLLOW_UP_S
    return opposing_veh_per_h * math.exp(-per_s * CRITICAL_S) / (1.0 - math.exp(-per_s * FOLLOW_UP_S))


def mean_above(mean: float, spread: float) -> float:
    """The mean of what a normal quantity has above none."""
    if spread <= 0.0 or math.isinf(mean):
        return max(mean, 0.0)
    z = mean / spread
    return mean * (1.0 + math.erf(z / math.sqrt(2.0))) / 2.0 + spread * math.exp(-z * z / 2.0) / math.sqrt(math.tau)


class PermittedTurns:
    """Of a network, as its signals showed and its traffic wanted to go."""

    def __init__(self, network: Network, flows: Flows, walked: Collection[str]) -> None:
        """walked: crossings that somebody came to."""
        self._junctions = {i.id: _Junction(network, i, flows, walked) for i in network.intersections}

    def capacity(self, group: MovementGroup, shown_s: Mapping[str, float], greens: int) -> Capacity:
        """Of all its lanes but those for bicycles alone. shown_s: how long its signal showed each state."""
        junction = self._junctions[group.junction]
        lanes = [junction.capacity(each, shown_s, greens) for each in junction.lanes_of(group)]
        green_s = sum(each.green_s for each in lanes)
        total_s = sum(shown_s.values()) or 1.0
        vehicles = sum(each.vehicles for each in lanes)
        return Capacity(vehicles * 3600.0 / total_s, sum(each.not_judged_s for each in lanes) / (green_s or 1.0))


class _Discharge(NamedTuple):
    vehicles: float
    green_s: float
    not_judged_s: float


class _Junction:
    def __init__(self, network: Network, intersection: Intersection, flows: Flows, walked: Collection[str]) -> None:
        links, self._crossing = network.links[intersection.id], network.ways_crossing.get(intersection.id, frozenset())
        self._links = {g.id: own for g, own in zip(intersection.signal_groups, links, strict=True)}
        self._lane_groups = {g.id: g for g in intersection.lane_groups}
        self._movements, self._flows = intersection.movements, flows
        self._foes: dict[str, set[str]] = defaultdict(set)
        for conflict in intersection.conflicts:
            self._foes[conflict.first].add(conflict.second)
            self._foes[conflict.second].add(conflict.first)
        self._walks = {m.signal_group for m in self._movements if m.turn == "crossing" and m.approach in walked}
        self._driven: dict[str, list[Movement]] = defaultdict(list)
        for movement in self._movements:
            if movement.turn != "crossing":
                self._driven[movement.signal_group].append(movement)

    def lanes_of(self, group: MovementGroup) -> list[LaneGroup]:
        own = [self._lane_groups[name] for name in group.lane_groups]
        return [each for each in own if not each.button] or own

    def capacity(self, lanes: LaneGroup, shown_s: Mapping[str, float], greens: int) -> _Discharge:
        """Second by second: at saturation flow, or by whom it yields to."""
        links = [link for head in lanes.signal_groups for link in self._links[head]]
        judged = {m.turn for m in self._movements if m.lane_group == lanes.id} <= JUDGED
        free_s = not_judged_s = 0.0
        yields_s: dict[frozenset[str], float] = defaultdict(float)
        for state, time_s in shown_s.items():
            letters = {state[link] for link in links} & {"G", "g"}
            to = self._yields_to(lanes, state) if letters == {"g"} else frozenset()
            if to and judged and not to & self._walks:
                yields_s[to] += time_s
            elif letters:
                free_s += time_s
                not_judged_s += time_s if to else 0.0
        turning = sum(self._turning(lanes, to, time_s, shown_s, greens) for to, time_s in yields_s.items())
        vehicles = free_s * lanes.saturation_flow_veh_per_h / 3600.0 + turning
        return _Discharge(vehicles, free_s + sum(yields_s.values()), not_judged_s)

    def _yields_to(self, lanes: LaneGroup, state: str) -> frozenset[str]:
        """The heads whose way crosses and that show a green of their own; crossings only where somebody walks."""
        foes = set().union(*(self._foes[head] for head in lanes.signal_groups))
        known = {foe for foe in foes if foe in self._driven or foe in self._walks}
        return frozenset(foe for foe in known if any(state[link] == "G" for link in self._links[foe]))

    def _turning(
        self, lanes: LaneGroup, heads: frozenset[str], time_s: float, shown_s: Mapping[str, float], greens: int
    ) -> float:
        """Vehicles in all the time, of so many greens; a head may serve other ways beside those that are crossed."""
        own = [(lanes.approach, exit_edge) for exit_edge in lanes.exits]
        opposed = [movement for head in heads for movement in self._driven[head]]
        movements = [m for m in opposed if any((way, (m.approach, m.exit)) in self._crossing for way in own)]
        per_s = gap_acceptance_veh_per_h(sum(self._flow(movement) for movement in movements)) / 3600.0
        queues = [self._queue_s(each, shown_s, greens) for each in {m.lane_group for m in movements}]
        mean_s, spread_s = max(queues, default=(0.0, 0.0))
        beyond_s = mean_above(time_s / greens - mean_s - TURN_AT_THE_END / per_s, spread_s)
        return greens * (TURN_AT_THE_END + per_s * beyond_s)

    def _flow(self, movement: Movement) -> float:
        """A way's vehicles are shared by the lanes that serve it."""
        way = movement.approach, movement.exit
        return self._flows.get(way, 0.0) / sum((m.approach, m.exit) == way for m in self._movements)

    def _queue_s(self, lane_group: str, shown_s: Mapping[str, float], greens: int) -> tuple[float, float]:
        """Mean and standard deviation of the time that it takes to serve the queue of one red (M/D/1 busy period)."""
        lanes = self._lane_groups[lane_group]
        links = [link for head in lanes.signal_groups for link in self._links[head]]
        red_s = sum(time_s for state, time_s in shown_s.items() if not any(state[link] in "Gg" for link in links))
        arriving = sum(self._flow(m) for m in self._movements if m.lane_group == lane_group)
        full = arriving / lanes.saturation_flow_veh_per_h
        if full >= 1.0:
            return math.inf, 0.0
        headway_s, queued = 3600.0 / lanes.saturation_flow_veh_per_h, arriving * red_s / greens / 3600.0
        mean_s = queued * headway_s / (1.0 - full)
        variance = queued * headway_s**2 / (1.0 - full) ** 2 * (1.0 + full / (1.0 - full))
        return mean_s, math.sqrt(variance)
