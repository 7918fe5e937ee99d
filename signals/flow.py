"""Believed readings → `TrafficState`: calls, gaps, arrivals and queues of all lane groups.

Every second costs little: sums over the loops, the queues' balance, and what the stages decide. What changes slowly
(flows, shares, which loops to believe) is worked out every 10 to 60 s. Memory is constant; time comes with each
snapshot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signals.arrivals import EVERY_S, Arrivals
from signals.detectors import LoopHealth
from signals.following import DISCHARGING_VEH as DISCHARGING_VEH
from signals.following import Following
from signals.greens import RECALL_S as RECALL_S
from signals.greens import Greens
from signals.history import History
from signals.layout import Layout
from signals.outlook import Outlooks
from signals.platoons import STALE_MESSAGE_S
from signals.queues import Queues
from signals.readings import ANY_SEEN, IN, OCCUPIED, ON_STOP, OUT, PASSED, STOP_SEEN, TIMED, Readings
from signals.saturation import Scene
from signals.values import Bools, Floats, Known, NeighbourMessage, Outlook, Snapshot, TrafficState

EMPTY_GAP_S = 2.5
OVERTAKEN_S = 5.0
UNSEEN_RED_S = 60.0
"""After which a lane group calls whose stop-line loops are lost, though nobody is believed to wait: within a cycle."""


class FlowEstimator:
    """Holds the belief on all junctions of one layout as arrays over lane groups [J, N].

    A second of simulation leaves this about 15 µs a junction, so every numpy call counts: sums of all kinds are one
    pass, times and their limits are one array each, and what only stages decide is computed where a stage changes.
    """

    def __init__(self, layout: Layout, history: History | None = None) -> None:
        self._layout, self._history = layout, history
        self._shape, self._cells = layout.shape, layout.has_group.size
        self._readings, self._health = Readings(layout), LoopHealth(layout)
        self._queues, self._arrivals = Queues(layout), Arrivals(layout)
        self._outlooks = Outlooks(layout)
        self.saturation = self._outlooks.saturation
        if history is not None:
            self.saturation.adopt(history)
        self._traffic: TrafficState | None = None
        self._queue_veh, self._exit_room_veh = np.zeros(self._shape), np.zeros(self._shape)
        self._watch(layout)
        self._greens = Greens(layout, ~self._unwatched | self._recalled)
        self._index_exits(layout)
        self._time_s = -np.inf
        self._counted = np.zeros((4, len(layout.loops)))
        self._looks = 0
        self._out_veh = np.zeros(self._shape)
        self._following = Following(self._queues.reach_veh)
        self._learned_s, self._learned_veh = 0.0, np.zeros(len(layout.loops))
        self._known = np.full(self._shape, Known.ASSUMED, np.int8)
        self._believed: Bools = np.zeros(0, bool)
        self._seen = np.zeros((3, *self._shape), bool)
        self._over = np.zeros((2, *self._shape), bool)
        self._limits_s = np.full((2, *self._shape), EMPTY_GAP_S)
        self._restart(0.0)

    def _watch(self, layout: Layout) -> None:
        """Which lane groups have loops, which have buttons instead, and which have neither.

        A crossing has no loop. With a button it calls as that is latched, as a queue of one, for nobody counts persons;
        without one it is recalled: it calls until it is green, and has no queue to be told.
        """
        advances = np.bincount(layout.advance_cell, minlength=self._cells).reshape(self._shape)
        stops = np.bincount(layout.stop_cell, minlength=self._cells).reshape(self._shape)
        self._unwatched = layout.has_group & (stops + advances == 0)
        can_be_green = layout.has_group & layout.full_green.any(axis=1)
        has_button = np.bincount(layout.button_cell, minlength=self._cells).reshape(self._shape) > 0
        useful = can_be_green.ravel()[layout.button_cell]
        self._button_head, self._button_cell = layout.button_head[useful], layout.button_cell[useful]
        self._recalled = self._unwatched & can_be_green & ~has_button
        self._any_recalled = bool(self._recalled.any())

    def _index_exits(self, layout: Layout) -> None:
        """The lane groups beyond each exit; behind the last cell follow one without room and one with any."""
        cells = self._cells
        self._beyond_exit = layout.downstream.copy()
        if self._beyond_exit.shape[2]:
            unknown = self._beyond_exit[:, :, 0] == cells
            self._beyond_exit[unknown, 0] = cells + 1
        self._beyond_exit = np.ascontiguousarray(self._beyond_exit.transpose(2, 0, 1))
        self._room = np.zeros(cells + 2)
        self._room[cells + 1] = np.inf
        self._room_here = self._room[:cells].reshape(self._shape)
        self._unknown_room = np.full(self._shape, np.inf)

    def _restart(self, now_s: float) -> None:
        self._times_s = np.full((3, *self._shape), now_s)
        self._served_s = np.full(self._shape, now_s)
        self._limits_s[PASSED] = np.inf
        self._greens.restart(now_s)
        self._queues.restart(now_s)
        self._outlooks.restart(now_s)
        self._learned_s, self._look_at_s = now_s, now_s

    @property
    def believed(self) -> Bools:
        """Which loops [L] are believed now."""
        return self._believed

    def reason(self, loop: int) -> str:
        """Why a loop is believed or not, in words."""
        return self._health.reason(loop)

    def update(self, snapshot: Snapshot, heard: NeighbourMessage | None = None) -> TrafficState:
        """Take one snapshot. `heard` replaces what the junctions of this layout would tell each other.

        One that is repeated, or overtaken by a few seconds, tells nothing new; one from further back is a clock's step.
        """
        now_s = snapshot.time_s
        if self._traffic is not None and 0.0 <= self._time_s - now_s < OVERTAKEN_S:
            return self._traffic
        first = self._time_s == -np.inf
        if first or now_s < self._time_s:
            self._restart(now_s)
        elapsed_s = 0.0 if first else now_s - self._time_s
        self._time_s = now_s
        sums = self._readings.take(snapshot, elapsed_s)
        self._counted += self._readings.counted
        self._looks += 1
        np.greater(sums[TIMED], 0.0, out=self._seen)
        np.putmask(self._times_s, self._seen, now_s)
        self.saturation.take(now_s, self._counted[0])
        if snapshot.stage is not self._greens.stage:
            self._follow_stages(now_s, elapsed_s, snapshot.stage)
        self._ages_s = now_s - self._times_s
        np.greater_equal(self._ages_s[:2], self._limits_s, out=self._over)
        self._believe(snapshot)
        if elapsed_s > 0:
            self._move(now_s, elapsed_s, sums)
        if now_s >= self._outlooks.platoons.next_s:
            self._outlooks.platoons.remember(now_s, self._out_veh, self._queue_veh, heard)
        self._traffic = self._state(now_s, sums, snapshot.calls, heard)
        return self._traffic

    def outlook(self) -> Outlook:
        """The slow quantities and how well all are known, as of the last snapshot. Raises `RuntimeError` before one."""
        if self._traffic is None:
            raise RuntimeError("outlook before update: nothing has been seen")
        return self._outlooks.of(self._traffic, self._arrivals, self._queues)

    def _follow_stages(self, now_s: float, elapsed_s: float, stage: NDArray[np.int64]) -> None:
        rows = self._greens.follow(now_s, stage)
        if rows:
            for row in rows:
                self._times_s[PASSED, row] = now_s  # a fresh green has held nobody up yet
            self._limits_s[PASSED] = self._greens.blocked_after_s
            counted_veh, covered = self._counted[0], self._readings.presence
            scene = Scene(elapsed_s, counted_veh, covered, self._believed, self._queue_veh, self._exit_room_veh)
            self._outlooks.follow(now_s, rows, stage, scene)

    def _believe(self, snapshot: Snapshot) -> None:
        believed = self._health.update(snapshot.time_s, snapshot.healthy, self._counted, self._looks)
        if believed is not self._believed:  # replaced where it changes
            self._believed = believed
            self._arrivals.weigh(believed)
            self._known = self._how_known()
            self._queues.arriving = self._arrivals.arriving
            self._queues.half_seen(self._arrivals.half_seen)
            self._readings.weigh(self._arrivals.arriving, self._arrivals.leaving, believed)

    def _move(self, now_s: float, elapsed_s: float, sums: Floats) -> None:
        """Who came and who left."""
        quiet = self._over[STOP_SEEN]
        if self._any_no_advance:
            expected = self._arrivals.veh_per_h * (elapsed_s / 3600.0)
            np.copyto(sums[IN], expected, where=self._arrivals.no_advance)
        if self._any_no_stop:
            quiet = quiet & ~self._arrivals.no_stop
            self._let_out(elapsed_s, sums)
        self._out_veh = self._out_veh + sums[OUT]
        self._queues.update(now_s, elapsed_s, sums, quiet)
        if self._any_no_advance:
            self._following.update(self._lost_advance, self._greens.served > 0, quiet, self._queues.inside_veh)
        if now_s >= self._look_at_s:
            self._queues.look(now_s, self._counted[:2], self._looks, self._arrivals.loop_veh_per_s, quiet)
            self._look_at_s = now_s + self._queues.look_every_s
        if now_s - self._learned_s >= EVERY_S:
            if self._history is not None:
                self._arrivals.usual_veh_per_h = self._history.usual_veh_per_h(now_s)
            self._arrivals.learn(
                now_s - self._learned_s,
                self._counted[0] - self._learned_veh,
                self._queues.spilled,
            )
            self._learned_s, self._learned_veh = now_s, self._counted[0].copy()
            self._outlooks.platoons.learn(now_s)
            self._queues.arriving = self._arrivals.arriving
            self._readings.reweigh(self._arrivals.arriving, self._arrivals.leaving)
            if self._history is not None:
                self._history.take(now_s, self._arrivals.veh_per_h, self._arrivals.told)

    def _let_out(self, elapsed_s: float, sums: Floats) -> None:
        """Where no stop-line loop is believed: in green the queue leaves at its saturation flow."""
        rate = self._greens.served * self.saturation.veh_per_h
        leaves = np.minimum(rate * (elapsed_s / 3600.0), self._queues.arrived_at_stop_veh())
        np.copyto(sums[OUT], leaves, where=self._arrivals.no_stop)

    def _how_known(self) -> NDArray[np.int8]:
        """Measured where both kinds of loop are believed, inferred from one of them, else assumed from usual flows."""
        no_advance, no_stop = self._arrivals.no_advance, self._arrivals.no_stop
        self._any_no_advance, self._any_no_stop = bool(no_advance.any()), bool(no_stop.any())
        self._lost_advance = no_advance & ~no_stop & (self._layout.advance_distance_m > 0)
        watched = self._layout.has_group & ~self._unwatched
        known = np.full(self._shape, Known.ASSUMED, np.int8)
        known[watched & ~(no_advance & no_stop)] = Known.INFERRED
        known[watched & ~no_advance & ~no_stop] = Known.MEASURED
        return known

    def _state(self, now_s: float, sums: Floats, latched: Bools, heard: NeighbourMessage | None) -> TrafficState:
        greens, queues = self._greens, self._queues
        green_for_s = greens.elapsed_s(now_s)
        total = queues.inside_veh + queues.beyond_veh
        if self._any_no_advance:
            np.maximum(total, self._following.veh, out=total)
        total += sums[ON_STOP]  # counted out already, as they came onto the loop
        approaching = queues.approaching_veh()
        self._queue_veh = queue = total - approaching
        if self._button_head.size and np.count_nonzero(latched):
            self._take_latched(queue, total, latched)
        calls = total >= 1.0  # a covered stop line makes it so
        if self._any_no_stop:
            long_red = ~greens.whole_green & (now_s - greens.green_until_s >= UNSEEN_RED_S)
            calls |= self._arrivals.no_stop & long_red
        if self._any_recalled:
            calls |= self._recalled & ~greens.whole_green
        greens.recall(now_s, self._served_s)
        if greens.any_overdue:
            calls |= greens.overdue
        np.putmask(self._served_s, greens.whole_green >= calls, now_s)  # green, or nobody calls
        self._exit_room_veh = self._exit_room(now_s, total, heard)
        return TrafficState(
            time_s=now_s,
            stage=greens.stage,
            last_stage=greens.last_stage,
            elapsed_green_s=green_for_s,
            red_s=now_s - self._served_s,
            eligible=greens.eligible,
            calls=calls,
            gap_s=self._ages_s[ANY_SEEN],
            queue_veh=queue,
            known=self._known,
            arrival_flow_veh_per_h=self._arrivals.veh_per_h,
            occupancy=sums[OCCUPIED],
            exit_room_veh=self._exit_room_veh,
            blocked=self._seen[STOP_SEEN] & self._over[PASSED],
            approaching_veh=approaching,
            arrived_veh=self._out_veh + queues.crossed_veh(),
        )

    def _take_latched(self, queue: Floats, total: Floats, latched: Bools) -> None:
        """Whose button is latched is there, at least one of them."""
        pressed = np.bincount(self._button_cell, latched.take(self._button_head), self._cells).reshape(self._shape)
        np.minimum(pressed, 1.0, out=pressed)
        np.maximum(queue, pressed, out=queue)
        np.maximum(total, pressed, out=total)

    def _exit_room(self, now_s: float, queue: Floats, heard: NeighbourMessage | None) -> Floats:
        """Room of the approaches that the exits lead to, as told by the neighbours or known of our own junctions."""
        if self._beyond_exit.shape[0] == 0:
            return self._unknown_room
        if heard is not None:
            if now_s - heard.time_s > STALE_MESSAGE_S:
                return self._unknown_room
            np.copyto(self._room_here, heard.room_veh)
        else:
            self._free_room(queue, self._room_here)
        room: Floats = np.add.reduce(self._room.take(self._beyond_exit), axis=0)
        return room

    def _free_room(self, queue: Floats, room: Floats) -> Floats:
        np.subtract(self._queues.room_veh, queue, out=room)
        return np.maximum(room, 0.0, out=room)

    def publish(self) -> NeighbourMessage:
        """What these junctions tell their neighbours, as of the last snapshot. Raises `RuntimeError` before one."""
        if self._traffic is None:
            raise RuntimeError("publish before update: nothing has been seen")
        traffic = self._traffic
        leaving = self._outlooks.platoons.leaving_veh_per_s * 3600.0
        discharge = np.where(np.isnan(leaving), traffic.arrival_flow_veh_per_h, leaving)
        room = self._free_room(traffic.queue_veh + traffic.approaching_veh, np.empty(self._shape))
        return NeighbourMessage(traffic.time_s, discharge, traffic.queue_veh, room)
