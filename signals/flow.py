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
BLOCKED_S = 4.0
STALE_MESSAGE_S = 15.0
RECALL_S = 90.0
"""Red after which a lane group calls although no loop says so: a loop misses who changes lane upon it, and bicycles."""
RECALL_EVERY_S = 10.0
SHARES_EVERY_S = 30.0
FIRST_FLOW_VEH_PER_H = 180.0
LEAST_SHARE_VEH_PER_H = 3.0
"""Keeps a lane group that has not discharged for long from losing its share for good."""
ARRIVED, OUT, FREE, ON_STOP, ON_ADVANCE, OCCUPIED = range(6)
"""What the loops say of a lane group: vehicles in and out, advance loops free or newly passed, loops covered at the
stop line and at the advance, and the stop line's occupancy. Of the middle four the times are remembered."""
COUNTED, TIMED = slice(ARRIVED, FREE), slice(OUT, OCCUPIED)
PASSED, LET_IN, STOP_SEEN, ADVANCE_SEEN = range(4)


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
        self._sums_shape = (6, *self._shape)
        self._rows = np.arange(self._shape[0])
        self._watch(layout)
        self._index_loops(layout)
        self._index_exits(layout)
        self._time_s = -np.inf
        self._inside_veh = np.zeros(self._shape)
        self._beyond_veh = np.zeros(self._shape)
        self._spilled = False
        self._flow_veh_per_h = np.zeros((2, *self._shape))  # in and out
        self._flow_veh_per_h[ARRIVED] = np.where(self._reach_veh > 0, FIRST_FLOW_VEH_PER_H, 0.0)
        self._elapsed_s, self._gain = 0.0, np.zeros((2, *self._shape))
        self._shared_s = -np.inf
        self._blind: Bools | None = None
        self._known = np.full(self._shape, Known.ASSUMED, np.int8)
        self._overdue, self._any_overdue = np.zeros(self._shape, bool), False
        self._seen = np.zeros((4, *self._shape), bool)
        self._ages_s = np.zeros((4, *self._shape))
        self._over = np.zeros((4, *self._shape), bool)
        self._restart(0.0)

    def _watch(self, layout: Layout) -> None:
        """Constants of the lane groups: how far up they are watched, and how many vehicles fit below.

        A crossing has no loop. With a button it calls as that is latched, as a queue of one, for nobody counts persons;
        without one it is recalled: it calls until it is green, and has no queue to be told.
        """
        advances = np.bincount(layout.advance_cell, minlength=self._cells).reshape(self._shape)
        self._has_advance = (advances > 0) | ~layout.has_group
        self._all_advance = bool(self._has_advance.all())
        self._advances = np.maximum(advances, 1)
        travel_s = layout.advance_distance_m / layout.speed_m_per_s + APPROACH_SLACK_S
        limits_s = [np.full(self._shape, s) for s in (np.nextafter(BLOCKED_S, np.inf), STANDING_S, EMPTY_GAP_S)]
        self._limits_s = np.array([*limits_s, travel_s])
        room = layout.lanes * layout.advance_distance_m / VEHICLE_SPACE_M
        self._reach_veh = np.where(advances > 0, room, layout.room_veh) + 1.0
        stops = np.bincount(layout.stop_cell, minlength=self._cells).reshape(self._shape)
        self._unwatched = layout.has_group & (stops + advances == 0)
        can_be_green = layout.has_group & layout.full_green.any(axis=1)
        has_button = np.bincount(layout.button_cell, minlength=self._cells).reshape(self._shape) > 0
        useful = can_be_green.ravel()[layout.button_cell]
        self._button_head, self._button_cell = layout.button_head[useful], layout.button_cell[useful]
        self._recalled = self._unwatched & can_be_green & ~has_button
        self._can_be_overdue = can_be_green & (~self._unwatched | self._recalled)
        self._any_recalled = bool(self._recalled.any())
        self._reach_veh[self._unwatched] = 0.0
        self._room_veh = np.maximum(layout.room_veh, self._reach_veh)

    def _index_loops(self, layout: Layout) -> None:
        """Which of the readings, one kind after the other and a 1 behind them, counts for which row and lane group."""
        stop, advance, loops = layout.stop_loop, layout.advance_loop, len(layout.loops)
        stop_cell, advance_cell = layout.stop_cell, layout.advance_cell
        every_cell = np.arange(self._cells)
        presence, occupancy, one = loops, 2 * loops, np.full(self._cells, 3 * loops)
        sums: tuple[tuple[int, Ints, Ints, Floats | float], ...] = (
            (ARRIVED, advance, advance_cell, layout.advance_share),
            (OUT, stop, stop_cell, 1.0),
            (FREE, advance, advance_cell, 1.0),
            (FREE, advance + presence, advance_cell, -1.0),
            (FREE, one, every_cell, self._advances.ravel()),
            (ON_STOP, stop + presence, stop_cell, 1.0),
            (ON_ADVANCE, advance + presence, advance_cell, 1.0),
            (OCCUPIED, stop + occupancy, stop_cell, 1.0 / layout.lanes.ravel()[stop_cell]),
        )
        self._reading = np.concatenate([reading for _, reading, _, _ in sums])
        self._cell = np.concatenate([row * self._cells + cell for row, _, cell, _ in sums])
        self._weight = np.concatenate([np.broadcast_to(weight, cell.shape) for _, _, cell, weight in sums])
        self._share = self._weight[: advance.size]
        self._readings = np.ones(3 * loops + 1)
        self._volume, self._presence, self._occupancy = (
            self._readings[k : k + loops] for k in (0, presence, occupancy)
        )

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
        self._served_s, self._green_until_s = np.full(self._shape, now_s), np.full(self._shape, now_s)
        self._whole_green = np.zeros(self._shape, bool)
        self._stage_since_s = np.full(junctions, now_s)
        self._stage: Ints = np.full(junctions, TRANSITION)
        self._last_stage: Ints = np.zeros(junctions, np.int64)
        self._eligible, self._eligible_until_s = self._layout.has_stage, -np.inf
        self._follow_stages(now_s, self._stage)

    def update(self, snapshot: Snapshot, heard: NeighbourMessage | None = None) -> TrafficState:
        """Take one snapshot. `heard` replaces what the junctions of this layout would tell each other."""
        now_s = snapshot.time_s
        first = self._time_s == -np.inf
        if first or now_s < self._time_s:
            self._restart(now_s)
        elapsed_s = 0.0 if first else now_s - self._time_s
        self._time_s = now_s
        sums, believed = self._sums(snapshot)
        np.greater(sums[TIMED], 0.0, out=self._seen)
        np.copyto(self._times_s, now_s, where=self._seen)
        stage = snapshot.stage
        if stage is not self._stage and (stage != self._stage).any():
            self._follow_stages(now_s, stage)
        np.subtract(now_s, self._times_s, out=self._ages_s)
        np.greater_equal(self._ages_s, self._limits_s, out=self._over)
        if elapsed_s > 0:
            self._flow(now_s, elapsed_s, sums, believed)
        self._queue(elapsed_s, sums)
        return self._state(now_s, sums[OCCUPIED], snapshot.calls, heard)

    def _sums(self, snapshot: Snapshot) -> tuple[Floats, Bools]:
        """All that the loops say, per lane group [6, J, N], and which of them are believed."""
        self._volume[:], self._presence[:] = snapshot.volume_veh, snapshot.presence
        self._occupancy[:] = snapshot.occupancy
        believed = self._health.update(snapshot.time_s, snapshot.healthy, self._volume, self._presence)
        if not self._health.all_believed:
            self._volume *= believed
            self._presence *= believed
        weighed = self._readings.take(self._reading) * self._weight
        sums = np.bincount(self._cell, weighed, 6 * self._cells).reshape(self._sums_shape)
        return cast(Floats, sums), believed

    def _flow(self, now_s: float, elapsed_s: float, sums: Floats, believed: Bools) -> None:
        """Flows in and out by exponential smoothing; every half a minute also how lanes share them."""
        if elapsed_s != self._elapsed_s:
            self._elapsed_s, spans_s = elapsed_s, np.array([[[ARRIVAL_SPAN_S]], [[TURNING_SPAN_S]]])
            self._gain = np.minimum(1.0, elapsed_s / spans_s) + np.zeros(self._flow_veh_per_h.shape)
        counted = sums[COUNTED] * (3600.0 / elapsed_s)
        if not self._all_advance:
            counted[ARRIVED] = np.where(self._has_advance, counted[ARRIVED], counted[OUT])
        counted -= self._flow_veh_per_h
        counted *= self._gain
        self._flow_veh_per_h = self._flow_veh_per_h + counted
        if now_s - self._shared_s >= SHARES_EVERY_S:
            self._learn_shares(now_s)
            self._known = self._how_known(believed)

    def _queue(self, elapsed_s: float, sums: Floats) -> None:
        """Input less output, set anew where the loops tell the queue outright."""
        inside, arrived, over = self._inside_veh, sums[ARRIVED], self._over
        standing, quiet = over[LET_IN], over[STOP_SEEN] & over[ADVANCE_SEEN]
        spilled = self._spilled or np.count_nonzero(standing) > 0
        if spilled or not self._all_advance:
            expected = self._flow_veh_per_h[ARRIVED] * (elapsed_s / 3600.0)
            inside += arrived if self._all_advance else np.where(self._has_advance, arrived, expected)
        else:
            inside += arrived
        inside -= sums[OUT]
        np.maximum(inside, np.minimum(sums[ON_STOP], 1.0), out=inside)
        if spilled:
            self._spill(standing, expected, arrived)
        np.minimum(inside, self._reach_veh, out=inside)
        if self._blind is not None:
            quiet &= ~self._blind
        np.copyto(inside, 0.0, where=quiet)
        if spilled:
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
        blind = layout.has_group & ~stop & ~self._unwatched
        self._blind = blind if blind.any() else None
        known = np.full(self._shape, Known.ASSUMED, np.int8)
        known[stop | advance] = Known.INFERRED
        known[stop & advance] = Known.MEASURED
        return known

    def _learn_shares(self, now_s: float) -> None:
        """Split what an advance loop counts among the lane groups that it feeds, as these discharge."""
        self._shared_s = now_s
        loop, cell = self._layout.advance_loop, self._layout.advance_cell
        if loop.size:
            weight = self._flow_veh_per_h[OUT].ravel()[cell] + LEAST_SHARE_VEH_PER_H
            self._share[:] = weight / np.bincount(loop, weight)[loop]

    def _state(self, now_s: float, occupancy: Floats, latched: Bools, heard: NeighbourMessage | None) -> TrafficState:
        green_for_s = now_s - self._stage_since_s
        if not self._all_confirmed:
            green_for_s *= self._confirmed
        if now_s >= self._eligible_until_s:
            self._eligible_stages(now_s)
        queue = self._inside_veh + self._beyond_veh
        if self._button_head.size and np.count_nonzero(latched):
            self._take_latched(queue, latched)
        calls = queue >= 1.0  # a covered stop line makes it so
        if self._blind is not None:
            calls |= self._blind
        if self._any_recalled:
            calls |= self._recalled & ~self._whole_green
        if now_s >= self._recall_at_s:
            self._recall_overdue(now_s)
        if self._any_overdue:
            calls |= self._overdue
        np.copyto(self._served_s, now_s, where=self._whole_green >= calls)  # green, or nobody calls
        blocked = self._green & self._seen[STOP_SEEN]
        blocked &= self._over[PASSED]
        return TrafficState(
            time_s=now_s,
            stage=self._stage,
            last_stage=self._last_stage,
            elapsed_green_s=green_for_s,
            red_s=now_s - self._served_s,
            eligible=self._eligible,
            calls=calls,
            gap_s=np.minimum(self._ages_s[STOP_SEEN], self._ages_s[ADVANCE_SEEN]),
            queue_veh=queue,
            known=self._known,
            arrival_flow_veh_per_h=self._flow_veh_per_h[ARRIVED],
            occupancy=occupancy,
            exit_room_veh=self._exit_room(now_s, queue, heard),
            blocked=blocked,
        )

    def _take_latched(self, queue: Floats, latched: Bools) -> None:
        """Whose button is latched is there, at least one of them."""
        pressed = np.bincount(self._button_cell, latched.take(self._button_head), self._cells)
        np.maximum(queue, np.minimum(pressed, 1.0).reshape(self._shape), out=queue)

    def _follow_stages(self, now_s: float, stage: Ints) -> None:
        """What holds until the next change of a stage: whose heads are green, since when, and for how long at least."""
        confirmed, layout, rows = stage != TRANSITION, self._layout, self._rows
        changed = stage != self._stage
        self._stage, self._confirmed = stage, confirmed
        np.copyto(self._stage_since_s, now_s, where=changed)
        np.copyto(self._times_s[PASSED], now_s, where=changed[:, None])  # a fresh green has held nobody up yet
        self._last_stage = np.where(confirmed, stage, self._last_stage)
        np.copyto(self._green_until_s, now_s, where=self._whole_green)
        self._green = layout.any_green[rows, self._last_stage] & confirmed[:, None]
        self._whole_green = layout.full_green[rows, self._last_stage] & confirmed[:, None]
        self._all_confirmed = bool(confirmed.all())
        self._eligible_until_s = self._recall_at_s = -np.inf

    def _recall_overdue(self, now_s: float) -> None:
        """Call for whom no loop has called in a long red, as if he had come when it began."""
        self._recall_at_s = now_s + RECALL_EVERY_S
        self._overdue = self._can_be_overdue & ~self._whole_green & (now_s - self._green_until_s >= RECALL_S)
        self._any_overdue = bool(self._overdue.any())
        if self._any_overdue:
            np.copyto(self._served_s, np.minimum(self._served_s, self._green_until_s), where=self._overdue)

    def _eligible_stages(self, now_s: float) -> None:
        """All stages once the confirmed one has had its minimum green, until then that one alone."""
        rows, layout = self._rows, self._layout
        free_s = self._stage_since_s + layout.stage_minimum_green_s[rows, self._last_stage]
        free_s[~self._confirmed] = np.inf
        free = now_s >= free_s
        self._eligible = layout.has_stage & free[:, None]
        self._eligible[rows, self._last_stage] = True
        self._eligible_until_s = free_s[~free].min(initial=np.inf)

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
