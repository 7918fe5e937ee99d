"""Which loops are believed, and who stands in for those that are not."""

import numpy as np
import pytest

from signals.detectors import CHECK_EVERY_S, MAXIMUM_PRESENCE_S, REASONS, UNPROVEN_S, LoopHealth
from signals.flow import DISCHARGING_VEH, FlowEstimator
from signals.intersection import Aspect
from signals.layout import layout
from signals.values import Known, Snapshot, TrafficState
from tests.signals.fakes import crossing, protected_left
from tests.signals.test_flow import ADVANCE, CROSSING, LOOPS, STOP, Feed

MINUTE, HOUR = 60, 3600


def passing(feed: Feed, seconds: int, every_s: int = 6, sees: tuple[int, ...] = (ADVANCE, STOP), on: tuple = ()):
    """A vehicle every few seconds that only some loops see; others are always covered."""
    state = None
    for second in range(seconds):
        seen = sees if second % every_s == 0 else ()
        state = feed.second((*seen, *on), seen)
    assert state is not None
    return state


@pytest.mark.parametrize("dead", [ADVANCE, STOP])
def test_a_loop_that_misses_everybody_is_found_within_30_vehicles(dead: int):
    """Its partner of the same lane sees them; the reason says so, and the queue is inferred from then on."""
    feed = Feed(stage=0)
    state = passing(feed, 30 * 6, sees=(STOP if dead == ADVANCE else ADVANCE,))
    assert not feed.estimator.believed[dead]
    assert "stuck off" in feed.estimator.reason(dead)
    assert state.known[0, 0] == Known.INFERRED


def test_a_loop_is_believed_again_when_it_recovers():
    """One vehicle that it sees is enough, at the next check."""
    feed = Feed(stage=0)
    passing(feed, 200, sees=(STOP,))
    assert not feed.estimator.believed[ADVANCE]
    passing(feed, 2 * int(CHECK_EVERY_S))
    assert feed.estimator.believed.all()
    assert feed.estimator.reason(ADVANCE) == REASONS[0]


def test_a_loop_that_few_choose_is_not_missed_by_the_others():
    """One in forty comes over it, and after the first minute forty and more without it are nothing new."""
    feed = Feed(stage=0)
    for second in range(HOUR):
        seen = (STOP, ADVANCE) if second % 240 == 0 else (STOP,)
        feed.second(seen if second % 6 == 0 else (), seen if second % 6 == 0 else ())
        assert feed.estimator.believed[ADVANCE]


@pytest.mark.parametrize(("dead", "within_veh"), [(STOP, 30), (ADVANCE, 40)])
def test_a_busy_loop_that_dies_is_found(dead: int, within_veh: int):
    """It used to see all. Of those who pass the stop line some may have passed an advance loop before it died."""
    feed = Feed(stage=0)
    passing(feed, HOUR)
    passing(feed, within_veh * 6, sees=(STOP if dead == ADVANCE else ADVANCE,))
    assert "stuck off" in feed.estimator.reason(dead)


@pytest.mark.parametrize("dead", [ADVANCE, STOP])
def test_the_other_loop_stands_in_for_a_dead_one(dead: int):
    """One vehicle in six seconds is 600 veh/h, and all of it arrives, whichever loop is dead."""
    feed = Feed(stage=0)
    living = STOP if dead == ADVANCE else ADVANCE
    passing(feed, 1200, sees=(living,))
    before = float(passing(feed, 6, sees=(living,)).arrived_veh[0, 0])
    state = passing(feed, 1200, sees=(living,))
    assert state.arrival_flow_veh_per_h[0, 0] == pytest.approx(600.0, rel=0.15)
    assert state.arrived_veh[0, 0] - before == pytest.approx(200.0, rel=0.1)


def test_a_covered_loop_that_others_pass_is_stuck_on():
    """Found within 30 vehicles, at the next check."""
    feed = Feed(stage=0)
    passing(feed, 30 * 6 + int(CHECK_EVERY_S), sees=(STOP,), on=(ADVANCE,))
    assert "stuck on" in feed.estimator.reason(ADVANCE)


def test_a_loop_under_a_standing_queue_is_believed():
    """Ten minutes of red with both loops covered, and nobody passes."""
    feed = Feed(stage=1)
    passing(feed, 60, sees=(ADVANCE,))
    for _ in range(10 * MINUTE):
        feed.second((STOP, ADVANCE))
    assert feed.estimator.believed.all()


def test_a_chattering_loop_is_found_and_accuses_no_other():
    """More than one count a second is no lane's traffic; what it counts is no word against its partner."""
    health, loops = LoopHealth(CROSSING), len(LOOPS)
    counted, healthy = np.zeros((4, loops)), np.ones(loops, bool)
    for second in range(2 * MINUTE):
        counted[0, STOP] += 1.0
        believed = health.update(float(second), healthy, counted, second + 1)
    assert "chatter" in health.reason(STOP)
    assert believed.sum() == loops - 1


@pytest.mark.parametrize("wrong", [1.3, 0.7])
def test_a_loop_that_counts_three_in_ten_wrongly_is_found_within_50_vehicles(wrong: float):
    """Too many come as two within a second, too few cover the loop and are not counted; its partner stays believed."""
    feed, counted = Feed(stage=0), 0.0
    for second in range(50 * 6):
        passes = second % 6 == 0
        counted += wrong * passes
        whole = int(counted + 1e-9) if passes else 0
        counted -= whole
        on = (STOP, ADVANCE) if passes else ()
        feed.second(on, {STOP: 1.0, ADVANCE: float(whole)} if passes else {})
    assert not feed.estimator.believed[ADVANCE]
    assert "counting" in feed.estimator.reason(ADVANCE)
    assert feed.estimator.believed[STOP]


def test_the_plants_own_fault_is_taken_at_once():
    """And forgotten as soon as it is gone."""
    health, loops = LoopHealth(layout([crossing()])), len(LOOPS)
    counted, healthy = np.zeros((4, loops)), np.ones(loops, bool)
    faulty = healthy.copy()
    faulty[STOP] = False
    assert health.update(0.0, healthy, counted, 1).all()
    assert not health.update(1.0, faulty, counted, 2)[STOP]
    assert health.reason(STOP) == REASONS[1]
    assert health.update(2.0, healthy.copy(), counted, 3).all()


def test_a_covered_loop_is_stuck_on_where_only_the_lanes_beside_it_can_tell():
    """Its own advance loop is faulty; the lane beside it moves for a quarter of an hour and more."""
    one = crossing()
    twin = next(d for d in one.detectors if "main" in d.id and d.kind == "stop_line").model_copy(update={"id": "twin"})
    wide = layout([one.model_copy(update={"detectors": (*one.detectors, twin)})])
    twin_at = wide.loops.index((0, "twin"))
    health, loops = LoopHealth(wide), len(wide.loops)
    counted, healthy = np.zeros((4, loops)), np.arange(loops) != ADVANCE
    for second in range(20 * MINUTE):
        counted[1, STOP] += 1.0
        counted[0, twin_at] += second % 6 == 0
        believed = health.update(float(second), healthy, counted, second + 1)
        assert believed[STOP] or second > MAXIMUM_PRESENCE_S
    assert "stuck on" in health.reason(STOP)
    assert believed[twin_at]


@pytest.mark.parametrize(("covered", "broken"), [((ADVANCE, STOP), []), ((ADVANCE,), [ADVANCE])])
def test_a_lane_that_stands_on_both_its_loops_is_not_taken_for_two_broken_ones(covered: tuple, broken: list):
    """A locked lane, beside one without an advance loop that moves for half an hour; one covered loop is stuck on."""
    one = crossing()
    own = next(d for d in one.detectors if "main" in d.id and d.kind == "stop_line")
    beside = own.model_copy(update={"id": "beside", "lane": "second"})
    wide = layout([one.model_copy(update={"detectors": (*one.detectors, beside)})])
    health, loops = LoopHealth(wide), len(wide.loops)
    counted, healthy = np.zeros((4, loops)), np.ones(loops, bool)
    for second in range(HOUR):
        locked = covered if second > HOUR / 2 else ()
        moving = [loop for loop in (ADVANCE, STOP, wide.loops.index((0, "beside"))) if loop not in locked]
        counted[:2, moving] += second % 6 == 0
        counted[1, list(locked)] += 1.0
        believed = health.update(float(second), healthy, counted, second + 1)
    assert np.flatnonzero(~believed).tolist() == broken


@pytest.mark.parametrize(("others", "proven"), [(1, False), (7, True)])
def test_it_is_unproven_where_loops_elsewhere_are_dead_unless_they_are_few(others: int, proven: bool):
    """Of 16 loops one, and of 64: below one in forty, a lane that nobody uses is likelier than two more dead loops."""
    names = ("left", *(f"next{k}" for k in range(others)))
    estimator, loops, _ = four_lanes((*SILENT, "next0.through.advance"), int(UNPROVEN_S) + 120, junctions=names)
    assert "stuck off" in estimator.reason(loops["next0.through.advance"])
    assert all(estimator.believed[loops[name]] == proven for name in SILENT)


def test_a_lane_that_cannot_be_seen_at_its_stop_line_is_recalled_until_it_is_green():
    """In green it calls no longer than somebody is believed to be there: an empty lane holds nobody up."""
    feed = Feed(stage=0)
    passing(feed, 200, sees=(ADVANCE,))
    assert not feed.estimator.believed[STOP]
    feed.stage = 1
    state = [feed.second() for _ in range(60)][-1]
    assert state.calls[0, 0]
    feed.stage = 0
    state = [feed.second() for _ in range(40)][-1]
    assert not state.calls[0, 0]


def test_a_queue_goes_on_discharging_although_nobody_says_who_comes():
    """Without an advance loop, a stop line that has had no gap since its green began has more behind it."""
    feed = Feed(stage=0)
    passing(feed, 200, sees=(STOP,))
    assert not feed.estimator.believed[ADVANCE]
    for second in range(120):
        state = feed.second((STOP,) if second % 2 else (), (STOP,) if second % 2 else ())
    assert state.queue_veh[0, 0] + state.approaching_veh[0, 0] >= DISCHARGING_VEH
    state = [feed.second() for _ in range(40)][-1]
    assert state.queue_veh[0, 0] == 0.0


def four_lanes(
    dead: tuple[str, ...], seconds: int, rare: str = "", junctions: tuple[str, ...] = ("left",)
) -> tuple[FlowEstimator, dict[str, int], TrafficState]:
    """A junction whose lanes are all used by one vehicle in ten seconds, `rare` by one in five minutes; some of whose
    loops see nobody.
    """
    of = layout([protected_left(name) for name in junctions])
    loops = {name: k for k, (_, name) in enumerate(of.loops)}
    estimator, aspects = FlowEstimator(of), np.full(of.has_head.shape, Aspect.RED, np.int8)
    sees, healthy = np.array([name not in dead for name in loops]), np.ones(len(loops), bool)
    every_s = np.array([300 if rare and name.startswith(rare) else 10 for name in loops])
    for second in range(seconds):
        seen = sees & (second % every_s == 0)
        told = seen.astype(float), seen.astype(float), seen, healthy
        nobody = np.zeros(of.has_head.shape, bool)
        stage = np.full(len(junctions), second // 30 % of.stages)
        state = estimator.update(Snapshot(float(second), *told, stage, aspects, np.zeros(len(junctions), bool), nobody))
    return estimator, loops, state


SILENT = ("left.left.advance", "left.left.stop_line")


def test_a_lane_that_never_told_anything_is_unproven_where_another_loop_is_dead():
    """It looks unused; but its loops may be as dead as the other, and its flow is then assumed rather than none."""
    estimator, loops, state = four_lanes((*SILENT, "left.through.advance"), int(UNPROVEN_S) + 120)
    assert "stuck off" in estimator.reason(loops["left.through.advance"])
    assert all("unproven" in estimator.reason(loops[name]) for name in SILENT)
    assert estimator.believed.sum() == len(loops) - 3
    column = [g.id for g in protected_left().lane_groups].index("left.left")
    assert state.known[0, column] == Known.ASSUMED
    assert state.arrival_flow_veh_per_h[0, column] > 100.0


@pytest.mark.parametrize(
    ("dead", "seconds"), [(SILENT, 2 * int(UNPROVEN_S)), ((*SILENT, "left.through.advance"), int(UNPROVEN_S) - 60)]
)
def test_it_is_taken_for_unused_where_all_others_work_and_for_ten_minutes(dead: tuple[str, ...], seconds: int):
    estimator, loops, _ = four_lanes(dead, seconds)
    assert all(estimator.believed[loops[name]] for name in SILENT)


def test_a_loop_whose_lane_mate_tells_is_judged_by_that_one():
    """Of a lane that few use one loop counts and the other does not: there is no need to guess, and no proof yet."""
    dead = ("left.left.advance", "left.through.advance")
    estimator, loops, _ = four_lanes(dead, int(UNPROVEN_S) + 120, rare="left.left.")
    assert not estimator.believed[loops["left.through.advance"]]
    assert estimator.believed[loops["left.left.advance"]]
