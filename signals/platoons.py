"""Arrivals on their way: what leaves the junctions upstream, shifted by the travel time and dispersed.

Robertson's platoon dispersion (TRRL report LR 253, 1969): who leaves one stop line reaches the next no sooner than
`BETA` times the mean travel time t later; then every second the share 1 / (1 + ALPHA BETA t) of those still due comes.
The recursion is linear, so what comes within a span is a sum over all who left, each with the share that falls in it.
"""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import Floats, Ints, NeighbourMessage

ALPHA, BETA = 0.35, 0.8
EVERY_S = 3.0
SLOTS = 60
"""Three minutes: who left before has arrived, on any link between neighbours."""
USUAL_SPAN_S = 600.0
RELEASE_PER_S, USUAL_WAIT_S = 0.0075, 20.0
"""Each vehicle that queues upstream beyond those who wait there at any time adds so much to what leaves from now on."""
STALE_MESSAGE_S = 15.0


class Platoons:
    """Remembers what left each lane group in the last minutes, and tells how much of it comes when.

    leaving_veh_per_s [J, N]: what left lately; not a number where nobody told it.
    """

    def __init__(self, layout: Layout) -> None:
        self._cells, self._shape = layout.has_group.size, layout.shape
        self._source, self._target, travel_s = links(layout)
        self._shift_s = BETA * travel_s
        self._stay = 1.0 - 1.0 / (1.0 + ALPHA * BETA * travel_s)
        self._free_s = (layout.advance_distance_m / layout.speed_m_per_s).ravel()
        self._usual = np.zeros(self._cells)
        self._out_veh, self._queue_veh = np.zeros(self._shape), np.zeros(self._shape)
        self.restart(0.0)

    def restart(self, now_s: float) -> None:
        """A first reading, or a clock that stepped back: nobody is known to be on his way."""
        self._ends_s, self._spans_s = np.full(SLOTS, now_s), np.zeros(SLOTS)
        self._left = np.full((SLOTS, self._cells), np.nan)
        self._slot, self._age_s = 0, 0.0
        self.next_s = now_s + EVERY_S
        self._last_s = now_s
        self.leaving_veh_per_s: Floats = np.full(self._shape, np.nan)

    def remember(self, now_s: float, out_veh: Floats, queue_veh: Floats, heard: NeighbourMessage | None) -> None:
        """What has left each lane group [J, N] since the last time, from `out_veh`, all so far; or as was heard."""
        elapsed_s = now_s - self._last_s
        if heard is None:
            left_veh = out_veh - self._out_veh
        elif now_s - heard.time_s > STALE_MESSAGE_S:
            left_veh = np.full(self._shape, np.nan)
        else:
            left_veh = heard.discharge_veh_per_h * (elapsed_s / 3600.0)
        self._out_veh, self._queue_veh = out_veh, queue_veh if heard is None else heard.queue_veh
        self._last_s, self.next_s = now_s, now_s + EVERY_S
        self._slot = slot = (self._slot + 1) % SLOTS
        self._ends_s[slot], self._spans_s[slot], self._left[slot] = now_s, elapsed_s, left_veh.ravel()
        self.leaving_veh_per_s = left_veh / elapsed_s
        self._age_s += elapsed_s
        gain = elapsed_s / min(USUAL_SPAN_S, self._age_s)
        told = np.where(np.isnan(self._left[slot]), self._usual, self.leaving_veh_per_s.ravel())
        self._usual += gain * (told - self._usual)

    def coming_veh(self, now_s: float, within_s: float, flow_veh_per_h: Floats) -> Floats:
        """Who will pass the advance loop in time to reach the stop line within a span, at free speed [J, N].

        flow_veh_per_h: what arrives in the mean. Of what leaves upstream a lane group gets the part that makes up its
        own flow; what its flow has beyond that comes evenly.
        """
        usual = self._usual[self._source]
        begins_s, ends_s = self._free_s[self._target], within_s  # who comes sooner is past the advance loop already
        ago_s = (now_s - self._ends_s + self._spans_s / 2.0)[:, None]
        came = self._share(ends_s + ago_s) - self._share(begins_s + ago_s)
        left = self._left[:, self._source]
        untold = np.isnan(left)
        left = np.where(untold, usual * self._spans_s[:, None], left)
        since_s = -(np.arange(within_s) + 0.5)[:, None]
        yet = (self._share(ends_s + since_s) - self._share(begins_s + since_s)).sum(axis=0)
        more = RELEASE_PER_S * (self._queue_veh.ravel()[self._source] - usual * USUAL_WAIT_S)
        silent = untold[self._slot]
        leaving = np.maximum(np.where(silent | np.isnan(more), usual, usual + more), 0.0)
        return self._divide((came * left).sum(axis=0) + yet * leaving, within_s, flow_veh_per_h)

    def _divide(self, due_veh: Floats, within_s: float, flow_veh_per_h: Floats) -> Floats:
        """Among the lane groups of each approach; from one a link to [J, N]."""
        upstream = self._sum(self._usual[self._source])
        flow = flow_veh_per_h.ravel() / 3600.0
        part = np.minimum(flow / np.maximum(upstream, 1e-9), 1.0) * (upstream > 0)
        rest = np.maximum(flow - upstream, 0.0) * np.maximum(within_s - self._free_s, 0.0)
        found: Floats = (part * self._sum(due_veh) + rest).reshape(self._shape)
        return found

    def _sum(self, of_link: Floats) -> Floats:
        return np.bincount(self._target, of_link, self._cells).astype(float)

    def _share(self, after_s: Floats) -> Floats:
        """Of those who left so long ago, who have arrived."""
        return 1.0 - self._stay ** np.maximum(after_s - self._shift_s, 0.0)


def links(layout: Layout) -> tuple[Ints, Ints, Floats]:
    """Lane groups whose vehicles come to another's approach: flat cells of both, and the mean travel time in s."""
    columns = layout.shape[1]
    row_of = {intersection.id: row for row, intersection in enumerate(layout.intersections)}
    found: list[tuple[int, int, float]] = []
    for row, intersection in enumerate(layout.intersections):
        onward = [n for n in intersection.neighbours if n.intersection in row_of]
        for column, group in enumerate(intersection.lane_groups):
            for neighbour in (n for n in onward if n.exit in group.exits):
                other = row_of[neighbour.intersection]
                for k, fed in enumerate(layout.intersections[other].lane_groups):
                    if fed.approach == neighbour.approach:
                        found.append((row * columns + column, other * columns + k, neighbour.travel_time_s))
    source, target, travel_s = np.array(found, float).reshape(-1, 3).T
    return source.astype(np.int64), target.astype(np.int64), travel_s
