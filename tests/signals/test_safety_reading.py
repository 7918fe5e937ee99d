"""What the interlock promises where the clock or the read-back cannot be believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from signals.intersection import Intersection
from signals.values import Decision
from tests.signals.asking import (
    CLOCK,
    GO,
    GRANTED,
    HOLD,
    LOST,
    MINIMUM_GREEN,
    NONE,
    RELEASE,
    UNREAD,
    YELLOW,
    A,
    B,
    C,
    D,
    Shown,
    Street,
)
from tests.signals.fakes import crossing, junction, protected_left


def test_the_clock_must_go_on(safety: ModuleType) -> None:
    """Time that stands, goes back, leaps beyond a command's life, or is no number: hold."""
    for time_s in (5.0, 4.999, -1e6, 15.001, 1e9, math.nan, math.inf, -math.inf):
        street = Street(safety)
        street.watch([0.0], "Gr", A)
        assert street.ask(5.0, "Gr", A, A) == GRANTED
        assert street.ask(time_s, "Gr", A, A) == CLOCK
    for time_s in (5.001, 15.0):
        street = Street(safety)
        street.watch([0.0, 5.0], "Gr", A)
        assert street.ask(time_s, "Gr", A, A) == GRANTED


def test_no_timer_lasts_over_a_step_of_the_clock(safety: ModuleType) -> None:
    """After time stood, went back or leapt, a green counts from there; and the span just after counts for nothing."""
    for step_s in (0.0, -3.0, -500.0, 10.001, 500.0):
        street = Street(safety)
        street.watch([0, 1, 2, 3, 4, 5, 6], "Gr", A)
        start_s = 6 + step_s
        street.watch([start_s, *(start_s + k for k in range(1, 8))], "Gr", A)
        assert street.ask(start_s + 7.999, "Gr", A, B) == MINIMUM_GREEN
        assert street.ask(start_s + 9.0, "Gr", A, B) == GRANTED


def test_a_span_after_an_unsteady_clock_counts_for_nothing(safety: ModuleType) -> None:
    """A stale reading makes the next span look longer than it was."""
    street = Street(safety)
    street.watch([20, 21], "Gr", A)
    street.watch([15], "Gr", A)
    street.watch([22], "Gr", A)
    for time_s in (23, 24, 25, 26, 27, 28):
        assert street.ask(time_s, "Gr", A, B) == MINIMUM_GREEN
    assert street.ask(28.999, "Gr", A, B) == MINIMUM_GREEN
    assert street.ask(29.998, "Gr", A, B) == GRANTED


def test_one_step_ahead_makes_no_green_older(safety: ModuleType) -> None:
    """A span counts for no more than the one before: a clock that is set in between lets no green end early."""
    street = Street(safety)
    street.watch([0, 1, 2, 3, 4], "Gr", A)
    assert street.ask(8, "Gr", A, B) == MINIMUM_GREEN, "seen for 5 s"
    assert street.ask(9, "Gr", A, B) == MINIMUM_GREEN
    assert street.ask(9.999, "Gr", A, B) == MINIMUM_GREEN
    assert street.ask(10.998, "Gr", A, B) == GRANTED


def test_one_step_back_makes_no_yellow_shorter(safety: ModuleType) -> None:
    """A span may have been as long as the one before."""
    street = Street(safety)
    street.watch([0, 2, 4], "Gr", A)
    street.watch([6], "yr", NONE)
    assert street.ask(7, "rr", NONE, mode=HOLD) == GRANTED


def test_nothing_is_judged_over_an_unsteady_clock(safety: ModuleType) -> None:
    """How long a yellow was over a stale reading, or just after one, nobody knows; later it is known again."""
    for stale_s in (4, 3, 90):
        street = Street(safety)
        street.watch([0, 2, 4, stale_s], "Gr", A)
        assert street.ask(stale_s + 2, "rr", NONE, mode=HOLD) == GRANTED
        street = Street(safety)
        street.watch([0, 2, 4], "Gr", A)
        assert street.ask(stale_s, "rr", NONE, mode=HOLD) == GRANTED
        street = Street(safety)
        street.watch([0, 2, 4, stale_s, stale_s + 2], "Gr", A)
        assert street.ask(stale_s + 4, "rr", NONE, mode=HOLD) == YELLOW


def test_time_is_read_to_the_millisecond(safety: ModuleType) -> None:
    """So that sums of a plant's fractions meet a limit that they should meet; half a millisecond rounds."""
    for seen_s, said in ((4.9995001, GRANTED), (4.9994999, MINIMUM_GREEN)):
        street = Street(safety)
        street.watch([0.0], "rG", B)
        assert street.ask(seen_s, "rG", B, A) == said
    street = Street(safety)
    street.watch(np.cumsum([0.1] * 70).tolist(), "Gr", A)
    assert street.ask(7.1, "Gr", A, B) == GRANTED


def test_every_command_dies(safety: ModuleType) -> None:
    """A command lives for `lifetime_s` from the plant's own time, 10 s if nothing else is said."""
    for settings, lives_s in (({}, 10.0), ({"lifetime_s": 4.0}, 4.0)):
        street = Street(safety, **settings)
        command = street.permit(street.snapshot(50.0, Shown("Gr", A)), [GO], [A])
        assert (command.time_s, command.expires_s) == (50.0, 50.0 + lives_s)
        command = street.permit(street.snapshot(51.5, Shown("Gr", A)), [GO], [A])
        assert (command.time_s, command.expires_s) == (51.5, 51.5 + lives_s)


def test_no_command_is_renewed_by_a_time_that_is_no_number(safety: ModuleType) -> None:
    """It dies when the last one that had a time does."""
    street = Street(safety)
    assert street.permit(street.snapshot(math.nan, Shown("Gr", A)), [GO], [A]).expires_s == -math.inf
    street.watch([50.0], "Gr", A)
    for time_s in (math.nan, math.inf):
        assert street.permit(street.snapshot(time_s, Shown("Gr", A)), [GO], [A]).expires_s == 60.0
    street.watch([51.0], "Gr", A)
    assert street.ask(52.0, "Gr", A, A) == GRANTED


def test_what_cannot_be_read_is_held_and_then_released(safety: ModuleType) -> None:
    """An unknown or dark head, or a stage that is none: hold; after 10 s local control, until it can be read."""
    for letters, standing in (("?r", A), ("G?", A), ("oo", A), ("Gr", -2), ("Gr", 2), ("Gr", 99)):
        street = Street(safety)
        street.watch([0.0], "Gr", A)
        assert street.ask(5.0, letters, standing, A) == LOST
        assert street.ask(10.0, letters, standing, mode=HOLD) == GRANTED
        assert street.ask(15.0, letters, standing, A) == LOST
        assert street.ask(15.001, letters, standing, A) == UNREAD
        assert street.ask(15.002, letters, standing, mode=HOLD) == UNREAD
        assert street.ask(15.003, letters, standing, mode=RELEASE) == GRANTED
        assert street.ask(16.0, "Gr", A, A, local=True) == GRANTED
        assert street.ask(17.0, letters, standing, A, local=True) == LOST, "the time begins anew"
        street.watch(range(18, 27), letters, standing, local=True)
        assert street.ask(27.0, letters, standing, A, local=True) == LOST
        assert street.ask(28.0, letters, standing, A, local=True) == UNREAD


def test_how_long_reading_may_be_lost_can_be_set(safety: ModuleType) -> None:
    """`lost_s`, to the millisecond, also while nothing else is asked or changes."""
    street = Street(safety, lost_s=3.0)
    assert street.ask(0.0, "?r", A, mode=HOLD) == GRANTED
    assert street.ask(1.5, "?r", A, mode=HOLD) == GRANTED
    assert street.ask(3.0, "?r", A, mode=HOLD) == GRANTED
    assert street.ask(3.001, "?r", A, mode=HOLD) == UNREAD


def test_a_green_that_was_not_seen_is_young(safety: ModuleType) -> None:
    """Before the read-back was lost the head may have had another green."""
    street = Street(safety)
    street.watch([0, 2, 4, 6], "Gr", A)
    street.watch([8, 10], "?r", A)
    street.watch([12, 14, 16, 18], "Gr", A)
    assert street.ask(18.999, "Gr", A, B) == MINIMUM_GREEN
    assert street.ask(19.998, "Gr", A, B) == GRANTED


def interrupting() -> Intersection:
    """On the sheet's own way from A to B the first head is yellow before it is green again; the second one is not."""
    heads = {"first": (5.0, 3.0, 1.0), "second": (5.0, 3.0, 1.0), "other": (5.0, 3.0, 1.0)}
    stages = {"A": "GGr", "B": "GGr", "C": "rGG", "D": "Grr"}
    ways = {("A", "B"): ((3.0, "yGr"),), ("A", "C"): ((3.0, "yGr"), (1.0, "rGr"))}
    return junction("interrupting", heads, stages, {("first", "other"): ()}, ways)


def test_a_green_that_the_sheet_interrupts_is_young_though_nobody_saw_the_yellow(safety: ModuleType) -> None:
    """B stands at the next look after A; the first head was yellow in between, the second was green throughout."""
    for wish, time_s, said in ((C, 16.999, MINIMUM_GREEN), (C, 17.0, GRANTED), (D, 12.5, GRANTED)):
        street = Street(safety, interrupting())
        street.watch([0, 3, 6, 9], "GGr", A)
        street.watch([12], "GGr", B)
        street.watch([14.5] if wish == C else [], "GGr", B)
        assert street.ask(time_s, "GGr", B, wish) == said


def test_a_green_that_was_seen_to_begin_anew_is_no_younger_when_its_stage_stands(safety: ModuleType) -> None:
    """The way that was seen counts from what was seen of it."""
    street = Street(safety, interrupting())
    street.watch([0, 3, 6], "GGr", A)
    street.watch([9], "yGr", NONE)
    street.watch([12, 15], "GGr", B)
    assert street.ask(16.999, "GGr", B, C) == MINIMUM_GREEN
    assert street.ask(17.0, "GGr", B, C) == GRANTED


def test_a_foe_that_was_not_seen_may_have_been_green(safety: ModuleType) -> None:
    """Its clearance counts from when it was seen without green."""
    for time_s, said in ((17.999, "a foe's clearance"), (18.0, GRANTED)):
        street = Street(safety, protected_left())
        street.watch([0, 4], "rGrr", B)
        street.watch([8], "?Grr", B)
        street.watch([12], "rGrr", B)
        street.watch([16], "rGrr", B)
        assert street.ask(time_s, "rGrr", B, D) == said


def test_nothing_is_judged_over_a_lost_reading(safety: ModuleType) -> None:
    """Nobody knows how long a yellow or a clearance was that was not seen."""
    for rows in (("Gr", "?r", "rr"), ("Gr", "yr", "?r", "rr"), ("Gr", "?r", "rG"), ("Gr", "yr", "?r", "rG")):
        street = Street(safety)
        for time_s, letters in enumerate(rows):
            assert street.ask(time_s, letters, NONE, mode=HOLD) == GRANTED
    street = Street(safety)
    street.watch([0], "Gr", A)
    street.watch([1], "?r", A)
    street.watch([2, 3], "Gr", A)
    assert street.ask(4, "rr", NONE, mode=HOLD) == YELLOW, "this one was seen"


def test_a_green_that_was_lost_has_not_turned_green_again(safety: ModuleType) -> None:
    """A head seen before and after a lost reading did not begin now: no foe's clearance is judged by it."""
    street = Street(safety, protected_left())
    street.watch([0, 5], "Ggrr", A)
    street.watch([7], "y?rr", NONE)
    assert street.ask(9, "ygrr", B, mode=HOLD) == GRANTED


def test_one_junction_lost_is_not_another(safety: ModuleType) -> None:
    """Each is judged by itself, and its padding says nothing."""
    both = Street(safety, crossing(), protected_left())
    snapshot = both.snapshot(0.0, Shown("Gr", A), Shown("Ggr?", A))
    snapshot.aspects[0, 2:] = (-1, 5)
    command = both.permit(snapshot, [GO, GO], [A, A])
    assert [command.reason(0), command.reason(1)] == [GRANTED, LOST]
    assert command.mode.tolist() == [GO, HOLD]
    snapshot = both.snapshot(1.0, Shown("?r", A), Shown("Ggrr", A))
    command = both.permit(snapshot, [GO, GO], [A, A])
    assert [command.reason(0), command.reason(1)] == [LOST, GRANTED]


def test_arrays_that_are_not_as_they_should_be_hold(safety: ModuleType) -> None:
    """A wrong shape, a float, a NaN: nothing is read, or nothing asked."""
    wrong: Mapping[str, list[np.ndarray]] = {
        "aspects": [
            np.full((1, 2), math.nan),
            np.zeros((1, 3), np.int8),
            np.zeros((2, 1), np.int8),
            np.full((1, 2), 5),
        ],
        "stage": [np.array([math.nan]), np.array([1.0]), np.array([[1]]), np.array([1, 1])],
        "local": [np.array([0]), np.array([[False]]), np.array([False, False])],
    }
    for field, arrays in wrong.items():
        for array in arrays:
            street = Street(safety)
            snapshot = street.snapshot(1.0, Shown("rG", B))
            spoiled: Any = {field: array}
            snapshot = snapshot._replace(**spoiled)
            assert street.permit(snapshot, [GO], [B]).reason(0) == LOST
    for mode, stage in (
        (np.array([1.0]), np.array([0])),
        (np.array([[1]]), np.array([0])),
        (np.array([1]), np.array([math.nan])),
        (np.array([1]), np.array([0, 0])),
    ):
        street = Street(safety)
        decision = Decision(0.0, mode, stage, np.zeros(1, int), np.zeros(1), ("",))
        command = street.interlock.permit(street.snapshot(0.0, Shown("Gr", A)), decision)
        assert (command.reason(0), command.mode.tolist()) == ("unknown mode", [HOLD])
