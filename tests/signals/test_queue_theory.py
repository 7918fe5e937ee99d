"""Known arrivals at a fixed cycle: what the estimator believes is what queueing theory says."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.signals.test_flow import ADVANCE, CROSSING, STOP, Feed

CYCLE_S, RED_S = 60, 30
HEADWAY_S = 2.0
"""Saturation headway: 1,800 veh/h."""
TRAVEL_S = float(CROSSING.advance_distance_m[0, 0] / CROSSING.speed_m_per_s[0, 0])


@dataclass
class Lane:
    """A single lane with a point queue: everybody travels freely, then leaves by the saturation headway in green."""

    feed: Feed
    every_s: float
    came_s: list[float] = field(default_factory=list)
    left_s: list[float] = field(default_factory=list)
    on_stop_s: list[float] = field(default_factory=list)

    def plan(self, until_s: float) -> None:
        """When each vehicle passes the advance loop, comes onto the stop line, and leaves it."""
        for came_s in np.arange(self.every_s / 2, until_s, self.every_s):
            before_s = self.left_s[-1] if self.left_s else -HEADWAY_S
            ready_s = max(came_s + TRAVEL_S, before_s)
            leaves_s = max(came_s + TRAVEL_S, before_s + HEADWAY_S)
            if leaves_s % CYCLE_S < RED_S:
                leaves_s = leaves_s // CYCLE_S * CYCLE_S + RED_S + HEADWAY_S
            self.came_s.append(came_s)
            self.on_stop_s.append(min(ready_s + 0.5, leaves_s))
            self.left_s.append(leaves_s)

    def run(self, until_s: int) -> tuple[list[float], float]:
        """The queue believed at the end of each red, and the mean of the vehicles believed to queue."""
        self.plan(until_s)
        at_green, total = [], 0.0
        for second in range(1, until_s):
            self.feed.stage = 1 if second % CYCLE_S < RED_S else 0
            counted = [
                loop
                for loop, times in ((ADVANCE, self.came_s), (STOP, self.on_stop_s))
                if any(second - 1 < t <= second for t in times)
            ]
            stands = any(a <= second < b for a, b in zip(self.on_stop_s, self.left_s, strict=True))
            state = self.feed.second((STOP,) if stands else (), tuple(counted))
            total += float(state.queue_veh[0, 0])
            if second % CYCLE_S == RED_S - 1:
                at_green.append(float(state.queue_veh[0, 0]))
        return at_green, total / until_s


@pytest.mark.parametrize("every_s", [6.0, 8.0, 12.0])
def test_the_queue_at_the_start_of_green_is_arrivals_times_red(every_s: float):
    """Deterministic queueing: q r, within one vehicle; whoever is still on his way is not in it."""
    at_green, _ = Lane(Feed(stage=1), every_s).run(15 * CYCLE_S)
    for believed in at_green[2:]:
        assert believed == pytest.approx(RED_S / every_s, abs=1.0)


@pytest.mark.parametrize("every_s", [6.0, 8.0])
def test_the_queue_over_time_is_websters_uniform_delay(every_s: float):
    """Little's law: the mean queue is flow times r^2 / (2 C (1 - q / s)), within a fifth."""
    flow, saturation = 1 / every_s, 1 / HEADWAY_S
    delay_s = RED_S**2 / (2 * CYCLE_S * (1 - flow / saturation))
    _, mean_veh = Lane(Feed(stage=1), every_s).run(15 * CYCLE_S)
    assert mean_veh == pytest.approx(flow * delay_s, rel=0.2)


def test_all_that_has_arrived_is_told_once():
    """After each cycle the arrivals told are the vehicles that came, within the one that is counted at that second."""
    feed = Feed(stage=1)
    lane = Lane(feed, 7.0)
    lane.run(10 * CYCLE_S)
    state = feed.second((), ())
    assert state.arrived_veh[0, 0] == pytest.approx(len(lane.came_s), abs=1.0)
