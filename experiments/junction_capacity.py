"""At which multiple of its flows a junction's time is used up: critical-movement analysis (HCM 2010, ch. 18 and 31).

Each lane group needs a share of the cycle, flow over saturation flow, and the stages' greens are shared out so that all
flows can grow alike. Who turns in gaps has the green that the opposing queue leaves, at the rate of gap acceptance;
before the first turner comes his lane flows freely, and a turner or two leave as the green ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from signals.intersection import Aspect
from signals.layout import Layout
from signals.sequencer import interstages_s
from signals.values import Bools, Floats

LONGEST_CYCLE_S = 120.0
"""Longer cycles gain little, as the lost time's share is small by then, and let everybody wait."""
CRITICAL_GAP_S, FOLLOW_UP_S = 4.5, 2.5
"""Of permissive left turns (HCM 2010, ch. 31)."""
STAGES_TRIED = 6
"""Up to so many stages, each choice of them is tried; of more, all of them only."""
HIGHEST, EXACT = 32.0, 0.005


@dataclass(frozen=True)
class Gaps:
    """Those of a lane group who turn in gaps: in which stages, which share they are, and whom they let go first."""

    stages: Bools  # [S]
    share: float
    opposing_veh_per_h: float
    longest: int  # the lane group whose queue they wait for


@dataclass(frozen=True)
class JunctionDemand:
    """One junction's flows against what its stages serve; groups without flow are left out."""

    need: Floats  # [N] flow over saturation flow
    green: Bools  # [S, N] all its heads that somebody uses are green
    gaps: tuple[Gaps | None, ...]  # [N]
    headway_s: float  # between vehicles that leave a queue, per lane
    lanes: Floats  # [N]
    lost_s: Floats  # [S, S] from each stage to each other
    least_green_s: Floats  # [S]


def junction_demand(of: Layout, row: int, flows_veh_per_h: Floats, saturation_veh_per_h: float) -> JunctionDemand:
    """Of flows by lane group and head, [N, P]; saturation flow of a lane."""
    used = np.flatnonzero(flows_veh_per_h.sum(axis=1) > 0)
    flows, lanes = flows_veh_per_h[used], of.lanes[row, used]
    aspects = of.stage_aspects[row][of.has_stage[row]][:, : flows.shape[1]]
    goes = (aspects == Aspect.GREEN) | (aspects == Aspect.PERMISSIVE)
    whole, some = np.zeros((2, len(aspects), used.size), bool)
    for n, flow in enumerate(flows):
        whole[:, n], some[:, n] = goes[:, flow > 0].all(axis=1), goes[:, flow > 0].any(axis=1)
    green = np.where(whole.any(axis=0), whole, some)
    need = flows.sum(axis=1) / (saturation_veh_per_h * lanes)
    before = _goes_before(of, row, aspects)
    gaps = tuple(_gaps(flow, green[:, n], flows, before, need) for n, flow in enumerate(flows))
    times = interstages_s(of)[row], of.stage_minimum_green_s[row]
    return JunctionDemand(need, green, gaps, 3600.0 / saturation_veh_per_h, lanes, *times)


def _goes_before(of: Layout, row: int, aspects: NDArray) -> Bools:
    """Where [S, P, P] the first head yields to the second, whose paths cross."""
    intersection = of.intersections[row]
    index = {group.id: k for k, group in enumerate(intersection.signal_groups)}
    before = np.zeros((*aspects.shape, aspects.shape[1]), bool)
    for conflict in intersection.conflicts:
        pair = index[conflict.first], index[conflict.second]
        for own, other in (pair, pair[::-1]):
            before[:, own, other] = (aspects[:, own] == Aspect.PERMISSIVE) & (aspects[:, other] == Aspect.GREEN)
    return before


def _gaps(flow: Floats, green: Bools, flows: Floats, before: Bools, need: Floats) -> Gaps | None:
    busy = flows.sum(axis=0) > 0
    waits = before & (flow > 0)[None, :, None] & busy[None, None, :] & green[:, None, None]
    if not waits.any():
        return None
    others = waits.any(axis=(0, 1))
    opposing = np.flatnonzero((flows[:, others] > 0).any(axis=1))
    return Gaps(
        stages=waits.any(axis=(1, 2)),
        share=float(flow[waits.any(axis=(0, 2))].sum() / flow.sum()),
        opposing_veh_per_h=float(flows[:, others].sum()),
        longest=int(opposing[need[opposing].argmax()]),
    )


def multiple(of: JunctionDemand) -> float:
    """The multiple at which the critical degree of saturation is 1, by the best stages and splits at the longest cycle.

    Infinity where nobody comes, 0 where no choice of stages serves everybody.
    """
    if not of.need.size:
        return math.inf
    stages = range(of.green.shape[0])
    counts = range(1, len(stages) + 1) if len(stages) <= STAGES_TRIED else (len(stages),)
    best = 0.0
    for chosen in (list(each) for count in counts for each in combinations(stages, count)):
        if of.green[chosen].any(axis=0).all() and _served(of, chosen, best + EXACT) >= 1.0:
            best = _crossing(of, chosen, best + EXACT)
    return best


def _crossing(of: JunctionDemand, chosen: Sequence[int], low: float) -> float:
    """Where what these stages serve falls below the demand; it does not yet at `low`."""
    high = max(2 * low, 1.0)
    while high < HIGHEST and _served(of, chosen, high) >= 1.0:
        low, high = high, 2 * high
    while high > low * (1 + EXACT):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _served(of, chosen, middle) >= 1.0 else (low, middle)
    return low


def _served(of: JunctionDemand, chosen: Sequence[int], at: float) -> float:
    """Which share of the demand at a multiple these stages serve with their best greens: a linear program.

    Unknown are that share, each stage's green beyond its least, and of each lane group that turns in gaps the green in
    which it does and the one before its first turner comes; all as shares of the cycle. A start is as late as an end is
    (HCM: two seconds each), so a change costs its interstage; who is green before and after it is green meanwhile.
    """
    chosen = list(chosen)
    turning = [n for n, gaps in enumerate(of.gaps) if gaps is not None and gaps.stages[chosen].any()]
    order = list(zip(chosen, [*chosen[1:], chosen[0]], strict=True)) if len(chosen) > 1 else []
    least = of.least_green_s[chosen] / LONGEST_CYCLE_S
    lost = np.array([of.lost_s[a, b] for a, b in order]) / LONGEST_CYCLE_S
    free = 1.0 - least.sum() - lost.sum()
    if free < 0:
        return 0.0
    first = 1 + len(chosen)
    program = _Program(chosen, least, first + 2 * len(turning))
    program.limit(0.0, -np.ones(len(of.green)), free + float(least.sum()), {})
    for n, (need, gaps) in enumerate(zip(of.need, of.gaps, strict=True)):
        green = of.green[:, n]
        meanwhile = sum(share for (a, b), share in zip(order, lost, strict=True) if green[a] and green[b])
        if gaps is None or n not in turning:
            program.limit(at * need, green, meanwhile, {})
            continue
        freely = first + 2 * turning.index(n)
        in_gaps, nowhere = freely + 1, np.zeros_like(green)
        vehicle = of.headway_s / LONGEST_CYCLE_S / of.lanes[n]
        slower = 1.0 + gaps.share * (_equivalent(at * gaps.opposing_veh_per_h, of.headway_s) - 1.0)
        at_the_end, queue = (1.0 + gaps.share) * vehicle, at * of.need[gaps.longest]
        protected = green & ~gaps.stages
        program.limit(at * need, protected, meanwhile + at_the_end, {freely: -1.0, in_gaps: -1.0 / slower})
        program.limit(0.0, gaps.stages, 0.0, {freely: 1.0, in_gaps: 1.0})
        program.limit(0.0, nowhere, (1.0 - gaps.share) / gaps.share * vehicle, {freely: 1.0})
        program.limit(queue, of.green[:, gaps.longest], 0.0, {in_gaps: max(1.0 - queue, 0.0)})
    return program.greatest()


class _Program:
    """What limits the share of the demand that is served: the first unknown, before the greens of the chosen stages."""

    def __init__(self, chosen: list[int], least: Floats, unknowns: int) -> None:
        self._chosen, self._least, self._unknowns = chosen, least, unknowns
        self._lines: list[Floats] = []
        self._limits: list[float] = []

    def limit(self, share: float, stages: NDArray, given: float, others: Mapping[int, float]) -> None:
        """The share times this, and others by their places, up to the green of these stages and what is given."""
        line, counted = np.zeros(self._unknowns), stages[self._chosen].astype(float)
        line[0], line[1 : 1 + len(self._chosen)] = share, -counted
        line[list(others)] = list(others.values())
        self._lines.append(line)
        self._limits.append(given + float(counted @ self._least))

    def greatest(self) -> float:
        worth = np.zeros(self._unknowns)
        worth[0] = 1.0
        return greatest(worth, np.array(self._lines), np.array(self._limits))


def _equivalent(opposing_veh_per_h: float, headway_s: float) -> float:
    """Through vehicles that leave in the time of one that turns in the gaps of such a flow; at least 1."""
    per_s = opposing_veh_per_h / 3600.0
    turns_per_s = per_s * math.exp(-per_s * CRITICAL_GAP_S) / -math.expm1(-per_s * FOLLOW_UP_S)
    return max(1.0, 1.0 / (headway_s * turns_per_s))


def greatest(worth: Floats, uses: Floats, limits: Floats) -> float:
    """max worth·x where uses x <= limits and x >= 0, for limits of 0 and above: the simplex method, Bland's rule."""
    rows, columns = uses.shape
    table = np.vstack([np.hstack([uses, np.eye(rows), limits[:, None]]), np.zeros(columns + rows + 1)])
    table[-1, :columns] = -worth
    basis = list(range(columns, columns + rows))
    while (entering := next((k for k in range(columns + rows) if table[-1, k] < -1e-12), None)) is not None:
        ahead = table[:-1, entering] > 1e-12
        if not ahead.any():
            return math.inf
        steps = np.where(ahead, table[:-1, -1] / np.where(ahead, table[:-1, entering], 1.0), np.inf)
        leaving = min(np.flatnonzero(steps <= steps.min() + 1e-12), key=lambda row: basis[row])
        table[leaving] /= table[leaving, entering]
        others = np.arange(rows + 1) != leaving
        table[others] -= np.outer(table[others, entering], table[leaving])
        basis[leaving] = entering
    return float(table[-1, -1])
