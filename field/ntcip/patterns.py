"""Which of the site's patterns fits what the controller has wished for; level `pattern`."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from field.site import Pattern

OVER_S = 900.0
EVERY_S = 300.0
"""At most one change of pattern in five minutes."""


class PatternChoice:
    """Remembers the stages wished for during `OVER_S`; the pattern whose shares are nearest to theirs is called."""

    def __init__(self, patterns: Sequence[Pattern], stages: Sequence[str]) -> None:
        self._stages = tuple(stages)
        self._patterns = {p.number: [p.shares.get(name, 0.0) for name in stages] for p in patterns}
        self.clear()

    def clear(self) -> None:
        """Nothing was wished for yet, and none is called."""
        self._wished: deque[tuple[float, int]] = deque()
        self._since_s: float | None = None
        self._called_s: float | None = None
        self.called = 0

    def update(self, time_s: float, stage: int) -> int:
        """The pattern to be in force, 0 while there is too little to choose by."""
        if self._since_s is None:
            self._since_s = time_s
        self._wished.append((time_s, stage))
        while self._wished[0][0] < time_s - OVER_S:
            self._wished.popleft()
        enough = time_s - self._since_s >= EVERY_S
        if enough and (self._called_s is None or time_s - self._called_s >= EVERY_S):
            nearest = min(self._patterns, key=self._distance)
            if nearest != self.called:
                self.called, self._called_s = nearest, time_s
        return self.called

    def _distance(self, number: int) -> float:
        wished = [stage for _, stage in self._wished]
        shares = [wished.count(k) / len(wished) for k in range(len(self._stages))]
        return sum(abs(a - b) for a, b in zip(shares, self._patterns[number], strict=True))
