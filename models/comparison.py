"""A trained policy beside what there is: the same street, the same draws, the same accounting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from experiments.case import Case
from experiments.engine import Engine, Outcome, core_count, run_jobs
from experiments.grid import grid, job
from experiments.schema import typed
from experiments.statistics import summarise
from experiments.tables import summary_report
from models.checkpoints import LAST
from models.evaluations import row_of
from models.settings import TrainingSettings

BASELINE = "existing"
RULES = (BASELINE, "actuated", "adaptive")


def controllers(out: Path) -> list[str]:
    """Who is compared, the baseline first, the best and the last checkpoint at the end."""
    return [*RULES, f"learned:{out}", f"learned:{out / LAST}"]


def compare(settings: TrainingSettings, out: Path, engine: Engine | None = None) -> pd.DataFrame:
    """All on the draws of the settings, kept as a CSV. Raises `PlantError` where a case fails."""
    draws = settings.comparison_draws, settings.comparison_first_draw
    cases = grid(settings.evaluated_on, controllers(out), settings.demand, *draws).cases()
    rows: dict[Case, dict[str, Any]] = {}

    def keep(outcome: Outcome) -> None:
        rows[outcome.job.case] = row_of(outcome)

    run_jobs([job(case) for case in cases], engine or min(settings.workers, core_count()), keep)
    made = typed(pd.DataFrame([rows[case] for case in cases]))
    made.to_csv(out / "comparison.csv", index=False)
    return made


def report(cases: pd.DataFrame, width: int) -> list[Table | str]:
    """Delay and service, with the paired difference to the existing plan."""
    return summary_report(summarise(cases, BASELINE), BASELINE, width)
