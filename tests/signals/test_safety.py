"""What the interlock promises. Each limit is tried at it, a millisecond below and a millisecond above.

`safety` is the module under test: `test_mutants.py` puts broken ones in its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import signals.safety
from signals.errors import ConfigError
from signals.intersection import Conflict, Intersection
from signals.layout import layout
from signals.values import TRANSITION, Decision, Mode, Snapshot
from tests.signals.checker import check
from tests.signals.fakes import FakePlant, aspects, crossing, junction, protected_left, turn_on_red

NONE = TRANSITION
A, B, C, D = range(4)
HOLD, GO, RELEASE = Mode.HOLD, Mode.GO, Mode.RELEASE
GRANTED = "granted"
MINIMUM_GREEN = "minimum green"
AWAITED = "what was granted is awaited"
CLOCK = "the clock is not steady"
LOST = "the read-back is lost"
UNREAD = "released: the read-back is lost for too long"
STARVED = "released: a head has waited for the maximum red"
TOGETHER = "tripped: prohibited heads green together"
WAY = "tripped: right of way that the stage does not give"
YELLOW = "tripped: short yellow change"
CLEARANCE = "tripped: short clearance of a foe"


@pytest.fixture
def safety() -> ModuleType:
    return signals.safety


class Shown(NamedTuple):
    """One junction as it is read: letters of its heads, the stage that stands, and who controls it."""

    letters: str
    stage: int
    local: bool = False


class Street:
    """Shows an interlock what a test says, and asks it."""

    def __init__(self, safety: ModuleType, *intersections: Intersection, **settings: Any) -> None:
        self.layout = layout(intersections or (crossing(),))
        self.interlock = safety.Interlock(self.layout, **settings)
        self.occupied: set[str] = set()
        self.unhealthy: set[str] = set()
        self.calls: set[tuple[int, int]] = set()

    def snapshot(self, time_s: float, *shown: Shown) -> Snapshot:
        junctions, width = self.layout.has_head.shape
        heads = np.zeros((junctions, width), np.int8)
        for row, one in enumerate(shown):
            heads[row, : len(one.letters)] = aspects(one.letters)
        loops = [name for _, name in self.layout.loops]
        return Snapshot(
            time_s=time_s,
            volume_veh=np.zeros(len(loops)),
            occupancy=np.zeros(len(loops)),
            presence=np.array([name in self.occupied for name in loops]),
            healthy=np.array([name not in self.unhealthy for name in loops]),
            stage=np.array([one.stage for one in shown]),
            aspects=heads,
            local=np.array([one.local for one in shown]),
            calls=np.array([[(j, p) in self.calls for p in range(width)] for j in range(junctions)]),
        )

    def permit(self, snapshot: Snapshot, mode: Sequence[int], stage: Sequence[int]) -> Any:
        modes, stages, none = np.array(mode, np.int8), np.array(stage), np.zeros(len(stage))
        return self.interlock.permit(snapshot, Decision(snapshot.time_s, modes, stages, none.astype(int), none, ("",)))

    def ask(
        self, time_s: float, letters: str, standing: int, stage: int = NONE, mode: int = GO, local: bool = False
    ) -> str:
        """Show and ask one junction; what is said to it, which must agree with what it is told to do."""
        command = self.permit(self.snapshot(time_s, Shown(letters, standing, local)), [mode], [stage])
        said = str(command.reason(0))
        told = RELEASE if said.startswith(("tripped", "released")) else mode if said == GRANTED else HOLD
        assert command.mode[0] == told
        assert command.stage[0] == (stage if told == GO else TRANSITION)
        assert command.granted(0) == (said == GRANTED)
        return said

    def watch(self, times_s: Sequence[float], letters: str, standing: int, local: bool = False) -> None:
        """Show one junction at some times, and ask for nothing."""
        for time_s in times_s:
            self.ask(time_s, letters, standing, mode=HOLD, local=local)


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
    object.__setattr__(snapshot, "local", np.array([1]))
    assert street.permit(snapshot, [HOLD], [A]).reason(0) == GRANTED
    assert street.ask(8, "Gr", A, A) == AWAITED


def test_a_junction_under_its_own_plan_is_released_for_nothing(safety: ModuleType) -> None:
    """It need not become local again: it may be asked at once."""
    street = Street(safety)
    assert street.ask(0, "Gr", A, mode=RELEASE, local=True) == GRANTED
    assert street.ask(1, "Gr", A, A) == GRANTED


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
            object.__setattr__(snapshot, field, array)
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


def waiting(safety: ModuleType, *loops: str, **settings: Any) -> Street:
    """The crossing in A, watched from 0 s, with some loops occupied from 5 s on."""
    street = Street(safety, **settings)
    street.watch([0.0], "Gr", A)
    street.occupied = set(loops)
    street.watch([5.0], "Gr", A)
    return street


def test_nobody_waits_longer_than_the_maximum_red(safety: ModuleType) -> None:
    """240 s after its loop was first occupied a head's junction is left to its own plan, for 120 s."""
    for seen_s, said in ((244.999, GRANTED), (245.001, STARVED), (245.0, STARVED)):
        street = waiting(safety, "crossing.side.stop_line")
        street.watch(range(10, 245, 5), "Gr", A)
        assert street.ask(seen_s, "Gr", A, A) == said
    street.occupied = set()
    street.watch(range(250, 365, 5), "Gr", A, local=True)
    assert street.ask(364.999, "Gr", A, A, local=True) == STARVED
    assert street.ask(365.998, "Gr", A, A, local=True) == GRANTED


def test_a_starved_junction_may_be_asked_again(safety: ModuleType) -> None:
    """After `release_s`, to the millisecond; its own release is granted meanwhile."""
    for seen_s, said in ((54.999, STARVED), (55.0, GRANTED), (55.001, GRANTED)):
        street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0, release_s=30.0)
        street.watch([10, 15, 20], "Gr", A)
        assert street.ask(25, "Gr", A, A) == STARVED
        assert street.ask(30, "Gr", A, mode=RELEASE, local=True) == GRANTED
        street.occupied = set()
        assert [street.ask(time_s, "Gr", A, A, local=True) for time_s in range(35, 55, 5)] == [STARVED] * 4
        assert street.ask(seen_s, "Gr", A, A, local=True) == said


def test_a_junction_is_released_until_somebody_is_served(safety: ModuleType) -> None:
    """While it does not follow, the time of its release does not begin."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0, release_s=10.0)
    street.watch([10, 15, 20], "Gr", A)
    for time_s in (25, 30, 35, 40):
        assert street.ask(time_s, "Gr", A, A) == STARVED
    street.occupied = set()
    assert street.ask(45, "Gr", A, A) == STARVED
    assert street.ask(50, "Gr", A, A, local=True) == GRANTED


def test_who_has_gone_is_not_waited_for(safety: ModuleType) -> None:
    """Nobody is released for an empty loop; one that was empty for a while has waited all the same."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0)
    street.watch([10, 15], "Gr", A)
    street.occupied = set()
    assert [street.ask(time_s, "Gr", A, A) for time_s in (20, 25, 30)] == [GRANTED] * 3
    street.occupied = {"crossing.side.stop_line"}
    assert street.ask(35, "Gr", A, A) == STARVED


def test_who_is_served_waits_no_longer(safety: ModuleType) -> None:
    """Each wait begins after a green; a green head keeps nobody waiting."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0)
    street.watch([10, 15, 20], "Gr", A)
    street.watch([24], "rG", B, local=True)
    street.watch([28], "rG", B)
    street.watch([32], "ry", NONE)
    for time_s in (36, 40, 44, 48):
        assert street.ask(time_s, "Gr", A, A) == GRANTED, "waits since 32 s, when it was no longer green"
    assert street.ask(52, "Gr", A, A) == STARVED
    street = Street(safety, maximum_red_s=20.0)
    street.occupied = {"crossing.side.stop_line"}
    street.watch([0], "rr", NONE)
    for time_s in range(5, 60, 5):
        assert street.ask(time_s, "rG", B, B) == GRANTED


def test_only_believed_stop_line_loops_and_calls_wait(safety: ModuleType) -> None:
    """An advance loop says that somebody comes, a faulty one says nothing; a latched call waits like a vehicle."""
    for occupied, unhealthy, call, said in (
        ("crossing.side.advance", "", False, GRANTED),
        ("crossing.side.stop_line", "crossing.side.stop_line", False, GRANTED),
        ("crossing.side.stop_line", "crossing.main.stop_line", False, STARVED),
        ("", "", True, STARVED),
    ):
        street = Street(safety, maximum_red_s=20.0)
        street.occupied, street.unhealthy = {occupied}, {unhealthy}
        street.calls = {(0, 1)} if call else set()
        street.watch([0, 5, 10, 15], "Gr", A)
        assert street.ask(20, "Gr", A, A) == said


def test_every_loop_of_a_head_counts(safety: ModuleType) -> None:
    """A head with several stop-line loops is waited for at each, and one without loops at none."""
    made = crossing()
    more = tuple(d.model_copy(update={"id": f"{d.id}.2"}) for d in made.detectors if d.kind == "stop_line")
    for detectors, loop, said in (
        ((*made.detectors, *more), "crossing.side.stop_line", STARVED),
        ((*made.detectors, *more), "crossing.side.stop_line.2", STARVED),
        ((*made.detectors, *more), "crossing.main.stop_line.2", GRANTED),
        (made.detectors[:2], "crossing.main.stop_line", GRANTED),
        ((*made.detectors[:2], more[0], more[0].model_copy(update={"id": "x"})), "x", GRANTED),
    ):
        street = Street(safety, made.model_copy(update={"detectors": detectors}), maximum_red_s=20.0)
        street.occupied = {loop}
        street.watch([0, 5, 10, 15, 19], "Gr", A)
        assert street.ask(20, "Gr", A, A) == said


def test_a_head_that_no_stage_serves_is_not_waited_for(safety: ModuleType) -> None:
    """Nothing that the interlock could do would serve it; a permissive green does serve."""
    made = junction("odd", {"a": (5, 3, 1), "b": (5, 3, 1), "never": (5, 3, 1)}, {"A": "Grr", "B": "rgr"}, {})
    for head, said in (("never", GRANTED), ("b", STARVED)):
        street = Street(safety, made, maximum_red_s=20.0)
        street.occupied = {f"odd.{head}.stop_line"}
        street.watch([0, 5, 10, 15], "Grr", A)
        assert street.ask(20, "Grr", A, A) == said


def test_under_its_own_plan_nobody_is_starved_by_us(safety: ModuleType) -> None:
    """Local control is what starvation leads to; who waited through it waits on."""
    street = Street(safety, maximum_red_s=20.0)
    street.occupied = {"crossing.side.stop_line"}
    street.watch([0, 5, 10, 15], "Gr", A, local=True)
    assert street.ask(20, "Gr", A, A, local=True) == GRANTED
    assert street.ask(25, "Gr", A, A) == STARVED


def test_each_junction_has_its_own_maximum_red(safety: ModuleType) -> None:
    """Never below its own plan's longest red, so that it may be one each; the other is left alone."""
    both = Street(safety, crossing(), protected_left(), maximum_red_s=[40.0, 20.0])
    both.occupied = {"crossing.side.stop_line", "left.side.stop_line"}
    said = []
    for time_s in range(0, 45, 5):
        command = both.permit(both.snapshot(time_s, Shown("Gr", A), Shown("Ggrr", A)), [GO, GO], [A, A])
        said.append((command.reason(0) == STARVED, command.reason(1) == STARVED))
    assert said == [(False, False)] * 4 + [(False, True)] * 4 + [(True, True)]


def test_waits_that_cannot_be_read_starve_nobody(safety: ModuleType) -> None:
    """Loops or calls of a wrong shape or kind say nothing, not even what they said before."""
    for field, wrong in (
        ("presence", np.array([math.nan] * 4)),
        ("presence", np.array([True])),
        ("healthy", np.ones(4)),
        ("healthy", np.array([True])),
        ("calls", np.ones((1, 2))),
        ("calls", np.ones((2, 1), bool)),
    ):
        street = Street(safety, maximum_red_s=20.0)
        street.calls = {(0, 1)} if field == "calls" else set()
        street.occupied = set() if field == "calls" else {"crossing.side.stop_line"}
        street.watch([0, 5, 10, 15], "Gr", A)
        snapshot = street.snapshot(20.0, Shown("Gr", A))
        object.__setattr__(snapshot, field, wrong)
        assert street.permit(snapshot, [GO], [A]).reason(0) == GRANTED
        assert street.ask(25, "Gr", A, A) == STARVED


def test_a_wait_counts_only_what_was_seen(safety: ModuleType) -> None:
    """Not the leap of a clock."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0)
    assert street.ask(500, "Gr", A, A) == CLOCK
    assert [street.ask(time_s, "Gr", A, A) for time_s in (505, 510, 515, 520)] == [GRANTED] * 4
    assert street.ask(525, "Gr", A, A) == STARVED


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


near_ms = st.sampled_from([-1000, -2, -1, 0, 1, 2, 1000])
readings = st.integers(1, 20)
paces_ms = st.integers(200, 9_000)


@given(readings, paces_ms, near_ms)
def test_any_minimum_green_at_any_pace(count: int, pace_ms: int, off_ms: int) -> None:
    """Granted exactly when the green was seen for its minimum."""
    minimum_ms = max(count * pace_ms + off_ms, 0)
    made = junction("j", {"a": (minimum_ms / 1000, 3, 1), "b": (5, 3, 1)}, {"A": "Gr", "B": "rG"}, {("a", "b"): ()})
    street = Street(signals.safety, made)
    street.watch([k * pace_ms / 1000 for k in range(count)], "Gr", A)
    assert (street.ask(count * pace_ms / 1000, "Gr", A, B) == GRANTED) == (count * pace_ms >= minimum_ms)


@given(readings, paces_ms, near_ms)
def test_any_yellow_and_clearance_at_any_pace(count: int, pace_ms: int, off_ms: int) -> None:
    """Tripped exactly when what was seen cannot have been as long as it must be."""
    yellow_ms = max(count * pace_ms + off_ms, 0)
    for rows, said, times in (("yr", YELLOW, (yellow_ms / 1000, 0.0)), ("rr", CLEARANCE, (0.0, yellow_ms / 1000))):
        made = junction("j", {"a": (5, *times), "b": (5, 3, 1)}, {"A": "Gr", "B": "rG"}, {("a", "b"): ()})
        street = Street(signals.safety, made)
        street.watch([0.0, pace_ms / 1000], "Gr", A)
        street.watch([(k + 1) * pace_ms / 1000 for k in range(1, count)], rows, NONE)
        after = "rr" if said == YELLOW else "rG"
        tripped = street.ask((count + 1) * pace_ms / 1000, after, NONE, mode=HOLD) == said
        assert tripped == (count * pace_ms < yellow_ms)


@given(
    st.sampled_from([crossing, protected_left, turn_on_red]),
    st.lists(
        st.tuples(st.sampled_from([0.25, 1.0, 3.0, 5.0, 9.75]), st.integers(-1, 4), st.integers(0, 3)), max_size=60
    ),
)
def test_any_sequence_of_requests_is_safe(made: Any, requests: list[tuple[float, int, int]]) -> None:
    """Through a truthful plant: no violation, and no trip."""
    plant = FakePlant([made()])
    interlock = signals.safety.Interlock(plant.layout)
    none = np.zeros(1)
    for spacing_s, stage, mode in requests:
        plant.wait(spacing_s)
        snapshot = plant.read()
        decision = Decision(
            snapshot.time_s, np.array([mode], np.int8), np.array([stage]), none.astype(int), none, ("",)
        )
        command = interlock.permit(snapshot, decision)
        assert not command.reason(0).startswith("tripped")
        plant.apply(command)
    plant.wait(30.0)
    assert check(plant.layout.intersections[0], *plant.recorded(0)) == []
