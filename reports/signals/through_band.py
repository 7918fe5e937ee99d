"""The band of green along a corridor whose signals have one cycle: its width, efficiency and attainability.

A vehicle that passes the first stop line within the band and keeps the speed of progression passes all at green.
The speed is the 85th percentile of those who drive between two stop lines. Efficiency is the band's share of the cycle,
attainability its share of the shortest green, of the direction drawn (Signal Timing Manual).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reports.signals.corridor import Corridor, Recorded, bands, traces
from simulation.event_log import GREEN

SAME_S, FEWEST_CYCLES = 1.0, 3
"""Cycles are one whose lengths differ by no more; of so many at least."""
PROGRESSION, DRIVES_M_PER_S = 0.85, 1.0
Span = tuple[float, float]


@dataclass(frozen=True)
class ThroughBand:
    """`begin_s` [K] are when a band begins at each stop line; it comes again every cycle. No width: there is none."""

    cycle_s: float
    width_s: float
    shortest_green_s: float
    begin_s: tuple[float, ...]
    speed_m_per_s: float

    @property
    def efficiency(self) -> float:
        return self.width_s / self.cycle_s

    @property
    def attainability(self) -> float:
        return self.width_s / self.shortest_green_s


def through_band(recorded: Recorded, along: Corridor) -> ThroughBand | None:
    """None where the signals have no common cycle, or nobody drove between two of them."""
    greens = [_greens(bands(recorded, along, k)) for k in range(len(along.junctions))]
    cycle_s, travels_s = _common_cycle(greens), _travels_s(recorded, along)
    if cycle_s is None or travels_s is None:
        return None
    after_s = np.concatenate([[0.0], np.cumsum(travels_s)])
    windows = [_window(own, cycle_s) for own in greens]
    shifted = [(begin - after, length) for (begin, length), after in zip(windows, after_s, strict=True)]
    begin_s, width_s = widest(shifted, cycle_s)
    whole_m = along.line_m(len(along.junctions) - 1) - along.line_m(0)
    return ThroughBand(
        cycle_s,
        width_s,
        min(length for _, length in windows),
        tuple(float(begin_s + after) for after in after_s),
        float(whole_m / after_s[-1]),
    )


def _greens(shown: Sequence[tuple[float, float, int]]) -> list[Span]:
    """Whole greens: those that begin and end within what was kept."""
    return [(begin, end) for begin, end, what in shown[1:-1] if what == GREEN]


def _common_cycle(greens: Sequence[Sequence[Span]]) -> float | None:
    """The one length from green to green at all of them."""
    lengths = [b - a for own in greens for (a, _), (b, _) in pairwise(own)]
    if any(len(own) <= FEWEST_CYCLES for own in greens) or max(lengths) - min(lengths) > SAME_S:
        return None
    return float(np.median(lengths))


def _window(greens: Sequence[Span], cycle_s: float) -> tuple[float, float]:
    """When a green begins, as a time of the first cycle, and how long it is."""
    first = greens[0][0]
    begins = [begin - first - k * cycle_s for k, (begin, _) in enumerate(greens)]
    return first + float(np.median(begins)), float(np.median([end - begin for begin, end in greens]))


def _travels_s(recorded: Recorded, along: Corridor) -> list[float] | None:
    """From each stop line to the next at the speed of progression."""
    places: list[np.ndarray] = [np.empty(0)]
    speeds: list[np.ndarray] = [np.empty(0)]
    for _, time_s, place_m in traces(recorded, along):
        places.append((place_m[1:] + place_m[:-1]) / 2)
        speeds.append(np.diff(place_m) / np.diff(time_s))
    place_m, speed = np.concatenate(places), np.concatenate(speeds)
    found = []
    for low_m, high_m in pairwise(along.line_m(k) for k in range(len(along.junctions))):
        driven = speed[(place_m > low_m) & (place_m < high_m) & (speed > DRIVES_M_PER_S)]
        if not len(driven):
            return None
        found.append((high_m - low_m) / float(np.quantile(driven, PROGRESSION)))
    return found


def widest(windows: Sequence[tuple[float, float]], cycle_s: float) -> tuple[float, float]:
    """(begin, width) of the longest time that lies in all windows (begin, length), which come again every cycle."""

    def left_s(at_s: float, window: tuple[float, float]) -> float:
        since_s = (at_s - window[0]) % cycle_s
        return window[1] - (since_s if since_s < cycle_s - 1e-6 else 0.0)

    widths = [(min(left_s(begin, window) for window in windows), -begin) for begin, _ in windows]
    width_s, begin = max(widths)
    return (-begin, width_s) if width_s > 0 else (windows[0][0], 0.0)
