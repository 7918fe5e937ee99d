"""Judges a unit by its event log alone: no code is shared with it, nor with the interlock.

It knows the intersection as it is built and the Indiana enumerations (August 2020), and keeps its own timers:

1. only phases that some stage gives right of way to may be green;
2. never two whose paths conflict, but where one of them yields in a stage that shows both;
3. no green shorter than the minimum green;
4. no call waits longer than a bound, while nobody holds the unit (preemption, flash, manual control, stop time);
5. no yellow change and no red clearance shorter than the phase's, and no green of a foe before both are over;
6. no walk and no pedestrian clearance cut;
11. no phase goes from one interval to another in a way that would show two aspects, or jump over one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from signals.intersection import Intersection, Stage

TOLERANCE_S = 0.051
"""Half a tick of the log."""
LONGEST_WAIT_S = 600.0
GREEN, TERMINATED, YELLOW, YELLOW_END, CLEARING, CLEARED, INACTIVE = 1, 7, 8, 9, 10, 11, 12
WALK, WALK_END, DONT_WALK = 21, 22, 23
ARROW, ARROW_END = 32, 33
CALLED, DROPPED, PEDESTRIAN_CALLED = 43, 44, 45
FLASH, NOT_FLASH = 173, 2
PREEMPT, PREEMPT_EXIT, MANUAL, STOP_TIME = 102, 111, 178, 180
HOLDING = {PREEMPT: True, PREEMPT_EXIT: False}
"""Whether it begins; of manual control and stop time the parameter tells."""
BEFORE: dict[int, tuple[int, ...]] = {
    GREEN: (0,),
    TERMINATED: (GREEN, WALK),
    YELLOW: (TERMINATED,),
    YELLOW_END: (YELLOW, TERMINATED),
    CLEARING: (YELLOW_END, TERMINATED),
    CLEARED: (CLEARING,),
    WALK: (GREEN,),
    WALK_END: (TERMINATED,),
    DONT_WALK: (WALK_END, TERMINATED),
}
"""What may stand before each interval of a phase; 0 is red."""


@dataclass(frozen=True)
class Breach:
    """One broken rule."""

    time_s: float
    rule: int
    what: str


@dataclass
class Head:
    """What the log has said of one phase, or of one permissive display."""

    minimum_s: float
    yellow_s: float
    red_s: float
    walks: bool = False
    standing: int = 0
    since_s: float = float("-inf")
    began_s: float = float("-inf")
    ended_s: float = float("-inf")
    """When its last green began and ended; while it is green the end is before the beginning."""
    shown: bool = False

    @property
    def clear_s(self) -> float:
        """From the end of green until a foe may be green."""
        return self.yellow_s + self.red_s


class Checker:
    """Takes events in the order of the log; `breaches` holds what it found."""

    def __init__(self, intersection: Intersection, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self.breaches: list[Breach] = []
        self.greens = 0
        self._name, self._longest_wait_s = intersection.id, longest_wait_s
        self._kinds = {g.id: g.kind for g in intersection.signal_groups}
        self._phases, self._arrows = {}, {}
        for p in intersection.phases:
            walks = all(self._kinds[g] == "pedestrian" for g in p.signal_groups)
            times = (p.minimum_green_s, p.yellow_change_s, p.red_clearance_s, walks)
            self._phases[p.number], self._arrows[p.number] = Head(*times), Head(*times)
        self._served = {n for stage in intersection.stages for n in protected(intersection, stage)}
        self._foes = foes(intersection)
        self._called: set[int] = set()
        self._waiting: dict[int, float] = {}
        self._held: set[int] = set()

    def update(self, time_s: float, code: int, parameter: int) -> None:
        """Take one event."""
        if code == FLASH:
            self._restart(time_s)
        elif code in HOLDING or code in (MANUAL, STOP_TIME):
            self._hold(time_s, code, HOLDING.get(code, bool(parameter)))
        elif code in (ARROW, ARROW_END):
            self._arrow(time_s, code, parameter)
        elif code in BEFORE or code == INACTIVE:
            self._interval(time_s, code, parameter)
        elif code in (CALLED, DROPPED, PEDESTRIAN_CALLED):
            self._call(time_s, code, parameter)
        self._check_waits(time_s)

    def _breach(self, time_s: float, rule: int, what: str) -> None:
        self.breaches.append(Breach(time_s, rule, f"junction {self._name}: {what}"))

    def _restart(self, time_s: float) -> None:
        for head in (*self._phases.values(), *self._arrows.values()):
            if head.shown:
                head.ended_s = time_s
            head.standing, head.shown = 0, False
        self._held.discard(PREEMPT)
        self._wait_anew(time_s)

    def _wait_anew(self, time_s: float) -> None:
        self._waiting = {n: time_s for n in self._called if not self._phases[n].shown}

    def _hold(self, time_s: float, code: int, begins: bool) -> None:
        what = PREEMPT if code in HOLDING else code
        (self._held.add if begins else self._held.discard)(what)
        self._wait_anew(time_s)

    def _interval(self, time_s: float, code: int, n: int) -> None:
        head = self._phases.get(n)
        if head is None:
            self._breach(time_s, 1, f"event {code} of phase {n}, which there is not")
            return
        if code == INACTIVE:
            self._inactive(time_s, n, head)
            return
        if head.standing not in BEFORE[code]:
            self._breach(time_s, 11, f"phase {n}: event {code} after {head.standing}")
        self._check_length(time_s, code, n, head)
        head.standing, head.since_s = code, time_s
        if code == GREEN:
            self._check_green(time_s, n, self._phases)
            head.shown, head.began_s = True, time_s
        elif code == TERMINATED:
            head.shown, head.ended_s = False, time_s
            if n in self._called:
                self._waiting[n] = time_s

    def _inactive(self, time_s: float, n: int, head: Head) -> None:
        if head.standing not in (0, CLEARED, YELLOW_END, DONT_WALK):
            self._breach(time_s, 11, f"phase {n}: inactive after event {head.standing}")
        head.standing = 0

    def _check_length(self, time_s: float, code: int, n: int, head: Head) -> None:
        since_s = time_s - head.since_s
        green_s = time_s - head.began_s
        if code == TERMINATED and green_s < head.minimum_s - TOLERANCE_S:
            self._breach(time_s, 6 if head.walks else 3, f"phase {n}: {green_s:.1f} s of green")
        elif code == YELLOW_END and since_s < head.yellow_s - TOLERANCE_S:
            self._breach(time_s, 5, f"phase {n}: {since_s:.1f} s of yellow")
        elif code == CLEARED and since_s < head.red_s - TOLERANCE_S:
            self._breach(time_s, 5, f"phase {n}: {since_s:.1f} s of red clearance")
        elif code == DONT_WALK and since_s < head.clear_s - TOLERANCE_S:
            self._breach(time_s, 6, f"phase {n}: {since_s:.1f} s of pedestrian clearance")

    def _check_green(self, time_s: float, n: int, among: dict[int, Head]) -> None:
        """At the beginning of green, or of a permissive display, every foe must be red and cleared."""
        self.greens += 1
        yields = among is self._arrows
        if not yields:
            self._waiting.pop(n, None)
            if self._phases[n].walks:
                self._called.discard(n)
            if n not in self._served:
                self._breach(time_s, 1, f"phase {n} is green, which no stage gives right of way")
        for foe_yields, heads in ((False, self._phases), (True, self._arrows)):
            for m, head in heads.items():
                if (m == n and foe_yields == yields) or not self._foes.get((n, yields, m, foe_yields), False):
                    continue
                if head.shown:
                    self._breach(time_s, 2, f"phase {n} green with {m}")
                elif time_s - head.ended_s < head.clear_s - TOLERANCE_S:
                    gone_s = time_s - head.ended_s
                    self._breach(time_s, 5, f"phase {n} green {gone_s:.1f} s after {m}, must be {head.clear_s:g}")

    def _arrow(self, time_s: float, code: int, n: int) -> None:
        head = self._arrows.get(n)
        if head is None:
            self._breach(time_s, 1, f"event {code} of phase {n}, which there is not")
        elif code == ARROW:
            self._check_green(time_s, n, self._arrows)
            head.shown, head.began_s = True, time_s
        else:
            if not head.shown:
                self._breach(time_s, 11, f"phase {n}: its permissive display ends and had not begun")
            head.shown, head.ended_s = False, time_s

    def _call(self, time_s: float, code: int, n: int) -> None:
        if n not in self._phases:
            return
        if code == DROPPED:
            self._called.discard(n)
            self._waiting.pop(n, None)
        else:
            self._called.add(n)
            if not self._phases[n].shown:
                self._waiting.setdefault(n, time_s)

    def _check_waits(self, time_s: float) -> None:
        if self._held:
            return
        for n, since_s in self._waiting.items():
            if time_s - since_s > self._longest_wait_s:
                self._breach(time_s, 4, f"phase {n} called and not green for {time_s - since_s:.0f} s")
                self._waiting[n] = time_s
                return


def check(intersection: Intersection, events: Iterable[tuple[float, int, int]]) -> list[Breach]:
    """All breaches of a log."""
    checker = Checker(intersection)
    for time_s, code, parameter in events:
        checker.update(time_s, code, parameter)
    return checker.breaches


def protected(intersection: Intersection, stage: Stage) -> set[int]:
    """The phases that do not merely yield in a stage; where all do, all of them."""
    firm = {
        p.number
        for p in intersection.phases
        if p.number in stage.phases and not set(p.signal_groups) <= set(stage.permissive)
    }
    return firm or set(stage.phases)


def foes(intersection: Intersection) -> dict[tuple[int, bool, int, bool], bool]:
    """(phase, yielding, phase, yielding) → whether they must not be green together: they cross and no stage has it so.

    A phase and its own permissive display are the same heads, which may go from the one to the other.
    """
    found = {}
    groups = {p.number: set(p.signal_groups) for p in intersection.phases}
    cross = {frozenset((c.first, c.second)) for c in intersection.conflicts}
    for a, first in groups.items():
        for b, second in groups.items():
            crossing = a != b and any(frozenset((x, y)) in cross for x in first for y in second)
            for yields in (False, True):
                for foe_yields in (False, True):
                    there = any(
                        a in s.phases
                        and b in s.phases
                        and (a in protected(intersection, s)) != yields
                        and (b in protected(intersection, s)) != foe_yields
                        for s in intersection.stages
                    )
                    found[a, yields, b, foe_yields] = crossing and not there
    return found
