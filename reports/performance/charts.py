"""The charts of a signal, each one inline SVG with its description in words; many dots are one picture within it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from formats.event_log import Whole
from reports.detectors.charts import time_axis
from reports.performance.phase_cycles import FORCE_OFF, GAP_OUT, MAX_OUT, NEVER, TERMINATIONS, PhaseCycles
from reports.svg import GRID, MUTED, draw
from reports.wording import number
from reports.words import Words

WIDTH, HEIGHT, WIDE, ROW, FRAME = 390.0, 210.0, 800.0, 34.0, 78.0
GREEN, RED, BLUE, ORANGE, GREY = "#009270", "#d5402b", "#1f7fc4", "#b87700", "#777d86"
ENDS = {GAP_OUT: (GREEN, "^"), MAX_OUT: (RED, "s"), FORCE_OFF: (BLUE, "D"), 0: (GREY, "o")}
OFFSETS = {GAP_OUT: -0.24, MAX_OUT: -0.08, FORCE_OFF: 0.08, 0: 0.24}  # of a phase's row, so that none hides another
DOTS_AS_PICTURE, FINE_DOTS, PICTURE_DPI, HIGHEST_SHARE = 300, 2000, 160, 0.97
LEGEND = {
    "loc": "outside upper left",
    "handlelength": 1.1,
    "columnspacing": 1.1,
    "borderpad": 0.1,
    "handletextpad": 0.4,
}
LABEL_PAD = 8.0  # keeps the first label of one axis off that of the other


@dataclass(frozen=True)
class Day:
    """One phase's day: from `begin_s` to `end_s` seconds since 1970, its cycles, and when anything came."""

    begin_s: float
    end_s: float
    cycles: PhaseCycles
    arrival_ms: Whole

    def reds(self) -> tuple[Whole, Whole, Whole, Whole]:
        """Of each whole cycle the begin of red, the begin and end of the green after it, and the next red."""
        cycles = self.cycles
        red, green, end = cycles.red_ms[:-1], cycles.begin_ms[1:], cycles.green_end_ms[1:]
        whole = (red < NEVER) & (end < NEVER)
        return red[whole], green[whole], end[whole], cycles.red_ms[1:][whole]

    def splits(self) -> tuple[Whole, Whole, Whole]:
        """Of the day's greens that were cleared the begin, the split in seconds, and what ended it."""
        cycles, begins = self.cycles, self.cycles.begin_ms[1:]
        known = (cycles.clear_ms[1:] < NEVER) & (begins >= self.begin_s * 1000) & (begins < self.end_s * 1000)
        split_s = (cycles.clear_ms[1:] - begins)[known] / 1000.0
        return begins[known], split_s, cycles.ended_by[1:][known]


def coordination(name: str, label: str, days: Sequence[Day], say: Words) -> str:
    """Purdue coordination diagram: each arrival by its time since red began; between the lines it was green.

    Of the first day, with room for the others' too.
    """
    day = days[0]
    red, green, end, following = day.reds()
    own = day.arrival_ms[(day.arrival_ms >= day.begin_s * 1000) & (day.arrival_ms < day.end_s * 1000)]
    place = np.searchsorted(red, own, "right") - 1
    drawn = (place >= 0) & (own < following[place]) if len(red) else place >= 0
    own, place = own[drawn], place[drawn]
    since_s = (own - red[place]) / 1000.0
    on_green = (own >= green[place]) & (own < end[place])
    longest_s = max(_longest_s(each) for each in days)
    width = 1.1 if len(red) < DOTS_AS_PICTURE else 0.6
    described = say("charts.coordination", label=label, n=f"{len(own):,}", green=_share(on_green))

    def plot(axes: Axes) -> None:
        for chosen, colour in ((~on_green, GREY), (on_green, BLUE)):
            _dots(axes, own[chosen] / 1000.0, since_s[chosen], colour, "o", 2.6)
        for times, colour in ((green, GREEN), (end, RED)):
            axes.plot(red / 1000.0, (times - red) / 1000.0, color=colour, linewidth=width, drawstyle="steps-post")
        axes.set_ylim(0, longest_s)
        axes.set_ylabel(say("charts.since_red"))
        _time(axes, day)
        handles = [
            Line2D([], [], color=GREEN, label=say("charts.green_begins")),
            Line2D([], [], color=RED, label=say("charts.green_ends")),
            Line2D([], [], color=BLUE, marker=".", linestyle="", label=say("charts.on_green")),
        ]
        axes.figure.legend(handles=handles, ncols=3, **LEGEND)

    return draw(name, described, WIDTH, HEIGHT, plot)


def _longest_s(day: Day) -> float:
    red, _, end, _ = day.reds()
    return float(np.quantile((end - red) / 1000.0, HIGHEST_SHARE)) * 1.2 if len(red) else 60.0


def ending(code: int) -> str:
    """The key of the word for how a green ended, also where the log does not say."""
    return f"endings.{TERMINATIONS.get(code, 'not-said')}"


def terminations(name: str, label: str, days: dict[int, Day], say: Words) -> str:
    """A row a phase, a mark a green: how it ended."""
    counts = {code: sum(int((_ended(day)[1] == code).sum()) for day in days.values()) for code in ENDS}
    told = ", ".join(f"{say(ending(code))} {times}" for code, times in counts.items())
    any_day = next(iter(days.values()))

    def plot(axes: Axes) -> None:
        for row, day in enumerate(days.values()):
            times, ended_by = _ended(day)
            for code, (colour, marker) in ENDS.items():
                chosen = times[ended_by == code]
                _dots(axes, chosen / 1000.0, np.full(len(chosen), row + OFFSETS[code]), colour, marker, 4.6)
        axes.set_yticks(range(len(days)), [say("phase", n=phase) for phase in days])
        axes.set_ylim(len(days) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y")
        _time(axes, any_day)
        _ending_legend(axes, [code for code, times in counts.items() if times], say)

    height = FRAME + ROW * len(days)
    return draw(name, say("charts.terminations", label=label, told=told), WIDE, height, plot)


def split_monitor(name: str, label: str, days: Sequence[Day], say: Words) -> str:
    """Each cycle's split (green, yellow change and red clearance), marked by how its green ended.

    Of the first day, with room for the others' too.
    """
    day = days[0]
    begin, split_s, ended_by = day.splits()
    median = number(float(np.median(split_s)), 1) if len(split_s) else "–"
    every = [each.splits()[1] for each in days]
    highest = max((float(np.quantile(each, 0.99)) * 1.15 for each in every if len(each)), default=1.0)

    def plot(axes: Axes) -> None:
        for code, (colour, marker) in ENDS.items():
            chosen = ended_by == code
            _dots(axes, begin[chosen] / 1000.0, split_s[chosen], colour, marker, 4.2)
        axes.set_ylim(0, highest)
        axes.set_ylabel(say("charts.split"))
        axes.grid(axis="y")
        _time(axes, day)
        _ending_legend(axes, sorted(set(ended_by.tolist()), key=list(ENDS).index), say)

    return draw(name, say("charts.split_monitor", label=label, median=median), WIDTH, HEIGHT, plot)


def arrivals(name: str, label: str, profiles: Sequence[pd.DataFrame], bin_s: float, say: Words) -> str:
    """By time of day: vehicles per hour that came on green, and all others on top of them.

    Of the first profile, with room for the others' too.
    """
    profile = profiles[0]
    highest = max(float((3600.0 * each["arrivals"] / each["known_s"]).max()) for each in profiles)
    per_hour = 3600.0 / profile["known_s"].to_numpy()
    green, all_of = profile["on_green"].to_numpy() * per_hour, profile["arrivals"].to_numpy() * per_hour
    share = profile["on_green"].sum() / max(profile["arrivals"].sum(), 1)

    def plot(axes: Axes) -> None:
        _bars(axes, profile, all_of, bin_s, GREY)
        _bars(axes, profile, green, bin_s, GREEN)
        axes.set_ylim(0, 1.05 * max(highest, 1.0))
        axes.set_ylabel(say("charts.veh_per_h"))
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.locator_params(axis="y", nbins=5)
        _time_of_day(axes, profile, bin_s)
        patches = [
            Patch(color=GREEN, label=say("charts.on_green")),
            Patch(color=GREY, label=say("charts.not_on_green")),
        ]
        axes.figure.legend(handles=patches, ncols=2, **LEGEND)

    return draw(name, say("charts.arrivals", label=label, share=_per_cent(float(share))), WIDTH, HEIGHT, plot)


def split_failures(name: str, label: str, profile: pd.DataFrame, bin_s: float, say: Words) -> str:
    """By time of day: mean occupancy of green and of the first 5 s of red, and the share of cycles that failed."""
    failed = profile["split_failures"].to_numpy() / profile["cycles"].to_numpy()

    def plot(axes: Axes) -> None:
        times = profile["tod_s"].to_numpy() + bin_s / 2
        _bars(axes, profile, 100 * failed, bin_s, ORANGE)
        axes.plot(times, 100 * profile["green_occupancy"], color=GREEN, linewidth=1.4, marker="o", markersize=3)
        axes.plot(times, 100 * profile["red_occupancy"], color=RED, linewidth=1.4, marker="s", markersize=3)
        axes.axhline(80, color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.set_ylim(0, 104)
        axes.set_ylabel("%")
        axes.grid(axis="y", color=GRID)
        _time_of_day(axes, profile, bin_s)
        handles = [
            Line2D([], [], color=GREEN, marker="o", markersize=3, label=say("charts.green_occupancy")),
            Line2D([], [], color=RED, marker="s", markersize=3, label=say("charts.red_occupancy")),
            Patch(color=ORANGE, label=say("charts.failed")),
        ]
        axes.figure.legend(handles=handles, ncols=3, **LEGEND)

    told = say(
        "charts.split_failures", label=label, n=int(profile["split_failures"].sum()), of=int(profile["cycles"].sum())
    )
    return draw(name, told, WIDTH, HEIGHT, plot)


def _bars(axes: Axes, profile: pd.DataFrame, heights: np.ndarray, bin_s: float, colour: str) -> None:
    """A bar a bin, as one artist: a hundred patches take a second to draw."""
    left = profile["tod_s"].to_numpy() + 0.05 * bin_s
    right, none = left + 0.9 * bin_s, np.zeros(len(left))
    x, y = np.stack([left, left, right, right], axis=1), np.stack([none, heights, heights, none], axis=1)
    axes.add_collection(PolyCollection(list(np.stack([x, y], axis=2)), facecolor=colour, linewidth=0))


def _ended(day: Day) -> tuple[Whole, Whole]:
    """When the day's greens ended, and by what."""
    ends = day.cycles.green_end_ms[1:]
    own = (ends >= day.begin_s * 1000) & (ends < day.end_s * 1000)
    return ends[own], day.cycles.ended_by[1:][own]


def _dots(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, marker: str, size: float) -> None:
    many = len(x) > DOTS_AS_PICTURE
    size *= 0.7 if len(x) > FINE_DOTS else 1.0
    axes.plot(x, y, marker, color=colour, markersize=size, markeredgewidth=0, alpha=0.85, rasterized=many, zorder=3)
    if many:
        axes.figure.set_dpi(PICTURE_DPI)


def _ending_legend(axes: Axes, codes: Sequence[int], say: Words) -> None:
    handles = [
        Line2D([], [], color=ENDS[code][0], marker=ENDS[code][1], linestyle="", markersize=5,
               label=say(ending(code)))
        for code in codes
    ]  # fmt: skip
    axes.figure.legend(handles=handles, ncols=4, **LEGEND)


def _time(axes: Axes, day: Day) -> None:
    time_axis(axes, day.begin_s, day.end_s)
    axes.tick_params(axis="x", pad=LABEL_PAD)


def _time_of_day(axes: Axes, profile: pd.DataFrame, bin_s: float) -> None:
    time_axis(axes, float(profile["tod_s"].min()), float(profile["tod_s"].max()) + bin_s)
    axes.tick_params(axis="x", pad=LABEL_PAD)


def _share(chosen: np.ndarray) -> str:
    return _per_cent(float(chosen.mean())) if len(chosen) else "–"


def _per_cent(share: float) -> str:
    return f"{number(100 * share, 0)} %"
