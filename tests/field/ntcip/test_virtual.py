"""The adapter against a unit of another mind: the virtual cabinet's machine, in this process, without the wire."""

import subprocess
from collections.abc import Sequence
from contextlib import closing
from functools import cache

import numpy as np
import pytest

from field.cabinet import Commander, Level
from field.ntcip import objects
from field.ntcip.cabinet import NtcipCabinet
from field.ntcip.objects import Value
from field.ntcip.transport import SnmpTransport, UdpTransport
from field.site import Snmp
from field.site_file import built, load
from field.virtual.agent import Access, Agent, new_access
from field.virtual.answers import Answers
from field.virtual.checker import check
from field.virtual.machine import Machine, Settings
from field.virtual.misbehave import BadAnswers
from field.virtual.objects import Objects
from field.virtual.tables import tables_of
from signals.controllers import build
from signals.errors import PlantError
from signals.flow import FlowEstimator
from signals.intersection import Aspect, Intersection
from signals.layout import Layout, layout
from signals.loop import Loop
from signals.plans import PlanFile
from signals.safety import Interlock
from signals.values import TRANSITION, Command, Mode, Record, Snapshot
from tests.conftest import NeedsProgram
from tests.field.ntcip.test_cabinet import EXAMPLE, site
from tests.field.ntcip.unit import bits

BACKUP_S = 15


@cache
def junction() -> tuple[Intersection, PlanFile, Layout]:
    intersection, plans = built(load(EXAMPLE))
    return intersection, plans, layout([intersection])


class Direct:
    """Objects of the unit without snmpd, as its own agent answers for them."""

    def __init__(self, answers: BadAnswers) -> None:
        self.answers, self.sets = answers, 0

    def get(self, oids: Sequence[str]) -> tuple[Value, ...]:
        return tuple(_value(self.answers("get", [f".{oid}"])) for oid in oids)

    def set(self, oid: str, value: int) -> None:
        self.sets += 1
        if self.answers("set", [f".{oid}", f"integer {value}"]) != ["DONE"]:
            raise PlantError(f"{oid} = {value} was refused")

    def close(self) -> None:
        pass


def _value(told: list[str]) -> Value:
    if told == ["NONE"]:
        return None
    _, kind, text = told
    return bytes.fromhex(text) if kind == "octet" else text.encode() if kind == "string" else int(text)


class Crossroads:
    """The unit, its adapter and the loop, with vehicles that stand on random loops for some seconds."""

    def __init__(self, level: Level, local_calls: bool = True, seed: int = 1, wired: bool = False) -> None:
        intersection, plans, self.place = junction()
        tables = tables_of(intersection, plans.of("J"), local_calls)
        self.machine = Machine(tables, Settings(BACKUP_S, 0.0, 1), 0.0)
        self.answers = BadAnswers(Answers(Objects(self.machine)))
        self.transport, self.site = Direct(self.answers), site(level)
        self.agent = Agent(self.answers, new_access()) if wired else None
        self.cabinet = NtcipCabinet(self.site, self.place, lambda: self.machine.time_s, connect=self._connect)
        self.loop = Loop(
            self.cabinet, FlowEstimator(self.place), build("max-pressure", self.place, plans), Interlock(self.place)
        )
        self._random = np.random.default_rng(seed)
        self._standing = np.zeros(len(self.machine.detectors))
        self._tenths = 0

    def _connect(self) -> SnmpTransport:
        if self.agent is None:
            return self.transport
        return UdpTransport(self.agent.host, self.agent.port, Snmp(user=self.agent.access.user, timeout_s=5.0))

    def close(self) -> None:
        self.cabinet.close()
        if self.agent:
            self.agent.close()

    def second(self) -> None:
        """Ten ticks of the unit."""
        self._standing = np.maximum(0, self._standing - 1)
        self._standing[self._random.random(len(self._standing)) < 0.1] = 3
        for _ in range(10):
            self._tenths += 1
            self.machine.tick(self._tenths / 10, (self._standing > 0).tolist())

    def tick(self) -> Record:
        self.second()
        record = self.loop.tick()
        if self._tenths % 50 == 0:
            self.cabinet.renew()
        return record

    def shown(self) -> list[int]:
        return [int(self.machine.lamps[g.id]) for g in junction()[0].signal_groups]


@pytest.mark.parametrize(
    ("level", "local_calls"), [(Level.CALLS, True), (Level.CALLS, False), (Level.HOLD, True), (Level.HOLD, False)]
)
def test_stages_change_as_they_are_commanded(level: Level, local_calls: bool):
    """What is read back is what the lamps show; at hold, or with nobody else calling, only wishes come about."""
    street = Crossroads(level, local_calls)
    street.cabinet.read()
    street.cabinet.engage()
    stages, granted = [], []
    for _ in range(400):
        record = street.tick()
        status = street.cabinet.status()
        assert (status.hands_off, status.lockout) == ("", "")
        assert record.snapshot.aspects[0].tolist() == street.shown()
        stages.append(int(record.snapshot.stage[0]))
        granted.append(int(record.command.stage[0]))
    assert {0, 1, 2} <= set(stages)
    assert status.command == Commander.OURS
    changes = [k for k in range(1, 400) if stages[k] not in (TRANSITION, stages[k - 1])]
    assert len(changes) > 8
    assert check(junction()[0], street.machine.take_events()) == []
    if level == Level.HOLD or not local_calls:
        assert [k for k in changes[1:] if stages[k] not in granted[k - 12 : k]] == []


def test_the_same_over_the_wire(needs_program: NeedsProgram, monkeypatch: pytest.MonkeyPatch):
    """SNMP v3 through net-snmp's snmpd; a stock tool sees what we have set."""
    needs_program("snmpd", package="snmpd")
    snmpget = needs_program("snmpget", package="snmp")
    access = Access("community-of-a-test", "authentication-of-a-test", "privacy-of-a-test")
    monkeypatch.setattr(f"{__name__}.new_access", lambda: access)
    for name in ("community", "authentication_key", "privacy_key"):
        monkeypatch.setenv(f"ADAPTIVE_SIGNALS_{name.upper()}", getattr(access, name))
    with closing(Crossroads(Level.HOLD, wired=True)) as street:
        street.second()
        street.cabinet.read()
        street.cabinet.engage()
        go = Command(0.0, 1e9, np.array([Mode.GO], np.int8), np.array([2]), np.zeros(1, np.int64), ("granted",))
        for _ in range(25):
            street.second()
            snapshot = street.cabinet.read()
            street.cabinet.apply(go)
            assert snapshot.aspects[0].tolist() == street.shown()
            if snapshot.stage[0] == 2:
                break
        assert street.agent
        asked = [str(snmpget), "-v2c", "-c", access.community, "-t", "5", "-Ovq", f"127.0.0.1:{street.agent.port}"]
        told = subprocess.run([*asked, objects.HOLD.at(1)], capture_output=True, text=True, check=True).stdout
        assert int(told) == bits(3, 7)


def test_the_unit_is_back_on_its_own_plan_when_we_fall_silent():
    """Within its backup time, whatever we held."""
    street = Crossroads(Level.HOLD)
    street.cabinet.read()
    street.cabinet.engage()
    for _ in range(60):
        street.tick()
    for _ in range(BACKUP_S + 1):
        street.second()
    street.cabinet.read()
    status = street.cabinet.status()
    assert (status.command, status.written != "") == (Commander.BACKUP, True)
    assert street.machine.controls.masks == dict.fromkeys(street.machine.controls.masks, 0)


def test_shadow_reads_and_never_sets():
    """By the count of SETs, and the unit's own plan goes on."""
    street = Crossroads(Level.SHADOW)
    stages = {int(street.tick().snapshot.stage[0]) for _ in range(160)}
    assert {0, 1, 2} <= stages
    assert street.transport.sets == 0


def test_release_gives_the_plan_back_at_once():
    """And leaves nothing in force."""
    street = Crossroads(Level.HOLD)
    street.cabinet.read()
    street.cabinet.engage()
    for _ in range(40):
        street.tick()
    assert street.cabinet.release()
    stages = []
    for _ in range(160):
        street.second()
        stages.append(int(street.cabinet.read().stage[0]))
    assert street.cabinet.status().command != Commander.OURS
    assert {0, 1, 2} <= set(stages)


@pytest.mark.parametrize(
    ("act", "said"),
    [("mmu-flash", "flash: MMU"), ("flash", "flash: local manual"), ("manual", "manual"), ("stop-time", "stop time")],
)
def test_what_locks_out_is_seen_within_two_seconds(act: str, said: str):
    """From the unit's own words."""
    street = Crossroads(Level.HOLD)
    street.cabinet.read()
    machine = street.machine
    machine.flash_switch, machine.manual, machine.stop_time = act == "flash", act == "manual", act == "stop-time"
    if act == "mmu-flash":
        machine.stuck_lamps = {g.id: Aspect.GREEN for g in junction()[0].signal_groups}
    for _ in range(2):
        street.second()
    street.cabinet.read()
    assert said in street.cabinet.status().lockout


def test_a_preemption_is_seen_and_a_reboot():
    """The one passes by itself, the other has forgotten us."""
    street = Crossroads(Level.HOLD)
    street.cabinet.read()
    for _ in range(3):
        street.second()
    street.machine.preempt_input = 1
    street.second()
    street.cabinet.read()
    assert street.cabinet.status().hands_off == "preemption 1"
    street.machine.preempt_input = 0
    street.machine.power_up()
    street.second()
    street.cabinet.read()
    assert street.cabinet.status().rebooted


def test_sets_that_are_acknowledged_and_ignored_are_found_out():
    """Engaging fails at the second try, and has let go."""
    street = Crossroads(Level.HOLD)
    street.cabinet.read()
    street.answers.ignore_sets = True
    with pytest.raises(PlantError, match="was not taken, twice"):
        street.cabinet.engage()


def test_detectors_tell_what_stands_on_them():
    """Presence by actuations, volume and occupancy by the unit's reports of a second."""
    street = Crossroads(Level.SHADOW)
    counted, arrived = np.zeros(18), np.zeros(18)
    before = np.zeros(18, bool)
    snapshot: Snapshot = street.cabinet.read()
    for _ in range(120):
        street.second()
        now = street._standing > 0
        arrived, before = arrived + (now & ~before), now
        snapshot = street.cabinet.read()
        counted += snapshot.volume_veh
        assert snapshot.presence.tolist() == now.tolist()
    assert snapshot.healthy.all()
    assert abs(counted.sum() - arrived.sum()) <= 18 + 0.02 * arrived.sum()


def test_the_preflight_of_the_example_refuses_nothing():
    """Its tables are the approved ones."""
    street = Crossroads(Level.HOLD)
    for _ in range(3):
        street.second()
    assert [finding for finding in street.cabinet.preflight() if finding.refuses] == []


def test_other_tables_than_the_approved_ones_keep_it_in_shadow():
    """A timing that somebody has changed at the cabinet is noticed."""
    street = Crossroads(Level.HOLD)
    street.second()
    original = street.transport.get

    def changed(oids: Sequence[str]) -> tuple[Value, ...]:
        return tuple(
            4 if oid == objects.PHASE_MINIMUM_GREEN.at(2) else value
            for oid, value in zip(oids, original(oids), strict=True)
        )

    street.transport.get = changed  # type: ignore[method-assign]
    refused = {finding.what for finding in street.cabinet.preflight() if finding.refuses}
    assert refused == {"tables' sha256", "phase 2: minimum green"}
