"""A phase's cycles from its events: green, yellow change, red clearance, and how the green ended.

A cycle is from one begin of green to the next. The piece of time before the first begin is a cycle too, whose green
came before: what its first event is says what the phase showed until then.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from formats.event_log import Whole

BEGIN_GREEN, GREEN_TERMINATION, BEGIN_YELLOW, END_YELLOW, BEGIN_RED_CLEARANCE, END_RED_CLEARANCE, INACTIVE = (
    1, 7, 8, 9, 10, 11, 12,
)  # fmt: skip
GAP_OUT, MAX_OUT, FORCE_OFF, SKIPPED = 4, 5, 6, 14
TERMINATIONS = {GAP_OUT: "gap-out", MAX_OUT: "max-out", FORCE_OFF: "force-off"}
PHASE_CODES = (
    BEGIN_GREEN, *TERMINATIONS, GREEN_TERMINATION, BEGIN_YELLOW, END_YELLOW, BEGIN_RED_CLEARANCE, END_RED_CLEARANCE,
    INACTIVE, SKIPPED,
)  # fmt: skip
TERMINATION_MS = 500
NEVER = np.int64(2**62)


@dataclass(frozen=True)
class PhaseCycles:
    """Times [K] in milliseconds, `NEVER` where an event did not come before the next green; `ended_by` is a code or 0.

    `said_yellow` and `said_red`: the change was logged as such, not told from what came after it.
    The first is what was before the first begin of green in the piece, and never a whole cycle.
    """

    begin_ms: Whole
    green_end_ms: Whole
    red_ms: Whole
    clear_ms: Whole
    next_ms: Whole
    ended_by: Whole
    said_yellow: np.ndarray
    said_red: np.ndarray

    def state(self, at_ms: Whole) -> Whole:
        """0 green, 1 yellow, 2 red at each time."""
        place = np.searchsorted(self.begin_ms, at_ms, "right") - 1
        return (at_ms >= self.green_end_ms[place]).astype(np.int64) + (at_ms >= self.red_ms[place])


def phase_cycles(times: Callable[[int], Whole], start_ms: int) -> PhaseCycles:
    """From one phase's events, by code and in order, known from `start_ms` on."""
    greens = times(BEGIN_GREEN)
    begin = np.append(min(start_ms, *greens[:1].tolist()) if len(greens) else start_ms, greens)
    following = np.append(begin[1:], NEVER)

    def first(*codes: int) -> Whole:
        found = np.full(len(begin), NEVER)
        for code in codes:
            came = np.append(times(code), NEVER)
            found = np.minimum(found, came[np.searchsorted(came, begin, "left")])
        return np.where(found < following, found, NEVER)

    yellow = first(BEGIN_YELLOW)
    red = first(BEGIN_RED_CLEARANCE)
    red = np.where(red < NEVER, red, first(END_YELLOW))
    said_red = red < NEVER
    red = np.where(said_red, red, first(END_RED_CLEARANCE, INACTIVE))
    green_end = np.where(yellow < NEVER, yellow, np.minimum(first(GREEN_TERMINATION), red))
    clear = first(END_RED_CLEARANCE)
    clear = np.where(clear < NEVER, clear, first(INACTIVE))
    ended_by = np.zeros(len(begin), np.int64)
    for reason in reversed(TERMINATIONS):
        came = first(reason)
        ended_by[came <= np.minimum(green_end, NEVER - TERMINATION_MS) + TERMINATION_MS] = reason
    ended_by[green_end == NEVER] = 0
    if first(GREEN_TERMINATION, BEGIN_YELLOW)[0] == NEVER:  # no sign of a green before the first
        green_end[0] = begin[0]
        red[0] = first(END_YELLOW, BEGIN_RED_CLEARANCE)[0]
        red[0] = red[0] if red[0] < NEVER else begin[0]
    elif red[0] == NEVER and len(begin) > 1:
        red[0] = green_end[0]
    return PhaseCycles(begin, green_end, red, clear, following, ended_by, yellow < NEVER, said_red)
