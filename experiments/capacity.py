"""Capacity at equal service: how much of today's demand a controller carries before service falls below level D.

On a sweep of nested multiples the first at which the delay per signal exceeds 55 s (HCM, level of service D),
interpolated, draw by draw. What is served beyond that is told at one and the same overload for all controllers.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from experiments.case import split_name
from experiments.console import Failure, errors
from experiments.critical_movements import critical_movements
from experiments.evaluation import Evaluation
from experiments.grid import Grid, grid
from experiments.statistics import SAME_IN_A_PAIR, Interval, check_same_street, mean_interval, ratio
from experiments.store import one_line, write_whole
from signals.controllers import BLINDLY
from signals.errors import ConfigError

LEVEL_D_S = 55.0
OVERLOAD = 1.2
"""What is served is compared at this multiple of the best fixed plan's capacity."""
BEYOND = 1.4
"""A sweep goes on to this multiple of the capacity found, so that its plateau is seen too."""
HIGHEST = 4.0
"""Where a sweep ends that has found nothing."""
AT_ONCE = 4
"""Multiples that are run together, so that no worker waits for one case."""
CAPACITY = "capacity.csv"
REFERENCE = "critical_movement_multiple"
LINE = ["scenario", "faults", "controller"]
MEASURED = ("capacity", "capacity_at_signals")


@dataclass(frozen=True)
class Sweep:
    """Which multiples: from the first by the step, until each controller's capacity is passed by far enough."""

    first: float = 0.2
    step: float = 0.1

    def __post_init__(self) -> None:
        for name, value, most in (("first", self.first, HIGHEST / 2), ("step", self.step, 1.0)):
            if not 0.01 <= value <= most:
                raise ConfigError(f"{name} multiple = {value:g}, must be from 0.01 to {most:g}")

    def batches(self) -> Iterator[list[float]]:
        """The multiples in order, a few at once; those up to 1.0, where hardly a controller fails, in one."""
        count = math.floor((HIGHEST - self.first) / self.step + 1e-9) + 1
        multiples = [round(self.first + k * self.step, 6) for k in range(count)]
        low = [m for m in multiples if m <= 1.0]
        rest = multiples[len(low) :]
        yield from filter(None, [low, *(rest[k : k + AT_ONCE] for k in range(0, len(rest), AT_ONCE))])


Run = Callable[[Grid], Evaluation]


def sweep(whole: Grid, multiples: Sweep, run: Run) -> Evaluation:
    """Run scenario by scenario and batch by batch, controllers leaving as their curves are complete.

    `run` keeps what is finished, so the same command goes on after any stop.
    """
    failures: list[Failure] = []
    cases = None
    for scenario in whole.scenarios:
        open_lines = list(whole.controllers)
        for batch in multiples.batches():
            errors.print(f"{scenario}: demand x{batch[0]:g} to x{batch[-1]:g}: {', '.join(open_lines)}", markup=False)
            found = run(grid([scenario], open_lines, batch, len(whole.draws), whole.draws[0], whole.decision_s,
                             whole.override_files, whole.faults))  # fmt: skip
            failures += found.failures
            if found.cases is None:
                break
            cases = found.cases
            own = cases[(cases["scenario"] == scenario) & (cases["faults"] == whole.faults)]
            open_lines = [name for name in open_lines if not complete(own, name, whole.draws, batch[-1])]
            if not open_lines:
                break
    return Evaluation(cases, failures)


def complete(cases: pd.DataFrame, controller: str, draws: Sequence[int], highest: float) -> bool:
    """Whether every draw's crossing is known, and the sweep has gone far enough beyond it and into overload."""
    lines = crossings(cases)
    own = lines[(lines["controller"] == controller) & lines["draw"].isin(draws)]
    if len(own) < len(draws) or own["capacity"].isna().any():
        return False
    overload = OVERLOAD * best_fixed(lines)
    wanted = max(BEYOND * float(own["capacity"].max()), 0.0 if math.isnan(overload) else overload)
    return highest >= wanted - 1e-9


def crossing(multiples: Sequence[float], delays_s: Sequence[float], limit_s: float = LEVEL_D_S) -> float:
    """The first multiple at which the delay exceeds the limit, interpolated; NaN where it never or always does."""
    above = [k for k, delay_s in enumerate(delays_s) if delay_s > limit_s]
    if not above or above[0] == 0:
        return math.nan
    k = above[0]
    share = (limit_s - delays_s[k - 1]) / (delays_s[k] - delays_s[k - 1])
    return float(multiples[k - 1] + share * (multiples[k] - multiples[k - 1]))


def crossings(cases: pd.DataFrame) -> pd.DataFrame:
    """A row a line and draw: capacity by total delay and by delay at signals, and the first multiple that gridlocks."""
    rows = []
    for key, group in cases.groupby([*LINE, "draw"], sort=False):
        line = group.sort_values("demand")
        demands, total_s = line["demand"].to_list(), line["delay_per_signal_s"].to_numpy(float)
        share = (line["delay_at_signals_s"] / line["delay_s"].where(line["delay_s"] > 0)).fillna(0.0).to_numpy(float)
        rows.append(
            dict(zip([*LINE, "draw"], key, strict=True))
            | {
                "capacity": crossing(demands, total_s.tolist()),
                "capacity_at_signals": crossing(demands, (total_s * share).tolist()),
                "first_gridlock": float(line["demand"][line["gridlock"]].min()),
            }
        )
    return pd.DataFrame(rows, columns=[*LINE, "draw", *MEASURED, "first_gridlock"])


def best_fixed(lines: pd.DataFrame) -> float:
    """The capacity of the best fixed plan, as a geometric mean over draws; NaN where none is known."""
    means = [
        geometric_mean(group["capacity"]).estimate
        for controller, group in lines.groupby("controller", sort=False)
        if split_name(str(controller))[0] in BLINDLY
    ]
    return float(np.nanmax(means)) if np.isfinite(means).any() else math.nan


def geometric_mean(values: ArrayLike) -> Interval:
    """With its t interval on the logarithms; unknown where one value is."""
    sample = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore"):
        logs = mean_interval(np.log(sample))
    return Interval(*(math.exp(end) for end in (logs.estimate, logs.low, logs.high)))


def capacities(
    cases: pd.DataFrame,
    baseline: str,
    references: Mapping[str, float] | None = None,
    same: tuple[str, ...] = SAME_IN_A_PAIR,
) -> pd.DataFrame:
    """`capacity.csv`: a row a scenario, faults and controller, gains paired over draws against the baseline.

    references: by scenario, its critical-movement multiple. Measures have `_low` and `_high`; a gain of 0.2 is 20 %
    more. NaN where a draw's curve does not cross the limit within the multiples run, or does not reach the overload.
    """
    rows = []
    for place, group in cases.groupby(LINE[:2], sort=False):
        lines = crossings(group)
        overload = OVERLOAD * best_fixed(lines)
        served = _at(group, overload, "throughput_veh_per_h")
        means = {name: _at(group, overload, name) for name in ("clear_time_s", "worst_junction_delay_s")}
        other = lines[lines["controller"] == baseline].set_index("draw")
        for controller, own in lines.groupby("controller", sort=False):
            line = own.set_index("draw")
            shared = line.index.intersection(other.index) if controller != baseline else line.index[:0]
            _check(group, str(controller), baseline, place, same)
            row: dict[str, object] = dict(zip(LINE[:2], place, strict=True))
            row |= {"controller": controller, "baseline": baseline, "draws": len(line), "pairs": len(shared)}
            for name in MEASURED:
                row |= _ends(f"{name}_multiple", geometric_mean(line[name]))
                row |= _ends(f"{name}_gain", _gain(line.loc[shared, name], other.loc[shared, name]))
            row["overload_multiple"] = overload
            mine, theirs = served.get(str(controller)), served.get(baseline)
            row |= _ends("served_veh_per_h", mean_interval(_of(mine, line.index)))
            row |= _ends("served_gain", _gain(_of(mine, shared), _of(theirs, shared)))
            for name, at_overload in means.items():
                row[f"{name}_at_overload"] = float(np.mean(_of(at_overload.get(str(controller)), line.index)))
            row["first_gridlock_multiple"] = float(line["first_gridlock"].min())
            row[REFERENCE] = (references or {}).get(str(place[0]), math.nan)
            rows.append(row)
    return pd.DataFrame(rows)


def _check(cases: pd.DataFrame, controller: str, baseline: str, place: tuple, same: tuple[str, ...]) -> None:
    """Gains are of pairs that drove the same demand."""
    keys = ["demand", "draw"]
    pair = [cases[cases["controller"] == name].set_index(keys) for name in (controller, baseline)]
    shared = pair[0].index.intersection(pair[1].index)
    check_same_street(pair[0].loc[shared], pair[1].loc[shared], f"{place[0]}: {controller} and {baseline}", same)


def _at(cases: pd.DataFrame, multiple: float, measure: str) -> dict[str, pd.Series]:
    """By controller, a measure of each draw at a multiple, between two of the sweep by interpolation."""
    found = {}
    for controller, group in cases.groupby("controller", sort=False):
        values = {}
        for draw, line in group.sort_values("demand").groupby("draw"):
            demands = line["demand"].to_numpy(float)
            reached = demands[0] <= multiple <= demands[-1] + 1e-9
            values[draw] = float(np.interp(multiple, demands, line[measure])) if reached else math.nan
        found[str(controller)] = pd.Series(values, dtype=float)
    return found


def _of(values: pd.Series | None, draws: pd.Index) -> np.ndarray:
    return np.full(len(draws), math.nan) if values is None else values.reindex(draws).to_numpy(float)


def _gain(values: ArrayLike, baseline: ArrayLike) -> Interval:
    """Controller / baseline - 1."""
    found = ratio(values, baseline)
    return Interval(found.estimate - 1.0, found.low - 1.0, found.high - 1.0)


def _ends(name: str, of: Interval) -> dict[str, float]:
    return {name: of.estimate, f"{name}_low": of.low, f"{name}_high": of.high}


def write_capacity(file: Path, table: pd.DataFrame) -> Path:
    """Whole or not at all."""
    with one_line(file):
        write_whole(file, table.to_csv(index=False))
    return file


def references_of(cases: pd.DataFrame, whole: Grid) -> dict[str, float]:
    """The critical-movement multiple of each scenario that the folder has; the grid's overrides are for its own."""
    names = [str(name) for name in cases["scenario"].unique()]
    files = {name: whole.override_files if name in whole.scenarios else () for name in names}
    return {name: critical_movements(name, files[name]).multiple for name in names}


def kept_references(folder: Path) -> dict[str, float]:
    """Those that `capacity.csv` has, for who makes tables again; none where there is no such file."""
    file = folder / CAPACITY
    if not file.is_file():
        return {}
    with one_line(file):
        table = pd.read_csv(file)
    return dict(zip(table["scenario"], table[REFERENCE], strict=True)) if REFERENCE in table else {}
