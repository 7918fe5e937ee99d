"""Before and after by signalised crossing: how long who walks stands before it."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from reports.before_after import pairs
from reports.comparison import Arm, ScenarioComparison
from reports.parts import Pair, of_arm, paired
from reports.periods import cell
from reports.table import Cell
from reports.words import Words

CROSSING = ["junction", "approach", "heading"]
FIGURES = {"persons": 0, "crossing_wait_s": 1, "crossing_wait_max_s": 0}
"""Measures and their decimals."""


def crossing_lines(table: pd.DataFrame, arm: Arm, baseline: Arm) -> dict[tuple[str, str, str], dict[str, Pair]]:
    """By junction, crossing and the arm that it leads over; each measure's p is corrected for all of them."""
    found = paired(of_arm(table, arm), of_arm(table, baseline), CROSSING, list(FIGURES))
    return {(str(junction), str(name), str(heading)): figures for (junction, name, heading), figures in found.items()}


def crossing_tables(comparisons: Sequence[ScenarioComparison], table: pd.DataFrame, say: Words) -> list[dict[str, Any]]:
    """For each scenario and controller a row a crossing; none where nobody walked."""
    shown = []
    for comparison, arm, baseline in pairs(comparisons) if len(table) else ():
        lines = crossing_lines(table, arm, baseline)
        summary = say("before_after.summary", place=comparison.label, after=arm.controller, before=arm.baseline)
        rows = [
            (place, name, _over(heading, say), _cells(figures, say))
            for (place, name, heading), figures in lines.items()
        ]
        shown += [{"summary": summary, "rows": rows}] if rows else []
    return shown


def _over(heading: str, say: Words) -> str:
    return say("crossings.over", heading=say(f"movements.{heading}")) if heading else say("crossings.crossing")


def _cells(figures: dict[str, Pair], say: Words) -> list[tuple[Cell, str]]:
    persons = Cell(figures["persons"].text(0)), ""
    return [persons, *(cell(figures[name], FIGURES[name], say) for name in list(FIGURES)[1:])]
