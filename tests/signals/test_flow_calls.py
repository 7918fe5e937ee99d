"""What the estimator makes of buttons: a latched call is a call, and without one there is none."""

from collections.abc import Iterator

import numpy as np
import pytest

from signals.flow import RECALL_S, FlowEstimator
from signals.intersection import Intersection
from signals.layout import Layout, layout
from signals.values import Snapshot, TrafficState
from tests.signals.fakes import crossing, junction

ON, OFF = (True, False), (False, False)
MAIN_GREEN, SIDE_GREEN = 0, 1


def walked(button: bool) -> Intersection:
    """The first street is one that persons cross: no loop watches it."""
    street = crossing()
    main, side = street.lane_groups
    loops = tuple(d for d in street.detectors if main.id not in d.lane_groups)
    lane_groups = (main.model_copy(update={"button": button, "exits": ()}), side)
    return street.model_copy(update={"lane_groups": lane_groups, "detectors": loops})


def states(built: Layout, *seconds: tuple[int, tuple[bool, bool]]) -> Iterator[TrafficState]:
    """What is believed, second by second, of stages that stand and calls that are latched."""
    estimator, loops = FlowEstimator(built), len(built.loops)
    for time_s, (stage, calls) in enumerate(seconds):
        nothing = np.zeros(loops)
        shown = built.stage_aspects[:, stage].astype(np.int8)
        yield estimator.update(
            Snapshot(
                float(time_s),
                nothing,
                nothing,
                nothing > 0,
                nothing == 0,
                np.array([stage]),
                shown,
                np.zeros(1, bool),
                np.array([calls]),
            )
        )


def test_a_latched_call_is_a_queue_of_one_that_waits_since_the_latch():
    """Not since its last green: nobody was there."""
    before, *_, last = list(states(layout([walked(True)]), *[(SIDE_GREEN, OFF)] * 50, *[(SIDE_GREEN, ON)] * 20))[49:]
    assert not before.calls.any()
    assert last.calls[0].tolist() == [True, False]
    assert last.queue_veh[0].tolist() == [1.0, 0.0]
    assert last.red_s[0, 0] == 20.0


def test_with_a_button_there_is_no_recall_however_long_the_red():
    """No time is given to a crossing where nobody walks."""
    found = list(states(layout([walked(True)]), *[(SIDE_GREEN, OFF)] * (3 * int(RECALL_S))))
    assert not any(state.calls[0, 0] for state in found)
    assert not any(state.red_s[0, 0] for state in found)


def test_without_a_button_the_crossing_is_on_recall():
    """It calls as soon as it is red, and has no queue to be told; its calls, if any came, say no more."""
    *_, last = states(layout([walked(False)]), *[(MAIN_GREEN, OFF)] * 5, *[(SIDE_GREEN, OFF)] * 5)
    assert last.calls[0, 0]
    assert last.queue_veh[0, 0] == 0.0


def test_an_answered_call_is_forgotten():
    """The plant takes it back when the head is green."""
    *_, last = states(layout([walked(True)]), *[(SIDE_GREEN, ON)] * 20, *[(MAIN_GREEN, OFF)] * 2, (SIDE_GREEN, OFF))
    assert not last.calls[0, 0]
    assert last.red_s[0, 0] == 0.0


def test_a_call_that_no_stage_can_answer_calls_nobody():
    """A head that is never green would else be rescued for ever."""
    heads = {"main": (7.0, 4.0, 2.0), "never": (5.0, 3.0, 1.0)}
    built = junction("dead", heads=heads, stages={"A": "Gr", "B": "gr"}, conflicts={})
    main, never = built.lane_groups
    loops = tuple(d for d in built.detectors if never.id not in d.lane_groups)
    for button in (True, False):
        lane_groups = (main, never.model_copy(update={"button": button}))
        changed = built.model_copy(update={"lane_groups": lane_groups, "detectors": loops})
        *_, last = states(layout([changed]), *[(MAIN_GREEN, (False, True))] * 120)
        assert not last.calls[0, 1]


@pytest.mark.parametrize("second", [ON, OFF])
def test_junctions_do_not_hear_each_others_buttons(second: tuple[bool, bool]):
    """Each row of heads is its own."""
    other = walked(True).model_copy(update={"id": "next"})
    built = layout([walked(True), other])
    heads, cells = built.button_head.tolist(), built.button_cell.tolist()
    assert (heads, cells) == ([0, 2], [0, 2])
    estimator, nothing = FlowEstimator(built), np.zeros(len(built.loops))
    traffic = estimator.update(
        Snapshot(
            0.0,
            nothing,
            nothing,
            nothing > 0,
            nothing == 0,
            np.array([SIDE_GREEN] * 2),
            built.stage_aspects[:, SIDE_GREEN].astype(np.int8),
            np.zeros(2, bool),
            np.array([OFF, second]),
        )
    )
    assert traffic.calls[:, 0].tolist() == [False, second[0]]
