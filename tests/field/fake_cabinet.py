"""A cabinet over a fake clock: its own plan, a backup timer, and whatever a test has it do wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from field.audit import AuditLog
from field.cabinet import CabinetStatus, Commander, Finding, Level, Write
from field.causes import Limits
from field.deadline import Deadline
from field.gate import DetectorFeed, Gate
from field.lockout_file import LockoutFile
from field.record_log import RecordLog
from field.states import Machine
from field.supervisor import Parts, Supervisor
from signals.controllers import build, digest
from signals.errors import PlantError
from signals.flow import FlowEstimator
from signals.loop import Controller
from signals.plans import PlanFile
from signals.recording import Header, LoggedController
from signals.safety import Interlock
from signals.values import Command, Snapshot
from tests.signals.fakes import FakePlant, crossing

BACKUP_S = 15.0


class FakeCabinet:
    """Implements `field.cabinet.Cabinet`. Gives itself back when nothing was set for its backup time."""

    def __init__(self, level: Level) -> None:
        self.level, self._plant = level, FakePlant([crossing()])
        self.layout = self._plant.layout
        self.ours = False
        self.hands_off = self.lockout = self.silent = self.deaf = ""
        self.commander: Commander | None = None
        self.rebooted, self.takes, self.healthy = False, True, True
        self.broken_loops = 0
        self.findings: tuple[Finding, ...] = ()
        self.sets: list[tuple[float, str]] = []
        self.closed = False
        self._set_s = 0.0
        self._writes: list[Write] = []
        self.backup_s = BACKUP_S

    @property
    def time_s(self) -> float:
        return self._plant.time_s

    def wait(self, seconds: float) -> None:
        """The street goes on; second by second, since the backup timer may run out."""
        for _ in range(round(seconds)):
            self._plant.wait(1.0)
            if self.ours and self.time_s - self._set_s >= self.backup_s:
                self.ours = False
                self.commander = Commander.BACKUP
                self._give_back()

    @property
    def local(self) -> bool:
        """Whether it follows its own plan."""
        return bool(self._plant.local.all())

    def preflight(self) -> tuple[Finding, ...]:
        self._answer()
        return self.findings

    def read(self) -> Snapshot:
        """A vehicle on each loop every seven seconds."""
        self._answer()
        snapshot = self._plant.read()
        loops = np.arange(len(self.layout.loops))
        came = (int(self.time_s) + 3 * loops) % 7 == 0
        healthy = (loops >= self.broken_loops) & self.healthy
        return snapshot._replace(volume_veh=came * 1.0, occupancy=came * 0.4, presence=came, healthy=healthy)

    def apply(self, command: Command) -> None:
        self._set("stage", str(command.stage[0]))
        self._plant.apply(command)

    def engage(self) -> None:
        self._set("engage", "0")
        self.commander = None
        self.ours = self.takes

    def renew(self) -> None:
        self._set("renew", "same")

    def release(self) -> bool:
        self.ours = False
        self._give_back()
        try:
            self._set("release", "0")
        except PlantError:
            return False
        return True

    def status(self) -> CabinetStatus:
        command = self.commander or (Commander.OURS if self.ours else Commander.LOCAL)
        return CabinetStatus(self.time_s, command, self.hands_off, self.lockout, self.rebooted, self.backup_s, "", None)

    def writes(self) -> tuple[Write, ...]:
        found, self._writes = tuple(self._writes), []
        return found

    def close(self) -> None:
        self.closed = True

    def _answer(self) -> None:
        if self.silent:
            raise PlantError(self.silent)

    def _set(self, name: str, value: str) -> None:
        if self.deaf:
            raise PlantError(self.deaf)
        self.sets.append((self.time_s, name))
        self._set_s = self.time_s
        self._writes.append(Write(self.time_s, name, "1.2.3", "before", value, True))

    def _give_back(self) -> None:
        none = np.zeros(1, np.int64)
        self._plant.apply(Command(self.time_s, np.inf, np.full(1, 2, np.int8), none - 1, none, ("granted",)))


@dataclass
class Bench:
    """A site on a fake clock."""

    folder: Path
    level: Level = Level.HOLD
    controller: Controller | None = None
    rule: str = "max-pressure"
    feeds: Sequence[DetectorFeed] = ()
    limits: Limits = field(default_factory=lambda: Limits(cycle_s=60.0))
    speed: float = 1.0
    cabinet: FakeCabinet = field(init=False)

    def __post_init__(self) -> None:
        self.cabinet = FakeCabinet(self.level)
        self.open = True
        self.start()

    def start(self) -> None:
        """A process begins."""
        layout, plans = self.cabinet.layout, PlanFile(plan=())
        header = Header(
            started="2026-01-01T00:00:00",
            street="crossing",
            controller=LoggedController(name="max-pressure", digest=digest("max-pressure", None)),
            versions={},
            plans=plans,
            intersections=layout.intersections,
        )
        flow, gate = FlowEstimator(layout), Gate(self.cabinet, self.feeds)
        self.lockout = LockoutFile(self.folder)
        self.audit = AuditLog(self.folder / "audit")
        self.records = RecordLog(self.folder / "records", header, 90)
        self.supervisor = Supervisor(
            Parts(
                cabinet=self.cabinet,
                gate=gate,
                flow=flow,
                estimator=flow,
                controller=Deadline(
                    layout,
                    self.controller or build("max-pressure", layout, plans),
                    build(self.rule, layout, plans),
                ),
                interlock=Interlock(layout),
                machine=Machine(self.level, self.limits, self.lockout.reason),
                audit=self.audit,
                records=self.records,
                lockout=self.lockout,
                by="max-pressure test",
                open=lambda: self.open,
                critical=np.ones(len(layout.loops), bool),
            ),
            lambda: self.cabinet.time_s,
            self.speed,
        )

    def run(self, seconds: int) -> Bench:
        """A tick a second."""
        for _ in range(seconds):
            self.cabinet.wait(1)
            self.supervisor.tick()
        return self

    @property
    def state(self) -> str:
        return str(self.supervisor.state)

    def set_since(self, time_s: float) -> list[str]:
        return [name for at_s, name in self.cabinet.sets if at_s > time_s]
