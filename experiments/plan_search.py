"""The search for the best fixed plan: the platoon model proposes, SUMO chooses and improves.

A plan that does worse is given up after one draw, or three; only those that stay ahead see all. The same seed and files
give the same plan, whatever the number of workers and however often the search was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from experiments.plan_space import PlanSpace, Timing, Way
from experiments.plan_trials import Trials, Tried
from experiments.platoon_model import PlatoonModel

CYCLES_S = (45, 60, 75, 90, 110, 140)
"""The existing splits stretched to each and the model's best plan of each, and of all, are tried in SUMO, which alone
knows what queues do to them; of every second one also the model's best with the existing stages in their order."""
MODEL_ROUNDS, MODEL_WIDTH = 40, 32
FIRST_STEP, LEAST_STEP, MOST_STEP = 0.25, 0.02, 0.4
TRIED_AT_ONCE = 8
SUMO_STEP = 0.12
AGREEMENT = 0.5
"""From this rank correlation in the race on, the model also screens what SUMO tries next to the best. Where most delay
is at junctions without signals it orders plans the wrong way round (ingolstadt1)."""
MARGIN = 1.03
"""On one draw a plan may be so much worse than the best and still go on."""
FINALISTS = 4


@dataclass(frozen=True)
class Candidate:
    """A timing and its plan; the network's own plan has neither."""

    timing: Timing | None
    tried: Tried


@dataclass(frozen=True)
class Progressed:
    """A line of the convergence: after so many runs, the best mean delay over all draws, and of which phase."""

    runs: int
    delay_s: float
    phase: str


@dataclass
class Search:
    """One search, as far as it has come."""

    space: PlanSpace
    model: PlatoonModel
    trials: Trials
    draws: tuple[int, ...]
    check_draws: tuple[int, ...]
    budget: int
    seed: int
    told: Callable[[str, float, float], None] = lambda *_: None
    """Called with the phase, the best and the existing plan's delay whenever one of them changes."""
    convergence: list[Progressed] = field(default_factory=list)
    _screens: bool = False
    _ranked: dict[str, tuple[float, Candidate]] = field(default_factory=dict)

    def run(self) -> Candidate:
        """The best plan found; few are chosen among on draws that the search has not seen."""
        existing = Candidate(None, Tried(None))
        self._rank([existing], "existing")
        self._race([existing, *self._proposed()])
        self._refine()
        return self._chosen()

    @property
    def best(self) -> tuple[float, Candidate]:
        """The least mean delay over all draws, and whose it is."""
        return min(self._ranked.values(), key=lambda ranked: ranked[0])

    def delay_s(self, candidate: Candidate) -> float:
        """Mean delay over all draws of one that has seen them."""
        return self._ranked[candidate.tried.name][0]

    def _candidate(self, timing: Timing) -> Candidate:
        return Candidate(timing, Tried(self.space.plan(timing)))

    def _proposed(self) -> list[Candidate]:
        """From the existing plan's stages and splits, by the model, at several cycles."""
        found = [self.space.start(cycle_s) for cycle_s in (None, *CYCLES_S)]
        for number, cycle_s in enumerate((None, *CYCLES_S)):
            self.told(f"model {number + 1}/{len(CYCLES_S) + 1}", np.nan, self.best[0])
            for keeping in (False, True)[: 2 if number % 2 == 0 else 1]:
                way = Way(fixed_cycle=cycle_s is not None, keep_stages=keeping)
                found.append(self.best_of_model(self.space.start(cycle_s), self._dice(0, number, keeping), way))
        return list({c.tried.name: c for c in map(self._candidate, found)}.values())

    def _dice(self, *path: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *path])

    def best_of_model(self, timing: Timing, dice: np.random.Generator, way: Way) -> Timing:
        """From a timing to the model's best near it: what junctions gain by themselves is put together each round."""
        cost, step = float(self.model.delay_s([timing])[0]), FIRST_STEP
        for _ in range(MODEL_ROUNDS):
            self.trials.check()
            around = [self.space.neighbour(timing, dice, step, way) for _ in range(MODEL_WIDTH)]
            costs = self.model.delay_s(around)
            better = [around[k] for k in np.argsort(costs, kind="stable") if costs[k] < cost]
            if better:
                together = self.space.merged(timing, better)
                costs = self.model.delay_s([better[0], together])
                timing, cost = (better[0], together)[int(costs.argmin())], float(costs.min())
            step = min(MOST_STEP, step * 1.3) if better else max(LEAST_STEP, step * 0.8)
        return timing

    def _mean_s(self, candidates: Sequence[Candidate], draws: Sequence[int]) -> list[float]:
        delays_s = self.trials.delays_s([c.tried for c in candidates], draws)
        return [float(mean) for mean in delays_s.mean(axis=1)]

    def _rank(self, candidates: Sequence[Candidate], phase: str) -> None:
        """Try on all draws."""
        for candidate, delay_s in zip(candidates, self._mean_s(candidates, self.draws), strict=True):
            if not self._ranked or delay_s < self.best[0]:
                self.convergence.append(Progressed(self.trials.spent, delay_s, phase))
            self._ranked[candidate.tried.name] = delay_s, candidate
        self.told(phase, self.best[0], self.convergence[0].delay_s)

    def _race(self, candidates: Sequence[Candidate]) -> None:
        """Half of them go on after one draw, half of those after three."""
        left = list(candidates)
        for count in (1, 3):
            means = self._mean_s(left, self.draws[:count])
            if count == 1:
                self._screens = self._agreement(left, means) >= AGREEMENT
            left = [left[k] for k in np.argsort(means, kind="stable")[: max(2, (len(left) + 1) // 2)]]
        self._rank(left, "race")

    def _agreement(self, candidates: Sequence[Candidate], delays_s: Sequence[float]) -> float:
        """Rank correlation of the model's delays with SUMO's (Spearman's, over plans whose timing the model knows)."""
        pairs = [(c.timing, delay_s) for c, delay_s in zip(candidates, delays_s, strict=True) if c.timing]
        modelled_s = self.model.delay_s([timing for timing, _ in pairs])
        ranks = [np.argsort(np.argsort(values)) for values in (modelled_s, [delay_s for _, delay_s in pairs])]
        return float(np.asarray(np.corrcoef(ranks))[0, 1])

    def _refine(self) -> None:
        """Neighbours of the best timing, as long as the budget lasts and the steps are not too short to matter."""
        step, number = SUMO_STEP, 0
        reserve = FINALISTS * len(self.check_draws)
        while self.trials.spent < self.budget - reserve and step >= LEAST_STEP:
            number += 1
            before, held = min((r for r in self._ranked.values() if r[1].timing), key=lambda r: r[0])
            assert held.timing is not None
            turn = number % len(self.draws)
            draws = (*self.draws[turn:], *self.draws[:turn])
            left = self._neighbours(held.timing, self._dice(1, number), step)
            for count, most in ((1, MARGIN), (3, 1.0)):
                if not left:
                    break
                limit_s = most * self._mean_s([held], draws[:count])[0]
                means = self._mean_s(left, draws[:count])
                kept = np.argsort(means, kind="stable")[: (len(left) + 1) // 2]
                left = [left[k] for k in kept if means[k] < limit_s]
            if left:
                self._rank(left, "SUMO")
            step *= 1.25 if self.best[0] < before else 0.93

    def _neighbours(self, timing: Timing, dice: np.random.Generator, step: float) -> list[Candidate]:
        """Of twice as many those that the model thinks better, if it is to be heard; none that was tried before."""
        around = [self.space.neighbour(timing, dice, step) for _ in range(2 * TRIED_AT_ONCE)]
        if self._screens:
            around = [around[k] for k in np.argsort(self.model.delay_s(around), kind="stable")]
        found = {c.tried.name: c for c in map(self._candidate, around) if c.tried.name not in self._ranked}
        return list(found.values())[:TRIED_AT_ONCE]

    def _chosen(self) -> Candidate:
        """Among the best few, by all draws and as many that the search has not seen."""
        ranked = sorted(self._ranked.values(), key=lambda r: r[0])[:FINALISTS]
        finalists = [candidate for _, candidate in ranked]
        means = self._mean_s(finalists, (*self.draws, *self.check_draws))
        return finalists[int(np.argmin(means))]
