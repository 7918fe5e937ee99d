"""Controllers tried on the same streets and draws again and again, as a search does: each case is run once and kept.

What is kept is an ordinary results folder's cases, so a search that asks for the same things in the same order goes on
after any stop from where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments import provenance
from experiments.case import Case
from experiments.console import SearchProgress
from experiments.engine import RUN_CASE, Engine, Outcome, check_engine, run_jobs
from experiments.grid import Grid, job
from experiments.store import ResultsFolder, without_tables
from experiments.worker import Done
from signals.errors import ConfigError, PlantError

STARVATION_GATE_S = ((1.0, 180.0), (float("inf"), 300.0))
"""Up to each multiple of today's demand, the longest that anybody may be starved."""
PLACE, PAIR = ["scenario", "demand"], ["scenario", "demand", "draw"]


class Trials:
    """Runs controllers on the scenarios, demands and draws of a grid; `rows` has a row a case."""

    def __init__(
        self,
        folder: Path,
        where: Grid,
        workers: int | Engine,
        run: str = RUN_CASE,
        stamp: Callable[[Case], str] = provenance.case_stamp,
    ) -> None:
        check_engine(workers)
        self._folder, self._where, self._workers = ResultsFolder(folder, where.decision_s), where, workers
        self._run, self._stamp = run, stamp

    def work(self, controllers: int) -> float:
        """How long so many controllers take, in the engine's measure."""
        return controllers * sum(job(case).work for case in replace(self._where, controllers=("any",)).cases())

    def rows(self, controllers: Sequence[str], progress: SearchProgress) -> pd.DataFrame:
        """Every case of these controllers. Raises `PlantError` for one that has failed, once the others are kept."""
        cases = replace(self._where, controllers=tuple(controllers)).cases()
        stamps = {case: self._stamp(case) for case in cases}
        rows = {case: self._folder.row(case.key, stamps[case]) for case in cases}
        failed: list[str] = []

        def keep(outcome: Outcome) -> None:
            case = outcome.job.case
            if isinstance(outcome.result, Done):
                rows[case] = row = without_tables(outcome.result.row)
                self._folder.keep(case.key, stamps[case], row)
            else:
                log = self._folder.keep_failure(case.key, outcome.log)
                place = f"{case.scenario} {case.controller}, demand {case.demand:g}, draw {case.draw}"
                failed.append(f"{place}: {outcome.result.message} (log: {log})")
            progress.advance(outcome.job.work)

        progress.skip(sum(job(case).work for case in cases if rows[case] is not None))
        run_jobs([job(case) for case in cases if rows[case] is None], self._workers, keep, self._run)
        if failed:
            raise PlantError(f"{len(failed)} of {len(cases)} cases failed, the first: {failed[0]}")
        return pd.DataFrame([dict(row) for row in rows.values() if row is not None])


def scores(rows: pd.DataFrame, baseline: pd.DataFrame, starvation: float) -> pd.DataFrame:
    """By controller: `delay`, the mean over scenarios and demands of the paired log(delay / baseline's); `starved`, the
    mean share by which the longest starvation is beyond its gate; and `score`, the delay and `starvation` times that.

    Raises `ConfigError` where the baseline has no delay to compare with.
    """
    pairs = rows.merge(baseline[[*PAIR, "delay_s"]], on=PAIR, how="left", suffixes=("", "_baseline"), validate="m:1")
    if not (pairs["delay_s_baseline"] > 0).all():
        without = pairs[~(pairs["delay_s_baseline"] > 0)].iloc[0]
        raise ConfigError(
            f"{without['scenario']}, draw {without['draw']}: baseline delay_s = 0 or none, must be above 0"
        )
    pairs["delay"] = np.log(pairs["delay_s"] / pairs["delay_s_baseline"])
    gate_s = np.where(pairs["demand"] <= STARVATION_GATE_S[0][0], STARVATION_GATE_S[0][1], STARVATION_GATE_S[1][1])
    pairs["starved"] = np.maximum(0.0, pairs["starve_max_s"] / gate_s - 1.0)
    by_place = pairs.groupby(["controller", *PLACE], sort=False)[["delay", "starved"]].mean()
    found = by_place.groupby("controller", sort=False).mean()
    return found.assign(score=found["delay"] + starvation * found["starved"])
