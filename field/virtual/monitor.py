"""The malfunction management unit: watches the lamps, not the controller unit, and latches flash.

NEMA TS 2-2003 ch. 4 (conflict: two conflicting channels with green, yellow or walk for more than 450 ms;
minimum yellow change: a green must not be followed by less than 2.7 s of yellow; minimum yellow and red: no conflicting
green within 3.5 s of the end of another). Where the tables have shorter times, those are the bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from field.virtual.intervals import tenths
from field.virtual.tables import OverlapTable, PhaseTable, Tables
from signals.intersection import Aspect

CONFLICT_S, LEAST_YELLOW_S, LEAST_CLEARANCE_S = 0.4, 2.7, 3.5
LIT = frozenset({Aspect.GREEN, Aspect.PERMISSIVE, Aspect.YELLOW})
PASSING = frozenset({Aspect.GREEN, Aspect.PERMISSIVE})


class Monitor:
    """Remembers since when each pair conflicts and each head is yellow. `fault` says what tripped it, until a reset."""

    def __init__(self, tables: Tables) -> None:
        self.fault = ""
        self._never = [tuple(pair) for pair in tables.conflicts if len(pair) == 2]
        self._yielding = tables.yielding
        timed: list[PhaseTable | OverlapTable] = [*tables.phases.values(), *tables.overlaps]
        yellows = {g: row.yellow_change_s for row in timed for g in _groups(tables, row.number)}
        self._least = {g: tenths(min(LEAST_YELLOW_S, s)) for g, s in yellows.items() if s > 0}
        self._since: dict[tuple[str, ...], int] = {}
        self._before: Mapping[str, Aspect] = {}
        self._yellow_since: dict[str, int] = {}
        self._clear = {
            g: tenths(min(LEAST_CLEARANCE_S, row.clearance_s)) for row in timed for g in _groups(tables, row.number)
        }
        self._ended: dict[str, int] = {}

    def reset(self) -> None:
        """The button on its front: forget the fault and what was seen."""
        self.fault, self._before = "", {}
        self._since.clear()
        self._yellow_since.clear()
        self._ended.clear()

    def tick(self, now: int, lamps: Mapping[str, Aspect]) -> bool:
        """Whether it trips now; a fault that is latched trips once."""
        if self.fault or (lamps is self._before and not self._since):
            return False
        self.fault = self._conflict(now, lamps) or self._short_yellow(now, lamps) or self._short_clearance(now, lamps)
        self._before = lamps
        return bool(self.fault)

    def _conflict(self, now: int, lamps: Mapping[str, Aspect]) -> str:
        for pair in self._never:
            shown = [lamps[group] for group in pair]
            if not (shown[0] in LIT and shown[1] in LIT) or self._may_yield(pair, shown):
                self._since.pop(pair, None)
            elif now - self._since.setdefault(pair, now) >= tenths(CONFLICT_S):
                return f"conflict: signal groups {pair[0]} and {pair[1]}"
        return ""

    def _may_yield(self, pair: tuple[str, ...], shown: list[Aspect]) -> bool:
        return frozenset(pair) in self._yielding and shown.count(Aspect.GREEN) < 2

    def _short_yellow(self, now: int, lamps: Mapping[str, Aspect]) -> str:
        for group, least in self._least.items():
            before, shown = self._before.get(group), lamps[group]
            if before in PASSING and shown is Aspect.RED:
                return f"short yellow: signal group {group}"
            if shown is Aspect.YELLOW:
                self._yellow_since.setdefault(group, now)
            elif before is Aspect.YELLOW and now - self._yellow_since.pop(group, now) < least:
                return f"short yellow: signal group {group}"
        return ""

    def _short_clearance(self, now: int, lamps: Mapping[str, Aspect]) -> str:
        begun = {g for g, shown in lamps.items() if shown in PASSING and self._before.get(g, shown) not in PASSING}
        for group, before in self._before.items():
            if before in PASSING and lamps[group] not in PASSING:
                self._ended[group] = now
        for pair in self._never if begun else ():
            for group, foe in (pair, pair[::-1]):
                cleared = now - self._ended.get(foe, -1000) >= self._clear.get(foe, 0)
                if group in begun and not cleared and frozenset(pair) not in self._yielding:
                    return f"short clearance: signal group {group} after {foe}"
        return ""


def _groups(tables: Tables, number: int) -> Iterable[str]:
    return (group for group, phase in tables.group_of.items() if phase == number)
