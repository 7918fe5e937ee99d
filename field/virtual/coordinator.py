"""Which pattern is in force, and which phases its cycle keeps green now.

NTCIP 1202 v2, 2.5: coordOperationalMode, then systemPatternControl, then the time base. Force-offs are fixed points of
the cycle (Signal Timing Manual, 2nd ed., ch. 7); every phase of a pattern is on maximum recall (splitMode maxVehicle),
so that the local plan is the fixed-time plan that it was keyed in from. A unit that is out of step leaves, after
minimum greens, for the phases whose turn it is.
"""

from __future__ import annotations

from bisect import bisect_right

from field.virtual.tables import Pattern, Tables

FREE, FLASH, STANDBY, AUTOMATIC = 254, 255, 0, 0
NOT_FREE, COMMAND_FREE, COORD_FREE, BAD_PLAN = 2, 3, 6, 7
"""localFreeStatus."""
DAY_S = 86_400


class Coordinator:
    """Remembers the operator's mode; the rest follows from the clock of day."""

    def __init__(self, tables: Tables) -> None:
        self.operational_mode = AUTOMATIC
        self.status, self.free_status = FREE, COORD_FREE
        self.pattern: Pattern | None = None
        self._by_number = {p.number: p for p in tables.patterns}
        self._times = sorted((p.from_s, p.number) for p in tables.patterns)
        self._open: frozenset[int] = frozenset()
        self.position_s = 0.0
        """Seconds into the local cycle (coordCycleStatus counts them down)."""

    def tick(self, clock_s: float, system: int) -> bool:
        """Choose the pattern and find the place in its cycle; whether another pattern came."""
        wanted = self.operational_mode or system or self._time_base(clock_s)
        before = self.status
        self.pattern = self._by_number.get(wanted)
        known = self.pattern is not None or wanted in (FREE, FLASH)
        self.status = wanted if known else FREE
        self.free_status = NOT_FREE if self.pattern or wanted == FLASH else COMMAND_FREE if known else BAD_PLAN
        if self.pattern:
            self._place(self.pattern, clock_s)
        return self.status != before

    def _time_base(self, clock_s: float) -> int:
        if not self._times:
            return FREE
        return self._times[bisect_right(self._times, (clock_s % DAY_S, DAY_S)) - 1][1]

    def _place(self, pattern: Pattern, clock_s: float) -> None:
        self.position_s = round((clock_s - pattern.offset_s) % pattern.cycle_s, 1) % pattern.cycle_s
        following = (phases for force_off_s, phases in pattern.windows if self.position_s < force_off_s)
        self._open = next(following, pattern.windows[0][1])

    def open(self, number: int) -> bool:
        """Whether it is a phase's turn; in free operation it always is."""
        return self.pattern is None or number in self._open
