"""Believed readings → `TrafficState`: calls, gaps, flows, and queues by input and output with resets.

A lane group's queue is what the advance loop let in less what the stop line let out. Miscounts would add up, so it is
set anew whenever the loops tell it outright: nothing on the stop line and nothing on the way means none; the advance
loop covered without a break means that the queue has reached it, and what arrives beyond it is added at the arrival
flow until the loop is free again. Memory is constant; time comes with each snapshot.
"""

from __future__ import annotations

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


class FlowEstimator:
    """Holds the belief on all junctions of one layout as flat arrays over lane groups [J * N]."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._health = LoopHealth(layout)
        self._shape = layout.shape
        cells = layout.has_group.size
        self._cells = cells
        self._rows = np.arange(self._shape[0])
        self._watch(layout)
        self._time_s = -np.inf
        self._inside_veh = np.zeros(cells)
        self._beyond_veh = np.zeros(cells)
        self._flow_veh_per_s = np.full(cells, FIRST_FLOW_VEH_PER_S)
        self._discharged = np.full(cells, 1e-3)
        self._shared_s = -np.inf
        self._blind: Bools | None = None
        self._known = np.full(self._shape, Known.ASSUMED, np.int8)
        self._unknown_room = np.full(self._shape, np.inf)
        self._restart(0.0)

    def _watch(self, layout: Layout) -> None:
        """Constants of the loops: who watches which lane group, how far up, and how many vehicles fit below."""
        cells = self._cells
        self._stop_loop, self._stop_cell = layout.stop_loop, layout.stop_cell
        self._advance_loop, self._advance_cell = layout.advance_loop, layout.advance_cell
        self._share = layout.advance_share.copy()
        self._has_advance = np.bincount(self._advance_cell, minlength=cells) > 0
        self._advances = np.maximum(np.bincount(self._advance_cell, minlength=cells), 1)
        self._has_stop = np.bincount(self._stop_cell, minlength=cells) > 0
        distance_m = layout.advance_distance_m.ravel()
        self._travel_s = distance_m / layout.speed_m_per_s.ravel() + APPROACH_SLACK_S
        room = layout.lanes.ravel() * distance_m / VEHICLE_SPACE_M
        self._reach_veh = np.where(self._has_advance, room, layout.room_veh.ravel()) + 1.0
        self._room_veh = np.maximum(layout.room_veh.ravel(), self._reach_veh)

    def _restart(self, now_s: float) -> None:
        cells, junctions = self._cells, self._shape[0]
        self._stop_seen_s = np.full(cells, now_s)
        self._advance_seen_s = np.full(cells, now_s)
        self._advance_free_s = np.full(cells, now_s)
        self._passed_s = np.full(cells, now_s)
        self._served_s = np.full(cells, now_s)
        self._stage_since_s = np.full(junctions, now_s)
        self._stage = np.full(junctions, TRANSITION)
        self._last_stage = np.zeros(junctions, np.int64)
        self._eligible = self._layout.has_stage.copy()

    def update(self, snapshot: Snapshot, heard: NeighbourMessage | None = None) -> TrafficState:
        """Take one snapshot. `heard` replaces what the junctions of this layout would tell each other."""
        now_s = snapshot.time_s
        if not self._time_s <= now_s:
            self._restart(now_s)
        elapsed_s = now_s - self._time_s if np.isfinite(self._time_s) else 0.0
        self._time_s = now_s
        believed = self._health.update(snapshot)
        out, arrived, on_stop, on_advance = self._readings(snapshot, believed)
        np.copyto(self._stop_seen_s, now_s, where=on_stop)
        np.copyto(self._advance_seen_s, now_s, where=on_advance)
        np.copyto(self._passed_s, now_s, where=out > 0)
        self._queue(now_s, elapsed_s, out, arrived, on_stop, snapshot, believed)
        return self._state(now_s, snapshot, on_stop, heard)

    def _readings(self, snapshot: Snapshot, believed: Bools) -> tuple[Floats, Floats, Bools, Bools]:
        """Per lane group: vehicles out, vehicles in, stop line covered, advance loop covered."""
        cells, volume, presence = self._cells, snapshot.volume_veh, snapshot.presence
        if believed is not snapshot.healthy or not believed.all():
            volume, presence = np.where(believed, volume, 0.0), presence & believed
        out = np.bincount(self._stop_cell, volume[self._stop_loop], cells)
        arrived = np.bincount(self._advance_cell, volume[self._advance_loop] * self._share, cells)
        on_stop = np.bincount(self._stop_cell, presence[self._stop_loop], cells) > 0
        covered = np.bincount(self._advance_cell, presence[self._advance_loop], cells)
        on_advance = covered > 0
        np.copyto(self._advance_free_s, snapshot.time_s, where=(covered < self._advances) | (arrived > 0))
        return out, arrived, on_stop, on_advance

    def _queue(
        self,
        now_s: float,
        elapsed_s: float,
        out: Floats,
        arrived: Floats,
        on_stop: Bools,
        snapshot: Snapshot,
        believed: Bools,
    ) -> None:
        inside, beyond, flow = self._inside_veh, self._beyond_veh, self._flow_veh_per_s
        if elapsed_s > 0:
            counted = np.where(self._has_advance, arrived, out)
            weight = min(1.0, elapsed_s / ARRIVAL_SPAN_S)
            flow += (counted * (1 / elapsed_s) - flow) * weight
            self._discharged *= 1 - min(1.0, elapsed_s / TURNING_SPAN_S)
            self._discharged += out
            if now_s - self._shared_s >= SHARES_EVERY_S:
                self._learn_shares(now_s)
                self._known = self._how_known(believed)
        expected = flow * elapsed_s
        inside += np.where(self._has_advance, arrived, expected)
        inside -= out
        np.maximum(inside, on_stop, out=inside)
        standing = now_s - self._advance_free_s >= STANDING_S
        if standing.any():
            np.copyto(inside, self._reach_veh, where=standing & (inside < self._reach_veh))
            beyond += np.where(standing, expected, 0.0)
        beyond -= arrived
        np.maximum(beyond, 0.0, out=beyond)
        np.minimum(inside, self._reach_veh, out=inside)
        np.minimum(beyond, self._room_veh, out=beyond)
        quiet = now_s - self._stop_seen_s >= EMPTY_GAP_S
        quiet &= now_s - self._advance_seen_s >= self._travel_s
        if self._blind is not None:
            quiet &= ~self._blind
        inside[quiet] = 0.0
        beyond[quiet] = 0.0

    def _how_known(self, believed: Bools) -> NDArray[np.int8]:
        """Measured where both loops are believed, inferred from one of them, else assumed from the usual flow."""
        cells = self._cells
        stop = np.bincount(self._stop_cell, believed[self._stop_loop], cells) > 0
        advance = np.bincount(self._advance_cell, believed[self._advance_loop], cells) > 0
        self._blind = None if stop[self._layout.has_group.ravel()].all() else ~stop
        known = np.full(cells, Known.ASSUMED, np.int8)
        known[stop | advance] = Known.INFERRED
        known[stop & advance] = Known.MEASURED
        return known.reshape(self._shape)

    def _learn_shares(self, now_s: float) -> None:
        """Split what an advance loop counts among the lane groups that it feeds, as these discharge."""
        self._shared_s = now_s
        weight = self._discharged[self._advance_cell] + 0.5
        total = np.bincount(self._advance_loop, weight)[self._advance_loop] if weight.size else weight
        self._share = weight / total if weight.size else weight

    def _state(self, now_s: float, snapshot: Snapshot, on_stop: Bools, heard: NeighbourMessage | None) -> TrafficState:
        stage, shape = snapshot.stage, self._shape
        self._follow_stages(now_s, stage)
        confirmed = stage != TRANSITION
        green_for_s = np.where(confirmed, now_s - self._stage_since_s, 0.0)
        queue = self._inside_veh + self._beyond_veh
        calls = on_stop | (queue >= 1.0)
        if self._blind is not None:
            calls |= self._blind
        green = self._layout.any_green[self._rows, stage].ravel()
        if not confirmed.all():
            green &= np.repeat(confirmed, shape[1])
        np.copyto(self._served_s, now_s, where=green | ~calls)
        blocked = green & on_stop
        if blocked.any():
            blocked &= now_s - self._passed_s > BLOCKED_S
            blocked &= np.repeat(green_for_s > BLOCKED_S, shape[1])
        queue = queue.reshape(shape)
        flow_per_h = (self._flow_veh_per_s * 3600.0).reshape(shape)
        return TrafficState(
            time_s=now_s,
            stage=stage,
            last_stage=self._last_stage.copy(),
            elapsed_green_s=green_for_s,
            red_s=(now_s - self._served_s).reshape(shape),
            eligible=self._eligible_stages(stage, green_for_s),
            calls=calls.reshape(shape),
            gap_s=(now_s - np.maximum(self._stop_seen_s, self._advance_seen_s)).reshape(shape),
            queue_veh=queue,
            known=self._known,
            arrival_flow_veh_per_h=flow_per_h,
            occupancy=self._occupancy(snapshot),
            exit_room_veh=self._exit_room(now_s, queue, flow_per_h, heard),
            blocked=blocked.reshape(shape),
        )

    def _follow_stages(self, now_s: float, stage: Ints) -> None:
        changed = stage != self._stage
        if changed.any():
            np.copyto(self._stage_since_s, now_s, where=changed)
            np.copyto(self._last_stage, stage, where=stage != TRANSITION)
            self._stage = stage

    def _eligible_stages(self, stage: Ints, green_for_s: Floats) -> Bools:
        """All stages once the confirmed one has had its minimum green, until then that one alone."""
        minimum_s = self._layout.stage_minimum_green_s[self._rows, self._last_stage]
        free = (green_for_s >= minimum_s) & (stage != TRANSITION)
        eligible = self._layout.has_stage & free[:, None]
        eligible[self._rows, self._last_stage] = True
        return eligible

    def _occupancy(self, snapshot: Snapshot) -> Floats:
        covered = np.bincount(self._stop_cell, snapshot.occupancy[self._stop_loop], self._cells)
        return (covered / np.maximum(self._layout.lanes.ravel(), 1.0)).reshape(self._shape)

    def _exit_room(self, now_s: float, queue: Floats, flow: Floats, heard: NeighbourMessage | None) -> Floats:
        downstream = self._layout.downstream
        if downstream.shape[2] == 0:
            return self._unknown_room
        message = heard if heard is not None else self.publish(now_s, queue, flow)
        if now_s - message.time_s > STALE_MESSAGE_S:
            return self._unknown_room
        room = np.append(message.room_veh.ravel(), 0.0)[downstream].sum(axis=2)
        return np.where(downstream[:, :, 0] == self._cells, np.inf, room)

    def publish(self, now_s: float, queue: Floats, flow_veh_per_h: Floats) -> NeighbourMessage:
        """What these junctions tell their neighbours."""
        room = np.maximum(self._room_veh.reshape(self._shape) - queue, 0.0)
        return NeighbourMessage(now_s, flow_veh_per_h, queue, room)
