"""Figures of parts of a case, its periods and movements, paired over draws as those of the whole are."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from experiments.certainty import claim_p, holm
from experiments.statistics import UNKNOWN, Interval, difference
from reports.comparison import Arm
from reports.findings import SURE
from reports.wording import NONE, number

NEITHER = ("vehicles", "served_veh_per_h", "degree_of_saturation")
"""Of which more is neither better nor worse: who got out in a period may have been held up before it, and green that
somebody else needs more is well taken away."""


@dataclass(frozen=True)
class Pair:
    """A figure before and after, means over the draws in which both have it; `p` is Holm's over the figures beside it.

    NaN where no draw has both.
    """

    measure: str
    before: float
    after: float
    difference: Interval
    p: float

    @property
    def known(self) -> bool:
        return not math.isnan(self.before)

    @property
    def direction(self) -> str:
        """`better`, `worse`, or '' where that cannot be said."""
        if not self.p < SURE or self.measure in NEITHER:
            return ""
        return "better" if (self.difference.estimate > 0) == (self.measure == "served") else "worse"

    def text(self, decimals: int) -> str:
        """'38.0 → 16.1'."""
        return f"{number(self.before, decimals)} → {number(self.after, decimals)}" if self.known else NONE


Parts = dict[tuple[Any, ...], dict[str, Pair]]


def of_arm(table: pd.DataFrame, arm: Arm) -> pd.DataFrame:
    """The rows of an arm's cases, with their draw."""
    own = table[table["case"].isin(arm.cases.index)]
    return own.assign(draw=own["case"].map(arm.cases["draw"]))


def pair(measure: str, after: ArrayLike, before: ArrayLike) -> Pair:
    """Of arrays with a value a draw; draws that lack the figure in either are left out."""
    mine, theirs = np.asarray(after, dtype=float), np.asarray(before, dtype=float)
    both = ~(np.isnan(mine) | np.isnan(theirs))
    if not both.any():
        return Pair(measure, math.nan, math.nan, UNKNOWN, math.nan)
    mine, theirs = mine[both], theirs[both]
    return Pair(measure, float(theirs.mean()), float(mine.mean()), difference(mine, theirs), claim_p(mine, theirs))


def paired(after: pd.DataFrame, before: pd.DataFrame, by: list[str], measures: Sequence[str]) -> Parts:
    """By part, in the order of `before`, its figures over the draws that both have; see `judged`."""
    found = before.merge(after, on=["draw", *by], suffixes=("_before", "_after"))
    columns = {
        name: found[name].to_numpy(dtype=float) for name in found.columns if name.endswith(("_before", "_after"))
    }
    places: dict[Any, Any] = found.groupby(by, sort=False).indices
    by_measure = {
        measure: judged(
            pair(measure, columns[f"{measure}_after"][rows], columns[f"{measure}_before"][rows])
            for rows in places.values()
        )
        for measure in measures
    }
    return {place: {measure: figures[k] for measure, figures in by_measure.items()} for k, place in enumerate(places)}


def judged(pairs: Iterable[Pair]) -> list[Pair]:
    """With each p corrected for all of them."""
    found = list(pairs)
    adjusted = holm([each.p for each in found])
    return [Pair(**{**vars(each), "p": p}) for each, p in zip(found, adjusted, strict=True)]
