"""The slow quantities, worked out where somebody asks: uncertainty, degree of saturation, shares, and who is to come.

Standard deviations are models, calibrated on SUMO (docs/estimation.md): a flow from n vehicles counted is as uncertain
as their number (Poisson, times `BUNCHING`); a queue by input and output drifts with each vehicle that came since the
stop line was last free, more where an advance loop feeds several lane groups, and beyond the loop nobody counts at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signals.arrivals import ARRIVAL_SPAN_S, TURNING_SPAN_S, Arrivals
from signals.green_share import GreenShare
from signals.layout import VEHICLE_SPACE_M, Layout
from signals.platoons import Platoons
from signals.queues import Queues
from signals.saturation import Saturation, Scene
from signals.values import Bools, Estimate, Floats, Ints, Known, Outlook, TrafficState

WITHIN_S = 60.0
BUNCHING = 1.0
"""Variance over mean of counts: vehicles come in platoons, and flows change."""
LEAST_VEH_PER_H = 30.0
"""A flow of which nobody has been seen yet may still be as much."""
ASSUMED_SPREAD = 0.5
"""Of a flow that no loop tells, as part of it."""
STANDING_SPREAD_VEH = 0.5
"""Who just stops and who just starts."""
MISCOUNTED = 0.03
"""Part of the vehicles that only one of the two loops sees: lane changes, edges lost."""
MISTAKEN = 0.3
"""Of the variance of who turned where beyond a shared loop, what the stop lines do not put right."""
FULL, FULL_SPREAD_VEH, BEYOND_SPREAD = 0.7, 4.0, 0.7
"""From this part of the room to the advance loop on, the end of the queue may be unseen; and how far off it then is, at
least, and as part of what is believed to stand beyond the loop."""
ONE_KIND_SPREAD = 0.5
"""Of a queue that loops of one kind alone tell of."""


class Outlooks:
    """Keeps what is learned and remembered for it, and builds an `Outlook` of what is believed."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._cells = layout, layout.has_group.size
        self.saturation, self.platoons, self.green_share = Saturation(layout), Platoons(layout), GreenShare(layout)
        names = [(row, g.approach) for row, i in enumerate(layout.intersections) for g in i.lane_groups]
        numbers = {name: k for k, name in enumerate(dict.fromkeys(names))}
        self._approach = np.full(layout.shape, len(numbers))
        self._approach[layout.has_group] = [numbers[name] for name in names]
        watched = np.bincount(layout.stop_cell, minlength=self._cells) > 0
        watched |= np.bincount(layout.advance_cell, minlength=self._cells) > 0
        self._watched = watched.reshape(layout.shape)

    def restart(self, now_s: float) -> None:
        """A first reading, or a clock that stepped back."""
        self.saturation.restart()
        self.platoons.restart(now_s)
        self.green_share.restart(now_s)

    def follow(self, now_s: float, rows: list[int], stage: Ints, scene: Scene) -> None:
        """At some junctions, `rows`, the stage has changed."""
        self.saturation.follow(now_s, rows, stage, scene)
        self.green_share.follow(now_s, rows, stage)

    def of(self, traffic: TrafficState, arrivals: Arrivals, queues: Queues) -> Outlook:
        """All quantities as they are now."""
        flow, queue = self._flow(traffic, arrivals), self._queue(traffic, arrivals, queues)
        saturation, lost = self.saturation.flow, self.saturation.lost
        to_m = VEHICLE_SPACE_M / np.maximum(self._layout.lanes, 1.0)
        return Outlook(
            time_s=traffic.time_s,
            arrival_flow_veh_per_h=flow,
            expected_veh_60s=self._expected(traffic, flow, queues),
            queue_veh=queue,
            queue_m=Estimate(queue.value * to_m, queue.sd * to_m, queue.known),
            saturation_flow_veh_per_h=saturation,
            startup_lost_s=lost,
            degree_of_saturation=_degree(flow, saturation, self.green_share.share(traffic.time_s, lost.value)),
            turning_share=self._shares(flow, arrivals),
        )

    def _flow(self, traffic: TrafficState, arrivals: Arrivals) -> Estimate:
        flow = traffic.arrival_flow_veh_per_h
        per_h = np.maximum(flow, LEAST_VEH_PER_H)
        counted_veh = per_h * arrivals.counted_s(ARRIVAL_SPAN_S) / 3600.0
        divided_veh = per_h * arrivals.counted_s(TURNING_SPAN_S) / 3600.0
        alone = self._share_of_loops(arrivals)
        relative = np.where(arrivals.no_advance, 1.0 / divided_veh, 1.0 / counted_veh + (1.0 - alone) / divided_veh)
        sd = per_h * np.sqrt(BUNCHING * relative)
        blind = ~self._watched | (arrivals.no_advance & arrivals.no_stop)
        known = np.where(arrivals.no_advance, Known.INFERRED, Known.MEASURED)
        known = np.where(blind, Known.ASSUMED, known).astype(np.int8)
        return Estimate(flow, np.where(blind, np.maximum(sd, ASSUMED_SPREAD * flow), sd), known)

    def _share_of_loops(self, arrivals: Arrivals) -> Floats:
        """Part of the vehicles over its advance loops that go to the lane group."""
        links = np.maximum(np.bincount(self._layout.advance_cell, minlength=self._cells), 1)
        share = np.bincount(self._layout.advance_cell, arrivals.share, self._cells) / links
        return share.reshape(self._layout.shape)

    def _queue(self, traffic: TrafficState, arrivals: Arrivals, queues: Queues) -> Estimate:
        drift = MISCOUNTED + MISTAKEN * (1.0 - self._share_of_loops(arrivals))
        variance = STANDING_SPREAD_VEH**2 + drift * queues.since_free_veh()
        variance += _full(queues) * FULL_SPREAD_VEH**2 + (BEYOND_SPREAD * queues.beyond_veh) ** 2
        variance += (arrivals.no_advance | arrivals.no_stop) * (ONE_KIND_SPREAD * traffic.queue_veh) ** 2
        sd = np.sqrt(np.minimum(variance, np.maximum(queues.room_veh, 1.0) ** 2))
        return Estimate(traffic.queue_veh, sd, traffic.known)

    def _expected(self, traffic: TrafficState, flow: Estimate, queues: Queues) -> Estimate:
        coming = self.platoons.coming_veh(traffic.time_s, WITHIN_S, flow.value)
        sd = np.sqrt(BUNCHING * coming + (flow.sd * WITHIN_S / 3600.0) ** 2)
        known = np.minimum(flow.known, np.int8(Known.INFERRED))
        # who comes over a loop that a queue reaches has arrived long before, at its end
        evenly_veh = flow.value * self._layout.advance_distance_m / self._layout.speed_m_per_s / 3600.0
        near_veh = np.where(_full(queues), evenly_veh, traffic.approaching_veh)
        return Estimate(coming + near_veh, sd, known)

    def _shares(self, flow: Estimate, arrivals: Arrivals) -> Estimate:
        size = int(self._approach.max()) + 1
        total = np.bincount(self._approach.ravel(), flow.value.ravel(), size)[self._approach]
        share = flow.value / np.maximum(total, 1e-9)
        counted_veh = np.maximum(total, LEAST_VEH_PER_H) * arrivals.counted_s(ARRIVAL_SPAN_S) / 3600.0
        sd = np.sqrt(BUNCHING * np.maximum(share * (1.0 - share), 0.0) / counted_veh)
        least = np.full(size, int(Known.MEASURED))
        np.minimum.at(least, self._approach.ravel(), flow.known.ravel())
        return Estimate(share, sd, least[self._approach].astype(np.int8))


def _full(queues: Queues) -> Bools:
    """Whose queue reaches the advance loop, or nearly."""
    full: Bools = (queues.beyond_veh > 0) | (queues.inside_veh >= FULL * np.maximum(queues.reach_veh, 1.0))
    return full


def _degree(flow: Estimate, saturation: Estimate, green_share: Floats) -> Estimate:
    """HCM's v / c."""
    capacity = saturation.value * green_share
    ratio = np.where(flow.value > 0, np.inf, 0.0)
    np.divide(flow.value, capacity, out=ratio, where=capacity > 0)
    relative = (flow.sd / np.maximum(flow.value, LEAST_VEH_PER_H)) ** 2
    relative += (saturation.sd / np.maximum(saturation.value, 1.0)) ** 2
    known: NDArray[np.int8] = np.minimum(flow.known, saturation.known)
    return Estimate(ratio, ratio * np.sqrt(relative), known)
