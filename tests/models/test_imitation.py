"""A training starts from the rule: what it would do, and what that is worth."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from models.imitation import HORIZON, Examples, follow_rule, imitate, returns_of, teach_returns, watch
from models.settings import TrainingSettings
from models.training import new_model, tasks
from models.vec_env import JunctionVecEnv
from signals.features import FEATURES

SETTINGS = TrainingSettings(scenarios=("resco:cologne3",), workers=1, hidden=32, rollout=48, batch=16)
NAMES = list(FEATURES)
RULE, CURRENT = NAMES.index("rule"), NAMES.index("current")


@pytest.fixture(scope="module")
def env() -> Iterator[JunctionVecEnv]:
    made = JunctionVecEnv(tasks(SETTINGS, begun=0))
    yield made
    made.close()


@pytest.fixture(scope="module")
def examples(env: JunctionVecEnv) -> Examples:
    """Three junctions for five minutes under the rule."""
    return watch(env, follow_rule(NAMES), 900, SETTINGS.discount)


def test_the_rule_is_followed_where_it_may_be(examples: Examples):
    """Its stage where that is eligible, else the one that stands."""
    rows = np.arange(len(examples.stage))
    assert len(rows) == 900
    assert examples.mask[rows, examples.stage].all()
    wished = examples.features[:, :, RULE].argmax(axis=1)
    could = examples.mask[rows, wished]
    np.testing.assert_array_equal(examples.stage[could], wished[could])
    np.testing.assert_array_equal(examples.stage[~could], examples.features[~could, :, CURRENT].argmax(axis=1))
    assert (wished != examples.features[:, :, CURRENT].argmax(axis=1)).sum() > 10


def test_the_actor_learns_what_the_rule_does_and_to_doubt_it(env: JunctionVecEnv, examples: Examples):
    """Nearly all choices alike; the rule's stage has what is left of the probability."""
    policy = new_model(SETTINGS, env, None).policy
    assert imitate(policy, examples, doubt=0.05, seed=0) > 0.95
    chosen = examples.mask.sum(axis=1) > 1
    scores = policy.scores(torch.as_tensor(examples.features[chosen]))
    given = torch.softmax(scores.masked_fill(~torch.as_tensor(examples.mask[chosen]), -1e9), dim=1).detach().numpy()
    of_rule = given[np.arange(len(given)), examples.stage[chosen]]
    assert 0.75 < of_rule.mean() < 0.97  # trained for longer it comes to 0.95


def test_the_critic_learns_what_was_earned(env: JunctionVecEnv, examples: Examples):
    """Better than the mean would do."""
    short = watch(env, follow_rule(NAMES), 900, discount=0.9)
    policy = new_model(SETTINGS, env, None).policy
    teach_returns(policy, short, seed=0)
    known = np.isfinite(short.returns)
    assert known.sum() > 700
    told = policy.values(torch.as_tensor(short.features[known])).squeeze(1).detach().numpy()
    assert np.mean((told - short.returns[known]) ** 2) < 0.7 * short.returns[known].var()


def test_returns_are_discounted_to_the_end_of_the_episode_and_unknown_near_it():
    discount = 0.5
    paid, ends = np.ones((10, 1), np.float32), np.zeros((10, 1), bool)
    ends[7] = True
    returns = returns_of(paid, ends, discount)[:, 0]
    assert HORIZON / (1 - discount) == 6
    np.testing.assert_allclose(returns[:3], [2 - 2**-7, 2 - 2**-6, 2 - 2**-5])
    assert np.isnan(returns[3:]).all()


def test_who_may_not_choose_teaches_nothing(env: JunctionVecEnv):
    policy = new_model(SETTINGS, env, None).policy
    before = policy.scores.embed.weight.detach().clone()
    features, mask = np.ones((4, 4, len(NAMES)), np.float32), np.eye(4, dtype=bool)
    assert imitate(policy, Examples(features, mask, np.arange(4), np.full(4, np.nan, np.float32)), 0.05, 0) == 1.0
    teach_returns(policy, Examples(features, mask, np.arange(4), np.full(4, np.nan, np.float32)), 0)
    assert torch.equal(before, policy.scores.embed.weight)
