"""One site's tick: look, judge who may command, decide, write, account for it. The state machine says what, this does.

It never reads a clock but the one that it is given, and it never leaves a cabinet engaged that it cannot account for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from field.audit import START, AuditLog
from field.cabinet import Cabinet, CabinetStatus
from field.causes import Seen
from field.deadline import Deadline
from field.gate import Gate
from field.lockout_file import LockoutFile
from field.record_log import RecordLog
from field.states import ENGAGED, Machine, State, Transition, heartbeat_s
from field.vitals import Vitals, outcome
from signals.errors import PlantError
from signals.flow import FlowEstimator
from signals.loop import Estimator, Loop
from signals.recording import Event
from signals.safety import Interlock
from signals.values import Bools, Record, TrafficState

TRIPPED = "tripped: "
MOST_STEPS = 8
"""Of the machine in one tick."""
LOOK_AGAIN_S = 5.0
"""A cabinet that does not answer a preflight is asked again so often."""
LATE_ACT_S = 1.0
"""A decision on a reading older than this, by the wall, is not written: the process stood still in between."""


@dataclass(frozen=True)
class Parts:
    """What a site's tick is made of. by: controller and policy digest, for the audit log; open: hours of operation."""

    cabinet: Cabinet
    gate: Gate
    flow: FlowEstimator
    estimator: Estimator
    controller: Deadline
    interlock: Interlock
    machine: Machine
    audit: AuditLog
    records: RecordLog
    lockout: LockoutFile
    by: str
    open: Callable[[], bool]
    critical: Bools


class Supervisor:
    """`now` is the street's steady clock in s. One call of `tick` a second, one of `stop` at the end.

    speed: of that clock beside the wall's; say: told each transition in a line.
    """

    def __init__(
        self,
        parts: Parts,
        now: Callable[[], float],
        speed: float = 1.0,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._parts, self._now, self._say = parts, now, say
        self._fast = max(1.0, speed)
        self._machine = parts.machine
        self._loop = Loop(parts.gate, parts.estimator, parts.controller, parts.interlock)
        self._status: CabinetStatus | None = None
        self._read_s = self._ticked_s = self._renewed_s = self._acknowledged_s = now()
        self._looked_over: str | None = None
        self._looked_s, self._silent_s = float("-inf"), 0.0
        self._fault = self._trip = self._stop = self._asked = self._no_answer = ""
        self._released = self._look_first = False
        self.transitions = 0
        self._sets: Counter[str] = Counter()
        parts.audit.append(START, by=parts.by, level=parts.machine.level, lockout=parts.machine.locked)

    @property
    def state(self) -> State:
        """Where the site stands."""
        return self._machine.state

    @property
    def words(self) -> str:
        """State and the reason for it, or what keeps us from taking the cabinet."""
        why = self._machine.why_not(self._seen(self._now())) if self.state == State.SHADOW else self._machine.reason
        return f"{self.state}: {why}" if why else str(self.state)

    @property
    def alarms(self) -> list[str]:
        """What somebody should look at."""
        parts = self._parts
        return [each for each in (self._no_answer, parts.audit.failed, parts.records.failed, self._fault) if each]

    @property
    def vitals(self) -> Vitals:
        """How the site stands, for who looks on."""
        parts = self._parts
        state, _, why = self.words.partition(": ")
        return Vitals(
            state=state,
            why=why,
            level=self._machine.level,
            alarms=tuple(self.alarms),
            status=self._status,
            status_age_s=self._now() - self._read_s,
            believed=parts.flow.believed,
            replaced=parts.controller.replaced,
            rules_only=parts.controller.rules_only,
            transitions=self.transitions,
            sets=dict(self._sets),
            audit_failed=bool(parts.audit.failed),
            records_failed=bool(parts.records.failed),
        )

    def release_now(self, who: str) -> None:
        """An operator wants the cabinet back; it stays so until it is acknowledged."""
        self._asked = f"{who} asked for its release"
        self._parts.audit.append("asked", what="release", who=who)

    def acknowledge(self, who: str) -> None:
        """As `control.py acknowledge` does. Raises `ConfigError` where nothing is locked."""
        self._parts.lockout.acknowledge(who, _time())
        self._parts.audit.append("asked", what="acknowledge", who=who)

    def tick(self) -> Record | None:
        """Once a second. What was recorded, or None where the cabinet did not answer."""
        now_s = self._now()
        away_s, self._ticked_s = now_s - self._ticked_s, now_s
        traffic = self._observe()
        self._look_first = False
        self._settle(away_s)
        record = self._act(traffic) if traffic else None
        self._beat()
        self._account(record)
        self._settle(away_s)
        if self._machine.state == State.LOCKOUT:
            self._lock()
        return record

    def stop(self, why: str) -> None:
        """Let go now, without reading anything first, and say so."""
        self._stop, self._look_first = why, False
        self._settle()
        self._account(None)
        self._parts.audit.append("stop", why=why, state=self.state)

    def _observe(self) -> TrafficState | None:
        if self._machine.state not in ENGAGED:
            self._parts.interlock.forget()
        try:
            traffic = self._loop.observe()
        except PlantError as error:
            self._no_answer, self._silent_s = str(error), (self._now() - self._read_s) / self._fast
            return None
        self._no_answer, self._silent_s = "", 0.0
        self._status, self._read_s = self._parts.cabinet.status(), self._now()
        return traffic

    def _settle(self, away_s: float = 0.0) -> None:
        """Let the machine take its steps, and do what each asks for; what took long needs a fresh look afterwards."""
        self._look_over()
        for _ in range(MOST_STEPS):
            if self._look_first:
                return
            transition = self._machine.update(self._seen(self._now(), away_s))
            if transition is None:
                return
            self._take(transition)

    def _seen(self, now_s: float, away_s: float = 0.0) -> Seen:
        parts, believed = self._parts, self._parts.flow.believed
        critical = parts.critical if believed.size else np.zeros(0, bool)
        bad = ~believed[critical] if believed.size else critical
        return Seen(
            time_s=now_s,
            status=self._status,
            silent_s=self._silent_s,
            away_s=away_s,
            unrenewed_s=now_s - self._acknowledged_s,
            looked_over=self._looked_over,
            open=parts.open(),
            blind=float(bad.mean()) if bad.size else 0.0,
            doubted=bool((~believed).any()),
            fault=parts.audit.failed or parts.records.failed or self._fault,
            trip=self._trip,
            asked=self._asked,
            stop=self._stop,
            acknowledged=parts.lockout.acknowledged if self._machine.state == State.LOCKOUT else "",
            released=self._released,
        )

    def _take(self, transition: Transition) -> None:
        """Do what a new state asks for, then write it down: a release never waits for a disk."""
        before, after = transition.before, transition.after
        if after == State.ENGAGING:
            self._note(transition)
            self._engage()
            return
        if after == State.RELEASING:
            self._release()
        elif after == State.PREFLIGHT:
            self._looked_over, self._looked_s = None, float("-inf")
        elif after == State.LOCKOUT and before != State.BOOT:
            self._lock()
        elif before == State.LOCKOUT:
            self._parts.lockout.clear()
            self._parts.interlock.acknowledge(self._last_s)
            self._trip = self._asked = self._fault = ""
        elif after == State.SHADOW:
            self._fault = ""
        self._note(transition)
        if after == State.PREFLIGHT:
            self._look_over()

    def _lock(self) -> None:
        """Keep it until it is acknowledged; a file that is deleted is no acknowledgement."""
        if not self._parts.lockout.reason:
            self._fault = self._parts.lockout.lock(self._machine.locked, _time())

    def _note(self, transition: Transition) -> None:
        self.transitions += 1
        self._say(f"{transition.before} to {transition.after}: {transition.reason}")
        parts, after = self._parts, transition.after
        parts.audit.append(
            "transition", state_before=transition.before, state=after, event=transition.event, reason=transition.reason
        )
        reason = "".join(c if c.isprintable() else "?" for c in transition.reason)[:500]
        event = Event(event="state", time_s=self._last_s, why=reason, state=after, in_force=after in ENGAGED)
        parts.records.note(event, transition.time_s)

    @property
    def _last_s(self) -> float:
        return self._status.time_s if self._status else 0.0

    def _look_over(self) -> None:
        """The preflight; what refuses is an answer, a cabinet that does not answer is asked again."""
        if self._stop or self._machine.state != State.PREFLIGHT or self._now() - self._looked_s < LOOK_AGAIN_S:
            return
        try:
            findings = self._parts.cabinet.preflight()
        except PlantError as error:
            self._no_answer = str(error)
            return
        finally:
            self._looked_s = self._now()  # a look by a slow line takes longer than what lies between two of them
        self._look_first = True
        refusing = [f"{f.what} = {f.value}, must be {f.bound}" for f in findings if f.refuses]
        self._looked_over = "; ".join(refusing)
        self._parts.audit.append("preflight", findings=[[f.what, f.value, f.bound, f.refuses] for f in findings])

    def _engage(self) -> None:
        self._released, self._fault, self._look_first = False, "", True
        self._parts.interlock.forget()
        try:
            self._parts.cabinet.engage()
        except PlantError as error:
            self._fault = str(error)
            return
        self._renewed_s = self._acknowledged_s = self._now()
        self._parts.gate.open = True

    def _release(self) -> None:
        """One clearing, then silence."""
        self._parts.gate.open = False
        acknowledged = self._parts.cabinet.release()
        self._released = True
        self._parts.interlock.forget()
        self._parts.audit.append("release", acknowledged=acknowledged)

    def _act(self, traffic: TrafficState) -> Record | None:
        decision = self._parts.controller.decide(traffic)
        if self._machine.state in ENGAGED and self._now() - self._read_s > LATE_ACT_S * self._fast:
            return None
        try:
            record = self._loop.act(decision)
        except PlantError as error:
            self._fault = str(error)
            return None
        code = int(record.command.refusal[0])
        reason = record.command.wording[code]
        self._trip = reason if reason.startswith(TRIPPED) and self._parts.gate.open else self._trip
        return record

    def _beat(self) -> None:
        """The heartbeat. A lost one is tried again in the next tick, and the machine is told since when."""
        now_s = self._now()
        if not self._parts.gate.open or self._status is None:
            return
        if now_s - self._renewed_s < heartbeat_s(self._status.backup_time_s):
            return
        try:
            self._parts.cabinet.renew()
        except PlantError as error:
            self._no_answer = str(error)
            return
        self._renewed_s = self._acknowledged_s = now_s

    def _account(self, record: Record | None) -> None:
        """Every write with what came of it, and the tick."""
        parts = self._parts
        for write in parts.cabinet.writes():
            self._sets[outcome(write)] += 1
            parts.audit.append(
                "set",
                at_s=write.time_s,
                name=write.name,
                oid=write.oid,
                value_before=write.before,
                value=write.value,
                confirmed=write.confirmed,
                by=parts.by,
                why=record.decision.reason(0) if record else self._machine.reason,
            )
        if parts.audit.failed:
            parts.audit.flush()
        if record:
            parts.records.append(record, self._now())


def _time() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
