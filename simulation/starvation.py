"""The longest time that a movement with a waiting vehicle had no green: ground truth, sampled every five seconds.

Five seconds is the shortest green there is, so no green falls between two samples.
"""

from __future__ import annotations

from collections import defaultdict

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
                self._look(now_s, junction, lane, links, state)

    def _look(self, now_s: float, junction: str, lane: str, links: set[int], state: str) -> None:
        waiting = self._waiting_link(lane, links) if self._sumo.halting(lane) else None
        for link in links:
            key = junction, link
            if link != waiting or state[link] in "Gg":
                self._since_s.pop(key, None)
            else:
                waited_s = now_s - self._since_s.setdefault(key, now_s)
                if waited_s > self.longest_s:
                    self.longest_s, self.where = waited_s, f"{junction} link {link}"

    def _waiting_link(self, lane: str, links: set[int]) -> int | None:
        if len(links) == 1:
            return next(iter(links))
        vehicles = self._sumo.lane.getLastStepVehicleIDs(lane)
        if not vehicles or self._sumo.vehicle.getSpeed(vehicles[-1]) > STANDING_M_PER_S:
            return None
        ahead = self._sumo.vehicle.getNextTLS(vehicles[-1])
        return int(ahead[0][1]) if ahead else None
