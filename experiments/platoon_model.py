"""What a fixed plan costs by a cyclic platoon model, in a millisecond: the surrogate that a search begins with.

As TRANSYT has it (Robertson, RRL LR 253, 1969): flows repeat with the cycle, leave each stop line as queue and green
allow, spread on their way to the next, and wait; randomness and oversaturation add what the HCM's second term says.
What turns in gaps goes by the HCM's gap acceptance against what leaves opposite in the same moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from experiments.plan_space import JunctionTiming, PlanSpace, Timing
from experiments.platoon_flows import Flows
from signals.intersection import Aspect
from signals.layout import Layout
from signals.sequencer import intervals_between
from signals.values import Bools, Floats, Ints

STEPS = 60
"""Of a cycle (TRANSYT has 50 to 60)."""
PASSES = 4
"""Over the network: platoons are followed through so many stop lines."""
ROUNDS = 2
"""Cycles a queue needs to repeat itself, begun empty and kept below capacity."""
LATE_S = 2.0
"""Start-up lost time and what is gained in yellow, HCM's usual 2 s each: green counts from 2 s on to 2 s beyond."""
DISPERSION, FIRST_ARRIVE = 0.35, 0.8
"""Robertson's alpha and beta."""
CRITICAL_GAP_S, FOLLOW_UP_S = 4.5, 2.5
"""Permissive left turns (HCM 6, ch. 31)."""
SNEAKERS_VEH = 1.0
"""A permissive green lets out whoever waits inside the junction when it ends (HCM: up to 2 a cycle)."""
LEAST_WORTH = 0.02
MOST_USED = 0.97
SPAN_H = 1.0
INCREMENTAL = 0.5  # HCM's k of fixed timing
VEHICLE_S = 3600.0


class PlatoonModel:
    """Delay of many timings at once. Arrays: timings [B], steps of the cycle [N], lane groups [L], streams [M]."""

    def __init__(self, layout: Layout, space: PlanSpace, flows: Flows) -> None:
        self._layout, self._space, self._flows = layout, space, flows
        self._heads = layout.has_head.shape[1]
        self._saturation_veh_per_s = layout.saturation_flow_veh_per_h.ravel()[flows.cell] / VEHICLE_S
        self._room_veh = layout.room_veh.ravel()[flows.cell]
        self._inner = np.isin(np.arange(len(flows.cell)), flows.way_to)
        self._first_stream = np.searchsorted(flows.stream_group, np.arange(len(flows.cell)))
        self._arrived, self._first_way = np.unique(flows.way_to, return_index=True)
        self._headway_s = (layout.lanes.ravel()[flows.cell] / self._saturation_veh_per_s)[flows.stream_group]
        self._yielding, self._opposing, self._first_opposing = self._opposed()

    def _opposed(self) -> tuple[Ints, Ints, Ints]:
        """Streams that yield in some stage to others, those others one after the other, and where each list begins."""
        heads = self._flows.stream_head.tolist()
        ids: dict[tuple[int, str], int] = {}
        for row, intersection in enumerate(self._layout.intersections):
            ids |= {(row, g.id): row * self._heads + k for k, g in enumerate(intersection.signal_groups)}
        junctions = enumerate(self._layout.intersections)
        pairs = {(ids[row, c.first], ids[row, c.second]) for row, i in junctions for c in i.conflicts if c.yielding_in}
        against = [[m for m, other in enumerate(heads) if {(head, other), (other, head)} & pairs] for head in heads]
        found = [k for k, others in enumerate(against) if others]
        lengths = [len(against[k]) for k in found]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if found else np.zeros(0)
        return np.array(found, int), np.array([m for k in found for m in against[k]], int), starts.astype(int)

    def delay_s(self, timings: Sequence[Timing]) -> Floats:
        """[B] mean delay of a vehicle over its whole route."""
        cycle_s = np.array([t.cycle_s for t in timings], dtype=float)
        shown = [[self._shown(row, own, t.cycle_s) for row, own in enumerate(t.junctions)] for t in timings]
        streams = self._flows.stream_head
        free = np.stack([np.concatenate([f for f, _ in one], axis=1)[:, streams] for one in shown])
        yields = np.stack([np.concatenate([y for _, y in one], axis=1)[:, streams] for one in shown])
        step_s = cycle_s / STEPS
        arrivals = np.broadcast_to(self._flows.flow_veh_per_s, (len(timings), STEPS, len(self._room_veh)))
        fits = np.ones((len(timings), 1, 1))
        for _ in range(PASSES if len(self._flows.way_to) else 2):
            left, queue_veh, capacity = self._discharge(arrivals * fits, free, yields, step_s)
            arrivals = self._arrivals(left / fits, step_s)
            used = arrivals.mean(axis=1) / np.maximum(capacity, 1e-6)
            fits = np.minimum(1.0, MOST_USED / np.maximum(used, 1e-6))[:, None, :]
        return self._cost(queue_veh, capacity, cycle_s)

    @lru_cache(maxsize=20_000)  # noqa: B019 - a model lives as long as its search
    def _shown(self, row: int, own: JunctionTiming, cycle_s: int) -> tuple[Floats, Floats]:
        """[N, P] each: the share of every step in which a head is green, and in which it yields."""
        splits_s = self._space.splits_s(row, own, cycle_s)
        following = [*own.stages[1:], own.stages[0]]
        seconds = [self._split(row, *each) for each in zip(own.stages, following, splits_s, strict=True)]
        aspects = np.concatenate(seconds)
        turn = round(own.offset_s) % len(aspects) + round(LATE_S)
        aspects = np.roll(np.tile(aspects, (own.cycles, 1)), turn, axis=0)
        return _in_steps(aspects == Aspect.GREEN), _in_steps(aspects == Aspect.PERMISSIVE)

    @lru_cache(maxsize=20_000)  # noqa: B019
    def _split(self, row: int, stage: int, after: int, split_s: int) -> Ints:
        """[seconds, P] what the heads show in a stage's green and the interstage after it."""
        intersection = self._layout.intersections[row]
        stages = intersection.stages
        shown = np.full((split_s, self._heads), int(Aspect.RED), dtype=np.int64)
        shown[:, : len(intersection.signal_groups)] = intersection.stage_aspects(stages[stage])
        intervals = intervals_between(intersection, stages[stage], stages[after]) if after != stage else ()
        since_s = split_s - sum(i.duration_s for i in intervals)
        for interval in intervals:
            until_s = since_s + interval.duration_s
            shown[round(since_s) : round(until_s), : len(interval.aspects)] = interval.aspects
            since_s = until_s
        return shown

    def _discharge(
        self, arrivals: Floats, free: Floats, yields: Floats, step_s: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """What leaves [B, N, L], the queues [B, N, L] at the ends of the steps, and the capacity [B, L], per second."""
        dt, turning = step_s[:, None], self._yielding
        share, first = self._flows.stream_share, self._first_stream
        ends_veh = np.maximum(0.0, np.roll(yields, 1, axis=1) - yields) * share * SNEAKERS_VEH
        ends_veh = np.add.reduceat(ends_veh, first, axis=2)
        green = np.minimum(1.0, free + yields)
        burden = share * green**2
        most = self._saturation_veh_per_s * np.add.reduceat(share * green, first, axis=2) ** 2 * step_s[:, None, None]
        opposing = free[:, :, self._opposing] * share[self._opposing] / step_s[:, None, None]
        from_group = self._flows.stream_group[self._opposing]
        left, queues, rates = (np.zeros(arrivals.shape) for _ in range(3))
        queue, out = np.zeros(arrivals[:, 0].shape), np.zeros(arrivals[:, 0].shape)
        for n in [*range(STEPS)] * ROUNDS:
            worth = free[:, n]
            if len(turning):
                worth = worth.copy()
                against = np.add.reduceat(out[:, from_group] * opposing[:, n], self._first_opposing, axis=1)
                worth[:, turning] += yields[:, n, turning] * self._in_gaps(against)
            slowed = np.add.reduceat(burden[:, n] / np.maximum(worth, LEAST_WORTH), first, axis=1)
            rate = most[:, n] / np.maximum(slowed, 1e-9) + ends_veh[:, n]
            waiting = queue + arrivals[:, n] * dt
            out = np.minimum(waiting, rate)
            queue = waiting - out
            left[:, n], queues[:, n], rates[:, n] = out / dt, queue, rate / dt
        return left, queues, rates.mean(axis=1)

    def _in_gaps(self, opposing_veh_per_s: Floats) -> Floats:
        """Of a free green's flow what finds gaps (HCM 6, eq. 31-100)."""
        v = np.maximum(1e-4, opposing_veh_per_s)
        accepted = v * np.exp(-v * CRITICAL_GAP_S) / (1.0 - np.exp(-v * FOLLOW_UP_S))
        return np.minimum(1.0, accepted * self._headway_s[self._yielding])

    def _arrivals(self, left: Floats, step_s: Floats) -> Floats:
        """Who enters, and who comes from other stop lines, later and spread out (Robertson's recurrence, cyclic)."""
        entering = np.broadcast_to(self._flows.entering_veh_per_s, left.shape)
        if not len(self._flows.way_to):
            return entering
        travel_s = self._flows.way_time_s
        smoothing = 1.0 / (1.0 + DISPERSION * FIRST_ARRIVE * travel_s / step_s[:, None])
        turn = 2j * np.pi * np.arange(STEPS // 2 + 1)[:, None] / STEPS
        late = np.exp(-turn * (FIRST_ARRIVE * travel_s / step_s[:, None])[:, None, :])
        spread = smoothing[:, None, :] / (1.0 - (1.0 - smoothing[:, None, :]) * np.exp(-turn))
        waves = np.fft.rfft(left, axis=1)[:, :, self._flows.way_from] * late * spread * self._flows.way_share
        arrived = np.fft.irfft(np.add.reduceat(waves, self._first_way, axis=2), n=STEPS, axis=1)
        found = entering.copy()
        found[:, :, self._arrived] += arrived.clip(0.0)
        return found

    def _cost(self, queue_veh: Floats, capacity: Floats, cycle_s: Floats) -> Floats:
        """Queues that repeat, the HCM's second term on top, and what does not fit its lanes once more."""
        flow = self._flows.flow_veh_per_s
        per_h = np.maximum(capacity, 1e-6) * VEHICLE_S
        degree = flow * VEHICLE_S / per_h
        root = np.sqrt((degree - 1.0) ** 2 + 8.0 * INCREMENTAL * degree / (per_h * SPAN_H))
        more_s = 900.0 * SPAN_H * (degree - 1.0 + root)
        standing = queue_veh.max(axis=1) + flow * more_s
        too_many = np.maximum(0.0, standing - self._room_veh) * self._inner
        waiting = queue_veh.mean(axis=1) + flow * more_s + too_many
        return waiting.sum(axis=1) / self._flows.vehicles_per_s


def _in_steps(shown: Bools) -> Floats:
    """[seconds, P] as [N, P], the share of each step."""
    seconds = len(shown)
    total = np.vstack([np.zeros(shown.shape[1]), np.cumsum(shown, axis=0)])
    marks = np.arange(STEPS + 1) * seconds / STEPS
    whole = np.minimum(marks.astype(int), seconds - 1)
    at = total[whole] + (marks - whole)[:, None] * shown[whole]
    return np.diff(at, axis=0) * STEPS / seconds
