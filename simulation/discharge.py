"""How vehicles really leave a queue, from every vehicle's position: to judge learned saturation flows by.

Like `simulation.truth` it is never visible to a controller. Counted are the headways of the vehicles that stood when a
protected green began, from the fourth on (HCM); a lane in which two were further apart than `BLOCKED_S` was held up.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np

from signals.layout import Layout
from signals.values import TRANSITION, Bools, Ints
from simulation.sumo import Sumo
from simulation.truth import STANDING_M_PER_S

STARTING_VEH = 4
BLOCKED_S = 5.0
Cell = tuple[int, int]


class Discharges:
    """Samples once a step. headways_s: of each lane group [J, N], all lanes and greens."""

    def __init__(self, sumo: Sumo, layout: Layout) -> None:
        self._sumo, self._layout = sumo, layout
        self._cell: dict[str, Cell] = {
            lane: (row, column)
            for row, intersection in enumerate(layout.intersections)
            for column, group in enumerate(intersection.lane_groups)
            for lane in group.lanes
        }
        self._lane_of: dict[str, str] = {}
        self._stood: dict[str, int] = {}
        self._left_s: dict[str, list[float]] = defaultdict(list)
        self._green = np.zeros(layout.shape, bool)
        self._before: Ints = np.full(layout.shape[0], TRANSITION)
        self.headways_s: dict[Cell, list[float]] = defaultdict(list)

    def sample(self, now_s: float, stage: Ints) -> None:
        """Look at every vehicle; stage [J]: confirmed, or `TRANSITION`."""
        self._follow(now_s)
        green = self._protected(stage)
        for cell in zip(*np.nonzero(green != self._green), strict=True):
            where = int(cell[0]), int(cell[1])
            for lane in self._layout.intersections[where[0]].lane_groups[where[1]].lanes:
                if green[where]:
                    self._stood[lane] = self._standing.get(lane, 0)
                else:
                    self._end(lane, where)
                self._left_s[lane].clear()
        self._green = green

    def _protected(self, stage: Ints) -> Bools:
        """Whose whole green goes on, or begins where there was none before."""
        rows = np.arange(stage.size)
        serves = (self._layout.serves[rows, stage] == 1.0) & (stage != TRANSITION)[:, None]
        fresh = ~self._layout.any_green[rows, self._before] & (self._before != TRANSITION)[:, None]
        same = (stage == self._before)[:, None]
        self._before = np.where(stage == TRANSITION, self._before, stage)
        return serves & np.where(same, self._green, fresh)

    def _follow(self, now_s: float) -> None:
        vehicles = self._sumo.vehicle
        lane_of: dict[str, str] = {}
        self._standing: dict[str, int] = defaultdict(int)
        for vehicle in vehicles.getIDList():
            lane = lane_of[vehicle] = str(vehicles.getLaneID(vehicle))
            if lane in self._cell and vehicles.getSpeed(vehicle) < STANDING_M_PER_S:
                self._standing[lane] += 1
        for vehicle, lane in self._lane_of.items():
            if lane in self._cell and lane_of.get(vehicle, "").startswith(":"):
                self._left_s[lane].append(now_s)
        self._lane_of = lane_of

    def _end(self, lane: str, cell: Cell) -> None:
        left_s = self._left_s[lane][STARTING_VEH - 1 : self._stood.get(lane, 0)]
        headways_s = [b - a for a, b in pairwise(left_s)]
        if headways_s and max(headways_s) <= BLOCKED_S:
            self.headways_s[cell] += headways_s

    def veh_per_h(self, cell: Cell) -> float:
        """Saturation flow of a lane group's lanes together; not a number where no queue has discharged."""
        headways_s = self.headways_s.get(cell, [])
        return float(self._layout.lanes[cell] * 3600.0 / np.mean(headways_s)) if headways_s else float("nan")
