"""A worker process: one simulation, all its junctions practising; it leaves with its parent.

`main`, with the argument FD, takes a `Task` over the socket FD, then None to begin an episode or a stage [J] to decide,
and answers each with `Seen`, or with the error that ended it. Where an episode is over, the next one begins by itself.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.case import place_of
from experiments.demand import draw_demand
from scenarios.catalogue import find
from signals.errors import ConfigError, PlantError
from signals.features import Encoder
from signals.layout import layout
from signals.values import TrafficState
from simulation.practice import Practice, Terms, handed_in
from simulation.street import Demand


@dataclass(frozen=True)
class Task:
    """What a worker practises. `seed` and `number` choose its draws; no two workers have the same."""

    scenario: str
    demand: tuple[float, ...]
    draws: tuple[int, int]
    episode_s: float
    terms: Terms
    seed: int
    number: int
    begun: int
    """Decisions taken before, where a training is resumed: another stream of draws."""


@dataclass(frozen=True)
class Seen:
    """What all junctions of a worker see after a decision; `ended` has what they saw as an episode was cut off."""

    features: NDArray[np.float32]
    eligible: NDArray[np.bool_]
    reward: NDArray[np.float64]
    ended: NDArray[np.float32] | None = None


def stage_counts(scenario: str) -> list[int]:
    """The number of stages of each junction that a policy would drive."""
    return [len(i.stages) for i in layout(place_of(find(scenario)).network.intersections).intersections]


class Practitioner:
    """Begins episodes, each with a draw and a multiple of its own."""

    def __init__(self, task: Task, folder: Path) -> None:
        self._task, self._folder = task, folder
        self._scenario = find(task.scenario)
        self._random = np.random.default_rng(np.random.SeedSequence([task.seed, task.number, task.begun]))
        self._practice = Practice(place_of(self._scenario), self._demand, task.terms)
        self._encoder = Encoder(self._practice.layout)

    def begin(self) -> Seen:
        """Open a street."""
        first, last = self._task.draws
        draw = int(self._random.integers(first, last + 1))
        self._traffic = self._practice.begin(draw, *self._part())
        return self._seen(np.zeros(self._traffic.stage.size))

    def act(self, stage: NDArray[np.int64]) -> Seen:
        """Decide for all junctions; where the episode is over, see the next one's beginning."""
        self._traffic, reward, over, _ = self._practice.act(handed_in(self._traffic, stage))
        seen = self._seen(reward)
        if not over:
            return seen
        following = self.begin()
        return Seen(following.features, following.eligible, reward, ended=seen.features)

    def close(self) -> None:
        """Close the street."""
        self._practice.close()

    def _part(self) -> tuple[float, float]:
        """A random part of the window, on whole decisions; all of it where it is shorter than an episode."""
        window, decision_s = self._scenario, self._task.terms.decision_s
        spare_s = max(window.end_s - window.begin_s - self._task.episode_s, 0.0)
        begin_s = window.begin_s + decision_s * float(self._random.integers(int(spare_s / decision_s) + 1))
        return begin_s, min(begin_s + self._task.episode_s, window.end_s)

    def _seen(self, reward: NDArray[np.float64]) -> Seen:
        traffic: TrafficState = self._traffic
        return Seen(self._encoder.encode(traffic).astype(np.float32), traffic.eligible.copy(), reward)

    def _demand(self, draw: int) -> Demand:
        multiple = float(self._random.choice(self._task.demand))
        drawn = draw_demand(self._scenario, multiple, draw, self._folder)
        return Demand(drawn.route_file, drawn.vehicles)


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
