"""`random`: the baseline that a policy has to beat before anything else is asked of it."""

from __future__ import annotations

import numpy as np

from signals.controllers.common import stage_or_hold
from signals.layout import Layout
from signals.values import Decision, TrafficState

WORDING = ("interstage", "random stage {stage}, for {number:.0f} s")


class RandomStages:
    """Any eligible stage, each as likely, drawn anew every `decision_s`; remembers what it drew."""

    def __init__(self, layout: Layout, decision_s: float, seed: int) -> None:
        self._has_stage, self._decision_s = layout.has_stage, decision_s
        self._random = np.random.default_rng(seed)
        self._drawn_s = -np.inf
        self._why = np.ones(len(layout.intersections), np.int64)

    def decide(self, traffic: TrafficState) -> Decision:
        """What was drawn last, or a new draw where its time is over; nothing new in between."""
        stage = traffic.last_stage
        if traffic.time_s - self._drawn_s >= self._decision_s:
            self._drawn_s = traffic.time_s
            lots = self._random.random(self._has_stage.shape)
            stage = np.where(traffic.eligible & self._has_stage, lots, -1.0).argmax(axis=1)
        number = np.full(stage.size, self._decision_s)
        return stage_or_hold(traffic, stage, self._why, number, WORDING)
