"""Saturation flow and start-up lost time, learned at the stop line while a standing queue discharges.

As the HCM has them measured (6th ed., ch. 31, field measurement): the first vehicles of a queue start slowly, the rest
leave by the saturation headway; what the first took beyond as many saturation headways is the start-up lost time. A
green counts where it is protected, nobody of the lane group had green before it, the exit has room, and at least
`LEAST_QUEUE_VEH` stand a lane; and only as far as the vehicles that stood when it began.

A tick costs one comparison: every loop has a count at which it is looked at next, infinity where nobody discharges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.history import History
from signals.layout import Layout
from signals.values import TRANSITION, Bools, Estimate, Floats, Ints, Known, some

STARTING_VEH = 4
"""Vehicles that still accelerate over the stop line (HCM)."""
PIECE_VEH = 3
"""Headways in one measurement; a green gives as many as its queue has."""
LEAST_QUEUE_VEH = 7.0
UNEVEN_VEH = 1.0
"""By how much one lane's queue may be shorter than the mean of its lane group's."""
LEAST_ROOM_VEH = 8.0
"""With less room at the exit the vehicles of this green may be held up by what is beyond the stop line."""
SHORTEST_S, LONGEST_S = 1.2, 4.0
"""Mean headways that one lane's free discharge can have, 900 to 3,000 veh/h; beyond, somebody is in the way."""
COARSEST_S = 2.0
"""Readings further apart cannot tell headways: at 5 s, saturation flows came out 5 to 15 % too small."""
STARTUP_LOST_S = 2.0
"""HCM's default."""
ASSUMED_HEADWAY_SPREAD, ASSUMED_LOST_SPREAD_S = 0.10, 1.0
"""Standard deviations of what is assumed, between one lane and another."""
PIECE_SPREAD_S, START_SPREAD_S = 0.35, 1.0
"""Standard deviations of one measurement: drivers differ, and a reading a second rounds."""
ENOUGH = 10
"""Measurements, at least as many headways as HCM's 15 queues give beyond the fourth vehicle."""
MOST = 300.0
"""Older measurements fade: rain, and a lane closed beside it, change what a lane can pass."""


class Scene(NamedTuple):
    """What is known where a stage begins: counts so far, covered and believed loops [L], queues and exits [J, N].

    reading_s: since the reading before.
    """

    reading_s: float
    counted_veh: Floats
    covered: Floats
    believed: Bools
    queue_veh: Floats
    exit_room_veh: Floats


@dataclass
class Green:
    """The discharge of one lane: since when, from which count, how many stood, and the piece that is being measured."""

    began_s: float
    count_veh: float
    on_loop_veh: float
    queue_veh: float
    piece_s: float = 0.0
    piece_veh: float = 0.0


class Mean:
    """Running means [L] from measurements of known spread, beginning with an assumed value."""

    def __init__(self, assumed: Floats, assumed_spread: Floats, spread: float) -> None:
        self._assumed = assumed
        self._spread = spread
        self._prior = (spread / assumed_spread) ** 2  # measurements that the assumed value is worth
        self.count = np.zeros(assumed.size)
        self.measured = assumed.copy()

    def take(self, at: int, value: float) -> None:
        """One more measurement; one further off than three of their spread counts as being there."""
        count = min(self.count[at] + 1.0, MOST)
        surprise = value - self.measured[at]
        if count > ENOUGH:
            surprise = min(max(surprise, -3.0 * self._spread), 3.0 * self._spread)
        self.measured[at] += surprise / count
        self.count[at] = count

    def adopt(self, count: Floats, measured: Floats) -> None:
        """Go on from what was measured before, in the arrays that are handed in, which stay in use."""
        measured[count == 0] = self._assumed[count == 0]
        self.count, self.measured = count, measured

    @property
    def value(self) -> Floats:
        """The assumed value and the measurements, each with its weight."""
        weighed: Floats = self._prior * self._assumed + self.count * self.measured
        return weighed / (self._prior + self.count)

    @property
    def sd(self) -> Floats:
        """Standard error of the value."""
        error: Floats = self._spread / np.sqrt(self._prior + self.count)
        return error


class Saturation:
    """Learns from stop-line loops; `flow_veh_per_h` and `lost_s` are built where somebody asks."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._cells = layout, layout.has_group.size
        loops = len(layout.loops)
        self._cell = np.full(loops, -1)
        self._cell[layout.stop_loop] = layout.stop_cell
        once = np.bincount(layout.stop_loop, minlength=loops) == 1
        self._cell[~once] = -1  # a loop across two lane groups cannot tell whose queue it passes
        self._loops = np.flatnonzero(self._cell >= 0)
        own = self._cell[self._loops]
        lanes = np.maximum(layout.lanes, 1.0).ravel()
        per_lane = np.full(loops, 1800.0)
        per_lane[self._loops] = (layout.saturation_flow_veh_per_h.ravel() / lanes)[own]
        headway_s = 3600.0 / per_lane
        self.headway_s = Mean(headway_s, ASSUMED_HEADWAY_SPREAD * headway_s, PIECE_SPREAD_S)
        self.start_s = Mean(np.full(loops, STARTUP_LOST_S), np.full(loops, ASSUMED_LOST_SPREAD_S), START_SPREAD_S)
        self._to_stop_line_s = np.zeros(loops)
        starting_m_per_s = layout.speed_m_per_s.ravel()[own] / 2.0
        self._to_stop_line_s[self._loops] = _beyond_loop_m(layout)[self._loops] / starting_m_per_s
        junctions, columns = layout.shape
        self._loops_of: list[list[list[int]]] = [[[] for _ in range(columns)] for _ in range(junctions)]
        for loop in self._loops.tolist():
            self._loops_of[self._cell[loop] // columns][self._cell[loop] % columns].append(loop)
        self._lanes: list[list[float]] = layout.lanes.tolist()
        self._before, self._open = [TRANSITION] * junctions, set[int]()
        self._beginning: dict[tuple[int, int, int], list[int]] = {}
        self._next_veh, self._hit = np.full(loops, np.inf), np.zeros(loops, bool)
        self._greens: dict[int, Green] = {}
        self._veh_per_h: Floats | None = None

    def adopt(self, history: History) -> None:
        """Go on from what a history holds, and keep it up to date there."""
        self.headway_s.adopt(history.headway_count, history.headway_s)
        self.start_s.adopt(history.lost_count, history.lost_s)
        self._veh_per_h = None

    def restart(self) -> None:
        """A first reading, or a clock that stepped back: no discharge is being followed."""
        self._next_veh[:] = np.inf
        self._greens.clear()
        self._open.clear()

    def follow(self, now_s: float, rows: list[int], stage: Ints, scene: Scene) -> None:
        """At some junctions, `rows`, the stage has changed."""
        for row in rows:
            shown, before = int(stage[row]), self._before[row]
            if row in self._open:
                self._end(row)
            if shown != TRANSITION:
                self._before[row] = shown
                if (
                    scene.reading_s <= COARSEST_S
                    and before != TRANSITION
                    and (columns := self._begins(row, before, shown))
                ):
                    self._begin(now_s, row, columns, scene)

    def _begins(self, row: int, before: int, shown: int) -> list[int]:
        """Whose protected green begins with a stage: worked out once."""
        key = row, before, shown
        if key not in self._beginning:
            layout = self._layout
            starts = (layout.serves[row, shown] == 1.0) & ~layout.any_green[row, before]
            self._beginning[key] = [column for column in np.flatnonzero(starts).tolist() if self._loops_of[row][column]]
        return self._beginning[key]

    def _begin(self, now_s: float, row: int, columns: list[int], scene: Scene) -> None:
        queue_veh, lanes = scene.queue_veh[row].tolist(), self._lanes[row]
        for column in columns:
            stand_veh = queue_veh[column] / lanes[column] - UNEVEN_VEH * (lanes[column] > 1)
            if stand_veh < LEAST_QUEUE_VEH or scene.exit_room_veh[row, column] < LEAST_ROOM_VEH:
                continue
            for loop in self._loops_of[row][column]:
                if scene.believed[loop]:
                    count_veh, on_loop_veh = float(scene.counted_veh[loop]), float(scene.covered[loop])
                    self._greens[loop] = Green(now_s, count_veh, on_loop_veh, stand_veh)
                    self._next_veh[loop] = count_veh + STARTING_VEH
                    self._open.add(row)

    def _end(self, row: int) -> None:
        self._open.discard(row)
        for loops in self._loops_of[row]:
            for loop in loops:
                if self._greens.pop(loop, None):
                    self._next_veh[loop] = np.inf

    def take(self, now_s: float, counted_veh: Floats) -> None:
        """What each loop [L] has counted so far."""
        if not self._greens:
            return
        np.greater_equal(counted_veh, self._next_veh, out=self._hit)
        if some(self._hit):
            for loop in np.flatnonzero(self._hit).tolist():
                self._measure(now_s, loop, float(counted_veh[loop]))

    def _measure(self, now_s: float, loop: int, counted_veh: float) -> None:
        green = self._greens[loop]
        passed_veh = counted_veh - green.count_veh
        if green.piece_veh == 0.0:
            passed_s = now_s - green.began_s + self._to_stop_line_s[loop]
            free_s = (passed_veh + green.on_loop_veh) * float(self.headway_s.value[loop])
            goes_on = passed_s <= (passed_veh + 1.0) * LONGEST_S
            if goes_on and self.headway_s.count[loop] >= ENOUGH:
                self.start_s.take(loop, passed_s - free_s)
        else:
            headway_s = (now_s - green.piece_s) / (passed_veh - green.piece_veh)
            goes_on = SHORTEST_S <= headway_s <= LONGEST_S
            if goes_on:
                self.headway_s.take(loop, headway_s)
                self._veh_per_h = None
        green.piece_s, green.piece_veh = now_s, passed_veh
        stands = passed_veh + green.on_loop_veh + PIECE_VEH <= green.queue_veh
        self._next_veh[loop] = counted_veh + PIECE_VEH if goes_on and stands else np.inf

    @property
    def veh_per_h(self) -> Floats:
        """Saturation flow of each lane group [J, N], of its lanes together; assumed where nothing is learned."""
        if self._veh_per_h is None:
            self._veh_per_h = self._per_group(3600.0 / self.headway_s.value, self._layout.saturation_flow_veh_per_h)
        return self._veh_per_h

    @property
    def flow(self) -> Estimate:
        """Saturation flow in veh/h [J, N]."""
        flow, lanes = 3600.0 / self.headway_s.value, np.maximum(self._layout.lanes, 1.0)
        error = (flow * self.headway_s.sd / self.headway_s.value) ** 2
        sd = np.sqrt(self._mean(error) / np.maximum(self._counted, 1.0)) * lanes
        assumed_sd = ASSUMED_HEADWAY_SPREAD * self._layout.saturation_flow_veh_per_h
        return Estimate(self.veh_per_h, np.where(self._counted > 0, sd, assumed_sd), self._known(self.headway_s))

    @property
    def lost(self) -> Estimate:
        """Start-up lost time in s [J, N]."""
        seen = self._counted > 0
        value = np.where(seen, self._mean(self.start_s.value), STARTUP_LOST_S)
        sd = np.where(seen, np.sqrt(self._mean(self.start_s.sd**2)), ASSUMED_LOST_SPREAD_S)
        return Estimate(value, sd, self._known(self.start_s))

    @property
    def _counted(self) -> Floats:
        """Loops of each lane group."""
        return self._sum(np.ones(self._cell.size))

    def _sum(self, of_loop: Floats) -> Floats:
        loops, cells = self._loops, self._cell[self._loops]
        total = np.bincount(cells, of_loop[loops], self._cells)
        return total.astype(float).reshape(self._layout.shape)

    def _mean(self, of_loop: Floats) -> Floats:
        return self._sum(of_loop) / np.maximum(self._counted, 1.0)

    def _per_group(self, per_lane: Floats, assumed: Floats) -> Floats:
        """A lane without a loop passes as many as those beside it."""
        return np.where(self._counted > 0, self._mean(per_lane) * self._layout.lanes, assumed)

    def _known(self, mean: Mean) -> NDArray[np.int8]:
        """Measured where every loop has enough measurements, inferred where one has."""
        enough = self._sum((mean.count >= ENOUGH).astype(float))
        known = np.where(enough > 0, Known.INFERRED, Known.ASSUMED)
        return np.where((enough == self._layout.lanes) & (enough > 0), Known.MEASURED, known).astype(np.int8)


def _beyond_loop_m(layout: Layout) -> Floats:
    """From each loop's upstream edge, where a vehicle is counted, to the stop line."""
    detectors = ((i, {d.id: d for d in i.detectors}) for i in layout.intersections)
    by_row = [found for _, found in detectors]
    return np.array([by_row[row][name].setback_m + by_row[row][name].length_m for row, name in layout.loops])
