"""Flows, learned slowly: of each loop while no queue hides them, of each lane group, and what each loop counts for.

While a queue stands on an advance loop what it counts is the queue's discharge. So counts are held back from the moment
that it is covered until the queue's tail has passed: all that it has counted by then are the arrivals of that time,
whatever the queue did in between (Liu et al. 2009), and only then are they learned from. A loop that is not believed
keeps its flow; what is left of its kind in the lane group then counts for it too.
"""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import Bools, Floats, Ints

EVERY_S = 30.0
ARRIVAL_SPAN_S = 300.0
"""Time constant of the arrival flow: a few cycles, so that a queue's bursts average out."""
TURNING_SPAN_S = 600.0
FIRST_SPAN_S = 60.0
FIRST_FLOW_VEH_PER_H = 180.0
LEAST_SHARE_VEH_PER_H = 3.0
"""Keeps a lane group that has not discharged for long from losing its share for good."""
LONG_S = 240.0
"""A queue that has not ended for so long is oversaturated: at least as many come as leave."""
UNEVEN = 2.0
"""How many times its equal share a lane may carry."""


class Arrivals:
    """veh_per_h [J, N], replaced as it changes; loop_veh_per_s [L], of each loop.

    arriving, leaving: what a vehicle on an advance or a stop-line loop counts for, one a link of a loop with a lane
    group; no_advance, no_stop [J, N]: lane groups with vehicles and no believed loop of that kind; usual_veh_per_h
    [J, N]: what history says of this time of day, not a number where it does not.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout, self._cells, self._shape = layout, layout.has_group.size, layout.shape
        loops = len(layout.loops)
        self._watched = self._per_group(layout.advance_cell) + self._per_group(layout.stop_cell) > 0
        self.loop_veh_per_s = np.full(loops, FIRST_FLOW_VEH_PER_H / 3600.0)
        self._held_veh, self._held_s = np.zeros(loops), np.zeros(loops)
        self._age_s = 0.0
        self._span_s = np.full(loops, TURNING_SPAN_S)
        self._span_s[layout.advance_loop] = ARRIVAL_SPAN_S
        fed = np.bincount(layout.advance_loop, minlength=loops)
        self._shared = fed[layout.advance_loop] > 1
        self._any_shared = bool(self._shared.any())
        self._share = layout.advance_share.copy()
        self.usual_veh_per_h = np.full(self._shape, np.nan)
        self.weigh(np.ones(loops, bool))

    def _per_group(self, cell: Ints, weights: Floats | Bools | None = None) -> Floats:
        return np.bincount(cell, weights, self._cells).astype(float).reshape(self._shape)

    def learn(self, elapsed_s: float, volume_veh: Floats, spilled: Bools) -> None:
        """Take what was counted by each loop [L] since the last call."""
        self._age_s += elapsed_s
        self._held_veh += volume_veh
        self._held_s += elapsed_s
        hidden = spilled | self._distrusted
        flow = self._held_veh / self._held_s
        told = np.where(hidden, 0.0, self._held_s)
        gain = told / (told + np.minimum(self._span_s, self._age_s + FIRST_SPAN_S))
        self.loop_veh_per_s = self.loop_veh_per_s + gain * (flow - self.loop_veh_per_s)
        late = spilled & ~self._distrusted & (self._held_s > LONG_S)
        np.maximum(self.loop_veh_per_s, flow, out=self.loop_veh_per_s, where=late)
        self._held_veh *= spilled
        self._held_s *= spilled
        self._weigh()

    def weigh(self, believed: Bools) -> None:
        """Follow which loops [L] are believed."""
        layout = self._layout
        self._distrusted, self._all_believed = ~believed, bool(believed.all())
        self._advance_on, self._stop_on = believed[layout.advance_loop], believed[layout.stop_loop]
        advances, stops = self._per_group(layout.advance_cell), self._per_group(layout.stop_cell)
        self._advance_left = self._per_group(layout.advance_cell, self._advance_on)
        self._stop_left = self._per_group(layout.stop_cell, self._stop_on)
        self.no_advance = self._watched & (self._advance_left == 0)
        self.no_stop = self._watched & (self._stop_left == 0)
        self._missing = advances / np.maximum(self._advance_left, 1.0), stops / np.maximum(self._stop_left, 1.0)
        self._whole_advance, self._whole_stop = advances == self._advance_left, stops == self._stop_left
        self._weigh()

    def _weigh(self) -> None:
        """What each loop counts for, and the flow of each lane group that follows."""
        layout, per_loop = self._layout, self.loop_veh_per_s * 3600.0
        stop_flow = per_loop[layout.stop_loop] * self._stop_on
        out = self._per_group(layout.stop_cell, stop_flow)
        if self._any_shared:
            self._learn_shares(out, per_loop)
        came = self._per_group(layout.advance_cell, self._share * per_loop[layout.advance_loop] * self._advance_on)
        for_in, for_out = self._stand_in(came, out)
        self.arriving = self._share * for_in.ravel()[layout.advance_cell] * self._advance_on
        self.leaving = for_out.ravel()[layout.stop_cell] * self._stop_on
        self.veh_per_h = np.where(self.no_advance, out * for_out, came * for_in)
        blind = self.no_advance & self.no_stop
        if blind.any():
            self.veh_per_h[blind] = self._usual(per_loop)[blind]

    def _stand_in(self, came: Floats, out: Floats) -> tuple[Floats, Floats]:
        """Factors that make good for distrusted loops: by the other kind's flow where that is whole, else by number.

        Where either kind has lost some both are taken to the same flow, the mean, lest what comes in never goes out.
        """
        if self._all_believed:
            return np.ones(self._shape), np.ones(self._shape)
        missing_in, missing_out = self._missing
        half = (missing_in > 1.0) & (missing_out > 1.0) & ~self.no_advance & ~self.no_stop
        mean = (came * missing_in + out * missing_out) / 2.0
        factors = []
        for flow, other, missing, whole in (
            (came, out, missing_in, self._whole_stop & ~self.no_stop),
            (out, came, missing_out, self._whole_advance & ~self.no_advance),
        ):
            told = np.where(half, mean, other)
            by_flow = np.clip(told / np.maximum(flow, LEAST_SHARE_VEH_PER_H), 1.0, UNEVEN * missing)
            factors.append(np.where(missing > 1.0, np.where(whole | half, by_flow, missing), 1.0))
        return factors[0], factors[1]

    @property
    def share(self) -> Floats:
        """Part of the vehicles on an advance loop that go to a lane group, one a link."""
        return self._share

    def counted_s(self, span_s: float) -> float:
        """The span of plain counts that tell a flow as well as the mean of this time constant does."""
        return 2.0 * min(span_s, self._age_s + FIRST_SPAN_S)

    @property
    def told(self) -> Bools:
        """Lane groups [J, N] whose flow believed loops tell."""
        found: Bools = self._watched & ~(self.no_advance & self.no_stop)
        return found

    @property
    def half_seen(self) -> Bools:
        """Lane groups [J, N] that have lost a loop of either kind."""
        found: Bools = ~(self._whole_advance & self._whole_stop)
        return found

    def _usual(self, per_loop: Floats) -> Floats:
        """Where no loop is left: as much a lane as the junction's lane groups of as many lanes have, or else all.

        Turn bays carry less than the lanes beside them, and few have two. Where no lane group of the junction has a
        loop left: what is usual at this time, else what the own loops told last.
        """
        layout = self._layout
        flow = self._per_group(layout.stop_cell, per_loop[layout.stop_loop] * self._stop_on)
        lanes = layout.lanes * (self._stop_left > 0)
        alike = layout.lanes[:, :, None] == layout.lanes[:, None, :]
        found, has_any = flow, lanes.any(axis=1, keepdims=True)
        for of in (np.ones_like(alike), alike):  # [J, N, N], of each lane group who tells of it
            told = (of * lanes[:, None, :]).sum(axis=2)
            a_lane = (of * flow[:, None, :]).sum(axis=2) / np.maximum(told, 1.0)
            found = np.where(told > 0, layout.lanes * a_lane, found)
        last = self._per_group(layout.stop_cell, per_loop[layout.stop_loop])
        came = self._per_group(layout.advance_cell, self._share * per_loop[layout.advance_loop])
        last = np.where(self._per_group(layout.stop_cell) > 0, last, came)
        usual = np.where(np.isnan(self.usual_veh_per_h), last, self.usual_veh_per_h)
        return np.where(has_any, found, usual)

    def _learn_shares(self, out: Floats, per_loop: Floats) -> None:
        """Split what a loop counts among the lane groups fed, as these discharge more than their own loops see."""
        loop, cell, shared = self._layout.advance_loop, self._layout.advance_cell, self._shared
        own = np.bincount(cell, np.where(shared, 0.0, per_loop[loop] * self._advance_on), self._cells)
        known = np.where(self.no_stop.ravel()[cell], FIRST_FLOW_VEH_PER_H, (out.ravel() - own)[cell])
        weight = np.maximum(known, LEAST_SHARE_VEH_PER_H)
        self._share = np.where(shared, weight / np.bincount(loop, weight)[loop], self._share)
