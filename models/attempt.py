"""A trial of a search as it travels: a training, judged at its checkpoints, given up where others did better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import MedianPruner
from optuna.trial import FrozenTrial

from models.evaluations import Judge
from models.settings import TrainingSettings

UNPRUNED = 4
"""So many trials are trained through before others are measured by them."""


@dataclass(frozen=True)
class Attempt:
    """A trial as it travels: what to train, what others were worth at the same checkpoints, the baselines' rows."""

    number: int
    settings: TrainingSettings
    others: tuple[FrozenTrial, ...]
    baselines: str

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Places that must be the same wherever it is trained."""
        return (*self.settings.scenarios, *self.settings.evaluation_scenarios)


def run_attempt(attempt: Attempt, work: Path) -> dict[str, Any]:
    """Train and evaluate in `work`; as `judged`."""
    import torch

    from models.checkpoints import TrainingFolder
    from models.training import Training  # torch, which whoever hands out attempts need not wait for

    torch.set_num_threads(1)
    folder, settings = TrainingFolder(work / "training"), attempt.settings
    folder.begin(settings, resume=False)
    (folder.out / "evaluations.csv").write_text(attempt.baselines, encoding="utf-8")
    return judged(attempt, lambda judge: Training(settings, folder, "train.py --search", judge=judge).learn(None, []))


def judged(attempt: Attempt, train: Callable[[Judge], object]) -> dict[str, Any]:
    """The delay in s of the best checkpoint, and by checkpoint, and whether the training was given up."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trial = _study_of(attempt.others).ask()
    delays_s: dict[int, float] = {}

    def judge(decisions: int, delay_s: float) -> None:
        checkpoint = decisions // attempt.settings.checkpoint_steps
        delays_s[checkpoint] = delay_s
        trial.report(delay_s, checkpoint)
        if trial.should_prune():
            raise optuna.TrialPruned

    pruned = False
    try:
        train(judge)
    except optuna.TrialPruned:
        pruned = True
    return {"delay_s": min(delays_s.values()), "pruned": pruned, "delays_s": delays_s}


def _study_of(others: Sequence[FrozenTrial]) -> optuna.Study:
    study = optuna.create_study(pruner=MedianPruner(n_startup_trials=UNPRUNED))
    study.add_trials(others)
    return study
