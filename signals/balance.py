"""What an approach's advance loops count against its stop lines, and against the junctions before it.

A lane where nobody is seen has a broken loop, or no traffic. Where all others of the approach are sound its balance
tells: whom a broken loop misses is missing there, and on a lane that is not used nobody is.
"""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.platoons import links
from signals.values import Bools, Floats, Ints

MISSING_VEH = 20.0
"""Of one kind of loop and not of the other, in the same time: more than come and go with a queue."""
MISSING_S = 300.0
"""Not sooner: a red or two come in, and nobody goes out."""
MISSING_PART = 0.05
CONFIRMED_PART = 0.5
"""Of those whom a loop's own partners miss the balance must miss so many too."""
MISSING_UPSTREAM_PART = 0.3
"""The same against the junctions before: who parks, or turns off between them."""


class Balance:
    """In the time that a loop [L] has been silent: how many of its kind of loop on its approach seem to be missing.

    came_veh, known_upstream [J]: who left the junctions before for this one since the last check, where loops tell.
    """

    def __init__(self, layout: Layout) -> None:
        self._side, self._row = sides(layout)
        self._sides, self._junctions = 2 * self._row.size, layout.shape[0]
        self._has_other = np.bincount(self._side, minlength=self._sides)[self._side ^ 1] > 0
        self._fed_loop, self._fed_approach = upstream(layout, self._side)
        self._totals = np.zeros((4, len(layout.loops)))
        self._silent_s, self._others_veh, self._missing_veh, self._upstream_veh = self._totals
        self.came_veh, self.known_upstream = np.zeros(self._junctions), np.zeros(self._junctions, bool)

    def restart(self) -> None:
        """Nothing has lasted."""
        self._totals[:] = 0.0

    def check(
        self, elapsed_s: float, volume: Floats, sound: Bools, lively: Bools, silent: Bools, missed_veh: Floats
    ) -> tuple[Bools, Bools, Bools]:
        """Take what was counted since the last check, and say of each loop what its silence means.

        sound: loops that are believed; lively: of junctions where somebody has been seen lately.

        Whether its approach misses somebody whom it alone can have missed; whether the balance confirms those
        `missed_veh` by its own partners, or cannot tell; whether the junctions before miss somebody.
        """
        side, other = self._side, self._side ^ 1
        seen = np.bincount(side, volume * sound, self._sides)
        broken = np.bincount(side, ~sound, self._sides)
        came = np.bincount(self._fed_approach, (volume * sound)[self._fed_loop], self._sides // 2)
        self.came_veh = np.bincount(self._row, came, self._junctions).astype(float)
        telling = (sound & lively)[self._fed_loop]
        self.known_upstream = np.bincount(self._row[self._fed_approach], telling, self._junctions) > 0
        for total, more in (
            (self._silent_s, elapsed_s),
            (self._others_veh, seen[other]),
            (self._missing_veh, seen[other] - seen[side]),
            (self._upstream_veh, came[side // 2] * (1.0 - MISSING_UPSTREAM_PART) - np.maximum(seen[side], seen[other])),
        ):
            total += more
            total *= silent
        whole, other_whole = broken[side] - ~sound == 0, (broken[other] == 0) & self._has_other
        alone = self._missing_veh > MISSING_VEH + MISSING_PART * self._others_veh
        return (
            alone & whole & (self._silent_s >= MISSING_S),
            (self._missing_veh > CONFIRMED_PART * missed_veh) | ~other_whole,
            self._upstream_veh > MISSING_VEH,
        )


def sides(layout: Layout) -> tuple[Ints, Ints]:
    """A number for each loop's approach and kind, twice the approach's and one more for advance loops.

    And each approach's junction.
    """
    found: dict[tuple[int, str], int] = {}
    side = np.zeros(len(layout.loops), np.int64)
    names = {name: k for k, name in enumerate(layout.loops)}
    for row, intersection in enumerate(layout.intersections):
        approach = {group.id: group.approach for group in intersection.lane_groups}
        for detector in intersection.detectors:
            key = row, approach[detector.lane_groups[0]] if detector.lane_groups else detector.id
            number = found.setdefault(key, len(found))
            side[names[row, detector.id]] = 2 * number + (detector.kind == "advance")
    return side, np.array([row for row, _ in found], np.int64)


def upstream(layout: Layout, side: Ints) -> tuple[Ints, Ints]:
    """Stop-line loops all of whose vehicles come to one approach of the next junction, and that approach."""
    source, target, _ = links(layout)
    approach_of: dict[int, set[int]] = {}
    for cells, loops in ((layout.stop_cell, layout.stop_loop), (layout.advance_cell, layout.advance_loop)):
        for cell, loop in zip(cells.tolist(), loops.tolist(), strict=True):
            approach_of.setdefault(cell, set()).add(int(side[loop]) // 2)
    leads: dict[int, set[int]] = {}
    for cell, to in zip(source.tolist(), target.tolist(), strict=True):
        leads.setdefault(cell, set()).update(approach_of.get(to, ()))
    exits = {
        row * layout.shape[1] + column: len(group.exits)
        for row, intersection in enumerate(layout.intersections)
        for column, group in enumerate(intersection.lane_groups)
    }
    cells_of: dict[int, list[int]] = {}
    for cell, loop in zip(layout.stop_cell.tolist(), layout.stop_loop.tolist(), strict=True):
        cells_of.setdefault(loop, []).append(cell)
    found = []
    for loop, own in cells_of.items():
        to = set.union(*(leads.get(cell, {-1}) for cell in own))
        if len(to) == 1 and -1 not in to and all(exits[cell] == 1 for cell in own):
            found.append((loop, to.pop()))
    fed = np.array(found, np.int64).reshape(-1, 2)
    return fed[:, 0], fed[:, 1]
