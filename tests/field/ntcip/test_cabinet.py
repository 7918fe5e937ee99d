"""An NTCIP cabinet is a plant: it is asked for stages and confirms them; what it is not asked for it never gets."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from field.cabinet import Commander, Level
from field.ntcip import objects
from field.ntcip.cabinet import NtcipCabinet
from field.ntcip.objects import may_write
from field.site import Site
from field.site_file import built, load
from signals.errors import PlantError
from signals.intersection import Aspect
from signals.layout import Layout, layout
from signals.values import TRANSITION, Command, Mode, Snapshot
from tests.field.ntcip.unit import Memory, Unit, bits, refuse

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/sites/single.toml"
A, B, C = 0, 1, 2


@cache
def place() -> Layout:
    return layout([built(load(EXAMPLE))[0]])


def site(level: Level = Level.HOLD, **changes: object) -> Site:
    values = load(EXAMPLE).model_dump() | {"level": level} | changes
    values["cabinet"]["actuation_polls_per_s"] = 0
    return Site.model_validate(values)


class Street:
    """A unit, its cabinet, and seconds."""

    def __init__(self, level: Level = Level.HOLD, unit: Unit | None = None, **changes: object) -> None:
        self.unit = unit or Unit()
        self.cabinet = NtcipCabinet(
            site(level, **changes), place(), lambda: float(self.unit.time_s), connect=lambda: Memory(self.unit)
        )
        self.snapshot = self.cabinet.read()
        self.beats = True

    def step(self, mode: Mode = Mode.HOLD, stage: int = 0) -> Snapshot:
        self.unit.step()
        self.snapshot = self.cabinet.read()
        now_s = self.snapshot.time_s
        command = Command(
            now_s, now_s + 5.0, np.array([mode], np.int8), np.array([stage]), np.zeros(1, np.int64), ("granted",)
        )
        self.cabinet.apply(command)
        if self.beats and now_s % 5 == 0:
            self.cabinet.renew()
        return self.snapshot

    def go(self, stage: int, seconds: int = 30) -> Iterator[Snapshot]:
        for _ in range(seconds):
            yield self.step(Mode.GO, stage)


def stages(street: Street, stage: int, seconds: int = 30) -> list[int]:
    return [int(snapshot.stage[0]) for snapshot in street.go(stage, seconds)]


@pytest.mark.parametrize("wanted", [(B,), (C,), (B, A), (C, B, A, C)])
def test_a_stage_that_is_asked_for_comes_about_and_stays(wanted: tuple[int, ...]):
    """Confirmed by read-back, through a transition, and held for as long as it is asked for."""
    street = Street()
    street.cabinet.engage()
    for stage in wanted:
        seen = stages(street, stage)
        assert TRANSITION in seen
        assert set(seen[-10:]) == {stage}


def test_aspects_are_read_back_with_yielding_heads():
    """A permissive head shows with its stage, is yellow with it, and is red beside another."""
    street = Street()
    groups = [g.id for g in place().intersections[0].signal_groups]
    assert street.snapshot.aspects[0, groups.index("2")] == Aspect.PERMISSIVE
    street.cabinet.engage()
    shown = [s.aspects[0].tolist() for s in street.go(C)]
    two = groups.index("2")
    assert [row[two] for row in shown if row[groups.index("1")] == Aspect.YELLOW] == [Aspect.YELLOW] * 3
    assert shown[-1][two] == Aspect.RED
    assert shown[-1][groups.index("4")] == Aspect.PERMISSIVE


def test_calls_and_omits_come_before_the_force_off():
    """A phase without a conflicting serviceable call would rest in green."""
    street = Street()
    street.cabinet.engage()
    list(street.go(A, 8))
    street.unit.sets.clear()
    street.step(Mode.GO, C)
    columns = [oid.rsplit(".", 1)[0] for oid, value in street.unit.sets]
    assert columns == [what.oid for what in (objects.VEH_CALL, objects.PHASE_OMIT, objects.HOLD, objects.FORCE_OFF)]
    assert dict(street.unit.sets)[objects.PHASE_OMIT.at(1)] == bits(1, 2, 5, 6)


def test_a_spent_force_off_is_never_set_again():
    """Neither by a later decision nor by the heartbeat; its effect is told as its confirmation."""
    street = Street()
    street.cabinet.engage()
    for _ in street.go(C):
        street.cabinet.renew()
    forced = [value for oid, value in street.unit.sets if oid == objects.FORCE_OFF.at(1) and value]
    assert forced == [bits(1, 5)]
    told = [w for w in street.cabinet.writes() if w.oid == objects.FORCE_OFF.at(1) and w.value != "0"]
    assert [w.confirmed for w in told] == [None, True]


def test_nothing_is_written_in_shadow():
    """Whatever is commanded, by the count of SETs at the unit; and it cannot be engaged."""
    street = Street(Level.SHADOW)
    list(street.go(C))
    with pytest.raises(PlantError, match="level = shadow, must be"):
        street.cabinet.engage()
    street.cabinet.renew()
    street.cabinet.release()
    assert street.unit.sets == []
    assert street.snapshot.local[0]


@pytest.mark.parametrize("level", list(Level))
def test_nothing_is_written_before_engaging_and_after_release(level: Level):
    """Release clears what is ours once, then there is silence."""
    street = Street(level, patterns=({"number": 2, "shares": {"A": 1.0}},))
    list(street.go(C))
    assert street.unit.sets == []
    if level == Level.SHADOW:
        return
    street.cabinet.engage()
    list(street.go(C))
    street.unit.sets.clear()
    assert street.cabinet.release()
    assert {value for _, value in street.unit.sets} == {0}
    street.unit.sets.clear()
    list(street.go(A))
    street.cabinet.renew()
    assert street.cabinet.release()
    assert street.unit.sets == []


@pytest.mark.parametrize("level", [Level.CALLS, Level.HOLD])
def test_it_runs_free_while_engaged(level: Level):
    """254 while it is ours, 0 to give it back; the masks are zeroed before, which arms the backup timer."""
    street = Street(level)
    street.cabinet.engage()
    assert [oid for oid, _ in street.unit.sets[:6]] == [mask.at(1) for mask in objects.MASKS]
    assert street.unit.of(objects.SYSTEM_PATTERN_CONTROL) == 254
    street.step()
    assert street.cabinet.status().command == Commander.OURS
    assert not street.snapshot.local[0]
    street.cabinet.release()
    assert street.unit.of(objects.SYSTEM_PATTERN_CONTROL) == 0
    street.step()
    assert street.cabinet.status().command == Commander.LOCAL


def test_level_calls_sets_calls_alone():
    """No hold, no omit, no force-off: the cabinet ends its greens itself."""
    street = Street(Level.CALLS)
    street.cabinet.engage()
    street.unit.sets.clear()
    assert C in stages(street, C)
    assert {oid for oid, _ in street.unit.sets} == {objects.VEH_CALL.at(1), objects.SYSTEM_PATTERN_CONTROL.at(0)}


def test_level_pattern_calls_the_pattern_that_fits():
    """The one whose shares are nearest to what was wished for, at most every five minutes."""
    patterns = (
        {"number": 3, "shares": {"A": 0.8, "B": 0.1, "C": 0.1}},
        {"number": 4, "shares": {"A": 0.1, "B": 0.1, "C": 0.8}},
    )
    street = Street(Level.PATTERN, patterns=patterns)
    street.cabinet.engage()
    street.beats = False
    street.unit.put(objects.UNIT_BACKUP_TIME, 600)
    list(street.go(C, 310))
    assert [value for oid, value in street.unit.sets if oid == objects.SYSTEM_PATTERN_CONTROL.at(0)] == [0, 4]
    street.unit.sets.clear()
    street.beats = False
    list(street.go(A, 280))
    assert street.unit.sets == []


def test_the_heartbeat_keeps_it():
    """Without it the unit's backup timer runs out, what was ours is gone, and nothing is written into its own plan."""
    street = Street()
    street.cabinet.engage()
    list(street.go(A, 60))
    assert street.cabinet.status().command == Commander.OURS
    street.beats = False
    list(street.go(A, 20))
    assert street.cabinet.status().command == Commander.BACKUP
    street.unit.sets.clear()
    street.beats = True
    list(street.go(C, 20))
    assert street.unit.sets == []
    assert street.snapshot.local[0]


def test_an_expired_command_gives_the_street_back():
    """A plant whose command is not renewed returns to its own plan."""
    street = Street()
    street.cabinet.engage()
    list(street.go(C))
    for _ in range(8):
        street.unit.step()
        snapshot = street.cabinet.read()
    assert street.unit.of(objects.SYSTEM_PATTERN_CONTROL) == 0
    assert street.unit.of(objects.HOLD, 1) == 0
    assert snapshot.local[0]


def test_a_release_by_command_can_be_taken_back():
    """The interlock may give the street back for a while."""
    street = Street()
    street.cabinet.engage()
    list(street.go(C))
    for _ in range(3):
        assert street.step(Mode.RELEASE) is not None
    assert street.snapshot.local[0]
    assert set(stages(street, B)[-5:]) == {B}
    assert not street.snapshot.local[0]


def test_who_is_overdue_is_served_whatever_is_held():
    """Whoever has called for longer than the site's max_red_s comes next, and not only when the cabinet likes to."""
    street = Street(phase_limits=({"phase": 2, "max_red_s": 30},))
    street.cabinet.engage()
    list(street.go(A, 5))
    street.unit.put(objects.VEH_CALLS, bits(2, 3), 1)
    assert set(stages(street, A, 30)) == {A}
    street.step(Mode.GO, A)
    street.step(Mode.GO, A)
    asked = {what: street.unit.of(what, 1) for what in (objects.FORCE_OFF, objects.VEH_CALL, objects.PHASE_OMIT)}
    assert asked == {objects.FORCE_OFF: bits(1, 5), objects.VEH_CALL: bits(2), objects.PHASE_OMIT: bits(1, 3, 5, 7)}
    assert street.unit.of(objects.HOLD, 1) == 0
    assert TRANSITION in stages(street, A, 3)


def test_who_has_waited_for_most_of_the_longest_red_comes_in_passing():
    """From four fifths of it on, a change of stage does not omit him; what stands is not ended for him."""
    street = Street(phase_limits=({"phase": 2, "max_red_s": 30},))
    street.cabinet.engage()
    list(street.go(A, 5))
    street.unit.put(objects.VEH_CALLS, bits(2), 1)
    assert set(stages(street, A, 26)) == {A}
    street.step(Mode.GO, C)
    assert street.unit.of(objects.PHASE_OMIT, 1) == bits(1, 5, 6)


def test_an_overdue_phase_is_not_omitted():
    """On the way to another stage it may come first."""
    street = Street(phase_limits=({"phase": 2, "max_red_s": 30},))
    street.cabinet.engage()
    list(street.go(A, 5))
    street.unit.put(objects.VEH_CALLS, bits(2), 1)
    list(street.go(A, 31))
    street.step(Mode.GO, C)
    assert street.unit.of(objects.PHASE_OMIT, 1) == bits(1, 5, 6)


def test_who_has_waited_before_us_has_waited():
    """Taking the cabinet, or standing down, begins nobody's wait anew: its own timer of starvation goes on."""
    street = Street()
    street.unit.put(objects.VEH_CALLS, bits(3), 1)
    street.step()
    before = dict(street.cabinet._masks._call_since)
    assert 3 in before
    street.cabinet.engage()
    assert street.cabinet._masks._call_since == before


def test_who_calls_when_we_come_has_waited_for_some_time_already():
    """The cabinet's timer of starvation began before us: he is overdue in half the time."""
    unit = Unit()
    unit.put(objects.VEH_CALLS, bits(3), 1)
    first, later = Street(unit=unit), Street()
    later.unit.put(objects.VEH_CALLS, bits(3), 1)
    later.step()
    longest_s = first.cabinet._masks._limits[3].max_red_s
    assert first.cabinet._masks._call_since[3] == -longest_s / 2
    assert later.cabinet._masks._call_since[3] == 1.0


def test_nobody_waits_until_the_cabinet_calls_it_a_fault():
    """Two of its cycles of longest greens, less a fifth, whatever the site allows."""
    long = tuple({"phase": n, "max_green_s": 600, "max_red_s": 600} for n in (1, 2, 5))
    street = Street(phase_limits=long)
    street.cabinet.engage()
    list(street.go(A, 5))
    street.unit.put(objects.VEH_CALLS, bits(2), 1)
    two_cycles_s = 2 * 3 * (40 + 3 + 2)
    assert set(stages(street, A, int(0.8 * two_cycles_s))) == {A}
    assert TRANSITION in stages(street, A, 3)


def test_a_green_is_not_held_longer_than_the_site_allows():
    """When somebody else waits, hold and omits are dropped and the cabinet goes on by itself."""
    street = Street(phase_limits=({"phase": 1, "max_green_s": 30},))
    street.cabinet.engage()
    street.unit.put(objects.VEH_CALLS, bits(3), 1)
    assert set(stages(street, A, 29)) == {A}
    assert TRANSITION in stages(street, A, 11)


def test_a_force_off_waits_for_walking_pedestrians():
    """Walk and clearance are never cut."""
    street = Street()
    street.cabinet.engage()
    list(street.go(A, 8))
    street.unit.put(objects.WALKS, bits(1), 1)
    list(street.go(C, 3))
    forced = [value for oid, value in street.unit.sets if oid == objects.FORCE_OFF.at(1) and value]
    assert forced == [bits(5)]


@pytest.mark.parametrize(
    ("what", "value", "said"),
    [
        (objects.UNIT_FLASH_STATUS, 6, "flash: MMU"),
        (objects.UNIT_FLASH_STATUS, 5, "flash: fault monitor"),
        (objects.UNIT_CONTROL_STATUS, 5, "manual control"),
        (objects.UNIT_CONTROL_STATUS, 9, "remote manual control"),
        (objects.UNIT_CONTROL_STATUS, 10, "local manual control"),
        (objects.UNIT_ALARM_2, 1 << 4, "stop time"),
        (objects.UNIT_ALARM_1, 1 << 4, "alarm: MMU flash"),
        (objects.UNIT_ALARM_1, 1 << 3, "alarm: cycle fail"),
    ],
)
def test_what_an_operator_has_to_see_to_locks_out(what: objects.Object, value: int, said: str):
    """Flash, manual control, stop time, and the cabinet's own alarm of starvation."""
    street = Street()
    street.unit.put(what, value)
    street.cabinet.read()
    assert street.cabinet.status().lockout == said


@pytest.mark.parametrize("state", range(1, 10))
def test_a_preemption_is_left_alone(state: int):
    """From its call on, until its exit is over."""
    street = Street()
    street.unit.put(objects.PREEMPT_STATE, state, 1)
    street.cabinet.read()
    assert bool(street.cabinet.status().hands_off) == (state >= 3)


@pytest.mark.parametrize(
    ("greens", "yellows", "reds", "said"),
    [
        (bits(1, 3), 0, bits(2, 5, 6, 7), "conflict: phases 1 and 3 are green together"),
        (bits(1, 5), bits(1), bits(2, 3, 6, 7), "conflict: phase 1 shows two colours"),
        (bits(1, 5), 0, bits(2, 3, 6), "conflict: phase 7 shows nothing"),
    ],
)
def test_a_green_conflict_locks_out(greens: int, yellows: int, reds: int, said: str):
    """As a second opinion; the cabinet has a monitor of its own."""
    street = Street()
    for what, mask in ((objects.GREENS, greens), (objects.YELLOWS, yellows), (objects.REDS, reds)):
        street.unit.put(what, mask, 1)
    street.cabinet.read()
    assert street.cabinet.status().lockout == said


def test_lamps_of_two_moments_are_no_conflict():
    """An agent tells one object after another; what changed in between is read again."""
    street = Street()
    street.unit.put(objects.YELLOWS, bits(1, 5), 1)  # greens were told before they ended
    reads = 0

    def settle(verb: str, _: object) -> None:
        nonlocal reads
        reads += verb == "get"
        if reads == 2:
            street.unit.put(objects.GREENS, 0, 1)

    street.unit.fault = settle
    street.cabinet.read()
    assert street.cabinet.status().lockout == ""


def test_a_reboot_is_noticed():
    """By an up-time that went back; a wrap after 497 days is none."""
    street = Street()
    street.unit.put(objects.SYS_UP_TIME, 2**32 - 50)
    street.cabinet.read()
    street.unit.put(objects.SYS_UP_TIME, 50)
    street.cabinet.read()
    assert not street.cabinet.status().rebooted
    street.unit.put(objects.SYS_UP_TIME, 10)
    street.cabinet.read()
    assert street.cabinet.status().rebooted


@pytest.mark.parametrize(("what", "row"), [(objects.SYSTEM_PATTERN_CONTROL, 0), (objects.HOLD, 1)])
@pytest.mark.parametrize("engaged", [True, False])
def test_another_central_is_noticed(what: objects.Object, row: int, engaged: bool):
    """Whatever is in force that we have not set."""
    street = Street()
    if engaged:
        street.cabinet.engage()
    street.unit.put(what, 7, row)
    street.cabinet.read()
    assert street.cabinet.status().command == Commander.OTHER


@pytest.mark.parametrize("what", [objects.HOLD, objects.VEH_CALL, objects.PHASE_OMIT])
def test_a_set_that_does_not_take_is_an_error_at_the_second_try(what: objects.Object):
    """Acknowledged, and not so when it is read back."""
    street = Street()
    street.cabinet.engage()
    street.unit.ignores = {what.at(1)}
    with pytest.raises(PlantError, match=rf"{what.name}.1 = \d+ was not taken, twice"):
        list(street.go(C))


def test_a_force_off_without_effect_is_tried_once_more_from_a_cleared_bit():
    """And then is an error that names the stage."""
    street = Street()
    street.cabinet.engage()
    street.unit.ignores = {objects.FORCE_OFF.at(1)}
    street.unit.since_s = 10**6  # never reaches its minimum green
    with pytest.raises(PlantError, match=r"stage C: phases \[3, 7\] are not green"):
        list(street.go(C, 60))
    forced = [value for oid, value in street.unit.sets if oid == objects.FORCE_OFF.at(1)]
    assert forced == [0, bits(1, 5), 0, bits(1, 5)]


def test_engaging_a_cabinet_that_refuses_lets_go_again():
    """Nothing of ours is left behind."""
    street = Street()
    street.unit.ignores = {objects.SYSTEM_PATTERN_CONTROL.at(0)}
    with pytest.raises(PlantError, match="systemPatternControl = 254 was not taken, twice"):
        street.cabinet.engage()
    street.unit.sets.clear()
    list(street.go(C))
    assert street.unit.sets == []


def test_release_never_raises_and_does_not_wait_for_a_silent_cabinet():
    """One SET without an answer is enough to know."""
    street = Street()
    street.cabinet.engage()
    asked: list[str] = []

    def silent(verb: str, oids: object) -> None:
        asked.append(verb)
        refuse()

    street.unit.fault = silent
    assert not street.cabinet.release()
    assert asked == ["set"]


def test_sixteen_phases_have_two_groups():
    """Those of the second are zeroed too; a missing lamp of it is an error."""
    street = Street(unit=Unit(groups=2))
    street.cabinet.engage()
    assert {oid for oid, _ in street.unit.sets} >= {mask.at(2) for mask in objects.MASKS}
    assert set(stages(street, C)[-5:]) == {C}
    del street.unit.values[objects.GREENS.at(2)]
    with pytest.raises(PlantError, match=r"has no phaseStatusGroupGreens.2"):
        street.cabinet.read()


@pytest.mark.parametrize("value", [-1, 256, 10**9, b"\x11", b""])
def test_an_impossible_answer_is_an_error(value: int | bytes):
    """Range and kind are the standard's."""
    street = Street()
    street.unit.put(objects.GREENS, value, 1)
    with pytest.raises(PlantError, match=r"phaseStatusGroupGreens = .*, must be 0 to 255"):
        street.cabinet.read()


@pytest.mark.parametrize("instance", [".1", ""])
def test_scalars_are_found_where_they_are(instance: str):
    """Some devices have single ones at 1, or without an instance."""
    unit = Unit()
    for what in (objects.UNIT_BACKUP_TIME, objects.SYSTEM_PATTERN_CONTROL):
        unit.values[what.oid + instance] = unit.values.pop(what.oid + ".0")
    cabinet = NtcipCabinet(site(), place(), lambda: 0.0, connect=lambda: Memory(unit))
    cabinet.read()
    assert cabinet.status().backup_time_s == 15
    cabinet.engage()
    assert unit.values[objects.SYSTEM_PATTERN_CONTROL.oid + instance] == 254


@given(st.lists(st.tuples(st.sampled_from(list(Mode)), st.integers(0, 2), st.integers(0, 9)), max_size=60))
def test_only_what_is_on_the_list_is_ever_set(wishes: list[tuple[Mode, int, int]]):
    """Whatever is asked, in whatever order, engaged, renewed and released at random."""
    street = Street()
    for mode, stage, chance in wishes:
        if chance == 0:
            street.cabinet.engage()
        if chance == 1:
            street.cabinet.release()
        if chance == 2:
            street.cabinet.renew()
        street.step(mode, stage)
    assert all(may_write(oid, value) for oid, value in street.unit.sets)
