"""What the measurement of a fleet rests on: peers that answer as agents do, and a verdict that can be against us."""

import threading
from collections.abc import Iterator

import pytest

from benchmarks.fleet import verdict
from benchmarks.fleet_cabinets import Unit, element, elements, numbers
from field.ntcip.objects import PHASE_OMIT, SYSTEM_PATTERN_CONTROL
from field.ntcip.transport import RefusedError, UdpTransport
from field.site import Snmp
from field.virtual.tables import MOST_PHASES
from signals.plans import PlanFile
from tests.signals.fakes import crossing

DESCRIPTION, MAX_PHASES, NOTHING = "1.3.6.1.2.1.1.1.0", "1.3.6.1.4.1.1206.4.2.1.1.1.0", "1.3.6.1.4.1.1206.4.2.1.99.0"
PATH = {"junctions_per_core": 50_000.0, "lateness_p99_s": 0.0}
ONE = {"junctions": 1, "engaged": 1, "done_p99_s": 0.1}


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Iterator[UdpTransport]:
    """To a unit that answers five requests."""
    monkeypatch.setenv("ADAPTIVE_SIGNALS_COMMUNITY", "hush")
    unit = Unit(crossing(), PlanFile(plan=()), 0)
    unit.socket.settimeout(10)

    def answer() -> None:
        for _ in range(5):
            unit.answer()

    threading.Thread(target=answer, daemon=True).start()
    settings = Snmp(version="v2c", allow_insecure=True, timeout_s=5, retries=0)
    made = UdpTransport("127.0.0.1", unit.port, settings)
    yield made
    made.close()
    unit.socket.close()


def test_a_peer_answers_what_the_adapter_asks(transport: UdpTransport):
    """Numbers, octets, what is not there; a SET is taken, or refused."""
    assert transport.get([DESCRIPTION, MAX_PHASES, NOTHING]) == (
        b"adaptive-signals virtual cabinet, NTCIP 1202 v2",
        MOST_PHASES,
        None,
    )
    transport.set(SYSTEM_PATTERN_CONTROL.at(0), 254)
    transport.set(PHASE_OMIT.at(1), 0xF0)
    assert transport.get([SYSTEM_PATTERN_CONTROL.at(0), PHASE_OMIT.at(1)]) == (254, 0xF0)
    with pytest.raises(RefusedError, match="error status 5"):
        transport.set(PHASE_OMIT.at(9), 1)


@pytest.mark.parametrize("length", [0, 127, 128, 255, 256, 2000])
def test_an_element_is_what_it_was(length: int):
    """At the bounds of the length's forms."""
    content = bytes(range(256)) * 8
    assert elements(element(4, content[:length]) + element(2, b"\x01")) == [(4, content[:length]), (2, b"\x01")]


def test_a_name_has_numbers_above_127():
    assert numbers(bytes((0x2B, 6, 1, 4, 1, 0x89, 0x36, 4, 2))) == (1, 3, 6, 1, 4, 1, 1206, 4, 2)


@pytest.mark.parametrize(
    ("path", "row", "said"),
    [
        ({}, {}, ""),
        ({"junctions_per_core": 4999.0}, {}, "control path: 4999 junctions a core, must be at least 5000"),
        ({"lateness_p99_s": 1.01}, {}, "control path: lateness p99 1.01 s, must be at most 1"),
        ({}, {"engaged": 0}, "fleet of 1: 0 engaged, must be all"),
        ({}, {"done_p99_s": 0.21}, "one junction: decided and done within 0.21 s, must be 0.2"),
        ({}, {"junctions": 40, "engaged": 40, "done_p99_s": 3.0}, ""),
    ],
)
def test_what_is_not_enough_is_said(path: dict[str, float], row: dict[str, float], said: str):
    assert verdict({**PATH, **path}, [{**ONE, **row}]) == [said] * bool(said)
