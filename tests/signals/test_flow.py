"""What the estimator promises, from readings fed by hand."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from signals.flow import RECALL_S, FlowEstimator
from signals.intersection import Aspect
from signals.layout import layout
from signals.values import Snapshot, TrafficState
from tests.signals.fakes import crossing

CROSSING = layout([crossing()])
LOOPS = {name: k for k, (_, name) in enumerate(CROSSING.loops)}
STOP = next(k for name, k in LOOPS.items() if "main" in name and "stop" in name)
ADVANCE = next(k for name, k in LOOPS.items() if "main" in name and "advance" in name)


@dataclass
class Feed:
    """An estimator and a clock; each second says which loops are covered and which have counted."""

    stage: int = 1
    time_s: float = 0.0
    estimator: FlowEstimator = field(default_factory=lambda: FlowEstimator(CROSSING))

    def second(self, covered: tuple[int, ...] = (), counted: tuple[int, ...] | dict[int, float] = ()) -> TrafficState:
        self.time_s += 1.0
        presence, volume = np.zeros(len(LOOPS), bool), np.zeros(len(LOOPS))
        presence[list(covered)] = True
        volume[list(counted)] = list(counted.values()) if isinstance(counted, dict) else 1.0
        aspects = np.full(CROSSING.has_head.shape, Aspect.RED, np.int8)
        snapshot = Snapshot(
            self.time_s,
            volume,
            presence.astype(float),
            presence,
            np.ones(len(LOOPS), bool),
            np.array([self.stage]),
            aspects,
            np.zeros(1, bool),
            np.zeros(CROSSING.has_head.shape, bool),
        )
        return self.estimator.update(snapshot)


def arrive(feed: Feed, vehicles: int, every_s: int = 4) -> TrafficState:
    """Vehicles pass the advance loop and queue from the stop line on."""
    state = feed.second()
    for k in range(vehicles * every_s):
        covered = (STOP,) if k >= every_s else ()
        counted = (ADVANCE,) if k % every_s == 0 else ()
        state = feed.second(covered, (*counted, STOP) if k == every_s else counted)
    return state


@pytest.mark.parametrize("vehicles", [2, 4])
def test_a_queue_in_red_is_what_came_in(vehicles: int):
    """Deterministic arrivals at red: the queue is their number, as long as it stands below the advance loop."""
    feed = Feed(stage=1)
    state = arrive(feed, vehicles)
    assert state.queue_veh[0, 0] + state.approaching_veh[0, 0] == pytest.approx(vehicles)
    for _ in range(8):
        state = feed.second((STOP,))
    assert state.queue_veh[0, 0] == pytest.approx(vehicles)
    assert state.approaching_veh[0, 0] == 0.0
    assert state.calls[0].tolist() == [True, False]


def test_a_queue_in_green_is_less_by_who_left():
    """Input less output: four came; the second and third came onto the stop line, so two have left."""
    feed = Feed(stage=1)
    arrive(feed, 4)
    feed.stage = 0
    feed.second((STOP,), (STOP,))
    state = feed.second((STOP,), (STOP,))
    assert state.queue_veh[0, 0] + state.approaching_veh[0, 0] == pytest.approx(2.0)


def test_an_empty_approach_has_no_queue_whatever_was_miscounted():
    """Nothing on the stop line and nothing on the way: the queue is none, even after an entry that never left."""
    feed = Feed(stage=0)
    feed.second((), (ADVANCE, ADVANCE))
    for _ in range(15):
        state = feed.second()
    assert state.queue_veh[0, 0] == 0.0
    assert not state.calls[0, 0]


def test_a_queue_over_the_advance_loop_goes_on_growing():
    """Once the loop is covered without a break the queue is at least its reach, and grows by the usual arrivals."""
    feed = Feed(stage=1)
    arrive(feed, 6, every_s=3)
    lengths = [float(feed.second((STOP, ADVANCE)).queue_veh[0, 0]) for _ in range(60)]
    assert lengths[-1] > lengths[10] >= 40.0 / 7.5
    assert all(b >= a for a, b in pairwise(lengths[5:]))


def test_the_arrival_flow_becomes_what_arrives():
    """One vehicle every six seconds for an hour is 600 veh/h."""
    feed = Feed(stage=0)
    for k in range(3600):
        passing = (ADVANCE, STOP) if k % 6 == 0 else ()
        state = feed.second(passing, passing)
    assert state.arrival_flow_veh_per_h[0, 0] == pytest.approx(600.0, rel=0.03)


def test_the_gap_is_the_time_since_the_last_detection():
    """A detection at either loop starts it anew."""
    feed = Feed(stage=0)
    feed.second((STOP,))
    feed.second()
    assert feed.second().gap_s[0, 0] == 2.0
    assert feed.second((ADVANCE,)).gap_s[0, 0] == 0.0


def test_a_stage_can_be_left_from_its_minimum_green_on():
    """The action mask holds the confirmed stage alone until it has had its own minimum green."""
    feed = Feed(stage=0)
    minimum_s = int(CROSSING.stage_minimum_green_s[0, 0])
    states = [feed.second() for _ in range(minimum_s + 1)]
    assert states[-2].eligible[0].tolist() == [True, False]
    assert states[-1].elapsed_green_s[0] == minimum_s
    assert states[-1].eligible[0].tolist() == [True, True]


def test_who_stands_in_green_and_does_not_leave_is_blocked():
    """Green, covered, and nothing counted for longer than a start takes."""
    feed = Feed(stage=0)
    states = [feed.second((STOP,)) for _ in range(8)]
    assert not states[2].blocked[0, 0]
    assert states[-1].blocked[0, 0]


def test_a_long_red_calls_by_itself():
    """A vehicle that no loop has seen is served all the same: after a long red its lane group calls, and has waited."""
    feed = Feed(stage=1)
    feed.second()
    states = [feed.second() for _ in range(int(RECALL_S) + 12)]
    assert not states[10].calls[0, 0]
    assert states[-1].calls[0, 0]
    assert states[-1].red_s[0, 0] >= RECALL_S
    assert not states[-1].calls[0, 1]  # it is green


def test_a_clock_that_steps_back_starts_all_timers_anew():
    """No gap and no green is credited across the step."""
    feed = Feed(stage=0)
    for _ in range(50):
        feed.second((STOP,))
    feed.time_s -= 3600.0
    state = feed.second()
    assert state.elapsed_green_s[0] == 0.0
    assert state.gap_s.max() == 0.0


def test_a_repeated_reading_counts_once_and_an_overtaken_one_not_at_all():
    """As message queues deliver them; the reading after them is taken as if they had not been there."""
    plain, repeating = Feed(stage=1), Feed(stage=1)
    arrive(plain, 4)
    arrive(repeating, 4)
    for back_s in (0.0, 0.0, 3.0):
        again = Feed(stage=1, time_s=repeating.time_s - 1.0 - back_s, estimator=repeating.estimator)
        state = again.second((), (ADVANCE,))
    assert state.time_s == repeating.time_s
    expected, state = plain.second(), repeating.second()
    assert state.arrived_veh[0, 0] == expected.arrived_veh[0, 0]
    assert state.queue_veh[0, 0] == expected.queue_veh[0, 0]
