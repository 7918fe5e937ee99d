"""The junctions of one or several simulations as members of one stable-baselines3 `VecEnv`.

Each member sees its junction and acts for it; those of one simulation share its clock, so that they learn beside each
other. Each simulation is a process of its own (libsumo holds one a process). Members are padded to the most stages,
and a simulation to the most junctions of its scenarios: a member without a junction sees zeros, has one choice, and
earns nothing. A simulation may also be on another machine (`models/ray_simulation.py`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from models.worker import Seen, Task, stage_counts
from signals.errors import PlantError
from signals.features import LIMIT

ROOT = Path(__file__).resolve().parent.parent
WORK = "from models.worker import main; main()"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

Stepped = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]


class Simulation(Protocol):
    """One simulation, asked and heard in turn."""

    def send(self, message: NDArray[np.int64] | None) -> None:
        """Begin an episode with None, or decide [J]."""

    def receive(self) -> Seen:
        """What all its junctions see then. Raises `ConfigError` and `PlantError`."""

    def close(self) -> None:
        """End it."""


class JunctionVecEnv(VecEnv):
    """A member for each junction of each simulation: simulations one after the other, junctions within."""

    def __init__(self, tasks: Sequence[Task], simulation: Callable[[Task], Simulation] | None = None) -> None:
        """simulation: opens each; by default a `Worker`, on this machine."""
        counts = {name: stage_counts(name) for task in tasks for name in task.scenarios}
        junctions = [max(len(counts[name]) for name in task.scenarios) for task in tasks]
        self._ends = np.cumsum(junctions)
        self._begins = self._ends - junctions
        stages = max(max(each) for each in counts.values())
        shape = stages, len(tasks[0].features)
        super().__init__(int(self._ends[-1]), spaces.Box(0.0, LIMIT, shape, np.float32), spaces.Discrete(stages))
        self._mask = np.zeros((self.num_envs, stages), bool)
        self._junctions = [0] * len(tasks)
        self._return, self._length = np.zeros(self.num_envs), np.zeros(self.num_envs, int)
        self._workers = [(simulation or Worker)(task) for task in tasks]

    def reset(self) -> NDArray[np.float32]:
        """Begin an episode in every simulation."""
        for worker in self._workers:
            worker.send(None)
        return self._gather([worker.receive() for worker in self._workers])

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Hand out the stages."""
        for worker, begin, junctions in zip(self._workers, self._begins, self._junctions, strict=True):
            worker.send(actions[begin : begin + junctions])

    def step_wait(self) -> Stepped:
        """What all members see then; where an episode was cut off, what they saw last is in the info."""
        seen = [worker.receive() for worker in self._workers]
        features = self._gather(seen)
        rewards, dones = np.zeros(self.num_envs, np.float32), np.zeros(self.num_envs, bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for each, begin, end in zip(seen, self._begins, self._ends, strict=True):
            rewards[begin : begin + len(each.reward)] = each.reward
            self._return[begin:end] += rewards[begin:end]
            self._length[begin:end] += 1
            if each.ended is not None:
                dones[begin:end] = True
                for member in range(begin, end):
                    row = member - begin
                    infos[member] = self._ended(member, each.ended[row] if row < len(each.ended) else None)
        return features, rewards, dones, infos

    def _gather(self, seen: Sequence[Seen]) -> NDArray[np.float32]:
        """All members' features, padded; their masks are kept for `action_masks`."""
        features = np.zeros((self.num_envs, *self.observation_space.shape), np.float32)  # type: ignore[misc]
        self._mask = np.zeros_like(self._mask)
        self._mask[:, 0] = True
        self._junctions = [len(each.features) for each in seen]
        for each, begin in zip(seen, self._begins, strict=True):
            junctions, stages = each.eligible.shape
            rows = slice(begin, begin + junctions)
            features[rows, :stages], self._mask[rows, :stages] = each.features, each.eligible
        return features

    def _ended(self, member: int, last: NDArray[np.float32] | None) -> dict[str, Any]:
        """What stable-baselines3 wants to know of an episode that was cut off; its return only where a junction was."""
        terminal = np.zeros(self.observation_space.shape, np.float32)  # type: ignore[arg-type]
        ended: dict[str, Any] = {"terminal_observation": terminal, "TimeLimit.truncated": True}
        if last is not None:
            terminal[: len(last)] = last
            ended["episode"] = {"r": float(self._return[member]), "l": int(self._length[member]), "t": 0.0}
        self._return[member], self._length[member] = 0.0, 0
        return ended

    def close(self) -> None:
        """End all simulations."""
        for worker in self._workers:
            worker.close()

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """`action_masks` alone: the eligible stages of each member."""
        if method_name != "action_masks":
            raise AttributeError(f"{method_name}: members have only action_masks")
        return list(self._mask)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """That there are `action_masks`, and nothing to render."""
        known = {"action_masks": self.env_method, "render_mode": None}
        if attr_name not in known:
            raise AttributeError(f"{attr_name}: members have only {', '.join(known)}")
        return [known[attr_name]] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Members have nothing to set."""
        raise AttributeError(f"{attr_name}: members have nothing to set")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """None is."""
        return [False] * self.num_envs


class Worker:
    """A process with one simulation. It is in a session of its own, so that Ctrl-C reaches only us."""

    def __init__(self, task: Task) -> None:
        self._line, theirs = Pipe()
        search = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", WORK, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": search},
            )
        self.send(task)

    def send(self, message: object) -> None:
        """Raises `PlantError` where the process has gone."""
        try:
            self._line.send(message)
        except OSError as error:
            raise self._gone() from error

    def receive(self) -> Seen:
        """Its answer; the error that it ended with is raised here."""
        try:
            answer = self._line.recv()
        except (EOFError, OSError) as error:
            raise self._gone() from error
        if isinstance(answer, Exception):
            raise answer
        seen: Seen = answer
        return seen

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def _gone(self) -> PlantError:
        status = self._process.wait()
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
        return PlantError(f"simulation: its process {how}")

    def close(self) -> None:
        """It ends with its line."""
        self._line.close()
        self._process.wait()
