"""`existing`: the plant left to its own plan, and observed."""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import Decision, Mode, TrafficState

WORDING = ("left to its own plan",)


class Existing:
    """Asks every junction to follow its own plan."""

    def __init__(self, layout: Layout) -> None:
        junctions = len(layout.intersections)
        self._mode = np.full(junctions, Mode.RELEASE, np.int8)
        self._why = np.zeros(junctions, np.int64)
        self._number = np.zeros(junctions)

    def decide(self, traffic: TrafficState) -> Decision:
        """Release."""
        return Decision(traffic.time_s, self._mode, traffic.last_stage, self._why, self._number, WORDING)
