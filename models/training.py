"""One training from its settings to the exported policy."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from sb3_contrib import MaskablePPO

from experiments import provenance
from experiments.case import place_of
from experiments.console import complain
from experiments.engine import stop_requests
from models.checkpoints import TrainingFolder
from models.export import PARITY, export, largest_difference
from models.network import StagePolicy
from models.settings import TRAINING_DRAWS, TrainingSettings, terms_of
from models.vec_env import JunctionVecEnv
from models.watch import Watch
from models.worker import Task
from scenarios.catalogue import find
from signals.errors import ConfigError
from simulation.street import detector_digest

PACKAGES = ("torch", "stable-baselines3", "sb3-contrib", "gymnasium")


def train(settings: TrainingSettings, steps: int, out: Path, resume: bool, command: str) -> int:
    """Train for `steps` decisions in all, keep checkpoints, export into `out`; the decisions taken.

    Ctrl-C ends it early, with a checkpoint and an export of what is there; KeyboardInterrupt is raised then.
    """
    if steps < 1:
        raise ConfigError(f"steps = {steps}, must be at least 1")
    torch.set_num_threads(1)  # the networks are small: more threads cost more than they bring
    network = place_of(find(settings.scenario)).network
    folder = TrainingFolder(out)
    checkpoint = folder.begin(settings, resume)
    with stop_requests() as stops:
        model = _learn(settings, steps, folder, checkpoint, stops)
    facts = {
        "command": command,
        "commit": provenance.commit(),
        "versions": provenance.versions() | {name: version(name) for name in PACKAGES},
        "settings": settings.model_dump(mode="json"),
        "draws": list(TRAINING_DRAWS),
        "steps": model.num_timesteps,
        "network_digest": network.digest,
        "detector_digest": detector_digest(network),
    }
    _export(model, out, settings, facts)
    if stops:
        complain(
            f"stopped after {model.num_timesteps} decisions, saved and exported in {out}; --resume goes on from there"
        )
        raise KeyboardInterrupt
    return int(model.num_timesteps)


def _learn(
    settings: TrainingSettings, steps: int, folder: TrainingFolder, checkpoint: Path | None, stops: list[int]
) -> MaskablePPO:
    begun = 0 if checkpoint is None else int(checkpoint.stem.removeprefix("decisions-"))
    env = JunctionVecEnv(tasks(settings, begun))
    try:
        model = _new(settings, env, folder.out) if checkpoint is None else _resumed(checkpoint, env)
        if begun < steps:
            rollout = model.n_steps * env.num_envs  # one that is begun is finished
            through = begun + math.ceil((steps - begun) / rollout) * rollout
            with Watch(folder, settings.checkpoint_steps, begun, through, stops) as watch:
                model.learn(steps - begun, callback=watch, reset_num_timesteps=checkpoint is None)
                watch.save()
    finally:
        env.close()
    return model


def tasks(settings: TrainingSettings, begun: int) -> list[Task]:
    """What each worker practises."""
    terms = terms_of(settings)
    return [
        Task(
            settings.scenario, settings.demand, TRAINING_DRAWS, settings.episode_s, terms, settings.seed, number, begun
        )
        for number in range(settings.workers)
    ]


def _new(settings: TrainingSettings, env: JunctionVecEnv, out: Path) -> MaskablePPO:
    return MaskablePPO(
        StagePolicy,
        env,
        learning_rate=falling(settings.learning_rate),
        n_steps=max(1, settings.rollout // env.num_envs),
        batch_size=settings.batch,
        n_epochs=settings.epochs,
        gamma=settings.discount,
        gae_lambda=settings.advantage_decay,
        clip_range=settings.clip,
        ent_coef=settings.entropy,
        seed=settings.seed,
        policy_kwargs={"hidden": settings.hidden},
        tensorboard_log=str(out / "tensorboard"),
        device="cpu",
    )


def _resumed(checkpoint: Path, env: JunctionVecEnv) -> MaskablePPO:
    try:
        return MaskablePPO.load(checkpoint, env=env, device="cpu")
    except (ValueError, OSError, KeyError, EOFError, RuntimeError, BadZipFile) as error:
        raise ConfigError(f"{checkpoint}: no checkpoint that fits: {' '.join(str(error).split())}") from error


def falling(first: float) -> Callable[[float], float]:
    """A step size that falls linearly to 0; its argument is the share of the training that remains."""
    return lambda remaining: first * remaining


def _export(model: MaskablePPO, out: Path, settings: TrainingSettings, facts: dict[str, Any]) -> None:
    """Write the policy's files, and refuse to have written what numpy scores otherwise than torch."""
    scores = model.policy.scores
    policy = export(scores, out, terms_of(settings), facts)
    recorded = model.rollout_buffer.observations.reshape(-1, *model.observation_space.shape)
    differs = largest_difference(scores, policy, recorded)
    if differs > PARITY:
        raise RuntimeError(f"export: scores of torch and numpy differ by {differs:.1e}, must be at most {PARITY:.0e}")
