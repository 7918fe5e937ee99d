"""How far an estimator's belief is from the truth of a recorded street, in sums that add up over runs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.recorded_street import Recording
from signals.detectors import LoopHealth
from signals.flow import FlowEstimator
from signals.layout import Layout
from signals.readings import Readings
from signals.values import Bools, Floats, TrafficState
from simulation.faults import Faults, parse_faults

QUARTER_S = 900.0
WARM_UP_S = 600.0
GEH_LIMIT = 5.0
FOUND_WITHIN_S, FOUND_WITHIN_VEH = 900.0, 30
"""A broken loop is found in time by the later of the two."""
MISCOUNT_FOUND_WITHIN_S = 3600.0
Sums = dict[str, float]
Cell = tuple[int, int]


def errors(recording: Recording, faults: str, draw: int) -> Sums:
    """Replay a run with some faults: numerators and denominators of all figures on flows and queues."""
    layout = recording.layout
    sums: Sums = defaultdict(float)
    watcher = Watcher(layout, recording.begin_s + WARM_UP_S)
    estimator, spoiled = FlowEstimator(layout), Faults(layout, parse_faults(faults), draw)
    for snapshot, queue, beyond in zip(recording.snapshots, recording.queue_veh, recording.beyond_veh, strict=True):
        watcher.compare(estimator.update(spoiled.spoil(snapshot)), queue, beyond)
    watcher.add_queues(sums)
    watcher.add_arrivals(sums, recording)
    return sums


class Watcher:
    """Follows one estimator, and sums up how far it was from the truth."""

    def __init__(self, layout: Layout, counted_from_s: float) -> None:
        self._layout, self._counted_from_s = layout, counted_from_s
        self._green = np.zeros(layout.shape, bool)
        self._before: tuple[Floats, np.ndarray, Bools] | None = None
        self._times_s: list[float] = []
        self._arrived_veh: list[Floats] = []
        self._greens_s: dict[Cell, list[float]] = defaultdict(list)
        self._queues: list[tuple[float, float, bool]] = []

    def compare(self, traffic: TrafficState, queue_veh: np.ndarray, beyond_veh: np.ndarray) -> None:
        """At every step the arrivals so far, and at each start of green the queue just before."""
        self._times_s.append(traffic.time_s)
        self._arrived_veh.append(traffic.arrived_veh)
        green = green_groups(traffic, self._layout)
        if traffic.time_s >= self._counted_from_s:
            for row, column in zip(*np.nonzero(green & ~self._green), strict=True):
                self._look(traffic.time_s, (int(row), int(column)))
        self._green = green
        self._before = traffic.queue_veh, queue_veh, beyond_veh > 0

    def _look(self, now_s: float, cell: Cell) -> None:
        self._greens_s[cell].append(now_s)
        if self._before:
            believed, true, beyond = self._before
            self._queues.append((float(believed[cell]), float(true[cell]), bool(beyond[cell])))

    def add_queues(self, sums: Sums) -> None:
        """Errors of the queues at the start of green."""
        for estimate, true, is_beyond in self._queues:
            kind = "beyond" if is_beyond else "within"
            sums[f"{kind}_n"] += 1
            sums[f"{kind}_error_veh"] += abs(estimate - true)
            sums[f"{kind}_true_veh"] += true

    def add_arrivals(self, sums: Sums, recording: Recording) -> None:
        """Errors of the arrivals by cycle and by quarter of an hour."""
        arrived_veh = np.array(self._arrived_veh)
        free_s = np.maximum(recording.section_m - self._layout.advance_distance_m, 0.0) / self._layout.speed_m_per_s
        for row, column in zip(*np.nonzero(loaded_groups(self._layout)), strict=True):
            cell = int(row), int(column)
            crossed_s = recording.crossings.get(cell, np.zeros(0))
            told = Told(np.array(self._times_s), arrived_veh[:, row, column])
            late_s = float(np.round(free_s[cell]))
            _sum_cycles(sums, self._greens_s[cell], crossed_s, told, late_s)
            _sum_quarters(sums, self._counted_from_s, crossed_s, told, late_s)


@dataclass(frozen=True)
class Told:
    """Arrivals of one lane group so far, as told at each time."""

    times_s: Floats
    arrived_veh: Floats

    @property
    def ends_s(self) -> float:
        """When the last was told."""
        return float(self.times_s[-1])

    def between(self, begin_s: float, end_s: float) -> float:
        """What was told to have come from one time to another."""
        at = np.searchsorted(self.times_s, [begin_s, end_s])
        return float(np.diff(self.arrived_veh[np.minimum(at, self.times_s.size - 1)])[0])


def _sum_cycles(sums: Sums, greens_s: list[float], crossed_s: Floats, told: Told, late_s: float) -> None:
    for begin_s, end_s in pairwise(greens_s):
        if end_s + late_s > told.ends_s:
            return
        crossed = between(crossed_s, begin_s, end_s)
        sums["cycle_error_veh"] += abs(told.between(begin_s + late_s, end_s + late_s) - crossed)
        sums["prompt_error_veh"] += abs(told.between(begin_s, end_s) - crossed)
        sums["cycle_true_veh"] += crossed


def _sum_quarters(sums: Sums, begin_s: float, crossed_s: Floats, told: Told, late_s: float) -> None:
    per_h = 3600.0 / QUARTER_S
    while begin_s + QUARTER_S + late_s <= told.ends_s:
        crossed = between(crossed_s, begin_s, begin_s + QUARTER_S)
        estimate = told.between(begin_s + late_s, begin_s + QUARTER_S + late_s)
        sums["quarters"] += 1
        sums["quarters_close"] += geh(max(estimate, 0.0) * per_h, crossed * per_h) < GEH_LIMIT
        begin_s += QUARTER_S


def found_faults(recording: Recording, faults: str, draw: int, after_s: float = 0.0) -> Sums:
    """Replay a run with some faults: how many loops were found broken, how late, and how many sound ones were.

    after_s: until then all loops are sound; times and vehicles count from there on, false alarms all the while.
    Looks as `FlowEstimator` does, and leaves out what has nothing to do with it.
    """
    layout = recording.layout
    readings, health = Readings(layout), LoopHealth(layout)
    begin_s = before_s = recording.snapshots[0].time_s
    breaks_s = begin_s + after_s
    spoiled = Faults(layout, parse_faults(faults), draw, breaks_s)
    broken, miscounts = spoiled.kind != "", np.char.endswith(spoiled.kind, "_count")
    within_s = np.where(miscounts, MISCOUNT_FOUND_WITHIN_S, FOUND_WITHIN_S)
    passed_veh, due_s, found_s = np.zeros(broken.size), np.full(broken.size, np.inf), np.full(broken.size, np.inf)
    counted, before, alarms = np.zeros_like(readings.counted), np.ones(broken.size, bool), 0
    for looks, snapshot in enumerate(recording.snapshots, 1):
        now_s = snapshot.time_s
        readings.take(spoiled.spoil(snapshot), now_s - before_s)
        before_s = now_s
        counted += readings.counted
        passed_veh += snapshot.volume_veh * (now_s >= breaks_s)
        believed = health.update(now_s, snapshot.healthy, counted, looks)
        due_s[np.isinf(due_s) & (passed_veh >= FOUND_WITHIN_VEH) & (now_s - breaks_s >= within_s)] = now_s
        if believed is not before:  # replaced where it changes
            found_s[~believed & np.isinf(found_s) & (now_s >= breaks_s)] = now_s
            alarms += int((before & ~believed & ~broken).sum())
            before = believed
    due = broken & (passed_veh >= FOUND_WITHIN_VEH)
    found = due & (found_s <= np.minimum(due_s, now_s))
    return {
        "due": float(due.sum()),
        "found": float(found.sum()),
        "delay_s": float((found_s - breaks_s)[found].sum()),
        "false": float(alarms),
        "loop_h": float((~broken).sum()) * (now_s - begin_s) / 3600.0,
    }


def loaded_groups(layout: Layout) -> Bools:
    """Lane groups for vehicles; a crossing has no room for any."""
    return layout.has_group & (layout.room_veh > 0)


def green_groups(traffic: TrafficState, layout: Layout) -> Bools:
    """Lane groups that have some green, [J, N]."""
    rows = np.arange(traffic.stage.size)
    return layout.any_green[rows, traffic.last_stage] & (traffic.stage >= 0)[:, None] & loaded_groups(layout)


def between(times_s: Floats, begin_s: float, end_s: float) -> int:
    """How many of some ascending times lie in a span."""
    return int(np.searchsorted(times_s, end_s) - np.searchsorted(times_s, begin_s))


def geh(modelled: float, counted: float) -> float:
    """GEH statistic of two hourly flows."""
    total = modelled + counted
    return float(np.sqrt(2 * (modelled - counted) ** 2 / total)) if total else 0.0
