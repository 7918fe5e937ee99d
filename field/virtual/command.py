"""`control.py cabinet`: the unit, its agent and its street, on the wall clock, until somebody stops it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from field.clock import WallClock
from field.live import clock_face
from field.stop import StopRequest
from field.virtual.agent import LOOPBACK, Agent, access_from, new_access
from field.virtual.answers import Answers
from field.virtual.event_log import EventLog
from field.virtual.machine import Machine, Settings
from field.virtual.misbehave import BadAnswers, Misbehaviour, Peer, check_names
from field.virtual.objects import Objects
from field.virtual.street import CabinetStreet
from field.virtual.tables import tables_of
from field.virtual.unit import Unit
from field.virtual.wire import Wire
from signals.errors import ConfigError

LINE_EVERY_S = 5.0
UP_S = 30.0
"""How long the unit has been up when its street begins, so that nobody meets its start."""


@dataclass(frozen=True)
class CabinetOptions:
    """What the command is told; see its own help."""

    scenario: str
    junction: str | None = None
    speed: float = 1.0
    port: int = 6053
    host: str = LOOPBACK
    seconds: float | None = None
    warm_up_s: float = 300.0
    demand: float | None = None
    draw: int = 0
    backup_time_s: int = 15
    report_period_s: int = 5
    local_calls: bool = True
    secrets: Path | None = None
    event_log: Path | None = None
    json: Path | None = None
    misbehave: tuple[str, ...] = ()
    seed: int = 0
    gui: bool = False

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds > 0:
            raise ConfigError(f"seconds = {self.seconds:g}, must be above 0")
        if not 0 <= self.backup_time_s <= 65_535:
            raise ConfigError(f"backup-time-s = {self.backup_time_s}, must be 0 to 65535")
        if not 1 <= self.report_period_s <= 255:
            raise ConfigError(f"report-period-s = {self.report_period_s}, must be 1 to 255")
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"port = {self.port}, must be 0 to 65535")
        if self.event_log and self.event_log.is_file():
            raise ConfigError(f"{self.event_log}: is there already, and a log is never written over")
        check_names(self.misbehave)


def run_cabinet(options: CabinetOptions, console: Console) -> int:
    """Run it, and say at the end what its street's traffic suffered; the exit status."""
    with ExitStack() as closing, StopRequest() as stop:
        street = closing.enter_context(
            CabinetStreet(options.scenario, options.junction, options.demand, options.draw, options.gui)
        )
        cabinet = Cabinet(options, street, closing, stop)
        for line in cabinet.lines():
            console.print(line, markup=False, soft_wrap=True)
        cabinet.run(lambda line: console.print(line, markup=False, soft_wrap=True))
        measures = cabinet.accounts()
    for line in cabinet.summary(measures, stop.words):
        console.print(line, markup=False, soft_wrap=True)
    if options.json:
        write_json(options.json, measures)
    return stop.exit_status


def write_json(path: Path, measures: dict[str, object]) -> None:
    """What has no value is null. Raises `ConfigError` where it cannot be written."""
    known = {name: None if value != value else value for name, value in measures.items()}
    try:
        path.write_text(json.dumps(known, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


class Cabinet:
    """One run of it: the warm-up as fast as it goes, then ten ticks a second of the street on the wall clock."""

    def __init__(self, options: CabinetOptions, street: CabinetStreet, closing: ExitStack, stop: StopRequest) -> None:
        self._options, self._street, self._stop = options, street, stop
        settings = Settings(options.backup_time_s, 0.0, options.report_period_s)
        tables = tables_of(street.intersection, street.plans, options.local_calls)
        self.machine = Machine(tables, settings, street.time_s - UP_S)
        self.unit = Unit(self.machine, street)
        self._ticks = self.unit.ticks()
        self._warm_up(street.time_s + options.warm_up_s)
        self.machine.midnight_s = round(time.time() - self.machine.time_s, 1)
        self._log = self._new_log(closing)
        self.access = access_from(options.secrets) if options.secrets else new_access()
        self._answers = BadAnswers(Answers(Objects(self.machine)))
        self.agent = closing.enter_context(self._listen(closing))
        self.unit.exclusively = self.agent.locked

    def _new_log(self, closing: ExitStack) -> EventLog | None:
        options = self._options
        if not options.event_log:
            return None
        log = EventLog(options.event_log, self.machine.tables.name, self.machine.midnight_s)
        closing.callback(log.close)
        return log

    def _listen(self, closing: ExitStack) -> Agent:
        options = self._options
        if not options.misbehave:
            self.port = options.port
            agent = Agent(self._answers, self.access, options.port, options.host)
            self.port = agent.port
            return agent
        agent = Agent(self._answers, self.access)
        try:
            wire = Wire(options.host, options.port, (agent.host, agent.port))
        except OSError as error:
            agent.close()
            raise ConfigError(f"port = {options.port}: {error.strerror}") from error
        closing.callback(wire.close)
        self.port = wire.port
        peer = Peer(self.machine, self._answers, wire, self.unit.stuck)
        self._misbehaviour = Misbehaviour(options.misbehave, peer, options.seed)
        return agent

    def _warm_up(self, until_s: float) -> None:
        for time_s in self._ticks:
            if time_s >= until_s or self._stop.asked:
                return

    def _note(self) -> None:
        events = self.machine.take_events()
        if self._log:
            self._log.take(events)

    def run(self, say: Callable[[str], None]) -> None:
        """Tick on the wall clock until somebody stops it, the time is over or the last vehicle is out."""
        options = self._options
        self.clock = clock = WallClock(self._ticks, options.speed, self._stop.wait)
        ends_s = self.machine.time_s + options.seconds if options.seconds is not None else float("inf")
        said_s = time.monotonic()
        for time_s in clock:
            self._note()
            if self._stop.asked or time_s > ends_s:
                return
            if options.misbehave:
                for line in self._spoil(time_s):
                    say(f"{clock_face(time_s)}  {line}")
            if time.monotonic() - said_s >= LINE_EVERY_S:
                said_s = time.monotonic()
                say(self._line(time_s))

    def _spoil(self, time_s: float) -> list[str]:
        said: list[str] = []
        self.agent.locked(lambda: said.extend(self._misbehaviour.tick(time_s)))
        return said

    def _line(self, time_s: float) -> str:
        m = self.machine
        greens = " ".join(str(n) for n, p in m.phases.items() if p.green) or "none"
        return (
            f"{clock_face(time_s)}  {m.status.name.lower().replace('_', ' ')}   pattern {m.coordinator.status}   "
            f"flash {m.flash.name.lower().replace('_', ' ')}   green {greens}   requests {self.agent.requests}   "
            f"late {self.clock.late} of {self.clock.ticks}"
        )

    def lines(self) -> list[str]:
        """What somebody needs to know to talk to it."""
        tables, where = self.machine.tables, self._options.secrets
        off = f", off: {' '.join(map(str, tables.disabled))}" if tables.disabled else ""
        stages = ", ".join(" ".join(map(str, sorted(stage))) for stage in tables.stages)
        secrets = f"secrets in {where}" if where else "secrets of its own: name a file by --secrets to talk to it"
        return [
            f"{tables.name}: phases {' '.join(map(str, tables.phases))}{off}; {tables.rings} rings; stages {stages}",
            f"SNMP on {self._options.host}:{self.port}: v3 user {self.access.user}, v1 and v2c by community; {secrets}",
        ]

    def accounts(self) -> dict[str, object]:
        """What the traffic suffered, if it is a draw's, and how the unit kept time."""
        return {
            **self._street.measures(),
            "scenario": self._options.scenario,
            "junction": self.machine.tables.name,
            "draw": self._options.draw if self._options.demand is not None else None,
            "demand": self._options.demand,
            "speed": self._options.speed,
            "requests": self.agent.requests,
            "late_ticks": self.clock.late,
            "ticks": self.clock.ticks,
            "moved_s": self.clock.moved_s,
        }

    def summary(self, measures: dict[str, object], why: str) -> list[str]:
        """In words."""
        late = f"{self.clock.late} of {self.clock.ticks} ticks late"
        said = [f"{why or 'end'}: {self.agent.requests} requests answered, {late}"]
        if self.clock.moved_s:
            said.append(f"the schedule was moved by {self.clock.moved_s:.1f} s, for want of speed")
        if "delay_s" in measures:
            said.append(f"delay {measures['delay_s']:.2f} s a vehicle, of {measures['scheduled']} scheduled")
        return said
