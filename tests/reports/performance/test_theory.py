"""Signal performance measures against figures by hand."""

import numpy as np
import pytest

from reports.performance.actuations import Actuations, Detector, detector, either
from reports.performance.phase_cycles import FORCE_OFF, GAP_OUT, NEVER, PhaseCycles, phase_cycles


def times(*seconds: float) -> np.ndarray:
    return np.array([round(1000 * each) for each in seconds], np.int64)


def seen(ons: list[float], offs: list[float], start: float = 0.0, end: float = 100.0) -> Detector:
    return detector(times(*ons), times(*offs), round(1000 * start), round(1000 * end))


def spans(found: Actuations) -> list[tuple[float, float]]:
    return [(b / 1000, e / 1000) for b, e in zip(found.begin_ms.tolist(), found.end_ms.tolist(), strict=True)]


def cycles(events: dict[int, list[float]], start: float = 0.0) -> PhaseCycles:
    return phase_cycles(lambda code: times(*events.get(code, [])), round(1000 * start))


@pytest.mark.parametrize(
    ("ons", "offs", "covered", "lost"),
    [
        ([10, 20], [12, 25], [(10, 12), (20, 25)], (0, 0)),
        ([10, 11.5], [12], [(10, 11.5), (11.5, 12)], (0, 1)),
        ([10, 20], [22], [(10, 15), (20, 22)], (0, 1)),
        ([10], [12, 20], [(10, 12), (16, 20)], (1, 0)),
        ([20], [12, 25], [(0, 12), (20, 25)], (0, 0)),
        ([10, 90], [12], [(10, 12), (90, 100)], (0, 0)),
    ],
    ids=["whole", "off lost, close", "off lost, halfway", "on lost, halfway", "covered before", "covered after"],
)
def test_lost_edges_are_put_back_and_counted(ons, offs, covered, lost):
    found = seen(ons, offs)
    assert spans(found.covered) == covered
    assert (len(found.lost_on_ms), len(found.lost_off_ms)) == lost
    assert found.on_ms.tolist() == times(*ons).tolist()


def test_covered_time_is_summed_exactly():
    found = seen([10, 20], [12, 25]).covered
    assert (found.covered_ms(times(0, 10, 11, 15, 22, 30)) / 1000).tolist() == [0, 0, 1, 2, 4, 7]
    nothing = Actuations(times(), times())
    assert nothing.covered_ms(times(5, 6)).tolist() == [0, 0]


def test_several_loops_are_covered_when_any_is():
    merged = either([seen([10, 20], [15, 25]).covered, seen([12, 30], [18, 31]).covered])
    assert spans(merged) == [(10, 18), (20, 25), (30, 31)]


WHOLE: dict[int, list[float]] = {
    1: [10, 70],
    4: [39.9],
    7: [40],
    8: [40, 90],
    9: [43, 93],
    10: [43, 93],
    11: [45, 95],
    6: [90],
}


def test_a_cycle_is_told_from_its_events():
    found = cycles(WHOLE)
    assert found.begin_ms.tolist() == times(0, 10, 70).tolist()
    assert found.green_end_ms[1:].tolist() == times(40, 90).tolist()
    assert found.red_ms[1:].tolist() == times(43, 93).tolist()
    assert found.clear_ms[1:].tolist() == times(45, 95).tolist()
    assert found.ended_by[1:].tolist() == [GAP_OUT, FORCE_OFF]


@pytest.mark.parametrize(
    ("before", "at", "state"),
    [
        ({8: [5], 10: [8]}, 3, 0),
        ({8: [5], 10: [8]}, 6, 1),
        ({8: [5], 10: [8]}, 9, 2),
        ({9: [5], 10: [5]}, 3, 1),
        ({11: [5]}, 3, 2),
        ({}, 3, 2),
    ],
    ids=["green", "yellow", "red", "yellow at first", "clearance at first", "nothing"],
)
def test_the_first_event_says_what_was_shown_before(before, at, state):
    """A log that begins with yellow begins in green."""
    events = {code: sorted([*WHOLE.get(code, []), *before.get(code, [])]) for code in {*WHOLE, *before}}
    assert cycles(events).state(times(at)).tolist() == [state]


@pytest.mark.parametrize(
    ("lost", "green_end", "red"),
    [((8,), 40, 43), ((7, 8), 43, 43), ((10,), 40, 43), ((9, 10), 40, 45), ((7, 8, 9, 10, 11), None, None)],
)
def test_lost_phase_events_are_replaced_by_the_next_that_says_the_same(lost, green_end, red):
    events = {code: [each for each in when if code not in lost or each > 60] for code, when in WHOLE.items()}
    found = cycles(events)
    assert found.green_end_ms[1] == (NEVER if green_end is None else round(1000 * green_end))
    assert found.red_ms[1] == (NEVER if red is None else round(1000 * red))
    assert bool(found.said_yellow[1]) == (8 not in lost)


def test_what_is_shown_changes_exactly_at_the_event():
    """At the very begin of green it is green, at the very begin of yellow it is not."""
    assert cycles(WHOLE).state(times(9.999, 10, 39.999, 40, 42.999, 43, 69.999, 70)).tolist() == [
        2,
        0,
        0,
        1,
        1,
        2,
        2,
        0,
    ]
