"""What the interlock promises to whoever asks. Each limit is tried at it, a millisecond below and one above."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest

from signals.errors import ConfigError
from signals.intersection import Conflict, Intersection
from signals.values import TRANSITION
from tests.signals.asking import (
    AWAITED,
    GO,
    GRANTED,
    HOLD,
    MINIMUM_GREEN,
    NONE,
    RELEASE,
    TOGETHER,
    A,
    B,
    C,
    D,
    Shown,
    Street,
)
from tests.signals.fakes import crossing, junction, protected_left


def test_a_stage_that_stands_may_be_asked_for_at_once(safety: ModuleType) -> None:
    """To stay is no change: nothing has to have lasted for it."""
    assert Street(safety).ask(0.0, "Gr", A, A) == GRANTED


def test_minimum_green_is_seen_out(safety: ModuleType) -> None:
    """A head keeps its green for its minimum green as read back, whatever the controller asks."""
    for shown, standing, other, minimum_s in (("Gr", A, B, 7.0), ("rG", B, A, 5.0)):
        for seen_s, said in ((minimum_s - 0.001, MINIMUM_GREEN), (minimum_s, GRANTED), (minimum_s + 0.001, GRANTED)):
            street = Street(safety)
            assert street.ask(100.0, shown, standing, other) == MINIMUM_GREEN
            assert street.ask(100.0 + seen_s, shown, standing, other) == said


def test_only_heads_that_lose_their_green_must_have_had_it(safety: ModuleType) -> None:
    """The right turn of stage D has its 4 s; the left turn, green in B too, need not have its 6 s to go there."""
    for time_s, stage, said in (
        (3.999, B, MINIMUM_GREEN),
        (4.0, B, GRANTED),
        (5.999, C, MINIMUM_GREEN),
        (6.0, C, GRANTED),
    ):
        street = Street(safety, protected_left())
        street.watch([0.0], "rGrG", D)
        assert street.ask(time_s, "rGrG", D, stage) == said


def test_losing_protection_is_losing_green(safety: ModuleType) -> None:
    """A protected left turn becomes permissive only after its minimum green; a permissive one may gain protection."""
    for time_s, said in ((5.999, MINIMUM_GREEN), (6.0, GRANTED)):
        street = Street(safety, protected_left())
        street.watch([0.0], "rGrr", B)
        assert street.ask(time_s, "rGrr", B, A) == said
    street = Street(safety, left_alone())
    street.watch([0.0], "gr", A)
    assert street.ask(1.0, "gr", A, B) == GRANTED


def left_alone() -> Intersection:
    """A left turn that is permissive in A, protected in B, red in C."""
    heads = {"left": (6.0, 3.0, 1.0), "other": (5.0, 3.0, 1.0)}
    return junction("alone", heads, {"A": "gr", "B": "Gr", "C": "rG"}, {})


def test_losing_a_permissive_green_is_losing_green(safety: ModuleType) -> None:
    """A head that yields has its minimum green like any other."""
    for time_s, said in ((5.999, MINIMUM_GREEN), (6.0, GRANTED)):
        street = Street(safety, left_alone())
        street.watch([0.0], "gr", A)
        assert street.ask(time_s, "gr", A, C) == said


def test_green_goes_on_from_stage_to_stage(safety: ModuleType) -> None:
    """A head that keeps its green over a change of stage keeps its age."""
    for time_s, said in ((7.999, MINIMUM_GREEN), (8.0, GRANTED)):
        street = Street(safety, protected_left())
        street.watch([0.0], "rGrr", B)
        street.watch([4.0], "rGrG", D)
        assert street.ask(time_s, "rGrG", D, C) == said, "the right turn is younger than the left"


def test_a_green_that_gains_protection_keeps_its_age(safety: ModuleType) -> None:
    """Over a change of stage that nobody interrupts."""
    street = Street(safety, left_alone())
    street.watch([0, 3], "gr", A)
    street.watch([6], "Gr", B)
    assert street.ask(7.0, "Gr", B, C) == GRANTED


def test_a_green_that_comes_back_is_young(safety: ModuleType) -> None:
    """Only the green that is on counts, not the one before."""
    street = Street(safety)
    street.watch([0, 5, 10], "Gr", A)
    street.watch([12, 14, 16, 18], "rr", NONE)
    street.watch([20, 22, 24, 26], "Gr", A)
    assert street.ask(26.999, "Gr", A, B) == MINIMUM_GREEN
    assert street.ask(27.998, "Gr", A, B) == GRANTED


def test_no_head_turns_green_at_once_while_a_foe_clears(safety: ModuleType) -> None:
    """B to D loses no head, so the right turn would be green at once: not within 6 s of the through street's end."""
    for time_s, said in ((15.999, "a foe's clearance"), (16.0, GRANTED), (16.001, GRANTED)):
        street = Street(safety, protected_left())
        street.watch([0, 5], "Ggrr", A)
        street.watch([10], "ygrr", NONE)
        street.watch([14], "rGrr", B)
        assert street.ask(time_s, "rGrr", B, D) == said


def test_a_foe_that_clears_does_not_keep_back_who_waits_for_a_yellow(safety: ModuleType) -> None:
    """B to C ends the left turn first; its own interval keeps the side street back."""
    street = Street(safety, protected_left())
    street.watch([0, 5], "Ggrr", A)
    street.watch([10], "ygrr", NONE)
    street.watch([14], "rGrr", B)
    assert street.ask(15.0, "rGrr", B, C) == GRANTED


def crossing_beside() -> Intersection:
    """Who walks beside the side streets in A needs 12 s to clear the main street, longer than B and its yellow last."""
    heads = {"walk": (5.0, 0.0, 12.0), "near": (5.0, 3.0, 1.0), "far": (5.0, 3.0, 4.0), "main": (5.0, 3.0, 1.0)}
    conflicts = {(side, "main"): () for side in ("walk", "near", "far")}
    return junction("beside", heads, {"A": "GGGr", "B": "rGGr", "C": "rrrG"}, conflicts)


def test_a_crossing_is_cleared_also_beyond_the_next_stage(safety: ModuleType) -> None:
    """B to C takes 7 s for the far side; who walked until A ended has 12 s in all before the main street starts."""
    for time_s, said in ((14.999, "a foe's clearance"), (15.0, GRANTED)):
        street = Street(safety, crossing_beside())
        street.watch([0, 5], "GGGr", A)
        street.watch([10, 12.5], "rGGr", B)
        assert street.ask(time_s, "rGGr", B, C) == said


def yielding_turn() -> Intersection:
    """A turn that yields to who walks in A and D, goes on in B while he clears, and is red in C, where he walks too."""
    heads = {"more": (5.0, 3.0, 1.0), "walk": (5.0, 0.0, 6.0), "turn": (4.0, 3.0, 1.0), "side": (5.0, 3.0, 1.0)}
    conflicts = {("walk", "turn"): ("A", "D"), ("turn", "side"): ()}
    return junction("yielding", heads, {"A": "rGgr", "B": "rrgr", "C": "rGrG", "D": "GGgr"}, conflicts)


def test_no_walk_ends_at_the_moment_when_who_yields_to_it_starts(safety: ModuleType) -> None:
    """From C straight to B the turn would wait for the walk to clear: it cannot come there sooner by way of A."""
    street = Street(safety, yielding_turn())
    street.watch([0, 2, 4, 6], "rGrG", C)
    street.watch([8, 10], "rGry", NONE)
    assert street.ask(12, "rGgr", A, B) == "a foe's clearance"
    assert street.ask(14, "rGgr", A, B) == GRANTED


def test_a_stage_that_has_just_begun_is_left_only_when_its_foes_are_cleared(safety: ModuleType) -> None:
    """The side street was last seen green before 8 s, and has 4 s to clear."""
    for time_s, said in ((11.999, "a foe's clearance"), (12.0, GRANTED)):
        street = Street(safety, yielding_turn())
        street.watch([0, 2, 4, 6], "rGrG", C)
        street.watch([8, 10], "rGry", NONE)
        assert street.ask(time_s, "rGgr", A, D) == said


def test_a_head_that_clears_for_no_foe_keeps_nobody_back(safety: ModuleType) -> None:
    """The side street has just ended; a head that it does not cross may turn green."""
    free = junction(
        "free",
        {"one": (5.0, 3.0, 2.0), "two": (5.0, 3.0, 2.0), "three": (5.0, 3.0, 2.0)},
        {"A": "Grr", "B": "rGr", "C": "rGG"},
        {("one", "two"): ()},
    )
    street = Street(safety, free)
    street.watch([0, 5], "Grr", A)
    street.watch([9], "yrr", NONE)
    street.watch([10], "rGr", B, local=True)
    assert street.ask(11.0, "rGr", B, C, local=True) == GRANTED


def test_what_is_not_known_is_not_passed_on(safety: ModuleType) -> None:
    """No mode outside the enum, no stage that the junction does not have, its padding included."""
    for mode in (-128, -1, 3, 127):
        assert Street(safety).ask(0.0, "Gr", A, A, mode) == "unknown mode"
    for stage in (-99, -1, 2, 3, 99):
        assert Street(safety).ask(0.0, "Gr", A, stage) == "unknown stage"
    both = Street(safety, crossing(), protected_left())
    for time_s in (0.0, 8.0):
        command = both.permit(both.snapshot(time_s, Shown("Gr", A), Shown("Ggrr", A)), [GO, GO], [C, C])
    assert [command.reason(0), command.reason(1)] == ["unknown stage", GRANTED]
    assert command.mode.tolist() == [HOLD, GO]
    assert command.stage.tolist() == [TRANSITION, C]


def test_hold_and_release_need_no_stage(safety: ModuleType) -> None:
    """Whatever number stands beside them."""
    for mode in (HOLD, RELEASE):
        assert Street(safety).ask(0.0, "Gr", A, 99, mode) == GRANTED


def test_release_is_always_granted(safety: ModuleType) -> None:
    """Local control is the way out of everything: an interstage, a young green, a lost read-back, a stopped clock."""
    for letters, standing in (("yr", NONE), ("Gr", A), ("?r", A), ("GG", A)):
        street = Street(safety)
        assert street.ask(5.0, letters, standing, mode=RELEASE) in (GRANTED, TOGETHER)
        assert street.ask(5.0, letters, standing, mode=RELEASE) in (GRANTED, TOGETHER)


def test_nothing_changes_in_an_interstage(safety: ModuleType) -> None:
    """While no stage stands the one last granted may be renewed, and no other asked for."""
    street = Street(safety)
    street.watch([0, 5], "Gr", A)
    assert street.ask(10, "Gr", A, B) == GRANTED
    for time_s, letters in ((11, "yr"), (12, "yr"), (13, "yr"), (14, "rr"), (15, "rr")):
        assert street.ask(time_s, letters, NONE, A) == AWAITED
        assert street.ask(time_s + 0.5, letters, NONE, B) == GRANTED
    assert street.ask(16, "rG", B, A) == MINIMUM_GREEN, "confirmed, so that another may be asked for"


def test_nothing_is_asked_of_an_interstage_that_we_did_not_start(safety: ModuleType) -> None:
    """At start-up, or in the plant's own plan, no stage may be asked for until one stands."""
    for stage in (A, B):
        street = Street(safety)
        assert street.ask(0.0, "yr", NONE, stage) == AWAITED
        assert street.ask(1.0, "yr", NONE, stage) == AWAITED


def test_a_grant_is_awaited_for_as_long_as_its_command_lives(safety: ModuleType) -> None:
    """The read-back may lag behind a change already begun: until then a change of mind is refused."""
    for time_s, said in ((19.999, AWAITED), (20.0, GRANTED), (20.001, GRANTED)):
        street = Street(safety)
        street.watch([0, 5], "Gr", A)
        assert street.ask(10, "Gr", A, B) == GRANTED
        assert street.ask(12, "Gr", A, A) == AWAITED
        assert street.ask(14, "Gr", A, B) == GRANTED, "asking again is no change of mind, and starts nothing anew"
        assert street.ask(16, "Gr", A, A) == AWAITED
        assert street.ask(18, "Gr", A, B) == GRANTED
        assert street.ask(time_s, "Gr", A, A) == said


def test_a_grant_outlives_its_command_in_an_interstage(safety: ModuleType) -> None:
    """However long an interstage takes, the stage granted is the only one."""
    street = Street(safety)
    street.watch([0, 5], "Gr", A)
    assert street.ask(10, "Gr", A, B) == GRANTED
    street.watch(range(11, 31), "rr", NONE)
    assert street.ask(31, "rr", NONE, A) == AWAITED
    assert street.ask(32, "rr", NONE, B) == GRANTED


def test_a_grant_that_went_nowhere_is_not_awaited(safety: ModuleType) -> None:
    """In shadow nothing is passed on: told so, it follows what is read back, and awaits what is granted later."""
    street = Street(safety)
    street.watch([0, 5], "Gr", A)
    assert street.ask(10, "Gr", A, B) == GRANTED
    street.interlock.forget()
    assert street.ask(12, "Gr", A, A) == GRANTED
    assert street.ask(13, "Gr", A, B) == GRANTED
    street.interlock.forget()
    assert street.ask(14, "Gr", A, B) == GRANTED
    assert street.ask(15, "Gr", A, A) == AWAITED


def test_a_grant_is_no_licence(safety: ModuleType) -> None:
    """A stage granted from A is judged again when the plant stands in C by itself."""
    street = Street(safety, protected_left())
    street.watch([0, 5], "Ggrr", A, local=True)
    assert street.ask(10, "Ggrr", A, B, local=True) == GRANTED
    street.watch([12, 14], "rrrr", NONE, local=True)
    assert street.ask(16, "rrGr", C, B, local=True) == MINIMUM_GREEN


def test_a_released_junction_is_local_before_it_is_asked_again(safety: ModuleType) -> None:
    """Until local control is read back, or the last command is dead, a stage may not be asked for."""
    for time_s, said in ((19.999, AWAITED), (20.0, GRANTED)):
        street = Street(safety)
        street.watch([0, 5], "Gr", A)
        assert street.ask(10, "Gr", A, mode=RELEASE) == GRANTED
        assert street.ask(12, "Gr", A, A) == AWAITED
        assert street.ask(14, "Gr", A, B) == AWAITED
        assert street.ask(16, "Gr", A, mode=HOLD) == GRANTED
        assert street.ask(18, "Gr", A, mode=RELEASE) == GRANTED, "asking again starts nothing anew"
        assert street.ask(time_s, "Gr", A, A) == said
    street = Street(safety)
    street.watch([0, 5], "Gr", A)
    assert street.ask(8, "Gr", A, mode=RELEASE) == GRANTED
    assert street.ask(9, "Gr", A, A, local=True) == GRANTED


def test_local_control_is_not_confirmed_by_what_cannot_be_read(safety: ModuleType) -> None:
    """Nor is anything else."""
    street = Street(safety)
    street.watch([0, 2], "Gr", A)
    assert street.ask(4, "Gr", A, mode=RELEASE) == GRANTED
    snapshot = street.snapshot(6, Shown("Gr", A))
    snapshot = snapshot._replace(local=np.array([1]))
    assert street.permit(snapshot, [HOLD], [A]).reason(0) == GRANTED
    assert street.ask(8, "Gr", A, A) == AWAITED


def test_a_junction_under_its_own_plan_is_released_for_nothing(safety: ModuleType) -> None:
    """It need not become local again: it may be asked at once."""
    street = Street(safety)
    assert street.ask(0, "Gr", A, mode=RELEASE, local=True) == GRANTED
    assert street.ask(1, "Gr", A, A) == GRANTED


def test_settings_that_could_never_hold_are_refused(safety: ModuleType) -> None:
    """Each must be above 0 and finite, and is named."""
    for name in ("lifetime_s", "maximum_red_s", "lost_s", "release_s"):
        for value in (0.0, -1.0, math.inf, math.nan):
            with pytest.raises(ConfigError, match=name):
                Street(safety, **{name: value})
        Street(safety, **{name: 0.5})
    with pytest.raises(ConfigError, match="maximum_red_s"):
        Street(safety, maximum_red_s=[0.0])


def test_a_stage_with_prohibited_heads_is_refused_at_the_start(safety: ModuleType) -> None:
    """Even if whoever made the intersection did not see it; one that yields in another stage only, too."""
    left = protected_left()
    for yielding_in in ((), ("B",)):
        conflicts = (Conflict(first="through", second="left", yielding_in=yielding_in), *left.conflicts[1:])
        made = Intersection.model_construct(**{**dict(left), "conflicts": conflicts})
        with pytest.raises(ConfigError, match=r"left: stage A: .*through.*left"):
            Street(safety, made)


def test_every_rule_has_a_source(safety: ModuleType) -> None:
    """Manual, standard or sheet; and each wording is one of its own."""
    rules = (*safety.TRIPS, *safety.REFUSALS, *safety.CHANGES)
    assert all(rule.source for rule in rules)
    assert len(set(safety.WORDING)) == len(safety.WORDING) == 1 + len(rules) + 2
    assert safety.WORDING[0] == GRANTED


def test_a_command_is_made_of_arrays_over_the_junctions(safety: ModuleType) -> None:
    """int8 modes, int64 stages and refusals, one each, whatever the decision brought."""
    both = Street(safety, crossing(), protected_left())
    command = both.permit(both.snapshot(0.0, Shown("Gr", A), Shown("Ggrr", A)), [GO, RELEASE], [A, A])
    assert (command.mode.dtype, command.stage.dtype, command.refusal.dtype) == (np.int8, np.int64, np.int64)
    assert command.mode.tolist() == [GO, RELEASE]
    assert command.stage.tolist() == [A, TRANSITION]
    assert command.refusal.tolist() == [0, 0]


def test_what_was_answered_before_stays_as_it_was(safety: ModuleType) -> None:
    """A command that a record keeps is not changed by the next."""
    street = Street(safety)
    first = street.permit(street.snapshot(0.0, Shown("Gr", A)), [GO], [A])
    street.permit(street.snapshot(8.0, Shown("Gr", A)), [GO], [B])
    assert (first.mode.tolist(), first.stage.tolist()) == ([GO], [A])
