"""A street of point queues, fed with the arrivals that were measured: what would have waited under other greens.

Vehicles reach the stop line after their travel time at free speed, wait without taking room, and leave a green stage at
saturation flow: what is lost at its start is won in its yellow (HCM: effective green is displayed green). It knows no
spillback, no lane changes and no driver who would have come another way or at another time. Two controls of one and the
same street are compared, so that much of what it gets wrong it gets wrong for both.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from signals.layout import VEHICLE_SPACE_M, Layout
from signals.sequencer import Sequencer
from signals.values import TRANSITION, Bools, Command, Floats, Ints, Mode, Snapshot

ENTRY_M = 150.0
"""Where `TrafficState.arrived_veh` counts, or the beginning of shorter lanes."""
COVERED_VEH = 0.5
PASSING = 0.3
"""Occupancy of a second in which somebody drives over a loop."""


class Queues:
    """Vehicles that wait at the stop lines [J, N], and how many seconds they have waited so far."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        speed = np.where(layout.speed_m_per_s > 0, layout.speed_m_per_s, 13.9)
        lengths = np.zeros(layout.shape)
        for row, intersection in enumerate(layout.intersections):
            for column, group in enumerate(intersection.lane_groups):
                lengths[row, column] = min(ENTRY_M, group.length_m)
        self._travel_s = np.round(lengths / speed).astype(int)
        self._coming: deque[Floats] = deque([np.zeros(layout.shape)] * int(self._travel_s.max() + 1))
        self.queue_veh = np.zeros(layout.shape)
        self.waited_veh_s = 0.0
        self.left_veh = 0.0

    def step(self, arrived_veh: Floats, stage: Ints, step_s: float) -> Floats:
        """Let a second or so pass; who left each lane group [J, N]."""
        layout = self._layout
        self._coming.appendleft(arrived_veh)
        if len(self._coming) > int(self._travel_s.max()) + 1:
            self._coming.pop()
        came = np.stack(self._coming)
        here = np.take_along_axis(came, self._travel_s[None], axis=0)[0]
        serves = layout.serves[np.arange(stage.size), np.maximum(stage, 0)] * (stage != TRANSITION)[:, None]
        self.queue_veh += here
        left = np.minimum(self.queue_veh, serves * layout.saturation_flow_veh_per_h / 3600.0 * step_s)
        self.queue_veh -= left
        self.waited_veh_s += float(self.queue_veh.sum()) * step_s
        self.left_veh += float(left.sum())
        return left


class QueueStreet:
    """A plant over such queues. Its advance loops count what the log's did; a released junction follows the log too."""

    def __init__(self, layout: Layout, stage: Ints, time_s: float) -> None:
        self.layout, self.queues = layout, Queues(layout)
        self._sequencers = [
            Sequencer(i, max(int(s), 0), time_s) for i, s in zip(layout.intersections, stage, strict=True)
        ]
        self._local = np.ones(len(layout.intersections), bool)
        self._due_veh = np.zeros(layout.shape)
        self._stop_veh = np.zeros(len(layout.loops))
        self._shown: Snapshot | None = None
        self._stops = np.maximum(np.bincount(layout.stop_cell, minlength=layout.has_group.size), 1)
        self._is_stop = np.isin(np.arange(len(layout.loops)), layout.stop_loop)

    def step(self, shown: Snapshot, arrived_veh: Floats, step_s: float) -> None:
        """Let the street go on to the moment of a recorded snapshot."""
        self._shown = shown
        for row in np.flatnonzero(self._local & (shown.stage != TRANSITION)):
            self._sequencers[row].request(int(shown.stage[row]), shown.time_s)
        self._due_veh += self.queues.step(arrived_veh, self.stage(shown.time_s), step_s)
        whole = np.floor(self._due_veh)
        self._due_veh -= whole
        share = (whole.ravel() / self._stops)[self.layout.stop_cell]
        self._stop_veh = np.zeros(len(self.layout.loops))
        np.add.at(self._stop_veh, self.layout.stop_loop, share)

    def stage(self, time_s: float) -> Ints:
        """What stands [J]."""
        found = (s.confirmed(time_s) for s in self._sequencers)
        return np.array([TRANSITION if stage is None else stage for stage in found])

    def read(self) -> Snapshot:
        """The log's advance loops and calls, our stop lines and lamps."""
        if self._shown is None:
            raise RuntimeError("read before step: nothing was shown yet")
        shown, stop = self._shown, self._is_stop
        waiting = np.zeros(len(self.layout.loops), bool)
        waits = self.queues.queue_veh.ravel()[self.layout.stop_cell] > COVERED_VEH
        np.logical_or.at(waiting, self.layout.stop_loop, waits)
        covered = np.where(stop, waiting | (self._stop_veh > 0), self._reached() | (shown.volume_veh > 0))
        aspects = np.full_like(shown.aspects, -1)
        for row, sequencer in enumerate(self._sequencers):
            now = sequencer.aspects(shown.time_s)
            aspects[row, : len(now)] = now
        return shown._replace(
            volume_veh=np.where(stop, self._stop_veh, shown.volume_veh),
            occupancy=np.where(stop | self._reached(), covered * 1.0, covered * PASSING),
            presence=covered,
            stage=self.stage(shown.time_s),
            aspects=aspects,
            local=self._local.copy(),
        )

    def _reached(self) -> Bools:
        """Which advance loops [L] a standing queue would cover."""
        place = self.layout
        length_m = self.queues.queue_veh / np.maximum(place.lanes, 1.0) * VEHICLE_SPACE_M
        reached = np.zeros(len(place.loops), bool)
        far = (place.advance_distance_m > 0) & (length_m >= place.advance_distance_m)
        np.logical_or.at(reached, place.advance_loop, far.ravel()[place.advance_cell])
        return reached

    def apply(self, command: Command) -> None:
        """Go where that leads."""
        for row, sequencer in enumerate(self._sequencers):
            mode = int(command.mode[row])
            self._local[row] = mode == Mode.RELEASE or (self._local[row] and mode != Mode.GO)
            if mode == Mode.GO:
                sequencer.request(int(command.stage[row]), command.time_s)
