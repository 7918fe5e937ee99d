"""The controller unit, by what it shows and what it logs."""

import dataclasses

import pytest

from field.virtual.checker import check
from field.virtual.machine import ControlStatus, FlashStatus, Machine, PreemptState, Settings
from field.virtual.monitor import Monitor
from field.virtual.tables import tables_of
from signals.errors import ConfigError
from signals.intersection import Aspect, Stage
from tests.field.virtual.built import FIRST, LEFTS, PLAN, SIDE, crossroads, greens, run, unit

FREE, FLASH = 254, 255


def begun(events: list[tuple], code: int = 1) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for time_s, event, n in events:
        if event == code:
            found.setdefault(n, []).append(time_s)
    return found


def free(machine: Machine) -> Machine:
    machine.set_pattern(FREE)
    machine.controls.backup_time_s = 0
    return machine


def status(machine: Machine) -> tuple[int, int, int]:
    """Who commands, how it flashes, where a preemption is; asked for anew each time."""
    return machine.status, machine.flash, machine.preempt_state


def masks(machine: Machine, **groups: set[int]) -> None:
    for name, numbers in groups.items():
        for group in (1, 2):
            bits = sum(1 << (n - 1) for n in numbers)
            machine.set_control(name, group, bits >> 8 * (group - 1) & 0xFF)


def test_the_local_plan_keeps_the_splits_and_the_offset():
    """Left to itself the unit shows the plan's stages at the plan's seconds, cycle after cycle."""
    events = run(unit(), 300)
    starts = begun(events)
    assert starts[1][1:] == starts[5][1:] == [90, 170, 250]
    assert starts[2][:2] == [50, 130]
    assert starts[3][1:] == [142, 222]
    assert begun(events, 8)[1] == [41, 121, 201, 281]  # the crossing clears for 9 s
    assert check(crossroads(), events) == []


def test_two_plans_follow_the_time_of_day():
    second = PLAN.model_copy(update={"from_s": 100.0, "offset_s": 0.0})
    machine = Machine(tables_of(crossroads(), (PLAN, second)), unit().settings, 0.0)
    before = run(machine, 99)
    assert machine.coordinator.status == 1
    events = run(machine, 400)
    assert machine.coordinator.status == 2
    assert begun(events)[1][-2:] == [320, 400]
    assert check(crossroads(), before + events) == []


def test_a_clock_that_jumps_cuts_nothing_and_the_plan_is_found_again():
    machine = unit()
    events = run(machine, 100)
    for jump_s in (-3600.0, 17.0, 3600.0, -33.0):
        machine.step_clock(jump_s)
        events += run(machine, machine.time_s + 200)
    assert check(crossroads(), events) == []
    assert (begun(events)[1][-1] + machine.clock_offset_s - 10) % 80 == pytest.approx(0)


def test_free_operation_rests_where_nobody_waits_and_gaps_out_where_somebody_does():
    machine = free(unit())
    run(machine, 60, calling=[1])
    assert greens(machine) == {1, 5}
    machine.tick(60.1, [int(d.table.name) == 3 for d in machine.detectors])
    events = run(machine, 70, calling=[3])
    assert begun(events, 4)[1][0] == pytest.approx(62.4, abs=0.2)
    assert greens(machine) == {3, 7}


def test_a_conflicting_call_ends_even_a_busy_green_at_its_maximum():
    machine = free(unit())
    run(machine, 30, calling=[1])
    events = run(machine, 120, calling=[1, 3])
    assert begun(events, 5)[1] == [pytest.approx(30 + machine.phases[1].table.maximum_s, abs=0.2)]


def test_force_off_waits_for_the_minimum_green_and_clears_itself():
    """NTCIP 1202 phaseControlGroupForceOff: the bit is reset as the green terminates."""
    machine = free(unit())
    run(machine, 11, calling=[1])
    masks(machine, vehicle_call={3, 7}, force_off={1, 5})
    events = run(machine, 11.5, calling=[1])
    assert begun(events, 7) == {}
    events = run(machine, 20, calling=[1])
    assert begun(events, 6)[1] == [14.0]
    assert machine.controls.masks["force_off"] == 0
    assert greens(machine) == {3, 7}


def test_force_off_alone_does_nothing():
    """Without a serviceable conflicting call the phase rests in green (TS 2)."""
    machine = free(unit())
    run(machine, 20, calling=[1])
    masks(machine, force_off={1, 5})
    run(machine, 60, calling=[1])
    assert greens(machine) == {1, 5}
    assert machine.controls.masks["force_off"] == 0b10001


def test_hold_keeps_the_green_and_omit_keeps_a_phase_away():
    machine = free(unit())
    run(machine, 20, calling=[1])
    masks(machine, hold={1, 5}, omit={2, 6})
    run(machine, 100, calling=[2, 3])
    assert greens(machine) == {1, 5}
    masks(machine, hold=set())
    events = run(machine, 150, calling=[2, 3])
    assert 3 in begun(events)
    assert not {2, 6} & set(begun(events))


def test_who_is_starved_for_two_cycles_is_served_whatever_the_central_holds():
    machine = free(unit())
    run(machine, 20, calling=[1])
    masks(machine, hold={1, 5}, omit={3, 7})
    bound_s = 2 * machine.rings.cycle_s
    events = run(machine, 20 + bound_s + 60, calling=[3])
    assert begun(events, 174) == {1: [pytest.approx(20 + bound_s, abs=0.3)], 0: [pytest.approx(24 + bound_s, abs=9)]}
    assert 3 in begun(events)
    assert machine.controls.masks["hold"] == 0
    assert status(machine)[0] == ControlStatus.BACKUP


@pytest.mark.parametrize("last", ["hold", "pattern", "zeros"])
def test_without_a_set_of_a_control_the_unit_is_in_backup_after_its_time(last: str):
    """NTCIP 1202 unitBackupTime; a SET that writes zeros re-arms it too."""
    machine = unit(backup_time_s=15)
    run(machine, 20)
    machine.set_pattern(FREE)
    masks(machine, hold={1, 5}, omit={3})
    run(machine, 30)
    assert status(machine)[0] == ControlStatus.SYSTEM
    if last == "pattern":
        machine.set_pattern(FREE)
    else:
        masks(machine, hold={1, 5} if last == "hold" else set())
    run(machine, 44.9)
    assert machine.controls.pattern == FREE
    run(machine, 45.1)
    assert status(machine)[0] == ControlStatus.BACKUP
    assert machine.controls.pattern == 0
    assert set(machine.controls.masks.values()) == {0}
    assert machine.coordinator.status == 1


def test_a_backup_time_of_zero_never_runs_out():
    machine = unit(backup_time_s=0)
    machine.set_pattern(FREE)
    run(machine, 600)
    assert status(machine)[0] == ControlStatus.SYSTEM


def test_walk_and_its_clearance_are_never_cut():
    machine = free(unit())
    run(machine, 10, calling=[3])
    run(machine, 12, calling=[1], pressed=[9])
    masks(machine, vehicle_call={3, 7}, force_off={1, 5, 9})
    events = run(machine, 60)
    walk, change, over = (begun(events, code)[9][0] for code in (21, 22, 23))
    assert change - walk == pytest.approx(8)
    assert over - change == pytest.approx(9)
    assert begun(events)[3][0] >= over


def test_a_permissive_display_has_its_own_yellow_and_nobody_starts_into_it():
    machine = free(unit())
    run(machine, 10, calling=[1])
    assert machine.lamps["2"] == Aspect.PERMISSIVE
    assert machine.lamps["1"] == Aspect.GREEN
    masks(machine, vehicle_call={3}, force_off={1, 5})
    events = run(machine, 20)
    assert begun(events, 33)[2] == begun(events, 8)[1]
    assert begun(events)[3][0] == pytest.approx(begun(events, 33)[2][0] + 4)


@pytest.mark.parametrize("when_s", [8.0, 12.0, 47.0, 49.5, 53.0, 64.5])
def test_a_preemption_goes_through_every_clearance_and_gives_back(when_s: float):
    machine = unit()
    events = run(machine, when_s)
    machine.preempt_input = 3
    masks(machine, hold={1, 5}, omit={3, 7})
    events += run(machine, when_s + 60)
    assert status(machine)[2] == PreemptState.DWELL
    assert greens(machine) == SIDE
    machine.preempt_input = 0
    masks(machine, hold=set(), omit=set())
    events += run(machine, when_s + 260)
    assert status(machine)[2] == PreemptState.NOT_ACTIVE
    assert [e[1] for e in events if e[1] in (102, 105, 107, 104, 111)] == [102, 105, 107, 104, 111]
    assert check(crossroads(), events) == []


def test_a_conflict_in_the_lamps_is_latched_flash_until_somebody_comes():
    machine = unit()
    run(machine, 20)
    machine.stuck_lamps = {"3": Aspect.GREEN}
    events = run(machine, 21)
    assert [t for t, code, status in events if (code, status) == (173, FlashStatus.MMU)] == [20.5]
    assert set(machine.lamps.values()) == {Aspect.DARK}
    machine.stuck_lamps = {}
    run(machine, 100)
    assert status(machine)[1] == FlashStatus.MMU
    machine.reset_monitor()
    run(machine, 310)
    assert status(machine)[1] == FlashStatus.NOT_FLASH
    assert greens(machine)


def test_the_monitor_finds_what_the_unit_does_wrong():
    """It watches lamps only: a clearance that the unit was told too short, and a yellow that the lamps leave out."""
    tables = tables_of(crossroads(), (PLAN,))
    hasty = {n: dataclasses.replace(p, red_clearance_s=0.0, pedestrian_clear_s=0.0) for n, p in tables.phases.items()}
    machine = Machine(dataclasses.replace(tables, phases=hasty, overlaps=()), unit().settings, 0.0)
    machine.monitor = Monitor(tables)
    run(machine, 100)
    assert status(machine)[1] == FlashStatus.MMU
    assert machine.monitor.fault.startswith("short clearance: signal group ")
    machine = unit()
    run(machine, 41.5)
    machine.stuck_lamps = {"1": Aspect.RED}
    run(machine, 43)
    assert machine.monitor.fault == "short yellow: signal group 1"


def test_stop_time_holds_every_interval():
    machine = unit()
    run(machine, 42)
    machine.stop_time = True
    assert begun(run(machine, 142), 9) == {}
    machine.stop_time = False
    events = run(machine, 160)
    assert begun(events, 9)[1] == [144.0]


def test_manual_control_goes_on_by_its_button_only():
    machine = free(unit())
    machine.manual = True
    run(machine, 60, calling=[1, 3])
    assert status(machine)[0] == ControlStatus.MANUAL
    assert greens(machine) == {1, 5}
    machine.advance()
    run(machine, 120, calling=[1, 3])
    assert greens(machine) == {3, 7}


def test_automatic_flash_waits_for_red_and_leaves_through_red():
    machine = unit(backup_time_s=0)
    before = run(machine, 20)
    machine.set_pattern(FLASH)
    events = run(machine, 60)
    assert begun(events, 173) == {FlashStatus.AUTOMATIC: [pytest.approx(29, abs=6)]}
    machine.set_pattern(0)
    events += run(machine, 200)
    assert begun(events)[1]
    assert check(crossroads(), before + events) == []


def test_a_unit_that_starts_flashes_first_and_forgets_what_was_asked():
    machine = unit(start_up_flash_s=8.0)
    assert status(machine)[1] == FlashStatus.STARTUP
    run(machine, 30)
    masks(machine, hold={1, 5})
    machine.power_up()
    assert machine.up_s == 0
    assert machine.controls.masks["hold"] == 0
    run(machine, 37)
    assert status(machine)[1] == FlashStatus.STARTUP
    run(machine, 38.2)
    assert status(machine)[1] == FlashStatus.NOT_FLASH


def test_rings_follow_from_the_stages():
    """Phases that a stage shows together are concurrent and in rings apart; those that only ever yield are off."""
    tables = tables_of(crossroads(), (PLAN,))
    assert tables.stages == (FIRST, LEFTS, SIDE)
    assert tables.disabled == (4, 8)
    assert {n: p.ring for n, p in tables.phases.items()} == {1: 1, 2: 1, 3: 1, 5: 2, 6: 2, 7: 2, 9: 3}
    assert all(n in tables.phases[m].concurrency for n, p in tables.phases.items() for m in p.concurrency)
    assert {d.call_phase for d in tables.detectors if d.name in ("4", "8")} <= SIDE


def test_what_does_not_fit_rings_is_refused_in_one_line():
    built = crossroads()
    part = Stage(name="D", phases=(1,), minimum_green_s=5)
    with pytest.raises(ConfigError, match=r"junction X: the phases of stages A and D are .* must not contain"):
        tables_of(crossroads(stages=[*built.stages, part]))
    with pytest.raises(ConfigError, match="cycle 300 s, must be at most 255 s"):
        long = [split.model_copy(update={"split_s": 100.0}) for split in PLAN.splits]
        tables_of(built, (PLAN.model_copy(update={"splits": tuple(long)}),))


def test_without_local_calls_only_a_central_calls():
    """The loops report and extend nothing; a phase that nobody calls is not served, the local plan is as ever."""
    machine = Machine(tables_of(crossroads(), (PLAN,), local_calls=False), Settings(0), 0.0)
    assert greens_of_plan(machine)
    machine.set_pattern(FREE)
    run(machine, machine.time_s + 60, calling=[1, 2, 3])
    resting = greens(machine)
    masks(machine, vehicle_call=set(SIDE - resting or FIRST))
    run(machine, machine.time_s + 30, calling=[1, 2, 3])
    assert greens(machine) in (set(SIDE), set(FIRST))
    assert greens(machine) != resting


def greens_of_plan(machine: Machine) -> bool:
    return set(begun(run(machine, 100))) == set(machine.phases)
