"""The street's clock: seconds held back until the wall says so."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from signals.errors import ConfigError

SLOWEST, FASTEST = 0.05, 1000.0
LATE_S = 0.01
CATCH_UP_S = 1.0
"""Wall time that a late clock makes good by itself; beyond it the schedule moves, so that no burst of ticks follows."""
LEAP_S = 60.0
"""A step of the street's own clock beyond this, or back, is taken at once."""
REMEMBERED = 3600
"""Ticks over which lateness is told: an hour at one a second."""


class StreetClock:
    """The street's time in s: local seconds since 1970 when it begins, then steady, whatever is done to the wall clock.

    A change of daylight saving is followed by the next process, so that no timer ever sees a leap.
    """

    def __init__(
        self, speed: float, now: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        if not SLOWEST <= speed <= FASTEST:
            raise ConfigError(f"speed = {speed:g}, must be {SLOWEST:g} to {FASTEST:g}")
        self._speed, self._now, self._began_s = speed, now, now()
        began_s = wall()
        self._first_s = began_s + time.localtime(began_s).tm_gmtoff

    def __call__(self) -> float:
        return self._first_s + (self._now() - self._began_s) * self._speed


class WallClock:
    """Yields the seconds that it is given, each when it is due at `speed`. A late one is counted, never left out.

    `wait` sleeps, and may return early to let a stop be noticed. Late is a tick that begins `LATE_S` after it was due.
    """

    def __init__(
        self,
        seconds: Iterable[float],
        speed: float,
        wait: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        if not SLOWEST <= speed <= FASTEST:
            raise ConfigError(f"speed = {speed:g}, must be {SLOWEST:g} to {FASTEST:g}")
        self.speed = speed
        self.ticks = self.late = 0
        self.moved_s = 0.0
        """Wall time by which the schedule was moved, because the work did not keep up."""
        self._seconds, self._wait, self._now = iter(seconds), wait, now
        self.lateness_s: deque[float] = deque(maxlen=REMEMBERED)
        self.done_s: deque[float] = deque(maxlen=REMEMBERED)
        """From when a tick was due until its work was over, lateness and all."""
        self._due_s: float | None = None
        self._at_work_since_s: float | None = None
        self._before_s = 0.0

    def __iter__(self) -> Iterator[float]:
        return self

    def __next__(self) -> float:
        if self._at_work_since_s is not None:
            self.done_s.append(self._now() - self._at_work_since_s)
        second_s = next(self._seconds)
        self._at_work_since_s = due_s = self._due(second_s)
        early_s = due_s - self._now()
        if early_s > 0:
            self._wait(early_s)
        self._count(max(0.0, self._now() - due_s))
        return second_s

    def _due(self, second_s: float) -> float:
        step_s, self._before_s = second_s - self._before_s, second_s
        if self._due_s is None or not 0 <= step_s <= LEAP_S:
            self._due_s = self._now()
        else:
            self._due_s += step_s / self.speed
        return self._due_s

    def _count(self, lateness_s: float) -> None:
        self.ticks += 1
        self.late += lateness_s > LATE_S
        self.lateness_s.append(lateness_s)
        if lateness_s > CATCH_UP_S and self._due_s is not None:
            self._due_s += lateness_s
            self.moved_s += lateness_s

    @property
    def lateness_p99_s(self) -> float:
        """How long after it was due a tick began, 99 in 100 at most, of the last `REMEMBERED`."""
        return float(np.percentile(self.lateness_s, 99)) if self.lateness_s else 0.0

    @property
    def done_p99_s(self) -> float:
        """How long after it was due a tick's work was over, 99 in 100 at most, of the same ticks."""
        return float(np.percentile(self.done_s, 99)) if self.done_s else 0.0
