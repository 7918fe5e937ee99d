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
from signals.values import Bools, Snapshot

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
        self._always_covered, self._ever_covered = np.ones(loops, bool), np.zeros(loops, bool)
        self._seen_veh = np.zeros(loops)
        self._checked_s = -np.inf
        self._stuck = np.zeros(loops, bool)
        self._any_stuck = False

    def update(self, snapshot: Snapshot) -> Bools:
        """The loops [L] that can be believed now."""
        now_s = snapshot.time_s
        if now_s < self._checked_s or self._checked_s == -np.inf:
            self._restart(now_s)
        self._always_covered &= snapshot.presence
        self._ever_covered |= snapshot.presence
        self._seen_veh += snapshot.volume_veh
        if now_s - self._checked_s >= CHECK_EVERY_S:
            self._check(now_s)
        if not self._any_stuck:
            return snapshot.healthy
        return snapshot.healthy & ~self._stuck

    def _restart(self, now_s: float) -> None:
        """A first snapshot, or a clock that stepped back: nothing counts as having lasted."""
        self._last_free_s[:] = now_s
        self._last_covered_s[:] = now_s
        self._seen_veh[:] = 0.0
        self._checked_s = now_s

    def _check(self, now_s: float) -> None:
        self._last_free_s[~self._always_covered] = now_s
        self._last_covered_s[self._ever_covered] = now_s
        self._always_covered[:], self._ever_covered[:] = True, False
        on = now_s - self._last_free_s > MAXIMUM_PRESENCE_S
        quiet = now_s - self._last_covered_s > NO_ACTIVITY_S
        passed = np.bincount(self._junction, self._seen_veh, self._junctions)[self._junction]
        self._seen_veh *= 1 - min(1.0, (now_s - self._checked_s) / NO_ACTIVITY_S)  # about what the last half hour saw
        self._stuck = on | (quiet & (passed > BUSY_VEH))
        self._any_stuck = bool(self._stuck.any())
        self._checked_s = now_s
