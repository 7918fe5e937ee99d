"""Results as tables for a terminal."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from experiments.compare import Comparison

Row = Mapping[Any, Any]

LEGEND = (
    "delay: mean over every vehicle scheduled in the window, also those inside or never entered at its end. "
    "[ ]: 95 % interval, paired over demand draws; * it excludes zero."
)


def summary_table(summary: pd.DataFrame, baseline: str) -> Table:
    """Delay and throughput with their paired differences, and what a mean delay can hide."""
    table = _table("controller")
    delay = "delay\ns/veh", f"minus {baseline}\ns/veh", "\n%"
    served = "served\nveh/h", f"minus {baseline}\nveh/h"
    for name in ("draws", *delay, *served, "never\nentered", "longest\nstarved s", "grid-\nlock"):
        table.add_column(name, justify="right")
    for (scenario, demand), group in summary.groupby(["scenario", "demand"], sort=False):
        table.add_row(f"[bold]{escape(str(scenario))}[/], demand {demand:g}")
        for row in group.to_dict("records"):
            table.add_row(*_summary_cells(row))
        table.add_section()
    return table


def _summary_cells(row: Row) -> tuple[str, ...]:
    partly = 0 < row["pairs"] < row["draws"]
    return (
        f"  {escape(row['controller'])}",
        f"{row['draws']}, {row['pairs']} paired" if partly else f"{row['draws']}",
        number(row["delay_s"], 1),
        change(row, "delay_s"),
        percent(row, "delay_s"),
        number(row["throughput_veh_per_h"], 0),
        change(row, "throughput_veh_per_h"),
        number(row["never_entered"], 1),
        number(row["starve_max_s_max"], 0),
        f"{row['gridlock_rate']:.0%}",
    )


def comparison_table(comparison: Comparison) -> Table:
    """Second folder minus first."""
    table = _table("controller")
    delay = "delay\nfirst", "s/veh\nsecond", "second - first\ns/veh", "\n%"
    served = "served\nfirst", "veh/h\nsecond", "second - first\nveh/h"
    for name in ("pairs", *delay, *served):
        table.add_column(name, justify="right")
    for (scenario, demand), group in comparison.paired.groupby(["scenario", "demand"], sort=False):
        table.add_row(f"[bold]{escape(str(scenario))}[/], demand {demand:g}")
        for row in group.to_dict("records"):
            delays = *_twice(row, "delay_s", 1), percent(row, "delay_s")
            name = f"  {escape(row['controller'])}"
            table.add_row(name, f"{row['pairs']}", *delays, *_twice(row, "throughput_veh_per_h", 0))
        table.add_section()
    return table


def _twice(row: Row, name: str, digits: int) -> tuple[str, str, str]:
    return number(row[f"{name}_first"], digits), number(row[f"{name}_second"], digits), change(row, name)


def unpaired_table(comparison: Comparison) -> Table:
    table = _table("scenario")
    for name in ("controller", "demand", "draws", "why"):
        table.add_column(name)
    for row in comparison.unpaired.to_dict("records"):
        table.add_row(row["scenario"], row["controller"], f"{row['demand']:g}", row["draws"], row["why"])
    return table


def comparison_report(comparison: Comparison, settings: list[str]) -> list[Table | str]:
    """What `evaluate.py compare` prints, from top to bottom."""
    parts: list[Table | str] = [f"not the same in both - {line}" for line in settings]
    if comparison.paired.empty:
        parts.append("no case is in both")
    else:
        parts += [comparison_table(comparison), LEGEND]
    if not comparison.unpaired.empty:
        parts += ["\ncases without an equal in the other folder", unpaired_table(comparison)]
    return parts


def summary_report(summary: pd.DataFrame, baseline: str) -> list[Table | str]:
    """What `evaluate.py run` prints, from top to bottom."""
    parts: list[Table | str] = [summary_table(summary, baseline), LEGEND]
    if not summary["pairs"].any():
        parts.append(f"no differences: the folder has no case of the baseline {baseline} with the same draws")
    return parts


def names_table(title: str, entries: list[tuple[str, str]], *more: str) -> Table:
    """Names with a line each; `more` is the last of them."""
    table = _table(title)
    table.add_column("")
    for entry in [*entries, more]:
        table.add_row(*(escape(text) for text in entry))
    return table


def row_table(row: Row) -> Table:
    """One case's measures."""
    table = _table("measure")
    table.add_column("")
    for name, value in row.items():
        table.add_row(name, f"{value:,.1f}" if isinstance(value, float) else str(value))
    return table


def number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:,.{digits}f}"


def change(row: Row, name: str) -> str:
    """The paired difference with its interval."""
    return with_interval(row[f"{name}_diff"], row[f"{name}_diff_low"], row[f"{name}_diff_high"])


def percent(row: Row, name: str) -> str:
    """The paired ratio of geometric means, as per cent more or less."""
    return with_interval(*(100 * (row[f"{name}_ratio{end}"] - 1) for end in ("", "_low", "_high")))


def with_interval(value: float, low: float, high: float) -> str:
    """'-12.3* [-14.0, -10.6]'; one draw has no interval."""
    if math.isnan(value):
        return "-"
    if math.isnan(low):
        return f"{value:+.1f} n/a (1 draw)"
    mark = "*" if low > 0 or high < 0 else ""
    return f"{value:+.1f}{mark} \\[{low:+.1f}, {high:+.1f}]"


def _table(first: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(first, no_wrap=True)
    return table
