"""The time-space diagram: along a corridor each vehicle's path, and at each stop line what its signal showed.

Time goes right, the way along the corridor up. A path is thinned to where it bends; beside a stop line it keeps every
look, so that it crosses in the second in which the vehicle did.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

import numpy as np

from reports.signals.corridor import Corridor, Recorded, bands, traces
from reports.signals.through_band import ThroughBand
from reports.svg import GRID, INK, MUTED, VARIABLES
from reports.wording import number
from reports.words import Words
from simulation.event_log import GREEN, RED, YELLOW

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1200.0, 84.0, 8.0, 10.0, 40.0
BEFORE_M, AFTER_M = 220.0, 160.0
UNIT_PER_M, LOWEST, HIGHEST, APART = 0.32, 260.0, 640.0, 17.0
BEND_M = 1.5
TEXT, LONGEST_NAME = 14.0, 9
ALONG, OTHERS, THROUGH = "#1f7fc4", MUTED, "#009270"
SHOWN = {RED: ("#d5402b", 6.0), YELLOW: ("#d9a400", 6.0), GREEN: ("#009270", 3.0)}
"""Colour and height of a band: red is the heavier one, also where colours are not seen."""


def time_space(recorded: Recorded, along: Corridor, title: str, say: Words, through: ThroughBand | None = None) -> str:
    """One SVG; `title` is who controls, `through` the band of green along the corridor."""
    frame = _Frame(recorded, along)
    drawn = list(traces(recorded, along))
    band = frame.through(through) if through else ()
    inner = "".join([*frame.ticks(say), *band, *frame.bands(recorded), *frame.paths(drawn)])
    label = say(
        "time_space.alt", what=title, junctions=say.listed(list(along.junctions)), n=f"{len({v for v, *_ in drawn}):,}"
    )
    size = f'viewBox="0 0 {WIDTH:.0f} {frame.height:.0f}"'
    svg = f'<svg {size} class="time-space" font-size="{TEXT:g}" role="img" aria-label="{escape(label)}">{inner}</svg>'
    for stand_in, variable in VARIABLES.items():
        svg = svg.replace(f'"{stand_in}"', f'"{variable}"')
    return svg


class _Frame:
    """Seconds and metres → units of the drawing."""

    def __init__(self, recorded: Recorded, along: Corridor) -> None:
        self.along = along
        self.lines_m = [along.line_m(k) for k in range(len(along.junctions))]
        self.low_m = max(0.0, self.lines_m[0] - BEFORE_M)
        self.high_m = min(along.end_m, self.lines_m[-1] + AFTER_M)
        times = recorded.paths["time_s"]
        self.begin_s, self.end_s = float(times.min()), float(times.max())
        inner = min(max((self.high_m - self.low_m) * UNIT_PER_M, LOWEST), HIGHEST)
        self.height = TOP + inner + BOTTOM
        self.per_m = inner / (self.high_m - self.low_m)
        self.per_s = (WIDTH - LEFT - RIGHT) / (self.end_s - self.begin_s)

    def x(self, time_s: float) -> float:
        return LEFT + (time_s - self.begin_s) * self.per_s

    def y(self, place_m: float) -> float:
        return TOP + (self.high_m - place_m) * self.per_m

    def ticks(self, say: Words) -> Iterator[str]:
        floor = self.height - BOTTOM
        step_s = 60.0 if self.end_s - self.begin_s <= 960.0 else 300.0
        for k in range(int((self.end_s - self.begin_s) // step_s) + 1):
            x = self.x(self.begin_s + k * step_s)
            yield f'<path stroke="{GRID}" d="M{x:.1f} {TOP:.0f}V{floor:.1f}"/>'
            minutes = f"{k * step_s / 60:g}"
            yield f'<text fill="{INK}" x="{x:.1f}" y="{floor + 16:.1f}" text-anchor="middle">{minutes}</text>'
        axis = escape(say("time_space.minutes"))
        yield f'<text fill="{MUTED}" x="{LEFT:.0f}" y="{self.height - 4:.1f}">{axis}</text>'
        yield from self._names()

    def _names(self) -> Iterator[str]:
        """The junctions' names as far as they are apart, and a scale."""
        last = self.height
        for name, line_m in zip(self.along.junctions, self.lines_m, strict=True):
            y = self.y(line_m)
            if last - y >= APART:
                words, last = cut(name), y
                middle = f'x="{LEFT - 8:.0f}" y="{y + 0.35 * TEXT:.1f}" text-anchor="end"'
                title = f"<title>{escape(name)}</title>"
                yield f'<text fill="{INK}" font-weight="600" {middle}>{escape(words)}{title}</text>'
        scale_m = 100.0 if self.high_m - self.low_m < 2000 else 500.0
        y, up = self.y(self.low_m) - 4.0, scale_m * self.per_m
        if self.lines_m[0] - self.low_m > scale_m:
            yield f'<path stroke="{MUTED}" fill="none" d="M{LEFT - 6:.0f} {y:.1f}h-6v{-up:.1f}h6"/>'
            at = f'x="{LEFT - 16:.0f}" y="{y - up / 2 + 0.35 * TEXT:.1f}" text-anchor="end"'
            yield f'<text fill="{MUTED}" {at}>{number(scale_m, 0)} m</text>'

    def through(self, band: ThroughBand) -> Iterator[str]:
        """The band of green, as often as it fits into what is shown."""
        first = math.ceil((self.begin_s - band.begin_s[0]) / band.cycle_s)
        last = math.floor((self.end_s - band.begin_s[-1] - band.width_s) / band.cycle_s)
        lines = list(zip(band.begin_s, self.lines_m, strict=True))
        for later_s in (k * band.cycle_s for k in range(first, last + 1 if band.width_s > 0 else first)):
            ahead = [(time_s + later_s, line_m) for time_s, line_m in lines]
            behind = [(time_s + band.width_s, line_m) for time_s, line_m in reversed(ahead)]
            points = "L".join(f"{self.x(time_s):.1f} {self.y(line_m):.1f}" for time_s, line_m in (*ahead, *behind))
            yield f'<path class="through" fill="{THROUGH}" fill-opacity="0.32" d="M{points}Z"/>'

    def bands(self, recorded: Recorded) -> Iterator[str]:
        """What each stop line's signal showed, drawn beneath the paths."""
        for k, line_m in enumerate(self.lines_m):
            for shown, (colour, thick) in SHOWN.items():
                spans = [(begin, end) for begin, end, what in bands(recorded, self.along, k) if what == shown]
                drawn = "".join(f"M{self.x(begin):.1f} {self.y(line_m):.1f}H{self.x(end):.1f}" for begin, end in spans)
                if drawn:
                    yield f'<path stroke="{colour}" stroke-width="{thick:g}" d="{drawn}"/>'

    def paths(self, drawn: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> Iterator[str]:
        """Those along at least half of the stop lines above the others."""
        most = {True: list[str](), False: list[str]()}
        for _, time_s, place_m in drawn:
            seen = (place_m >= self.low_m) & (place_m <= self.high_m)
            if seen.sum() > 1:
                passed = sum(place_m[0] <= line_m < place_m[-1] for line_m in self.lines_m)
                most[2 * passed >= len(self.lines_m)].append(self._line(time_s[seen], place_m[seen]))
        for along, colour in ((False, OTHERS), (True, ALONG)):
            if most[along]:
                yield (
                    f'<path class="{"along" if along else "others"}" fill="none" stroke="{colour}" stroke-width="1.3" '
                    f'stroke-opacity="{0.9 if along else 0.55}" d="{"".join(most[along])}"/>'
                )

    def _line(self, time_s: np.ndarray, place_m: np.ndarray) -> str:
        kept = bends(time_s, place_m, self.lines_m)
        points = [f"{self.x(t):.1f} {self.y(m):.1f}" for t, m in zip(time_s[kept], place_m[kept], strict=True)]
        return "M" + "L".join(points)


def cut(name: str) -> str:
    """As the margin has room for it."""
    return f"{name[: LONGEST_NAME - 1]}…" if len(name) > LONGEST_NAME else name


def bends(time_s: np.ndarray, place_m: np.ndarray, lines_m: Sequence[float]) -> np.ndarray:
    """Indices of the points that tell the path within `BEND_M`, and of both looks beside each stop line."""
    keep = {0, len(time_s) - 1}
    for line_m in lines_m:
        crossed = np.flatnonzero((place_m[:-1] <= line_m) & (place_m[1:] > line_m))
        keep |= {*crossed.tolist(), *(crossed + 1).tolist()}
    spans = list(pairwise(sorted(keep)))
    while spans:
        first, last = spans.pop()
        if last - first > 1:
            share = (time_s[first:last] - time_s[first]) / (time_s[last] - time_s[first])
            off_m = np.abs(place_m[first] + share * (place_m[last] - place_m[first]) - place_m[first:last])
            furthest = first + int(off_m.argmax())
            if off_m.max() > BEND_M:
                keep.add(furthest)
                spans += [(first, furthest), (furthest, last)]
    return np.array(sorted(keep))
