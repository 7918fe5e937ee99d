"""What a fixed plan may be varied in: cycle, splits, offsets, stage order, which stages it has, and half cycles.

Every plan made here keeps minimum greens and interstages, and gives each signal group green in some stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from signals.errors import ConfigError
from signals.intersection import Aspect
from signals.layout import Layout
from signals.plans import PlanFile, Split, TimingPlan
from signals.sequencer import interstages_s
from signals.values import Floats

SHORTEST_CYCLE_S, LONGEST_CYCLE_S = 30, 180
"""A red of the longest cycle stays below the 180 s that nobody may wait (the comparison protocol, starvation)."""
LEAST_SHARE = 0.01
MOST_CHANGES = 3
STAGES = ("keep", "reorder")


@dataclass(frozen=True)
class JunctionTiming:
    """One junction's part: its stages in order, their shares of the green beyond the minima, and its offset.

    `cycles`: how many of its own fit into the network's, 1 or 2.
    """

    stages: tuple[int, ...]
    shares: tuple[float, ...]
    offset_s: float = 0.0
    cycles: int = 1


@dataclass(frozen=True)
class Timing:
    """All junctions, in the layout's order, on one cycle."""

    cycle_s: int
    junctions: tuple[JunctionTiming, ...]


@dataclass(frozen=True)
class Way:
    """What a neighbour shares with the timing that it is next to."""

    fixed_cycle: bool = False
    keep_stages: bool = False


ANY_WAY = Way()


class PlanSpace:
    """The plans of one layout's junctions, and the ways from one to its neighbours."""

    def __init__(self, layout: Layout, existing: PlanFile, stages: str = "reorder") -> None:
        if stages not in STAGES:
            raise ConfigError(f"stages = {stages}, must be one of {', '.join(STAGES)}")
        self.layout, self._existing, self._reorders = layout, existing, stages == "reorder"
        self._between_s = np.ceil(interstages_s(layout))
        self._least_green_s = np.ceil(layout.stage_minimum_green_s)
        self._heads = [self._green_heads(row) for row in range(len(layout.intersections))]

    def _green_heads(self, row: int) -> list[frozenset[int]]:
        """The signal groups that each stage of a junction shows green."""
        aspects = self.layout.stage_aspects[row, : len(self.layout.intersections[row].stages)]
        return [frozenset(np.flatnonzero(np.isin(a, (Aspect.GREEN, Aspect.PERMISSIVE))).tolist()) for a in aspects]

    def start(self, cycle_s: int | None = None) -> Timing:
        """The existing stages and splits on one cycle; where the plan cannot be told, every stage alike."""
        plans = [self._existing.of(i.id) for i in self.layout.intersections]
        found = [round(own[0].cycle_s) for own in plans if own]
        cycle_s = cycle_s or (max(set(found), key=found.count) if found else 90)
        timing = Timing(cycle_s, tuple(self._started(row, own) for row, own in enumerate(plans)))
        return replace(timing, cycle_s=max(cycle_s, *(self.shortest_s(r, j) for r, j in enumerate(timing.junctions))))

    def _started(self, row: int, own: Sequence[TimingPlan]) -> JunctionTiming:
        names = [s.name for s in self.layout.intersections[row].stages]
        if not own:
            return JunctionTiming(tuple(range(len(names))), (1 / len(names),) * len(names))
        order = tuple(names.index(s.stage) for s in own[0].splits)
        spare_s = np.array([s.split_s for s in own[0].splits]) - self._least_s(row, order)
        return JunctionTiming(order, _shares(spare_s), own[0].offset_s)

    def _least_s(self, row: int, order: Sequence[int]) -> Floats:
        """The shortest split of each stage: its minimum green and the interstage after it."""
        after = [*order[1:], order[0]]
        return self._least_green_s[row, list(order)] + self._between_s[row, list(order), after]

    def shortest_s(self, row: int, timing: JunctionTiming) -> int:
        """The shortest common cycle that this junction's part fits into."""
        return int(self._least_s(row, timing.stages).sum()) * timing.cycles

    @lru_cache(maxsize=20_000)  # noqa: B019 - a space lives as long as its search
    def splits_s(self, row: int, timing: JunctionTiming, cycle_s: int) -> tuple[int, ...]:
        """Whole seconds that add up to the junction's cycle, by largest remainder."""
        least_s = self._least_s(row, timing.stages)
        spare_s = cycle_s // timing.cycles - int(least_s.sum())
        wanted_s = np.array(timing.shares) * spare_s
        whole_s = np.floor(wanted_s)
        late = np.argsort(whole_s - wanted_s, kind="stable")[: spare_s - int(whole_s.sum())]
        whole_s[late] += 1
        return tuple((least_s + whole_s).astype(int).tolist())

    def plan(self, timing: Timing) -> PlanFile:
        """As a file holds it: whole seconds throughout."""
        plans = []
        for row, (intersection, own) in enumerate(zip(self.layout.intersections, timing.junctions, strict=True)):
            splits = self.splits_s(row, own, timing.cycle_s)
            named = (
                Split(stage=intersection.stages[stage].name, split_s=split)
                for stage, split in zip(own.stages, splits, strict=True)
            )
            offset_s = round(own.offset_s) % sum(splits)
            plans.append(TimingPlan(intersection=intersection.id, splits=tuple(named), offset_s=offset_s))
        return PlanFile(plan=tuple(plans))

    def neighbour(self, timing: Timing, dice: np.random.Generator, step: float, way: Way = ANY_WAY) -> Timing:
        """One to three changes of about `step` (relative, of the spare green or the cycle) anywhere."""
        for _ in range(dice.integers(1, MOST_CHANGES + 1)):
            if not way.fixed_cycle and dice.random() < 0.2:
                timing = self._with_cycle(timing, round(timing.cycle_s * float(np.exp(step * dice.normal()))))
                continue
            row = int(dice.integers(len(timing.junctions)))
            changed = self._changed(row, timing, dice, step, way)
            if self.shortest_s(row, changed) <= timing.cycle_s:
                junctions = (*timing.junctions[:row], changed, *timing.junctions[row + 1 :])
                timing = self._with_cycle(replace(timing, junctions=junctions), timing.cycle_s)
        return timing

    def merged(self, timing: Timing, better: Sequence[Timing]) -> Timing:
        """What each of the better ones, best first, has changed of a timing, unless one before it did."""
        cycle_s = next((b.cycle_s for b in better if b.cycle_s != timing.cycle_s), timing.cycle_s)
        junctions = tuple(
            next((b.junctions[row] for b in better if b.junctions[row] != own), own)
            for row, own in enumerate(timing.junctions)
        )
        return self._with_cycle(replace(timing, junctions=junctions), cycle_s)

    def _with_cycle(self, timing: Timing, cycle_s: int) -> Timing:
        """Within the bounds, and even where a junction runs half of it."""
        shortest_s = max(self.shortest_s(row, own) for row, own in enumerate(timing.junctions))
        cycle_s = max(SHORTEST_CYCLE_S, shortest_s, min(LONGEST_CYCLE_S, cycle_s))
        return replace(timing, cycle_s=cycle_s + (cycle_s % 2 if any(j.cycles == 2 for j in timing.junctions) else 0))

    def _changed(self, row: int, timing: Timing, dice: np.random.Generator, step: float, way: Way) -> JunctionTiming:
        own, kind = timing.junctions[row], dice.random()
        several = len(timing.junctions) > 1
        if self._reorders and not way.keep_stages and kind < 0.15:
            return self._reordered(row, own, dice)
        if several and 0.15 <= kind < 0.2:
            return replace(own, cycles=3 - own.cycles)
        if several and kind < 0.55:
            moved_s = 2 * step * timing.cycle_s * dice.normal()
            return replace(own, offset_s=(own.offset_s + moved_s) % timing.cycle_s)
        shares = np.array(own.shares)
        shares[dice.integers(len(shares))] += step * dice.normal()
        return replace(own, shares=_shares(shares))

    def _reordered(self, row: int, own: JunctionTiming, dice: np.random.Generator) -> JunctionTiming:
        """Two stages change places, or one is left out or taken in again."""
        order, shares = list(own.stages), list(own.shares)
        missing = [k for k in range(len(self._heads[row])) if k not in order]
        kind = dice.random()
        if missing and kind < 0.25:
            at = int(dice.integers(len(order) + 1))
            order.insert(at, int(dice.choice(missing)))
            shares.insert(at, LEAST_SHARE)
        elif kind < 0.5 and len(order) > 2:
            at = int(dice.integers(len(order)))
            left = order[:at] + order[at + 1 :]
            if not self.serves_all(row, left):
                return own
            order, shares = left, shares[:at] + shares[at + 1 :]
        else:
            a, b = dice.choice(len(order), 2, replace=False).tolist()
            order[a], order[b] = order[b], order[a]
            shares[a], shares[b] = shares[b], shares[a]
        return replace(own, stages=tuple(order), shares=_shares(np.array(shares)))

    def serves_all(self, row: int, stages: Sequence[int]) -> bool:
        """Whether every signal group that any stage serves is green in one of these."""
        return frozenset().union(*self._heads[row]) == frozenset().union(*(self._heads[row][k] for k in stages))


def _shares(spare: Floats) -> tuple[float, ...]:
    bounded = np.maximum(spare, LEAST_SHARE * max(1.0, float(np.abs(spare).sum())))
    return tuple((bounded / bounded.sum()).tolist())
