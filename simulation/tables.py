"""A case's figures by period, by movement and by link, as columns of equal length; small enough to keep with it.

They follow the accounting of `simulation.measures`: the vehicles scheduled in the window, with all their delay.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from simulation.delay_split import Split
from simulation.link_means import MEASURES, Means
from simulation.measures import MG_PER_KG, Window, in_window
from simulation.movement_watch import MovementWatch
from simulation.network import Network
from simulation.permitted_turns import PermittedTurns

PERIOD_S = 900.0
Table = dict[str, list[Any]]


def period_ends_s(window: Window) -> list[float]:
    """Where periods of 15 minutes end; what is left at the window's end and shorter than half of one joins the last."""
    ends = np.arange(window.begin_s + PERIOD_S, window.end_s - PERIOD_S / 2, PERIOD_S)
    return [*(float(end) for end in ends), window.end_s]


def periods(trips: pd.DataFrame, walks: pd.DataFrame, window: Window) -> Table:
    """Delay, stops and CO2 of who was scheduled in each period; served is whoever ended a trip in it, of all.

    walks: the window's persons and the time that each lost, `lost_s`.
    """
    rows, begin_s = [], window.begin_s
    for end_s in period_ends_s(window):
        own = trips[(trips.depart_s >= begin_s) & (trips.depart_s < end_s)]
        walking = walks[(walks.depart_s >= begin_s) & (walks.depart_s < end_s)]
        hours = (end_s - begin_s) / 3600.0
        due = trips.depart_s < end_s
        rows.append(
            {
                "begin_s": begin_s,
                "end_s": end_s,
                "scheduled": len(own),
                "delay_s": _mean(own.time_loss_s + own.depart_delay_s),
                "stops_per_veh": _mean(own.stops, 3),
                "wait_max_s": _figure((own.waiting_s + own.depart_delay_s).max()),
                "co2_kg": _figure(own.co2_mg.sum() / MG_PER_KG),
                "served_veh_per_h": _figure(trips.arrival_s.between(begin_s, end_s, "left").sum() / hours),
                "not_out_veh": int((due & ~(trips.arrival_s < end_s)).sum()),
                "persons": len(walking),
                "person_delay_s": _mean(walking.lost_s),
            }
        )
        begin_s = end_s
    return {name: [row[name] for row in rows] for name in rows[0]}


def _mean(values: pd.Series, decimals: int = 2) -> float | None:
    return _figure(values.mean(), decimals)


def _figure(value: float, decimals: int = 2) -> float | None:
    """None where there is nothing to have a mean."""
    return None if np.isnan(value) else round(float(value), decimals)


class Places:
    """Adds up vehicles' delays by movement and by link."""

    def __init__(self, network: Network, window: Window) -> None:
        self._network, self._window = network, window
        self._turn = {
            (group.approach, exit_edge): (place, turn)
            for place, group in enumerate(network.movement_groups)
            for exit_edge, turn in group.turn_of.items()
        }
        self._movements: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self._links: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])

    def add(self, split: Split) -> None:
        """Credit a vehicle's delays."""
        for edge, delay_s in zip(split.edges, split.delays_s, strict=False):
            link = self._links[edge]
            link[0] += delay_s
            link[1] += split.entered
        start = self._links[split.edges[0]]
        start[2] += sum(split.delays_s)
        start[3] += 1
        self._add_movements(split)

    def _add_movements(self, split: Split) -> None:
        """Delay on the way to a stop line is that of the movement that the vehicle is to take there."""
        owner, so_far_s, junction = self._network.edge_owner, 0.0, None
        known = len(split.delays_s)
        for place, (edge, onto) in enumerate(zip(split.edges, [*split.edges[1:], ""], strict=True)):
            here = owner.get(edge)
            so_far_s = so_far_s if here == junction else 0.0
            junction = here
            if place < known and here is not None:
                so_far_s += split.delays_s[place]
            elif place >= known and not so_far_s:
                return
            if found := self._turn.get((edge, onto)):
                movement = self._movements[found]
                movement[0] += so_far_s
                movement[1] += split.entered
                movement[2] += place < len(split.exits_s) and split.exits_s[place] < self._window.end_s
                so_far_s, junction = 0.0, None

    def links(self, means: Means) -> Table:
        """Delay of a vehicle on each link, and of the trips that begin there; and what SUMO saw of its traffic."""
        rows = self._links.items()
        co2_kg = means.street_co2_kg
        km = {name: self._network.edges[name][0] / 1000.0 for name in self._links if name in self._network.edges}
        return {
            "link": [name for name, _ in rows],
            "vehicles": [int(n) for _, (_, n, _, _) in rows],
            "delay_s": [round(delay_s / n, 2) if n else None for _, (delay_s, n, _, _) in rows],
            "trips": [int(trips) for _, (*_, trips) in rows],
            "trip_delay_s": [round(whole_s / trips, 2) if trips else None for _, (_, _, whole_s, trips) in rows],
            **{measure: [means.streets.get(name, {}).get(measure) for name, _ in rows] for measure in MEASURES},
            "co2_kg_per_km_h": [
                round(co2_kg[name] / km[name] / self._window.hours, 3) if name in co2_kg and name in km else None
                for name, _ in rows
            ],
        }

    def movements(self, trips: pd.DataFrame, watch: MovementWatch, means: Means, walked: Collection[str] = ()) -> Table:
        """A row each movement group, and where several of its turns are taken one each, without what lanes share.

        walked: the crossings that somebody came to.
        """
        ways = self._ways(in_window(trips, self._window).edges)
        flows = {way: n / self._window.hours for way, n in ways.items()}
        permitted = PermittedTurns(self._network, flows, walked)
        wanted: dict[tuple[int, str], int] = defaultdict(int)
        for way, n in ways.items():
            wanted[self._turn[way]] += n
        rows: list[dict[str, Any]] = []
        for place, each in enumerate(watch.watched):
            group = each.of
            keys = [(place, turn) for turn in group.turns]
            where: dict[str, Any] = {"junction": group.junction, "approach": group.approach, "heading": group.heading}
            own = self._row(keys, wanted)
            shared = each.figures(watch.shown_s[group.junction], own["vehicles"] or math.nan)
            kg = sum(means.lanes_co2_kg.get(lane, 0.0) for lane in group.storage_m)
            shared["co2_kg_per_h"] = round(kg / self._window.hours, 2)
            able = permitted.capacity(group, watch.shown_s[group.junction], max(len(each.queues_veh), 1))
            shared["capacity_yielding_veh_per_h"] = round(able.veh_per_h, 1)
            shared["not_judged_share"] = round(able.not_judged, 4)
            rows.append(where | {"turns": "+".join(group.turns)} | own | shared)
            parts = [where | {"turns": turn} | self._row([(place, turn)], wanted) for _, turn in keys]
            taken = [part for part in parts if part["demand_veh_per_h"]]
            rows += taken if len(taken) > 1 else []
        rows = [row for row in rows if row["vehicles"] or row["demand_veh_per_h"]]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name) for row in rows] for name in names}

    def _row(self, keys: list[tuple[int, str]], wanted: Mapping[tuple[int, str], int]) -> dict[str, Any]:
        delay_s, vehicles, served = np.sum([self._movements[key] for key in keys], axis=0)
        demand = sum(wanted.get(key, 0) for key in keys) / self._window.hours
        return {
            "vehicles": int(vehicles),
            "served": int(served),
            "delay_s": round(delay_s / vehicles, 2) if vehicles else None,
            "demand_veh_per_h": round(demand, 1),
        }

    def _ways(self, routes: Iterable[str]) -> dict[tuple[str, str], int]:
        """How many of the window's vehicles are to take each way over a junction, whether or not they come to it."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for route in routes:
            for way in pairwise(route.split()):
                if way in self._turn:
                    found[way] += 1
        return found
