"""What really happened to those who walk: their delay, and how long they stood before signalised crossings.

SUMO's `timeLoss` of a walk is its duration less the time that its length takes at the person's own walking speed. It
holds the waiting at crossings, and also the giving way and swaying of SUMO's pedestrian model: who meets nobody and no
signal loses about a tenth of his time, and who meets others head-on on a narrow sidewalk may stand for minutes. A walk
that is not over has no timeLoss and counts with the time that was stood, the least that was lost. What is due to
signals is told by samples: who stands beside a signalised crossing that he wants to step on next, while it is not
green. Who stands at green is held up by others.
"""

import math
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from simulation.buttons import Crossings
from simulation.measures import Window, elements, in_window
from simulation.network import Network
from simulation.starvation import links_of_crossings
from simulation.sumo import Sumo
from simulation.tables import Table

SAMPLE_S = 5.0
COLUMNS = ("junction", "approach", "heading", "persons", "crossing_wait_s", "crossing_wait_max_s")
"""Of the table of crossings; `approach` is the crossing."""


class CrossingWaits:
    """How long each person has stood before signalised crossings that were not green, sampled every five seconds."""

    def __init__(self, sumo: Sumo, network: Network) -> None:
        self._sumo = sumo
        self._crossings = Crossings(sumo, network.intersections)
        self._heads = links_of_crossings(network)
        self._next_s = -math.inf
        self._now_s: dict[tuple[str, str], float] = {}  # of each person at a crossing, since it was green
        self.total_s: dict[str, float] = defaultdict(float)
        self.longest_s: dict[str, float] = defaultdict(float)
        self.by_crossing: dict[str, dict[str, tuple[float, float]]] = {crossing: {} for crossing in self._heads}
        """By crossing, of each person seen before it or on it: stood in all and in one go, in s."""

    def sample(self, now_s: float) -> None:
        """Look, if five seconds have passed."""
        if now_s < self._next_s:
            return
        self._next_s = now_s + SAMPLE_S
        before, self._now_s = self._now_s, {}
        for person, crossing, _ in self._crossings.everywhere():
            if not self._is_green(crossing):
                waited_s = before.get((person, crossing), 0.0) + SAMPLE_S
                self._now_s[person, crossing] = waited_s
                self.total_s[person] += SAMPLE_S
                self.longest_s[person] = max(self.longest_s[person], waited_s)
                stood_s, longest_s = self.by_crossing[crossing].get(person, (0.0, 0.0))
                self.by_crossing[crossing][person] = stood_s + SAMPLE_S, max(longest_s, waited_s)
        if not self._crossings.nobody_walks():
            for crossing, seen in self.by_crossing.items():
                for person in self._sumo.walking_on(crossing):
                    seen.setdefault(person, (0.0, 0.0))

    def _is_green(self, crossing: str) -> bool:
        signal, links = self._heads[crossing]
        state = self._sumo.state(signal)
        return any(state[link] in "Gg" for link in links)


def person_losses(tripinfo: Path, persons: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Who was scheduled in the window, with the time that each lost walking, `lost_s`."""
    counted = in_window(persons, window)
    infos = elements(tripinfo, "personinfo") if len(counted) else iter(())
    walked = {str(p.get("id")): _lost_s(p) for p in infos if float(p.get("depart", -1)) >= 0}
    outside_s = (window.cap_s - counted.depart_s).clip(lower=0.0)  # of whoever never set out, as of a vehicle
    lost_s = [walked.get(name, outside) for name, outside in zip(counted.id, outside_s, strict=True)]
    return counted.assign(lost_s=np.array(lost_s, dtype=float))


def person_accounts(losses: pd.DataFrame, waits: CrossingWaits) -> dict[str, float | int]:
    """How many persons were scheduled in the window, their mean delay, and their waits before signalised crossings."""
    return {
        "persons": len(losses),
        "person_delay_s": float(losses.lost_s.mean()),
        "person_wait_s": float(np.mean([waits.total_s[name] for name in losses.id])) if len(losses) else math.nan,
        "person_wait_max_s": max((waits.longest_s[name] for name in losses.id), default=math.nan),
    }


def crossings(losses: pd.DataFrame, waits: CrossingWaits, network: Network) -> Table:
    """A row each signalised crossing that one of these persons came to: the mean and longest wait before it.

    `heading` is the arm that it leads over, as movements from there have it; '' where nobody drives in from there.
    Who crosses within the five seconds between two samples, without waiting, is missed.
    """
    heading_of = {group.approach: group.heading for group in network.movement_groups}
    counted, rows = set(losses.id), []
    for intersection in network.intersections:
        arms = {m.approach: m.exit.split("+") for m in intersection.movements if m.turn == "crossing"}
        for crossing, crossed in arms.items():
            stood = [of for person, of in waits.by_crossing[crossing].items() if person in counted]
            if stood:
                heading = next((heading_of[edge] for edge in crossed if edge in heading_of), "")
                mean_s, longest_s = np.mean([of[0] for of in stood]), max(of[1] for of in stood)
                rows.append((intersection.id, crossing, heading, len(stood), round(float(mean_s), 2), longest_s))
    return {name: list(column) for name, column in zip(COLUMNS, zip(*rows, strict=True), strict=True)} if rows else {}


def _lost_s(person: ET.Element) -> float:
    """Time that a person lost on all walks; rides, and waiting for them, are no matter of signals."""
    return sum(
        float(walk.get("timeLoss" if float(walk.get("arrival", -1)) >= 0 else "waitingTime", 0))
        for walk in person.iter("walk")
        if float(walk.get("depart", -1)) >= 0
    )
