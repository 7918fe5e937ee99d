"""The action mask of trained policies: no shorter greens than in training, and no box left full."""

import numpy as np

from signals.controllers.choices import LONGEST_RED_S, Choices
from signals.layout import layout
from signals.values import TrafficState
from tests.signals.fakes import crossing, protected_left
from tests.signals.states import calm

BOTH = layout([crossing(), protected_left()])
LEFT_TURN = 1


def chosen_from(state: TrafficState, minimum_green_s: float = 8.0) -> list[str]:
    """The stages of each junction by letter."""
    eligible = Choices(BOTH, minimum_green_s).narrow(state).eligible
    return ["".join(np.array(list("ABCD"))[row]) for row in eligible]


def blocked_left() -> np.ndarray:
    blocked = np.zeros(BOTH.shape, bool)
    blocked[1, LEFT_TURN] = True
    return blocked


def test_after_the_minimum_green_everything_eligible_is_a_choice():
    assert chosen_from(calm(BOTH)) == ["AB", "ABCD"]


def test_greens_are_no_shorter_than_in_training():
    """Where the plant would take less, the longer one holds; where the plant wants more, that one."""
    assert chosen_from(calm(BOTH, elapsed_green_s=np.array([7.0, 7.0]))) == ["A", "A"]
    assert chosen_from(calm(BOTH, elapsed_green_s=np.array([7.0, 7.0])), minimum_green_s=0.0) == ["AB", "ABCD"]
    assert chosen_from(calm(BOTH, elapsed_green_s=np.array([4.0, 4.0])), minimum_green_s=0.0) == ["A", "A"]


def test_who_turns_in_gaps_and_stands_is_cleared_first():
    """From A, where the left turn yields, only to B and D, which protect it, or to stay."""
    assert chosen_from(calm(BOTH, blocked=blocked_left())) == ["AB", "ABD"]


def test_a_stage_that_clears_is_over_as_soon_as_it_has():
    stands = calm(BOTH, last_stage=np.array([0, 1]), stage=np.array([0, 1]), elapsed_green_s=np.array([6.0, 6.0]))
    assert chosen_from(stands) == ["A", "ABCD"]


def test_who_is_protected_already_needs_no_clearing():
    stands = calm(BOTH, last_stage=np.array([0, 1]), stage=np.array([0, 1]), blocked=blocked_left())
    assert chosen_from(stands) == ["AB", "ABCD"]


def test_nothing_becomes_eligible_that_was_not():
    eligible = np.array([[True, False, False, False], [True, True, False, False]])
    assert chosen_from(calm(BOTH, eligible=eligible)) == ["A", "AB"]
    assert chosen_from(calm(BOTH, eligible=np.zeros((2, 4), bool))) == ["", ""]


def test_whoever_has_waited_too_long_goes_next():
    """Only stages that give all of it green are left; within the minimum green, the one that stands."""
    red_s = np.zeros(BOTH.shape)
    red_s[1, LEFT_TURN], red_s[0, 1] = LONGEST_RED_S + 1, LONGEST_RED_S - 1
    serving = "".join(np.array(list("ABCD"))[BOTH.full_green[1, :, LEFT_TURN]])
    assert 0 < len(serving) < 4
    calls = red_s > 0
    assert chosen_from(calm(BOTH, red_s=red_s, calls=calls, stage=np.array([0, 2]), last_stage=np.array([0, 2]))) == [
        "AB",
        serving,
    ]
    young = calm(BOTH, red_s=red_s, stage=np.array([0, 2]), last_stage=np.array([0, 2]), elapsed_green_s=np.ones(2))
    assert chosen_from(young) == ["A", "C"]
