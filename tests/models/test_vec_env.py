"""Members of the `VecEnv`: junctions of simulations, each seeing and paid for its own."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sb3_contrib.common.maskable.utils import get_action_masks

from models.settings import TrainingSettings
from models.simulations import LocalSimulation
from models.training import tasks
from models.vec_env import JunctionVecEnv
from models.worker import Practitioner
from scenarios.catalogue import find
from signals.errors import PlantError
from signals.features import FEATURES
from tests.models.places import short_place


@pytest.fixture
def env() -> Iterator[JunctionVecEnv]:
    """Three junctions of 3, 4 and 4 stages, in two simulations."""
    made = JunctionVecEnv(tasks(TrainingSettings(scenarios=("resco:cologne3",), workers=2, decision_s=5.0), begun=0))
    yield made
    made.close()


def test_every_junction_of_every_simulation_is_a_member(env: JunctionVecEnv):
    features = env.reset()
    assert features.shape == (6, 4, len(FEATURES))
    exists = features[:, :, list(FEATURES).index("exists")].sum(axis=1)
    assert exists.tolist() == [3, 4, 4, 3, 4, 4]


def test_padding_is_never_eligible(env: JunctionVecEnv):
    """A stage that a junction does not have cannot be chosen, whatever it scores."""
    env.reset()
    for _ in range(12):
        mask = get_action_masks(env)
        assert mask.any(axis=1).all()
        assert not mask[[0, 3], 3].any()
        env.step(mask.argmax(axis=1))


def test_workers_see_different_draws(env: JunctionVecEnv):
    env.reset()
    for _ in range(40):
        features, *_ = env.step(np.zeros(6, int))
    assert not np.array_equal(features[:3], features[3:])


def test_an_episode_that_is_cut_off_is_told_apart_from_an_end(tmp_path: Path):
    """The learner gets what was seen last, and the next episode's beginning; return and length start anew."""
    scenario = short_place(tmp_path, 60)
    env = JunctionVecEnv(tasks(TrainingSettings(scenarios=(scenario,), workers=1, decision_s=5.0), begun=0))
    env.reset()
    steps = [env.step(np.zeros(1, int)) for _ in range(24)]
    env.close()
    ends = [k for k, (_, _, dones, _) in enumerate(steps) if dones[0]]
    assert ends == [11, 23]
    for k in ends:
        features, _, _, infos = steps[k]
        assert infos[0]["TimeLimit.truncated"]
        assert infos[0]["terminal_observation"].shape == features[0].shape
        assert not np.array_equal(infos[0]["terminal_observation"], features[0])
        paid = [float(rewards[0]) for _, rewards, _, _ in steps[k - 11 : k + 1]]
        assert infos[0]["episode"]["r"] == pytest.approx(sum(paid))
        assert infos[0]["episode"]["l"] == 12


def test_episodes_take_turns_in_all_scenarios(tmp_path: Path):
    """A simulation has as many members as its largest scenario; who has no junction sees nothing and earns nothing."""
    short = short_place(tmp_path, 60)
    settings = TrainingSettings(
        scenarios=("resco:cologne3", short), workers=1, decision_s=5.0, episode_s=60, faults=("", "dead=0.5")
    )
    env = JunctionVecEnv(tasks(settings, begun=0))
    first = env.reset()
    there: list[list[bool]] = [np.any(first, axis=(1, 2)).tolist()]
    paid = []
    for _ in range(48):
        mask = get_action_masks(env)
        assert mask.any(axis=1).all()
        features, rewards, dones, infos = env.step(mask.argmax(axis=1))
        there.append(np.any(features, axis=(1, 2)).tolist())
        paid.append(rewards)
        assert dones.all() or not dones.any()
        assert ["episode" in info for info in infos] == (there[-2] if dones.any() else [False] * 3)
    env.close()
    episodes = [there[k] for k in (0, 12, 24, 36)]
    assert sorted(episodes[:2]) == sorted(episodes[2:]) == [[True, False, False], [True] * 3]
    alone = [paid[k] for k in range(48) if not there[k][1]]
    assert not np.array(alone)[:, 1:].any()


def test_episodes_are_parts_of_the_window(tmp_path: Path):
    """On whole decisions, none longer than asked for; all of the window where it is shorter."""
    task = tasks(TrainingSettings(scenarios=("single",), workers=1, episode_s=600, decision_s=5.0), begun=0)[0]
    practitioner = Practitioner(task, tmp_path)
    parts = np.array([practitioner._part(find("single")) for _ in range(200)])
    assert (parts[:, 1] - parts[:, 0] == 600).all()
    assert (parts % 5 == 0).all()
    assert parts[:, 0].min() < 200
    assert parts[:, 1].max() > 4000
    whole = replace(task, episode_s=9000)
    assert Practitioner(whole, tmp_path)._part(find("single")) == (0, 4200)


def test_a_simulation_that_dies_is_named(env: JunctionVecEnv):
    """No hanging learner: the plant's fault, in one line."""
    env.reset()
    worker = env._workers[1]
    assert isinstance(worker, LocalSimulation)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(PlantError, match="simulation: its process was killed by SIGKILL"):
        for _ in range(3):
            env.step(np.zeros(6, int))
