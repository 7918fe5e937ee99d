"""The charts of a comparison, each a function from arms to one inline SVG with its description in words."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from experiments.statistics import Interval, mean_interval
from reports.comparison import Arm, ScenarioComparison, short_names
from reports.measures import LOS_LIMITS_S
from reports.palette import COMPLETED, INSIDE, NEVER_ENTERED, Look
from reports.svg import GRID, MUTED, PAPER, draw
from reports.wording import bounded, number, per_cent_change, signed
from reports.words import Words

WIDTH = 390.0  # points; a panel fits a phone nearly at its natural size
FRAME = 62.0  # points above and below the rows: the axis, its label, a margin
LEGEND_ROW = 18.0
DOTS: dict[str, Any] = {"markersize": 5, "alpha": 0.7, "markeredgewidth": 0, "zorder": 3}
HEADING: dict[str, Any] = {"va": "center", "weight": "bold", "bbox": {"facecolor": PAPER, "linewidth": 0, "pad": 1.5}}
MEAN: dict[str, Any] = {"markersize": 7, "markeredgewidth": 0, "zorder": 4}
BAR: dict[str, Any] = {"linewidth": 2.4, "solid_capstyle": "butt", "zorder": 3}
LEGEND: dict[str, Any] = {"loc": "outside upper left", "handlelength": 1.4, "columnspacing": 1.2, "borderpad": 0.2}
MOST_TICKS = 9
NOT_FAR = 1.25
"""A reference this many times beyond the highest demand still has a place in the chart."""
ACCOUNTS = (
    ("completed", COMPLETED, ""),
    ("inside", INSIDE, ""),
    ("never_entered", NEVER_ENTERED, "////"),
)
Looks = dict[str, Look]
ForestRow = tuple[str, Arm | None]  # a scenario's heading has no arm


def delay(name: str, arms: Sequence[Arm], looks: Looks, say: Words) -> str:
    """Every draw a dot, a line through the same draw, and beneath each row of dots its mean with the 95 % interval."""
    described = "; ".join(f"{arm.controller} {number(arm.mean('delay_s'))} s" for arm in arms)
    height = FRAME + 42 * len(arms)
    alternative = say("charts.delay_alt", described=described)
    return draw(name, alternative, WIDTH, height, lambda axes: _delay(axes, arms, looks, say))


def _delay(axes: Axes, arms: Sequence[Arm], looks: Looks, say: Words) -> None:
    by_draw = [arm.cases.set_index("draw")["delay_s"] for arm in arms]
    for place, (first, second) in enumerate(pairwise(by_draw)):
        shared = first.index.intersection(second.index)
        across = [value for each in shared for value in (first[each], second[each], math.nan)]
        axes.plot(across, [place, place + 1, math.nan] * len(shared), color=GRID, linewidth=0.9, zorder=2)
    _delay_axis(axes, arms, [delay_s for values in by_draw for delay_s in values if math.isfinite(delay_s)], say)
    for place, (arm, values) in enumerate(zip(arms, by_draw, strict=True)):
        look, mean = looks[arm.controller], mean_interval(values)
        axes.plot(values, [place] * len(values), look.marker, color=look.colour, **DOTS)
        _interval(axes, mean, place + 0.3, look)
        _note(axes, number(mean.estimate), (1.0, place + 0.15), "axes fraction")
    _rows(axes, [arm.controller for arm in arms])
    axes.grid(axis="x")


def _delay_axis(axes: Axes, arms: Sequence[Arm], delays_s: Sequence[float], say: Words) -> None:
    """From zero, but logarithmic where gridlock would press all other draws against it."""
    if any(arm.gridlocks for arm in arms) and min(delays_s) > 0:
        axes.set_xscale("log")
        axes.set_xlim(min(delays_s) * 0.7, max(delays_s) * 1.4)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.minorticks_off()
        axes.set_xlabel(say("charts.delay_log_axis"))
    else:
        axes.set_xlim(0, max(delays_s, default=0.0) * 1.1 or 1.0)  # persons alone have no vehicle's delay
        axes.set_xlabel(say("charts.delay_axis"))


def accounting(name: str, arms: Sequence[Arm], say: Words) -> str:
    """Where the vehicles of the window were when it ended."""
    described = "; ".join(
        f"{arm.controller} " + ", ".join(f"{number(arm.mean(of), 0)} {say(f'charts.{of}')}" for of, *_ in ACCOUNTS)
        for arm in arms
    )
    height = FRAME + LEGEND_ROW + 30 * len(arms)
    alternative = say("charts.accounting_alt", described=described)
    return draw(name, alternative, WIDTH, height, lambda axes: _accounting(axes, arms, say))


def _accounting(axes: Axes, arms: Sequence[Arm], say: Words) -> None:
    rows, so_far = range(len(arms)), [0.0] * len(arms)
    for measure, colour, hatch in ACCOUNTS:
        label = say(f"charts.{measure}")
        widths = [arm.mean(measure) for arm in arms]
        axes.barh(rows, widths, 0.56, so_far, color=colour, label=label, hatch=hatch, edgecolor=PAPER, linewidth=0)
        so_far = [start + width for start, width in zip(so_far, widths, strict=True)]
    for place, arm in enumerate(arms):
        counts = " · ".join(number(arm.mean(measure), 0) for measure, *_ in ACCOUNTS)
        _note(axes, counts, (1.0, place), "axes fraction")
    _rows(axes, [arm.controller for arm in arms])
    axes.set_xlim(0, max(so_far) * 1.01 or 1.0)
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel(say("charts.accounting_axis"))
    axes.grid(axis="x")
    axes.figure.legend(ncols=3, **LEGEND)


def over_demand(name: str, comparison: ScenarioComparison, looks: Looks, reference: float, say: Words) -> str:
    """Delay per signal as demand grows, against the limits of the levels of service.

    reference: the critical-movement multiple, a line where it is not far beyond the demands; NaN where it is unknown.
    """
    lines: dict[str, list[Arm]] = {}
    for arm in comparison.arms:
        lines.setdefault(arm.controller, []).append(arm)
    described = "; ".join(
        f"{controller} " + ", ".join(_at_demand(arm, say) for arm in line) for controller, line in lines.items()
    )
    columns = 3 if max(len(label) for label in short_names(tuple(lines)).values()) < 14 else 2
    height = 230 + LEGEND_ROW * -(-len(lines) // columns)
    told = "" if math.isnan(reference) else say("charts.reference", multiple=f"{reference:.2f}")
    alternative = say("charts.over_demand_alt", described=described, reference=told)
    plot = partial(_over_demand, lines=lines, looks=looks, columns=columns, reference=reference, say=say)
    return draw(name, alternative, WIDTH, height, plot)


def _at_demand(arm: Arm, say: Words) -> str:
    return say("charts.over_demand_one", delay=number(arm.mean("delay_per_signal_s")), demand=f"{arm.demand:g}")


def _over_demand(
    axes: Axes, lines: dict[str, list[Arm]], looks: Looks, columns: int, reference: float, say: Words
) -> None:
    labels = short_names(tuple(lines))
    for controller, line in lines.items():
        look = looks[controller]
        for arm in (arm for arm in line if not arm.gridlocks):
            ends = _ends(mean_interval(arm.cases["delay_per_signal_s"]))
            axes.plot([arm.demand, arm.demand], ends, color=look.colour, linewidth=1.8, alpha=0.6)
        demands, means = zip(*((arm.demand, arm.mean("delay_per_signal_s")) for arm in line), strict=True)
        axes.plot(demands, means, color=look.colour, marker=look.marker, label=labels[controller], **MEAN)
    if reference <= NOT_FAR * max(arm.demand for line in lines.values() for arm in line):
        axes.axvline(reference, color=MUTED, linewidth=1, linestyle="--", zorder=1)
        axes.annotate(say("charts.critical"), (reference, 0.97), (-3, 0), ("data", "axes fraction"),
                      textcoords="offset points", rotation=90, va="top", ha="right", color=MUTED)  # fmt: skip
    axes.set_ylim(0, _highest_sound([arm for line in lines.values() for arm in line]))
    levels_of_service(axes)
    multiples = sorted({arm.demand for line in lines.values() for arm in line})
    axes.set_xticks(multiples[:: -(-len(multiples) // MOST_TICKS)])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(say("charts.demand_axis"))
    axes.set_ylabel(say("charts.per_signal_axis"))
    axes.figure.legend(ncols=columns, **LEGEND)


def _highest_sound(arms: Sequence[Arm]) -> float:
    """Room for every arm that did not lock up, as far as levels of service are told; who has more leaves at the top."""
    sound = [arm for arm in arms if not arm.gridlocks] or list(arms)
    delays_s = [arm.mean("delay_per_signal_s") for arm in sound]
    farthest_s = max(2 * LOS_LIMITS_S[-1][1], 1.5 * min(delays_s))
    return min(max(1.12 * max(delays_s), LOS_LIMITS_S[1][1]), farthest_s)


def levels_of_service(axes: Axes) -> None:
    """Every second band shaded, each letter at its middle where it has room to stand."""
    top, floor = axes.get_ylim()[1], 0.0
    for place, (letter, limit_s) in enumerate((*LOS_LIMITS_S, ("F", top))):
        ceiling = min(limit_s, top)
        if ceiling > floor and place % 2:
            axes.axhspan(floor, ceiling, color=GRID, alpha=0.35, linewidth=0, zorder=0)
        if ceiling - floor > 0.06 * top:
            _note(axes, letter, (1.0, (floor + ceiling) / 2), "axes fraction")
        floor = max(floor, ceiling)


def forest(name: str, comparisons: Sequence[ScenarioComparison], looks: Looks, say: Words) -> str:
    """Paired differences of delay, a row each, against no change."""
    rows = _forest_rows(comparisons)
    arms = [arm for _, arm in rows if arm is not None]
    described = "; ".join(
        say("forest.one", who=arm.controller, place=arm.scenario, seconds=signed(arm.difference("delay_s").estimate))
        for arm in arms
    )
    alternative = say("forest.alt", baseline=arms[0].baseline, described=described)
    return draw(name, alternative, WIDTH, FRAME + 21 * len(rows), lambda axes: _forest(axes, rows, looks, say))


def _forest_rows(comparisons: Sequence[ScenarioComparison]) -> list[ForestRow]:
    """A heading for each scenario, then its arms."""
    rows: list[ForestRow] = []
    for comparison in comparisons:
        arms = [arm for arm in comparison.headline_arms if arm.paired_draws]
        labels = short_names(tuple(arm.controller for arm in arms))
        if arms:
            rows += [(comparison.label, None), *((labels[arm.controller], arm) for arm in arms)]
    return rows


def _forest(axes: Axes, rows: Sequence[ForestRow], looks: Looks, say: Words) -> None:
    axes.set_xlim(*_forest_range([arm for _, arm in rows if arm is not None]))
    axes.axvline(0, color=MUTED, linewidth=1)
    for place, (label, arm) in enumerate(rows):
        if arm is None:
            axes.annotate(label, (0, place), xycoords=("figure fraction", "data"), **HEADING)
            continue
        look, difference, change = (
            looks[arm.controller],
            arm.difference("delay_s"),
            per_cent_change(arm.ratio("delay_s")),
        )
        _interval(axes, difference, place, look)
        changed = say("forest.change", seconds=signed(difference.estimate), share=signed(change.estimate, 0))
        _note(axes, say("forest.gridlock") if arm.gridlocks else changed, (1.0, place), "axes fraction")
    _rows(axes, [label if arm else "" for label, arm in rows])
    axes.set_xlabel(say("forest.axis"))
    axes.grid(axis="x")


def _forest_range(arms: Sequence[Arm]) -> tuple[float, float]:
    """Room for every interval, but a gridlocked arm may run off the edge rather than squeeze the rest."""
    sound = [arm for arm in arms if not arm.gridlocks] or list(arms)
    ends = [end for arm in sound for end in _ends(arm.difference("delay_s"))]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = 0.1 * (high - low) or 1.0
    return low - room, high + room


def _ends(of: Interval) -> tuple[float, float]:
    return (of.low, of.high) if bounded(of) else (of.estimate, of.estimate)


def _interval(axes: Axes, of: Interval, place: float, look: Look) -> None:
    """A bar over the interval and a marker on the estimate; an arrow where the axis, set before, ends too soon."""
    (low, high), (left, right) = axes.get_xlim(), _ends(of)
    axes.plot([left, right], [place, place], color=look.colour, **BAR)
    axes.plot(of.estimate, place, look.marker, color=look.colour, **MEAN)
    for beyond, edge, arrow in ((left < low, 0.015, "<"), (right > high, 0.985, ">")):
        if beyond:
            axes.plot(edge, place, arrow, color=look.colour, transform=axes.get_yaxis_transform(), **MEAN)


def _note(axes: Axes, text: str, at: tuple[float, float], across: str = "data") -> None:
    """Figures in words, a little to the right of what they belong to."""
    axes.annotate(text, at, (6, 0), (across, "data"), textcoords="offset points", va="center")


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    """One named row each, the first on top, without a vertical axis line."""
    short = short_names(tuple(dict.fromkeys(labels)))
    axes.set_yticks(range(len(labels)), [short[label] for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
