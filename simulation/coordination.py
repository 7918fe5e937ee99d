"""Back into step: a junction that is given back goes on where its own plan is, not where it was left.

SUMO lets a program that is not in force run on, so its row is the plan's place in the cycle. A cabinet in coordination
finds its offset again within a cycle or two; here the junction waits in the stage that stands, or walks to the one that
the plan has just begun, until both show the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from signals.layout import Layout
from signals.sequencer import interstages_s

STEP_WITHIN_S = 20.0
"""After that the plan begins with the stage that stands, and its offset is lost: nobody is to wait for coordination."""


@dataclass
class Leaving:
    """One junction on its way back: since when, and the row that its own plan was in when last looked at."""

    since_s: float
    row: int = -1
    began: bool = False

    def follow(self, row: int) -> None:
        """`began`: the plan has entered this row since the last look."""
        self.began, self.row = self.row not in (-1, row), row


class Coordination:
    """Decides for each junction that leaves: hand over now, walk to another stage first, or wait."""

    def __init__(self, layout: Layout) -> None:
        self._interstages_s, self._minimum_s = interstages_s(layout), layout.stage_minimum_green_s
        self._leaving: dict[int, Leaving] = {}

    def forget(self, junction: int) -> None:
        """It is given back, or taken again."""
        self._leaving.pop(junction, None)

    def in_step(self, junction: int, now_s: float, stage: int, plan_stage: int | None, row: int) -> bool:
        """Whether its own plan shows the stage that stands, and that will have had its minimum green."""
        leaving = self._leaving.setdefault(junction, Leaving(now_s))
        leaving.follow(row)
        stood_s = now_s - leaving.since_s
        return plan_stage == stage and (leaving.began or stood_s >= self._minimum_s[junction, stage])

    def gives_up(self, junction: int, now_s: float) -> bool:
        """It has waited for long enough."""
        return now_s - self._leaving[junction].since_s >= STEP_WITHIN_S

    def walks(self, junction: int, stage: int, plan_stage: int | None, lasts_s: float) -> bool:
        """Whether the plan has just begun a stage that is still green for its minimum after the interstage to it."""
        if plan_stage is None or plan_stage == stage or not self._leaving[junction].began:
            return False
        least_s = self._interstages_s[junction, stage, plan_stage] + self._minimum_s[junction, plan_stage]
        return bool(lasts_s >= least_s)
