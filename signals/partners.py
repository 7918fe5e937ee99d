"""Which loops tell what another should see: of the same lane group, and of the lanes beside it."""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import Bools, Floats, Ints

USUAL_VEH = 300.0
"""So many expected vehicles back reaches what is usual."""
Pairs = tuple[Ints, Ints, Floats]
"""A loop, one that tells what it should see, and what part of that; one row a pair."""


def expected_veh(of: Pairs, volume: Floats) -> Floats:
    """What each loop [L] should have counted, as the others' counts [L] tell."""
    loop, other, part = of
    return np.bincount(loop, volume[other] * part, volume.size).astype(float)


class UsualPart:
    """What part of those whom the others tell of each loop [L] is used to see: little in a lane that few choose."""

    def __init__(self, loops: int) -> None:
        self._part, self._told_veh = np.ones(loops), np.zeros(loops)

    def update(self, volume: Floats, told_veh: Floats, believed: Bools) -> Floats:
        """Take what believed loops counted where others told of `told_veh`; the part as it is now."""
        told = told_veh * believed
        self._told_veh = np.minimum(self._told_veh + told, USUAL_VEH)
        self._part += (volume * (told > 0) - told * self._part) / np.maximum(self._told_veh, 1.0)
        np.clip(self._part, 0.0, 1.0, out=self._part)
        return self._part


def pairs(layout: Layout) -> Pairs:
    """Advance and stop-line loops of the same lane groups, in both directions; several lanes count equally."""
    cells = layout.has_group.size
    stops, advances = (np.bincount(cell, minlength=cells) for cell in (layout.stop_cell, layout.advance_cell))
    found: dict[tuple[int, int], float] = {}
    for advance, at, share in zip(layout.advance_loop, layout.advance_cell, layout.advance_share, strict=True):
        for stop in layout.stop_loop[layout.stop_cell == at]:
            found[int(advance), int(stop)] = 1.0 / float(advances[at])
            found[int(stop), int(advance)] = float(share) / float(stops[at])
    return _as_arrays(found)


def beside(layout: Layout) -> Pairs:
    """Loops of the same kind on the same approach, their mean."""
    kind: dict[tuple[int, str, str], list[int]] = {}
    names = {name: k for k, name in enumerate(layout.loops)}
    for row, intersection in enumerate(layout.intersections):
        approach = {group.id: group.approach for group in intersection.lane_groups}
        for detector in intersection.detectors:
            if detector.lane_groups:
                key = row, approach[detector.lane_groups[0]], detector.kind
                kind.setdefault(key, []).append(names[row, detector.id])
    found = {(a, b): 1.0 / (len(of) - 1) for of in kind.values() for a in of for b in of if a != b}
    return _as_arrays(found)


def lane_mates(layout: Layout) -> Ints:
    """The other loop in the lane of each loop [L], the next where there are more, itself where there is none."""
    names = {name: k for k, name in enumerate(layout.loops)}
    lanes: dict[tuple[int, str], list[int]] = {}
    for row, intersection in enumerate(layout.intersections):
        for detector in intersection.detectors:
            lanes.setdefault((row, detector.lane), []).append(names[row, detector.id])
    found = np.zeros(len(layout.loops), np.int64)
    for of in lanes.values():
        found[of] = of[1:] + of[:1]
    return found


def _as_arrays(found: dict[tuple[int, int], float]) -> Pairs:
    rows = np.array(list(found), np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1], np.array(list(found.values()), float)
