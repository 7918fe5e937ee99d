"""Which hyper-parameters a search looks for, and between which bounds: narrower than what a setting may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, Trial
from optuna.trial import TrialState as State

from experiments.parameters import Parameter, changed
from models.settings import ADOPTED, TrainingSettings
from signals.errors import ConfigError
from signals.overrides import nearest

BOUNDS: dict[str, tuple[float, float]] = {
    "learning_rate": (1e-4, 1e-2),
    "discount": (0.95, 0.998),
    "advantage_decay": (0.9, 1.0),
    "clip": (0.1, 0.4),
    "entropy": (0.0, 0.02),
    "epochs": (2, 16),
    "batch": (64, 1024),
    "rollout": (1024, 8192),
    "hidden": (16, 128),
    "imitation_doubt": (0.01, 0.2),
}
"""Least and greatest value that is tried; bounds a hundred times apart are searched on a logarithmic scale."""
ENDED = (State.COMPLETE, State.PRUNED)


def chosen_parameters(settings: TrainingSettings, names: Sequence[str]) -> tuple[Parameter, ...]:
    """Those that are named, or all but what a policy that is gone on from fixes. Raises `ConfigError`."""
    fixed = ADOPTED if settings.start_from else ()
    for name in names:
        if name not in BOUNDS:
            raise ConfigError(f"parameter {name}: is not searched{nearest(name, BOUNDS)}")
        if name in fixed:
            raise ConfigError(f"parameter {name}: is fixed by {settings.start_from}, must be left out")
    wanted = [name for name in BOUNDS if name not in fixed and (not names or name in names)]
    return tuple(_parameter(settings, name) for name in wanted)


def _parameter(settings: TrainingSettings, name: str) -> Parameter:
    field = TrainingSettings.model_fields[name]
    return Parameter(name, *BOUNDS[name], getattr(settings, name), field.annotation is int, field.description or "")


def own_values(parameters: Sequence[Parameter]) -> dict[str, float]:
    """What the settings have themselves, as far as it is within the bounds."""
    return {each.name: each.start for each in parameters if each.low <= each.start <= each.high}


def suggested(trial: Trial, parameters: Sequence[Parameter]) -> dict[str, float]:
    """The values that a study wants tried next."""
    return {each.name: _suggested(trial, each) for each in parameters}


def _suggested(trial: Trial, of: Parameter) -> float:
    if of.whole:
        return trial.suggest_int(of.name, int(of.low), int(of.high), log=of.logarithmic)
    return trial.suggest_float(of.name, of.low, of.high, log=of.logarithmic)


def with_values(settings: TrainingSettings, values: Mapping[str, Any]) -> TrainingSettings:
    """The settings to train with."""
    return TrainingSettings.model_validate(changed(settings, values).model_dump())


def ended(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Trained through, or given up as no good."""
    return [trial for trial in trials if trial.state in ENDED]
