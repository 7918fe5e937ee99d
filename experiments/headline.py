"""The headline's arithmetic: from one network's cases to the rows of its summary, which the documents are made of.

A summary has a row a figure: its part, controller, what it is held against, demand, faults, measure, value, interval,
draws. Capacity by total delay goes over all draws; what needs the whole sweep (at signals, at overload) over those
that have it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.capacity import HIGHEST, LEVEL_D_S, capacities, crossings, geometric_mean
from experiments.case import split_name
from experiments.modes import SHARES
from experiments.statistics import UNKNOWN, Interval, check_same_street, mean_interval, ratio

EXISTING, OPTIMISED, ACTUATED, ADAPTIVE = "existing", "optimised-fixed", "actuated", "adaptive"
ONE_SIDED = 0.90
"""The two-sided confidence whose upper end is the one-sided 95 % limit."""
COARSE, FINE, AROUND = 0.2, 0.1, 2
SWEEP, GAIN, BETTER, CURVE = "capacity", "gain over existing", "gain over the better", "curve"
CELL, KEPT, RULES, COST = "never worse", "gain kept", "rules", "cost"
MODES = "modes"
COLUMNS = ("part", "controller", "against", "demand", "faults", "measure", "value", "low", "high", "draws")
ALONG = ("delay_s", "delay_per_signal_s", "worst_junction_delay_s", "gridlock")
AT_OVERLOAD = (
    "capacity_at_signals_multiple", "served_veh_per_h", "overload_multiple", "clear_time_s_at_overload",
    "worst_junction_delay_s_at_overload", "first_gridlock_multiple",
)  # fmt: skip
Row = dict[str, object]
Windows = Mapping[str, Sequence[float]]
"""By controller, the multiples that are run in all draws."""


@dataclass(frozen=True)
class Draws:
    """Numbers of the draws: of the whole sweep and with broken loops, and of the crossing and the cells."""

    coarse: tuple[int, ...]
    fine: tuple[int, ...]


def row(part: str, controller: str, measure: str, of: Interval | float, draws: int, **where: object) -> Row:
    ends = of if isinstance(of, Interval) else Interval(of, math.nan, math.nan)
    place = {"against": "", "demand": math.nan, "faults": ""} | where
    values = {"value": ends.estimate, "low": ends.low, "high": ends.high, "draws": draws}
    return {"part": part, "controller": controller, "measure": measure} | place | values


def is_plan(controller: str) -> bool:
    """An optimised plan by file, as `fixed-time` drives it."""
    name, file = split_name(controller)
    return name == "fixed-time" and file is not None


def with_optimised(cases: pd.DataFrame) -> pd.DataFrame:
    """Beside the plans, `optimised-fixed`: at each multiple the plan with the least mean delay over its draws.

    Of plans run on fewer draws than another none is taken. The choice is made on the draws that are then reported,
    which favours the baseline.
    """
    plans = cases[cases["controller"].map(is_plan)]
    best = []
    for _, group in plans.groupby(["scenario", "faults", "demand"], sort=False):
        of = group.groupby("controller", sort=False)["delay_s"].agg(["size", "mean"])
        name = of[of["size"] == of["size"].max()]["mean"].idxmin()
        best.append(group[group["controller"] == name].assign(controller=OPTIMISED))
    return pd.concat([cases, *best], ignore_index=True)


def window(crossing: float) -> list[float]:
    """The multiples within 0.2 of a crossing, by 0.1; none where it is unknown."""
    if math.isnan(crossing):
        return []
    middle = round(crossing / FINE)
    return [round(k * FINE, 6) for k in range(max(1, middle - AROUND), middle + AROUND + 1)]


def windows(coarse: pd.DataFrame) -> dict[str, list[float]]:
    """By line where to look closely; `optimised-fixed` stands for all its plans, which are run alike."""
    lines = crossings(with_optimised(coarse))
    found = {}
    for name, group in lines.groupby("controller", sort=False):
        if not is_plan(str(name)):
            known = group["capacity"].dropna()
            found[str(name)] = window(geometric_mean(known).estimate if len(known) else math.nan)
    return found


def wider(line: pd.DataFrame) -> list[float]:
    """The next multiples below and above that some draw needs whose curve does not cross level D; none at the ends."""
    at = line.pivot(index="draw", columns="demand", values="delay_per_signal_s").sort_index(axis=1)
    low, high = float(at.columns[0]), float(at.columns[-1])
    needed = [low - FINE] if (at[low] > LEVEL_D_S).any() else []
    needed += [high + FINE] if (at.max(axis=1) <= LEVEL_D_S).any() else []
    return [round(m, 6) for m in needed if FINE - 1e-9 <= m <= HIGHEST]


def swept(cases: pd.DataFrame, draws: Draws, closely: Windows) -> pd.DataFrame:
    """The sweep's cases and no others: coarse multiples in the first draws, each line's window in all of its draws."""
    steps = cases["demand"] / COARSE
    coarse = cases["draw"].isin(draws.coarse) & ((steps - steps.round()).abs() < 1e-6)
    line = cases["controller"].where(~cases["controller"].map(is_plan), OPTIMISED)
    inside = [demand in closely.get(name, ()) for name, demand in zip(line, cases["demand"], strict=True)]
    return cases[coarse | (np.array(inside, dtype=bool) & cases["draw"].isin(draws.fine))]


def better_of(table: pd.DataFrame, names: Sequence[str]) -> str:
    """Which of them has the larger capacity; "" where neither is known."""
    known = table[table["controller"].isin(names)].dropna(subset="capacity_multiple")
    return str(known.set_index("controller")["capacity_multiple"].idxmax()) if len(known) else ""


def capacity_rows(cases: pd.DataFrame, draws: Draws) -> list[Row]:
    """Capacity of each controller, gains over `existing` and over the better of optimised-fixed and actuated, curves.

    cases: those of `swept`, of one scenario without faults.
    """
    whole = with_optimised(cases)
    first = whole[whole["draw"].isin(draws.coarse)]
    over_existing = (capacities(whole, EXISTING), capacities(first, EXISTING))
    rows = [
        row(SWEEP, str(of["controller"]), name, _interval(of, name), int(of["draws"]))
        for table, names in zip(over_existing, (("capacity_multiple",), AT_OVERLOAD), strict=True)
        for of in table.to_dict("records")
        for name in names
    ]
    better = better_of(over_existing[0], (OPTIMISED, ACTUATED))
    over_better = (capacities(whole, better), capacities(first, better)) if better else ()
    for part, tables in ((GAIN, over_existing), (BETTER, over_better)):
        for table, names in zip(
            tables, (("capacity_gain",), ("capacity_at_signals_gain", "served_gain")), strict=False
        ):
            rows += [
                row(part, str(of["controller"]), name, _interval(of, name), int(of["pairs"]), against=of["baseline"])
                for of in table[table["controller"] != table["baseline"]].to_dict("records")
                for name in names
            ]
    return rows + curve_rows(whole)


def curve_rows(cases: pd.DataFrame) -> list[Row]:
    """Means over the draws, at each multiple."""
    groups = cases.groupby(["controller", "demand"], sort=False)
    return [
        row(CURVE, str(name), measure, mean_interval(group[measure].astype(float)), len(group), demand=demand)
        for (name, demand), group in groups
        for measure in ALONG
    ]


def cell_rows(cases: pd.DataFrame, demands: Iterable[float], draws: Sequence[int], faults: str = "") -> list[Row]:
    """Never worse: a cell a multiple, `adaptive` against the better of existing and optimised-fixed (by mean delay).

    With faults those two have none: they follow their plans whatever the loops say.
    """
    rows = []
    chosen = with_optimised(cases[cases["draw"].isin(draws)])
    for demand in demands:
        here = chosen[chosen["demand"] == demand]
        own = _by_draw(here[here["faults"] == faults], ADAPTIVE)
        sound = here[here["faults"] == ""]
        fixed = [_by_draw(sound, name) for name in (EXISTING, OPTIMISED) if name in set(sound["controller"])]
        other = min(fixed, key=lambda each: float(each["delay_s"].mean())).loc[own.index]
        check_same_street(own, other, f"demand {demand:g}: {ADAPTIVE} and {other['controller'].iloc[0]}")
        found: dict[str, Interval | float] = {
            "delay_ratio": ratio(own["delay_s"], other["delay_s"], ONE_SIDED),
            "largest_delay_ratio": float((own["delay_s"] / other["delay_s"]).max()),
            "new_gridlocks": float((own["gridlock"] & ~other["gridlock"]).sum()),
            "starve_max_s": float(own["starve_max_s"].max()),
            "delay_s": mean_interval(own["delay_s"]),
            "baseline_delay_s": mean_interval(other["delay_s"]),
        }
        where = {"against": other["controller"].iloc[0], "demand": demand, "faults": faults}
        rows += [row(CELL, ADAPTIVE, name, value, len(own), **where) for name, value in found.items()]
    return rows


def kept_rows(cases: pd.DataFrame, demands: Iterable[float], draws: Sequence[int], faults: str) -> list[Row]:
    """The part of the gain over `existing` that is kept with broken loops, of mean delays; NaN where there is none."""
    rows = []
    for demand in demands:
        here = cases[(cases["demand"] == demand) & cases["draw"].isin(draws)]
        sound = here[here["faults"] == ""]
        plan, good = (_by_draw(sound, name)["delay_s"].mean() for name in (EXISTING, ADAPTIVE))
        broken = _by_draw(here[here["faults"] == faults], ADAPTIVE)["delay_s"].mean()
        kept = float((plan - broken) / (plan - good)) if plan > good else math.nan
        rows.append(row(KEPT, ADAPTIVE, "gain_kept", kept, len(draws), against=EXISTING, demand=demand, faults=faults))
    return rows


def mode_rows(shares: pd.DataFrame, draws: int) -> list[Row]:
    """What part of `adaptive`'s time each mode has, and of its green; shares: of one scenario without faults."""
    return [
        row(MODES, ADAPTIVE, f"{share} {of['mode']}", float(of[share]), draws, demand=of["demand"])
        for of in shares[shares["controller"] == ADAPTIVE].to_dict("records")
        for share in SHARES
    ]


def rules_rows(cases: pd.DataFrame) -> list[Row]:
    """RESCO's metric, with vehicles counted that never entered."""
    rows = []
    for name, group in cases.groupby("controller", sort=False):
        rows.append(row(RULES, str(name), "delay_s", mean_interval(group["delay_s"]), len(group)))
        rows.append(row(RULES, str(name), "never_entered", float(group["never_entered"].mean()), len(group)))
    return rows


def _by_draw(cases: pd.DataFrame, controller: str) -> pd.DataFrame:
    return cases[cases["controller"] == controller].set_index("draw").sort_index()


def _interval(of: Mapping, name: str) -> Interval:
    """With its ends where the table has them."""
    if name not in of:
        return UNKNOWN
    return Interval(float(of[name]), *(float(of.get(f"{name}_{end}", math.nan)) for end in ("low", "high")))
