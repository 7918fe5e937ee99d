"""sumo-rl over libsumo with stable-baselines3's PPO: `peer_learner.py train|run SPEC`, a process of its own each.

It is run by `peers.py` and imports nothing of ours. The SPEC is JSON; the answer is the last line, JSON too. All
signals of the network are members of one VecEnv with shared weights; where there are several, what a member sees is
filled up with zeros to the longest, and says which of them it is.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sumo_rl
import traci  # which is libsumo, by LIBSUMO_AS_TRACI
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

Spec = dict[str, Any]
NO_RATE = {"learning_rate": 0.0, "lr_schedule": lambda _: 0.0}
ENDLESS = 10**9
"""More decisions than the clock allows: the wall time ends a training."""


class Members(VecEnv):
    """The signals of sumo-rl's environment; each episode takes one of the route files."""

    def __init__(self, spec: Spec) -> None:
        self._spec, self._random = spec, random.Random(spec["seed"])
        self.street = sumo_rl.SumoEnvironment(
            net_file=spec["net"],
            route_file=spec["routes"][0],
            begin_time=spec["begin_s"],
            num_seconds=spec["seconds"],
            sumo_seed=spec["seed"],
            sumo_warnings=False,
            additional_sumo_cmd=spec["options"],
            **spec["environment"],
        )
        self._names = self.street.ts_ids
        sizes = [self.street.observation_spaces(name).shape[0] for name in self._names]
        self._choices = [int(self.street.action_spaces(name).n) for name in self._names]
        self._who = np.eye(len(sizes), dtype=np.float32) if len(sizes) > 1 else np.zeros((1, 0), np.float32)
        seen = spaces.Box(0.0, 1.0, (max(sizes) + self._who.shape[1],), np.float32)
        super().__init__(len(sizes), seen, spaces.Discrete(max(self._choices)))

    def reset(self) -> np.ndarray:
        """Begin an episode with one of the route files; its number is SUMO's seed too."""
        self.street._route = self._random.choice(self._spec["routes"])
        seed = self._spec.get("sumo_seed") or self._random.randrange(1, 2**31)
        return self._gather(self.street.reset(seed=seed))

    def step_async(self, actions: np.ndarray) -> None:
        """A stage that a signal does not have keeps what stands."""
        self._asked = {
            name: int(action) if action < choices else self.street.traffic_signals[name].green_phase
            for name, action, choices in zip(self._names, actions, self._choices, strict=True)
        }

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """What all see then; an episode that is over is followed by the next."""
        features, rewards, over = self.look()
        infos: list[dict[str, Any]] = [{} for _ in self._names]
        if over:
            infos = [{"terminal_observation": last, "TimeLimit.truncated": True} for last in features]
            features = self.reset()
        return features, rewards, np.full(len(self._names), over), infos

    def look(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """What was asked for is done: what all see then, what they are paid, and whether the episode is over."""
        seen, paid, ends, _ = self.street.step(self._asked)
        return self._gather(seen), np.array([paid[name] for name in self._names], np.float32), bool(ends["__all__"])

    def _gather(self, seen: dict[str, np.ndarray]) -> np.ndarray:
        features = np.zeros((self.num_envs, *self.observation_space.shape), np.float32)  # type: ignore[misc]
        for row, name in enumerate(self._names):
            features[row, : seen[name].size] = seen[name]
        features[:, features.shape[1] - self._who.shape[1] :] = self._who
        return features

    def close(self) -> None:
        """End the simulation."""
        self.street.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """That there is nothing to render."""
        return [getattr(self, attr_name, None)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Members have nothing to set."""
        raise AttributeError(f"{attr_name}: members have nothing to set")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """They have no methods of their own."""
        raise AttributeError(f"{method_name}: members have no methods")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """None is."""
        return [False] * self.num_envs


class Deadline(BaseCallback):
    """Ends the training when its time is over."""

    def __init__(self, limit_s: float, clock: Callable[[], float]) -> None:
        super().__init__()
        self._limit_s, self._clock, self._started_s = limit_s, clock, clock()

    def left(self, _: float = 0.0) -> float:
        """The share of the time that remains, 0-1."""
        return max(0.0, 1.0 - (self._clock() - self._started_s) / self._limit_s)

    def _on_step(self) -> bool:
        return self.left() > 0


def train(spec: Spec) -> dict[str, float]:
    """Learn for `limit_s` of wall or processor time, start-up included, and save the learner.

    `learning_rate` falls linearly to 0; `normalise_reward` divides by the running spread of returns.
    """
    started_s, settings = time.monotonic(), dict(spec["learner"])
    deadline = Deadline(spec["limit_s"], time.process_time if spec["processor"] else time.monotonic)
    rate, normalise = settings.pop("learning_rate", None), settings.pop("normalise_reward", False)
    env: VecEnv = Members(spec)
    env = VecNormalize(env, norm_obs=False, gamma=settings.get("gamma", 0.99)) if normalise else env
    if rate is not None:
        settings["learning_rate"] = lambda _: rate * deadline.left()
    learner = PPO("MlpPolicy", env, seed=spec["seed"], device="cpu", **settings)
    learner.learn(ENDLESS, callback=deadline)
    env.close()
    learner.save(spec["policy"], exclude=["learning_rate", "lr_schedule"])
    return {
        "decisions": float(learner.num_timesteps),
        "wall_s": time.monotonic() - started_s,
        "cpu_s": time.process_time(),
    }


def run(spec: Spec) -> dict[str, float]:
    """Drive one draw with what was learned, until the last is out or `seconds` are over; SUMO writes the trips."""
    env, learner = Members(spec), PPO.load(spec["policy"], device="cpu", custom_objects=NO_RATE)
    seen, over = env.reset(), False
    while not over:
        actions, _ = learner.predict(seen, deterministic=True)
        env.step_async(actions)
        seen, _, over = env.look()
        over = over or traci.simulation.getMinExpectedNumber() == 0
    at_s = float(traci.simulation.getTime())
    env.close()
    return {"at_s": at_s}


if __name__ == "__main__":
    if not traci.isLibsumo():
        raise SystemExit("traci is not libsumo: LIBSUMO_AS_TRACI must be set, and libsumo installed")
    verb, text = sys.argv[1:]
    print("\n" + json.dumps({"train": train, "run": run}[verb](json.loads(text))))
