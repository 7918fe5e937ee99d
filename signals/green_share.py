"""The share of the last cycles in which each lane group had effective green (HCM: displayed green, less what is lost).

Of a green that ends, the lane group still uses `EXTENSION_S` of the change interval; at its start it loses the start-up
lost time. An interstage between two stages that both serve it is green too.

What is summed per stage and per change of stage is a few numbers where a stage changes; lane groups are looked at when
somebody asks. Sums fade by growing: later seconds weigh more, by `SPAN_S`.
"""

from __future__ import annotations

from math import exp

import numpy as np

from signals.layout import Layout
from signals.values import TRANSITION, Floats, Ints

SPAN_S = 300.0
"""Time constant of the mean: three or four cycles."""
EXTENSION_S = 2.0
"""HCM's default for the extension of effective green."""
LONGEST_S = 30.0 * SPAN_S
"""After so long the weights start from 1 again, and what was before is nothing beside what follows."""


class GreenShare:
    """Weighed seconds in each stage [J, S] and on the way from one to another [J, S, S], and weighed changes."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        junctions, stages = layout.shape[0], layout.stages
        self._in_stage_s = np.zeros((junctions, stages))
        self._between_s, self._changes = np.zeros((2, junctions, stages, stages))
        self._all_s = np.zeros(junctions)
        self.restart(0.0)

    def restart(self, now_s: float) -> None:
        """A first reading, or a clock that stepped back: the stage that stands is not known to have stood before."""
        junctions = self._layout.shape[0]
        self._began_s = now_s
        self._since = [SPAN_S] * junctions
        self._stage, self._left = [TRANSITION] * junctions, [TRANSITION] * junctions
        for sums in (self._in_stage_s, self._between_s, self._changes, self._all_s):
            sums[...] = 0.0

    def follow(self, now_s: float, rows: list[int], stage: Ints) -> None:
        """At some junctions, `rows`, the stage has changed."""
        if now_s - self._began_s > LONGEST_S:
            self._rebase(now_s)
        weight = SPAN_S * exp((now_s - self._began_s) / SPAN_S)
        for row in rows:
            shown, was, left = int(stage[row]), self._stage[row], self._left[row]
            lasted_s = weight - self._since[row]
            self._all_s[row] += lasted_s
            if was != TRANSITION:
                self._in_stage_s[row, was] += lasted_s
                self._left[row] = left = was
            elif TRANSITION not in (left, shown):
                self._between_s[row, left, shown] += lasted_s
            if TRANSITION not in (left, shown):
                self._changes[row, left, shown] += weight / SPAN_S
            self._stage[row], self._since[row] = shown, weight

    def _rebase(self, now_s: float) -> None:
        scale = exp((self._began_s - now_s) / SPAN_S)
        for sums in (self._in_stage_s, self._between_s, self._changes, self._all_s):
            sums *= scale
        self._since = [since * scale for since in self._since]
        self._began_s = now_s

    def share(self, now_s: float, lost_s: Floats) -> Floats:
        """Effective green over all time [J, N], 0 where none was seen; lost_s [J, N]: start-up lost time."""
        serves = self._layout.serves
        weight = SPAN_S * exp((now_s - self._began_s) / SPAN_S)
        open_s = weight - np.array(self._since)
        stage = np.array(self._stage, np.int64)
        green_s = np.einsum("js,jsn->jn", self._in_stage_s, serves)
        green_s += (open_s * (stage != TRANSITION))[:, None] * serves[np.arange(stage.size), stage]
        either = np.minimum(serves[:, :, None], serves[:, None])
        green_s += np.einsum("jab,jabn->jn", self._between_s, either)
        over = (serves[:, :, None] > 0) & (serves[:, None] == 0)
        used_s = green_s + np.einsum("jab,jabn->jn", self._changes, over) * (EXTENSION_S - lost_s)
        all_s = np.maximum(self._all_s + open_s, 1e-9)[:, None]
        found: Floats = np.clip(used_s / all_s, 0.0, 1.0) * (green_s > 0)
        return found
