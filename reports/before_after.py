"""Before and after, measure by measure: one controller beside the baseline on one scenario."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from experiments.certainty import claim_p, draws_needed, holm, p_value
from experiments.statistics import NO_RATIO, Interval, difference, ratio
from reports.comparison import Arm, ScenarioComparison
from reports.findings import PRECISION, SURE
from reports.measures import LESS_IS_WORSE, level_of_service

SHOWN = {
    "delay_s": 1, "delay_per_signal_s": 1, "delay_at_signals_s": 1, "worst_junction_delay_s": 1, "delay_p95_s": 0,
    "wait_max_s": 0, "starve_max_s": 0, "throughput_veh_per_h": 0, "served": 1, "inside": 1, "never_entered": 1,
    "clear_time_s": 0, "queue_mean_veh": 1, "stops_per_veh": 2, "co2_kg": 0, "bicycle_delay_s": 1,
    "person_delay_s": 1, "person_wait_s": 1, "person_wait_max_s": 0,
}  # fmt: skip
"""Measures and their decimals, in the table's order."""


@dataclass(frozen=True)
class Line:
    """A measure over the paired draws; `p` is Holm's over the table, `needed` None beyond what one would run."""

    measure: str
    decimals: int
    before: float
    after: float
    difference: Interval
    ratio: Interval
    p: float
    needed: int | None

    @property
    def too_many(self) -> bool:
        """Whether no number of draws that one would run is enough."""
        return self.needed is None and not math.isnan(self.difference.low) and self.before != 0

    @property
    def direction(self) -> str:
        """`better`, `worse`, or '' where that cannot be said."""
        if not self.p < SURE:
            return ""
        more_is_better = self.measure in LESS_IS_WORSE
        return "better" if (self.difference.estimate > 0) == more_is_better else "worse"

    def level(self, value: float) -> str:
        """The level of service, of the one measure that has one."""
        return level_of_service(value) if self.measure == "delay_per_signal_s" else ""


def lines(arm: Arm, baseline: Arm) -> list[Line]:
    """Every measure that both have."""
    found = [_line(measure, decimals, *arm.paired(baseline, measure)) for measure, decimals in SHOWN.items()]
    known = [line for line in found if not (math.isnan(line.before) and math.isnan(line.after))]
    adjusted = holm([line.p for line in known])
    return [Line(**{**vars(line), "p": p}) for line, p in zip(known, adjusted, strict=True)]


def _line(measure: str, decimals: int, after: "pd.Series[float]", before: "pd.Series[float]") -> Line:
    of_ratio = Interval(*[math.nan] * 3) if measure in NO_RATIO else ratio(after, before)
    p = p_value(after - before) if measure in NO_RATIO else claim_p(after, before)
    mean = float(before.mean())
    needed = draws_needed(after - before, PRECISION * mean)
    return Line(measure, decimals, mean, float(after.mean()), difference(after, before), of_ratio, p, needed)


def pairs(comparisons: Sequence[ScenarioComparison]) -> list[tuple[ScenarioComparison, Arm, Arm]]:
    """What can be set side by side at the headline's demand: scenario, arm and baseline."""
    return [
        (comparison, arm, baseline)
        for comparison in comparisons
        for arm in comparison.headline_arms
        if not arm.is_baseline and arm.paired_draws and (baseline := comparison.baseline_of(arm))
    ]


def needed_text(line: Line, many: str) -> str:
    """'12', `many` beyond what one would run, '–' where it cannot be told."""
    if line.needed is not None:
        return f"{line.needed:,}"
    return many if line.too_many else "–"
