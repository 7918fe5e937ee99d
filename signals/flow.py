"""Believed readings → `TrafficState`: calls, gaps, flows, and queues by input and output with resets.

A lane group's queue is what the advance loop let in less what the stop line let out. Miscounts would add up, so it is
set anew whenever the loops tell it outright: nothing on the stop line and nothing on the way means none; the advance
loop covered without a break means that the queue has reached it, and what arrives beyond it is added at the arrival
flow until the loop is free again. Memory is constant; time comes with each snapshot.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from signals.detectors import LoopHealth
from signals.layout import VEHICLE_SPACE_M, Layout
from signals.values import TRANSITION, Bools, Floats, Ints, Known, NeighbourMessage, Snapshot, TrafficState

ARRIVAL_SPAN_S = 180.0
"""Time constant of the arrival flow: about two cycles, so that a queue's bursts average out."""
TURNING_SPAN_S = 600.0
EMPTY_GAP_S = 2.5
APPROACH_SLACK_S = 3.0
STANDING_S = 3.0
BLOCKED_S = 8.0
STALE_MESSAGE_S = 15.0
SHARES_EVERY_S = 30.0
FIRST_FLOW_VEH_PER_S = 0.05
OUT, ARRIVED, ON_STOP, ON_ADVANCE, OCCUPIED = range(5)
"""Rows of what the loops say, summed by lane group. The first four are also the rows of the times at which each was
last the case: a vehicle left, the advance loop was free, the stop line and the advance loop were covered."""
PASSED, FREE = OUT, ARRIVED


class FlowEstimator:
    """Holds the belief on all junctions of one layout as arrays over lane groups [J, N].

    A second of simulation leaves this about 25 µs a junction, so every numpy call counts: sums of all kinds are one
    pass, times and their limits are one array each, and what only stages decide is computed when a stage changes.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._health = LoopHealth(layout)
        self._shape = layout.shape
        self._cells = layout.has_group.size
        self._sums_shape = (5, *self._shape)
        self._rows = np.arange(self._shape[0])
        self._watch(layout)
        self._index_loops(layout)
        self._index_exits(layout)
        self._time_s = -np.inf
        self._inside_veh = np.zeros(self._shape)
        self._beyond_veh = np.zeros(self._shape)
        self._spilled = False
        self._flow_veh_per_s = np.full(self._shape, FIRST_FLOW_VEH_PER_S)
        self._discharged = np.full(self._shape, 1e-3)
        self._shared_s = -np.inf
        self._blind: Bools | None = None
        self._known = np.full(self._shape, Known.ASSUMED, np.int8)
        self._restart(0.0)

    def _watch(self, layout: Layout) -> None:
        """Constants of the lane groups: how far up they are watched, and how many vehicles fit below."""
        advances = np.bincount(layout.advance_cell, minlength=self._cells).reshape(self._shape)
        self._has_advance = (advances > 0) | ~layout.has_group
        self._all_advance = bool(self._has_advance.all())
        self._advances = np.maximum(advances, 1)
        travel_s = layout.advance_distance_m / layout.speed_m_per_s + APPROACH_SLACK_S
        limits_s = [np.full(self._shape, s) for s in (np.nextafter(BLOCKED_S, np.inf), STANDING_S, EMPTY_GAP_S)]
        self._limits_s = np.array([*limits_s, travel_s])
        room = layout.lanes * layout.advance_distance_m / VEHICLE_SPACE_M
        self._reach_veh = np.where(advances > 0, room, layout.room_veh) + 1.0
        self._room_veh = np.maximum(layout.room_veh, self._reach_veh)

    def _index_loops(self, layout: Layout) -> None:
        """Which entry of volume, presence and occupancy, one after the other, counts for which row and lane group."""
        stop, advance, loops = layout.stop_loop, layout.advance_loop, len(layout.loops)
        stop_cell, advance_cell, cells = layout.stop_cell, layout.advance_cell, self._cells
        self._entry = np.concatenate((stop, advance, stop + loops, advance + loops, stop + 2 * loops))
        rows = (stop_cell, advance_cell, stop_cell, advance_cell, stop_cell)
        self._cell = np.concatenate([cell + row * cells for row, cell in enumerate(rows)])
        self._weight = np.ones(self._entry.size)
        self._share = self._weight[stop.size : stop.size + advance.size]
        self._share[:] = layout.advance_share
        self._weight[-stop.size :] = 1.0 / layout.lanes.ravel()[stop_cell]

    def _index_exits(self, layout: Layout) -> None:
        """The lane groups beyond each exit; behind the last cell follow one without room and one with any."""
        cells = self._cells
        self._beyond_exit = layout.downstream.copy()
        if self._beyond_exit.shape[2]:
            unknown = self._beyond_exit[:, :, 0] == cells
            self._beyond_exit[unknown, 0] = cells + 1
        self._room = np.zeros(cells + 2)
        self._room[cells + 1] = np.inf
        self._room_here = self._room[:cells].reshape(self._shape)
        self._unknown_room = np.full(self._shape, np.inf)

    def _restart(self, now_s: float) -> None:
        junctions = self._shape[0]
        self._times_s = np.full((4, *self._shape), now_s)
        self._served_s = np.full(self._shape, now_s)
        self._stage_since_s = np.full(junctions, now_s)
        self._stage: Ints = np.full(junctions, TRANSITION)
        self._last_stage: Ints = np.zeros(junctions, np.int64)
        self._eligible, self._free = self._layout.has_stage, b""
        self._follow_stages(now_s, self._stage)

    def update(self, snapshot: Snapshot, heard: NeighbourMessage | None = None) -> TrafficState:
        """Take one snapshot. `heard` replaces what the junctions of this layout would tell each other."""
        now_s = snapshot.time_s
        if not self._time_s <= now_s:
            self._restart(now_s)
        elapsed_s = now_s - self._time_s if self._time_s > -np.inf else 0.0
        self._time_s = now_s
        believed = self._health.update(snapshot)
        sums = self._sums(snapshot, believed)
        seen = sums[:OCCUPIED] > 0
        seen[FREE] |= sums[ON_ADVANCE] < self._advances
        np.copyto(self._times_s, now_s, where=seen)
        stage = snapshot.stage
        if stage is not self._stage and (stage != self._stage).any():
            self._follow_stages(now_s, stage)
        ages_s = now_s - self._times_s
        over = ages_s >= self._limits_s
        self._flow(now_s, elapsed_s, sums, believed)
        self._queue(elapsed_s, sums, seen[ON_STOP], over)
        return self._state(now_s, seen[ON_STOP], ages_s, over[PASSED], sums[OCCUPIED], heard)

    def _sums(self, snapshot: Snapshot, believed: Bools) -> Floats:
        """Per lane group [5, J, N]: vehicles out, vehicles in, loops covered (stop line, advance), occupancy."""
        volume, presence = snapshot.volume_veh, snapshot.presence
        if np.count_nonzero(believed) < believed.size:
            volume, presence = np.where(believed, volume, 0.0), presence & believed
        readings = cast(Floats, np.concatenate((volume, presence, snapshot.occupancy)))
        weighed = readings.take(self._entry) * self._weight
        return cast(Floats, np.bincount(self._cell, weighed, 5 * self._cells).reshape(self._sums_shape))

    def _flow(self, now_s: float, elapsed_s: float, sums: Floats, believed: Bools) -> None:
        """Arrival flow by exponential smoothing; every half a minute also how lanes share it."""
        if elapsed_s <= 0:
            return
        flow, out = self._flow_veh_per_s, sums[OUT]
        change = self._coming(sums[ARRIVED], out) * (1 / elapsed_s)
        change -= flow
        change *= min(1.0, elapsed_s / ARRIVAL_SPAN_S)
        flow += change
        self._discharged *= 1 - min(1.0, elapsed_s / TURNING_SPAN_S)
        self._discharged += out
        if now_s - self._shared_s >= SHARES_EVERY_S:
            self._learn_shares(now_s)
            self._known = self._how_known(believed)

    def _coming(self, arrived: Floats, otherwise: Floats) -> Floats:
        """What the advance loops let in, or another figure where there is none."""
        return arrived if self._all_advance else np.where(self._has_advance, arrived, otherwise)

    def _queue(self, elapsed_s: float, sums: Floats, on_stop: Bools, over: Bools) -> None:
        """Input less output, set anew where the loops tell the queue outright."""
        inside, arrived = self._inside_veh, sums[ARRIVED]
        standing = over[FREE]
        stands = self._spilled or np.count_nonzero(standing) > 0
        expected = self._flow_veh_per_s * elapsed_s if stands or not self._all_advance else arrived
        inside += self._coming(arrived, expected)
        inside -= sums[OUT]
        np.maximum(inside, on_stop, out=inside)
        if stands:
            self._spill(standing, expected, arrived)
        np.minimum(inside, self._reach_veh, out=inside)
        quiet = over[ON_STOP] & over[ON_ADVANCE]
        if self._blind is not None:
            quiet &= ~self._blind
        np.copyto(inside, 0.0, where=quiet)
        if stands:
            np.copyto(self._beyond_veh, 0.0, where=quiet)
            self._spilled = bool(np.count_nonzero(self._beyond_veh) > 0)

    def _spill(self, standing: Bools, expected: Floats, arrived: Floats) -> None:
        """The part of the queue beyond the advance loop: grows unseen while that is covered, and passes it after."""
        inside, beyond = self._inside_veh, self._beyond_veh
        np.copyto(inside, self._reach_veh, where=standing & (inside < self._reach_veh))
        beyond += np.where(standing, expected, 0.0)
        beyond -= arrived
        np.maximum(beyond, 0.0, out=beyond)
        np.minimum(beyond, self._room_veh, out=beyond)

    def _how_known(self, believed: Bools) -> NDArray[np.int8]:
        """Measured where both loops are believed, inferred from one of them, else assumed from the usual flow."""
        layout, cells = self._layout, self._cells
        stop = np.bincount(layout.stop_cell, believed[layout.stop_loop], cells).reshape(self._shape) > 0
        advance = np.bincount(layout.advance_cell, believed[layout.advance_loop], cells).reshape(self._shape) > 0
        self._blind = None if stop[layout.has_group].all() else ~stop
        known = np.full(self._shape, Known.ASSUMED, np.int8)
        known[stop | advance] = Known.INFERRED
        known[stop & advance] = Known.MEASURED
        return known

    def _learn_shares(self, now_s: float) -> None:
        """Split what an advance loop counts among the lane groups that it feeds, as these discharge."""
        self._shared_s = now_s
        loop, weight = self._layout.advance_loop, self._discharged.ravel()[self._layout.advance_cell] + 0.5
        if weight.size:
            self._share[:] = weight / np.bincount(loop, weight)[loop]

    def _state(
        self,
        now_s: float,
        on_stop: Bools,
        ages_s: Floats,
        stuck: Bools,
        occupancy: Floats,
        heard: NeighbourMessage | None,
    ) -> TrafficState:
        green_for_s = now_s - self._stage_since_s
        green_for_s *= self._confirmed
        queue = self._inside_veh + self._beyond_veh
        calls = queue >= 1.0
        calls |= on_stop
        if self._blind is not None:
            calls |= self._blind
        np.copyto(self._served_s, now_s, where=self._whole_green >= calls)  # green, or nobody calls
        blocked = self._green & on_stop
        blocked &= stuck
        flow_per_h = self._flow_veh_per_s * 3600.0
        return TrafficState(
            time_s=now_s,
            stage=self._stage,
            last_stage=self._last_stage,
            elapsed_green_s=green_for_s,
            red_s=now_s - self._served_s,
            eligible=self._eligible_stages(green_for_s),
            calls=calls,
            gap_s=np.minimum(ages_s[ON_STOP], ages_s[ON_ADVANCE]),
            queue_veh=queue,
            known=self._known,
            arrival_flow_veh_per_h=flow_per_h,
            occupancy=occupancy,
            exit_room_veh=self._exit_room(now_s, queue, heard),
            blocked=blocked,
        )

    def _follow_stages(self, now_s: float, stage: Ints) -> None:
        """What holds until the next change of a stage: whose heads are green, since when, and for how long at least."""
        confirmed, layout, rows = stage != TRANSITION, self._layout, self._rows
        changed = stage != self._stage
        self._stage, self._confirmed = stage, confirmed
        np.copyto(self._stage_since_s, now_s, where=changed)
        np.copyto(self._times_s[PASSED], now_s, where=changed[:, None])  # a fresh green has held nobody up yet
        self._last_stage = np.where(confirmed, stage, self._last_stage)
        self._green = layout.any_green[rows, self._last_stage] & confirmed[:, None]
        self._whole_green = layout.full_green[rows, self._last_stage] & confirmed[:, None]
        self._minimum_s = np.where(confirmed, layout.stage_minimum_green_s[rows, self._last_stage], np.inf)
        self._free = b""

    def _eligible_stages(self, green_for_s: Floats) -> Bools:
        """All stages once the confirmed one has had its minimum green, until then that one alone."""
        free = green_for_s >= self._minimum_s
        if free.tobytes() != self._free:
            self._free = free.tobytes()
            self._eligible = self._layout.has_stage & free[:, None]
            self._eligible[self._rows, self._last_stage] = True
        return self._eligible

    def _exit_room(self, now_s: float, queue: Floats, heard: NeighbourMessage | None) -> Floats:
        """Room of the approaches that the exits lead to, as told by the neighbours or known of our own junctions."""
        if self._beyond_exit.shape[2] == 0:
            return self._unknown_room
        if heard is not None:
            if now_s - heard.time_s > STALE_MESSAGE_S:
                return self._unknown_room
            np.copyto(self._room_here, heard.room_veh)
        else:
            self._free_room(queue, self._room_here)
        room: Floats = np.add.reduce(self._room.take(self._beyond_exit), axis=2)
        return room

    def _free_room(self, queue: Floats, room: Floats) -> Floats:
        np.subtract(self._room_veh, queue, out=room)
        return np.maximum(room, 0.0, out=room)

    def publish(self, now_s: float, queue: Floats, flow_veh_per_h: Floats) -> NeighbourMessage:
        """What these junctions tell their neighbours."""
        return NeighbourMessage(now_s, flow_veh_per_h, queue, self._free_room(queue, np.empty(self._shape)))
