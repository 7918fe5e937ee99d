"""Saturation flow and start-up lost time are those of the queues that discharged, and nobody else's."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from signals.layout import Layout, layout
from signals.saturation import ENOUGH, STARTUP_LOST_S, Saturation, Scene
from signals.values import TRANSITION, Known
from tests.signals.fakes import crossing, protected_left

CROSSING = layout([crossing()])
LEFT = layout([protected_left()])
GREEN_S, RED_S = 40, 20


@dataclass
class StopLine:
    """One lane group's stop line, at one junction, read every second; vehicles leave as the test says."""

    built: Layout = CROSSING
    column: int = 0
    red_stage: int = 1
    green_stage: int = 0
    queue_veh: float = 12.0
    exit_room_veh: float = np.inf
    believed: bool = True
    reading_s: float = 1.0
    time_s: float = 0.0
    late_s: float = 0.0
    learned: Saturation = field(init=False)

    def __post_init__(self) -> None:
        self.learned = Saturation(self.built)
        links = self.built.stop_cell == self.column
        self.loop = int(self.built.stop_loop[links][0])
        self.counted_veh = np.zeros(len(self.built.loops))

    def show(self, stage: int) -> None:
        shape = self.built.shape
        scene = Scene(
            self.reading_s,
            self.counted_veh.copy(),
            np.ones(len(self.built.loops)),
            np.full(len(self.built.loops), self.believed),
            np.full(shape, self.queue_veh),
            np.full(shape, self.exit_room_veh),
        )
        self.learned.follow(self.time_s, [0], np.array([stage]), scene)

    def green(self, headway_s: float, lost_s: float, then_s: float = 60.0) -> None:
        """Red, then a green; the first vehicle is on the loop, and behind the queue come others every `then_s`."""
        self.show(self.red_stage)
        self.time_s += RED_S
        self.show(TRANSITION)
        self.show(self.green_stage)
        to_line_s = 6.0 / (13.9 / 2)
        queue = np.arange(2, int(self.queue_veh) + 1) * headway_s + lost_s - to_line_s
        rest = queue[-1] + np.arange(1, 20) * then_s
        self.late_s = (self.late_s + 0.382) % 1.0  # what a reading sees has happened since the one before
        passes_s = self.time_s - self.late_s + np.concatenate([queue, rest])
        for _ in range(GREEN_S):
            self.time_s += 1.0
            self.counted_veh[self.loop] += np.count_nonzero((passes_s > self.time_s - 1.0) & (passes_s <= self.time_s))
            self.learned.take(self.time_s, self.counted_veh)
        self.show(TRANSITION)

    @property
    def known(self) -> int:
        return int(self.learned.flow.known[0, self.column])


def test_the_saturation_flow_is_the_queues_headway():
    """Vehicles that leave every 2.4 s are 1,500 veh/h, though 1,800 was assumed; a reading a second rounds that off."""
    line = StopLine()
    for _ in range(30):
        line.green(2.4, 2.0)
    flow = line.learned.flow
    assert flow.value[0, 0] == pytest.approx(1500.0, rel=0.02)
    assert abs(flow.value[0, 0] - 1500.0) < 2 * flow.sd[0, 0] < 100.0
    assert line.known == Known.MEASURED
    assert flow.known[0, 1] == Known.ASSUMED  # of the other lane group nothing was seen
    assert flow.value[0, 1] == 1800.0


@pytest.mark.parametrize("lost_s", [1.0, 3.0])
def test_the_lost_time_is_what_the_first_took_longer(lost_s: float):
    """HCM's start-up lost time, to half a reading."""
    line = StopLine()
    for _ in range(60):
        line.green(2.0, lost_s)
    assert line.learned.lost.value[0, 0] == pytest.approx(lost_s, abs=0.6)
    assert line.learned.lost.known[0, 0] == Known.MEASURED


def test_little_is_assumed_until_enough_is_measured():
    """Two pieces a green: after a few greens the value has begun to move, and is still called assumed."""
    line = StopLine()
    assert line.learned.flow.value[0, 0] == 1800.0
    sd_veh_per_h = [line.learned.flow.sd[0, 0]]
    for _ in range((ENOUGH - 1) // 2):
        line.green(2.4, 2.0)
        sd_veh_per_h.append(line.learned.flow.sd[0, 0])
    assert line.known == Known.ASSUMED
    assert 1500.0 < line.learned.flow.value[0, 0] < 1650.0
    assert sd_veh_per_h == sorted(sd_veh_per_h, reverse=True)
    assert line.learned.lost.value[0, 0] == STARTUP_LOST_S


def test_who_comes_behind_the_queue_counts_for_nothing():
    """Eight stood; those who come after, every 3 s, are arrivals, and say nothing of what the lane can pass."""
    line = StopLine(queue_veh=8.0)
    for _ in range(40):
        line.green(2.0, 2.0, then_s=3.0)
    assert line.learned.flow.value[0, 0] == pytest.approx(1800.0, rel=0.02)


@pytest.mark.parametrize(
    "line",
    [
        StopLine(queue_veh=6.0),
        StopLine(exit_room_veh=5.0),
        StopLine(believed=False),
        StopLine(reading_s=5.0),
        StopLine(LEFT, column=1, red_stage=2, green_stage=0),
        StopLine(LEFT, column=1, red_stage=0, green_stage=1),
    ],
    ids=["short queue", "full exit", "distrusted loop", "coarse readings", "permissive turn", "had green before"],
)
def test_no_green_is_learned_from_that_shows_something_else(line: StopLine):
    """A short queue, a full exit, a loop not believed, coarse readings, a turn through gaps, a moving queue."""
    for _ in range(20):
        line.green(2.4, 2.0)
    assert line.known == Known.ASSUMED
    assert line.learned.flow.value[0, line.column] == 1800.0


def test_a_protected_turn_is_learned_from():
    """The same turn, green after others were, and by itself."""
    line = StopLine(LEFT, column=1, red_stage=2, green_stage=1)
    for _ in range(30):
        line.green(2.4, 2.0)
    assert line.learned.flow.value[0, 1] == pytest.approx(1500.0, rel=0.02)


def test_a_queue_that_is_held_up_is_no_saturation_flow():
    """Nobody leaves every 6 s for want of anything but room."""
    line = StopLine()
    for _ in range(20):
        line.green(6.0, 2.0)
    assert line.learned.flow.value[0, 0] == 1800.0


def test_a_clock_that_steps_back_ends_what_was_measured():
    """A discharge is not continued across it."""
    line = StopLine()
    line.show(1)
    line.show(0)
    line.learned.restart()
    line.counted_veh += 20.0
    line.learned.take(-3600.0, line.counted_veh)
    assert line.known == Known.ASSUMED
    assert line.learned.flow.value[0, 0] == 1800.0
