"""SNMP over a real agent: net-snmp's snmpd with our objects behind it, and a bad line in front of it."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from field.ntcip import objects
from field.ntcip.transport import RefusedError, UdpTransport
from field.site import Snmp
from field.virtual.agent import Agent, new_access
from field.virtual.wire import Wire
from signals.errors import PlantError
from tests.conftest import NeedsProgram

VERSIONS: dict[str, dict[str, object]] = {
    "v1": {"version": "v1", "allow_insecure": True},
    "v2c": {"version": "v2c", "allow_insecure": True},
    "v3": {"user": "central"},
}
GREENS, HOLD, NONE = objects.GREENS.at(1), objects.HOLD.at(1), objects.GREENS.at(9)
PATIENT_S, IMPATIENT_S = 2.0, 0.05


class Answering:
    """What snmpd is told: values by OID with their SMI type, and what a SET comes to."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[str, str]] = {}
        self.verdict = "DONE"
        self.sets = 0

    def __call__(self, verb: str, arguments: list[str]) -> list[str]:
        if verb == "PING":
            return ["PONG"]
        oid = arguments[0].strip(".")
        if verb == "set":
            self.sets += 1
            if self.verdict == "DONE":
                self.values[oid] = ("integer", arguments[1].split()[1])
            return [self.verdict]
        return [f".{oid}", *self.values[oid]] if verb == "get" and oid in self.values else ["NONE"]


class Line:
    """The agent and the bad line to it."""

    def __init__(self, agent: Agent, answering: Answering) -> None:
        self.answering, self.access = answering, agent.access
        self.wire = Wire(agent.host, 0, (agent.host, agent.port))

    @contextmanager
    def transport(
        self, version: str = "v2c", timeout_s: float = PATIENT_S, **changes: object
    ) -> Iterator[UdpTransport]:
        settings = Snmp.model_validate({**VERSIONS[version], "timeout_s": timeout_s, **changes})
        with closing(UdpTransport("127.0.0.1", self.wire.port, settings)) as transport:
            yield transport


@pytest.fixture(scope="module")
def agent(needs_program: NeedsProgram) -> Iterator[tuple[Agent, Answering]]:
    needs_program("snmpd", package="snmpd")
    answering = Answering()
    with Agent(answering, new_access()) as running:
        yield running, answering


@pytest.fixture
def line(agent: tuple[Agent, Answering], monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    running, answering = agent
    for name in ("community", "authentication_key", "privacy_key"):
        monkeypatch.setenv(f"ADAPTIVE_SIGNALS_{name.upper()}", getattr(running.access, name))
    answering.values = {GREENS: ("integer", "17"), HOLD: ("integer", "0")}
    answering.verdict, answering.sets = "DONE", 0
    line = Line(running, answering)
    yield line
    line.wire.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_reads_and_sets(line: Line, version: str):
    """What is not there is None, also in v1, which refuses the whole request for it."""
    with line.transport(version) as transport:
        assert transport.get([NONE, GREENS, HOLD, NONE]) == (None, 17, 0, None)
        transport.set(HOLD, 5)
        assert transport.get([HOLD]) == (5,)


@pytest.mark.parametrize("version", ["v1", "v2c"])
def test_as_many_objects_as_the_agent_takes(line: Line, version: str):
    """tooBig halves a request, for good: the next one starts where this ended."""
    line.wire.most_varbinds = 1
    with line.transport(version) as transport:
        assert transport.get([GREENS] * 10) == (17,) * 10
        assert transport.max_varbinds == 1
        before = transport.requests
        assert transport.get([GREENS] * 3) == (17,) * 3
        assert transport.requests == before + 3


@pytest.mark.parametrize("fault", ["silent", "deaf"])
def test_no_answer_is_an_error_in_time(line: Line, fault: str):
    """After as many tries as the site allows, with the address."""
    setattr(line.wire, fault, True)
    with line.transport(timeout_s=IMPATIENT_S, retries=1) as transport:
        with pytest.raises(PlantError, match=rf"127.0.0.1:{line.wire.port}: no answer in 0.05 s, 2 times"):
            transport.get([GREENS])
        assert (transport.requests, transport.unanswered) == (2, 2)


def test_an_answer_that_is_too_late_is_never_taken_for_the_next(line: Line):
    """Its request is over; the next one gets its own."""
    with line.transport(timeout_s=0.1, retries=5) as transport:
        line.wire.delay_s = 0.65
        with pytest.raises(PlantError, match="no answer"):
            transport.get([GREENS])
        line.wire.delay_s, line.answering.values[GREENS] = 0.0, ("integer", "3")
        assert transport.get([GREENS]) == (3,)
    line.wire.twice = True
    with line.transport() as transport:
        for value in range(5):
            line.answering.values[GREENS] = ("integer", str(value))
            assert transport.get([GREENS]) == (value,)


@pytest.mark.parametrize(("kind", "text", "value"), [("gauge", "17", 17), ("counter", "17", 17), ("string", "x", b"x")])
def test_another_type_is_told_as_it_is(line: Line, kind: str, text: str, value: object):
    """A number by whatever name is a number; what it may be is checked against the object's table."""
    line.answering.values[GREENS] = (kind, text)
    with line.transport() as transport:
        assert transport.get([GREENS]) == (value,)


@pytest.mark.parametrize(
    ("verdict", "status"), [("not-writable", 17), ("wrong-value", 10), ("gen-error", 5), ("wrong-type", 7)]
)
def test_a_refused_set_is_an_error_and_not_tried_again(line: Line, verdict: str, status: int):
    """The cabinet has said no."""
    line.answering.verdict = verdict
    with line.transport() as transport, pytest.raises(RefusedError, match=f"error status {status} at object 1"):
        transport.set(HOLD, 5)
    assert line.answering.sets == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_secret_gets_no_answer_and_is_not_told(line: Line, version: str, monkeypatch: pytest.MonkeyPatch):
    """Neither in the error nor in what caused it."""
    secret = "something-else-entirely"
    for name in ("COMMUNITY", "AUTHENTICATION_KEY"):
        monkeypatch.setenv(f"ADAPTIVE_SIGNALS_{name}", secret)
    with line.transport(version, timeout_s=IMPATIENT_S, retries=0) as transport, pytest.raises(PlantError) as refused:
        transport.get([GREENS])
    told = f"{refused.value!r} {refused.value.__cause__!r} {transport!r} {vars(refused.value)}"
    for hidden in (secret, line.access.community, line.access.privacy_key, line.access.authentication_key):
        assert hidden not in told


def test_an_agent_that_began_anew_is_understood_again(line: Line):
    """v3: another engine id, as after a change of the device; one request is lost."""
    with Agent(line.answering, line.access) as agent:
        settings = Snmp.model_validate({**VERSIONS["v3"], "timeout_s": 0.5, "retries": 0})
        transport = UdpTransport("127.0.0.1", agent.port, settings)
        assert transport.get([GREENS]) == (17,)
    with Agent(line.answering, line.access, agent.port):
        with pytest.raises(PlantError, match="no answer"):
            transport.get([GREENS])
        assert transport.get([GREENS]) == (17,)
    transport.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: _answered(data, number=1),
        lambda data: data,
        lambda data: _answered(data)[:-3],
        lambda data: _answered(data, community=b"publix"),
        lambda data: b"\xff" * 60000,
        lambda data: b"",
        lambda data: b"0\x84\xff\xff\xff\xff",
    ],
    ids=["wrong request-id", "an echo", "cut off", "another community", "noise", "nothing", "a lie about its length"],
)
def test_whatever_else_comes_back_is_no_answer(spoil: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch):
    """It is dropped, or an error of the cabinet's; nothing else ever gets out."""
    monkeypatch.setenv("ADAPTIVE_SIGNALS_COMMUNITY", "public")
    settings = Snmp.model_validate({**VERSIONS["v2c"], "timeout_s": IMPATIENT_S, "retries": 0})
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def answer() -> None:
            data, sender = server.recvfrom(65535)
            server.sendto(spoil(data), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        transport = UdpTransport("127.0.0.1", server.getsockname()[1], settings)
        with closing(transport), pytest.raises(PlantError):
            transport.get([GREENS])
        thread.join()


def _answered(data: bytes, number: int = 0, community: bytes = b"public") -> bytes:
    """The request as an answer to the request `number` later, of the same length."""
    found = re.match(rb"(?s)(.+?\x04\x06)public\xa0(.)(\x02.)", data)
    assert found
    head, length, kind = found.groups()
    rest = bytearray(data[found.end() :])
    last = kind[1] - 1
    rest[last] = (rest[last] + number) % 256
    return head + community + b"\xa2" + length + kind + bytes(rest)


def test_the_spoilt_answers_would_be_taken_unspoilt(monkeypatch: pytest.MonkeyPatch):
    """The answer that the others are made of is a good one: a NULL, which is no number."""
    monkeypatch.setenv("ADAPTIVE_SIGNALS_COMMUNITY", "public")
    settings = Snmp.model_validate({**VERSIONS["v2c"], "timeout_s": PATIENT_S, "retries": 0})
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            data, sender = server.recvfrom(65535)
            server.sendto(_answered(data), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        with closing(UdpTransport("127.0.0.1", server.getsockname()[1], settings)) as transport:
            assert transport.get([GREENS]) == (b"",)
        thread.join()
