"""A controller that must answer in time and in words that make sense; where it does not, a rule decides that tick."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from signals.layout import Layout
from signals.loop import Controller
from signals.values import Decision, Mode, TrafficState

LIMIT_S = 0.2
MOST_IN_A_ROW = 3
"""So many replaced one after the other, and the rules alone decide until the process begins anew."""
MODES = np.array([int(mode) for mode in Mode])
NOT_A_DECISION = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError, MemoryError)
"""What a policy with broken numbers raises."""


class Deadline:
    """Decides as `controller` does, or as `rule` where that is late, no number, or no stage that may be asked for.

    Lateness is known when it answers: one that never does is ended by the watchdog, and the cabinet by itself goes on.
    """

    def __init__(
        self,
        layout: Layout,
        controller: Controller,
        rule: Controller,
        limit_s: float = LIMIT_S,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._layout, self._controller, self._rule = layout, controller, rule
        self._limit_s, self._now = limit_s, now
        self._rows = np.arange(len(layout.intersections))
        self.replaced = self.in_a_row = 0
        self.why = ""
        """Of the last replacement."""

    @property
    def rules_only(self) -> bool:
        """Whether the controller has had its chances."""
        return self.in_a_row >= MOST_IN_A_ROW

    def decide(self, traffic: TrafficState) -> Decision:
        """The controller's wish, or the rule's, whose reason then says why."""
        ruled = self._rule.decide(traffic)  # every tick, since it remembers
        if self.rules_only:
            return self._instead(ruled)
        decided, why = self._ask(traffic)
        if decided is not None and not why:
            self.in_a_row = 0
            return decided
        self.why, self.replaced, self.in_a_row = why, self.replaced + 1, self.in_a_row + 1
        return self._instead(ruled)

    def _ask(self, traffic: TrafficState) -> tuple[Decision | None, str]:
        began_s = self._now()
        try:
            decided = self._controller.decide(traffic)
            why = self._wrong(decided, traffic)
        except NOT_A_DECISION as error:
            return None, f"failed: {type(error).__name__}"
        took_s = self._now() - began_s
        if took_s > self._limit_s:
            why = f"late: {took_s * 1000:.0f} ms, must be at most {self._limit_s * 1000:.0f}"
        return decided, why

    def _wrong(self, decided: Decision, traffic: TrafficState) -> str:
        """Why it is no decision; empty where it is one."""
        shape = self._rows.shape
        if decided.mode.shape != shape or decided.stage.shape != shape:
            return "has another shape"
        if decided.stage.dtype.kind != "i" or not np.isin(decided.mode, MODES).all():
            return "is no stage or mode"
        if np.isnan(decided.number).any():
            return "is no number"
        asks = decided.mode == Mode.GO
        stage = np.where(asks, decided.stage, 0)
        if not ((stage >= 0) & (stage < self._layout.stages)).all():
            return "is no stage"
        allowed = traffic.eligible[self._rows, stage] | (stage == traffic.stage)
        return "is not eligible" if (asks & ~(allowed & self._layout.has_stage[self._rows, stage])).any() else ""

    def _instead(self, ruled: Decision) -> Decision:
        said = "rules only" if self.rules_only else "rule instead"
        why = f"{said} ({self.why}): ".replace("{", "(").replace("}", ")")
        return ruled._replace(wording=tuple(why + words for words in ruled.wording))
