"""Colours of a map: classes of a measure's values, and of its differences about none; told apart without colour vision.

The ramp goes from blue over sand to red. Differences are blue on one side of none and red on the other, and darker the
larger they are.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reports.measures import LOS_LIMITS_S
from reports.wording import number, signed

RAMP = ("#2166ac", "#67a9cf", "#b8a14a", "#ef8a3c", "#d6452b", "#8e0b26")
CHANGES = ("#2166ac", "#67a9cf", "#777d86", "#ef8a3c", "#b2182b")
EVEN = 2
"""The class of what hardly changed."""
HIGH = 0.95
"""The share of values up to which the ramp reaches."""
STRONG, STEPS, SMALL = 5, 10, 0.02
"""A strong change is so many times the least that has a colour; that is a part of the great changes, and of values."""
Legend = list[tuple[str, str]]


@dataclass(frozen=True)
class Look:
    """How a measure is shown: decimals, its classes' upper bounds and the least difference where they are agreed."""

    decimals: int
    bounds: tuple[float, ...] = ()
    least_change: float = 0.0
    more_is_worse: bool = True


LOOKS = {
    "delay": Look(0, tuple(limit_s for _, limit_s in LOS_LIMITS_S), 2.0),
    "flow": Look(0),
    "density": Look(0),
    "speed": Look(0, more_is_worse=False),
    "queue": Look(1),
    "storage": Look(0, (25.0, 50.0, 75.0, 90.0, 100.0), 5.0),
    "stops": Look(2),
    "saturation": Look(2, (0.5, 0.7, 0.85, 0.95, 1.0), 0.02),
    "co2": Look(0),
}
"""By measure. v/c as FHWA-HRT-04-091 judges it: over 0.85 near capacity, over 0.95 at it, over 1 beyond."""


@dataclass(frozen=True)
class Scale:
    """Values up to `bounds[k]` have `colours[k]`, greater ones the last; a change has `changes` likewise."""

    decimals: int
    bounds: tuple[float, ...]
    colours: tuple[str, ...]
    change_bounds: tuple[float, ...]
    changes: tuple[str, ...]

    def colour(self, value: float) -> str:
        return self.colours[bisect_left(self.bounds, value)]

    def change_colour(self, change: float) -> str:
        return self.changes[bisect_left(self.change_bounds, change)]

    def is_even(self, change: float) -> bool:
        return self.change_colour(change) == CHANGES[EVEN]

    def legend(self) -> Legend:
        """Colour and meaning of each class."""
        texts = [_trimmed(bound) for bound in self.bounds]
        steps = [f"{low}–{high}" for low, high in zip(["0", *texts[:-1]], texts, strict=True)]
        return list(zip(self.colours, [*steps, f"> {texts[-1]}"], strict=True))

    def change_legend(self) -> Legend:
        least, large = _trimmed(self.change_bounds[2]), _trimmed(self.change_bounds[3])
        less, more = f"{signed(-1, 0)[0]}{least}", f"+{least}"
        bounds = [f"< {less[0]}{large}", f"{less[0]}{large} … {less}", f"±{least}", f"{more} … +{large}", f"> +{large}"]
        return list(zip(self.changes, bounds, strict=True))


def scale(measure: str, values: Sequence[float], changes: Sequence[float]) -> Scale:
    """One for all maps of a place, so that they can be compared."""
    look = LOOKS[measure]
    bounds = look.bounds or tuple(k * _round_step(_high(values) / 5) for k in range(1, 6))
    least = look.least_change or _round_step(
        max(_high(abs(change) for change in changes) / STEPS, SMALL * _high(values))
    )
    ramp, shades = (RAMP, CHANGES) if look.more_is_worse else (RAMP[::-1], CHANGES[::-1])
    change_bounds = (-STRONG * least, -least, least, STRONG * least)
    return Scale(look.decimals, bounds, ramp, change_bounds, shades)


def _high(values: Iterable[float]) -> float:
    found = [value for value in values if not math.isnan(value)]
    return float(np.quantile(found, HIGH)) if found else 1.0


def _round_step(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, …"""
    if not step > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= step * 0.999)


def _trimmed(value: float) -> str:
    """Without noughts that say nothing."""
    text = number(value, 3)
    return text.rstrip("0").rstrip(".")
