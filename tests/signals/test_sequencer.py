"""What the interval machine promises: the sheet's own intervals, else yellow and clearance for whoever ends."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from signals.intersection import Intersection
from signals.layout import layout
from signals.sequencer import Sequencer, interstages_s, intervals_between
from tests.signals.checker import check
from tests.signals.fakes import ASPECT, crossing, junction, protected_left, turn_on_red

LETTER = {aspect: letter for letter, aspect in ASPECT.items()}


def rows(intersection: Intersection, start: str, end: str) -> list[tuple[float, str]]:
    """The intervals from one stage to another, heads as letters."""
    stages = {stage.name: stage for stage in intersection.stages}
    intervals = intervals_between(intersection, stages[start], stages[end])
    return [(i.duration_s, "".join(LETTER[aspect] for aspect in i.aspects)) for i in intervals]


def shown(sequencer: Sequencer, time_s: float) -> str:
    return "".join(LETTER[aspect] for aspect in sequencer.aspects(time_s))


def test_a_head_that_ends_shows_yellow_then_red() -> None:
    """Its yellow change, then its red clearance, and only then the next head is green."""
    assert rows(crossing(), "A", "B") == [(4.0, "yr"), (2.0, "rr")]
    assert rows(crossing(), "B", "A") == [(3.0, "ry"), (1.0, "rr")]


def test_each_head_has_its_own_yellow_and_all_wait_for_the_last() -> None:
    """Through (4 s and 2 s) and left (3 s and 1 s) end together; the side street waits for the slower."""
    assert rows(protected_left(), "A", "C") == [(3.0, "yyrr"), (1.0, "yrrr"), (2.0, "rrrr")]


def test_a_head_that_goes_on_keeps_what_it_shows() -> None:
    """The left turn stays green while the right turn beside it ends; a permissive one stays permissive."""
    assert rows(protected_left(), "D", "B") == [(3.0, "rGry")]
    permissive = protected_left().model_copy(update={"interstages": ()})
    assert rows(permissive, "A", "B") == [(4.0, "ygrr"), (2.0, "rgrr")]


def test_a_head_that_loses_its_protection_shows_yellow_first() -> None:
    """Drivers must see that the turn is not theirs alone any more; then it is permissive with the stage."""
    assert rows(protected_left(), "B", "A") == [(3.0, "ryrr"), (1.0, "rrrr")]


def test_where_no_head_ends_there_is_no_interval() -> None:
    """From B, whose heads are all in D."""
    assert rows(protected_left(), "B", "D") == []
    sequencer = Sequencer(protected_left(), 1, 0.0)
    sequencer.request(3, 10.0)
    assert sequencer.confirmed(10.0) == 3
    assert shown(sequencer, 10.0) == "rGrG"


def test_the_sheet_wins() -> None:
    """An interstage that the owner has timed is used as it stands, also one that takes no time."""
    assert rows(protected_left(), "A", "B") == [(4.0, "ygrr")]
    none = junction("j", {"a": (5, 3, 1), "b": (5, 3, 1)}, {"A": "Gr", "B": "rG"}, {}, {("A", "B"): ()})
    assert rows(none, "A", "B") == []


def test_leave_to_turn_on_red_goes_with_its_stage() -> None:
    """It ends with the first interval and begins with the stage, without a yellow of its own."""
    assert rows(turn_on_red(), "A", "B") == [(4.0, "yrr"), (2.0, "rrr")]
    assert rows(turn_on_red(), "B", "A") == [(3.0, "ryy"), (1.0, "rrr")]


def test_a_head_without_a_yellow_only_clears() -> None:
    """As a pedestrian's may be."""
    walk = junction("j", {"car": (5, 3, 1), "walk": (5, 0, 6)}, {"A": "Gr", "B": "rG"}, {("car", "walk"): ()})
    assert rows(walk, "B", "A") == [(6.0, "rr")]


def test_heads_without_any_time_end_at_once() -> None:
    """Nothing to wait for is no interval."""
    bare = junction("j", {"a": (5, 0, 0), "b": (5, 3, 0)}, {"A": "Gr", "B": "rG"}, {})
    assert rows(bare, "A", "B") == []
    assert rows(bare, "B", "A") == [(3.0, "ry")]


@pytest.mark.parametrize("made", [crossing, protected_left, turn_on_red])
def test_every_way_between_stages_is_safe(made) -> None:
    """From any stage to any other, each held for 10 s, by the judgement of the separate checker."""
    intersection = made().model_copy(update={"interstages": ()})
    order = [stage for pair in permutations(range(len(intersection.stages)), 2) for stage in pair]
    sequencer, times_s, aspects = Sequencer(intersection, 0, 0.0), [], []
    for time_s in np.arange(0.0, 30.0 * len(order), 0.25).tolist():
        if time_s % 30.0 == 0.0:
            sequencer.request(order[int(time_s / 30.0)], time_s)
        times_s.append(time_s)
        aspects.append(sequencer.aspects(time_s))
    assert check(intersection, np.array(times_s), np.array(aspects, np.int8)) == []


def test_it_walks_through_the_intervals_by_the_clock_alone() -> None:
    """An interval lasts until its time is over, and not a moment longer; the stage is confirmed when all are."""
    sequencer = Sequencer(crossing(), 0, 100.0)
    assert (sequencer.confirmed(100.0), shown(sequencer, 500.0)) == (0, "Gr")
    sequencer.request(1, 500.0)
    for time_s, letters, confirmed in (
        (500.0, "yr", None),
        (503.999, "yr", None),
        (504.0, "rr", None),
        (505.999, "rr", None),
        (506.0, "rG", 1),
        (9999.0, "rG", 1),
    ):
        assert (shown(sequencer, time_s), sequencer.confirmed(time_s)) == (letters, confirmed)


def test_a_request_in_an_interstage_changes_nothing() -> None:
    """Nor does one for the stage that stands."""
    sequencer = Sequencer(crossing(), 0, 0.0)
    sequencer.request(0, 5.0)
    assert sequencer.confirmed(5.0) == 0
    sequencer.request(1, 10.0)
    sequencer.request(0, 12.0)
    sequencer.request(1, 13.0)
    assert sequencer.confirmed(15.999) is None
    assert sequencer.confirmed(16.0) == 1
    sequencer.request(0, 16.0)
    assert shown(sequencer, 16.0) == "ry"


def test_interstage_times_are_told_as_arrays() -> None:
    """[junction, from, to], 0 on the diagonal and in the padding."""
    times_s = interstages_s(layout([crossing(), protected_left()]))
    assert times_s[0].tolist() == [[0, 6, 0, 0], [4, 0, 0, 0], [0] * 4, [0] * 4]
    assert times_s[1].tolist() == [[0, 4, 6, 6], [4, 0, 4, 0], [4.5, 4.5, 0, 4.5], [4, 3, 4, 0]]
