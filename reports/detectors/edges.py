"""On and off events of one detector → actuations, with every lost edge put back and counted."""

from dataclasses import dataclass

import numpy as np

from signals.values import Floats

ON, OFF = 82, 81  # Indiana enumerations, August 2020
TYPICAL_S, BREAK_S = 0.5, 0.1
FAST_S, FAST_IN_A_ROW = 0.65, 4  # two axles of one lorry come in one actuation; no four vehicles pass in two seconds


@dataclass(frozen=True)
class Edges:
    """`begin_s` and `end_s` of each actuation in order; `measured` where its on event was received, `counted` where it
    was or was put back: who stood there when the log began is nobody's."""

    begin_s: Floats
    end_s: Floats
    measured: np.ndarray
    counted: np.ndarray
    lost_ons: int
    lost_offs: int
    events: int

    @property
    def lost_share(self) -> float:
        return (self.lost_ons + self.lost_offs) / max(self.events, 1)

    def volume(self, at_s: Floats) -> Floats:
        """Vehicles between neighbouring times, measured and put back."""
        return np.histogram(self.begin_s[self.counted], at_s)[0].astype(float)

    def measured_volume(self, at_s: Floats) -> Floats:
        return np.histogram(self.begin_s[self.measured], at_s)[0].astype(float)

    def covered_s(self, at_s: Floats) -> Floats:
        """Seconds covered from the beginning to each time."""
        times = np.column_stack([self.begin_s, self.end_s]).ravel()
        covered = np.column_stack([np.zeros(len(self.begin_s)), np.cumsum(self.end_s - self.begin_s)])
        covered[1:, 0] = covered[:-1, 1]
        return np.interp(at_s, times, covered.ravel(), left=0.0) if len(times) else np.zeros(len(at_s))

    def chatter_s(self) -> Floats:
        """When actuations came faster than vehicles can, several in a row."""
        if len(self.begin_s) < FAST_IN_A_ROW:
            return self.begin_s[:0]
        fast = np.diff(self.begin_s) < FAST_S
        runs = np.convolve(fast, np.ones(FAST_IN_A_ROW - 1), "valid") == FAST_IN_A_ROW - 1
        return self.begin_s[: len(runs)][runs]


def repair(time_s: Floats, codes: np.ndarray, start_s: float, end_s: float) -> Edges:
    """Two ons in a row lack an off, two offs an on; each is put where this detector's median actuation has it.

    A detector that is on when the log begins or ends is taken as covered up to there.
    """
    on, follows = codes == ON, np.append(np.diff(time_s), np.inf)
    next_on = np.append(on[1:], False)
    paired = on & ~next_on & (np.arange(len(on)) < len(on) - 1)
    typical_s = float(np.median(follows[paired])) if paired.any() else TYPICAL_S
    lost_off = on & next_on
    ends = np.where(lost_off, time_s + np.minimum(typical_s, np.maximum(follows - BREAK_S, 0.0)), time_s + follows)
    before_on = np.append(True, on[:-1])
    lost_on = ~on & ~before_on
    earlier_s = np.append(start_s, time_s[:-1])
    began_covered = ~on[:1]
    begins = [time_s[on], np.maximum(time_s - typical_s, earlier_s)[lost_on], np.full(began_covered.sum(), start_s)]
    finishes = [np.minimum(ends[on], max(end_s, time_s[-1])), time_s[lost_on], time_s[:1][began_covered]]
    sizes = [len(part) for part in begins]
    measured, counted = np.repeat([True, False, False], sizes), np.repeat([True, True, False], sizes)
    begin, finish = np.concatenate(begins), np.concatenate(finishes)
    order = np.argsort(begin, kind="stable")
    return Edges(
        begin[order], finish[order], measured[order], counted[order], int(lost_on.sum()), int(lost_off.sum()), len(on)
    )
