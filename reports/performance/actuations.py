"""When a detector was covered, from its on and off events; lost ones are put back and counted.

Where two ons follow each other the off between them is put at the second, or, where they are more than two seconds
apart, halfway; where two offs do, the on is put halfway. That is what the `atspm` package does, so that occupancies
agree. A detector whose first event is an off was covered before it, one whose last is an on stays so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from formats.event_log import Whole

ON, OFF = 82, 81  # Indiana enumerations, August 2020
AT_ONCE_MS = 2000


@dataclass(frozen=True)
class Actuations:
    """Spans [N] in order that do not overlap, in milliseconds."""

    begin_ms: Whole
    end_ms: Whole

    def covered_ms(self, at_ms: Whole) -> Whole:
        """How long in all before each time."""
        total = np.append(0, np.cumsum(self.end_ms - self.begin_ms))
        place = np.searchsorted(self.begin_ms, at_ms, "right")
        running = np.maximum(self.end_ms[place - 1] - at_ms, 0) if len(self.end_ms) else np.zeros_like(at_ms)
        return total[place] - np.where(place > 0, running, 0)

    def between_ms(self, begin_ms: Whole, end_ms: Whole) -> Whole:
        return self.covered_ms(end_ms) - self.covered_ms(begin_ms)


@dataclass(frozen=True)
class Detector:
    """One channel's ons as they were received, when it was covered, and when an edge was lost."""

    on_ms: Whole
    covered: Actuations
    lost_on_ms: Whole
    lost_off_ms: Whole


def detector(on_ms: Whole, off_ms: Whole, start_ms: int, end_ms: int) -> Detector:
    """From one channel's events, each in order, known from `start_ms` to `end_ms`; of two at once the off first."""
    marked = np.sort(np.concatenate([on_ms * 2 + 1, off_ms * 2]))
    time_ms, is_on = marked >> 1, (marked & 1).astype(bool)
    before, after = np.append(True, is_on[:-1]), np.append(is_on[1:], False)
    lost_off, lost_on = is_on & after, ~is_on & ~before
    lost_off[-1:] = False
    following = np.append(time_ms[1:], max(end_ms, int(time_ms[-1])))
    gap_ms = following - time_ms
    ends = np.where(lost_off & (gap_ms > AT_ONCE_MS), time_ms + gap_ms // 2, following)
    earlier = np.append(start_ms, time_ms[:-1])
    begins = [time_ms[is_on], (time_ms - (time_ms - earlier) // 2)[lost_on]]
    finishes = [ends[is_on], time_ms[lost_on]]
    if not is_on[0]:
        begins.append(np.array([min(start_ms, int(time_ms[0]))]))
        finishes.append(time_ms[:1])
    begin, finish = np.concatenate(begins), np.concatenate(finishes)
    order = np.argsort(begin, kind="stable")
    return Detector(on_ms, Actuations(begin[order], finish[order]), time_ms[lost_on], time_ms[lost_off])


def either(parts: Sequence[Actuations]) -> Actuations:
    """When at least one of some detectors was covered."""
    if len(parts) == 1:
        return parts[0]
    begin, end = (np.concatenate([getattr(part, name) for part in parts]) for name in ("begin_ms", "end_ms"))
    order = np.argsort(begin, kind="stable")
    begin, latest = begin[order], np.maximum.accumulate(end[order])
    first = np.append(True, begin[1:] > latest[:-1])
    return Actuations(begin[first], latest[np.append(first[1:], True)])
