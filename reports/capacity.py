"""What each controller carries at the same level of service, as a table of the report; from a sweep over demand."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from experiments.capacity import REFERENCE
from experiments.statistics import Interval
from reports.table import Cell, interval
from reports.wording import NONE, number, signed
from reports.words import Words

ENDS = ("", "_low", "_high")
Row = dict[Any, Any]


def _multiple(name: str) -> Callable[[Row, Words], Cell]:
    def cell(row: Row, say: Words) -> Cell:
        low, high = (row[f"{name}_multiple{end}"] for end in ENDS[1:])
        note = "" if math.isnan(low) else f"[{number(low, 2)}, {number(high, 2)}]"
        return Cell(number(row[f"{name}_multiple"], 2), note)

    return cell


def _gain(name: str) -> Callable[[Row, Words], Cell]:
    def cell(row: Row, say: Words) -> Cell:
        if row["controller"] == row["baseline"]:
            return Cell(say("table.baseline"))
        gain = Interval(*(100.0 * row[f"{name}_gain{end}"] for end in ENDS))
        return Cell(NONE) if math.isnan(gain.estimate) else Cell(signed(gain.estimate), interval(gain, say))

    return cell


def _plain(name: str, decimals: int) -> Callable[[Row, Words], Cell]:
    return lambda row, _: Cell(number(row[name], decimals))


COLUMNS: tuple[tuple[str, Callable[[Row, Words], Cell]], ...] = (
    ("capacity", _multiple("capacity")),
    ("gain", _gain("capacity")),
    ("at_signals", _multiple("capacity_at_signals")),
    ("gain", _gain("capacity_at_signals")),
    ("served", _plain("served_veh_per_h", 0)),
    ("gain", _gain("served")),
    ("clear", _plain("clear_time_s_at_overload", 0)),
    ("worst", _plain("worst_junction_delay_s_at_overload", 0)),
    ("gridlock", _plain("first_gridlock_multiple", 1)),
)
UNITS = {"at_signals": "capacity"}


def capacity_headings(say: Words) -> list[tuple[str, str]]:
    """Each column's title and unit."""
    return [(say(f"capacity.{key}"), say(f"capacity.{UNITS.get(key, key)}_unit")) for key, _ in COLUMNS]


def capacity_tables(gains: pd.DataFrame, say: Words) -> list[dict[str, Any]]:
    """One a scenario whose sweep crosses level of service D for some controller; none where a single demand was run."""
    found = []
    for (scenario, faults), group in gains.groupby(["scenario", "faults"], sort=False):
        if not group["capacity_multiple"].notna().any():
            continue
        rows = [(row["controller"], [cell(row, say) for _, cell in COLUMNS]) for row in group.to_dict("records")]
        found.append(
            {
                "scenario": f"{scenario}, {faults}" if faults else scenario,
                "overload": number(group["overload_multiple"].iloc[0], 2),
                "reference": number(group[REFERENCE].iloc[0], 2),
                "rows": rows,
            }
        )
    return found
