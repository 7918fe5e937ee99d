"""What happens at the stop lines of movement groups in the window: greens, queues, stops and waits; ground truth.

Heads are looked at every step and queues every five seconds, and as a green begins. Kept are times by what a signal
shows, the longest queue of each cycle and a few sums, so that memory does not grow with the traffic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from signals.intersection import Intersection
from simulation.measures import Window
from simulation.movement_groups import MovementGroup
from simulation.network import Network
from simulation.sumo import Sumo

SAMPLE_S = 5.0
VEHICLE_M = 7.5
"""Road that a standing vehicle takes: SUMO's default length and gap."""
Lanes = tuple[tuple[float, tuple[int, ...]], ...]


@dataclass
class Watched:
    """A movement group and what was seen of it. `lanes`: saturation flow and links of each of its lane groups."""

    of: MovementGroup
    lanes: Lanes
    is_green: bool = False
    queue_veh: int = 0
    queues_veh: list[int] = field(default_factory=list)
    """The longest of each cycle, from one beginning of green to the next."""
    stops: int = 0
    wait_max_s: float = 0.0

    def figures(self, shown_s: Mapping[str, float], vehicles: float) -> dict[str, float | None]:
        """Capacity, queues and stops. shown_s: how long its signal showed each state; vehicles: that came to it."""
        total_s = sum(shown_s.values()) or 1.0
        shares = [_share(shown_s, links, "Gg") / total_s for _, links in self.lanes]
        capacity = sum(flow * share for (flow, _), share in zip(self.lanes, shares, strict=True))
        links = tuple(link for _, of_lane in self.lanes for link in of_lane)
        green_s = _share(shown_s, links, "Gg")
        storage_veh = sum(self.of.storage_m.values()) / VEHICLE_M
        queues = [*self.queues_veh, self.queue_veh] if self.queue_veh or not self.queues_veh else self.queues_veh
        return {
            "capacity_veh_per_h": round(capacity, 1),
            "green_share": round(green_s / total_s, 4),
            "yielding_share": round(1.0 - _share(shown_s, links, "G") / green_s, 4) if green_s else 0.0,
            "queue_p95_veh": round(float(np.quantile(queues, 0.95)), 2),
            "storage_veh": round(storage_veh, 2),
            "stops_per_veh": round(self.stops / vehicles, 3) if vehicles > 0 else None,
            "wait_max_s": self.wait_max_s,
        }


def _share(shown_s: Mapping[str, float], links: tuple[int, ...], letters: str) -> float:
    return sum(time_s for state, time_s in shown_s.items() if any(state[link] in letters for link in links))


class MovementWatch:
    """Looks at every movement group of a network's controlled junctions."""

    def __init__(self, sumo: Sumo, network: Network, window: Window) -> None:
        self._sumo, self._window = sumo, window
        self._before_s, self._next_s = window.begin_s, window.begin_s
        self._state: dict[str, str] = {}
        self.shown_s: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        """By junction, how long its heads showed each state, in SUMO's letters."""
        intersections = {i.id: i for i in network.intersections}
        self.watched = [
            Watched(group, _lanes(group, intersections[group.junction], network.links[group.junction]))
            for group in network.movement_groups
        ]
        self._at = {i.id: [each for each in self.watched if each.of.junction == i.id] for i in network.intersections}

    def sample(self, now_s: float) -> None:
        """Look after each step."""
        if not self._window.begin_s < now_s <= self._window.end_s:
            return
        step_s, self._before_s = now_s - self._before_s, now_s
        for junction, groups in self._at.items():
            state = self._sumo.state(junction)
            self.shown_s[junction][state] += step_s
            if state != self._state.get(junction):
                self._state[junction] = state
                for each in groups:
                    self._turn(each, state)
        if now_s >= self._next_s:
            self._next_s = now_s + SAMPLE_S
            for each in self.watched:
                self._look(each)

    def _turn(self, each: Watched, state: str) -> None:
        """A beginning of green ends the cycle."""
        green = any(state[link] in "Gg" for _, links in each.lanes for link in links)
        if green and not each.is_green:
            each.queues_veh.append(max(each.queue_veh, self._standing(each)))
            each.queue_veh = 0
        each.is_green = green

    def _standing(self, each: Watched) -> int:
        return sum(self._sumo.halting(lane) for lane in each.of.storage_m)

    def _look(self, each: Watched) -> None:
        queue_veh = 0
        for lane in each.of.storage_m:
            if standing := self._sumo.halting(lane):
                queue_veh += standing
                waits_s = self._sumo.standing_s(lane)
                each.stops += sum(0 < wait_s <= SAMPLE_S for wait_s in waits_s)
                each.wait_max_s = max(each.wait_max_s, *waits_s)
        each.queue_veh = max(each.queue_veh, queue_veh)


def _lanes(group: MovementGroup, intersection: Intersection, links: tuple[tuple[int, ...], ...]) -> Lanes:
    """Without lanes for bicycles alone, where the group has others: they would be counted as room for cars."""
    of_head = {g.id: x for g, x in zip(intersection.signal_groups, links, strict=True)}
    own = [g for g in intersection.lane_groups if g.id in group.lane_groups]
    driven = [g for g in own if not g.button] or own
    return tuple(
        (g.saturation_flow_veh_per_h, tuple(link for head in g.signal_groups for link in of_head[head])) for g in driven
    )
