"""`actuated`: stages in order, each held while vehicles keep coming, skipped when nobody calls.

Signal Timing Manual, 2nd ed., ch. 6: a stage gaps out when no detection of the lane groups that it serves is younger
than the passage time, and maxes out when its maximum green has run against a call elsewhere.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from signals.controllers.common import stage_or_hold
from signals.intersection import Frozen
from signals.layout import Layout
from signals.values import Decision, TrafficState

WORDING = (
    "interstage",
    "rest: no call elsewhere",
    "minimum green, {number:.0f} s so far",
    "extension, last detection {number:.1f} s ago",
    "gap-out, call on stage {stage}",
    "max-out at {number:.0f} s, call on stage {stage}",
)
REST, MINIMUM, EXTENSION, GAP_OUT, MAX_OUT = range(1, 6)


class ActuatedSettings(Frozen):
    """Timing of `actuated`; the same at every junction."""

    passage_s: Annotated[float, Field(ge=0.5, le=10, description="A gap longer than this ends the green.")] = 3.0
    maximum_green_s: Annotated[float, Field(ge=10, le=180, description="Longest green against a call elsewhere.")] = (
        40.0
    )
    minimum_green_s: Annotated[float, Field(ge=0, le=30, description="Shortest green, if the stage's own is less.")] = (
        5.0
    )
    recall: Annotated[Literal["none", "minimum"], Field(description="Call every stage in every cycle, or none.")] = (
        "none"
    )


class Actuated:
    """Decides for all junctions at once; remembers nothing, since calls and gaps are in the `TrafficState`."""

    def __init__(self, layout: Layout, settings: ActuatedSettings) -> None:
        self._layout, self._settings = layout, settings
        junctions, stages = layout.has_stage.shape
        self._rows = np.arange(junctions)
        count = layout.has_stage.sum(axis=1)
        ahead = self._rows[:, None] * 0 + np.arange(1, stages + 1)[None, :]
        self._next = (np.arange(stages)[None, :, None] + ahead[:, None, :]) % count[:, None, None]
        self._minimum_s = np.maximum(layout.stage_minimum_green_s, settings.minimum_green_s)

    def decide(self, traffic: TrafficState) -> Decision:
        """Hold, extend, or go to the next stage in order that somebody calls."""
        rows, current = self._rows, traffic.last_stage
        green_s, settings = traffic.elapsed_green_s, self._settings
        served = self._layout.any_green[rows, current]
        calling = self._called(traffic, served)[rows[:, None], self._next[rows, current]]
        following = self._next[rows, current][rows, calling.argmax(axis=1)]
        called = calling.any(axis=1) & (following != current)
        gap_s = np.where(served & traffic.calls, traffic.gap_s, np.inf).min(axis=1)
        at_minimum = green_s < self._minimum_s[rows, current]
        extends = (gap_s <= settings.passage_s) & (green_s < settings.maximum_green_s)
        why = np.where(green_s >= settings.maximum_green_s, MAX_OUT, GAP_OUT)
        why = np.where(extends, EXTENSION, why)
        why = np.where(called, why, REST)
        why = np.where(at_minimum, MINIMUM, why)
        stage = np.where(why >= GAP_OUT, following, current)
        number = np.where(why == EXTENSION, gap_s, green_s)
        return stage_or_hold(traffic, stage, why, number, WORDING)

    def _called(self, traffic: TrafficState, served: np.ndarray) -> np.ndarray:
        """Stages [J, S] that serve somebody who calls and is not served, or has green and cannot go."""
        if self._settings.recall == "minimum":
            return self._layout.has_stage
        waiting = traffic.calls & (~served | traffic.blocked)
        return (self._layout.any_green & waiting[:, None, :]).any(axis=2) & self._layout.has_stage
