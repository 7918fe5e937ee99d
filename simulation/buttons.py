"""Who waits to cross, and push buttons: calls that are latched until the head is green.

A person counts who has stood for a second on a walking area beside a crossing and wants to walk over that very crossing
next. So who waits on a refuge calls the second half, and who only stands there, or goes round the corner, calls nobody.
In a lane of bicycles the stop-line loop presses the button.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from signals.intersection import Aspect, Intersection
from signals.layout import Layout
from signals.values import Bools
from simulation.sumo import Sumo

STANDING_S = 1.0
"""How long somebody stands before a crossing until he has pressed its button."""


class Crossings:
    """The crossings of some junctions, with the walking areas on both sides of each."""

    def __init__(self, sumo: Sumo, intersections: Iterable[Intersection]) -> None:
        self._sumo = sumo
        self._areas: dict[str, set[str]] = {}
        for intersection in intersections:
            lanes = {g.id: g.lanes[0] for g in intersection.lane_groups}
            crossings = {lanes[m.lane_group]: m.approach for m in intersection.movements if m.turn == "crossing"}
            if crossings:
                self._find_areas(intersection.id, crossings)

    def _find_areas(self, signal: str, crossings: dict[str, str]) -> None:
        """A signal's links lead onto a crossing from one side; the lanes that it leads to are the other."""
        edge_of, lane = self._sumo.lane.getEdgeID, self._sumo.lane
        for crossing_lane, crossing in crossings.items():
            self._areas[crossing] = {str(edge_of(link[0])) for link in lane.getLinks(crossing_lane)}
        for links in self._sumo.trafficlight.getControlledLinks(signal):
            for start, end, _ in links:
                if end in crossings:
                    self._areas[crossings[end]].add(str(edge_of(start)))

    def nobody_walks(self) -> bool:
        """Whether nobody can stand anywhere; SUMO is not asked where there is no crossing."""
        return not (self._areas and self._sumo.persons())

    def waited_for(self, crossings: Iterable[str]) -> set[str]:
        """Those among some crossings that somebody stands before."""
        wanted = set(crossings)
        areas = {area for crossing in wanted for area in self._areas[crossing]}
        return {edge for area in areas for edge in self._sumo.standing_before(area, STANDING_S)} & wanted


class Buttons:
    """Latches the calls [J, P] of all junctions of one simulation; what it gave is replaced, never changed."""

    def __init__(self, sumo: Sumo, layout: Layout) -> None:
        self._cells: dict[str, list[int]] = {}  # of heads, by crossing
        loops, loop_cells = [], []
        position = {loop: k for k, loop in enumerate(layout.loops)}
        width = layout.has_head.shape[1]
        for row, intersection in enumerate(layout.intersections):
            column = {group.id: k for k, group in enumerate(intersection.signal_groups)}
            walked = {m.lane_group: m.approach for m in intersection.movements if m.turn == "crossing"}
            for group in intersection.lane_groups:
                if not group.button:
                    continue
                cells = [row * width + column[head] for head in group.signal_groups]
                if group.id in walked:
                    self._cells[walked[group.id]] = cells
                for d in intersection.detectors:
                    if d.kind == "stop_line" and group.id in d.lane_groups:
                        loops += [position[row, d.id]] * len(cells)
                        loop_cells += cells
        self._crossings = Crossings(sumo, layout.intersections if self._cells else ())
        self._loops, self._loop_cells = np.array(loops, np.int64), np.array(loop_cells, np.int64)
        self._calls = np.zeros(layout.has_head.shape, bool)
        self._shown: NDArray[np.int8] | None = None
        self._any = bool(self._cells or loops)

    def read(self, aspects: NDArray[np.int8], presence: Bools) -> Bools:
        """Take what the heads show and the loops say: new calls are latched, those of green heads are answered."""
        if not self._any:
            return self._calls
        if aspects is not self._shown:
            self._shown, self._green = aspects, (aspects == Aspect.GREEN) | (aspects == Aspect.PERMISSIVE)
            self._calls = self._calls & ~self._green
        pressed = self._loop_cells[presence[self._loops]].tolist()
        if not self._crossings.nobody_walks():
            idle = ~(self._calls | self._green).ravel()
            free = [crossing for crossing, cells in self._cells.items() if idle[cells].any()]
            for crossing in self._crossings.waited_for(free):
                pressed += self._cells[crossing]
        if pressed:
            self._calls = self._calls.copy()
            self._calls.ravel()[pressed] = True
            self._calls &= ~self._green
        return self._calls
