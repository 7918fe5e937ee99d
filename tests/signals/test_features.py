"""What a policy sees: the same numbers for every stage, whatever it serves and wherever it stands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from signals.controllers.adaptive import Adaptive, AdaptiveSettings
from signals.errors import ConfigError
from signals.features import FEATURES, LIMIT, Encoder
from signals.layout import Layout, layout
from signals.values import TRANSITION
from tests.signals.fakes import crossing, protected_left
from tests.signals.states import calm, waiting

NAMES = list(FEATURES)
BOTH = layout([crossing(), protected_left()])


def rule(of: Layout) -> Adaptive:
    return Adaptive(of, AdaptiveSettings())


def seen(encoded: np.ndarray, feature: str) -> list[list[float]]:
    return encoded[..., NAMES.index(feature)].round(6).tolist()


def test_a_junction_looks_the_same_beside_a_larger_one():
    """Padding changes nothing, so one batch may hold any junctions."""
    alone = layout([crossing()])
    own = Encoder(alone, rule(alone)).encode(waiting(alone, [[5, 2]]))
    beside = Encoder(BOTH, rule(BOTH)).encode(waiting(BOTH, [[5, 2], [9, 9, 9, 9]]))
    np.testing.assert_allclose(beside[0, :2], own[0])
    assert (beside[0, 2:] == 0).all()


def test_a_stage_shows_what_it_serves_and_what_it_leaves():
    only = layout([crossing()])
    encoded = Encoder(only, rule(only)).encode(waiting(only, [[5, 2]]))
    assert seen(encoded, "queue") == [[0.5, 0.2]]
    assert seen(encoded, "queue_elsewhere") == [[0.2, 0.5]]
    assert seen(encoded, "calls") == [[1.0, 1.0]]


def test_a_change_of_stage_is_paid_for():
    """From equal queues the stage that stands lets out more than one that has yet to come."""
    only = layout([crossing()])
    encoded = Encoder(only, rule(only)).encode(waiting(only, [[8, 8]]))
    stays, changes = seen(encoded, "served_soon")[0]
    assert stays == pytest.approx(15 * 0.5 / 10)
    assert changes == pytest.approx((15 - 6 - 2) * 0.5 / 10)
    assert seen(encoded, "interstage") == [[0.0, 0.6]]


def test_the_stage_that_stands_is_marked_in_an_interstage_too():
    only = layout([crossing()])
    encoded = Encoder(only, rule(only)).encode(calm(only, stage=np.array([TRANSITION]), last_stage=np.array([1])))
    assert seen(encoded, "current") == [[0.0, 1.0]]
    assert seen(encoded, "in_transition") == [[1.0, 1.0]]


def test_an_exit_of_which_nothing_is_known_has_room():
    only = layout([crossing()])
    full = waiting(only, [[5, 5]], exit_room_veh=np.array([[np.inf, 3.0]]))
    assert seen(Encoder(only, rule(only)).encode(full), "least_room") == [[2.0, 0.3]]


def test_the_rule_s_wish_is_marked():
    """So that a policy starts from what `adaptive` does, and learns where to differ."""
    only = layout([crossing()])
    state = waiting(only, [[0, 9]])
    assert rule(only).decide(state).stage.tolist() == [1]
    assert seen(Encoder(only, rule(only)).encode(state), "rule") == [[0.0, 1.0]]


def test_features_come_in_the_order_asked_for():
    """A policy that was trained on some features, in some order, gets just these."""
    state = waiting(BOTH, [[5, 2], [1, 2, 3, 4]])
    whole = Encoder(BOTH, rule(BOTH)).encode(state)
    some = Encoder(BOTH, rule(BOTH), ("queue", "exists")).encode(state)
    np.testing.assert_array_equal(some, whole[..., [NAMES.index("queue"), NAMES.index("exists")]])


@given(arrays(float, (7, *BOTH.shape), elements=st.floats(0, 1e9)), st.integers(0, 2**32))
def test_whatever_is_believed_the_numbers_stay_in_bounds(values: np.ndarray, seed: int):
    """No queue, gap or wait, however long, takes a policy out of the range that it was trained in."""
    random = np.random.default_rng(seed)
    queue, red, gap, flow, occupancy, room, _ = values
    state = calm(
        BOTH,
        stage=np.array([random.integers(-1, 2), random.integers(-1, 4)]),
        last_stage=np.array([random.integers(2), random.integers(4)]),
        elapsed_green_s=values[6, :, 0],
        queue_veh=queue,
        red_s=red,
        gap_s=gap,
        arrival_flow_veh_per_h=flow,
        occupancy=occupancy,
        exit_room_veh=room,
        calls=random.random(BOTH.shape) < 0.5,
        blocked=random.random(BOTH.shape) < 0.5,
    )
    encoded = Encoder(BOTH, rule(BOTH)).encode(state)
    assert encoded.shape == (2, 4, len(FEATURES))
    assert ((encoded >= 0) & (encoded <= LIMIT)).all()


def test_an_unknown_feature_is_refused():
    with pytest.raises(ConfigError, match=r"^feature moon_phase: unknown, must be one of exists, .*$"):
        Encoder(BOTH, rule(BOTH), ("queue", "moon_phase"))


def test_a_feature_named_twice_is_refused():
    with pytest.raises(ConfigError, match="feature queue: named twice"):
        Encoder(BOTH, rule(BOTH), ("queue", "exists", "queue"))


def test_a_junction_that_nobody_watches_is_refused():
    """Without a loop every number would be a guess."""
    blind = layout([crossing().model_copy(update={"detectors": ()})])
    with pytest.raises(ConfigError, match="intersection crossing: 0 loops, a policy needs at least 1"):
        Encoder(blind, rule(blind))
