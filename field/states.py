"""The state machine between a site and its cabinet: pure, without I/O, time as an argument.

`TABLE` says which state follows which on what event; `CAUSES` says what makes us let go, and what follows from it.
Times are the street's seconds of a steady clock, never the wall's: a clock that is set must not end a timer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from field.cabinet import CabinetStatus, Commander, Level


class State(StrEnum):
    """Where a site stands. Only in `ENGAGED` do we write."""

    BOOT = "boot"
    PREFLIGHT = "preflight"
    SHADOW = "shadow"
    ENGAGING = "engaging"
    ACTIVE = "active"
    DEGRADED = "degraded"
    RELEASING = "releasing"
    FALLBACK = "fallback"
    LOCKOUT = "lockout"


class Event(StrEnum):
    """What happened."""

    STARTED = "started"
    LOOKED_OVER = "looked over"
    LOOKS = "looks it over"
    TAKES = "takes it"
    TAKEN = "taken"
    DOUBTED = "doubted"
    TRUSTED = "trusted"
    LET_GO = "let go"
    GIVEN_BACK = "given back"
    RETRIES = "retries"
    LOCKED = "locked"
    ACKNOWLEDGED = "acknowledged"


TABLE: dict[tuple[State, Event], State] = {
    (State.BOOT, Event.STARTED): State.PREFLIGHT,
    (State.BOOT, Event.LOCKED): State.LOCKOUT,
    (State.PREFLIGHT, Event.LOOKED_OVER): State.SHADOW,
    (State.SHADOW, Event.LOOKS): State.PREFLIGHT,
    (State.SHADOW, Event.TAKES): State.ENGAGING,
    (State.SHADOW, Event.LOCKED): State.LOCKOUT,
    (State.ENGAGING, Event.TAKEN): State.ACTIVE,
    (State.ENGAGING, Event.LET_GO): State.RELEASING,
    (State.ACTIVE, Event.DOUBTED): State.DEGRADED,
    (State.ACTIVE, Event.LET_GO): State.RELEASING,
    (State.DEGRADED, Event.TRUSTED): State.ACTIVE,
    (State.DEGRADED, Event.LET_GO): State.RELEASING,
    (State.RELEASING, Event.GIVEN_BACK): State.FALLBACK,
    (State.RELEASING, Event.LOCKED): State.LOCKOUT,
    (State.FALLBACK, Event.RETRIES): State.SHADOW,
    (State.FALLBACK, Event.LOCKED): State.LOCKOUT,
    (State.LOCKOUT, Event.ACKNOWLEDGED): State.SHADOW,
}
"""What is not here cannot happen."""

ENGAGED = frozenset({State.ENGAGING, State.ACTIVE, State.DEGRADED})

STALE_S = {Level.SHADOW: 60.0, Level.PATTERN: 60.0, Level.CALLS: 5.0, Level.HOLD: 2.0}
"""How old the last status may be; above it the cabinet might show anything."""
HEARTBEAT_S = 5.0
"""Write again at least so often, and never later than a third of the backup time, so that two losses do no harm."""


def heartbeat_s(backup_time_s: float) -> float:
    """Every so often what is in force is written again."""
    return min(backup_time_s / 3.0, HEARTBEAT_S)


@dataclass(frozen=True)
class Limits:
    """Times of the machine, s. cycle_s: the local plan's, that a preemption is given to settle."""

    engage_s: float = 5.0
    watch_s: float = 5.0
    first_retry_s: float = 30.0
    longest_retry_s: float = 900.0
    look_again_s: float = 900.0
    steady_s: float = 900.0
    cycle_s: float = 120.0
    most_releases: int = 3
    within_s: float = 3600.0
    most_blind: float = 0.5


@dataclass(frozen=True)
class Seen:
    """All that the machine judges by, at one moment.

    silent_s: since the status was read, when it was last asked for; away_s: since the machine was; unrenewed_s: since a
    write was last acknowledged, while engaged; looked_over: what the preflight refuses, empty where nothing, None where
    it was not made since `LOOKS`; blind: share of the critical loops that are not believed; doubted: some loop is not;
    fault: what of ours fails; trip: what the interlock saw that must not be; asked: an operator wants us out; stop: the
    process ends; acknowledged: by whom; released: the clearing was tried.
    """

    time_s: float
    status: CabinetStatus | None = None
    silent_s: float = 0.0
    away_s: float = 0.0
    unrenewed_s: float = 0.0
    looked_over: str | None = None
    open: bool = True
    blind: float = 0.0
    doubted: bool = False
    fault: str = ""
    trip: str = ""
    asked: str = ""
    stop: str = ""
    acknowledged: str = ""
    released: bool = False


class Kind(StrEnum):
    """What follows a release: nothing, waiting until it has passed, a retry that is counted, or an operator."""

    PLANNED = "planned"
    PASSING = "passing"
    FAULT = "fault"
    LOCKS = "locks"


@dataclass(frozen=True)
class Cause:
    """A reason to let go; `words` is empty where it does not hold. `engaged_only`: judged once the cabinet is ours."""

    kind: Kind
    words: Callable[[Seen, Level, Limits], str]
    engaged_only: bool = False


def _status(seen: Seen, what: str) -> str:
    return getattr(seen.status, what) if seen.status else ""


def _silent(seen: Seen, level: Level, _: Limits) -> str:
    return f"its status is {seen.silent_s:.1f} s old, must be at most {STALE_S[level]:g}" * (
        seen.silent_s > STALE_S[level]
    )


def _other(seen: Seen, _: Level, __: Limits) -> str:
    return "another central commands it" if seen.status and seen.status.command == Commander.OTHER else ""


def _lost(seen: Seen, _: Level, __: Limits) -> str:
    """The cabinet is under somebody else, though we believed that we had it."""
    command = seen.status.command if seen.status else Commander.OURS
    return "" if command == Commander.OURS else f"it is no longer ours: {command}"


def _away(seen: Seen, _: Level, __: Limits) -> str:
    longest_s = seen.status.backup_time_s if seen.status else 0.0
    return f"this process stood still for {seen.away_s:.1f} s" if 0 < longest_s < seen.away_s else ""


def _unrenewed(seen: Seen, _: Level, __: Limits) -> str:
    longest_s = seen.status.backup_time_s if seen.status else 0.0
    words = f"no write acknowledged for {seen.unrenewed_s:.1f} s, backup time is {longest_s:g}"
    return words if 0 < longest_s < seen.unrenewed_s else ""


def _rebooted(seen: Seen, _: Level, __: Limits) -> str:
    return "it has started anew" if seen.status and seen.status.rebooted else ""


def _blind(seen: Seen, _: Level, limits: Limits) -> str:
    words = f"{seen.blind:.0%} of the critical loops are not believed, must be at most {limits.most_blind:.0%}"
    return words if seen.blind > limits.most_blind else ""


CAUSES: tuple[Cause, ...] = (
    Cause(Kind.PLANNED, lambda seen, _, __: seen.stop),
    Cause(Kind.LOCKS, lambda seen, _, __: _status(seen, "lockout")),
    Cause(Kind.LOCKS, lambda seen, _, __: seen.trip),
    Cause(Kind.LOCKS, lambda seen, _, __: seen.asked),
    Cause(Kind.PASSING, lambda seen, _, __: _status(seen, "hands_off")),
    Cause(Kind.PASSING, _other),
    Cause(Kind.FAULT, _silent),
    Cause(Kind.FAULT, _rebooted),
    Cause(Kind.FAULT, _away),
    Cause(Kind.FAULT, _lost, engaged_only=True),
    Cause(Kind.FAULT, _unrenewed, engaged_only=True),
    Cause(Kind.FAULT, lambda seen, _, __: seen.fault),
    Cause(Kind.FAULT, _blind),
    Cause(Kind.PLANNED, lambda seen, _, __: "" if seen.open else "outside the hours of operation"),
)
"""In order of weight: the first that holds is the reason."""


@dataclass(frozen=True)
class Transition:
    """One step, with its reason."""

    time_s: float
    before: State
    event: Event
    after: State
    reason: str


@dataclass
class Machine:
    """Where one site stands, and since when. `locked`: a lockout that was not acknowledged before the process began."""

    level: Level
    limits: Limits = field(default_factory=Limits)
    locked: str = ""
    state: State = State.BOOT
    since_s: float = 0.0
    reason: str = ""
    retry_s: float = 0.0
    """When FALLBACK may end at the earliest."""
    _refused: str | None = None
    _looked_s: float = 0.0
    _clear_s: float = float("-inf")
    _failures: int = 0
    _releases_s: deque[float] = field(default_factory=deque)
    _cause: Kind = Kind.PLANNED

    def update(self, seen: Seen) -> Transition | None:
        """The next step, if there is one; ask again until there is none, and do in between what the state asks for."""
        if _status(seen, "hands_off") or _other(seen, self.level, self.limits):
            self._clear_s = seen.time_s
        found = _NEXT[self.state](self, seen)
        if found is None:
            return None
        event, reason = found
        transition = Transition(seen.time_s, self.state, event, TABLE[self.state, event], reason)
        self.state, self.since_s, self.reason = transition.after, seen.time_s, reason
        return transition

    def why_not(self, seen: Seen) -> str:
        """What keeps us from taking the cabinet now; empty if nothing."""
        if self.level == Level.SHADOW:
            return "level is shadow"
        if seen.status is None:
            return "its status was not read yet"
        _, words = self._first_cause(seen, engaged=False)
        if words:
            return words
        if seen.time_s - self._clear_s < self.limits.cycle_s:
            return f"it was not to be touched until {seen.time_s - self._clear_s:.0f} s ago, one cycle is given to it"
        if self._refused and seen.time_s - self._looked_s < self.limits.look_again_s:
            return f"the preflight refuses: {self._refused}"
        watched_s = seen.time_s - self.since_s
        return f"watched for {watched_s:.0f} s so far" if watched_s < self.limits.watch_s else ""

    def _first_cause(self, seen: Seen, engaged: bool) -> tuple[Kind, str]:
        for cause in CAUSES:
            if engaged or not cause.engaged_only:
                words = cause.words(seen, self.level, self.limits)
                if words:
                    return cause.kind, words
        return Kind.PLANNED, ""

    def _locks(self, seen: Seen) -> str:
        kind, words = self._first_cause(seen, engaged=False)
        return words if kind == Kind.LOCKS and self.level != Level.SHADOW else ""

    def _boot(self, _: Seen) -> tuple[Event, str] | None:
        return (Event.LOCKED, self.locked) if self.locked else (Event.STARTED, "the process began")

    def _preflight(self, seen: Seen) -> tuple[Event, str] | None:
        if seen.looked_over is None:
            return None
        self._refused, self._looked_s = seen.looked_over, seen.time_s
        return Event.LOOKED_OVER, f"refused: {seen.looked_over}" if seen.looked_over else "passed"

    def _shadow(self, seen: Seen) -> tuple[Event, str] | None:
        if locked := self._locks(seen):
            return Event.LOCKED, locked
        if _rebooted(seen, self.level, self.limits):
            return Event.LOOKS, "it has started anew"
        if self.why_not(seen):
            return None
        if self._refused != "":
            return Event.LOOKS, "before it is taken"
        return Event.TAKES, f"level {self.level}"

    def _engaging(self, seen: Seen) -> tuple[Event, str] | None:
        kind, words = self._first_cause(seen, engaged=False)
        if words:
            return self._lets_go(seen, kind, words)
        if seen.status and seen.status.command == Commander.OURS:
            return Event.TAKEN, "it is ours"
        if seen.time_s - self.since_s > self.limits.engage_s:
            return self._lets_go(seen, Kind.FAULT, f"not engaged within {self.limits.engage_s:g} s")
        return None

    def _engaged(self, seen: Seen) -> tuple[Event, str] | None:
        kind, words = self._first_cause(seen, engaged=True)
        if words:
            return self._lets_go(seen, kind, words)
        if seen.time_s - self.since_s > self.limits.steady_s:
            self._failures = 0
        if seen.doubted == (self.state == State.DEGRADED):
            return None
        return (Event.DOUBTED, "some loops are not believed") if seen.doubted else (Event.TRUSTED, "all loops are")

    def _lets_go(self, seen: Seen, kind: Kind, words: str) -> tuple[Event, str]:
        """Remember what follows. Only faults are counted: a preemption or the end of the hours is no failure."""
        self._cause, self._refused, limits = kind, None, self.limits
        self.retry_s = seen.time_s
        if kind == Kind.LOCKS:
            self.locked = words
        if kind == Kind.FAULT:
            wait_s = min(limits.first_retry_s * 2.0**self._failures, limits.longest_retry_s)
            self.retry_s, self._failures = seen.time_s + wait_s, self._failures + 1
            self._releases_s.append(seen.time_s)
        while self._releases_s and seen.time_s - self._releases_s[0] > limits.within_s:
            self._releases_s.popleft()
        if len(self._releases_s) >= limits.most_releases:
            self.locked = f"{len(self._releases_s)} releases in {limits.within_s / 60:g} min, the last: {words}"
        return Event.LET_GO, words

    def _releasing(self, seen: Seen) -> tuple[Event, str] | None:
        if not seen.released:
            return None
        if self.locked:
            return Event.LOCKED, self.locked
        return Event.GIVEN_BACK, f"{self._cause}: {self.reason}"

    def _fallback(self, seen: Seen) -> tuple[Event, str] | None:
        if locked := self._locks(seen):
            return Event.LOCKED, locked
        if seen.stop or seen.time_s < self.retry_s:
            return None
        return Event.RETRIES, f"after {seen.time_s - self.since_s:.0f} s"

    def _lockout(self, seen: Seen) -> tuple[Event, str] | None:
        if not seen.acknowledged:
            return None
        self.locked, self._failures, self._refused = "", 0, None
        self._releases_s.clear()
        return Event.ACKNOWLEDGED, f"by {seen.acknowledged}"


_NEXT: dict[State, Callable[[Machine, Seen], tuple[Event, str] | None]] = {
    State.BOOT: Machine._boot,
    State.PREFLIGHT: Machine._preflight,
    State.SHADOW: Machine._shadow,
    State.ENGAGING: Machine._engaging,
    State.ACTIVE: Machine._engaged,
    State.DEGRADED: Machine._engaged,
    State.RELEASING: Machine._releasing,
    State.FALLBACK: Machine._fallback,
    State.LOCKOUT: Machine._lockout,
}
