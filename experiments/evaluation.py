"""One run of the grid: what is finished already is kept, the rest is run, the tables are written."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from experiments import provenance
from experiments.case import Case, run_case
from experiments.console import CaseProgress, Failure
from experiments.engine import RUN_CASE, Engine, Outcome, check_engine, run_jobs
from experiments.grid import Grid, job
from experiments.store import ResultsFolder, without_tables
from experiments.worker import Done
from signals.errors import ConfigError


@dataclass(frozen=True)
class Evaluation:
    """What came of a run: the folder's cases (None where none has finished), and why others have no row."""

    cases: pd.DataFrame | None
    failures: list[Failure]


def run_grid(
    grid: Grid,
    out: Path,
    workers: int | Engine,
    baseline: str,
    command: str,
    run: str = RUN_CASE,
    stamp: Callable[[Case], str] = provenance.case_stamp,
) -> Evaluation:
    """Run the grid's unfinished cases into `out`; KeyboardInterrupt leaves every finished one there."""
    check_engine(workers)
    grid.check_names()
    folder = ResultsFolder(out, grid.decision_s)
    cases = grid.cases()
    stamps = {case: stamp(case) for case in cases}
    jobs = [job(case) for case in cases if not (folder.holds(case.key, stamps[case]) and _logged(case))]
    failures: list[Failure] = []
    with CaseProgress(out, len(cases), [each.work for each in jobs]) as progress:

        def keep(outcome: Outcome) -> None:
            made = outcome.job.case
            if isinstance(outcome.result, Done):
                folder.keep(made.key, stamps[made], outcome.result.row)
            else:
                log = folder.keep_failure(made.key, outcome.log)
                failures.append(Failure(made, outcome.result.message, log))
            progress.advance(outcome.job.work, failed=len(failures))

        run_jobs(jobs, workers, keep, run)
    if len(failures) == len(cases):
        return Evaluation(None, failures)
    facts = about(folder, baseline, command, failures) | {"overrides": overrides(folder, grid)}
    return Evaluation(folder.write_tables(facts, grid.scenarios, grid.controllers), failures)


def about(folder: ResultsFolder, baseline: str, command: str, failures: list[Failure]) -> dict[str, object]:
    """The manifest's part that the cases themselves do not tell."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "created": folder.manifest.get("created", now),
        "updated": now,
        "commands": list(dict.fromkeys([*folder.manifest.get("commands", []), command])),
        "baseline": baseline,
        "versions": provenance.versions(),
        "commit": provenance.commit(),
        "code_digest": provenance.code_digest(),
        "failed": [_plain(failure.case) | {"message": failure.message} for failure in failures],
    }


def _logged(case: Case) -> bool:
    """Whether what was asked for beside the row is there."""
    return all(file is None or file.exists() for file in (case.event_log, case.paths))


def _plain(case: Case) -> dict[str, object]:
    plain = asdict(case) | {"override_files": [str(path) for path in case.override_files]}
    del plain["event_logs"], plain["path_files"]
    return plain


def overrides(folder: ResultsFolder, grid: Grid) -> dict[str, object]:
    """By scenario, for those that have any: the files, the digest of what they change, and what is less safe."""
    known = {name: found for name, found in folder.manifest.get("overrides", {}).items() if name not in grid.scenarios}
    found = {name: grid.overrides(name) for name in grid.scenarios}
    return known | {
        name: {"files": [str(path) for path in each.files], "digest": each.digest, "warnings": each.warnings}
        for name, each in found.items()
        if each.files
    }


def watch(grid: Grid) -> dict[str, Any]:
    """The grid's only case in SUMO's window, in this process."""
    cases = grid.cases()
    if len(cases) != 1:
        raise ConfigError(f"--gui shows one case, not {len(cases)}: one scenario, controller, demand, and --draws 1")
    grid.check_names()
    with TemporaryDirectory(prefix="adaptive-signals-") as folder:
        return without_tables(run_case(cases[0], Path(folder), gui=True))
