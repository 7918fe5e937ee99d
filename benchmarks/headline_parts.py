"""What the headline runs on one network, a function a part, each from finished cases to the rows of its summary."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.overhead import ask
from experiments import headline, provenance
from experiments.capacity import Sweep, sweep
from experiments.case import place_of
from experiments.case_tables import read_table
from experiments.console import CASES_FAILED, errors, list_failures
from experiments.demand import draw_demand
from experiments.evaluation import Evaluation, run_grid
from experiments.grid import Grid, grid
from experiments.headline import ADAPTIVE, COARSE, EXISTING, OPTIMISED, Draws, Row
from experiments.modes import shares
from scenarios.catalogue import BY_RESCO_PREFIX, find

OTHERS = ("actuated", ADAPTIVE, "max-pressure", "sumo-actuated")
QUICK_OTHERS = OTHERS[:2]
DEMANDS, BROKEN_DEMANDS = (0.4, 0.7, 1.0, 1.3, 1.6, 2.0), (0.7, 1.0, 1.6)
BROKEN = "dead=0.2"
FURTHER = 5
"""Steps by which a window is widened at most; a draw that crosses beyond has no capacity known."""
UNDER_RULES = (EXISTING, "actuated", ADAPTIVE)


@dataclass(frozen=True)
class Work:
    """One network's part of the benchmark."""

    network: str
    scenario: str
    out: Path
    draws: Draws
    quick: bool
    workers: int
    commit: str

    @property
    def plans(self) -> list[str]:
        """Relative to the checkout, so that equal cases have equal names wherever it lies."""
        files = sorted((provenance.ROOT / "scenarios" / "plans").glob(f"{self.network}-*.toml"))
        return [f"fixed-time:{file.relative_to(provenance.ROOT)}" for file in files]

    def run(self, cases: Grid) -> Evaluation:
        """Raises `SystemExit` where a case fails, as no figure stands without it."""
        command = shlex.join(sys.argv)
        evaluation = run_grid(cases, self.out, self.workers, EXISTING, command)
        if evaluation.failures or evaluation.cases is None:
            list_failures(evaluation.failures)
            raise SystemExit(CASES_FAILED)
        return evaluation

    def of(
        self, controllers: Sequence[str], demands: Sequence[float], draws: Sequence[int], faults: str = ""
    ) -> pd.DataFrame:
        """The scenario's cases in the folder, once these are among them."""
        errors.print(f"{self.network}: {', '.join(controllers)} {faults}".rstrip(), markup=False)
        whole = grid([self.scenario], controllers, demands, len(draws), draws[0], faults=faults)
        return self.own(self.run(whole))

    def own(self, evaluation: Evaluation) -> pd.DataFrame:
        """Not by RESCO's rules, nor of other draws that the folder may have."""
        assert evaluation.cases is not None
        cases = evaluation.cases
        return cases[(cases["scenario"] == self.scenario) & cases["draw"].isin(self.draws.fine)]


def sweep_part(work: Work) -> list[Row]:
    """Coarsely, then closely about each line's crossing, and further where a draw's lies beyond."""
    lines = [EXISTING, *work.plans, *(QUICK_OTHERS if work.quick else OTHERS)]
    whole = grid([work.scenario], lines, [1.0], len(work.draws.coarse), work.draws.coarse[0])
    for _ in range(2):  # by the second time all lines know the best plan's overload, and go on to it
        evaluation = sweep(whole, Sweep(COARSE, COARSE), work.run)
    cases = sound(work.own(evaluation))
    cases = cases[cases["draw"].isin(work.draws.coarse)]
    closely: dict[str, list[float]] = {}
    if not work.quick:
        for line, window in headline.windows(headline.swept(cases, work.draws, {})).items():
            closely[line], cases = look_closely(work, line, window, cases)
    return headline.capacity_rows(headline.swept(cases, work.draws, closely), work.draws)


def look_closely(work: Work, line: str, window: list[float], cases: pd.DataFrame) -> tuple[list[float], pd.DataFrame]:
    """The line's window, widened as its draws need it, and the folder's cases once it has been run."""
    run, more = work.plans if line == OPTIMISED else [line], window
    for _ in range(1 + FURTHER):
        if not more:
            break
        cases = sound(work.of(run, more, work.draws.fine))
        window = sorted({*window, *more})
        own = headline.with_optimised(cases)
        own = own[(own["controller"] == line) & own["demand"].isin(window)]
        more = [m for m in headline.wider(own) if m not in window]
    return window, cases


def sound(cases: pd.DataFrame) -> pd.DataFrame:
    return cases[cases["faults"] == ""]


def cells_part(work: Work) -> list[Row]:
    demands = BROKEN_DEMANDS if work.quick else DEMANDS
    cases = work.of([EXISTING, *work.plans, ADAPTIVE], demands, work.draws.fine)
    return headline.cell_rows(cases, demands, work.draws.fine) + modes_of(work, cases, demands)


def modes_of(work: Work, cases: pd.DataFrame, demands: Sequence[float]) -> list[Row]:
    """`adaptive`'s time by mode in the cells."""
    own = sound(cases[(cases["controller"] == ADAPTIVE) & cases["demand"].isin(demands)])
    return headline.mode_rows(shares(read_table(work.out, "modes", own), own), len(work.draws.fine))


def faults_part(work: Work) -> list[Row]:
    draws = work.draws.coarse
    work.of([EXISTING, *work.plans, ADAPTIVE], BROKEN_DEMANDS, draws)
    cases = work.of([ADAPTIVE], BROKEN_DEMANDS, draws, BROKEN)
    cells = headline.cell_rows(cases, BROKEN_DEMANDS, draws, BROKEN)
    return cells + headline.kept_rows(cases, BROKEN_DEMANDS, draws, BROKEN)


def rules_part(work: Work) -> list[Row]:
    name, draws = BY_RESCO_PREFIX + work.network, work.draws.coarse
    errors.print(f"{work.network}: RESCO's own rules", markup=False)
    cases = work.run(grid([name], UNDER_RULES, [1.0], len(draws), draws[0])).cases
    assert cases is not None
    return headline.rules_rows(cases[(cases["scenario"] == name) & cases["draw"].isin(draws)])


def cost_part(work: Work) -> list[Row]:
    """In the scenario's window at today's demand, with a clock around every part of the path."""
    errors.print(f"{work.network}: cost of a decision", markup=False)
    scenario = find(work.scenario)
    junctions = len(place_of(scenario).network.intersections)
    with tempfile.TemporaryDirectory(prefix="headline-") as folder:
        routes = draw_demand(scenario, 1.0, work.draws.fine[0], Path(folder)).route_file
        words = ("profile", work.scenario, str(routes), "1", "none", ADAPTIVE)
        figures = ask(Path(sys.executable), "-m", "benchmarks.street_loop", *words)
    ticks, shares = scenario.end_s - scenario.begin_s, figures["shares"]
    per_tick_us = {name: share * figures["loop_s"] * 1e6 / ticks for name, share in shares.items()}
    path_us = sum(value for name, value in per_tick_us.items() if name != "SUMO")
    found = {"decision_us": per_tick_us["decision"] / junctions, "path_us": path_us / junctions, "tick_us": path_us}
    found |= {"junctions": float(junctions)}
    return [headline.row(headline.COST, ADAPTIVE, name, value, 1) for name, value in found.items()]


PARTS: dict[str, Callable[[Work], list[Row]]] = {
    "sweep": sweep_part, "cells": cells_part, "faults": faults_part, "rules": rules_part, "cost": cost_part,
}  # fmt: skip
