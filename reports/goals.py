"""Goals that an analyst sets, such as `delay_s < 35`: met or missed, and how surely."""

import difflib
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.statistics import mean_interval
from reports.comparison import Arm, ScenarioComparison
from reports.measures import NAMES
from reports.table import Cell
from reports.wording import bounded, number
from reports.words import Words
from signals.errors import ConfigError

WRITTEN = re.compile(r"\s*(\w+)\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*")
BY_SIGN: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MEASURED = tuple(name for name in NAMES if name != "delay_by_junction")


@dataclass(frozen=True)
class Goal:
    """A bound on a measure's mean over draws."""

    measure: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.measure} {self.sign} {self.bound:g}"

    def holds(self, value: float) -> bool:
        return BY_SIGN[self.sign](value, self.bound)

    def verdict(self, values: "pd.Series[float]") -> str:
        """`met`, `probably_met`, `probably_missed`, `missed`; `unknown` without a mean. Draws may all be alike."""
        found, alike = mean_interval(values), len(values) > 1 and values.nunique() == 1
        if math.isnan(found.estimate):
            return "unknown"
        held = self.holds(found.estimate)
        sure = alike or (bounded(found) and self.holds(found.low) == held == self.holds(found.high))
        return ("" if sure else "probably_") + ("met" if held else "missed")


def parse_goal(text: str) -> Goal:
    """ConfigError for what is no MEASURE < NUMBER."""
    found = WRITTEN.fullmatch(text)
    if not found:
        raise ConfigError(f"goal '{text}': must be a measure, one of < <= > >=, and a number: 'delay_s < 35'")
    if found[1] not in MEASURED:
        near = difflib.get_close_matches(found[1], MEASURED, 1, 0.0)[0]
        raise ConfigError(f"goal '{text}': {found[1]} is no measure, nearest: {near}")
    return Goal(found[1], found[2], float(found[3]))


def goal_rows(goals: Sequence[Goal], comparisons: Sequence[ScenarioComparison], say: Words) -> list[dict[str, Any]]:
    """A row for each goal, scenario and controller, at the headline's demand."""
    return [
        _row(goal, comparison.label, arm, say)
        for goal in goals
        for comparison in comparisons
        for arm in comparison.headline_arms
    ]


def _row(goal: Goal, place: str, arm: Arm, say: Words) -> dict[str, Any]:
    values = arm.values(goal.measure)
    found = mean_interval(values)
    verdict = goal.verdict(values)
    note = f"[{number(found.low)}, {number(found.high)}]" if bounded(found) else ""
    draws = say("goals.of", some=sum(goal.holds(value) for value in values), all=len(values))
    return {
        "goal": str(goal), "place": place, "who": arm.controller, "found": Cell(number(found.estimate), note),
        "verdict": verdict, "judged": say(f"goals.{verdict}"), "draws": draws,
    }  # fmt: skip
