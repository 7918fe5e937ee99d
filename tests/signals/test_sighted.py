"""A junction without a believed loop is left to its own plan, and taken back when loops have been believed for long."""

import numpy as np
import pytest

from signals.controllers import build
from signals.controllers.max_pressure import MaxPressure, MaxPressureSettings
from signals.controllers.sighted import HOLD_OFF_S, Sighted
from signals.layout import layout
from signals.plans import PlanFile
from signals.values import Decision, Known, Mode, TrafficState
from tests.signals.fakes import crossing, junction
from tests.signals.states import waiting

TWO = layout([crossing("first"), crossing("second")])
NO_PLANS = PlanFile.model_construct(plan=())
SEEN = np.full(TWO.shape, Known.MEASURED, np.int8)
HALF_BLIND = np.array([[Known.ASSUMED, Known.ASSUMED], [Known.ASSUMED, Known.INFERRED]], np.int8)


def state(known: np.ndarray, time_s: float = 1000.0) -> TrafficState:
    """Six wait at the red of both junctions."""
    return waiting(TWO, [[0.0, 6.0], [0.0, 6.0]], known=known, time_s=time_s)


def sighted() -> Sighted:
    return Sighted(TWO, MaxPressure(TWO, MaxPressureSettings()))


def modes(decision: Decision) -> list[int]:
    return [int(mode) for mode in decision.mode]


def test_who_sees_decides_as_the_controller_does():
    """Nothing is changed, and nothing is worked out, while some loop of every junction is believed."""
    decision, plain = sighted().decide(state(SEEN)), MaxPressure(TWO, MaxPressureSettings()).decide(state(SEEN))
    assert modes(decision) == [Mode.GO, Mode.GO]
    assert decision.wording is plain.wording
    assert [decision.reason(k) for k in range(2)] == [plain.reason(k) for k in range(2)]


def test_a_junction_without_a_believed_loop_is_released_and_says_why():
    """The other, with one lane group that is inferred, is not."""
    decision = sighted().decide(state(HALF_BLIND))
    assert modes(decision) == [Mode.RELEASE, Mode.GO]
    assert decision.reason(0) == "no loop is believed: own plan"
    assert "would serve more" in decision.reason(1)


def test_it_is_taken_back_only_after_a_minute_of_belief():
    """A loop that is believed again and lost again starts the minute anew."""
    control, seen, again = sighted(), SEEN.copy(), SEEN.copy()
    control.decide(state(HALF_BLIND, 1000.0))
    assert control.decide(state(seen, 1010.0)).reason(0) == "loops are believed again: own plan for 0 s so far"
    control.decide(state(HALF_BLIND, 1010.0 + HOLD_OFF_S - 1))
    for since_s, mode in ((0.0, Mode.RELEASE), (HOLD_OFF_S - 1, Mode.RELEASE), (HOLD_OFF_S, Mode.GO)):
        assert modes(control.decide(state(again, 1100.0 + since_s))) == [mode, Mode.GO]


def test_a_clock_that_steps_back_holds_nobody_off():
    """The minute is not waited for until yesterday is over."""
    control = sighted()
    control.decide(state(HALF_BLIND, 90_000.0))
    control.decide(state(SEEN, 90_001.0))
    assert modes(control.decide(state(SEEN, 10.0))) == [Mode.GO, Mode.GO]


def test_a_junction_that_never_had_a_loop_is_not_blind():
    """There is nothing to be believed of it: who controls it steers by buttons and recalls."""
    bare = crossing("bare").model_copy(update={"detectors": ()})
    of = layout([bare])
    control = Sighted(of, MaxPressure(of, MaxPressureSettings()))
    known = np.full(of.shape, Known.ASSUMED, np.int8)
    assert modes(control.decide(waiting(of, [[0.0, 6.0]], known=known))) == [Mode.GO]


@pytest.mark.parametrize("name", ["max-pressure", "actuated"])
def test_every_adaptive_controller_is_built_so(name: str):
    assert modes(build(name, TWO, NO_PLANS).decide(state(HALF_BLIND)))[0] == Mode.RELEASE


def test_crossings_do_not_make_a_blind_junction_see():
    """A lane group without loops, padding included, is assumed at all times."""
    wide = junction(
        "wide", {"a": (5.0, 3.0, 1.0), "b": (5.0, 3.0, 1.0), "c": (5.0, 3.0, 1.0)}, {"A": "Grr", "B": "rGG"}, {}
    )
    of = layout([wide, crossing()])
    known = np.full(of.shape, Known.ASSUMED, np.int8)
    known[0, 0] = Known.MEASURED
    control = Sighted(of, MaxPressure(of, MaxPressureSettings()))
    assert modes(control.decide(waiting(of, [[0.0, 6.0], [0.0, 6.0]], known=known))) == [Mode.GO, Mode.RELEASE]
