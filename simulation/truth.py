"""What the traffic before each stop line really is, from every vehicle's position: to judge the estimator by.

Like `simulation.measures` it is never visible to a controller. A vehicle belongs to the lane group of the link that
SUMO will lead it over next, wherever it is upstream.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from signals.layout import Layout
from signals.values import Floats
from simulation.network import Network
from simulation.sumo import Sumo

SECTION_M = 150.0
"""Arrivals are counted where they cross this section upstream of the stop line, or the lane's start where that is
nearer; entering the network closer to the stop line counts as crossing it."""
STANDING_M_PER_S = 5.0 / 3.6
REACH_M = 2000.0
ACCELERATION_M_PER_S2 = 3.0
"""No vehicle type of the scenarios gains speed faster."""


class Ahead(NamedTuple):
    """The signal that a vehicle comes to next, by which link, how far it is, and how fast he goes."""

    signal: str
    link: int
    distance_m: float
    speed_m_per_s: float

    def reach_m(self, elapsed_s: float) -> float:
        """How far he can have come meanwhile."""
        return (self.speed_m_per_s + ACCELERATION_M_PER_S2 * elapsed_s) * elapsed_s


class Truth:
    """Samples once a step. Arrays are over lane groups [J, N] of a layout.

    arrived_veh: vehicles that crossed the section, since the beginning, told when they leave over the stop line (only
    then is it known for sure which lane group they chose) or stand in its queue; queue_veh: below 5 km/h.
    """

    def __init__(self, sumo: Sumo, network: Network, layout: Layout) -> None:
        self._sumo = sumo
        self.cell_of = _cells(sumo, network, layout)
        self._signals = {signal for signal, _ in self.cell_of}
        shape = layout.shape
        lengths_m = [[g.length_m for g in i.lane_groups] for i in layout.intersections]
        self.section_m = np.full(shape, SECTION_M)
        for row, own in enumerate(lengths_m):
            self.section_m[row, : len(own)] = np.minimum(SECTION_M, own)
        self.queue_veh: Floats = np.zeros(shape)
        self.queue_beyond_veh: Floats = np.zeros(shape)
        self._reach_m = layout.advance_distance_m
        self.crossings: dict[tuple[int, int], list[float]] = defaultdict(list)
        """Per lane group, when each vehicle that it discharged had crossed the section."""
        self._ahead: dict[str, Ahead] = {}
        self._sampled_s = 0.0
        self._crossed_s: dict[str, float] = {}

    def sample(self, now_s: float) -> None:
        """Look at every vehicle."""
        self.queue_veh = np.zeros_like(self.queue_veh)
        self.queue_beyond_veh = np.zeros_like(self.queue_veh)
        ahead: dict[str, Ahead] = {}
        for vehicle in self._sumo.vehicle.getIDList():
            next_signals = self._sumo.vehicle.getNextTLS(vehicle)
            if next_signals and next_signals[0][0] in self._signals:
                signal, link, distance_m, _ = next_signals[0]
                speed_m_per_s = float(self._sumo.vehicle.getSpeed(vehicle))
                ahead[vehicle] = Ahead(str(signal), int(link), float(distance_m), speed_m_per_s)
                self._look(vehicle, self.cell_of.get((str(signal), int(link))), float(distance_m), now_s)
        for vehicle, link_ahead in self._ahead.items():
            now_ahead = ahead.get(vehicle)
            if now_ahead is None or now_ahead.signal != link_ahead.signal:
                self._discharge(vehicle, link_ahead, now_s)
        self._ahead, self._sampled_s = ahead, now_s

    def _look(self, vehicle: str, cell: tuple[int, int] | None, distance_m: float, now_s: float) -> None:
        if cell is None or distance_m > REACH_M:
            return
        if distance_m <= self.section_m[cell]:
            self._crossed_s.setdefault(vehicle, now_s)
        if self._sumo.vehicle.getSpeed(vehicle) < STANDING_M_PER_S:
            self.queue_veh[cell] += 1
            self.queue_beyond_veh[cell] += distance_m > self._reach_m[cell]

    def _discharge(self, vehicle: str, ahead: Ahead, now_s: float) -> None:
        """He has crossed the section, in the very last step where the lane is shorter than its way."""
        crossed_s = self._crossed_s.pop(vehicle, None)
        cell = self.cell_of.get((ahead.signal, ahead.link))
        if cell is None:
            return
        if crossed_s is None and ahead.distance_m <= ahead.reach_m(now_s - self._sampled_s):
            crossed_s = now_s
        if crossed_s is not None:
            self.crossings[cell].append(crossed_s)

    def finish(self) -> None:
        """Count whoever has crossed a section and still stands before its stop line."""
        for vehicle, ahead in self._ahead.items():
            self._discharge(vehicle, ahead, self._sampled_s)
        self._ahead = {}


def _cells(sumo: Sumo, network: Network, layout: Layout) -> dict[tuple[str, int], tuple[int, int]]:
    """The lane group of each link: the one whose lanes the link leaves."""
    cells = {}
    for row, intersection in enumerate(layout.intersections):
        column = {lane: k for k, group in enumerate(intersection.lane_groups) for lane in group.lanes}
        for link, connections in enumerate(sumo.trafficlight.getControlledLinks(intersection.id)):
            lanes = [str(lane) for lane, _, _ in connections if str(lane) in column]
            if lanes:
                cells[intersection.id, link] = row, column[lanes[0]]
    return cells
