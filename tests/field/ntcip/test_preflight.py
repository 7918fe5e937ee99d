"""What is not as it has to be keeps the site in shadow, and is named."""

from collections.abc import Callable

import pytest
from rich.console import Console

from field.cabinet import Level
from field.check import REFUSED, check
from field.describe import describe
from field.ntcip import objects
from field.ntcip.objects import Object, Value
from field.ntcip.preflight import digest
from field.ntcip.probe import Asking, probe
from field.site_file import built, load
from signals.errors import PlantError
from tests.field.ntcip.test_cabinet import EXAMPLE, Street, site
from tests.field.ntcip.unit import Memory, Unit

OPTIONS, CONCURRENCY, RING = objects.PHASE_OPTIONS, objects.PHASE_CONCURRENCY, objects.PHASE_RING


def refused(*changes: tuple[Object, Value, int], level: Level = Level.HOLD, **more: object) -> list[str]:
    """What refuses, beside the approval, with these objects changed."""
    unit = Unit()
    for what, value, row in changes:
        unit.put(what, value, row)
    street = Street(level, unit, **more)
    return [f.what for f in street.cabinet.preflight() if f.refuses and f.what != "tables' sha256"]


def test_an_orderly_cabinet_is_refused_nothing():
    """And nothing is written to find that out."""
    street = Street()
    assert refused() == []
    street.cabinet.preflight()
    assert street.unit.sets == []


@pytest.mark.parametrize(
    ("backup_s", "fine"), [(0, False), (1, True), (15, True), (30, True), (31, False), (65535, False)]
)
def test_the_backup_time_is_there_and_short(backup_s: int, fine: bool):
    """0 would disable it; the site says how long it may be."""
    assert refused((objects.UNIT_BACKUP_TIME, backup_s, 0)) == ([] if fine else ["unitBackupTime"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ((objects.UNIT_FLASH_STATUS, 6, 0), "state"),
        ((objects.UNIT_CONTROL_STATUS, 5, 0), "state"),
        ((objects.PREEMPT_STATE, 4, 1), "state"),
        ((objects.COORD_OPERATIONAL_MODE, 3, 0), "coordOperationalMode"),
        ((objects.SYSTEM_PATTERN_CONTROL, 7, 0), "systemPatternControl"),
        ((OPTIONS, 0, 2), "phases enabled"),
        ((OPTIONS, 1, 4), None),
        ((OPTIONS, 1, 8), None),
        ((CONCURRENCY, b"", 5), "phaseConcurrency.1"),
        ((CONCURRENCY, bytes((5, 6)), 1), "phaseConcurrency.1"),
        ((RING, 2, 1), "phaseConcurrency.1"),
        ((objects.PHASE_YELLOW_CHANGE, 29, 2), "phase 2: yellow change"),
        ((objects.PHASE_RED_CLEAR, 9, 2), "phase 2: red clear"),
        ((objects.PHASE_MINIMUM_GREEN, 4, 2), "phase 2: minimum green"),
        ((objects.REPORT_PERIOD, 60, 0), "volumeOccupancyPeriod"),
        ((objects.DETECTOR_OPTIONS, 0b01, 7), "channel 7: options"),
        ((objects.MAX_DETECTORS, 17, 0), "channel 18"),
    ],
)
def test_what_is_wrong_is_named(change: tuple[Object, Value, int], named: str | None):
    """A phase of ours that only ever yields may be enabled or not."""
    found = refused(change)
    assert named in found if named else found == []


def test_a_stage_that_the_cabinet_cannot_show_is_refused():
    """Its phases are concurrent with none of it."""
    assert refused((CONCURRENCY, b"", 1), (CONCURRENCY, b"", 5)) == ["stage A"]


def test_a_pattern_that_the_cabinet_has_not_is_refused():
    """Only at the level that calls patterns."""
    patterns = ({"number": 17, "shares": {"A": 1.0}},)
    assert refused(level=Level.PATTERN, patterns=patterns) == ["pattern 17"]
    assert refused(level=Level.HOLD, patterns=patterns) == []


def test_one_ring_is_a_cabinet_too():
    """Stages of one phase each, and a single ring."""
    unit = Unit()
    for n in (5, 6, 7):
        unit.put(OPTIONS, 0, n)
    for n in (1, 2, 3):
        unit.put(CONCURRENCY, b"", n)
    unit.put(objects.MAX_RINGS, 1)
    probed = probe(Asking(Memory(unit), "unit"))
    assert list(probed.phases) == [1, 2, 3]
    assert {phase.ring for phase in probed.phases.values()} == {1}


@pytest.mark.parametrize("what", [objects.SYSTEM_PATTERN_CONTROL, objects.UNIT_BACKUP_TIME, objects.MAX_PHASES])
def test_what_every_cabinet_has_is_missed(what: Object):
    """Whatever answers without it is no NTCIP cabinet."""
    unit = Unit()
    del unit.values[what.at(0)]
    with pytest.raises(PlantError, match=f"has no {what.name}, must have one"):
        Street(unit=unit)


@pytest.mark.parametrize(
    "change",
    [
        lambda unit: unit.put(objects.PHASE_PASSAGE, 30, 2),
        lambda unit: unit.put(CONCURRENCY, bytes((5, 6)), 1),
        lambda unit: unit.put(objects.SEQUENCE_DATA, bytes((2, 1, 3)), 1, 1),
        lambda unit: unit.put(OPTIONS, 0, 7),
    ],
)
def test_any_change_of_the_tables_changes_their_digest(change: Callable[[Unit], None]):
    """So that nobody engages by another timing than the approved one."""
    unit = Unit()
    before = digest(probe(Asking(Memory(unit), "unit")))
    change(unit)
    assert digest(probe(Asking(Memory(unit), "unit"))) != before


def test_approval_is_of_these_tables():
    """Without it the site stays in shadow."""
    unit = Unit()
    street = Street(unit=unit)
    said = {f.what: f for f in street.cabinet.preflight()}["tables' sha256"]
    assert said.refuses
    cabinet = site().cabinet.model_copy(update={"approved": said.value})
    street = Street(unit=unit, cabinet=cabinet.model_dump())
    assert [f.what for f in street.cabinet.preflight() if f.refuses] == []


def test_a_check_says_how_many_refuse(monkeypatch: pytest.MonkeyPatch):
    """As a table, with its exit status; the poll, the look and nothing else reach the cabinet."""
    street = Street()
    monkeypatch.setattr("field.check.connect", lambda *_, **__: street.cabinet)
    console = Console(record=True, width=120)
    assert check(EXAMPLE, console) == REFUSED
    told = console.export_text()
    assert "unitBackupTime" in told
    assert "site single: 1 of 12 keep it in shadow" in told
    assert street.unit.sets == []


@pytest.mark.parametrize("level", list(Level))
def test_a_description_names_what_its_level_writes_and_nothing_else(level: Level):
    """And says in full what never is."""
    patterns = ({"number": 3, "shares": {"A": 1.0}},)
    told = "\n".join(describe(site(level, patterns=patterns), built(load(EXAMPLE))[0]))
    written, never = told.split("never written, at any level:")
    names = {"PhaseOmit", "Hold", "ForceOff", "VehCall", "systemPatternControl"}
    expected = {
        Level.SHADOW: set(),
        Level.PATTERN: {"systemPatternControl"},
        Level.CALLS: {"systemPatternControl", "VehCall"},
        Level.HOLD: names,
    }[level]
    assert {name for name in names if name in written} == expected
    assert "written: nothing" in written if level == Level.SHADOW else "on release" in written
    assert "red clearance" in never


def test_the_example_names_its_secrets_and_has_none():
    """They lie beside it, in a file of their own."""
    assert "key" not in EXAMPLE.read_text(encoding="utf-8")
    assert load(EXAMPLE).cabinet.snmp.secrets == EXAMPLE.with_name("single.secrets.toml")
