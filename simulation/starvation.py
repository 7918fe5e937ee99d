"""The longest time that a movement with somebody waiting had no green: ground truth, sampled every five seconds.

A crossing is waited for by persons, as `simulation.buttons` tells them, but whether or not it has a button.

Five seconds is the shortest green there is, so no green falls between two samples.
"""

from __future__ import annotations

from collections import defaultdict

from simulation.buttons import Crossings
from simulation.network import Network
from simulation.sumo import Sumo

SAMPLE_S = 5.0
STANDING_M_PER_S = 0.1


class Starvation:
    """Watches the vehicle at the head of each signalled lane, and which head it waits for."""

    def __init__(self, sumo: Sumo, network: Network) -> None:
        self._sumo = sumo
        self._lanes: dict[str, dict[str, set[int]]] = {}
        for intersection in network.intersections:
            lanes: dict[str, set[int]] = defaultdict(set)
            for link, connections in enumerate(sumo.trafficlight.getControlledLinks(intersection.id)):
                for lane, _, _ in connections:
                    lanes[str(lane)].add(link)
            self._lanes[intersection.id] = dict(lanes)
        self._crossings = Crossings(sumo, network.intersections)
        self._heads = links_of_crossings(network)
        self._since_s: dict[tuple[str, int], float] = {}
        self.longest_s = 0.0
        self.where = ""
        self._next_s = -1.0

    def sample(self, now_s: float) -> None:
        """Look, if five seconds have passed."""
        if now_s < self._next_s:
            return
        self._next_s = now_s + SAMPLE_S
        for junction, lanes in self._lanes.items():
            state = self._sumo.state(junction)
            for lane, links in lanes.items():
                waiting = self._waiting_link(lane, links) if self._sumo.halting(lane) else None
                for link in links:
                    self._count(now_s, (junction, link), link == waiting and state[link] not in "Gg")
        self._look_at_crossings(now_s)

    def _look_at_crossings(self, now_s: float) -> None:
        waited_for = set() if self._crossings.nobody_walks() else self._crossings.waited_for(self._heads)
        for crossing, (junction, links) in self._heads.items():
            state = self._sumo.state(junction) if crossing in waited_for else ""
            for link in links:
                self._count(now_s, (junction, link), state[link : link + 1] in ("r", "y", "Y", "u", "s"))

    def _count(self, now_s: float, head: tuple[str, int], waits: bool) -> None:
        if not waits:
            self._since_s.pop(head, None)
            return
        waited_s = now_s - self._since_s.setdefault(head, now_s)
        if waited_s > self.longest_s:
            self.longest_s, self.where = waited_s, f"{head[0]} link {head[1]}"

    def _waiting_link(self, lane: str, links: set[int]) -> int | None:
        if len(links) == 1:
            return next(iter(links))
        vehicles = self._sumo.lane.getLastStepVehicleIDs(lane)
        if not vehicles or self._sumo.vehicle.getSpeed(vehicles[-1]) > STANDING_M_PER_S:
            return None
        ahead = self._sumo.vehicle.getNextTLS(vehicles[-1])
        return int(ahead[0][1]) if ahead else None


def links_of_crossings(network: Network) -> dict[str, tuple[str, set[int]]]:
    """Per crossing its signal and the links of its heads."""
    found: dict[str, tuple[str, set[int]]] = {}
    for intersection in network.intersections:
        links = {g.id: x for g, x in zip(intersection.signal_groups, network.links[intersection.id], strict=True)}
        for m in (m for m in intersection.movements if m.turn == "crossing"):
            found.setdefault(m.approach, (intersection.id, set()))[1].update(links[m.signal_group])
    return found
