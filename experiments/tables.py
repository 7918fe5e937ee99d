"""Results as tables for a terminal."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from experiments.capacity import REFERENCE
from experiments.compare import Comparison
from experiments.parameters import Parameter

ENDS = ("", "_low", "_high")
Row = Mapping[Any, Any]

WIDE = 130  # columns from which on delay and service go into one table
LEGEND = """delay: mean over every vehicle scheduled in the window, finished or not.
[ ]: 95 % interval, paired over demand draws; * where it excludes zero."""


CAPACITY_LEGEND = """capacity: first multiple of today's demand with more than 55 s of delay per signal, below level D.
served: vehicles per hour out within the window, at 1.2 times the best fixed plan's capacity.
critical movements: multiple at which the most loaded junction's time is used up (HCM), a reference and no bound.
[ ]: 95 % interval, paired over demand draws; * where it excludes zero; - where the curve does not cross, or ends."""


class Column(NamedTuple):
    """What stands above, and the cell of a row."""

    title: str
    cell: Callable[[Row], str]


def summary_columns(baseline: str) -> tuple[list[Column], list[Column]]:
    """Delay and throughput with their paired differences, and what a mean delay can hide."""
    delay = [
        Column("draws", draws),
        Column("delay\ns/veh", lambda row: number(row["delay_s"], 1)),
        Column(f"minus {baseline}\ns/veh", lambda row: change(row, "delay_s")),
        Column("\n%", lambda row: percent(row, "delay_s")),
    ]
    service = [
        Column("served\nveh/h", lambda row: number(row["throughput_veh_per_h"], 0)),
        Column(f"minus {baseline}\nveh/h", lambda row: change(row, "throughput_veh_per_h")),
        Column("never\nentered", lambda row: number(row["never_entered"], 1)),
        Column("longest\nstarved s", lambda row: number(row["starve_max_s_max"], 0)),
        Column("grid-\nlock", lambda row: f"{row['gridlock_rate']:.0%}"),
    ]
    return delay, service


def walking_columns(baseline: str) -> list[Column]:
    """The same of those who walk or cycle."""
    return [
        Column("persons", lambda row: number(row["persons"], 0)),
        Column("delay\ns/person", lambda row: number(row["person_delay_s"], 1)),
        Column(f"minus {baseline}\ns/person", lambda row: change(row, "person_delay_s")),
        Column("at crossings\ns/person", lambda row: number(row["person_wait_s"], 1)),
        Column(f"minus {baseline}\ns/person", lambda row: change(row, "person_wait_s")),
        Column("longest\nwait s", lambda row: number(row["person_wait_max_s_max"], 0)),
        Column("delay\ns/bicycle", lambda row: number(row["bicycle_delay_s"], 1)),
    ]


def comparison_columns() -> tuple[list[Column], list[Column]]:
    """Second folder minus first."""
    delay = [
        Column("pairs", lambda row: str(row["pairs"])),
        Column("delay\nfirst", lambda row: number(row["delay_s_first"], 1)),
        Column("s/veh\nsecond", lambda row: number(row["delay_s_second"], 1)),
        Column("second - first\ns/veh", lambda row: change(row, "delay_s")),
        Column("\n%", lambda row: percent(row, "delay_s")),
    ]
    service = [
        Column("served\nfirst", lambda row: number(row["throughput_veh_per_h_first"], 0)),
        Column("veh/h\nsecond", lambda row: number(row["throughput_veh_per_h_second"], 0)),
        Column("second - first\nveh/h", lambda row: change(row, "throughput_veh_per_h")),
    ]
    return delay, service


def fitting(rows: pd.DataFrame, columns: tuple[list[Column], list[Column]], width: int) -> list[Table]:
    """One table where there is room, else one of delay and one of service."""
    delay, service = columns
    return [by_place(rows, part) for part in ([[*delay, *service]] if width >= WIDE else [delay, service])]


def by_place(rows: pd.DataFrame, columns: list[Column]) -> Table:
    """A block for each scenario, demand and faults, a line for each controller."""
    table = _table("scenario x demand\n  controller")
    for column in columns:
        table.add_column(column.title, justify="right")
    for (scenario, demand, faults), group in rows.groupby(["scenario", "demand", "faults"], sort=False):
        broken = f", {escape(str(faults))}" if faults else ""
        table.add_row(f"[bold]{escape(str(scenario))}[/] x {demand:g}{broken}")
        for row in group.to_dict("records"):
            table.add_row(f"  {escape(row['controller'])}", *(column.cell(row) for column in columns))
        table.add_section()
    return table


def unpaired_table(comparison: Comparison) -> Table:
    table = _table("scenario")
    for name in ("controller", "demand", "faults", "draws", "why"):
        table.add_column(name)
    for row in comparison.unpaired.to_dict("records"):
        cells = row["controller"], f"{row['demand']:g}", row["faults"] or "none", row["draws"], row["why"]
        table.add_row(row["scenario"], *cells)
    return table


def comparison_report(comparison: Comparison, settings: list[str], width: int) -> list[Table | str]:
    """What `evaluate.py compare` prints, from top to bottom."""
    parts: list[Table | str] = [f"not the same in both - {line}" for line in settings]
    if comparison.paired.empty:
        parts.append("no case is in both")
    else:
        parts += [*fitting(comparison.paired, comparison_columns(), width), escape(LEGEND)]
    if not comparison.unpaired.empty:
        parts += ["\ncases without an equal in the other folder", unpaired_table(comparison)]
    return parts


def summary_report(summary: pd.DataFrame, baseline: str, width: int) -> list[Table | str]:
    """What `evaluate.py run` prints, from top to bottom."""
    parts: list[Table | str] = [*fitting(summary, summary_columns(baseline), width)]
    walked = summary[["person_delay_s", "bicycle_delay_s"]].notna().any(axis=1)
    if walked.any():
        parts.append(by_place(summary[walked], walking_columns(baseline)))
    parts += [escape(LEGEND), *controlled_lines(summary)]
    if not summary["pairs"].any() and set(summary["controller"]) != {baseline}:
        parts.append(f"no differences: the folder has no case of the baseline {baseline} with the same draws")
    return parts


def capacity_columns(baseline: str) -> list[Column]:
    """What each controller carries at level of service D, and serves beyond."""
    return [
        Column("draws", draws),
        Column("capacity\nx today", lambda row: bounds(row, "capacity_multiple")),
        Column(f"gain over {baseline}\n%", lambda row: gain(row, "capacity")),
        Column("by delay at\nsignals", lambda row: number(row["capacity_at_signals_multiple"], 2)),
        Column("gain\n%", lambda row: gain(row, "capacity_at_signals")),
        Column("served at\noverload", lambda row: number(row["served_veh_per_h"], 0)),
        Column("gain\n%", lambda row: gain(row, "served")),
        Column("gridlock\nfrom x", lambda row: number(row["first_gridlock_multiple"], 2)),
    ]


def capacity_report(capacities: pd.DataFrame, baseline: str) -> list[Table | str]:
    """What `evaluate.py capacity` prints, from top to bottom."""
    table = _table("scenario\n  controller")
    columns = capacity_columns(baseline)
    for column in columns:
        table.add_column(column.title, justify="right")
    for (scenario, faults), group in capacities.groupby(["scenario", "faults"], sort=False):
        broken = f", {escape(str(faults))}" if faults else ""
        overload, reference = (number(group[of].iloc[0], 2) for of in ("overload_multiple", REFERENCE))
        about = f"(overload: x {overload}; critical movements: x {reference})"
        table.add_row(f"[bold]{escape(str(scenario))}[/]{broken} {about}")
        for row in group.to_dict("records"):
            table.add_row(f"  {escape(row['controller'])}", *(column.cell(row) for column in columns))
        table.add_section()
    return [table, escape(CAPACITY_LEGEND)]


def controlled_lines(summary: pd.DataFrame) -> list[str]:
    """How much of each scenario was controlled at all: a signal that keeps its own plan is not."""
    lines = []
    for scenario, group in summary.groupby("scenario", sort=False):
        first = group.iloc[0]
        where = f"{scenario}: " if summary["scenario"].nunique() > 1 else ""
        signals = f"{first['junctions_controlled']:.0f} of {first['junctions']:.0f} signals"
        share = percentage(float(group["vehicles_controlled_share"].mean()))
        lines.append(escape(f"{where}controlled: {signals}, {share} % of vehicles' passages of signals"))
    return lines


def percentage(share: float) -> str:
    """Never rounded to all, or to none, where it is not."""
    text = number(100 * share, 0)
    return number(100 * share, 2) if text in ("0", "100") and share not in (0.0, 1.0) else text


def results_table(lines: pd.DataFrame) -> Table:
    """A line for each folder, scenario, controller, demand and faults of a library."""
    table = _table("scenario")
    for name in ("x", "controller", "draws", "delay\ns/veh", "a signal", "served\nveh/h", "never\nentered",
                 "longest\nstarved s", "grid-\nlock", "folder"):  # fmt: skip
        table.add_column(name, justify="left" if name in ("controller", "folder") else "right")
    for row in lines.to_dict("records"):
        broken = f", {row['faults']}" if row["faults"] else ""
        cells = [f"{row['demand']:g}", escape(row["controller"]), str(row["draws"]), number(row["delay_s"], 1),
                 number(row["delay_per_signal_s"], 1), number(row["throughput_veh_per_h"], 0),
                 number(row["never_entered"], 1), number(row["starve_max_s"], 0),
                 f"{row['gridlock_rate']:.0%}"]  # fmt: skip
        table.add_row(escape(f"{row['scenario']}{broken}"), *cells, escape(row["folder"]))
    return table


def parameter_table(parameters: Sequence[Parameter]) -> Table:
    """What a search changes, where it starts and between which bounds."""
    table = _table("setting")
    for name in ("start", "from", "to", "scale"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in parameters:
        scale = "logarithmic" if each.logarithmic else "linear"
        cells = f"{each.start:g}", f"{each.low:g}", f"{each.high:g}", scale, escape(each.description)
        table.add_row(each.name, *cells)
    return table


def search_table(found: pd.DataFrame) -> Table:
    """A generation a line: its median and the best so far."""
    table = _table("generation")
    for name in ("settings tried", "delay, median %", "best so far %", "its score"):
        table.add_column(name, justify="right")
    for generation, group in found.groupby("generation"):
        so_far = found.iloc[: int(group.index.max()) + 1]
        best = so_far.iloc[int(so_far["score"].argmin())]
        changes = (group["delay_log_ratio"].median(), best["delay_log_ratio"])
        cells = [f"{100 * math.expm1(change):+.1f}" for change in changes]
        table.add_row(str(generation), str(len(so_far)), *cells, f"{best['score']:.3f}")
    return table


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


def draws(row: Row) -> str:
    """How many, and over how many of them differences go where the baseline lacks some."""
    return f"{row['draws']}, {row['pairs']} paired" if 0 < row["pairs"] < row["draws"] else str(row["draws"])


def number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:,.{digits}f}"


def change(row: Row, name: str) -> str:
    """The paired difference with its interval."""
    value, low, high = (row[f"{name}_diff{end}"] for end in ENDS)
    return with_interval(value, low, high, row["pairs"])


def bounds(row: Row, name: str) -> str:
    """A positive figure and its interval."""
    value, low, high = (row[f"{name}{end}"] for end in ENDS)
    return number(value, 2) + ("" if math.isnan(low) else f" \\[{low:.2f}, {high:.2f}]")


def gain(row: Row, name: str) -> str:
    """Per cent more than the baseline."""
    value, low, high = (100 * row[f"{name}_gain{end}"] for end in ENDS)
    return with_interval(value, low, high, row["pairs"])


def percent(row: Row, name: str) -> str:
    """The paired ratio of geometric means, as per cent more or less."""
    value, low, high = (100 * (row[f"{name}_ratio{end}"] - 1) for end in ENDS)
    return with_interval(value, low, high, row["pairs"])


def with_interval(value: float, low: float, high: float, draws: int) -> str:
    """'-12.3* [-14.0, -10.6]'; one draw has no interval, nor have draws that all differ by the same."""
    if math.isnan(value):
        return "-"
    if math.isnan(low):
        return f"{value:+.1f} n/a ({'1 draw' if draws == 1 else 'no spread'})"
    mark = "*" if low > 0 or high < 0 else ""
    return f"{value:+.1f}{mark} \\[{low:+.1f}, {high:+.1f}]"


def _table(first: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(first, no_wrap=True)
    return table
