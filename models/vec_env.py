"""The junctions of one or several simulations as members of one stable-baselines3 `VecEnv`.

Each member sees its junction and acts for it; those of one simulation share its clock, so that they learn beside each
other. Each simulation is a process of its own (libsumo holds one a process). Members are padded to the most stages,
and a simulation to the most junctions of its scenarios: a member without a junction sees zeros, has one choice, and
earns nothing. A simulation may also be on another machine (`models/ray_simulations.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from models.simulations import LocalSimulation, Simulation
from models.worker import Seen, Task, stage_counts
from signals.features import LIMIT

Stepped = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]


class JunctionVecEnv(VecEnv):
    """A member for each junction of each simulation: simulations one after the other, junctions within."""

    def __init__(self, tasks: Sequence[Task], simulation: Callable[[Task], Simulation] | None = None) -> None:
        """simulation: opens each; by default in a process of this machine."""
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
        self._workers = [(simulation or LocalSimulation)(task) for task in tasks]

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
