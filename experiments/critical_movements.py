"""Critical movements of a scenario: at which multiple of today's demand its most loaded junction's time is used up.

A reference beside the capacity that is measured, no bound on it. It hopes for too much where a queue blocks a lane
beside it, an exit or the junction, where the demand has a peak within the window, and where persons cross; for too
little where vehicles go on in yellow, or a controller leaves out a stage in some cycles. Turns in gaps are by the HCM's
formulas, with one gap for all drivers, and take all that comes towards them for one stream.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from experiments.case import place_of
from experiments.demand import traffic_of
from experiments.junction_capacity import junction_demand, multiple
from scenarios.catalogue import Scenario, find
from scenarios.traffic import Traffic
from scenarios.traffic import Window as Departures
from signals.intersection import Intersection
from signals.layout import layout
from signals.values import Floats
from simulation.measures import window_of
from simulation.single_lane import discharge_veh_per_h

ROUNDS = 100


@dataclass(frozen=True)
class CriticalMovements:
    """Where the time is used up first, at which multiple (NaN without signals), and at the others."""

    junction: str
    multiple: float
    by_junction: Mapping[str, float]
    saturation_flow_veh_per_h: float
    """Of one lane, as the scenario's vehicles discharge from it."""


def critical_movements(name: str, override_files: tuple[Path, ...] = ()) -> CriticalMovements:
    """Of a scenario's controlled junctions, with the demand scheduled in its window."""
    scenario = find(name)
    window = window_of(scenario.begin_s, scenario.end_s, rules=scenario.rules)
    traffic = traffic_of(scenario, Departures(window.begin_s, window.end_s, 0.0))
    found = layout(place_of(scenario, override_files).network.intersections)
    passages = passages_veh_per_h(scenario, traffic, window.hours)
    vehicles = [t.attributes for t in traffic.travellers if t.tag == "vehicle"]
    speed_m_per_s = float(np.median(found.speed_m_per_s[found.has_group]))
    saturation = discharge_veh_per_h(traffic.definitions, vehicles, speed_m_per_s)
    multiples = {
        intersection.id: multiple(junction_demand(found, row, flows_veh_per_h(intersection, passages), saturation))
        for row, intersection in enumerate(found.intersections)
    }
    first = min(multiples, key=multiples.__getitem__, default="")
    return CriticalMovements(first, multiples.get(first, math.nan), multiples, saturation)


def passages_veh_per_h(scenario: Scenario, traffic: Traffic, hours: float) -> Mapping[tuple[str, str], float]:
    """How many vehicles an hour go from one edge to the next."""
    routes = (t.edges.split() for t in traffic.travellers if t.tag == "vehicle")
    counts = Counter(pair for edges in routes for pair in pairwise(edges))
    return {pair: count * scenario.scale / hours for pair, count in counts.items()}


def flows_veh_per_h(intersection: Intersection, passages: Mapping[tuple[str, str], float]) -> Floats:
    """Vehicles an hour by lane group and head, [N, P]: where several lanes serve a movement, drivers take the emptier.

    A movement names one of its lane groups only; the others are those with the same head and exit.
    """
    lanes = np.array([float(len(group.lanes)) for group in intersection.lane_groups])
    heads = {group.id: k for k, group in enumerate(intersection.signal_groups)}
    serving: dict[tuple[str, str], dict[int, int]] = {}
    for movement in intersection.movements:
        way = movement.approach, movement.exit
        for column, group in enumerate(intersection.lane_groups):
            if group.approach == way[0] and way[1] in group.exits and movement.signal_group in group.signal_groups:
                serving.setdefault(way, {})[column] = heads[movement.signal_group]
    shares = {way: np.zeros(lanes.size) for way in serving if passages.get(way)}
    for _ in range(ROUNDS):
        for way in shares:
            others = sum((each for key, each in shares.items() if key != way), np.zeros(lanes.size))
            shares[way] = _spread(passages[way], list(serving[way]), others, lanes)
    flows = np.zeros((lanes.size, len(heads)))
    for way, share in shares.items():
        for column, head in serving[way].items():
            flows[column, head] += share[column]
    return flows


def _spread(flow: float, columns: list[int], others: Floats, lanes: Floats) -> Floats:
    """One movement's flow over its lane groups, so that those which get some are equally full."""
    spread = np.zeros(lanes.size)
    by_level = sorted(columns, key=lambda column: others[column] / lanes[column])
    for count in range(len(by_level), 0, -1):
        used = by_level[:count]
        level = (flow + others[used].sum()) / lanes[used].sum()
        if all(others[column] / lanes[column] <= level for column in used):
            spread[used] = level * lanes[used] - others[used]
            return spread
    return spread
