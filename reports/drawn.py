"""Everything that a report draws, as tables."""

from collections.abc import Sequence

import pandas as pd

from experiments.together import Together
from reports.before_after import lines, pairs
from reports.comparison import ScenarioComparison, compare
from reports.delay_map import junction_delays
from reports.goals import Goal, goal_rows
from reports.words import ENGLISH


def drawn(found: Together, goals: Sequence[Goal] = ()) -> dict[str, pd.DataFrame]:
    """By name: cases, summary, before_after, junctions, and where there are any, capacity and goals."""
    summary = found.summary()
    comparisons = compare(found.cases, summary, found.baseline)
    tables = {
        "cases": found.cases,
        "summary": summary,
        "before_after": _before_after(comparisons),
        "junctions": _junctions(comparisons),
        "capacity": found.capacities() if found.cases["demand"].nunique() > 1 else pd.DataFrame(),
        "goals": _goals(goals, comparisons),
    }
    return {name: table for name, table in tables.items() if not table.empty}


def _before_after(comparisons: Sequence[ScenarioComparison]) -> pd.DataFrame:
    rows = []
    for _, arm, baseline in pairs(comparisons):
        place = {"scenario": arm.scenario, "controller": arm.controller, "baseline": arm.baseline}
        for line in lines(arm, baseline):
            ends = {"difference": line.difference, "ratio": line.ratio}
            row = place | {"demand": arm.demand, "measure": line.measure, "before": line.before, "after": line.after}
            for name, of in ends.items():
                row |= {name: of.estimate, f"{name}_low": of.low, f"{name}_high": of.high}
            rows.append(row | {"p_holm": line.p, "draws_for_5_percent": line.needed})
    return pd.DataFrame(rows)


def _junctions(comparisons: Sequence[ScenarioComparison]) -> pd.DataFrame:
    rows = [
        {"scenario": arm.scenario, "controller": arm.controller, "demand": arm.demand, "junction": junction,
         "delay_s": delay_s, "vehicles": vehicles}
        for comparison in comparisons
        for arm in comparison.arms
        for junction, (delay_s, vehicles) in junction_delays(arm).items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _goals(goals: Sequence[Goal], comparisons: Sequence[ScenarioComparison]) -> pd.DataFrame:
    rows = goal_rows(goals, comparisons, ENGLISH)
    return pd.DataFrame([{**row, "found": row["found"].text, "interval": row["found"].note} for row in rows])
