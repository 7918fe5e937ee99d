"""Differences to a baseline, paired over demand draws, with 95 % intervals (the comparison protocol, 'statistics')."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from signals.errors import ConfigError

CONFIDENCE = 0.95
NO_SPREAD = 1e-9  # of the mean: below it, differences differ by rounding only
PLACE = ("scenario", "demand", "faults")  # what a controller and its baseline share beside the draw
SAME_IN_A_PAIR = ("demand_digest", "network_digest", "override_digest")
CONTROLLED = ("junctions", "junctions_controlled", "vehicles_controlled_share")  # the same for all controllers
NOT_MEASURES = ("scenario", "controller", "demand", "draw", "faults", "gridlock", "seed", *CONTROLLED)
NO_RATIO = ("inside", "never_entered", "inside_at_cap", "never_entered_at_cap")  # counts whose best value is zero


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits; the limits are NaN where there is no spread to take them from."""

    estimate: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        return self.low > value or self.high < value


UNKNOWN = Interval(math.nan, math.nan, math.nan)


def t_probability(t: float, degrees: int) -> float:
    """P(|T| < t) of Student's t: the finite series for whole degrees of freedom (Abramowitz & Stegun 26.7.3, 4)."""
    angle = math.atan(t / math.sqrt(degrees))
    squared_cosine = math.cos(angle) ** 2
    odd = degrees % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0 if degrees == 1 else term
    for step in range(2 + odd, degrees - 1, 2):
        term *= squared_cosine * (step - 1) / step
        total += term
    series = math.sin(angle) * total
    return (angle + series) * 2 / math.pi if odd else series


@lru_cache
def t_quantile(confidence: float, degrees: int) -> float:
    """The t that P(|T| < t) = confidence, by bisection over its angle; 2.776 for 95 % and 4 degrees."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if t_probability(math.tan(middle) * math.sqrt(degrees), degrees) < confidence:
            low = middle
        else:
            high = middle
    return math.tan(low) * math.sqrt(degrees)


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Mean with its t interval; one unknown value makes it unknown, since leaving it out would flatter.

    One value has no interval, nor have values that are all the same (a vehicle fewer in each of two draws): a width of
    nothing would claim certainty. Values that are all zero, two equal controllers, have [0, 0], which marks nothing.
    """
    sample = np.asarray(values, dtype=float)
    if sample.size == 0 or not np.isfinite(sample).all():
        return UNKNOWN
    mean = float(sample.mean())
    spread = float(sample.std(ddof=1)) if sample.size > 1 else 0.0
    if spread <= NO_SPREAD * abs(mean) and (sample.size == 1 or mean):
        return Interval(mean, math.nan, math.nan)
    half = t_quantile(confidence, sample.size - 1) * spread / math.sqrt(sample.size)
    return Interval(mean, mean - half, mean + half)


def difference(values: ArrayLike, baseline: ArrayLike) -> Interval:
    """Paired t on value - baseline."""
    return mean_interval(np.asarray(values, dtype=float) - np.asarray(baseline, dtype=float))


def ratio(values: ArrayLike, baseline: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Paired t on log(value / baseline), as a ratio of geometric means; unknown unless all values are positive."""
    above, below = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    if not ((above > 0) & (below > 0)).all():
        return UNKNOWN
    logs = mean_interval(np.log(above) - np.log(below), confidence)
    return Interval(*(math.exp(value) for value in (logs.estimate, logs.low, logs.high)))


def measures(cases: pd.DataFrame) -> list[str]:
    """The numeric columns of the cases that measure traffic."""
    numeric = cases.select_dtypes("number").columns
    return [name for name in numeric if name not in NOT_MEASURES]


def contrast(candidate: pd.DataFrame, baseline: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """`X_diff`, `X_diff_low`, ... of every measure, for two frames whose rows are pairs in the same order."""
    row: dict[str, float] = {}
    for name in names:
        row |= _columns(f"{name}_diff", difference(candidate[name], baseline[name]))
        if name not in NO_RATIO:
            row |= _columns(f"{name}_ratio", ratio(candidate[name], baseline[name]))
    return row


def summarise(cases: pd.DataFrame, baseline: str = "existing", same: tuple[str, ...] = SAME_IN_A_PAIR) -> pd.DataFrame:
    """A row for each scenario, controller, demand and faults: `X` is the mean, then median, min, max and contrasts.

    Contrasts with the baseline go over `pairs` draws; they are NaN in its own rows, and where it is missing.
    """
    names = measures(cases)
    by_place = {place: group.set_index("draw") for place, group in _groups(cases[cases.controller == baseline], PLACE)}
    rows = []
    for (controller, *place), group in _groups(cases, ("controller", *PLACE)):
        own = group.set_index("draw")
        other = by_place.get(tuple(place), own.iloc[:0])
        shared = own.index.intersection(other.index) if controller != baseline else own.index[:0]
        pair = own.loc[shared], other.loc[shared]
        scenario, demand, faults = place
        check_same_street(*pair, f"{scenario} at demand {demand}: {controller} and {baseline}", same)
        where = {"scenario": scenario, "controller": controller, "demand": demand, "faults": faults}
        counts = {"draws": len(own), "pairs": len(shared), "gridlock_rate": float(own["gridlock"].mean())}
        counts |= {name: float(own[name].mean()) for name in CONTROLLED}
        rows.append(where | counts | _centres(own, names) | contrast(*pair, names))
    return pd.DataFrame(rows)


def check_same_street(
    candidate: pd.DataFrame, baseline: pd.DataFrame, who: str, same: tuple[str, ...] = SAME_IN_A_PAIR
) -> None:
    """Refuse pairs that did not drive the same demand on the same network: their difference would mean nothing."""
    for column in same:
        differs = candidate[column] != baseline[column]
        if differs.any():
            draw = differs.index[differs][0]
            mine, theirs = (cases[column][draw][:8] or "none" for cases in (candidate, baseline))
            raise ConfigError(f"{who}, draw {draw}: {column} {mine} is not {theirs}; run both again, in one folder")


def _groups(cases: pd.DataFrame, columns: tuple[str, ...]) -> list[tuple[tuple, pd.DataFrame]]:
    return [(tuple(key), group) for key, group in cases.groupby(list(columns), sort=False)]


def _columns(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _centres(cases: pd.DataFrame, names: list[str]) -> dict[str, float]:
    row: dict[str, float] = {}
    for name in names:
        values = cases[name].to_numpy(dtype=float)
        row |= {name: values.mean(), f"{name}_median": float(np.median(values))}
        row |= {f"{name}_min": values.min(), f"{name}_max": values.max()}
    return row
