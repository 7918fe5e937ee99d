"""Results as a reader meets them: by scenario, each controller beside the baseline; nothing is estimated here."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from typing import Any

import pandas as pd

from experiments.certainty import claim_p, holm
from experiments.statistics import Interval

LONGEST_LABEL = 22
TODAY = 1.0  # the demand multiple that the first sentence speaks of, where it was run


@dataclass(frozen=True)
class Arm:
    """One controller on one scenario at one demand: its row of the summary and the cases behind it.

    `p` of its delay is Holm's over the `comparisons` that the answer makes; NaN where it is none of them.
    """

    scenario: str
    controller: str
    demand: float
    baseline: str
    summary: "pd.Series[Any]"
    cases: pd.DataFrame
    p: float = math.nan
    comparisons: int = 1

    @property
    def is_baseline(self) -> bool:
        return self.controller == self.baseline

    @property
    def draws(self) -> int:
        return len(self.cases)

    @property
    def paired_draws(self) -> int:
        return int(self.summary["pairs"])

    @property
    def gridlocks(self) -> int:
        return int(self.cases["gridlock"].astype(bool).sum())

    def mean(self, measure: str) -> float:
        return float(self.summary[measure])

    def worst(self, measure: str) -> float:
        return float(self.summary[f"{measure}_max"])

    @cached_property
    def _by_draw(self) -> pd.DataFrame:
        return self.cases.set_index("draw")

    def values(self, measure: str) -> "pd.Series[float]":
        """A measure of each draw; `served` is completed of scheduled, in per cent."""
        cases = self._by_draw
        if measure == "served":
            return 100.0 * cases["completed"] / cases["scheduled"].where(cases["scheduled"] > 0)
        return cases[measure].astype(float)

    def junctions(self) -> tuple[int, int]:
        """How many signals were controlled, of how many."""
        first = self.cases.iloc[0]
        return int(first["junctions_controlled"]), int(first["junctions"])

    def paired(self, baseline: "Arm", measure: str) -> tuple["pd.Series[float]", "pd.Series[float]"]:
        """A measure of each draw that both have: ours and the baseline's."""
        own, other = self.values(measure), baseline.values(measure)
        if own.index.equals(other.index):
            return own, other
        shared = own.index.intersection(other.index)
        return own.loc[shared], other.loc[shared]

    def difference(self, measure: str) -> Interval:
        return self._interval(f"{measure}_diff")

    def ratio(self, measure: str) -> Interval:
        return self._interval(f"{measure}_ratio")

    def _interval(self, stem: str) -> Interval:
        return Interval(*(float(self.summary[name]) for name in (stem, f"{stem}_low", f"{stem}_high")))


@dataclass(frozen=True)
class ScenarioComparison:
    """All arms of one scenario, by demand and then as the cases list the controllers."""

    scenario: str
    label: str
    arms: tuple[Arm, ...]

    @property
    def demands(self) -> tuple[float, ...]:
        return tuple(sorted({arm.demand for arm in self.arms}))

    @property
    def headline_demand(self) -> float:
        return min(self.demands, key=lambda demand: (abs(demand - TODAY), demand))

    @property
    def headline_arms(self) -> tuple[Arm, ...]:
        return tuple(arm for arm in self.arms if arm.demand == self.headline_demand)

    def baseline_of(self, arm: Arm) -> Arm | None:
        """The arm that this one is paired with; None where the baseline was not run."""
        return next((other for other in self.arms if other.is_baseline and other.demand == arm.demand), None)


def compare(cases: pd.DataFrame, summary: pd.DataFrame, baseline: str) -> tuple[ScenarioComparison, ...]:
    """The comparisons in the order in which the cases first name their scenarios, the baseline's arm first.

    The same street with other faults is another place: 'arterial, dead=0.2'.
    """
    cases, summary = _faults_named(cases), _faults_named(summary)
    scenarios = tuple(dict.fromkeys(cases["scenario"]))
    controllers = controller_order(cases, baseline)
    cells = dict(iter(cases.groupby(["scenario", "demand", "controller"], sort=False)))
    labels = short_names(scenarios)

    def arms(scenario: str) -> tuple[Arm, ...]:
        own = [_arm(row, cells, baseline) for _, row in summary[summary["scenario"] == scenario].iterrows()]
        return tuple(sorted(own, key=lambda arm: (arm.demand, controllers.index(arm.controller))))

    return _judged([ScenarioComparison(scenario, labels[scenario], arms(scenario)) for scenario in scenarios])


def _judged(comparisons: list[ScenarioComparison]) -> tuple[ScenarioComparison, ...]:
    """With the p of each comparison that the answer makes, corrected for all the others."""
    pairs = [(arm, comparison.baseline_of(arm)) for comparison in comparisons for arm in comparison.headline_arms]
    made = [(arm, baseline) for arm, baseline in pairs if baseline and not arm.is_baseline and arm.paired_draws]
    adjusted = holm([claim_p(*arm.paired(baseline, "delay_s")) for arm, baseline in made])
    judged = {id(arm): replace(arm, p=p, comparisons=len(made)) for (arm, _), p in zip(made, adjusted, strict=True)}
    return tuple(replace(each, arms=tuple(judged.get(id(arm), arm) for arm in each.arms)) for each in comparisons)


def _faults_named(table: pd.DataFrame) -> pd.DataFrame:
    places = zip(table["scenario"], table["faults"], strict=True)
    return table.assign(scenario=[f"{scenario}, {faults}" if faults else scenario for scenario, faults in places])


def controller_order(cases: pd.DataFrame, baseline: str) -> tuple[str, ...]:
    """Controllers as the cases first name them, the baseline before all others."""
    named = dict.fromkeys(cases["controller"])
    return tuple(sorted(named, key=lambda controller: controller != baseline))


def _arm(row: "pd.Series[Any]", cells: dict[Any, pd.DataFrame], baseline: str) -> Arm:
    scenario, controller, demand = str(row["scenario"]), str(row["controller"]), float(row["demand"])
    own = cells[scenario, demand, controller].sort_values("draw")
    return Arm(scenario, controller, demand, baseline, row, own)


def short_names(names: tuple[str, ...]) -> dict[str, str]:
    """Names as charts have room for: no folders, no more than a line; in full where two would read alike."""
    short = {name: _cut(_without_folders(name)) for name in names}
    taken = list(short.values())
    return {name: label if taken.count(label) == 1 else name for name, label in short.items()}


def _without_folders(name: str) -> str:
    """'max-pressure:sets/a.toml' → 'max-pressure:a', 'maps/own.sumocfg' → 'own.sumocfg'."""
    head, colon, path = name.rpartition(":")
    return f"{head}{colon}{PurePath(path.split(',')[0]).name.removesuffix('.toml')}"


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
