"""Simulations to practise in on the nodes of a Ray cluster, each in the same worker process as here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import RayActorError

from experiments.console import errors
from experiments.ray_engine import LOSSES
from experiments.travel import Order, check_same, order
from models.simulations import LocalSimulation
from models.worker import Seen, Task
from signals.errors import ConfigError, PlantError

Message = NDArray[np.int64] | None


class RaySimulation:
    """On a node, as `LocalSimulation`. Where it is lost, the episode is cut off and the next begins on another one."""

    def __init__(self, task: Task) -> None:
        self._task, self._decisions, self._losses = task, 0, 0
        self._last: Seen | None = None
        self._host = self._settle()

    def _settle(self) -> Any:
        """After a loss with another stream of draws, as after a checkpoint."""
        task = replace(self._task, begun=self._task.begun + self._decisions)
        return ray.remote(Host).options(scheduling_strategy="SPREAD").remote(order(task, ""))

    def send(self, message: Message) -> None:
        """Begin an episode with None, or decide [J]."""
        self._message, self._answer = message, self._host.tell.remote(message)

    def receive(self) -> Seen:
        """Raises `ConfigError` where a node refuses, `PlantError` where a simulation or too many nodes went."""
        try:
            answer = ray.get(self._answer)
        except RayActorError as error:
            return self._begin_again(error)
        if isinstance(answer, Exception):
            raise answer
        self._decisions += 1
        self._last = answer
        seen: Seen = answer
        return seen

    def _begin_again(self, error: RayActorError) -> Seen:
        self._losses += 1
        if self._losses > LOSSES:
            raise PlantError(f"simulation: its node was lost {self._losses} times") from error
        errors.print(f"a node was lost: simulation {self._task.number} begins an episode elsewhere", markup=False)
        self._host, before, decided = self._settle(), self._last, self._message is not None
        self.send(None)
        seen = self.receive()
        if before is None or not decided:
            return seen
        return replace(seen, reward=np.zeros(len(before.features)), ended=before.features)

    def close(self) -> None:
        """It ends with its process."""
        ray.kill(self._host)


class Host:
    """On a node: one simulation. What goes wrong is answered, so that only a lost node is an actor's death."""

    def __init__(self, wanted: Order) -> None:
        self._simulation: LocalSimulation | None = None
        self._refusal: Exception | None = None
        try:
            check_same(wanted)
            self._simulation = LocalSimulation(wanted.what)
        except (ConfigError, PlantError) as error:
            self._refusal = type(error)(f"engine ray: node {ray.util.get_node_ip_address()}: {error}")

    def tell(self, message: Message) -> Seen | Exception:
        """What all its junctions see then."""
        if self._simulation is None:
            return self._refusal or PlantError("simulation: has no process")
        try:
            self._simulation.send(message)
            return self._simulation.receive()
        except (ConfigError, PlantError) as error:
            return error
