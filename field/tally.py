"""What a run comes to: ticks, changes of stage, refusals by reason."""

from __future__ import annotations

from collections import Counter

import numpy as np

from signals.values import TRANSITION, Mode, Record


class Tally:
    """Counts over records."""

    def __init__(self) -> None:
        self.ticks = self.changes = 0
        self.refusals: Counter[str] = Counter()

    def update(self, record: Record) -> None:
        """Take one tick. A change is a granted wish for another stage than the one that stands."""
        self.ticks += 1
        decision, command, standing = record.decision, record.command, record.snapshot.stage
        other = (standing != TRANSITION) & (decision.stage != standing)
        self.changes += int((other & (decision.mode == Mode.GO) & (command.refusal == 0)).sum())
        self.refusals.update(command.reason(int(row)) for row in np.flatnonzero(command.refusal))
