"""The loop through a cabinet by one clock: the street waits for each of the centre's ticks, however long it takes.

The unit, snmpd, SNMP v3, the adapter and the site's supervisor are those of `control.py cabinet` and `control.py run`;
their two wall clocks are left out, and with them what a busy machine does to either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from field.deadline import Deadline
from field.ntcip.cabinet import NtcipCabinet
from field.ntcip.objects import Value, may_write
from field.ntcip.preflight import TABLES
from field.ntcip.transport import SnmpTransport, UdpTransport
from field.parts import parts_of, rule_beside
from field.site import Site
from field.site_file import built, load
from field.states import State
from field.supervisor import Supervisor
from field.virtual.agent import Agent, access_from
from field.virtual.answers import NONE, Answers
from field.virtual.machine import Machine, Settings
from field.virtual.objects import Objects
from field.virtual.street import CabinetStreet
from field.virtual.tables import tables_of
from field.virtual.unit import TICKS, Unit
from signals.controllers import build
from signals.errors import PlantError
from signals.layout import Layout, layout

CENTRE_AT = 5
PATIENCE_S = 10.0
"""For an answer: the street stands still meanwhile."""


def tenth(time_s: float) -> int:
    """Of the street's time."""
    return round(time_s * TICKS)


@dataclass(frozen=True)
class Timing:
    """In tenths of the street's second: when the centre ticks first, how many pass with each of its requests, from one
    look at the detectors to the next, and from one tick to the next. unsteady_ms: how late its clock is read at most.
    """

    centre_at: int = CENTRE_AT
    request: int = 0
    looks_every: int = 5
    every: int = TICKS
    unsteady_ms: int = 0

    def ticks(self, tenth: int) -> bool:
        """Whether a tick is due."""
        return (tenth - self.centre_at) % self.every == 0

    def looks(self, tenth: int) -> bool:
        """Whether it is time for a look; the tick has one of its own."""
        return (tenth - self.centre_at) % self.looks_every == 0

    def read_s(self, time_s: float) -> float:
        """What the centre's clock says at this time of the street: never the same twice, and the same in every run."""
        return time_s + Random(tenth(time_s)).random() * self.unsteady_ms / 1000.0


PROMPT = Timing()
"""A centre that acts at once."""


@dataclass(frozen=True)
class Stepped:
    """One draw. site: its file, with secrets.toml beside it; report_period_s: of the cabinet's detector reports."""

    site: Path
    scenario: str
    junction: str
    draw: int
    demand: float
    warm_up_s: float
    report_period_s: int
    local_calls: bool
    wire: bool = True
    timing: Timing = PROMPT

    def drive(self) -> dict[str, Any]:
        """The accounts of the whole window, and how often the cabinet was taken and given back, with the reasons."""
        began_s = time.monotonic()
        with ExitStack() as held:
            street = held.enter_context(CabinetStreet(self.scenario, self.junction, self.demand, self.draw))
            tables = tables_of(street.intersection, street.plans, self.local_calls)
            machine = Machine(tables, Settings(report_period_s=self.report_period_s), street.time_s)
            machine.midnight_s = round(time.time() - machine.time_s, 1)
            unit = Unit(machine, street)
            ticks, joins_s = unit.ticks(), street.time_s + self.warm_up_s
            centre = self._centre(unit, ticks, Answers(Objects(machine)), held)
            for time_s in ticks:
                if time_s >= joins_s:
                    centre.look(tenth(time_s))
            return street.measures() | {
                "draw": self.draw,
                "taken": centre.taken,
                "released": centre.released,
                "late_ticks": centre.late,
                "ticks": centre.ticks,
                "wall_s": round(time.monotonic() - began_s, 1),
            }

    def _centre(self, unit: Unit, ticks: Iterator[float], answers: Answers, held: ExitStack) -> Centre:
        site = load(self.site)
        if not self.wire:
            return Centre(patient(site), unit.machine, held, lambda: InMemory(answers), self.timing, ticks)
        agent = held.enter_context(Agent(answers, access_from(self.site.with_name("secrets.toml"))))
        unit.exclusively = agent.locked
        return Centre(patient(site, agent.port), unit.machine, held, timing=self.timing, ticks=ticks)


class Centre:
    """A site's supervisor by the cabinet's clock. What the cabinet's tables show is approved, as an engineer would.

    ticks: the street, which goes on by itself while a request is under way.
    """

    def __init__(
        self,
        site: Site,
        machine: Machine,
        held: ExitStack,
        connect: Connect | None = None,
        timing: Timing = PROMPT,
        ticks: Iterator[float] = iter(()),
    ) -> None:
        intersection, plans = built(site)
        place = layout([intersection])

        def now() -> float:
            return timing.read_s(machine.time_s)

        with connected(site, place, now, connect) as cabinet:
            shown = next(f.value for f in cabinet.preflight() if f.what == TABLES)
        site = site.model_copy(update={"cabinet": site.cabinet.model_copy(update={"approved": shown})})
        self.ticks = self.late = self._due = 0
        self._timing, self._street, self._busy = timing, ticks, False
        snmp = site.cabinet.snmp
        connect = connect or (lambda: UdpTransport(site.cabinet.host, site.cabinet.port, snmp))
        lines = iter([Underway(connect(), self._pass), connect()])  # the decisions', then the detectors'
        self.cabinet = held.enter_context(connected(site, place, now, lambda: next(lines)))
        parts = parts_of(site, plans, place, self.cabinet, [], None, held)
        controller, rule = (build(name, place, plans) for name in (site.controller, rule_beside(site.controller)))
        in_time = Deadline(place, controller, rule, now=now)
        self.taken, self.released = 0, list[str]()
        self._supervisor = Supervisor(replace(parts, controller=in_time), now, say=self._hear)

    def look(self, tenth: int) -> None:
        """What it does in this tenth of the street's time; a tick that is due while another lasts comes after it."""
        if self._timing.ticks(tenth):
            self._due += 1
            self.ticks, self.late = self.ticks + 1, self.late + self._busy
        elif self._timing.looks(tenth):
            self.cabinet.look()
        while self._due and not self._busy:
            self._busy = True
            self._supervisor.tick()
            self._busy, self._due = False, self._due - 1

    def _pass(self) -> None:
        """A request of a tick is under way: the street goes on, and the detectors are looked at."""
        for time_s in islice(self._street, self._timing.request if self._busy else 0):
            self.look(tenth(time_s))

    def _hear(self, line: str) -> None:
        steps, _, why = line.partition(": ")
        self.taken += steps == f"{State.ENGAGING} to {State.ACTIVE}"
        if steps.endswith(f"to {State.RELEASING}"):
            self.released.append(why)


@contextmanager
def connected(site: Site, place: Layout, now: Callable[[], float], connect: Connect | None) -> Iterator[NtcipCabinet]:
    """Over SNMP, as the site file has it, unless told otherwise."""
    cabinet = NtcipCabinet(site, place, now, connect=connect)
    try:
        yield cabinet
    finally:
        cabinet.close()


class Underway:
    """A transport whose every request takes a while."""

    def __init__(self, line: SnmpTransport, wait: Callable[[], None]) -> None:
        self._line, self._wait = line, wait

    def get(self, oids: Sequence[str]) -> tuple[Value, ...]:
        """As it is when the request arrives."""
        self._wait()
        return self._line.get(oids)

    def set(self, oid: str, value: int) -> None:
        """The same."""
        self._wait()
        self._line.set(oid, value)

    def close(self) -> None:
        """At once."""
        self._line.close()


class InMemory:
    """What snmpd would ask of the unit, asked of it at once."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def get(self, oids: Sequence[str]) -> tuple[Value, ...]:
        """One value an OID, None where there is none such."""
        return tuple(_value(self._answers("get", [oid])) for oid in oids)

    def set(self, oid: str, value: int) -> None:
        """One object of the allow-list. Raises `PlantError`."""
        if not may_write(oid, value) or self._answers("set", [oid, f"integer {value}"]) != ["DONE"]:
            raise PlantError(f"{oid} = {value}: was refused, must be an object and a value that may be written")

    def close(self) -> None:
        """Nothing is open."""


Connect = Callable[[], SnmpTransport]


def _value(told: list[str]) -> Value:
    if told == [NONE]:
        return None
    _, kind, text = told
    return bytes.fromhex(text) if kind == "octet" else text.encode() if kind == "string" else int(text)


def patient(site: Site, port: int = 1) -> Site:
    """The same at this port, by looks that are asked for, with time for each answer."""
    snmp = site.cabinet.snmp.model_copy(update={"timeout_s": PATIENCE_S})
    cabinet = {"port": port, "actuation_polls_per_s": 0.0, "snmp": snmp}
    return site.model_copy(update={"cabinet": site.cabinet.model_copy(update=cabinet)})
