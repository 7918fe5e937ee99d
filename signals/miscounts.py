"""Which loops count wrongly, by two things that a sound loop does not do.

A loop that turns from free to covered has somebody new on it, so it counts; and two vehicles do not come onto one
lane's loop within a second. Either is told of a loop by itself, whatever the others do. Who is neither counted nor
covers the loop is not missed in this way.
"""

from __future__ import annotations

import numpy as np

from signals.values import Floats

PART, LEAST_VEH = 0.05, 3.0
"""How often it must be seen, of what the loop counts. Sound loops do the first never, the second once in 75 counts."""
SPAN_S = 1800.0
EVERY_READING_S = 1.5
"""At slower readings two at once are two vehicles."""


class Miscounts:
    """under, over [L], from fading sums of half an hour."""

    def __init__(self, loops: int) -> None:
        self._sums = np.zeros((3, loops))
        self.under, self.over = np.zeros(loops, bool), np.zeros(loops, bool)

    def check(self, elapsed_s: float, counted: Floats, uncounted: Floats, doubled: Floats) -> None:
        """Vehicles, turns to covered that were not counted, and readings of two at once, since the last check."""
        self._sums *= np.exp(-elapsed_s / SPAN_S)
        self._sums += (counted, uncounted, doubled)
        self.under, self.over = self._sums[1:] > PART * self._sums[0] + LEAST_VEH
