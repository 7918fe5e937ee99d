"""What makes us let go of a cabinet, in order of weight, and what follows from it: pure functions of what is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from field.cabinet import CabinetStatus, Commander, Level

STALE_S = {Level.SHADOW: 60.0, Level.PATTERN: 60.0, Level.CALLS: 5.0, Level.HOLD: 2.0}
"""How old the last status may be; above it the cabinet might show anything."""


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

    silent_s: since the status was read, when it was last asked for, by the wall in fast motion; away_s: since the
    machine was; unrenewed_s: since a write was last acknowledged, while engaged; looked_over: what the preflight
    refuses, empty where nothing, None where it was not made since `LOOKS`; blind: share of the critical loops that
    are not believed; doubted: some loop is not; fault: what of ours fails; trip: what the interlock saw that must
    not be; asked: an operator wants us out; stop: the process ends; acknowledged: by whom; released: the clearing
    was tried.
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


def rebooted(seen: Seen, *_: object) -> str:
    """Said where the cabinet has begun again since it was last read."""
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
    Cause(Kind.FAULT, rebooted),
    Cause(Kind.FAULT, _away),
    Cause(Kind.FAULT, _lost, engaged_only=True),
    Cause(Kind.FAULT, _unrenewed, engaged_only=True),
    Cause(Kind.FAULT, lambda seen, _, __: seen.fault),
    Cause(Kind.FAULT, _blind),
    Cause(Kind.PLANNED, lambda seen, _, __: "" if seen.open else "outside the hours of operation"),
)
"""In order of weight: the first that holds is the reason."""


def first_cause(seen: Seen, level: Level, limits: Limits, engaged: bool = False) -> tuple[Kind, str]:
    """The weightiest that holds, and its words, which are empty where none does."""
    for cause in CAUSES:
        if engaged or not cause.engaged_only:
            words = cause.words(seen, level, limits)
            if words:
                return cause.kind, words
    return Kind.PLANNED, ""


def not_to_be_touched(seen: Seen) -> bool:
    """Whether the cabinet has something better to do for now; a cycle is given to it afterwards."""
    status = seen.status
    return status is not None and (bool(status.hands_off) or status.command == Commander.OTHER)
