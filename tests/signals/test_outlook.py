"""The slow quantities say what they are, how uncertain, and how they are known."""

from dataclasses import replace

import numpy as np
import pytest

from signals.flow import FlowEstimator
from signals.layout import VEHICLE_SPACE_M
from signals.values import TRANSITION, Known, Outlook, Snapshot
from tests.signals.streets import ROW, SECOND_MAIN, SECOND_SIDE, advance_loop, read, stop_loop
from tests.signals.test_flow import ADVANCE, CROSSING, LOOPS, STOP, Feed, arrive

SIDE = 0, 1


def looked(every_s: int, seconds: int, healthy: bool = True) -> Outlook:
    """The main street has a vehicle every so many seconds, over both loops."""
    estimator, loops = FlowEstimator(ROW), (advance_loop(ROW, SECOND_MAIN), stop_loop(ROW, SECOND_MAIN))
    all_healthy = np.full(len(ROW.loops), True)
    all_healthy[list(loops)] = healthy
    for second in range(1, seconds + 1):
        passing = loops if second % every_s == 0 else ()
        snapshot = read(ROW, float(second), passing, passing)
        estimator.update(snapshot._replace(healthy=all_healthy))
    return estimator.outlook()


def test_nothing_is_told_before_anything_is_seen():
    with pytest.raises(RuntimeError, match="before update"):
        FlowEstimator(CROSSING).outlook()
    with pytest.raises(RuntimeError, match="before update"):
        FlowEstimator(CROSSING).publish()


@pytest.mark.parametrize(("every_s", "counted"), [(4, 150), (10, 60)])
def test_a_flow_is_as_uncertain_as_the_vehicles_counted_are_few(every_s: int, counted: int):
    """Poisson: one part in the root of the number that its time constant holds."""
    flow = looked(every_s, 3000).arrival_flow_veh_per_h
    assert flow.value[SECOND_MAIN] == pytest.approx(3600 / every_s, rel=0.1)
    assert flow.sd[SECOND_MAIN] / flow.value[SECOND_MAIN] == pytest.approx(counted**-0.5, rel=0.1)
    assert flow.known[SECOND_MAIN] == Known.MEASURED


def test_a_young_flow_is_less_certain():
    """A minute old, it is known worse than twenty minutes old, though no vehicle came otherwise."""
    relative = [
        flow.sd[SECOND_MAIN] / flow.value[SECOND_MAIN]
        for flow in (looked(5, 60).arrival_flow_veh_per_h, looked(5, 1200).arrival_flow_veh_per_h)
    ]
    assert relative[0] > 1.2 * relative[1]


def test_what_no_loop_tells_is_assumed_and_uncertain():
    """Both loops of the main street are out of order."""
    told = looked(5, 600, healthy=False)
    assert told.arrival_flow_veh_per_h.known[SECOND_MAIN] == Known.ASSUMED
    assert told.expected_veh_60s.known[SECOND_MAIN] == Known.ASSUMED
    assert told.degree_of_saturation.known[SECOND_MAIN] == Known.ASSUMED
    assert told.turning_share.known[SECOND_MAIN] == Known.ASSUMED
    flow = told.arrival_flow_veh_per_h
    assert flow.sd[SECOND_MAIN] >= 0.5 * flow.value[SECOND_MAIN]


def test_a_flow_told_by_the_stop_line_alone_is_inferred():
    estimator = FlowEstimator(ROW)
    healthy = np.ones(len(ROW.loops), bool)
    healthy[advance_loop(ROW, SECOND_MAIN)] = False
    snapshots = (read(ROW, float(second)) for second in range(1, 10))
    for snapshot in snapshots:
        estimator.update(snapshot._replace(healthy=healthy))
    told = estimator.outlook()
    assert told.arrival_flow_veh_per_h.known[SECOND_MAIN] == Known.INFERRED
    assert told.queue_veh.known[SECOND_MAIN] == Known.INFERRED
    assert told.arrival_flow_veh_per_h.known[SECOND_SIDE] == Known.MEASURED


def test_a_forecast_is_never_measured():
    """At best it is inferred, and it is no more certain than Poisson arrivals let it be."""
    told = looked(5, 900).expected_veh_60s
    assert told.value[SECOND_MAIN] == pytest.approx(12.0, abs=1.5)
    assert told.sd[SECOND_MAIN] > 3.0
    assert told.known[SECOND_MAIN] == Known.INFERRED


def test_a_queue_has_a_length_and_drifts_with_who_comes():
    """Four stand on one lane: 30 m; with each who came since the line was free it is less certain."""
    feed = Feed(stage=1)
    arrive(feed, 4)
    for _ in range(8):
        feed.second((STOP,))
    told = feed.estimator.outlook()
    assert told.queue_m.value[0, 0] == pytest.approx(4 * VEHICLE_SPACE_M)
    assert told.queue_m.sd[0, 0] == pytest.approx(told.queue_veh.sd[0, 0] * VEHICLE_SPACE_M)
    assert 0.5 < told.queue_veh.sd[0, 0] < 0.8
    assert told.queue_veh.sd[SIDE] == pytest.approx(0.5)
    for _ in range(120):
        feed.second((STOP, ADVANCE))
    assert feed.estimator.outlook().queue_veh.sd[0, 0] > 4.0  # its end is out of sight


def test_the_degree_of_saturation_is_flow_over_capacity():
    """600 veh/h, 30 s of green in 60 with 2 s lost and 2 s gained, 1,800 veh/h: two thirds."""
    feed = Feed(stage=0)
    for second in range(3600):
        at = second % 60
        feed.stage = 0 if at < 30 else TRANSITION if at in (30, 31, 58, 59) else 1
        passing = (ADVANCE, STOP) if second % 6 == 0 else ()
        feed.second(passing, passing)
    degree = feed.estimator.outlook().degree_of_saturation
    assert degree.value[0, 0] == pytest.approx(600 / (1800 * 0.5), rel=0.08)
    assert 0.05 < degree.sd[0, 0] / degree.value[0, 0] < 0.3
    assert degree.known[0, 0] == Known.ASSUMED  # the saturation flow is


def test_a_flow_without_green_is_saturated_beyond_measure():
    feed = Feed(stage=1)
    for second in range(300):
        passing = (ADVANCE,) if second % 6 == 0 else ()
        feed.second(passing, passing)
    assert np.isinf(feed.estimator.outlook().degree_of_saturation.value[0, 0])


def test_turning_shares_are_parts_of_an_approach():
    """Two lane groups of one approach, one with a vehicle every 5 s, one every 15 s: three quarters and a quarter."""
    intersection = CROSSING.intersections[0]
    groups = tuple(group.model_copy(update={"approach": "same"}) for group in intersection.lane_groups)
    together = replace(CROSSING, intersections=(intersection.model_copy(update={"lane_groups": groups}),))
    feed = Feed(stage=0, estimator=FlowEstimator(together))
    main = ADVANCE, STOP
    side = tuple(k for k in LOOPS.values() if k not in main)
    for second in range(1800):
        passing = (main if second % 5 == 0 else ()) + (side if second % 15 == 0 else ())
        feed.second(passing, passing)
    share = feed.estimator.outlook().turning_share
    assert share.value[0].tolist() == pytest.approx([0.75, 0.25], abs=0.03)
    assert share.sd[0, 0] == pytest.approx(share.sd[0, 1])
    assert 0.02 < share.sd[0, 0] < 0.08
    assert share.known[0].tolist() == [Known.MEASURED, Known.MEASURED]


def test_looking_changes_nothing():
    """An estimator that is asked every second believes what one believes that never is."""
    asked, silent = FlowEstimator(ROW), FlowEstimator(ROW)
    loops = advance_loop(ROW, SECOND_MAIN), stop_loop(ROW, SECOND_MAIN)

    def snapshots() -> list[Snapshot]:
        return [read(ROW, float(s), loops if s % 3 == 0 else (), loops if s % 7 < 4 else ()) for s in range(1, 400)]

    for first, second in zip(snapshots(), snapshots(), strict=True):
        states = asked.update(first), silent.update(second)
        asked.outlook()
    for mine, other in zip(*states, strict=True):
        np.testing.assert_array_equal(mine, other)
