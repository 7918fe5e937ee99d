"""What a site's loop and the page share: one slot that is overwritten, and a few wishes of operators on their way back.

Each attribute is written by one thread, whole, so that neither needs a lock or can hold the other up.
"""

from __future__ import annotations

import bisect
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from field.clock import WallClock
from field.vitals import Vitals
from signals.layout import Layout
from signals.values import Record

LINES = 8
MOST_WISHES = 4
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the histogram of ticks: a decision's limit and a tick's second are among them."""


class Reading(NamedTuple):
    """How a site stood after a tick. `record` is of the last tick that had one; `durations` see `Durations`."""

    record: Record | None
    vitals: Vitals
    ticks: int
    late: int
    changes: int
    refusals: dict[str, int]
    durations: tuple[tuple[int, ...], float]


@dataclass(frozen=True)
class Wish:
    """What an operator asks of the loop: `release` or `acknowledge`."""

    what: str
    who: str


class Durations:
    """Ticks by how long after they were due their work was over: counts up to each of `BOUNDS_S`, one beyond, a sum."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0
        self._measured = 0

    def follow(self, clock: WallClock) -> None:
        """Take the tick before the one at work, which has no end yet."""
        if clock.ticks - 1 > self._measured:
            self._measured = clock.ticks - 1
            self._counts[bisect.bisect_left(BOUNDS_S, clock.done_s[-1])] += 1
            self._sum_s += clock.done_s[-1]

    @property
    def so_far(self) -> tuple[tuple[int, ...], float]:
        """A copy."""
        return tuple(self._counts), self._sum_s


class Board:
    """One site on the page. token: empty where nobody may ask for anything."""

    def __init__(self, name: str, controller: str, level: str, place: Layout, token: str, speed: float) -> None:
        self.name, self.controller, self.level = name, controller, level
        self.place, self.token, self.speed = place, token, speed
        self.latest: Reading | None = None
        self.ended = False
        self._lines: deque[str] = deque(maxlen=LINES)
        self._wishes: deque[Wish] = deque()

    def say(self, line: str) -> None:
        """From the loop."""
        self._lines.append(line)

    @property
    def lines(self) -> list[str]:
        """The last of what was said."""
        return list(self._lines.copy())

    def wish(self, wish: Wish) -> bool:
        """From the page; False where enough are on their way."""
        if len(self._wishes) >= MOST_WISHES:
            return False
        self._wishes.append(wish)
        return True

    def wishes(self) -> list[Wish]:
        """To the loop, each once."""
        found = []
        while self._wishes:
            found.append(self._wishes.popleft())
        return found
