"""One snapshot's readings, summed to lane groups: what came in, what went out, and which loops are covered.

All sums are one pass over weighed readings. A loop that is not believed weighs nothing; those that are left of its
kind in the lane group then weigh more.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from signals.layout import Layout
from signals.miscounts import EVERY_READING_S
from signals.values import Bools, Floats, Ints, Snapshot, some

IN, OUT, ON_STOP, SEEN, OCCUPIED = range(5)
"""Vehicles over the advance loops and over the stop line, stop-line loops covered, any loop covered or passed, and the
occupancy of the stop line."""
TIMED = slice(OUT, OCCUPIED)
"""Those whose last time is remembered."""
PASSED, STOP_SEEN, ANY_SEEN = range(3)
"""Their rows among the times."""


class Readings:
    """volume_veh, presence and occupancy [L] as floats, side by side, so that one `take` reads them all.

    counted [4, L]: the first two, and where a loop turned to covered and was not counted, or counted two in a second.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        loops, self._cells = len(layout.loops), layout.has_group.size
        self._readings = np.zeros(5 * loops)
        self.volume_veh, self.presence, self._uncounted, self._doubled, self._occupancy = self._readings.reshape(
            5, loops
        )
        self.counted = self._readings[: 4 * loops].reshape(4, loops)
        self.shape = (5, *layout.shape)
        self._covered: Bools = np.zeros(loops, bool)
        stop, advance, presence, occupancy = layout.stop_loop, layout.advance_loop, loops, 4 * loops
        self._kinds: tuple[tuple[int, Ints, Ints, int], ...] = (
            (IN, advance, layout.advance_cell, 0),
            (OUT, stop, layout.stop_cell, 0),
            (ON_STOP, stop, layout.stop_cell, presence),
            (SEEN, stop, layout.stop_cell, presence),
            (SEEN, stop, layout.stop_cell, 0),
            (SEEN, advance, layout.advance_cell, presence),
            (SEEN, advance, layout.advance_cell, 0),
            (OCCUPIED, stop, layout.stop_cell, occupancy),
        )
        self._reading = np.concatenate([loop + at for _, loop, _, at in self._kinds])
        self._cell = np.concatenate([row * self._cells + cell for row, _, cell, _ in self._kinds])
        self.weigh(layout.advance_share, np.ones(stop.size), np.ones(loops, bool))

    def weigh(self, arriving: Floats, leaving: Floats, believed: Bools) -> None:
        """What a vehicle counts for, for each link of an advance loop and of a stop-line loop with a lane group."""
        lanes = self._layout.lanes.ravel()
        weights: dict[int, Floats] = {IN: arriving, OUT: leaving}
        parts = []
        for row, loop, cell, _ in self._kinds:
            alive = np.maximum(np.bincount(cell, believed[loop], self._cells), 1.0)
            if row == OCCUPIED:
                weight = 1.0 / np.maximum(np.minimum(alive, lanes), 1.0)[cell]
            elif row == ON_STOP:
                weight = (np.bincount(cell, minlength=self._cells) / alive)[cell]
            else:
                weight = weights.get(row, np.ones(loop.size))
            parts.append(weight * believed[loop])
        self._weight = np.concatenate(parts)

    def reweigh(self, arriving: Floats, leaving: Floats) -> None:
        """The same while the same loops are believed; both are 0 where one is not."""
        links = arriving.size
        self._weight[:links] = arriving
        self._weight[links : links + leaving.size] = leaving

    def take(self, snapshot: Snapshot, elapsed_s: float) -> Floats:
        """The sums [5, J, N] of one snapshot."""
        turned = snapshot.presence > self._covered
        self._uncounted[:] = turned > snapshot.volume_veh if some(turned) else 0.0
        self._doubled[:] = snapshot.volume_veh >= 2.0 if elapsed_s <= EVERY_READING_S else 0.0
        self._covered = snapshot.presence
        self.volume_veh[:], self.presence[:] = snapshot.volume_veh, snapshot.presence
        self._occupancy[:] = snapshot.occupancy
        weighed = self._readings.take(self._reading)
        weighed *= self._weight
        sums = np.bincount(self._cell, weighed, 5 * self._cells)
        return cast(Floats, sums.reshape(self.shape))
