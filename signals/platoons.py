"""Arrivals on their way: what leaves the junctions upstream, shifted by the travel time and dispersed.

Robertson's platoon dispersion (TRRL report LR 253, 1969): who leaves one stop line reaches the next no sooner than
`BETA` times the mean travel time t later; then every second the share 1 / (1 + ALPHA BETA t) of those still due comes.
The recursion is linear, so what comes within a span is a sum over all who left, each with the share that falls in it.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from signals.layout import Layout
from signals.values import Bools, Floats, Ints, NeighbourMessage

ALPHA, BETA = 0.35, 0.8
EVERY_S = 3.0
SLOTS = 60
"""Three minutes: who left before has arrived, on any link between neighbours."""
USUAL_SPAN_S = 600.0
RELEASE_PER_S = 0.0075
"""Each vehicle that queues upstream beyond those who do in the mean adds so much to what leaves from now on."""
MOST_MORE_VEH = 6.0
"""Of a longer queue than that one green lets out no more, or the queue is longer because it is held up."""
STALE_MESSAGE_S = 15.0


class Seen(NamedTuple):
    """What was known at a time: how many had left each lane group, its queue, or what the neighbours said of both."""

    time_s: float
    out_veh: Floats
    queue_veh: Floats
    heard: NeighbourMessage | None


class Platoons:
    """Remembers what was seen in the last minutes, as it is; works out what of it comes when somebody asks."""

    def __init__(self, layout: Layout) -> None:
        self._cells, self._shape = layout.has_group.size, layout.shape
        self._source, self._target, travel_s = links(layout)
        self._shift_s = BETA * travel_s
        self._stay = 1.0 - 1.0 / (1.0 + ALPHA * BETA * travel_s)
        self._free_s = (layout.advance_distance_m / layout.speed_m_per_s).ravel()
        self._usual, self._usual_queue_veh = np.zeros(self._cells), np.zeros(self._cells)
        self.restart(0.0)

    def restart(self, now_s: float) -> None:
        """A first reading, or a clock that stepped back: nobody is known to be on his way."""
        self._seen: deque[Seen] = deque(maxlen=SLOTS + 1)
        self._age_s, self._learned_s = 0.0, now_s
        self.next_s = now_s

    def remember(self, now_s: float, out_veh: Floats, queue_veh: Floats, heard: NeighbourMessage | None) -> None:
        """How many have left each lane group [J, N] so far, and who queues; or as was heard. Keeps what it is given."""
        self._seen.append(Seen(now_s, out_veh, queue_veh, heard))
        self.next_s = now_s + EVERY_S

    def learn(self, now_s: float) -> None:
        """Every half minute: what leaves, and who queues, in the mean. Without links nobody asks."""
        if not self._source.size or len(self._seen) < 2:
            return
        rate, told_s = self._rate(self._learned_s)
        self._age_s += now_s - self._learned_s
        span_s, self._learned_s = min(USUAL_SPAN_S, max(self._age_s, 1e-9)), now_s
        gain = np.minimum(told_s / span_s, 1.0)
        self._usual += gain * (rate - self._usual)
        queue_veh = _queue_veh(self._seen[-1]).ravel()
        self._usual_queue_veh += gain * np.where(np.isnan(queue_veh), 0.0, queue_veh - self._usual_queue_veh)

    def _rate(self, since_s: float) -> tuple[Floats, Floats]:
        """What left a second of each cell since a time, and of how many seconds that was told."""
        first, last = next(seen for seen in self._seen if seen.time_s >= since_s), self._seen[-1]
        elapsed_s = last.time_s - first.time_s
        if last.heard is None and elapsed_s > 0:
            return (last.out_veh - first.out_veh).ravel() / elapsed_s, np.full(self._cells, elapsed_s)
        spans_s, left = self._left(since_s)
        told = ~np.isnan(left)
        told_s = spans_s @ told
        return np.where(told, left, 0.0).sum(axis=0) / np.maximum(told_s, 1e-9), told_s

    def _left(self, since_s: float) -> tuple[Floats, Floats]:
        """What left in each span between two memories that ends after a time: their lengths, and vehicles a cell.

        Not a number where nobody told it.
        """
        pairs = [(a, b) for a, b in pairwise(self._seen) if b.time_s > since_s]
        spans_s = np.array([b.time_s - a.time_s for a, b in pairs])
        return spans_s, np.array([_left_veh(a, b).ravel() for a, b in pairs]).reshape(-1, self._cells)

    @property
    def leaving_veh_per_s(self) -> Floats:
        """What left each lane group [J, N] lately; not a number where nobody told it."""
        if len(self._seen) < 2:
            return np.full(self._shape, np.nan)
        before, last = self._seen[-2], self._seen[-1]
        return _left_veh(before, last) / (last.time_s - before.time_s)

    def coming_veh(self, now_s: float, within_s: float, flow_veh_per_h: Floats) -> Floats:
        """Who will pass the advance loop in time to reach the stop line within a span, at free speed [J, N].

        flow_veh_per_h: what arrives in the mean. Of what leaves upstream a lane group gets the part that makes up its
        own flow; what its flow has beyond that comes evenly.
        """
        usual = self._usual[self._source]
        begins_s, ends_s = self._free_s[self._target], within_s  # who comes sooner is past the advance loop already
        spans_s, left = self._left(-np.inf)
        left = left[:, self._source]
        untold = np.isnan(left)
        left = np.where(untold, usual * spans_s[:, None], left)
        ago_s = self._ago_s(now_s, spans_s)[:, None]
        came = self._share(ends_s + ago_s) - self._share(begins_s + ago_s)
        since_s = -(np.arange(within_s) + 0.5)[:, None]
        yet = (self._share(ends_s + since_s) - self._share(begins_s + since_s)).sum(axis=0)
        more = self._more(usual, untold)
        return self._divide((came * left).sum(axis=0) + yet * (usual + more), within_s, flow_veh_per_h)

    def _ago_s(self, now_s: float, spans_s: Floats) -> Floats:
        """How long ago the middle of each span was."""
        ends_s = np.array([seen.time_s for seen in self._seen])[1:]
        return now_s - ends_s + spans_s / 2.0

    def _more(self, usual: Floats, untold: Bools) -> Floats:
        """What will leave upstream beyond the usual, as more or fewer than usual queue there."""
        if not untold.shape[0]:
            return np.zeros(usual.size)
        queue_veh = _queue_veh(self._seen[-1]).ravel() - self._usual_queue_veh
        more = RELEASE_PER_S * np.clip(queue_veh[self._source], -MOST_MORE_VEH, MOST_MORE_VEH)
        return np.where(untold[-1] | np.isnan(more), 0.0, np.maximum(more, -usual))

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


def _left_veh(before: Seen, last: Seen) -> Floats:
    """What left each lane group in between [J, N]; not a number where the message is missing or stale."""
    if last.heard is None:
        return last.out_veh - before.out_veh
    if last.time_s - last.heard.time_s > STALE_MESSAGE_S:
        return np.full_like(last.out_veh, np.nan)
    left: Floats = last.heard.discharge_veh_per_h * ((last.time_s - before.time_s) / 3600.0)
    return left


def _queue_veh(seen: Seen) -> Floats:
    return seen.queue_veh if seen.heard is None else seen.heard.queue_veh


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
