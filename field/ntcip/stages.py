"""Our stages in the cabinet's phases, and what its lamps say in our aspects.

A phase of ours whose heads only yield in a stage (permissive turns) is not asked for there: the cabinet shows its head
with the stage's own phases, as a protected and permissive head does. It may tell such a phase green or red.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from field.ntcip.probe import members
from signals.errors import ConfigError
from signals.intersection import Aspect, Intersection, Stage
from signals.values import TRANSITION


@dataclass(frozen=True)
class Lamps:
    """Masks of the cabinet's phases, as it tells them."""

    reds: int
    yellows: int
    greens: int


@dataclass(frozen=True)
class StagePhases:
    """One stage: asked: the phases to be green; may: those that may be told green in it, the asked ones among them."""

    name: str
    asked: int
    may: int


class Stages:
    """phases: ours to the cabinet's. Raises `ConfigError` where two stages could not be told apart by their greens."""

    def __init__(self, intersection: Intersection, phases: Mapping[int, int]) -> None:
        self.intersection = intersection
        self._bit = {p.number: 1 << (phases.get(p.number, p.number) - 1) for p in intersection.phases}
        self.stages = tuple(self._phases_of(stage) for stage in intersection.stages)
        self.all = self.known = 0
        """Masks of the phases that are asked for in some stage, and of those that may be told green."""
        for stage in self.stages:
            self.all |= stage.asked
            self.known |= stage.may
        kinds = {g.id: g.kind for g in intersection.signal_groups}
        self.pedestrians = 0
        """Phases that time crossings alone: the cabinet tells their lamps as walk, clearance and don't walk."""
        for phase in intersection.phases:
            if {kinds[g] for g in phase.signal_groups} == {"pedestrian"}:
                self.pedestrians |= self._bit[phase.number]
        self.heads = [self._bit[intersection.phase_of(g.id).number] for g in intersection.signal_groups]
        """The phase of each signal group, as a mask."""
        self._steady = [np.array(intersection.stage_aspects(s), np.int8) for s in intersection.stages]
        self._prohibited = self._conflicts()
        self._check()

    def _phases_of(self, stage: Stage) -> StagePhases:
        asked = may = 0
        yielding = set(stage.permissive)
        for phase in self.intersection.phases:
            if phase.number in stage.phases:
                may |= self._bit[phase.number]
                asked |= 0 if yielding.issuperset(phase.signal_groups) else self._bit[phase.number]
        return StagePhases(stage.name, asked or may, may)

    def _conflicts(self) -> tuple[tuple[int, int], ...]:
        """Pairs of phases that are green together in no stage and have a conflict."""
        phase = {g: self._bit[p.number] for p in self.intersection.phases for g in p.signal_groups}
        pairs = {(phase[c.first], phase[c.second]) for c in self.intersection.conflicts}
        together = [stage.may for stage in self.stages]
        return tuple((a, b) for a, b in sorted(pairs) if a != b and not any(a & m and b & m for m in together))

    def _check(self) -> None:
        for k, one in enumerate(self.stages):
            for other in self.stages[:k]:
                both = one.asked | other.asked
                if both & ~(one.may & other.may) == 0:
                    raise ConfigError(
                        f"intersection {self.intersection.id}: stages {other.name} and {one.name} are phases "
                        f"{members(both)} alike, must differ in what is asked of the cabinet"
                    )

    def confirmed(self, lamps: Lamps) -> int:
        """The stage that its greens are, or `TRANSITION`."""
        if lamps.yellows & self.known:
            return TRANSITION
        for k, stage in enumerate(self.stages):
            if stage.asked & ~lamps.greens == 0 and lamps.greens & self.known & ~stage.may == 0:
                return k
        return TRANSITION

    def aspects(self, lamps: Lamps, stage: int, last_stage: int) -> NDArray[np.int8]:
        """What every head shows; in a transition a head that yielded follows the phases of the stage that ends."""
        if stage != TRANSITION:
            return self._steady[stage]
        ending = self.stages[last_stage].asked if last_stage != TRANSITION else 0
        yielding = self._steady[last_stage] if last_stage != TRANSITION else None
        shown = []
        for k, bit in enumerate(self.heads):
            aspect = _aspect(lamps, bit)
            if aspect == Aspect.UNKNOWN and not bit & self.all:
                aspect = Aspect.RED  # no phase of the cabinet's: it tells nothing of it
            if aspect == Aspect.RED and yielding is not None and yielding[k] == Aspect.PERMISSIVE:
                aspect = _aspect(lamps, ending, whole=True)
            shown.append(aspect)
        return np.array(shown, np.int8)

    def green_conflict(self, lamps: Lamps) -> str:
        """Which phases are green that never may be together, or lit in two colours or none, in words; empty: none."""
        for a, b in self._prohibited:
            if lamps.greens & a and lamps.greens & b:
                return f"phases {members(a)[0]} and {members(b)[0]} are green together"
        twice = (lamps.reds & lamps.greens | lamps.reds & lamps.yellows | lamps.yellows & lamps.greens) & self.all
        if twice:
            return f"phase {members(twice)[0]} shows two colours"
        dark = self.all & ~(lamps.reds | lamps.yellows | lamps.greens)
        return f"phase {members(dark)[0]} shows nothing" if dark else ""


def _aspect(lamps: Lamps, phases: int, whole: bool = False) -> Aspect:
    """Of one phase; of several, yellow while any is, and green only while all are (whole)."""
    if lamps.yellows & phases:
        return Aspect.YELLOW
    green = lamps.greens & phases
    if (green == phases if whole else green) and phases:
        return Aspect.GREEN if not whole else Aspect.PERMISSIVE
    return Aspect.RED if lamps.reds & phases else Aspect.UNKNOWN
