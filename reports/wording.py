"""Numbers as text, one way everywhere: a true minus, thousands separated, the interval's ends in order."""

import math
import re
from collections.abc import Iterable

from experiments.statistics import Interval

NONE = "–"
MINUS = "\N{MINUS SIGN}"


def number(value: float, decimals: int = 1) -> str:
    """'1,234.5' with a true minus; never '−0'."""
    if math.isnan(value):
        return NONE
    rounded = round(value, decimals) + 0.0
    return f"{rounded:,.{decimals}f}".replace("-", MINUS)


def signed(value: float, decimals: int = 1) -> str:
    text = number(value, decimals)
    return f"+{text}" if not math.isnan(value) and round(value, decimals) > 0 else text


def bounded(of: Interval) -> bool:
    """Whether there were draws enough for an interval."""
    return not (math.isnan(of.low) or math.isnan(of.high))


def bounds(of: Interval, decimals: int = 1) -> str:
    """'[−26.0, −21.8]', '' where there is none."""
    return f"[{signed(of.low, decimals)}, {signed(of.high, decimals)}]" if bounded(of) else ""


def interval(of: Interval, decimals: int = 1) -> str:
    """The same, or that there is none."""
    return bounds(of, decimals) or "no interval"


def per_cent_change(ratio: Interval) -> Interval:
    """0.45 → −55 %."""
    return Interval(*((bound - 1.0) * 100.0 for bound in (ratio.estimate, ratio.low, ratio.high)))


def demand(multiple: float) -> str:
    return f"×{multiple:g}"


def listed(names: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def count(number_of: int, noun: str) -> str:
    return f"{number_of:,} {noun}" if number_of == 1 else f"{number_of:,} {noun}s"


def ranges(numbers: Iterable[int]) -> str:
    """'0–4, 7'."""
    found = sorted(set(numbers))
    starts = [each for each in found if each - 1 not in found]
    ends = [each for each in found if each + 1 not in found]
    return ", ".join(f"{start}" if start == end else f"{start}–{end}" for start, end in zip(starts, ends, strict=True))


def unbroken(text: str) -> str:
    """A number and its unit stay in one line."""
    return re.sub(r"(?<=\d) (?=(?:%|s\b))", "\N{NO-BREAK SPACE}", text)
