"""A training whose simulations are on other machines: the same policy, and a lost node costs an episode."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from sb3_contrib.common.maskable.utils import get_action_masks

from experiments.ray_engine import RayEngine
from models.settings import TrainingSettings
from models.training import simulations, tasks, train
from models.vec_env import JunctionVecEnv
from tests.conftest import NODE
from tests.models.places import short_place

WAIT_S = 60.0
pytestmark = pytest.mark.xdist_group("ray")


@pytest.mark.slow
def test_policies_are_the_same_as_by_processes_here(tmp_path: Path, cluster: Any):
    """Bit for bit where no node is lost: learned from two simulations and evaluated."""
    settings = TrainingSettings(
        scenarios=(short_place(tmp_path, 200),), steps=64, workers=2, hidden=8, rollout=64, batch=32, epochs=1,
        checkpoint_steps=64, imitation_steps=20, decision_s=5.0, evaluation_draws=1,
    )  # fmt: skip
    for name, engine in (("here", None), ("there", RayEngine(cluster.address))):
        assert train(settings, tmp_path / name, resume=False, command="train.py", engine=engine) == 64
    for file in ("policy.npz", "evaluations.csv"):
        assert (tmp_path / "here" / file).read_bytes() == (tmp_path / "there" / file).read_bytes()


def test_a_lost_node_cuts_its_episode_off_and_another_begins(cluster: Any):
    """The learner sees an episode that was cut off, and goes on with another one elsewhere."""
    settings = TrainingSettings(scenarios=("single",), workers=1, decision_s=5.0)
    env = JunctionVecEnv(tasks(settings, begun=0), simulations(RayEngine(cluster.address)))
    env.reset()
    seen = decide(env)
    lose(cluster, env._workers[0])
    until_s, before = time.monotonic() + WAIT_S, seen
    while not seen[2].any() and time.monotonic() < until_s:
        before, seen = seen, decide(env)
    after = decide(env)
    cluster.add_node(**NODE)
    env.close()
    _, rewards, dones, infos = seen
    assert dones.tolist() == [True]
    assert rewards[0] == 0
    assert infos[0]["TimeLimit.truncated"]
    np.testing.assert_array_equal(infos[0]["terminal_observation"], before[0][0])
    assert not after[2].any()


def decide(env: JunctionVecEnv) -> Any:
    return env.step(np.array(get_action_masks(env)).argmax(axis=1))


def lose(cluster: Any, simulation: Any) -> None:
    """The node that the simulation is on, as a machine that loses its power."""
    there = ray.get(simulation._host.__ray_call__.remote(lambda _: ray.get_runtime_context().get_node_id()))
    node = next(node for node in cluster.worker_nodes if node.node_id == there)
    cluster.remove_node(node, allow_graceful=False)
