"""What a trained policy may choose from: the action mask, the same in training and in the street.

It is narrower than what the plant would take. Greens are no shorter than a policy was trained with, and whoever turns
in gaps and stands is cleared before cross traffic starts: a junction whose box is left full locks for good, which
happens too rarely to be learned in time. And whoever has waited for `LONGEST_RED_S` goes next: one vehicle that
waits costs so little that a policy may learn to forget it.
"""

from __future__ import annotations

import numpy as np

from signals.controllers.worthiest import turns_in_gaps
from signals.layout import Layout
from signals.values import Bools, TrafficState

LONGEST_RED_S = 120.0
"""A lane group with a call waits no longer where a stage that serves it may be asked for."""


class Choices:
    """Narrows the eligible stages of a state; remembers nothing."""

    def __init__(self, layout: Layout, minimum_green_s: float) -> None:
        self._rows = np.arange(len(layout.intersections))
        self._turning, self._clears = turns_in_gaps(layout)
        self._can_clear: Bools = np.logical_or.reduce(self._clears, axis=2)
        self._rescues: Bools = layout.full_green & layout.has_stage[:, :, None]
        self._rescued: Bools = np.logical_or.reduce(self._rescues, axis=1)
        clearing = self._clears.any(axis=1)  # a stage that clears is over as soon as it has
        self._minimum_s = np.maximum(layout.stage_minimum_green_s, np.where(clearing, 0.0, minimum_green_s))

    def narrow(self, traffic: TrafficState) -> TrafficState:
        """The same belief with fewer stages eligible; the one that stands stays so, unless somebody must be rescued."""
        rows, current = self._rows, traffic.last_stage
        clears = self._clears[rows, current]
        standing: Bools = np.logical_or.reduce(self._turning[rows, current] & traffic.blocked, axis=1)
        full = standing & self._can_clear[rows, current]
        old: Bools = traffic.elapsed_green_s >= self._minimum_s[rows, current]
        eligible = traffic.eligible & old[:, None] & (clears | ~full[:, None])
        eligible[rows, current] = traffic.eligible[rows, current]
        red_s = np.where(self._rescued, traffic.red_s, 0.0)
        for row in np.flatnonzero(np.maximum.reduce(red_s, axis=1) > LONGEST_RED_S).tolist():
            first = eligible[row] & self._rescues[row, :, red_s[row].argmax()]
            if first.any():
                eligible[row] = first
        return traffic._replace(eligible=eligible)
