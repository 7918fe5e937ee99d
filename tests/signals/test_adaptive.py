"""What `adaptive` adds to the worthiest stage: gaps, short lanes, and who turns in gaps; by hand."""

import numpy as np
import pytest

from signals.controllers.adaptive import Adaptive, AdaptiveSettings
from signals.intersection import Intersection
from signals.layout import Layout, layout
from tests.signals.fakes import crossing, junction, protected_left
from tests.signals.states import waiting

CROSSING = layout([crossing()])
LEFT = layout([protected_left()])
A, B, C = range(3)
GONE_S = 60.0


def adaptive(of: Layout = CROSSING, **settings: float) -> Adaptive:
    return Adaptive(of, AdaptiveSettings(**settings))


def opposing_lefts() -> Intersection:
    """Two left turns that yield to each other's street in A, are protected in B, and a side street in C."""
    return junction(
        "lefts",
        heads={"east": (5.0, 4.0, 2.0), "west": (5.0, 4.0, 2.0), "side": (5.0, 3.0, 1.5)},
        stages={"A": "ggr", "B": "GGr", "C": "rrG"},
        conflicts={("east", "side"): (), ("west", "side"): ()},
    )


def short_lanes(metres: float) -> Layout:
    """The crossing with a side street of so many metres."""
    whole = crossing()
    main, side = whole.lane_groups
    return layout([whole.model_copy(update={"lane_groups": (main, side.model_copy(update={"length_m": metres}))})])


@pytest.mark.parametrize(("gap_s", "stage"), [(3.0, A), (3.1, B)])
def test_a_gap_ends_the_green_and_vehicles_that_keep_coming_hold_it(gap_s: float, stage: int):
    """Worth a change in a gap, not while those who are served keep coming."""
    state = waiting(CROSSING, [[1.5, 4.0]], gap_s=np.array([[gap_s, GONE_S]]))
    assert adaptive().decide(state).stage[0] == stage


def test_even_without_a_gap_much_more_is_served_first():
    state = waiting(CROSSING, [[1.0, 12.0]], gap_s=np.array([[0.0, GONE_S]]))
    decision = adaptive().decide(state)
    assert decision.stage[0] == B
    assert "would serve more" in decision.reason(0)


def test_greens_do_not_shorten_as_all_queues_grow():
    """Twenty against ten is as good a reason to stay as six against three."""
    for queues in ([3.0, 6.0], [10.0, 20.0], [20.0, 40.0]):
        state = waiting(CROSSING, [queues], gap_s=np.array([[0.0, GONE_S]]))
        assert adaptive(hysteresis=5.0).decide(state).stage[0] == A


@pytest.mark.parametrize(("fans", "stage"), [(False, A), (True, B)])
def test_a_green_is_left_for_less_where_an_approach_fans_out(fans: bool, stage: int):
    """Once those in the short lanes are gone, the lanes behind bring fewer than the green could serve."""
    whole = crossing()
    groups = tuple(g.id for g in whole.lane_groups)
    loops = [d.model_copy(update={"lane_groups": groups}) if d.kind == "advance" else d for d in whole.detectors]
    of = layout([whole.model_copy(update={"detectors": tuple(loops)})]) if fans else CROSSING
    state = waiting(of, [[5.0, 9.0]], gap_s=np.array([[0.0, GONE_S]]))
    assert adaptive(of, hysteresis=5.0, fan_hysteresis=1.0).decide(state).stage[0] == stage


@pytest.mark.parametrize(("metres", "stage"), [(20.0, B), (200.0, A)])
def test_a_full_short_lane_waits_less(metres: float, stage: int):
    """Two vehicles fill a lane of 20 m: whoever else is to use it, for whatever turn, stands behind them."""
    street = short_lanes(metres)
    state = waiting(
        street,
        [[9.0, 2.0]],
        gap_s=np.array([[0.0, GONE_S]]),
        red_s=np.array([[0.0, 46.0]]),
        arrival_flow_veh_per_h=np.array([[900.0, 60.0]]),
    )
    assert adaptive(street, short_lane_red_s=45.0).decide(state).stage[0] == stage


def test_behind_a_full_short_lane_its_whole_approach_is_taken_to_wait():
    """Five have come in the minute since it turned red, and cannot be seen: worth a change that two are not."""
    stages = []
    for metres in (200.0, 20.0):
        street = short_lanes(metres)
        state = waiting(
            street,
            [[2.0, 2.0]],
            gap_s=np.array([[4.0, GONE_S]]),
            red_s=np.array([[0.0, 60.0]]),
            arrival_flow_veh_per_h=np.array([[0.0, 300.0]]),
        )
        stages.append(int(adaptive(street, short_lane_red_s=240.0).decide(state).stage[0]))
    assert stages == [A, B]


@pytest.mark.parametrize(
    ("turning", "metres", "sneaking_s", "stage"),
    [(2.0, 200.0, 6.0, C), (3.0, 200.0, 6.0, B), (2.0, 20.0, 6.0, B), (2.0, 200.0, 6.5, B)],
)
def test_a_long_interstage_lets_a_few_turn(turning: float, metres: float, sneaking_s: float, stage: int):
    """Six seconds are enough for two, not for three, nor where a stub may hold up who leaves."""
    groups = protected_left().lane_groups
    last = groups[-1].model_copy(update={"length_m": metres})
    of = layout([protected_left().model_copy(update={"lane_groups": (*groups[:-1], last)})])
    state = waiting(of, [[0.0, turning, 20.0, 0.0]], red_s=np.array([[0.0, 0.0, 50.0, 0.0]]))
    assert adaptive(of, sneaking_s=sneaking_s).decide(state).stage[0] == stage


@pytest.mark.parametrize(
    ("green_s", "blocked", "red_s", "stage"),
    [
        (20.0, False, 50.0, C),  # opposing traffic has had its queue, and he moves: he leaves in the interstage
        (19.0, False, 50.0, A),  # his gap is still to come
        (19.0, False, 150.0, B),  # whoever waits for the maximum red does not wait for it
        (20.0, True, 50.0, B),  # somebody in the junction holds him up
    ],
)
def test_who_turns_in_gaps_has_them_before_the_interstage_is_left_to_him(
    green_s: float, blocked: bool, red_s: float, stage: int
):
    """Else he is shown his protected green first."""
    state = waiting(
        LEFT,
        [[0.0, 2.0, 20.0, 0.0]],
        elapsed_green_s=np.array([green_s]),
        blocked=np.array([[False, blocked, False, False]]),
        red_s=np.array([[0.0, 0.0, red_s, 0.0]]),
    )
    decision = adaptive(LEFT, sneaking_s=6.0, sneaking_green_s=20.0).decide(state)
    assert decision.stage[0] == stage
    assert (stage == A) == ("has time" in decision.reason(0))


@pytest.mark.parametrize(("turning", "stage"), [([2.0, 0.0], C), ([1.0, 1.0], B)])
def test_the_interstage_is_left_to_one_lane_alone(turning: list[float], stage: int):
    """Two that turn against each other may each hold up the other."""
    of = layout([opposing_lefts()])
    state = waiting(of, [[*turning, 20.0]], red_s=np.array([[0.0, 0.0, 50.0]]))
    assert adaptive(of, sneaking_s=6.0).decide(state).stage[0] == stage


@pytest.mark.parametrize(("metres", "gap_s", "stage"), [(20.0, 4.5, A), (20.0, 5.5, B), (200.0, 4.5, B)])
def test_a_stub_that_fills_from_behind_keeps_its_green_though_it_is_empty_now(metres: float, gap_s: float, stage: int):
    """Nobody calls while the next one is on his way through the junction before it."""
    main, side = crossing().lane_groups
    of = layout([crossing().model_copy(update={"lane_groups": (main.model_copy(update={"length_m": metres}), side)})])
    state = waiting(
        of,
        [[0.0, 2.0]],
        gap_s=np.array([[gap_s, GONE_S]]),
        arrival_flow_veh_per_h=np.array([[600.0, 0.0]]),
    )
    assert adaptive(of).decide(state).stage[0] == stage


@pytest.mark.parametrize(
    ("metres", "seen", "green_s", "stage"),
    [(20.0, False, 11.0, A), (20.0, False, 12.0, B), (20.0, True, 11.0, B), (200.0, False, 11.0, B)],
)
def test_a_stub_that_fills_from_where_no_loop_looks_has_time_to(metres: float, seen: bool, green_s: float, stage: int):
    """Who comes out of a yield is let in once the others have gone, whatever the gap until then."""
    whole = crossing()
    main, side = whole.lane_groups
    loops = tuple(d for d in whole.detectors if seen or d.kind == "stop_line" or main.id not in d.lane_groups)
    groups = (main.model_copy(update={"length_m": metres}), side)
    of = layout([whole.model_copy(update={"lane_groups": groups, "detectors": loops})])
    state = waiting(of, [[0.0, 2.0]], elapsed_green_s=np.array([green_s]))
    assert adaptive(of).decide(state).stage[0] == stage
