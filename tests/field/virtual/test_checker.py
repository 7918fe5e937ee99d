"""A unit that is broken on purpose: the checker, which knows only the log, must notice each time."""

import dataclasses
import itertools

import pytest

from benchmarks.hostile import LEAST_GRANTED, Drill
from field.virtual.checker import Checker, check
from field.virtual.machine import Machine, Settings
from field.virtual.tables import Tables, tables_of
from tests.field.virtual.built import PLAN, crossroads, run

TICKS = 8_000


def broken(changes: dict[int, dict]) -> Tables:
    tables = tables_of(crossroads(), (PLAN,))
    phases = {n: dataclasses.replace(p, **changes.get(n, {})) for n, p in tables.phases.items()}
    return dataclasses.replace(tables, phases=phases)


def rules(tables: Tables, until_s: float = 400) -> set[int]:
    machine = Machine(tables, Settings(), 0.0)
    machine.monitor.fault = "taken out"  # else it flashes before anything can be seen
    return {breach.rule for breach in check(crossroads(), run(machine, until_s, pressed=[9]))}


def test_a_sound_unit_breaks_no_rule():
    assert rules(broken({})) == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({1: {"yellow_change_s": 2.5}}, 5),
        ({5: {"red_clearance_s": 0.5}}, 5),
        ({9: {"pedestrian_clear_s": 6.0}}, 6),
    ],
)
def test_a_table_that_is_keyed_in_wrong_is_noticed(changes: dict[int, dict], rule: int):
    assert rule in rules(broken(changes))


def test_rings_without_barriers_are_noticed():
    """Every phase concurrent with every other, and everybody calls."""
    numbers = frozenset({1, 2, 3, 5, 6, 7, 9})
    loose = {n: {"concurrency": numbers - {n}, "ring": n} for n in numbers}
    machine = Machine(broken(loose), Settings(0), 0.0)
    machine.monitor.fault = "taken out"
    machine.set_pattern(254)
    assert {b.rule for b in check(crossroads(), run(machine, 60, calling=[1, 3]))} == {2}


def test_a_green_that_is_cut_is_noticed():
    tables = broken({1: {"minimum_green_s": 2.0}, 5: {"minimum_green_s": 2.0}})
    machine = Machine(tables, Settings(), 0.0)
    events = run(machine, 9)
    machine.preempt_input = 3
    events += run(machine, 40)
    assert {b.rule for b in check(crossroads(), events)} == {3}


def test_a_cut_walk_is_noticed():
    tables = broken({9: {"minimum_green_s": 3.0}})
    machine = Machine(tables, Settings(), 0.0)
    events = run(machine, 10, pressed=[9])
    machine.preempt_input = 3
    events += run(machine, 40)
    assert 6 in {b.rule for b in check(crossroads(), events)}


def test_rings_that_forget_a_permissive_display_are_noticed():
    tables = broken({})
    short = tuple(dataclasses.replace(o, red_clearance_s=0.0, yellow_change_s=1.0) for o in tables.overlaps)
    silent = tuple(dataclasses.replace(o, blocks=frozenset()) for o in tables.overlaps)
    machine = Machine(dataclasses.replace(tables, overlaps=short), Settings(), 0.0)
    machine.monitor.fault = "taken out"
    assert check(crossroads(), run(machine, 300)) == []  # its hosts clear for longer
    hasty = {n: {"yellow_change_s": 3.0, "red_clearance_s": 0.0} for n in (1, 5)}
    built = crossroads(
        phases=[p.model_copy(update={"red_clearance_s": 0.0}) if p.number in hasty else p for p in crossroads().phases]
    )
    machine = Machine(dataclasses.replace(broken(hasty), overlaps=silent), Settings(0), 0.0)
    machine.monitor.fault = "taken out"
    machine.set_pattern(254)
    assert {b.rule for b in check(built, run(machine, 300, calling=[1, 3]))} == {5}


def test_starvation_is_noticed():
    checker = Checker(crossroads(), longest_wait_s=100)
    for time_s, code, n in [(0, 173, 2), (1, 43, 3), (90, 1, 1), (102, 82, 1)]:
        checker.update(time_s, code, n)
    assert [b.rule for b in checker.breaches] == [4]


@pytest.mark.parametrize(
    ("events", "rule"), [([(5, 1, 4)], 1), ([(5, 1, 12)], 1), ([(5, 8, 1)], 11), ([(5, 33, 2)], 11)]
)
def test_what_no_unit_may_log_is_noticed(events: list[tuple], rule: int):
    assert [b.rule for b in check(crossroads(), [(0, 173, 2), *events])] == [rule]


def test_every_pair_that_conflicts_is_noticed():
    """One after the other, each two phases green together: exactly those that cross without a stage for it."""
    allowed = [{1, 5, 9}, {2, 6}, {3, 7}]
    for a, b in itertools.combinations((1, 2, 3, 5, 6, 7, 9), 2):
        found = check(crossroads(), [(0, 173, 2), (10, 1, a), (20, 1, b)])
        together = any({a, b} <= stage for stage in allowed)
        crossing = any({c.first, c.second} == {str(a), str(b)} for c in crossroads().conflicts)
        assert bool(found) == (crossing and not together), (a, b)


def test_a_hostile_world_breaks_no_rule(capsys: pytest.CaptureFixture[str]):
    """The short form of benchmarks/hostile.py; how much was granted is in the test's output (pytest -s)."""
    drill = Drill(crossroads(), (PLAN,), seed=3)
    for _ in range(TICKS):
        drill.tick()
    with capsys.disabled():
        print(f" {drill.granted} of {drill.requests} requests granted in {TICKS:,} hostile ticks", end="")
    assert drill.checker.breaches == []
    assert drill.checker.greens > 100
    assert drill.granted >= LEAST_GRANTED * drill.requests
