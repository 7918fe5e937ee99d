"""The state machine between a site and its cabinet: pure, without I/O, time as an argument.

`TABLE` says which state follows which on what event; `field.causes` says what makes us let go, and of what kind it is.
Times are the street's seconds of a steady clock, never the wall's: a clock that is set must not end a timer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from field.cabinet import Commander, Level
from field.causes import Kind, Limits, Seen, first_cause, not_to_be_touched, rebooted


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

HEARTBEAT_S = 5.0
"""Write again at least so often, and never later than a third of the backup time, so that two losses do no harm."""


def heartbeat_s(backup_time_s: float) -> float:
    """Every so often what is in force is written again."""
    return min(backup_time_s / 3.0, HEARTBEAT_S)


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
        if not_to_be_touched(seen):
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
        _, words = first_cause(seen, self.level, self.limits)
        if words:
            return words
        if seen.time_s - self._clear_s < self.limits.cycle_s:
            return f"it was not to be touched until {seen.time_s - self._clear_s:.0f} s ago, one cycle is given to it"
        if self._refused and seen.time_s - self._looked_s < self.limits.look_again_s:
            return f"the preflight refuses: {self._refused}"
        watched_s = seen.time_s - self.since_s
        return f"watched for {watched_s:.0f} s so far" if watched_s < self.limits.watch_s else ""

    def _locks(self, seen: Seen) -> str:
        kind, words = first_cause(seen, self.level, self.limits)
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
        if rebooted(seen):
            return Event.LOOKS, "it has started anew"
        if self.why_not(seen):
            return None
        if self._refused != "":
            return Event.LOOKS, "before it is taken"
        return Event.TAKES, f"level {self.level}"

    def _engaging(self, seen: Seen) -> tuple[Event, str] | None:
        kind, words = first_cause(seen, self.level, self.limits)
        if words:
            return self._lets_go(seen, kind, words)
        if seen.status and seen.status.command == Commander.OURS:
            return Event.TAKEN, "it is ours"
        if seen.time_s - self.since_s > self.limits.engage_s:
            return self._lets_go(seen, Kind.FAULT, f"not engaged within {self.limits.engage_s:g} s")
        return None

    def _engaged(self, seen: Seen) -> tuple[Event, str] | None:
        kind, words = first_cause(seen, self.level, self.limits, engaged=True)
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
