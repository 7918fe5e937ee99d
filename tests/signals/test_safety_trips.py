"""What the interlock promises when the street shows what must not be."""

from __future__ import annotations

from types import ModuleType

from tests.signals.asking import (
    AWAITED,
    CLEARANCE,
    GRANTED,
    HOLD,
    MINIMUM_GREEN,
    NONE,
    RELEASE,
    TOGETHER,
    WAY,
    YELLOW,
    A,
    B,
    C,
    Shown,
    Street,
)
from tests.signals.fakes import crossing, protected_left, turn_on_red


def test_prohibited_heads_together_trip(safety: ModuleType) -> None:
    """Local control, also for those who wish to hold, until a person acknowledges what tripped."""
    street = Street(safety)
    street.watch([0.0], "Gr", A)
    assert street.ask(1.0, "GG", A, A) == TOGETHER
    assert street.ask(2.0, "GG", A, mode=RELEASE) == GRANTED
    assert street.ask(3.0, "Gr", A, A, local=True) == TOGETHER
    street.interlock.acknowledge(0.999)
    assert street.ask(4.0, "Gr", A, mode=HOLD, local=True) == TOGETHER
    street.interlock.acknowledge(1.0)
    assert street.ask(5.0, "Gr", A, A, local=True) == GRANTED
    assert street.ask(6.0, "Gr", A, mode=HOLD, local=True) == GRANTED


def test_the_first_trip_is_the_one_that_is_told(safety: ModuleType) -> None:
    """What follows from it does not hide it."""
    street = Street(safety)
    street.watch([0.0], "GG", A)
    assert street.ask(1.0, "rr", NONE, A) == TOGETHER
    street.interlock.acknowledge(0.0)
    assert street.ask(2.0, "rr", NONE, A) == AWAITED


def test_prohibited_heads_trip_in_any_state(safety: ModuleType) -> None:
    """In the first reading, in an interstage, with either head permissive."""
    for letters, standing in (("GG", A), ("GG", NONE), ("gG", B), ("Gg", A), ("gg", NONE)):
        assert Street(safety).ask(0.0, letters, standing, mode=HOLD) == TOGETHER


def test_a_turn_yields_only_in_the_stages_that_have_it_so(safety: ModuleType) -> None:
    """Permissive in A: allowed there and on the way, prohibited in B."""
    street = Street(safety, protected_left())
    street.watch([0, 1], "Ggrr", A)
    street.watch([2], "Ggrr", NONE)
    assert street.ask(3, "Ggrr", B, mode=HOLD) == TOGETHER, "nothing but the stage has changed"
    assert Street(safety, protected_left()).ask(0, "Ggrr", C, mode=HOLD) == TOGETHER


def test_more_right_of_way_than_the_stage_gives_trips(safety: ModuleType) -> None:
    """Protected for permissive; leave to turn on red where the stage has none. Less is no fault."""
    for made, letters, standing, said in (
        (protected_left(), "GGrr", A, WAY),
        (protected_left(), "GGrr", NONE, GRANTED),
        (protected_left(), "Ggrr", A, GRANTED),
        (protected_left(), "rgrr", B, GRANTED),
        (protected_left(), "rGsr", B, WAY),
        (turn_on_red(), "Grs", A, GRANTED),
        (turn_on_red(), "sGG", B, WAY),
        (turn_on_red(), "srs", NONE, GRANTED),
        (turn_on_red(), "rGs", B, GRANTED),
        (turn_on_red(), "Grr", A, GRANTED),
    ):
        assert Street(safety, made).ask(0.0, letters, standing, mode=HOLD) == said


def test_a_short_yellow_trips(safety: ModuleType) -> None:
    """From the last reading with green to the first without yellow must be its yellow change at least."""
    for after in ("rr", "ur", "sr", "gr", "Gr"):
        for red_s, said in ((8.999, YELLOW), (9.0, GRANTED), (9.001, GRANTED)):
            street = Street(safety)
            street.watch([0, 4, 5], "Gr", A)
            street.watch([6, 7], "yr", NONE)
            assert street.ask(red_s, after, NONE, mode=HOLD) == said


def test_each_head_has_its_own_yellow(safety: ModuleType) -> None:
    """3 s for the side street, in the second junction as in the first."""
    for red_s, said in ((3.999, YELLOW), (4.0, GRANTED)):
        both = Street(safety, protected_left(), crossing())
        for time_s, letters in ((0, "rG"), (1, "rG"), (2, "ry"), (red_s, "rr")):
            command = both.permit(both.snapshot(time_s, Shown("Ggrr", A), Shown(letters, NONE)), [HOLD] * 2, [NONE] * 2)
        assert [command.reason(0), command.reason(1)] == [GRANTED, said]


def test_no_yellow_trips_where_one_must_have_been_seen(safety: ModuleType) -> None:
    """Readings further apart than a yellow can miss it; then nothing is said."""
    for span_s, said in ((3.999, YELLOW), (4.0, GRANTED), (9.0, GRANTED)):
        street = Street(safety)
        street.watch([0.0], "Gr", A)
        street.ask(3.0, "Gr", A, mode=HOLD)
        assert street.ask(3.0 + span_s, "rr", NONE, mode=HOLD) == said


def test_a_yellow_that_follows_no_green_is_not_judged(safety: ModuleType) -> None:
    """At start-up heads may flash."""
    street = Street(safety)
    street.watch([0], "yr", NONE)
    assert street.ask(1, "rr", NONE, mode=HOLD) == GRANTED
    street.watch([2], "yr", NONE)
    assert street.ask(3, "rr", NONE, mode=HOLD) == GRANTED


def test_a_short_clearance_trips(safety: ModuleType) -> None:
    """A head may turn green after its foe's green, yellow change and red clearance, 6 s here, and no sooner."""
    for standing in (NONE, B):
        for green_s, said in ((10.999, CLEARANCE), (11.0, GRANTED), (11.001, GRANTED)):
            street = Street(safety)
            street.watch([0, 4, 5], "Gr", A)
            street.watch([6, 7, 8], "yr", NONE)
            street.watch([9], "rr", NONE)
            assert street.ask(green_s, "rG", standing, mode=HOLD) == said


def test_green_against_yellow_trips(safety: ModuleType) -> None:
    """However long ago the foe's green may have ended when readings are far apart."""
    for before, standing, after in (("Gr", A, "yG"), ("rG", B, "Gy")):
        street = Street(safety)
        street.watch([0], before, standing)
        assert street.ask(9, after, NONE, mode=HOLD) == CLEARANCE


def test_a_clearance_is_owed_both_ways(safety: ModuleType) -> None:
    """Whichever of the two the sheet names first: 4 s from the left turn to the side street, 4.5 s back."""
    for ending, standing, during, beginning, clear_s in (
        ("rGrr", B, "ryrr", "rrGr", 4.0),
        ("rrGr", C, "rryr", "rGrr", 4.5),
    ):
        for green_s, said in ((clear_s - 0.001, CLEARANCE), (clear_s, GRANTED)):
            street = Street(safety, protected_left())
            street.watch([0.0, 0.5, 1.0], ending, standing)
            street.watch([1.5], during, NONE)
            assert street.ask(1.0 + green_s, beginning, NONE, mode=HOLD) == said


def test_no_foe_is_cleared_for_in_vain(safety: ModuleType) -> None:
    """Heads that do not cross owe each other nothing, nor a pair on the way between stages where one yields."""
    street = Street(safety, protected_left())
    street.watch([0, 1, 2, 3, 4], "rrGr", C)
    street.watch([5, 6, 7], "rryr", NONE)
    street.watch([8], "rrrr", NONE)
    assert street.ask(9, "rrrG", NONE, mode=HOLD) == GRANTED, "4.5 s for the side street are over in 5 s"
    street = Street(safety, protected_left())
    street.watch([0, 1], "rGrr", B)
    street.watch([2], "yGrr", NONE)
    assert street.ask(3, "yGrG", NONE, mode=HOLD) == CLEARANCE, "the right turn crosses the through street"
    street = Street(safety, protected_left())
    street.watch([0, 1, 2, 3, 4], "Grrr", A)
    street.watch([5], "yrrr", NONE)
    assert street.ask(6, "ygrr", NONE, mode=HOLD) == GRANTED, "the left turn yields to it in A"
    assert street.ask(7, "yrrr", NONE, mode=HOLD) == YELLOW


def test_a_protected_turn_waits_for_whom_it_yields_to_elsewhere(safety: ModuleType) -> None:
    """In B the left turn is protected: the through street must be clear before it is green."""
    for green_s, said in ((10.999, CLEARANCE), (11.0, GRANTED)):
        street = Street(safety, protected_left())
        street.watch([0, 4, 5], "Grrr", A)
        street.watch([6, 7, 8], "yrrr", NONE)
        street.watch([9], "rrrr", NONE)
        assert street.ask(green_s, "rGrr", B, mode=HOLD) == said


def test_a_plant_under_its_own_plan_is_watched_but_not_judged(safety: ModuleType) -> None:
    """Its clearances are its owner's; what it shows counts for what may be asked of it, and once it follows us."""
    street = Street(safety)
    street.watch([0, 1], "Gr", A, local=True)
    street.watch([2], "rG", B, local=True)
    street.watch([3], "GG", B, local=True)
    assert street.ask(4, "GG", B, mode=HOLD) == TOGETHER
    street = Street(safety)
    street.watch([0, 6], "Gr", A, local=True)
    assert street.ask(6.999, "Gr", A, B, local=True) == MINIMUM_GREEN
    assert street.ask(7.998, "Gr", A, B, local=True) == GRANTED
