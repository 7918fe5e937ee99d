"""What checkpoints are worth: their delay on development draws, beside the rule's and the existing plan's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.case import Case
from experiments.engine import Engine, Outcome, run_jobs
from experiments.grid import grid, job
from experiments.worker import Done
from models.settings import TrainingSettings
from signals.errors import ConfigError, PlantError

COLUMNS = ["controller", "decisions", "scenario", "demand", "draw", "delay_s", "gridlock"]
Judge = Callable[[int, float], None]
"""Told the delay in s of a policy after so many decisions."""
POLICY, BASELINES = "learned", ("existing", "adaptive")


class Evaluations:
    """The rows of OUT/evaluations.csv; whole evaluations only, so that they compare."""

    def __init__(self, out: Path, settings: TrainingSettings, engine: Engine | None = None) -> None:
        self._engine = engine or settings.workers
        self._file, self._settings = out / "evaluations.csv", settings
        self.rows = self._read()

    def _read(self) -> pd.DataFrame:
        if not self._file.is_file():
            return pd.DataFrame(columns=COLUMNS)
        try:
            return pd.read_csv(self._file)[COLUMNS]
        except (ValueError, KeyError) as error:
            raise ConfigError(f"{self._file}: is no table of evaluations: {' '.join(str(error).split())}") from error

    @property
    def wanted(self) -> bool:
        """Whether checkpoints are evaluated at all."""
        return self._settings.evaluation_draws > 0

    def baselines(self) -> None:
        """Evaluate, once for a training, whoever its policy is compared with."""
        for name in BASELINES:
            if name not in set(self.rows["controller"]):
                self._add(name, name, 0)

    def policy(self, folder: Path, decisions: int) -> float:
        """Evaluate an exported policy; its delay in s, geometric mean over the cases."""
        if decisions not in set(self._of_policy()["decisions"]):
            self._add(f"{POLICY}:{folder}", POLICY, decisions)
        return float(self.curve()[decisions])

    def _add(self, controller: str, name: str, decisions: int) -> None:
        settings = self._settings
        cases = grid(settings.evaluated_on, [controller], settings.demand, settings.evaluation_draws).cases()
        rows: dict[Case, dict[str, Any]] = {}

        def keep(outcome: Outcome) -> None:
            rows[outcome.job.case] = row_of(outcome)

        run_jobs([job(case) for case in cases], self._engine, keep)
        made = pd.DataFrame([rows[case] for case in cases]).assign(controller=name, decisions=decisions)[COLUMNS]
        self.rows = made if self.rows.empty else pd.concat([self.rows, made], ignore_index=True)
        unfinished = self._file.with_suffix(".unfinished")
        self.rows.to_csv(unfinished, index=False)
        unfinished.replace(self._file)

    def _of_policy(self) -> pd.DataFrame:
        return self.rows[self.rows["controller"] == POLICY]

    def curve(self) -> pd.Series:
        """Delay in s of the policy by decisions taken, geometric mean over the cases."""
        return geometric(self._of_policy(), "decisions")

    def of_baselines(self) -> pd.Series:
        """The same of the baselines, by name."""
        return geometric(self.rows[self.rows["controller"] != POLICY], "controller")

    def best(self) -> int | None:
        """After how many decisions the policy was best; the first of equals."""
        curve = self.curve()
        return None if curve.empty else int(curve.index[int(curve.to_numpy().argmin())])


def geometric(rows: pd.DataFrame, by: str) -> pd.Series:
    """Geometric mean of the delay of each group; a place with little delay weighs as much as one with much."""
    logs = rows.assign(log=np.log(rows["delay_s"].astype(float).clip(lower=0.1)))
    return np.exp(logs.groupby(by)["log"].mean())


def row_of(outcome: Outcome) -> dict[str, Any]:
    """A case's measures. Raises `PlantError` where it failed."""
    if not isinstance(outcome.result, Done):
        case = outcome.job.case
        raise PlantError(f"{case.scenario} {case.controller}, draw {case.draw}: {outcome.result.message}")
    return outcome.result.row
