"""How sure a paired difference is among many, and how many draws would make it as sure as one wants."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics import NO_SPREAD, t_probability, t_quantile

MOST_DRAWS = 200
"""Where counting draws ends."""
WIDE_SPREAD = 0.25
"""Standard deviation of log delay over draws up to which the difference's interval holds (benchmarks/intervals.py)."""


def p_value(values: ArrayLike) -> float:
    """Two-sided paired t of differences against zero; NaN where they have no spread to judge by.

    All zero is no difference at all: 1.
    """
    sample = np.asarray(values, dtype=float)
    if sample.size < 2 or not np.isfinite(sample).all():
        return math.nan
    mean, spread = float(sample.mean()), float(sample.std(ddof=1))
    if spread <= NO_SPREAD * abs(mean):
        return math.nan if mean else 1.0
    return 1.0 - t_probability(abs(mean) * math.sqrt(sample.size) / spread, sample.size - 1)


def claim_p(values: ArrayLike, baseline: ArrayLike) -> float:
    """Of a claim that needs both the difference and the ratio: the larger p; the difference's alone without a ratio."""
    mine, theirs = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    of_difference = p_value(mine - theirs)
    if not ((mine > 0) & (theirs > 0)).all():
        return of_difference
    return float(np.fmax(of_difference, p_value(np.log(mine) - np.log(theirs))))


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p adjusted for all of them, so that one below 0.05 is false at most once in twenty families (Holm 1979).

    An unknown p stays unknown; its comparison was made all the same and counts.
    """
    order = sorted(range(len(p_values)), key=lambda k: (math.isnan(p_values[k]), p_values[k]))
    adjusted, so_far = [math.nan] * len(p_values), 0.0
    for rank, place in enumerate(order):
        if not math.isnan(p_values[place]):
            so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[place]))
            adjusted[place] = so_far
    return adjusted


def draws_needed(differences: ArrayLike, half_width: float) -> int | None:
    """The fewest draws at which the mean's t interval is no wider than ± `half_width`; None beyond `MOST_DRAWS`.

    It takes the spread of the draws that there are: of at least 2.
    """
    sample = np.asarray(differences, dtype=float)
    if sample.size < 2 or not np.isfinite(sample).all() or not half_width > 0:
        return None
    spread = float(sample.std(ddof=1))
    low, high = 2, MOST_DRAWS + 1
    while low < high:
        draws = (low + high) // 2
        if t_quantile(0.95, draws - 1) * spread <= half_width * math.sqrt(draws):
            high = draws
        else:
            low = draws + 1
    return low if low <= MOST_DRAWS else None


def log_spread(values: ArrayLike) -> float:
    """Standard deviation of the logarithm; NaN where a value is not positive, or there is but one."""
    sample = np.asarray(values, dtype=float)
    return float(np.log(sample).std(ddof=1)) if sample.size > 1 and (sample > 0).all() else math.nan
