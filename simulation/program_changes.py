"""Junctions whose own program SUMO is about to change by the time of day: they are left to it until that is done.

SUMO changes to the new program at once, whatever stands, so a junction must be on its own plan by then, as raw SUMO is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulation.sumo import Sumo
from simulation.switching import Switching

LEAVE_BEFORE_S = 45.0
"""Long enough for an interstage that runs, and for yellow and clearance to red."""


class ProgramChanges:
    """`rows` are the junctions that must be on their own plan now; `due` renews them."""

    def __init__(self, sumo: Sumo, names: Sequence[str], switching: Mapping[str, Switching]) -> None:
        self._sumo, self._names = sumo, names
        self._schedules = {row: switching[name] for row, name in enumerate(names) if name in switching}
        self._next = {row: schedule.following(sumo.time_s) for row, schedule in self._schedules.items()}
        self.rows: frozenset[int] = frozenset()

    def due(self, now_s: float) -> frozenset[int]:
        """From shortly before a change until SUMO has made it."""
        if self._schedules:
            self.rows = frozenset(row for row in self._schedules if self._is_due(row, now_s))
        return self.rows

    def _is_due(self, row: int, now_s: float) -> bool:
        at_s, program = self._next[row]
        if now_s > at_s and self._sumo.trafficlight.getProgram(self._names[row]) == program:
            self._next[row] = at_s, program = self._schedules[row].following(now_s)
        return now_s >= at_s - LEAVE_BEFORE_S
