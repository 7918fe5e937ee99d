"""`train.py --search`: hyper-parameters by Optuna. Trials are trainings, judged on development draws.

Trials run on the engine that cases run on, as many at once as it has cores for. One that is worse at a checkpoint than
half of those before it is given up. The study is a file in the folder; the same command goes on from it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.pruners import NopPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as State

from experiments import provenance
from experiments.console import SearchProgress, complain
from experiments.engine import Crew, Engine, Job, Outcome, core_count, crew_of
from experiments.parameters import Parameter, settings_text
from experiments.store import one_line, write_whole
from experiments.worker import Failed
from models.attempt import Attempt
from models.evaluations import Evaluations
from models.search_space import ended, own_values, suggested, with_values
from models.settings import TrainingSettings
from signals.errors import ConfigError, PlantError

RUN_ATTEMPT = "models.attempt:run_attempt"
STUDY, BEST, TRIALS = "study.log", "best.toml", "trials.csv"
ASKED = "asked"


class Search:
    """One search and its folder; `run` it, then `write` what was found."""

    def __init__(
        self,
        settings: TrainingSettings,
        parameters: Sequence[Parameter],
        out: Path,
        engine: Engine | None = None,
        run: str = RUN_ATTEMPT,
    ) -> None:
        if not settings.evaluation_draws:
            raise ConfigError("evaluation_draws = 0, must be at least 1 for a search to judge by")
        self._settings, self._parameters, self._out = settings, tuple(parameters), out
        self._engine, self._run = engine, run
        with one_line(out):
            out.mkdir(parents=True, exist_ok=True)
            self._study = _kept_study(out / STUDY, settings.seed)
        self._check_same()
        self._take_up()

    def _check_same(self) -> None:
        """Trials of other settings would be no others to be measured by."""
        asked = {"settings": self._settings.model_dump(mode="json"), "parameters": [p.name for p in self._parameters]}
        before = self._study.user_attrs.get(ASKED)
        if before is None:
            self._study.set_user_attr(ASKED, asked)
            self._study.enqueue_trial(own_values(self._parameters))
        elif json.loads(json.dumps(asked)) != before:
            raise ConfigError(f"{self._out / STUDY}: is of other settings; give another --out, or search as before")

    def _take_up(self) -> None:
        """What was running when the search was stopped is asked for again."""
        for trial in self._study.get_trials(states=(State.RUNNING,)):
            self._study.tell(trial.number, state=State.FAIL)
            self._study.enqueue_trial(trial.params)

    @property
    def trials(self) -> list[FrozenTrial]:
        """Those that have ended, in the order in which they were begun."""
        return ended(self._study.get_trials())

    def run(self, count: int) -> None:
        """Until so many trials have ended. Raises `PlantError` where one fails, once those beside it are kept."""
        with SearchProgress(self._out, count) as progress:
            progress.advance(len(self.trials))
            evaluations = Evaluations(self._out, self._settings, self._engine)
            evaluations.baselines()
            baselines = evaluations.rows.to_csv(index=False)
            with crew_of(self._engine or self._at_once(), self._run) as crew:
                while (left := count - len(self.trials)) > 0:
                    self._round(crew, min(left, self._at_once()), baselines, progress)

    def _at_once(self) -> int:
        cores = self._engine.at_once() if self._engine else core_count()
        return max(1, cores // self._settings.workers)

    def _round(self, crew: Crew, count: int, baselines: str, progress: SearchProgress) -> None:
        others, failed = tuple(self.trials), list[str]()
        asked = {trial.number: trial for trial in (self._study.ask() for _ in range(count))}
        attempts = [
            Attempt(number, with_values(self._settings, suggested(trial, self._parameters)), others, baselines)
            for number, trial in asked.items()
        ]
        cores = self._settings.workers

        def keep(outcome: Outcome) -> None:
            trial = asked[outcome.job.case.number]
            if isinstance(outcome.result, Failed):
                self._study.tell(trial, state=State.FAIL)
                complain(outcome.log)
                failed.append(f"trial {trial.number} failed: {outcome.result.message}")
                return
            self._tell(trial, outcome.result.row)
            progress.advance(1)
            progress.tell(in_words(self.trials))

        crew.work([Job(attempt, cores=cores) for attempt in attempts], keep)
        if failed:
            raise PlantError(failed[0])

    def _tell(self, trial: optuna.Trial, row: dict[str, Any]) -> None:
        for checkpoint, delay_s in row["delays_s"].items():
            trial.report(delay_s, checkpoint)
        if row["pruned"]:
            self._study.tell(trial, state=State.PRUNED)
        else:
            self._study.tell(trial, row["delay_s"])

    def write(self, command: str) -> Path:
        """The settings of the best trial, for `train.py`, and a table of all; the former's path."""
        best = best_of(self.trials)
        about = [
            f"The best of {len(self.trials)} trials over {', '.join(p.name for p in self._parameters)}:",
            f"{best.value:.2f} s by its best checkpoint, on the development draws that it was chosen by.",
            f"commit {provenance.commit() or 'unknown'}, source {provenance.code_digest()[:16]}",
            command,
        ]
        text = settings_text(with_values(self._settings, best.params), about)
        with one_line(self._out):
            write_whole(self._out / TRIALS, table(self.trials).to_csv(index=False))
            write_whole(self._out / BEST, text)
        return self._out / BEST


def _kept_study(file: Path, seed: int) -> optuna.Study:
    """Other trials than before where it is taken up again, since a sampler does not remember how far it was."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(file)))
    study = optuna.create_study(storage=storage, study_name="search", load_if_exists=True, pruner=NopPruner())
    study.sampler = TPESampler(seed=seed + len(study.get_trials()), constant_liar=True)
    return study


def best_of(trials: Sequence[FrozenTrial]) -> FrozenTrial:
    """The least delay among those that were trained through; the first of equals."""
    return min((trial for trial in trials if trial.state == State.COMPLETE), key=lambda trial: float(trial.value or 0))


def in_words(trials: Sequence[FrozenTrial]) -> str:
    """'trials 3, 1 given up, best 16.4 s'."""
    through = [trial for trial in trials if trial.state == State.COMPLETE]
    best = f", best {best_of(trials).value:.1f} s" if through else ""
    return f"trials {len(trials)}, {len(trials) - len(through)} given up{best}"


def table(trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """A row a trial: its best delay, whether it was given up, and what it was trained with."""
    return pd.DataFrame(
        {
            "trial": trial.number,
            "delay_s": min(trial.intermediate_values.values()),
            "given_up": trial.state == State.PRUNED,
            "checkpoints": len(trial.intermediate_values),
            **trial.params,
        }
        for trial in trials
    )
