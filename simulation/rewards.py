"""What an agent is paid for: ground truth, read from SUMO, never visible to a controller.

Both choices are levels, not differences, so that they add up to the time that vehicles lose and do not telescope. Both
count vehicles that found no room to enter, so that nothing is won by locking them out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from signals.values import Floats
from simulation.network import Network
from simulation.sumo import Sumo

UNIT_VEH = 100.0
"""A reward of -1 is a hundred vehicles that wait as long as a decision stands, so that gradients are near 1."""


def waiting_veh(sumo: Sumo, network: Network, edge: str) -> float:
    """Vehicles that stand on an edge, or wait to enter there."""
    return float(sumo.edge_halting(edge) + sumo.waiting_outside(edge))


def delayed_veh(sumo: Sumo, network: Network, edge: str) -> float:
    """Vehicles on an edge in proportion to the speed that they lack, and those that wait to enter there."""
    moving = float(sumo.edge_vehicles(edge))
    lack = max(0.0, 1.0 - sumo.edge_mean_speed(edge) / network.edges[edge][1]) if moving else 0.0
    return moving * lack + sumo.waiting_outside(edge)


COSTS: dict[str, Callable[[Sumo, Network, str], float]] = {"waiting": waiting_veh, "delay": delayed_veh}
"""What vehicles cost a junction in a second, by the name of the reward."""


class Reward:
    """Pays each junction for the vehicles on their way to its stop lines; add up over ticks, then settle."""

    def __init__(self, sumo: Sumo, network: Network, routes: Iterable[str], kind: str) -> None:
        self._sumo, self._network, self._cost = sumo, network, COSTS[kind]
        owner = edges_by_junction(network, routes)
        self._edges = [owner[i.id] for i in network.intersections]
        self._cost_veh = np.zeros(len(self._edges))
        self._ticks = 0

    def sample(self) -> None:
        """Look at the street as it is now."""
        for row, edges in enumerate(self._edges):
            self._cost_veh[row] += sum(self._cost(self._sumo, self._network, edge) for edge in edges)
        self._ticks += 1

    def settle(self) -> Floats:
        """The reward [J] for the time since the last settlement."""
        paid: Floats = -self._cost_veh / (max(self._ticks, 1) * UNIT_VEH)
        self._cost_veh, self._ticks = np.zeros(len(self._edges)), 0
        return paid


def edges_by_junction(network: Network, routes: Iterable[str]) -> dict[str, list[str]]:
    """For each junction the edges whose vehicles mostly meet its stop line next, by the routes driven."""
    stop_line = {edge: junction for junction, edges in network.approach_edges.items() for edge in edges}
    met: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for route, vehicles in Counter(routes).items():
        ahead = None
        for edge in reversed(route.split()):
            ahead = stop_line.get(edge, ahead)
            if ahead is not None:
                met[edge][ahead] += vehicles
    found: dict[str, list[str]] = {i.id: list(network.approach_edges[i.id]) for i in network.intersections}
    for edge in sorted(met.keys() - stop_line.keys()):
        found[met[edge].most_common(1)[0][0]].append(edge)
    return found
