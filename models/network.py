"""The policy: a network that scores stages, with the same weights for every stage of every junction.

    embedded_s = relu(W1 x_s + b1)          x_s: the features of stage s
    rivals_s   = mean over the junction's stages of embedded
    score_s    = w3 · relu(W2 [embedded_s, rivals_s] + b2) + b3

A score depends on what the stage has to offer and on what the others have, so any number of stages will do (phase
competition as in FRAP, Zheng et al. 2019, over sets of any size). `signals.controllers.learned` does the same in numpy.
"""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from torch import nn

EXISTS = 0
"""Its column: settings see to it that `exists` comes first."""


class StageScores(nn.Module):
    """[B, S, F] → scores [B, S]. Padding gets a score too, which the mask removes."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.Linear(features, hidden)
        self.compare = nn.Linear(2 * hidden, hidden)
        self.score = nn.Linear(hidden, 1)

    def forward(self, stages: torch.Tensor) -> torch.Tensor:
        embedded = torch.relu(self.embed(stages))
        rivals = _mean_over_stages(embedded, stages).unsqueeze(1).expand_as(embedded)
        compared = torch.relu(self.compare(torch.cat([embedded, rivals], dim=2)))
        scores: torch.Tensor = self.score(compared).squeeze(2)
        return scores


class JunctionValue(nn.Module):
    """[B, S, F] → what a junction's future is worth, [B, 1]; for training alone."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.Linear(features, hidden)
        self.combine = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, 1)

    def forward(self, stages: torch.Tensor) -> torch.Tensor:
        embedded = torch.relu(self.embed(stages))
        value: torch.Tensor = self.value(torch.relu(self.combine(_mean_over_stages(embedded, stages))))
        return value


def _mean_over_stages(embedded: torch.Tensor, stages: torch.Tensor) -> torch.Tensor:
    exists = stages[:, :, EXISTS : EXISTS + 1]
    return (embedded * exists).sum(dim=1) / exists.sum(dim=1).clamp(min=1.0)


class ScoreAndValue(nn.Module):
    """The two networks in the places where stable-baselines3 looks for an actor and a critic."""

    def __init__(self, shape: tuple[int, int], hidden: int) -> None:
        super().__init__()
        self._shape = shape
        self.actor = StageScores(shape[1], hidden)
        self.critic = JunctionValue(shape[1], hidden)

    def forward(self, flat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.forward_actor(flat), self.forward_critic(flat)

    def forward_actor(self, flat: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.actor(flat.view(-1, *self._shape))
        return scores

    def forward_critic(self, flat: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self.critic(flat.view(-1, *self._shape))
        return value


class StagePolicy(MaskableActorCriticPolicy):
    """stable-baselines3's policy with our networks whole: scores are logits, and nothing comes after them."""

    def __init__(self, observation_space: spaces.Box, *args: Any, hidden: int = 64, **kwargs: Any) -> None:
        self._hidden, self._shape = hidden, (observation_space.shape[0], observation_space.shape[1])
        super().__init__(observation_space, *args, **kwargs)

    def _build(self, lr_schedule: Any) -> None:
        self.mlp_extractor = ScoreAndValue(self._shape, self._hidden)  # type: ignore[assignment]
        nn.init.zeros_(self.mlp_extractor.actor.score.weight)  # all stages alike at first
        self.action_net = nn.Identity()  # type: ignore[assignment]
        self.value_net = nn.Identity()  # type: ignore[assignment]
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    @property
    def scores(self) -> StageScores:
        """What is exported."""
        actor: StageScores = self.mlp_extractor.actor  # type: ignore[assignment]
        return actor

    @property
    def values(self) -> JunctionValue:
        """What a future is worth."""
        critic: JunctionValue = self.mlp_extractor.critic  # type: ignore[assignment]
        return critic
