"""A controller that steers by sight alone: a junction none of whose loops is believed is left to its own plan.

What an estimator assumes of a junction that it cannot see is its neighbours' usual traffic: good enough to bridge one
lane group, no ground to choose stages on. The cabinet's own plan was made for such times.
"""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.loop import Controller
from signals.values import Bools, Decision, Known, Mode, TrafficState, some

WORDING = ("no loop is believed: own plan", "loops are believed again: own plan for {number:.0f} s so far")
HOLD_OFF_S = 60.0
"""How long loops must have been believed again before the junction is taken back, lest it flaps."""


class Sighted:
    """Decides as its controller does, which goes on deciding for all junctions, but releases those that are blind.

    Costs one comparison a tick while all see: the estimator replaces its `known` where belief in a loop changes.
    """

    def __init__(self, layout: Layout, controller: Controller) -> None:
        self._controller = controller
        junctions = layout.shape[0]
        self._has_loops: Bools = np.bincount([row for row, _ in layout.loops], minlength=junctions) > 0
        self._known: object = None
        self._blind, self._any_alone = np.zeros(junctions, bool), False
        self._sees_since_s = np.full(junctions, -np.inf)

    def decide(self, traffic: TrafficState) -> Decision:
        """The controller's wish where a loop is believed and has been for long enough, else release."""
        if traffic.known is not self._known:
            self._look(traffic)
        decision = self._controller.decide(traffic)
        return self._leave_alone(traffic.time_s, decision) if self._any_alone else decision

    def _look(self, traffic: TrafficState) -> None:
        self._known = traffic.known
        blind = self._has_loops & (traffic.known == Known.ASSUMED).all(axis=1)
        self._sees_since_s[self._blind & ~blind] = traffic.time_s
        self._blind, self._any_alone = blind, self._any_alone or some(blind)

    def _leave_alone(self, now_s: float, decision: Decision) -> Decision:
        sees_s = now_s - self._sees_since_s
        waits = ~self._blind & (sees_s >= 0) & (sees_s < HOLD_OFF_S)
        alone = self._blind | waits
        self._any_alone = some(alone)
        return decision._replace(
            mode=np.where(alone, np.int8(Mode.RELEASE), decision.mode),
            why=np.where(alone, len(decision.wording) + waits, decision.why),
            number=np.where(alone, sees_s, decision.number),
            wording=decision.wording + WORDING,
        )
