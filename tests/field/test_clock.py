"""What the wall clock promises: each second when it is due, none left out, no burst, no busy waiting."""

import math

import pytest

from field.clock import CATCH_UP_S, StreetClock, WallClock
from signals.errors import ConfigError


class Wall:
    """A wall clock that goes on only while somebody waits or works."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds

    def clock(self, seconds: list[float], speed: float = 1.0) -> WallClock:
        return WallClock(seconds, speed, self.wait, self.now)


@pytest.mark.parametrize("speed", [0.5, 1.0, 20.0])
def test_each_second_comes_when_it_is_due(speed: float):
    """At `speed` seconds of the street per second of the wall, after the first one at once."""
    wall = Wall()
    came = [(second_s, wall.now_s) for second_s in wall.clock([300.0, 301.0, 303.0], speed)]
    assert came == [(300.0, 1000.0), (301.0, 1000.0 + 1 / speed), (303.0, 1000.0 + 3 / speed)]


def test_work_is_taken_off_the_wait():
    """A tick that takes 0.3 s leaves 0.7 s to sleep, in one go: nothing polls."""
    wall = Wall()
    for _ in wall.clock([0.0, 1.0, 2.0]):
        wall.now_s += 0.3
    assert wall.waits == pytest.approx([0.7, 0.7])


def test_a_late_tick_is_counted_and_made_good():
    """One slow tick makes the next late; the one after is on time again, and none is missing."""
    wall = Wall()
    clock, came = wall.clock([0.0, 1.0, 2.0, 3.0]), []
    for second_s in clock:
        came.append((second_s, wall.now_s - 1000.0))
        wall.now_s += 1.5 if second_s == 0.0 else 0.1
    assert came == [(0.0, 0.0), (1.0, 1.5), (2.0, 2.0), (3.0, 3.0)]
    assert (clock.ticks, clock.late, clock.moved_s) == (4, 1, 0.0)
    assert clock.lateness_p99_s == pytest.approx(0.5, abs=0.02)


def test_no_burst_follows_a_long_sleep():
    """After a suspension the schedule moves; the street is not driven at full speed to catch up."""
    wall = Wall()
    clock, came = wall.clock([float(k) for k in range(5)]), []
    for second_s in clock:
        came.append(wall.now_s - 1000.0)
        wall.now_s += 600.0 if second_s == 1.0 else 0.0
    assert came == [0.0, 1.0, 601.0, 602.0, 603.0]
    assert (clock.late, clock.moved_s) == (1, 599.0)


def test_what_cannot_keep_up_runs_as_fast_as_it_can():
    """Every second comes; the summary can say by how much the schedule moved."""
    wall = Wall()
    clock = wall.clock([float(k) for k in range(100)], speed=1000.0)
    for _ in clock:
        wall.now_s += 0.1
    assert clock.ticks == 100
    assert clock.late == 99
    assert clock.moved_s > 9.0 - 2 * CATCH_UP_S


def test_a_leap_of_the_streets_own_clock_is_not_waited_for():
    """A log with a gap of a day, or a clock that went back, is played on."""
    wall = Wall()
    came = [wall.now_s - 1000.0 for _ in wall.clock([0.0, 1.0, 86_400.0, 86_401.0, 5.0, 6.0])]
    assert came == [0.0, 1.0, 1.0, 2.0, 2.0, 3.0]


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e9, math.nan, math.inf])
def test_a_speed_out_of_bounds_is_refused(speed: float):
    """In one line with the bounds."""
    with pytest.raises(ConfigError, match=r"speed = \S+, must be 0.05 to 1000"):
        WallClock([], speed)


def test_the_streets_clock_is_not_set_with_the_walls():
    """Whatever the wall clock does once it has begun: a day back, an hour on for daylight saving."""
    steady_s, wall_s = 100.0, 1.8e9
    clock = StreetClock(2.0, lambda: steady_s, lambda: wall_s)
    began_s = clock()
    for leap_s in (-86_400.0, 3600.0, 1.0):
        wall_s, steady_s = wall_s + leap_s, steady_s + 5.0
    assert clock() - began_s == 30.0


def test_a_tick_is_done_when_its_work_is():
    """Counted from when it was due, so that a late one is as slow as it feels."""
    wall = Wall()
    clock = wall.clock([0.0, 1.0, 2.0, 3.0])
    for work_s in (0.2, 1.5, 0.1):
        next(clock)
        wall.now_s += work_s
    next(clock)
    assert list(clock.done_s) == pytest.approx([0.2, 1.5, 0.6])  # 0.5 late and 0.1 of work
    assert 1.4 < clock.done_p99_s <= 1.5
