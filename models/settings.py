"""What a training run is: every choice a typed field with a sentence, from a TOML, flags, or both."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from scenarios.catalogue import find
from signals.controllers.learned import Manifest, load, policy_folder
from signals.errors import ConfigError
from signals.features import FEATURES
from signals.intersection import Frozen, first_error
from simulation.faults import parse_faults
from simulation.practice import Terms

TRAINING_DRAWS = (100, 199)
"""First and last of the draws that training sees; 0-99 are for development, 200-299 for evaluation alone."""
ADOPTED = ("features", "hidden", "decision_s", "minimum_green_s")
MAY_CHANGE = ("steps", "comparison_draws", "comparison_first_draw")
"""What a training that is resumed may have otherwise than before."""


class TrainingSettings(Frozen):
    """One training run. Two runs with equal settings on one machine give equal policies."""

    scenarios: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(min_length=1, description="Names or paths of the places to train on; an episode is in one of them."),
    ]
    steps: Annotated[int, Field(ge=1, description="Decisions in all; each junction's counts.")] = 100_000
    demand: Annotated[
        tuple[Annotated[float, Field(gt=0, le=10)], ...],
        Field(min_length=1, description="Multiples of today's demand; each episode takes one of them."),
    ] = (1.0,)
    faults: Annotated[
        tuple[str, ...], Field(min_length=1, description="Broken loops, as dead=0.2; each episode takes one of them.")
    ] = ("",)
    start_from: Annotated[
        str, Field(description="Policy to go on from (fine-tuning): a folder, or the name of one that comes along.")
    ] = ""
    seed: Annotated[int, Field(ge=0, description="Of the weights, the exploration and the choice of draws.")] = 0
    workers: Annotated[int, Field(ge=1, le=256, description="Simulations at once, a process each.")] = 2
    decision_s: Annotated[float, Field(gt=0, le=10, description="How long a decision stands.")] = 1.0
    tick_s: Annotated[float, Field(gt=0, le=10, description="How often loops are read in between.")] = 1.0
    minimum_green_s: Annotated[
        float, Field(ge=0, le=60, description="Shortest green of a stage, if its own is less; also in the street.")
    ] = 5.0
    episode_s: Annotated[
        float, Field(ge=60, description="Length of an episode, a random part of the place's window.")
    ] = 1200.0
    reward: Annotated[
        Literal["waiting", "delay"], Field(description="What a junction is paid for; see simulation.rewards.")
    ] = "waiting"
    features: Annotated[
        tuple[str, ...], Field(description="What the policy sees of each stage, from signals.features; exists first.")
    ] = tuple(FEATURES)
    imitation_steps: Annotated[
        int,
        Field(ge=0, description="Decisions of the rule that are imitated before its own are learned from; 0: none."),
    ] = 10_000
    imitation_doubt: Annotated[
        float, Field(gt=0, lt=0.5, description="Probability that imitation leaves to stages that the rule did not ask.")
    ] = 0.05
    hidden: Annotated[int, Field(ge=4, le=1024, description="Width of the network's layers.")] = 64
    learning_rate: Annotated[float, Field(gt=0, le=1, description="Adam's step size, falling linearly to 0.")] = 1e-3
    discount: Annotated[float, Field(gt=0, lt=1, description="What a reward one decision later is worth.")] = 0.99
    advantage_decay: Annotated[float, Field(ge=0, le=1, description="GAE's lambda.")] = 0.97
    rollout: Annotated[int, Field(ge=16, le=65536, description="Decisions of all junctions in an update.")] = 4096
    batch: Annotated[int, Field(ge=2, le=65536, description="Decisions in a gradient step.")] = 256
    epochs: Annotated[int, Field(ge=1, le=100, description="Passes over a rollout.")] = 8
    clip: Annotated[float, Field(gt=0, le=1, description="PPO's bound on the change of a probability ratio.")] = 0.2
    entropy: Annotated[float, Field(ge=0, le=1, description="Weight of the entropy bonus: more explores more.")] = 0.0
    checkpoint_steps: Annotated[
        int, Field(ge=1, description="Decisions between two checkpoints, each of which is evaluated.")
    ] = 10_000
    evaluation_scenarios: Annotated[
        tuple[str, ...], Field(description="Places that checkpoints are evaluated on; none: those trained on.")
    ] = ()
    evaluation_draws: Annotated[
        int, Field(ge=0, le=100, description="Development draws that a checkpoint is evaluated on; 0: not at all.")
    ] = 2
    comparison_draws: Annotated[int, Field(ge=0, le=100, description="Draws of the table at the end; 0: no table.")] = 5
    comparison_first_draw: Annotated[
        int, Field(ge=0, description="The first of them; 200 and up are for evaluation, 0 to 99 for development.")
    ] = 200

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        terms_of(self)
        for words in self.faults:
            parse_faults(words)
        unknown = [name for name in self.features if name not in FEATURES]
        if unknown or self.features[:1] != ("exists",) or len(set(self.features)) < len(self.features):
            wrong = f"{unknown[0]} is unknown" if unknown else "exists must come first, and none twice"
            raise ValueError(f"features: {wrong}; all: {', '.join(FEATURES)}")
        if self.imitation_steps and not self.start_from and not {"rule", "current"} <= set(self.features):
            raise ValueError("features: imitation needs rule and current; without them imitation_steps must be 0")
        return self

    @property
    def evaluated_on(self) -> tuple[str, ...]:
        """The places that checkpoints are evaluated on."""
        return self.evaluation_scenarios or self.scenarios


def terms_of(settings: TrainingSettings) -> Terms:
    """What a decision is in practice. Raises `ConfigError` where its times do not go together."""
    return Terms(settings.decision_s, settings.tick_s, settings.minimum_green_s, settings.reward)


def settings_of(**choices: Any) -> TrainingSettings:
    """Settings as typed, of places that are there. Raises `ConfigError` naming the field, the finding and the value."""
    try:
        settings = TrainingSettings(**choices)
    except ValidationError as error:
        raise ConfigError(f"training: {first_error(error)}") from error
    if settings.start_from:
        _check_start(settings, load(policy_folder(settings.start_from)).manifest)
    for scenario in (*settings.scenarios, *settings.evaluation_scenarios):
        find(scenario)
    return settings


def _check_start(settings: TrainingSettings, policy: Manifest) -> None:
    for name in ADOPTED:
        now, then = getattr(settings, name), getattr(policy, name)
        if now != then:
            raise ConfigError(f"training: {name} = {now}, must be {then} as in {settings.start_from}")


def read_settings(file: Path | None, flags: dict[str, Any]) -> tuple[TrainingSettings, Path]:
    """A training and its folder from a TOML, with what was typed over it; the folder is the key `out`.

    What a policy that is gone on from was made for (`ADOPTED`) need not be said again.
    """
    choices = _read(file) if file else {}
    choices |= {name: value for name, value in flags.items() if value is not None}
    out = choices.pop("out", None)
    if not isinstance(out, str | Path):
        raise ConfigError("training: out: no folder, must be --out FOLDER, or out in the file")
    if isinstance(name := choices.get("start_from"), str) and name:
        choices["start_from"] = name = name.removeprefix("learned:")
        policy = load(policy_folder(name)).manifest
        choices = {field: getattr(policy, field) for field in ADOPTED} | choices
    return settings_of(**choices), Path(out)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from error
