"""Arrival flows, learned slowly: of each advance loop while no queue hides them, and how lane groups share a loop.

While a queue stands on a loop what it counts is the queue's discharge. So counts are held back from the moment that
the loop is covered until the queue's tail has passed it: all that it has counted by then are the arrivals of that
time, whatever the queue did in between (Liu et al. 2009), and only then are they learned from.
"""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import Bools, Floats

EVERY_S = 10.0
ARRIVAL_SPAN_S = 180.0
"""Time constant of the arrival flow: about two cycles, so that a queue's bursts average out."""
TURNING_SPAN_S = 600.0
FIRST_SPAN_S = 60.0
FIRST_FLOW_VEH_PER_H = 180.0
LEAST_SHARE_VEH_PER_H = 3.0
"""Keeps a lane group that has not discharged for long from losing its share for good."""
LONG_S = 240.0
"""A queue that has not ended for so long is oversaturated: at least as many come as leave."""


class Arrivals:
    """veh_per_h [J, N], replaced as it changes; loop_veh_per_s [L]: of each advance loop."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._cells = layout, layout.has_group.size
        loop, cell = layout.advance_loop, layout.advance_cell
        loops = len(layout.loops)
        self._has_advance = np.bincount(cell, minlength=self._cells).reshape(layout.shape) > 0
        has_stop = np.bincount(layout.stop_cell, minlength=self._cells).reshape(layout.shape) > 0
        first = np.where(self._has_advance | has_stop, FIRST_FLOW_VEH_PER_H, 0.0)
        self.veh_per_h: Floats = first
        self.out_veh_per_h: Floats = first.copy()
        self.loop_veh_per_s = np.zeros(loops)
        self.loop_veh_per_s[loop] = FIRST_FLOW_VEH_PER_H / 3600.0
        self._held_veh, self._held_s = np.zeros(loops), np.zeros(loops)
        self._age_s = 0.0
        fed = np.bincount(loop, minlength=loops)
        self._shared = fed[loop] > 1
        self._any_shared = bool(self._shared.any())
        self.arriving = layout.advance_share.copy()

    def learn(self, elapsed_s: float, volume_veh: Floats, out_veh: Floats, spilled: Bools) -> None:
        """Take what was counted by each loop [L] and let out by each lane group [J, N] since the last call."""
        self._age_s += elapsed_s
        self._held_veh += volume_veh
        self._held_s += elapsed_s
        span_s = min(ARRIVAL_SPAN_S, self._age_s + FIRST_SPAN_S)
        told = np.where(spilled, 0.0, self._held_s)
        flow = self._held_veh / self._held_s
        self.loop_veh_per_s = self.loop_veh_per_s + told / (told + span_s) * (flow - self.loop_veh_per_s)
        late = spilled & (self._held_s > LONG_S)
        np.maximum(self.loop_veh_per_s, flow, out=self.loop_veh_per_s, where=late)
        self._held_veh[~spilled], self._held_s[~spilled] = 0.0, 0.0
        span_s = min(TURNING_SPAN_S, self._age_s + FIRST_SPAN_S)
        gain = elapsed_s / (elapsed_s + span_s)
        self.out_veh_per_h = self.out_veh_per_h + gain * (out_veh * (3600.0 / elapsed_s) - self.out_veh_per_h)
        if self._any_shared:
            self._learn_shares()
        loop, cell = self._layout.advance_loop, self._layout.advance_cell
        veh_per_h = np.bincount(cell, self.loop_veh_per_s[loop] * self.arriving * 3600.0, self._cells)
        self.veh_per_h = np.where(self._has_advance, veh_per_h.reshape(self._layout.shape), self.out_veh_per_h)

    def _learn_shares(self) -> None:
        """Split what a loop counts among the lane groups fed, as these discharge more than their own loops see."""
        loop, cell, shared = self._layout.advance_loop, self._layout.advance_cell, self._shared
        own = np.bincount(cell, np.where(shared, 0.0, self.loop_veh_per_s[loop]) * 3600.0, self._cells)
        weight = np.maximum((self.out_veh_per_h.ravel() - own)[cell], LEAST_SHARE_VEH_PER_H)
        self.arriving = np.where(shared, weight / np.bincount(loop, weight)[loop], self.arriving)
