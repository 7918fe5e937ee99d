"""A worker process: one simulation, all its junctions practising; it leaves with its parent.

`main`, with the argument FD, takes a `Task` over the socket FD, then None to begin an episode or a stage [J] to decide,
and answers each with `Seen`, or with the error that ended it. Where an episode is over, the next one begins by itself.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.case import place_of
from experiments.demand import draw_demand
from scenarios.catalogue import Scenario, find
from signals.controllers.adaptive import Adaptive, AdaptiveSettings
from signals.errors import ConfigError, PlantError
from signals.features import Encoder
from signals.layout import layout
from signals.values import TrafficState
from simulation.faults import parse_faults
from simulation.practice import Practice, Terms, handed_in
from simulation.street import Demand


@dataclass(frozen=True)
class Task:
    """What a worker practises. `seed` and `number` choose its draws; no two workers have the same."""

    scenarios: tuple[str, ...]
    demand: tuple[float, ...]
    faults: tuple[str, ...]
    features: tuple[str, ...]
    draws: tuple[int, int]
    episode_s: float
    terms: Terms
    seed: int
    number: int
    begun: int
    """Decisions taken before, where a training is resumed: another stream of draws."""


@dataclass(frozen=True)
class Seen:
    """What all junctions of a worker see after a decision.

    ended: what those of the episode before saw as it was cut off; `reward` is theirs then, and they may be others.
    """

    features: NDArray[np.float32]
    eligible: NDArray[np.bool_]
    reward: NDArray[np.float64]
    ended: NDArray[np.float32] | None = None


def stage_counts(scenario: str) -> list[int]:
    """The number of stages of each junction that a policy would drive."""
    return [len(i.stages) for i in layout(place_of(find(scenario)).network.intersections).intersections]


class Ground:
    """One scenario to practise on, and how its junctions are described."""

    def __init__(self, name: str, task: Task, folder: Path) -> None:
        self.scenario, self._folder = find(name), folder
        self.multiple = 1.0
        self.practice = Practice(place_of(self.scenario), self._demand, task.terms)
        rule = Adaptive(self.practice.layout, AdaptiveSettings())
        self.encoder = Encoder(self.practice.layout, rule, task.features)

    def _demand(self, draw: int) -> Demand:
        drawn = draw_demand(self.scenario, self.multiple, draw, self._folder)
        return Demand(drawn.route_file, drawn.vehicles)


class Practitioner:
    """Begins episodes, each in a scenario of its own, with a draw, a multiple and faults of its own."""

    def __init__(self, task: Task, folder: Path) -> None:
        self._task, self._folder = task, folder
        self._random = np.random.default_rng(np.random.SeedSequence([task.seed, task.number, task.begun]))
        self._grounds: dict[str, Ground] = {}
        self._waiting: list[str] = []
        self._ground: Ground | None = None

    def begin(self) -> Seen:
        """Open a street."""
        self.close()
        self._ground = ground = self._next()
        first, last = self._task.draws
        draw = int(self._random.integers(first, last + 1))
        ground.multiple = float(self._random.choice(self._task.demand))
        faults = parse_faults(str(self._random.choice(self._task.faults)))
        self._traffic = ground.practice.begin(draw, *self._part(ground.scenario), faults)
        return self._seen(ground, np.zeros(self._traffic.stage.size))

    def _next(self) -> Ground:
        """All scenarios in a random order, then again in another."""
        if not self._waiting:
            self._waiting = [self._task.scenarios[k] for k in self._random.permutation(len(self._task.scenarios))]
        name = self._waiting.pop()
        if name not in self._grounds:
            self._grounds[name] = Ground(name, self._task, self._folder)
        return self._grounds[name]

    def act(self, stage: NDArray[np.int64]) -> Seen:
        """Decide for all junctions; where the episode is over, see the next one's beginning."""
        if self._ground is None:
            raise RuntimeError("act before begin: there is no street")
        self._traffic, reward, over, _ = self._ground.practice.act(handed_in(self._traffic, stage))
        seen = self._seen(self._ground, reward)
        return replace(self.begin(), reward=reward, ended=seen.features) if over else seen

    def close(self) -> None:
        """Close the street."""
        if self._ground is not None:
            self._ground.practice.close()

    def _part(self, window: Scenario) -> tuple[float, float]:
        """A random part of the window, on whole decisions; all of it where it is shorter than an episode."""
        decision_s = self._task.terms.decision_s
        spare_s = max(window.end_s - window.begin_s - self._task.episode_s, 0.0)
        begin_s = window.begin_s + decision_s * float(self._random.integers(int(spare_s / decision_s) + 1))
        return begin_s, min(begin_s + self._task.episode_s, window.end_s)

    def _seen(self, ground: Ground, reward: NDArray[np.float64]) -> Seen:
        traffic: TrafficState = self._traffic
        return Seen(ground.encoder.encode(traffic).astype(np.float32), traffic.eligible.copy(), reward)


def serve(parent: Connection) -> None:
    """Practise until the parent hangs up."""
    with tempfile.TemporaryDirectory(prefix="practice-") as folder:
        practitioner = Practitioner(parent.recv(), Path(folder))
        try:
            while True:
                stage = parent.recv()
                parent.send(practitioner.begin() if stage is None else practitioner.act(stage))
        except (EOFError, BrokenPipeError):
            return
        finally:
            practitioner.close()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it hangs up when it has saved
    parent = Connection(int(sys.argv[1]))
    try:
        serve(parent)
    except (ConfigError, PlantError) as error:
        parent.send(error)
