"""What a training run is: every choice a typed field with a sentence."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from scenarios.catalogue import find
from signals.errors import ConfigError
from signals.intersection import Frozen, first_error
from simulation.practice import Terms

TRAINING_DRAWS = (100, 199)
"""First and last of the draws that training sees; 0-99 are for development, 200-299 for evaluation alone."""


class TrainingSettings(Frozen):
    """One training run. Two runs with equal settings on one machine give equal policies."""

    scenario: Annotated[str, Field(min_length=1, description="Name or path of the place to train on.")]
    demand: Annotated[
        tuple[Annotated[float, Field(gt=0, le=10)], ...],
        Field(min_length=1, description="Multiples of today's demand; each episode takes one of them."),
    ] = (1.0,)
    seed: Annotated[int, Field(ge=0, description="Of the weights, the exploration and the choice of draws.")] = 0
    workers: Annotated[int, Field(ge=1, le=256, description="Simulations at once, a process each.")] = 2
    decision_s: Annotated[float, Field(gt=0, le=10, description="How long a decision stands.")] = 5.0
    tick_s: Annotated[float, Field(gt=0, le=10, description="How often loops are read in between.")] = 1.0
    minimum_green_s: Annotated[
        float, Field(ge=0, le=60, description="Shortest green of a stage, if its own is less; also in the street.")
    ] = 8.0
    episode_s: Annotated[
        float, Field(ge=60, description="Length of an episode, a random part of the place's window.")
    ] = 1200.0
    reward: Annotated[
        Literal["waiting", "delay"], Field(description="What a junction is paid for; see simulation.rewards.")
    ] = "waiting"
    hidden: Annotated[int, Field(ge=4, le=1024, description="Width of the network's layers.")] = 64
    learning_rate: Annotated[float, Field(gt=0, le=1, description="Adam's step size, falling linearly to 0.")] = 1e-3
    discount: Annotated[float, Field(gt=0, lt=1, description="What a reward one decision later is worth.")] = 0.97
    advantage_decay: Annotated[float, Field(ge=0, le=1, description="GAE's lambda.")] = 0.95
    rollout: Annotated[int, Field(ge=16, le=65536, description="Decisions of all junctions in an update.")] = 1024
    batch: Annotated[int, Field(ge=2, le=65536, description="Decisions in a gradient step.")] = 128
    epochs: Annotated[int, Field(ge=1, le=100, description="Passes over a rollout.")] = 10
    clip: Annotated[float, Field(gt=0, le=1, description="PPO's bound on the change of a probability ratio.")] = 0.2
    entropy: Annotated[float, Field(ge=0, le=1, description="Weight of the entropy bonus: more explores more.")] = 0.01
    checkpoint_steps: Annotated[int, Field(ge=1, description="Decisions between two checkpoints.")] = 5000

    @model_validator(mode="after")
    def _times_go_together(self) -> Self:
        terms_of(self)
        return self


def terms_of(settings: TrainingSettings) -> Terms:
    """What a decision is in practice. Raises `ConfigError` where its times do not go together."""
    return Terms(settings.decision_s, settings.tick_s, settings.minimum_green_s, settings.reward)


def settings_of(**choices: Any) -> TrainingSettings:
    """Settings as typed, of a place that is there. Raises `ConfigError` naming the field, the finding and the value."""
    try:
        settings = TrainingSettings(**choices)
    except ValidationError as error:
        raise ConfigError(f"training: {first_error(error)}") from error
    find(settings.scenario)
    return settings
