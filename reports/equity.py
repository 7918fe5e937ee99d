"""How evenly delay falls: the worst movement beside the mean one, and the spread over the origins of trips."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from reports.comparison import Arm, ScenarioComparison
from reports.parts import Pair, judged, of_arm, pair
from reports.periods import cell
from reports.words import Words

FEWEST = 10
"""Vehicles in a draw from which a movement or an origin is judged: the mean of fewer says little."""
SHOWN = {"worst_movement_ratio": 2, "origin_gini": 3}


def gini(values: ArrayLike, weights: ArrayLike) -> float:
    """Mean difference of any two, over twice the mean (Gini 1912): 0 where all have the same; NaN of nobody."""
    x, w = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    total = float((w * x).sum())
    if not total > 0:
        return math.nan
    between = (w[:, None] * w[None, :] * np.abs(x[:, None] - x[None, :])).sum()
    return float(between / (2.0 * w.sum() * total))


def _worst_over_mean(delays_s: "pd.Series[float]", vehicles: "pd.Series[float]") -> float:
    mean_s = float(np.average(delays_s, weights=vehicles))
    return float(delays_s.max()) / mean_s if mean_s > 0 else math.nan


def equity_by_draw(movements: pd.DataFrame, links: pd.DataFrame, arm: Arm) -> pd.DataFrame:
    """By draw: delay of the movement group that has most, over that of all groups; and Gini's index over origins."""
    groups, origins = of_arm(movements, arm), of_arm(links, arm)
    groups = groups[groups["capacity_veh_per_h"].notna() & (groups["vehicles"] >= FEWEST)]
    origins = origins[origins["trips"] >= FEWEST]
    ratio = {draw: _worst_over_mean(rows["delay_s"], rows["vehicles"]) for draw, rows in groups.groupby("draw")}
    spread = {draw: gini(rows["trip_delay_s"], rows["trips"]) for draw, rows in origins.groupby("draw")}
    return pd.DataFrame({"worst_movement_ratio": pd.Series(ratio), "origin_gini": pd.Series(spread)})


def equity_pairs(
    comparison: ScenarioComparison, movements: pd.DataFrame, links: pd.DataFrame
) -> list[tuple[Arm, dict[str, Pair]]]:
    """Each controller's figures beside the baseline's, each p corrected for all of the place."""
    arms = [
        (arm, equity_by_draw(movements, links, arm), equity_by_draw(movements, links, baseline))
        for arm in comparison.headline_arms
        if not arm.is_baseline and (baseline := comparison.baseline_of(arm))
    ]
    both = [(*after.align(before, join="inner", axis=0),) for _, after, before in arms]
    made = judged(pair(measure, after[measure], before[measure]) for after, before in both for measure in SHOWN)
    found = [(arm, made[k * len(SHOWN) : (k + 1) * len(SHOWN)]) for k, (arm, *_) in enumerate(arms)]
    return [(arm, dict(zip(SHOWN, pairs, strict=True))) for arm, pairs in found if any(each.known for each in pairs)]


def equity_rows(
    comparisons: Sequence[ScenarioComparison], movements: pd.DataFrame, links: pd.DataFrame, say: Words
) -> list[tuple[str, str, list[tuple[Any, str]]]]:
    """Place, controller and cells."""
    if movements.empty or links.empty:
        return []
    return [
        (comparison.label, arm.controller, [cell(figures[measure], SHOWN[measure], say) for measure in SHOWN])
        for comparison in comparisons
        for arm, figures in equity_pairs(comparison, movements, links)
    ]
