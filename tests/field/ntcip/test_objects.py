"""Nothing but the list can ever be set, whatever the site file, the controller or a caller says."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field.ntcip import objects
from field.ntcip.objects import Object, may_write
from field.ntcip.transport import UdpTransport
from field.site import Snmp
from signals.errors import PlantError

ROOT = Path(__file__).resolve().parents[3]
ALL = [value for value in vars(objects).values() if isinstance(value, Object)]
OTHERS = [what for what in ALL if what not in objects.WRITABLE]
DANGEROUS = {
    "unitControl": "3.10.0",
    "unitBackupTime": "3.3.0",
    "preemptControlState": "6.3.1.2.1",
    "ringControlGroupStopTime": "7.5.1.2.1",
    "ringControlGroupOmitRedClear": "7.5.1.8.1",
    "phaseYellowChange": "1.2.1.8.1",
    "vehicleDetectorReset": "2.2.1.15.1",
    "systemSyncControl": "4.15.0",
    "coordOperationalMode": "4.1.0",
    "phaseControlGroupNumber": "1.5.1.1.1",
    "beyond the masks": "1.5.1.8.1",
}


def test_the_list_is_this_one():
    """Whoever makes it longer has to change this line too."""
    assert [what.name for what in objects.WRITABLE] == [
        "phaseControlGroupPhaseOmit",
        "phaseControlGroupPedOmit",
        "phaseControlGroupHold",
        "phaseControlGroupForceOff",
        "phaseControlGroupVehCall",
        "phaseControlGroupPedCall",
        "systemPatternControl",
    ]


@pytest.mark.parametrize("suffix", DANGEROUS.values(), ids=DANGEROUS)
def test_what_hurts_is_not_on_it(suffix: str):
    """By name, each with any value."""
    assert not any(may_write(f"{objects.ASC}.{suffix}", value) for value in range(256))


@given(st.sampled_from(OTHERS), st.lists(st.integers(0, 300), max_size=3), st.integers(-1, 300))
def test_no_other_object_is_on_it(what: Object, instance: list[int], value: int):
    """At no instance, with no value."""
    assert not may_write(what.at(*instance), value)


@given(st.sampled_from(objects.WRITABLE), st.lists(st.integers(0, 300), max_size=3), st.integers(-300, 300))
def test_an_object_on_it_takes_its_own_rows_and_values_alone(what: Object, instance: list[int], value: int):
    """Masks of an octet in a group; patterns up to 254: flash, 255, is never commanded."""
    scalar = what == objects.SYSTEM_PATTERN_CONTROL
    rows = instance in ([], [0], [1]) if scalar else len(instance) == 1 and 1 <= instance[0] <= 32
    assert may_write(what.at(*instance), value) == (rows and 0 <= value <= (254 if scalar else 255))


@given(st.text(alphabet="0123456789. ٣", max_size=40), st.one_of(st.integers(), st.booleans(), st.floats(), st.text()))
def test_no_other_spelling_gets_past_it(text: str, value: object):
    """Neither as an OID nor as a value."""
    for oid in (text, f"{objects.HOLD.oid}{text}", f".{objects.HOLD.at(1)}", f"{objects.HOLD.at(1)}{text}x"):
        allowed = may_write(oid, value)
        assert not allowed or (oid.removeprefix(objects.HOLD.oid + ".").isdecimal() and type(value) is int)


def test_the_transport_itself_refuses_the_rest(monkeypatch: pytest.MonkeyPatch):
    """Before anything is sent: nobody is there to answer."""
    monkeypatch.setenv("ADAPTIVE_SIGNALS_COMMUNITY", "public")
    transport = UdpTransport("127.0.0.1", 9, Snmp(version="v2c", allow_insecure=True))
    try:
        for suffix in DANGEROUS.values():
            with pytest.raises(PlantError, match="is not on the list of what may ever be written"):
                transport.set(f"{objects.ASC}.{suffix}", 1)
        assert transport.requests == 0
    finally:
        transport.close()


def test_only_the_transport_can_set():
    """Nobody else in the field imports the library."""
    users = set()
    for file in (ROOT / "field").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            users |= {file.relative_to(ROOT).as_posix() for name in names if name.split(".")[0] == "pysnmp"}
    assert users == {"field/ntcip/transport.py"}
