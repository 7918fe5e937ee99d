"""The charts of a detector report, each one inline SVG with its description in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from reports.detectors.collect import Group
from reports.detectors.diagnosis import SUSPECT, Health, state_of
from reports.svg import GRID, MUTED, draw
from reports.wording import count, number
from signals.values import Floats

WIDTH, HEIGHT, WIDE = 390.0, 150.0, 800.0
BELIEVED, SUSPECT_COLOUR, DISTRUSTED_COLOUR = "#1f7fc4", "#e0a030", "#d5402b"
UNKNOWN, NOT_CLEARED = "#b9bec5", "#d55e00"
DAY_S, HOUR_S = 86_400.0, 3600.0
ROW, FRAME, STEPS = 14.0, 62.0, 600
WALL_CLOCK_FROM_S = 1e8  # smaller times are a simulation's


def when(second: float) -> str:
    """'2024-04-15 12:05', or '0:05' of a simulation."""
    if second >= WALL_CLOCK_FROM_S:
        return f"{pd.Timestamp(second, unit='s'):%Y-%m-%d %H:%M}"
    return f"{second // HOUR_S:.0f}:{second % HOUR_S / 60:02.0f}"


def time_axis(axes: Axes, begin_s: float, end_s: float) -> None:
    """Whole hours, days or weeks, as many as have room to be read."""
    axes.set_xlim(begin_s, end_s)
    steps = [each * HOUR_S for each in (1 / 12, 1 / 6, 1 / 4, 1 / 2, 1, 2, 3, 6, 12, 24, 48, 168, 336, 24 * 61)]
    step_s = next((step for step in steps if (end_s - begin_s) / step <= 6), 366 * DAY_S)
    ticks = np.arange(np.ceil(begin_s / step_s) * step_s, end_s + 1, step_s)
    daily = step_s >= DAY_S and begin_s >= WALL_CLOCK_FROM_S
    labels = [f"{pd.Timestamp(each, unit='s'):%d %b}" if daily else when(each)[-5:].strip() for each in ticks]
    axes.set_xticks(ticks, labels)


def overview(name: str, healths: Sequence[Health], begin_s: Floats, period_s: float, volume_veh: Floats) -> str:
    """A row a detector, a stripe a period: believed, suspect, distrusted, or nothing known."""
    states = np.column_stack([state_of(health, begin_s, period_s) for health in healths])
    doubts = np.column_stack([state_of(health, begin_s, period_s, SUSPECT) for health in healths])
    bad = sum(state.any() for state in states.T)
    described = f"When each of {count(len(healths), 'detector')} could be believed; {bad} not all the time."
    height = FRAME + 24 + ROW * len(healths)

    def plot(axes: Axes) -> None:
        for place, bad_then in enumerate(states.T):
            known = np.isfinite(volume_veh[:, place])
            doubtful = doubts[:, place] & ~bad_then
            parts = (
                (BELIEVED, known & ~bad_then & ~doubtful),
                (SUSPECT_COLOUR, doubtful),
                (DISTRUSTED_COLOUR, bad_then),
                (UNKNOWN, ~known & ~bad_then & ~doubtful),
            )
            for colour, mask in parts:
                spans = _spans(mask, begin_s, period_s)
                axes.broken_barh(spans, (place - 0.36, 0.72), color=colour, linewidth=0)
        time_axis(axes, float(begin_s[0]), float(begin_s[-1] + period_s))
        axes.set_yticks(range(len(healths)), [health.detector[:24] for health in healths])
        axes.set_ylim(len(healths) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        words = (
            ("believed", BELIEVED),
            ("suspect", SUSPECT_COLOUR),
            ("distrusted", DISTRUSTED_COLOUR),
            ("no data", UNKNOWN),
        )
        handles = [Patch(color=colour, label=word) for word, colour in words]
        axes.figure.legend(handles=handles, ncols=4, loc="outside upper left", handlelength=1.0, borderpad=0.2)

    return draw(name, described, WIDE, height, plot)


def _spans(mask: np.ndarray, begin_s: Floats, period_s: float) -> list[tuple[float, float]]:
    steps = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(float(begin_s[a]), float((b - a) * period_s)) for a, b in zip(steps[::2], steps[1::2], strict=True)]


def silent_spans(group: Group) -> list[tuple[float, float]]:
    """Start and length of the times of which no detector of a group has a row."""
    nothing = ~(np.isfinite(group.volume_veh) | group.faulty).any(axis=1)
    return _spans(nothing, group.begin_s, group.period_s)


def volumes(name: str, health: Health, begin_s: Floats, period_s: float, volume_veh: Floats) -> str:
    """Flow over the file's time; where the detector is distrusted the line lies on red."""
    whole_s = begin_s
    begin_s, volume_veh = _coarser(begin_s, volume_veh)
    flow = volume_veh * 3600.0 / period_s
    most = float(np.nanmax(flow)) if np.isfinite(flow).any() else 0.0
    described = f"Flow at detector {health.detector}: up to {number(most, 0)} vehicles per hour."

    def plot(axes: Axes) -> None:
        for start_s, length_s in _spans(state_of(health, whole_s, period_s), whole_s, period_s):
            axes.axvspan(start_s, start_s + length_s, color=DISTRUSTED_COLOUR, alpha=0.18, linewidth=0)
        times, values = np.append(begin_s, whole_s[-1] + period_s), np.append(flow, flow[-1:])
        axes.step(times, values, where="post", color=BELIEVED, linewidth=1.1)
        time_axis(axes, float(whole_s[0]), float(whole_s[-1] + period_s))
        axes.set_ylim(0, most * 1.1 or 1.0)
        axes.locator_params(axis="y", nbins=4)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_ylabel("veh/h")
        axes.grid(axis="y")

    return draw(name, described, WIDTH, HEIGHT, plot)


def _coarser(begin_s: Floats, volume_veh: Floats) -> tuple[Floats, Floats]:
    """Means of neighbouring periods, no more of them than a chart has room for."""
    step = -(-len(begin_s) // STEPS)
    starts = np.arange(0, len(begin_s), step)
    known = np.isfinite(volume_veh)
    seen = np.add.reduceat(np.where(known, volume_veh, 0.0), starts)
    periods = np.add.reduceat(known.astype(int), starts)
    return begin_s[starts], seen / np.where(periods, periods, np.nan)


def daily_profile(name: str, health: Health, profile: pd.DataFrame) -> str:
    """Median flow by time of day, with the middle half of the days as a band."""
    peak = float(profile.index[int(profile["median"].fillna(0.0).argmax())]) / HOUR_S
    described = f"Daily profile of detector {health.detector}: highest at {peak:.1f} h."

    def plot(axes: Axes) -> None:
        hours = profile.index.to_numpy() / HOUR_S
        axes.fill_between(hours, profile["low"], profile["high"], color=BELIEVED, alpha=0.2, linewidth=0, step="post")
        axes.step(hours, profile["median"], where="post", color=BELIEVED, linewidth=1.3)
        axes.set_xlim(0, 24)
        axes.set_xticks(range(0, 25, 4), [f"{hour}:00" for hour in range(0, 25, 4)])
        axes.set_ylim(0, float(np.nanmax(profile["high"].to_numpy(), initial=1.0)) * 1.1)
        axes.locator_params(axis="y", nbins=4)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_ylabel("veh/h")
        axes.grid(axis="y")

    return draw(name, described, WIDTH, HEIGHT, plot)


def profile(begin_s: Floats, period_s: float, volume_veh: Floats) -> pd.DataFrame | None:
    """Flow by time of day: median and quartiles over days, where there are at least two."""
    if begin_s[0] < WALL_CLOCK_FROM_S or begin_s[-1] - begin_s[0] < 2 * DAY_S - period_s:
        return None
    flow = pd.Series(volume_veh * 3600.0 / period_s).groupby(np.round(begin_s % DAY_S, 3))
    return pd.DataFrame({"low": flow.quantile(0.25), "median": flow.median(), "high": flow.quantile(0.75)})


def plot_queue(axes: Axes, cycles: pd.DataFrame) -> None:
    """A stem a cycle; one that did not clear ends in an arrow, as the queue was at least that."""
    for cleared, colour, marker in ((True, BELIEVED, "o"), (False, NOT_CLEARED, "^")):
        some = cycles[cycles["cleared"] == cleared]
        axes.vlines(some["begin_s"], 0, some["queue_veh"], color=colour, linewidth=1.0, alpha=0.7)
        label = "cleared in green" if cleared else "not cleared: at least this"
        axes.plot(
            some["begin_s"], some["queue_veh"], marker, color=colour, markersize=3.2, markeredgewidth=0, label=label
        )
    time_axis(axes, float(cycles["begin_s"].min()), float((cycles["begin_s"] + cycles["cycle_s"]).max()))
    axes.set_ylim(0, max(4.0, float(cycles["queue_veh"].max()) * 1.15))
    axes.locator_params(axis="y", nbins=4, integer=True)
    axes.set_ylabel("queue, veh")
    axes.grid(axis="y")


def plot_saturation(axes: Axes, cycles: pd.DataFrame) -> None:
    """Above the line at one, a lane was given more than its green can serve."""
    begin_s, saturation = cycles["begin_s"].to_numpy(), cycles["degree_of_saturation"].to_numpy()
    axes.axhline(1.0, color=MUTED, linewidth=1.0)
    axes.axhspan(0.95, 1.0, color=GRID, alpha=0.35, linewidth=0)
    axes.plot(begin_s, saturation, color=BELIEVED, linewidth=0.8, alpha=0.5)
    over: Any = np.where(saturation > 0.95, NOT_CLEARED, BELIEVED)
    axes.scatter(begin_s, saturation, s=9, c=over, linewidths=0, zorder=3)
    time_axis(axes, float(begin_s.min()), float((cycles["begin_s"] + cycles["cycle_s"]).max()))
    axes.set_ylim(0, max(1.2, float(np.nanmax(saturation, initial=0.0)) * 1.05))
    axes.locator_params(axis="y", nbins=4)
    axes.set_ylabel("degree of saturation")
    axes.grid(axis="y")


def queue(name: str, label: str, cycles: pd.DataFrame) -> str:
    middle, uncleared = float(cycles["queue_veh"].median()), int((~cycles["cleared"]).sum())
    described = f"Queue per cycle of {label}: median {number(middle, 0)} vehicles, {uncleared} cycles not cleared."
    return draw(name, described, WIDTH, HEIGHT, lambda axes: plot_queue(axes, cycles))


def saturation(name: str, label: str, cycles: pd.DataFrame) -> str:
    middle = float(cycles["degree_of_saturation"].median())
    described = f"Degree of saturation per cycle of {label}: median {number(middle, 2)}."
    return draw(name, described, WIDTH, HEIGHT, lambda axes: plot_saturation(axes, cycles))
