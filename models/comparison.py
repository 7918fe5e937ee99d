"""A trained policy beside what there is: the same street, the same development draws, the same accounting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from experiments.case import Case, build_controller, run_case
from experiments.engine import Outcome, core_count, run_jobs
from experiments.grid import grid, job
from experiments.schema import typed
from experiments.statistics import summarise
from experiments.tables import summary_report
from experiments.worker import Done
from models.random_stages import RandomStages
from signals.controllers import split_name
from signals.errors import PlantError
from signals.loop import Controller
from simulation.street import Street

RANDOM = "random"
BASELINE = "existing"
DEVELOPMENT_DRAWS = 3


def controllers(policy: Path, decision_s: float) -> list[str]:
    """Who is compared, the baseline first; random stages last as long as the policy's decisions."""
    return [BASELINE, f"{RANDOM}:{decision_s:g}", "max-pressure", f"learned:{policy}"]


def build_any(text: str, street: Street) -> Controller:
    """A controller by name, and `random:DECISION_S`, which is no controller for a street."""
    name, decision_s = split_name(text)
    if name == RANDOM:
        return RandomStages(street.layout, float(decision_s or 5.0), int(street.options["seed"]))
    return build_controller(text, street)


def run_any(case: Case, work_folder: Path) -> dict[str, Any]:
    """One case, in a worker process."""
    return run_case(case, work_folder, builder=build_any)


def compare(
    scenario: str, demand: tuple[float, ...], names: list[str], out: Path, draws: int = DEVELOPMENT_DRAWS
) -> pd.DataFrame:
    """All controllers on the first development draws, kept as a CSV. Raises `PlantError` where a case fails."""
    cases = grid([scenario], names, demand, draws).cases()
    rows: dict[Case, dict[str, Any]] = {}

    def keep(outcome: Outcome) -> None:
        if not isinstance(outcome.result, Done):
            case = outcome.job.case
            raise PlantError(f"{case.controller}, draw {case.draw}: {outcome.result.message}")
        rows[outcome.job.case] = outcome.result.row

    run_jobs([job(case) for case in cases], core_count(), keep, "models.comparison:run_any")
    made = typed(pd.DataFrame([rows[case] for case in cases]))
    made.to_csv(out / "comparison.csv", index=False)
    return made


def report(cases: pd.DataFrame, width: int) -> list[Table | str]:
    """Delay and service, with the paired difference to the existing plan."""
    return summary_report(summarise(cases, BASELINE), BASELINE, width)
