"""How one site stands after a tick, for the live page and the metrics: a copy that its loop no longer touches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from field.cabinet import CabinetStatus, Level, Write
from signals.values import Bools

OUTCOMES = {True: "confirmed", False: "refuted", None: "unverified"}


def outcome(write: Write) -> str:
    """What came of a SET, in a word."""
    return OUTCOMES[write.confirmed]


@dataclass(frozen=True)
class Vitals:
    """State with its reason, what alarms, what the cabinet last said and how old that is, and counts since the start.

    believed [L]: loops that the estimator believes, empty before the first reading; sets: SETs by what came of them;
    replaced: decisions that a rule took instead of the controller, and all of them while `rules_only`.
    """

    state: str
    why: str = ""
    level: Level = Level.SHADOW
    alarms: tuple[str, ...] = ()
    status: CabinetStatus | None = None
    status_age_s: float = 0.0
    believed: Bools = field(default_factory=lambda: np.zeros(0, bool))
    replaced: int = 0
    rules_only: bool = False
    transitions: int = 0
    sets: dict[str, int] = field(default_factory=dict)
    audit_failed: bool = False
    records_failed: bool = False

    @property
    def doubted(self) -> Bools:
        """Loops [L] that the estimator does not believe; empty before the first reading."""
        return ~self.believed
