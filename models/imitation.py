"""A warm start: what the rule decides on the training's own streets is learned first, and what its decisions are worth.

The actor learns to give the stage that the rule asks for all but a small probability, so that it explores around the
rule; the critic learns the returns under the rule. Where a policy is fine-tuned it is its own example, and the critic
alone is taught.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.utils import get_action_masks

from models.network import EXISTS, StagePolicy
from models.vec_env import JunctionVecEnv

EPOCHS, BATCH, LEARNING_RATE = 30, 256, 2e-3
HORIZON = 3.0
"""How many times 1 / (1 - discount) decisions must follow for a return to be learned from."""

Choose = Callable[[NDArray[np.float32], NDArray[np.bool_]], NDArray[np.int64]]
Loss = Callable[[NDArray[np.int64]], torch.Tensor]


class Examples(NamedTuple):
    """Decisions: what was seen [N, S, F], what was eligible [N, S], the stage [N], the return [N], NaN if unknown."""

    features: NDArray[np.float32]
    mask: NDArray[np.bool_]
    stage: NDArray[np.int64]
    returns: NDArray[np.float32]


def follow_rule(names: Sequence[str]) -> Choose:
    """The rule's stage by its feature, or the one that stands where that is not eligible."""
    rule, current = names.index("rule"), names.index("current")

    def choose(features: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        wish = np.where(mask, features[:, :, rule] + 0.5 * features[:, :, current], -1.0)
        return np.asarray(wish.argmax(axis=1))

    return choose


def follow_policy(policy: StagePolicy) -> Choose:
    """The policy's own best stage."""

    def choose(features: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        with torch.no_grad():
            scores = policy.scores(torch.as_tensor(features)).numpy()
        return np.asarray(np.where(mask, scores, -np.inf).argmax(axis=1))

    return choose


def watch(env: JunctionVecEnv, choose: Choose, steps: int, discount: float, stops: Sequence[int] = ()) -> Examples:
    """What is decided and paid in about `steps` decisions of all members, begun anew; less where `stops` has something.

    Members without a junction are left out.
    """
    rounds = max(1, round(steps / env.num_envs))
    features, rows = env.reset(), list[tuple[NDArray[Any], ...]]()
    while not rows or (len(rows) < rounds and not stops):
        mask = np.stack(get_action_masks(env))
        stage = choose(features, mask)
        following, paid, ends, _ = env.step(stage)
        rows.append((features, mask, stage, paid, ends))
        features = following
    seen, masks, stages, rewards, cuts = (np.array(of) for of in zip(*rows, strict=True))
    exists = seen[:, :, :, EXISTS].any(axis=2)
    returns = returns_of(rewards, cuts, discount)
    return Examples(seen[exists], masks[exists], stages[exists], returns[exists])


def returns_of(paid: NDArray[np.float32], ends: NDArray[np.bool_], discount: float) -> NDArray[np.float32]:
    """Discounted rewards to come [T, members], NaN where too few of the episode follow to know them."""
    returns, following, left = np.full(paid.shape, np.nan, np.float32), np.zeros(paid.shape[1]), np.zeros(paid.shape[1])
    for k in reversed(range(len(paid))):
        following = paid[k] + discount * np.where(ends[k], 0.0, following)
        left = np.where(ends[k], 1, left + 1)
        returns[k] = np.where(left >= HORIZON / (1.0 - discount), following, np.nan)
    return returns


def imitate(policy: StagePolicy, examples: Examples, doubt: float, seed: int) -> float:
    """Teach the actor who is followed; the share of choices that it then makes alike."""
    chosen = np.flatnonzero(examples.mask.sum(axis=1) > 1)  # with one eligible there is nothing to learn
    if not chosen.size:
        return 1.0
    features, mask, stage = (torch.as_tensor(of[chosen]) for of in examples[:3])
    others = mask.sum(dim=1, keepdim=True) - 1
    wanted = torch.where(mask, doubt / others, 0.0).scatter(1, stage.unsqueeze(1), 1.0 - doubt)

    def loss(rows: NDArray[np.int64]) -> torch.Tensor:
        scores = policy.scores(features[rows]).masked_fill(~mask[rows], -1e9)
        return -(wanted[rows] * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()

    _descend(policy.scores, loss, len(chosen), seed)
    with torch.no_grad():
        best = policy.scores(features).masked_fill(~mask, -1e9).argmax(dim=1)
    return float((best == stage).float().mean())


def teach_returns(policy: StagePolicy, examples: Examples, seed: int) -> None:
    """Teach the critic what was earned."""
    known = np.flatnonzero(np.isfinite(examples.returns))
    if not known.size:
        return
    features, returns = torch.as_tensor(examples.features[known]), torch.as_tensor(examples.returns[known])

    def loss(rows: NDArray[np.int64]) -> torch.Tensor:
        worth = policy.values(features[rows]).squeeze(1)
        return torch.nn.functional.mse_loss(worth, returns[rows])

    _descend(policy.values, loss, len(known), seed)


def _descend(network: torch.nn.Module, loss: Loss, rows: int, seed: int) -> None:
    random, optimizer = np.random.default_rng(seed), torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        order = random.permutation(rows)
        for begin in range(0, rows, BATCH):
            optimizer.zero_grad()
            loss(order[begin : begin + BATCH]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
