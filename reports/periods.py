"""Before and after by period of a quarter of an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from experiments.statistics import mean_interval
from reports.before_after import pairs
from reports.charts import BAR, LEGEND, LEGEND_ROW, MEAN, WIDTH, Looks
from reports.comparison import Arm, ScenarioComparison, short_names
from reports.parts import Pair, of_arm, paired
from reports.svg import MUTED, draw
from reports.table import Cell, interval
from reports.wording import bounded, number, signed
from reports.words import Words

SHOWN = {
    "delay_s": 1, "served_veh_per_h": 0, "not_out_veh": 1, "stops_per_veh": 2, "wait_max_s": 0, "co2_kg": 0,
    "person_delay_s": 1,
}  # fmt: skip
"""Measures and their decimals, in the table's order."""
MARKS = {"better": " ✓", "worse": " ✗", "": ""}
APART = 0.12
"""Between two controllers' bars, in widths of a period."""


@dataclass(frozen=True)
class Period:
    """One period of one scenario under two controllers; seconds since the scenario's midnight."""

    begin_s: float
    end_s: float
    figures: dict[str, Pair]

    @property
    def clock(self) -> str:
        return f"{clock(self.begin_s)}–{clock(self.end_s)}"


def clock(time_s: float) -> str:
    """'7:10'; '1:05:30' where it is no whole minute."""
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")


def period_lines(table: pd.DataFrame, arm: Arm, baseline: Arm) -> list[Period]:
    """In their order; each measure's p is corrected for all periods. Empty where either has kept none."""
    after, before = (of_arm(table, each) for each in (arm, baseline))
    found = paired(after, before.sort_values("begin_s", kind="stable"), ["begin_s", "end_s"], list(SHOWN))
    return [Period(float(begin_s), float(end_s), figures) for (begin_s, end_s), figures in found.items()]


def _by_span(rows: pd.DataFrame) -> dict[tuple[float, float], pd.DataFrame]:
    spans = rows[["begin_s", "end_s"]].drop_duplicates().sort_values("begin_s")
    return {
        (float(begin_s), float(end_s)): rows[(rows["begin_s"] == begin_s) & (rows["end_s"] == end_s)]
        for begin_s, end_s in spans.itertuples(index=False)
    }


def period_tables(comparisons: Sequence[ScenarioComparison], table: pd.DataFrame, say: Words) -> list[dict[str, Any]]:
    """For each scenario and controller the periods' cells, without measures that none of them has."""
    found = []
    for comparison, arm, baseline in pairs(comparisons) if len(table) else ():
        lines = period_lines(table, arm, baseline)
        shown = [measure for measure in SHOWN if any(line.figures[measure].known for line in lines)]
        rows = [(line.clock, [cell(line.figures[measure], SHOWN[measure], say) for measure in shown]) for line in lines]
        summary = say("before_after.summary", place=comparison.label, after=arm.controller, before=arm.baseline)
        heads = [(measure, say(f"measures.{measure}.title"), say(f"periods.{measure}")) for measure in shown]
        if rows:
            found.append({"summary": summary, "heads": heads, "rows": rows})
    return found


def cell(figure: Pair, decimals: int, say: Words) -> tuple[Cell, str]:
    """Before and after, below them the difference with its interval; and the direction."""
    if not figure.known:
        return Cell(figure.text(decimals)), ""
    change = f"{signed(figure.difference.estimate, decimals)} {interval(figure.difference, say, decimals)}"
    return Cell(figure.text(decimals) + MARKS[figure.direction], change), figure.direction


def period_charts(
    name: str, comparison: ScenarioComparison, table: pd.DataFrame, looks: Looks, say: Words
) -> list[tuple[str, Markup]]:
    """Title and chart: each controller's delay by period, and the paired differences to the baseline."""
    arms = [arm for arm in comparison.headline_arms if len(of_arm(table, arm))] if len(table) else []
    compared = [
        (arm, period_lines(table, arm, baseline))
        for arm in arms
        if not arm.is_baseline and (baseline := comparison.baseline_of(arm)) in arms and baseline
    ]
    if not arms:
        return []
    levels = [(arm, of_arm(table, arm)) for arm in arms]
    charts = [(say("periods.levels"), _levels(f"{name}-level", levels, looks, say))]
    if compared:
        charts.append((say("periods.differences"), _differences(f"{name}-difference", compared, looks, say)))
    return [(title, Markup(chart)) for title, chart in charts]


def _levels(name: str, arms: Sequence[tuple[Arm, pd.DataFrame]], looks: Looks, say: Words) -> str:
    series = [
        (arm, [(begin_s, mean_interval(rows["delay_s"].dropna())) for (begin_s, _), rows in _by_span(own).items()])
        for arm, own in arms
    ]
    told = "; ".join(
        f"{arm.controller} " + ", ".join(f"{number(of.estimate)} s {clock(begin_s)}" for begin_s, of in points)
        for arm, points in series
    )
    return _draw(name, say("periods.levels_alt", described=told), series, looks, say("charts.delay_axis"))


def _differences(name: str, arms: Sequence[tuple[Arm, Sequence[Period]]], looks: Looks, say: Words) -> str:
    series = [(arm, [(line.begin_s, line.figures["delay_s"].difference) for line in lines]) for arm, lines in arms]
    told = "; ".join(
        f"{arm.controller} " + ", ".join(f"{signed(of.estimate)} s {clock(begin_s)}" for begin_s, of in points)
        for arm, points in series
    )
    return _draw(name, say("periods.differences_alt", described=told), series, looks, say("periods.axis"), line=True)


def _draw(name: str, told: str, series: Any, looks: Looks, axis: str, line: bool = False) -> str:
    labels = short_names(tuple(arm.controller for arm, _ in series))
    columns = 3 if max(len(label) for label in labels.values()) < 14 else 2
    height = 210 + LEGEND_ROW * -(-len(series) // columns)
    return draw(name, told, WIDTH, height, partial(_plot, series=series, looks=looks, axis=axis, line=line))


def _plot(axes: Axes, series: Any, looks: Looks, axis: str, line: bool) -> None:
    labels = short_names(tuple(arm.controller for arm, _ in series))
    begins_s = sorted({begin_s for _, points in series for begin_s, _ in points})
    for place, (arm, points) in enumerate(series):
        look, shift = looks[arm.controller], APART * (place - (len(series) - 1) / 2)
        at = [begins_s.index(begin_s) + shift for begin_s, _ in points]
        for x, (_, of) in zip(at, points, strict=True):
            if bounded(of):
                axes.plot([x, x], [of.low, of.high], color=look.colour, **BAR)
        estimates = [of.estimate for _, of in points]
        axes.plot(at, estimates, look.marker, color=look.colour, label=labels[arm.controller], **MEAN)
        axes.plot(at, estimates, color=look.colour, linewidth=0.8, alpha=0.5)
    if line:
        axes.axhline(0, color=MUTED, linewidth=1)
    else:
        axes.set_ylim(bottom=0)
    every = -(-len(begins_s) // 6)
    axes.set_xticks(range(len(begins_s))[::every], [clock(begin_s) for begin_s in begins_s[::every]])
    axes.set_xlim(-0.5, len(begins_s) - 0.5)
    axes.set_ylabel(axis)
    axes.grid(axis="y")
    axes.figure.legend(ncols=3 if max(len(label) for label in labels.values()) < 14 else 2, **LEGEND)
