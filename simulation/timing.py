"""The times of one signal's heads and stages, each with the clause that says where it comes from.

A time is the least that the plan gives, so that the plan itself keeps what we hold it to; what no plan shows is by the
ITE formula for yellow, and by walking speed for crossings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from simulation.heads import Heads
from simulation.programs import NEMA, Program, Row
from simulation.sheets import (
    clearances_within_s,
    crossing_clearances_s,
    merged,
    red_clearances_s,
    seen_s,
    shortest_green_s,
    yellow_changes_s,
    yellows_within_s,
)
from simulation.stages import Stages

WALK_S = 7.0
WALKING_SPEED_M_PER_S = 1.07
"""Walk interval and walking speed (3.5 ft/s) of MUTCD 2009, 4E.06."""


class Known(NamedTuple):
    """A time and where it comes from."""

    time_s: float
    source: str


class PhaseTimes(NamedTuple):
    """Of one signal group."""

    minimum_green: Known
    yellow_change: Known
    red_clearance: Known


NOBODY = Known(0.0, "no lane and no crossing has this head")


class Timing:
    """Reads times from the programs that run."""

    def __init__(self, programs: Sequence[Program], heads: Heads, stages: Stages) -> None:
        self._heads, self._stages = heads, stages
        self._rings = [p for p in programs if p.kind == NEMA]
        self._tables = [merged(p.rows) for p in programs if p.kind != NEMA and not p.following]
        self._branching = [p for p in programs if p.following]
        self._least_clearance = self._least_of_the_plan()

    def of_group(self, k: int) -> PhaseTimes:
        """Minimum green, yellow change, red clearance."""
        first = self._heads.groups[k][0]
        if first not in self._heads.crossings:
            return self._vehicle(k) if first in self._heads.connections else PhaseTimes(NOBODY, NOBODY, NOBODY)
        on_foot = self._pedestrian(first)
        if self._heads.kind_of(first) == "pedestrian":
            return on_foot
        return PhaseTimes(*map(_longer, on_foot, self._vehicle(k)))

    def of_stage(self, state: str) -> Known:
        """Long enough for those who walk in it, as far as the plan's own green is."""
        minimum = Known(*self._stages.minimum_green_s[state])
        walks = [self._pedestrian(link).minimum_green for link in self._heads.crossings if state[link] in "Gg"]
        wanted = max([minimum, *walks], key=lambda known: known.time_s)
        planned_s = seen_s(self._stages.planned_s[state])
        return wanted if wanted.time_s <= planned_s else Known(planned_s, "plan: the shortest green of its rows")

    def _vehicle(self, k: int) -> PhaseTimes:
        links = self._heads.groups[k]
        greens = [self._stages.minimum_green_s[s] for s in self._stages.states if s[links[0]] in "Gg"]
        minimum = Known(*min(greens, key=lambda g: g[0])) if greens else Known(0.0, "no stage has it green")
        yellow = _least(((y, n) for link in links for y, n in self._yellows(link) if y > 0), "yellow")
        red = _least((c for link in links for c in self._clearances(link, set(links))), "red")
        return PhaseTimes(minimum, yellow or self._ite(links), red or self._least_clearance)

    def _ite(self, links: Iterable[int]) -> Known:
        fastest = max(float(lane.getSpeed()) for link in links for lane, _ in self._heads.connections[link])
        return Known(ite_yellow_s(fastest), f"ITE formula, {fastest:.1f} m/s: the plan has no yellow")

    def _yellows(self, link: int) -> list[tuple[float, int]]:
        found = [y for rows in self._tables for y in yellow_changes_s(rows, link)]
        found += [(r.yellow_s, r.number) for r in self._phases(link) if r.yellow_s is not None]
        for number, rows in self._ways():
            found += [(y, number) for y in yellows_within_s(rows, link)]
        return found

    def _clearances(self, link: int, own: set[int]) -> list[tuple[float, int]]:
        foes = self._heads.foes[link] - own
        found = [c for rows in self._tables for c in red_clearances_s(rows, link, foes)]
        found += [(r.red_s, r.number) for r in self._phases(link) if r.red_s is not None]
        for number, rows in self._ways():
            cleared = (c for foe in foes for c in clearances_within_s(rows, link, foe))
            yellow_s = max(yellows_within_s(rows, link), default=0.0)
            found += [(c - yellow_s, number) for c in cleared if c > yellow_s]
        return found

    def _phases(self, link: int) -> list[Row]:
        return [row for program in self._rings for row in program.rows if link in row.greens]

    def _ways(self) -> list[tuple[int, list[Row]]]:
        """Of programs that branch: the row that each passage begins with, and all its rows."""
        if not self._branching:
            return []
        return [(p.green.number, [p.green, *p.between, Row(p.end, 0.0)]) for p in self._stages.passages]

    def _least_of_the_plan(self) -> Known:
        """The least red clearance that the plan shows anywhere, for heads that it never clears itself."""
        found = [c for k in self._heads.connections for c in self._clearances(k, set())]
        shown = _least(found, "red")
        return Known(shown.time_s, f"{shown.source}, the least of all") if shown else Known(0.0, "the plan has none")

    def _pedestrian(self, link: int) -> PhaseTimes:
        """Walk and clearance as the plan has them, or the whole width at a walking pace where it has more."""
        width_m = max(float(crossing.getLength()) for crossing in self._heads.crossings[link])
        across_s = float(math.ceil(width_m / WALKING_SPEED_M_PER_S))
        pace = f"{WALK_S:g} s of walk and {width_m:.1f} m at {WALKING_SPEED_M_PER_S:g} m/s"
        minimum = min(
            Known(WALK_S + across_s, pace),
            Known(self._shortest_walk_s(link), "plan: its shortest green"),
            key=lambda k: k.time_s,
        )
        yellow = _least(((y, n) for y, n in self._yellows(link) if y > 0), "yellow") or Known(
            0.0, "crossings have none"
        )
        cleared = [c for rows in self._tables for c in crossing_clearances_s(rows, link, self._heads.foes[link])]
        cleared += [(r.yellow_s or 0.0) + (r.red_s or 0.0) for r in self._phases(link)]
        red_s = min([*cleared, across_s])
        source = (
            "plan: until traffic may go" if red_s < across_s else f"{width_m:.1f} m at {WALKING_SPEED_M_PER_S:g} m/s"
        )
        return PhaseTimes(minimum, yellow, Known(max(0.0, red_s - yellow.time_s), source))

    def _shortest_walk_s(self, link: int) -> float:
        greens = [g for rows in self._tables if (g := shortest_green_s(rows, link)) > 0]
        greens += [r.duration_s for p in self._branching for r in p.rows if link in r.greens]
        seen = [seen_s(g) for g in greens] + [r.minimum_s or 0.0 for r in self._phases(link)]
        return min(seen, default=0.0)


def _longer(first: Known, second: Known) -> Known:
    return max(first, second, key=lambda known: known.time_s)


def _least(times: Iterable[tuple[float, int]], what: str) -> Known | None:
    """The shortest, and the rows after which it is shown."""
    found = list(times)
    if not found:
        return None
    least_s = min(time_s for time_s, _ in found)
    rows = sorted({row for time_s, row in found if time_s == least_s})
    several = "shortest " if any(time_s > least_s for time_s, _ in found) else ""
    return Known(least_s, f"plan: {several}{what} after row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows))}")


def ite_yellow_s(speed_m_per_s: float) -> float:
    """Yellow change by the ITE kinematic formula, 1 s reaction and 3.05 m/s2, within MUTCD's 3 to 6 s."""
    return min(6.0, max(3.0, round(1.0 + speed_m_per_s / (2 * 3.05), 1)))
