"""Everything that a report draws, as tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.modes import shares
from experiments.together import Together
from reports.before_after import lines, pairs
from reports.comparison import Arm, ScenarioComparison, compare
from reports.crossings import CROSSING, crossing_lines
from reports.equity import equity_pairs
from reports.goals import Goal, goal_rows
from reports.junctions import junction_delays
from reports.links import link_delays
from reports.map_values import COLUMNS, Coloured, coloured
from reports.movements import WHERE, movement_lines
from reports.parts import Pair
from reports.periods import period_lines
from reports.words import ENGLISH


def drawn(found: Together, goals: Sequence[Goal] = ()) -> dict[str, pd.DataFrame]:
    """By name: cases, summary, before_after, and where there are any, capacity, goals and figures of parts."""
    summary = found.summary()
    periods, movements, links = (found.table(kind) for kind in ("periods", "movements", "links"))
    comparisons = compare(found.cases, summary, found.baseline)
    of = {id(arm): coloured(arm, links, movements) for comparison in comparisons for arm in comparison.arms}
    tables = {
        "cases": found.cases,
        "summary": summary,
        "before_after": _before_after(comparisons),
        "junctions": _junctions(comparisons, of),
        "by_period": _by_period(comparisons, periods),
        "by_movement": _by_movement(comparisons, movements),
        "by_crossing": _by_crossing(comparisons, found.table("crossings")),
        "equity": _equity(comparisons, movements, links),
        "links": _links(comparisons, links, of),
        "modes": shares(found.table("modes"), found.cases),
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


def _junctions(comparisons: Sequence[ScenarioComparison], of: Mapping[int, Mapping[str, Coloured]]) -> pd.DataFrame:
    rows = [
        {"scenario": arm.scenario, "controller": arm.controller, "demand": arm.demand, "junction": junction,
         "delay_s": delay_s, "vehicles": vehicles} | _coloured(of[id(arm)], "junctions", junction)
        for comparison in comparisons
        for arm in comparison.arms
        for junction, (delay_s, vehicles) in junction_delays(arm).items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _coloured(of: Mapping[str, Coloured], part: str, name: str) -> dict[str, float]:
    """What else a map may be coloured by."""
    values = {measure: getattr(each, part) for measure, each in of.items() if measure != "delay"}
    return {COLUMNS[measure]: found.get(name, math.nan) for measure, found in values.items() if found}


def _figure(figure: Pair) -> dict[str, Any]:
    of = figure.difference
    ends = {"difference": of.estimate, "difference_low": of.low, "difference_high": of.high}
    return {"measure": figure.measure, "before": figure.before, "after": figure.after, **ends, "p_holm": figure.p}


def _place(arm: Arm) -> dict[str, Any]:
    return {"scenario": arm.scenario, "controller": arm.controller, "baseline": arm.baseline, "demand": arm.demand}


def _by_period(comparisons: Sequence[ScenarioComparison], periods: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        _place(arm) | {"begin_s": line.begin_s, "end_s": line.end_s} | _figure(figure)
        for _, arm, baseline in (pairs(comparisons) if len(periods) else ())
        for line in period_lines(periods, arm, baseline)
        for figure in line.figures.values()
        if figure.known
    )


def _by_movement(comparisons: Sequence[ScenarioComparison], movements: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        _place(arm)
        | {name: getattr(line, name) for name in WHERE}
        | {"demand_veh_per_h": line.demand_veh_per_h, "storage_veh": line.storage_veh, "v_c_sign": line.sign}
        | _figure(figure)
        for _, arm, baseline in (pairs(comparisons) if len(movements) else ())
        for line in movement_lines(movements, arm, baseline)
        for figure in line.figures.values()
        if figure.known
    )


def _by_crossing(comparisons: Sequence[ScenarioComparison], crossings: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        _place(arm) | dict(zip(CROSSING, place, strict=True)) | _figure(figure)
        for _, arm, baseline in (pairs(comparisons) if len(crossings) else ())
        for place, figures in crossing_lines(crossings, arm, baseline).items()
        for figure in figures.values()
    )


def _equity(comparisons: Sequence[ScenarioComparison], movements: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        _place(arm) | _figure(figure)
        for comparison in (comparisons if len(movements) and len(links) else ())
        for arm, figures in equity_pairs(comparison, movements, links)
        for figure in figures.values()
    )


def _links(
    comparisons: Sequence[ScenarioComparison], links: pd.DataFrame, of: Mapping[int, Mapping[str, Coloured]]
) -> pd.DataFrame:
    return pd.DataFrame(
        {"scenario": arm.scenario, "controller": arm.controller, "demand": arm.demand, "link": link,
         "delay_s": delay_s, "vehicles": vehicles} | _coloured(of[id(arm)], "links", link)
        for comparison in comparisons
        for arm in comparison.arms
        for link, (delay_s, vehicles) in link_delays(links, arm).items()
    )  # fmt: skip


def _goals(goals: Sequence[Goal], comparisons: Sequence[ScenarioComparison]) -> pd.DataFrame:
    rows = goal_rows(goals, comparisons, ENGLISH)
    return pd.DataFrame([{**row, "found": row["found"].text, "interval": row["found"].note} for row in rows])
