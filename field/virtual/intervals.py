"""The interval timers of a phase and of a permissive display. Times are tenths of a second of running time."""

from __future__ import annotations

from enum import IntEnum

from field.virtual.tables import RED_REVERT_S, OverlapTable, PhaseTable


def tenths(seconds: float) -> int:
    """Seconds as the unit counts them."""
    return round(seconds * 10)


class Interval(IntEnum):
    """Where a phase is (NTCIP 1202 phaseStatusGroup*: "on" is everything but red)."""

    RED = 0
    GREEN = 1
    PEDESTRIAN_CLEAR = 2
    YELLOW = 3
    RED_CLEAR = 4


class PhaseTimer:
    """One phase: green (walk of a pedestrian phase), then its clearances, none of which can be cut."""

    def __init__(self, table: PhaseTable, now: int = 0) -> None:
        self.table = table
        self.interval = Interval.RED
        self.since = now
        self.conflict_since: int | None = None
        """Since when a conflicting call runs the maximum green (Signal Timing Manual, ch. 6); None: there is none."""
        self.actuated = 0
        """When a detector last extended it."""
        self._length = {
            Interval.PEDESTRIAN_CLEAR: tenths(table.pedestrian_clear_s),
            Interval.YELLOW: tenths(table.yellow_change_s),
            Interval.RED_CLEAR: tenths(table.red_clearance_s),
        }
        self._minimum, self._passage = tenths(table.minimum_green_s), tenths(table.passage_s)
        self._maximum, self._revert = tenths(table.maximum_s), tenths(RED_REVERT_S)

    @property
    def on(self) -> bool:
        """Whether it is anything but red."""
        return self.interval is not Interval.RED

    @property
    def green(self) -> bool:
        """Whether it can still be ended."""
        return self.interval is Interval.GREEN

    def rested(self, now: int) -> bool:
        """Whether red has lasted for the red revert time (TS 2 ch. 3, red revert)."""
        return not self.on and now - self.since >= self._revert

    def minimum_over(self, now: int) -> bool:
        """Whether minimum green, or walk, has been served."""
        return now - self.since >= self._minimum

    def gapped_out(self, now: int) -> bool:
        """Whether the passage time has run out since the last actuation (NTCIP 1202 phasePassage)."""
        return now - max(self.actuated, self.since) >= self._passage

    def maxed_out(self, now: int) -> bool:
        """Whether the maximum green has run out (NTCIP 1202 phaseMaximum1)."""
        return self.conflict_since is not None and now - self.conflict_since >= self._maximum

    def begin(self, now: int) -> None:
        """Turn green."""
        self.interval, self.since, self.conflict_since = Interval.GREEN, now, None

    def end(self, now: int) -> None:
        """Leave green for the first clearance that has a length."""
        self._advance(Interval.GREEN, now)

    def tick(self, now: int) -> bool:
        """Let clearances run; whether the interval changed."""
        if self.interval in self._length and now - self.since >= self._length[self.interval]:
            self._advance(self.interval, now)
            return True
        return False

    def _advance(self, after: Interval, now: int) -> None:
        following = [i for i, length in self._length.items() if i > after and length > 0]
        self.interval, self.since = (following[0] if following else Interval.RED), now


class OverlapTimer:
    """One permissive display: on with its hosts, then yellow and red clearance of its own."""

    def __init__(self, table: OverlapTable) -> None:
        self.table = table
        self.interval = Interval.RED
        self.since = 0
        self._yellow, self._red = tenths(table.yellow_change_s), tenths(table.red_clearance_s)

    @property
    def on(self) -> bool:
        """Whether it is anything but red."""
        return self.interval is not Interval.RED

    def absorb(self, now: int) -> None:
        """Its own phase has turned green and takes the heads over."""
        self.interval, self.since = Interval.RED, now

    def tick(self, now: int, hosted: bool) -> bool:
        """Follow the hosts; whether the interval changed."""
        before, passed = self.interval, now - self.since
        if before is Interval.GREEN and not hosted:
            self.interval = Interval.YELLOW if self._yellow else Interval.RED_CLEAR
        elif before is Interval.YELLOW and passed >= self._yellow:
            self.interval = Interval.RED_CLEAR if self._red else Interval.RED
        elif before is Interval.RED_CLEAR and passed >= self._red:
            self.interval = Interval.RED
        elif before is Interval.RED and hosted:
            self.interval = Interval.GREEN
        if self.interval is not before:
            self.since = now
        return self.interval is not before
