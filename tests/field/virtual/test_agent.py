"""The unit as stock net-snmp tools see it: a real agent, over v1, v2c and v3, with real refusals."""

import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from field.virtual.agent import Access, Agent, access_from, free_port, new_access
from field.virtual.answers import Answers
from field.virtual.machine import Machine
from field.virtual.misbehave import BadAnswers
from field.virtual.objects import Objects
from field.virtual.wire import Wire, too_big
from signals.errors import ConfigError, PlantError
from tests.field.virtual.built import run, unit

ASC = ".1.3.6.1.4.1.1206.4.2.1"
HOLD, GREENS, MINIMUM, NOTHING = f"{ASC}.1.5.1.4.1", f"{ASC}.1.4.1.4.1", f"{ASC}.1.2.1.4.1", f"{ASC}.1.99.0"
VERSIONS = ("1", "2c", "3")


class Peer:
    """A unit, its agent and a line in front of it; `tool` runs one of net-snmp's."""

    def __init__(self) -> None:
        self.machine: Machine = unit()
        run(self.machine, 20)
        self.answers = BadAnswers(Answers(Objects(self.machine)))
        self.agent = Agent(self.answers, new_access())
        self.wire = Wire("127.0.0.1", 0, (self.agent.host, self.agent.port))

    def tool(self, name: str, *words: str, version: str = "2c", by_wire: bool = False, timeout_s: float = 1.0) -> str:
        access, port = self.agent.access, self.wire.port if by_wire else self.agent.port
        who = ["-v", version, "-c", access.community]
        if version == "3":
            keys = ["-a", "SHA-256", "-A", access.authentication_key, "-x", "AES", "-X", access.privacy_key]
            who = ["-v", "3", "-u", access.user, "-l", "authPriv", *keys]
        command = [name, *who, "-On", "-Oe", "-t", f"{timeout_s:g}", "-r", "0", f"127.0.0.1:{port}", *words]
        done = subprocess.run(command, capture_output=True, text=True, env={"MIBS": "", "PATH": "/usr/bin:/bin"})
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def peer(needs_program) -> Iterator[Peer]:
    needs_program("snmpd", package="snmpd")
    needs_program("snmpget", package="snmp")
    there = Peer()
    yield there
    there.wire.close()
    there.agent.close()


@pytest.fixture(autouse=True)
def sound(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing that one test spoils is left to the next."""
    yield
    if "peer" in request.fixturenames:
        peer = request.getfixturevalue("peer")
        peer.answers.ignore_sets = peer.answers.wrong_types = False
        peer.wire.silent = peer.wire.deaf = peer.wire.twice = False
        peer.wire.most_varbinds, peer.wire.delay_s = 0, 0.0
        peer.machine.set_control("hold", 1, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_shown_is_told_and_what_is_set_is_done(peer: Peer, version: str):
    assert f"{GREENS} = INTEGER: 17" in peer.tool("snmpget", GREENS, version=version)
    assert f"{HOLD} = INTEGER: 17" in peer.tool("snmpset", HOLD, "i", "17", version=version)
    assert peer.machine.controls.masks["hold"] == 17
    assert f"{HOLD} = INTEGER: 17" in peer.tool("snmpget", HOLD, version=version)


@pytest.mark.parametrize(
    ("oid", "kind", "value", "refusals"),
    [
        (GREENS, "i", "1", ("noSuchName", "notWritable", "notWritable")),
        (NOTHING, "i", "1", ("noSuchName", "notWritable", "notWritable")),
        (HOLD, "i", "256", ("badValue", "wrongValue", "wrongValue")),
        (HOLD, "i", "-1", ("badValue", "wrongValue", "wrongValue")),
        (HOLD, "s", "17", ("badValue", "wrongType", "wrongType")),
        (MINIMUM, "i", "9", ("genError", "genError", "genError")),
    ],
)
def test_what_a_real_unit_refuses_is_refused(peer: Peer, oid: str, kind: str, value: str, refusals: tuple[str, ...]):
    """Read-only, unknown, out of range, of another type, and tables outside a transaction."""
    for version, refusal in zip(VERSIONS, refusals, strict=True):
        assert refusal in peer.tool("snmpset", oid, kind, value, version=version)
    assert peer.machine.controls.masks["hold"] == 0


def test_nobody_without_the_secrets_is_answered(peer: Peer):
    for who in (["-v2c", "-c", "public"], ["-v3", "-u", "central", "-l", "noAuthNoPriv"]):
        done = subprocess.run(
            ["snmpget", *who, "-t", "0.2", "-r", "0", f"127.0.0.1:{peer.agent.port}", GREENS],
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0


def test_a_walk_goes_through_everything_once(peer: Peer):
    walked = peer.tool("snmpwalk", ".1.3.6.1.4.1.1206.4.2").splitlines()
    names = [line.split(" = ")[0] for line in walked if " = " in line]
    assert len(names) == len(set(names)) > 600
    assert f"{ASC}.1.2.1.23.1 = Hex-STRING: 05 09" in "\n".join(walked)


def test_secrets_are_for_their_owner_alone(peer: Peer, tmp_path: Path):
    folder = peer.agent._folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "snmpd.conf").stat().st_mode) == 0o600
    file = tmp_path / "secrets.toml"
    written = access_from(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert access_from(file) == written
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="mode is 0644, must be 0600"):
        access_from(file)
    with pytest.raises(ConfigError, match="authentication_key: 5 characters, must be at least 8"):
        Access("c", "short", "long-enough")


def test_a_port_that_is_taken_is_said_in_one_line(peer: Peer):
    with pytest.raises(PlantError, match=rf"snmpd does not start on 127.0.0.1:{peer.agent.port}: .*"):
        Agent(peer.answers, new_access(), peer.agent.port)


def test_without_snmpd_the_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ConfigError, match="snmpd is missing: install Debian package snmpd"):
        Agent(lambda *_: [], new_access(), free_port())


def test_a_closed_agent_leaves_nothing(needs_program):
    needs_program("snmpd", package="snmpd")
    agent = Agent(Answers(Objects(unit())), new_access())
    assert agent._snmpd is not None
    agent.close()
    assert not agent._folder.exists()
    assert agent._snmpd.poll() is not None


def test_a_set_may_be_acknowledged_and_ignored(peer: Peer):
    peer.answers.ignore_sets = True
    assert "INTEGER: 3" in peer.tool("snmpset", HOLD, "i", "3")
    assert "INTEGER: 0" in peer.tool("snmpget", HOLD)


def test_values_may_come_as_another_type(peer: Peer):
    peer.answers.wrong_types = True
    assert "Gauge32: 17" in peer.tool("snmpget", GREENS)


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_line_may_take_one_variable_at_a_time(peer: Peer, version: str):
    peer.wire.most_varbinds = 1
    assert "INTEGER: 17" in peer.tool("snmpget", GREENS, version=version, by_wire=True)
    said = peer.tool("snmpget", GREENS, HOLD, version=version, by_wire=True)
    assert "tooBig" in said
    assert "INTEGER" not in said


def test_a_line_may_be_silent_deaf_or_late(peer: Peer):
    peer.wire.silent = True
    assert "Timeout" in peer.tool("snmpset", HOLD, "i", "5", by_wire=True, timeout_s=0.2)
    assert peer.machine.controls.masks["hold"] == 0
    peer.wire.silent, peer.wire.deaf = False, True
    assert "Timeout" in peer.tool("snmpset", HOLD, "i", "5", by_wire=True, timeout_s=0.2)
    assert peer.machine.controls.masks["hold"] == 5
    peer.wire.deaf, peer.wire.delay_s = False, 0.2
    assert "Timeout" in peer.tool("snmpget", HOLD, by_wire=True, timeout_s=0.1)
    assert "INTEGER: 5" in peer.tool("snmpget", HOLD, by_wire=True)


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x80", bytes(range(64)), b"\x30\x05\x02\x01\x01\x04\x81"])
def test_what_is_no_request_is_passed_on(data: bytes):
    assert too_big(data, 1) is None
