"""What only the stages decide: who has green and since when, which stages may be asked for, who calls after a long red.

Worked out where a stage changes, for that junction alone; between changes everything here stands still.
"""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import TRANSITION, Bools, Floats, Ints, some

BLOCKED_S = 4.0
RECALL_S = 90.0
"""Red after which a lane group calls although no loop says so: a loop misses who changes lane upon it, and bicycles."""
RECALL_EVERY_S = 10.0


class Greens:
    """Follows the stages of all junctions. Arrays are replaced when they change, never written into: states hold them.

    whole_green [J, N]: all heads of the lane group are green (what its calls are answered by); blocked_after_s [J, N]:
    how long nobody may leave in green before that counts as blocked, infinity where there is none; served [J, N]: share
    of the saturation flow that has green.
    """

    def __init__(self, layout: Layout, watched: Bools) -> None:
        self._layout = layout
        junctions = layout.shape[0]
        self._alone = np.eye(layout.stages, dtype=bool)
        self._slow_s = np.where(layout.any_green, np.nextafter(BLOCKED_S, np.inf), np.inf)
        can_be_green = layout.has_group & layout.full_green.any(axis=1)
        self._recall_after_s = np.where(can_be_green & watched, RECALL_S, np.inf)
        self.stage: Ints = np.full(junctions, TRANSITION)
        self.last_stage: Ints = np.zeros(junctions, np.int64)
        self.overdue, self.any_overdue = np.zeros(layout.shape, bool), False
        self.restart(0.0)

    def restart(self, now_s: float) -> None:
        """A first snapshot, or a clock that stepped back: nothing has lasted."""
        shape, junctions = self._layout.shape, self._layout.shape[0]
        self.green_until_s: Floats = np.full(shape, now_s)
        self.whole_green: Bools = np.zeros(shape, bool)
        self.served: Floats = np.zeros(shape)
        self.blocked_after_s: Floats = np.full(shape, np.inf)
        self._overdue_at_s = now_s + self._recall_after_s
        self._since_s = np.full(junctions, now_s)
        self.stage = np.full(junctions, TRANSITION)
        self._confirmed, self._all_confirmed = np.zeros(junctions, bool), False
        self.last_stage = np.zeros(junctions, np.int64)
        self.eligible: Bools = self._alone[self.last_stage]
        self._free_at_s: dict[int, float] = {}
        self._next_free_s, self._recall_at_s = np.inf, -np.inf

    def follow(self, now_s: float, stage: Ints) -> list[int]:
        """Take the stages shown; which junctions have changed."""
        rows: list[int] = (stage != self.stage).nonzero()[0].tolist()
        if rows:
            self.last_stage, self.eligible = self.last_stage.copy(), self.eligible.copy()
            for row in rows:
                self._change(now_s, row, int(stage[row]))
            self.stage, self._confirmed = stage, stage != TRANSITION
            self._all_confirmed = not some(~self._confirmed)
            self._next_free_s = min(self._free_at_s.values(), default=np.inf)
            self._recall_at_s = -np.inf
        return rows

    def _change(self, now_s: float, row: int, stage: int) -> None:
        """Whose heads are green at one junction, since when, and for how long at least."""
        layout, whole_green, green_until_s = self._layout, self.whole_green[row], self.green_until_s[row]
        self._since_s[row] = now_s
        green_until_s[whole_green] = now_s
        if stage == TRANSITION:
            self.blocked_after_s[row], whole_green[:], self.served[row] = np.inf, False, 0.0
            self._free_at_s.pop(row, None)
        else:
            self.last_stage[row] = stage
            self.blocked_after_s[row] = self._slow_s[row, stage]
            whole_green[:], self.served[row] = layout.full_green[row, stage], layout.serves[row, stage]
            self._free_at_s[row] = now_s + float(layout.stage_minimum_green_s[row, stage])
        self.eligible[row] = self._alone[self.last_stage[row]]
        overdue_at_s = green_until_s + self._recall_after_s[row]
        overdue_at_s[whole_green] = np.inf
        self._overdue_at_s[row] = overdue_at_s

    def elapsed_s(self, now_s: float) -> Floats:
        """Green of the confirmed stages so far, [J]; also frees the stages whose junction has had its minimum green."""
        if now_s >= self._next_free_s:
            self._free_stages(now_s)
        green_s: Floats = now_s - self._since_s
        if not self._all_confirmed:
            green_s *= self._confirmed
        return green_s

    def _free_stages(self, now_s: float) -> None:
        """A confirmed stage is the only eligible one until it has had its minimum green, then all are."""
        self.eligible = self.eligible.copy()
        for row in [row for row, free_s in self._free_at_s.items() if now_s >= free_s]:
            self.eligible[row] = self._layout.has_stage[row]
            del self._free_at_s[row]
        self._next_free_s = min(self._free_at_s.values(), default=np.inf)

    def recall(self, now_s: float, served_s: Floats) -> None:
        """Call for whom no loop has called in a long red, as if he had come when it began."""
        if now_s < self._recall_at_s:
            return
        self._recall_at_s = now_s + RECALL_EVERY_S
        self.overdue = now_s >= self._overdue_at_s
        self.any_overdue = some(self.overdue)
        if self.any_overdue:
            np.copyto(served_s, np.minimum(served_s, self.green_until_s), where=self.overdue)
