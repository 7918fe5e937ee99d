"""The share of the last cycles in which each lane group had effective green (HCM: displayed green, less what is lost).

Of a green that ends, the lane group still uses `EXTENSION_S` of the change interval; at its start it loses the start-up
lost time. An interstage between two stages that both serve it is green too.
"""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import TRANSITION, Floats, Ints

SPAN_S = 300.0
"""Time constant of the mean: three or four cycles."""
EXTENSION_S = 2.0
"""HCM's default for the extension of effective green."""


class GreenShare:
    """Sums that fade: served seconds [J, N], greens ended [J, N], and all seconds [J], of each junction."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        junctions = layout.shape[0]
        self._green_s, self._ended = np.zeros(layout.shape), np.zeros(layout.shape)
        self._all_s = np.zeros(junctions)
        self.restart(0.0)

    def restart(self, now_s: float) -> None:
        """A first reading, or a clock that stepped back: the stage that stands is not known to have stood before."""
        junctions = self._layout.shape[0]
        self._since_s = np.full(junctions, now_s)
        self._stage, self._left = np.full(junctions, TRANSITION), np.full(junctions, TRANSITION)

    def follow(self, now_s: float, rows: list[int], stage: Ints) -> None:
        """At some junctions, `rows`, the stage has changed."""
        for row in rows:
            shown = int(stage[row])
            elapsed_s = now_s - self._since_s[row]
            served, ended = self._between(row, int(self._stage[row]), int(self._left[row]), shown)
            fade = np.exp(-elapsed_s / SPAN_S)
            self._green_s[row] = fade * self._green_s[row] + SPAN_S * (1.0 - fade) * served
            self._ended[row] = fade * self._ended[row] + ended
            self._all_s[row] = fade * self._all_s[row] + SPAN_S * (1.0 - fade)
            if self._stage[row] != TRANSITION:
                self._left[row] = self._stage[row]
            self._stage[row], self._since_s[row] = shown, now_s

    def _between(self, row: int, was: int, left: int, shown: int) -> tuple[Floats, Floats]:
        """What was served since the change before, and whose green is over now that `shown` has come."""
        serves, none = self._layout.serves[row], np.zeros(self._layout.shape[1])
        before = left if was == TRANSITION else was
        over = none if TRANSITION in (before, shown) else ((serves[before] > 0) & (serves[shown] == 0)).astype(float)
        if was != TRANSITION:
            return serves[was], over
        return (none if TRANSITION in (before, shown) else np.minimum(serves[before], serves[shown])), over

    def share(self, now_s: float, lost_s: Floats) -> Floats:
        """Effective green over all time [J, N], 0 where none was seen; lost_s [J, N]: start-up lost time."""
        rows = np.arange(self._stage.size)
        shown = self._layout.serves[rows, self._stage] * (self._stage != TRANSITION)[:, None]
        fade = np.exp(-(now_s - self._since_s) / SPAN_S)[:, None]
        green_s = fade * self._green_s + SPAN_S * (1.0 - fade) * shown
        all_s = fade * self._all_s[:, None] + SPAN_S * (1.0 - fade)
        used_s = green_s + fade * self._ended * (EXTENSION_S - lost_s)
        found: Floats = np.clip(used_s / np.maximum(all_s, 1e-9), 0.0, 1.0) * (green_s > 0)
        return found
