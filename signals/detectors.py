"""Which loops can be believed.

A loop is distrusted while the plant reports a fault on it, while it has been covered without a break for longer than
any queue stands (stuck on), or while it has seen nothing for long although the rest of its junction is busy (stuck
off). It is believed again as soon as the sign is gone. Limits: a controller's own maximum presence and no-activity
diagnostics (NTCIP 1202 vehicleDetectorTable columns 9 and 10), set late, because a short presence limit once starved
a left turn that stood under a long queue.
"""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import Bools, Floats

MAXIMUM_PRESENCE_S = 900.0
NO_ACTIVITY_S = 1800.0
BUSY_VEH = 60.0
CHECK_EVERY_S = 30.0


class LoopHealth:
    """Remembers when each loop was last free, and last covered, to the nearest check."""

    def __init__(self, layout: Layout) -> None:
        self._junction = np.array([junction for junction, _ in layout.loops], dtype=np.int64)
        loops, self._junctions = len(layout.loops), len(layout.intersections)
        self._last_free_s, self._last_covered_s = np.zeros(loops), np.zeros(loops)
        self._counted, self._looks = np.zeros((2, loops)), 0
        self._seen_veh, self._covered = self._counted
        self._checked_s = -np.inf
        self._stuck = np.zeros(loops, bool)
        self._healthy, self._believed = np.ones(loops, bool), np.ones(loops, bool)

    def update(self, now_s: float, healthy: Bools, counted: Floats) -> Bools:
        """The loops [L] that can be believed now; counted [2, L]: vehicles, and 1 where a loop is covered."""
        if now_s < self._checked_s or self._checked_s == -np.inf:
            self._restart(now_s)
        self._counted += counted
        self._looks += 1
        if now_s - self._checked_s >= CHECK_EVERY_S:
            self._check(now_s)
            self._believe(healthy)
        elif healthy is not self._healthy:
            self._believe(healthy)
        return self._believed

    def _believe(self, healthy: Bools) -> None:
        self._healthy, believed = healthy, healthy & ~self._stuck
        if (believed != self._believed).any():
            self._believed = believed

    def _restart(self, now_s: float) -> None:
        """A first snapshot, or a clock that stepped back: nothing counts as having lasted."""
        self._last_free_s[:] = now_s
        self._last_covered_s[:] = now_s
        self._seen_veh[:] = 0.0
        self._checked_s = now_s

    def _check(self, now_s: float) -> None:
        self._last_free_s[self._covered < self._looks] = now_s
        self._last_covered_s[self._covered > 0] = now_s
        self._covered[:], self._looks = 0.0, 0
        on = now_s - self._last_free_s > MAXIMUM_PRESENCE_S
        quiet = now_s - self._last_covered_s > NO_ACTIVITY_S
        passed = np.bincount(self._junction, self._seen_veh, self._junctions)[self._junction]
        self._seen_veh *= 1 - min(1.0, (now_s - self._checked_s) / NO_ACTIVITY_S)  # about what the last half hour saw
        self._stuck = on | (quiet & (passed > BUSY_VEH))
        self._checked_s = now_s
