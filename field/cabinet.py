"""The port to one cabinet: a plant that can also be looked over, engaged, kept engaged and given back.

A protocol's folder implements it; who decides when (the state machine, the audit log, the clock) is elsewhere and
knows no protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from signals.loop import Plant


class Level(StrEnum):
    """How far a site lets us go, from least to most. At no level are clearances, minimum greens or tables written."""

    SHADOW = "shadow"
    PATTERN = "pattern"
    CALLS = "calls"
    HOLD = "hold"


class Commander(StrEnum):
    """Who commands the cabinet, as far as it tells."""

    LOCAL = "local"
    OURS = "ours"
    BACKUP = "backup"
    OTHER = "another central"


@dataclass(frozen=True)
class CabinetStatus:
    """What the cabinet said of itself when it was last read.

    hands_off: why it must not be touched now though it will pass by itself (preemption, transition), or empty;
    lockout: why it must not be touched until an operator has been there (flash, manual control, stop time, conflict),
    or empty; rebooted: it has started anew since it was last read; written: what of ours is in force, in words;
    clock_offset_s: its clock ahead of ours, None where it tells none.
    """

    time_s: float
    command: Commander
    hands_off: str
    lockout: str
    rebooted: bool
    backup_time_s: float
    written: str
    clock_offset_s: float | None


@dataclass(frozen=True)
class Finding:
    """One line of a preflight. Only `refuses` keeps the site in shadow."""

    what: str
    value: str
    bound: str
    refuses: bool


@dataclass(frozen=True)
class Write:
    """One object set at the cabinet, for the audit log. `confirmed`: by read-back or by its effect; None: not yet."""

    time_s: float
    name: str
    oid: str
    before: str
    value: str
    confirmed: bool | None


class Cabinet(Plant, Protocol):
    """One cabinet. `read` and `apply` are the plant's; `apply` writes nothing before `engage` and after `release`."""

    level: Level

    def preflight(self) -> tuple[Finding, ...]:
        """Look it over, reading only. Raises `PlantError` where it does not answer."""

    def engage(self) -> None:
        """Take what the level allows: arm the backup timer first. Raises `PlantError`, and then has let go again."""

    def renew(self) -> None:
        """Write again what is in force, so that the backup timer does not run out. Raises `PlantError`."""

    def release(self) -> bool:
        """One best-effort clearing of what we hold, then no write; whether it was acknowledged. Never raises."""

    def status(self) -> CabinetStatus:
        """What came with the last `read`."""

    def writes(self) -> tuple[Write, ...]:
        """What was set since this was last asked, with what came of it."""

    def close(self) -> None:
        """Let the sockets go."""
