"""Who has left the junction upstream is on his way, by Robertson's formula; who is not known of comes as usual."""

import numpy as np
import pytest

from signals.flow import FlowEstimator
from signals.layout import layout
from signals.platoons import ALPHA, BETA, EVERY_S, Platoons
from signals.values import Floats, NeighbourMessage
from tests.signals.fakes import crossing
from tests.signals.streets import (
    FIRST_MAIN,
    FIRST_SIDE,
    ROW,
    SECOND_MAIN,
    SECOND_SIDE,
    TRAVEL_S,
    advance_loop,
    read,
    stop_loop,
)

FREE_S = 40.0 / 13.9
USUAL_WAIT_S, LEARN_EVERY_S = 20.0, 30.0


def steady(platoons: Platoons, veh_per_s: float, until_s: float, begin_s: float = 0.0, out_veh: float = 0.0) -> float:
    """The first junction's main street discharges evenly, with as many waiting as ever; what has left at the end."""
    for now_s in np.arange(begin_s, until_s + 1e-9, EVERY_S):
        if now_s > begin_s:
            out_veh += veh_per_s * EVERY_S
        platoons.remember(float(now_s), left(out_veh), left(veh_per_s * USUAL_WAIT_S), None)
        if now_s % LEARN_EVERY_S == 0:
            platoons.learn(float(now_s))
    return out_veh


def left(veh: float) -> Floats:
    found = np.zeros(ROW.shape)
    found[FIRST_MAIN] = veh
    return found


def flow(veh_per_s: float) -> Floats:
    found = np.zeros(ROW.shape)
    found[SECOND_MAIN] = veh_per_s * 3600.0
    return found


def test_an_even_stream_arrives_as_evenly_as_it_left():
    """What comes within 60 s is the stream's flow times the seconds in which he who passes the loop still makes it."""
    platoons = Platoons(ROW)
    steady(platoons, 0.2, 900.0)
    coming = platoons.coming_veh(900.0, 60.0, flow(0.2))
    assert coming[SECOND_MAIN] == pytest.approx(0.2 * (60.0 - FREE_S), rel=0.02)
    assert coming[SECOND_SIDE] == 0.0
    assert coming[FIRST_MAIN] == 0.0


def recursion(within_s: int) -> float:
    """The share of a pulse that has arrived by then, by Robertson's own recursion, second by second."""
    shift_s, factor = BETA * TRAVEL_S, 1.0 / (1.0 + ALPHA * BETA * TRAVEL_S)
    arrived, flowing = 0.0, 0.0
    for second in range(1, within_s + 1):
        leaves = 1.0 if second == round(shift_s) + 1 else 0.0
        flowing = factor * leaves + (1.0 - factor) * flowing
        arrived += flowing
    return arrived


@pytest.mark.parametrize("within_s", [15, 30, 45, 60])
def test_a_platoon_is_dispersed_as_robertson_has_it(within_s: int):
    """Beyond what the even stream alone would bring, a pulse comes by the recursion of the formula."""
    even, with_pulse = Platoons(ROW), Platoons(ROW)
    for platoons, pulse_veh in ((even, 0.0), (with_pulse, 10.0)):
        out_veh = steady(platoons, 0.2, 900.0)
        platoons.remember(900.0 + EVERY_S, left(out_veh + pulse_veh), left(0.2 * USUAL_WAIT_S), None)
    now_s = 900.0 + EVERY_S
    arriving = [p.coming_veh(now_s, float(within_s), flow(0.2))[SECOND_MAIN] for p in (even, with_pulse)]
    assert arriving[1] - arriving[0] == pytest.approx(10.0 * recursion(within_s), abs=0.25, rel=0.15)


def test_a_gap_upstream_is_a_gap_here():
    """Nobody has left for a minute: for the next half minute nobody comes."""
    platoons = Platoons(ROW)
    out_veh = steady(platoons, 0.2, 900.0)
    steady(platoons, 0.0, 990.0, 900.0, out_veh)
    assert platoons.coming_veh(990.0, 20.0, flow(0.2))[SECOND_MAIN] < 0.6  # 3.4 by the flow
    assert platoons.coming_veh(990.0, 60.0, flow(0.2))[SECOND_MAIN] > 3.0


def test_a_longer_queue_upstream_lets_expect_more():
    """Ten more who wait there than usual."""
    coming = []
    for queue_veh in (0.2 * USUAL_WAIT_S, 0.2 * USUAL_WAIT_S + 10.0):
        platoons = Platoons(ROW)
        out_veh = steady(platoons, 0.2, 897.0)
        platoons.remember(900.0, left(out_veh + 0.2 * EVERY_S), left(queue_veh), None)
        coming.append(platoons.coming_veh(900.0, 60.0, flow(0.2))[SECOND_MAIN])
    assert 1.0 < coming[1] - coming[0] < 5.0


def test_only_the_part_that_turns_here_is_expected_here():
    """Half of what leaves upstream goes elsewhere, as the lane group's own flow tells."""
    platoons = Platoons(ROW)
    steady(platoons, 0.2, 900.0)
    coming = platoons.coming_veh(900.0, 60.0, flow(0.1))
    assert coming[SECOND_MAIN] == pytest.approx(0.1 * (60.0 - FREE_S), rel=0.02)


def test_who_comes_from_nowhere_known_comes_evenly():
    """A car park between the junctions brings more than leaves upstream: the rest is the flow's, evenly."""
    platoons = Platoons(ROW)
    steady(platoons, 0.1, 900.0)
    coming = platoons.coming_veh(900.0, 60.0, flow(0.3))
    assert coming[SECOND_MAIN] == pytest.approx(0.3 * (60.0 - FREE_S), rel=0.02)


def test_without_neighbours_the_flow_is_all_that_is_known():
    alone = layout([crossing()])
    platoons = Platoons(alone)
    coming = platoons.coming_veh(100.0, 60.0, np.full(alone.shape, 360.0))
    assert coming[0, 0] == pytest.approx(0.1 * (60.0 - FREE_S))


def message(time_s: float, discharge_veh_per_h: Floats) -> NeighbourMessage:
    return NeighbourMessage(time_s, discharge_veh_per_h, left(0.2 * USUAL_WAIT_S), np.full(ROW.shape, 50.0))


def with_messages(platoon_at_s: float, told: bool = True, stale: bool = False) -> FlowEstimator:
    """900 s of 720 veh/h at the second junction's loops, as its neighbour says, with a platoon at a time."""
    estimator, advance, stop = FlowEstimator(ROW), advance_loop(ROW, SECOND_MAIN), stop_loop(ROW, SECOND_MAIN)
    for second in range(1, 901):
        passing = (advance, stop) if second % 5 == 0 else ()
        discharge = np.zeros(ROW.shape)
        discharge[FIRST_MAIN] = 3600.0 if second >= platoon_at_s else 720.0
        heard = message(second - 100.0 if stale else float(second), discharge if told else discharge * np.nan)
        estimator.update(read(ROW, float(second), passing, passing), heard)
    return estimator


def expected_veh(estimator: FlowEstimator) -> float:
    return float(estimator.outlook().expected_veh_60s.value[SECOND_MAIN])


def test_a_platoon_is_known_before_it_meets_the_advance_loop():
    """A neighbour that has let out one a second for 15 s: they are expected, though no loop here has seen them."""
    even, platoon = expected_veh(with_messages(1000.0)), expected_veh(with_messages(885.0))
    assert even == pytest.approx(12.0, abs=1.5)
    assert platoon - even == pytest.approx(15 * 0.8, abs=3.0)


@pytest.mark.parametrize("how", [{"told": False}, {"stale": True}])
def test_a_missing_or_stale_message_means_the_flow_alone(how: dict[str, bool]):
    """The platoon is there as above, but nobody was told, or long ago."""
    assert expected_veh(with_messages(885.0, **how)) == pytest.approx(720.0 / 60.0, abs=1.0)


def test_within_one_layout_nobody_has_to_be_told():
    """The first junction's stop-line loop says as much as a message would, and its message says what the loop did."""
    estimators = {}
    for side in (FIRST_MAIN, FIRST_SIDE):
        estimator, out = FlowEstimator(ROW), stop_loop(ROW, side)
        at_second = advance_loop(ROW, SECOND_MAIN), stop_loop(ROW, SECOND_MAIN)
        for second in range(1, 901):
            passing = at_second if second % 5 == 0 else ()
            counted = (*passing, out) if second % 5 == 0 or second >= 885 else passing
            estimator.update(read(ROW, float(second), counted, counted))
        estimators[side] = estimator
        assert expected_veh(estimator) > 18.0  # 12 by the flow
    assert estimators[FIRST_MAIN].publish().discharge_veh_per_h[FIRST_MAIN] == pytest.approx(3600.0)
    assert estimators[FIRST_MAIN].publish().discharge_veh_per_h[FIRST_SIDE] == 0.0
