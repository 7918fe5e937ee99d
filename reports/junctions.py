"""Delay at each controlled junction, for the map and beside it."""

import json
from collections.abc import Mapping, Sequence

from reports.comparison import Arm, ScenarioComparison
from reports.measures import level_of_service
from reports.wording import number

Delays = Mapping[str, tuple[float, float]]


def junction_delays(arm: Arm) -> dict[str, tuple[float, float]]:
    """Of each controlled junction the delay in s per vehicle and the vehicles, mean over draws; {} if not kept."""
    totals: dict[str, list[float]] = {}
    kept = [json.loads(text) for text in arm.cases["delay_by_junction"] if text]
    for case in kept:
        for junction, (delay_s, vehicles) in case.items():
            total = totals.setdefault(junction, [0.0, 0.0])
            total[0] += delay_s * vehicles
            total[1] += vehicles
    return {junction: (lost_s / passed, passed / len(kept)) for junction, (lost_s, passed) in totals.items() if passed}


def delay_rows(comparison: ScenarioComparison) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """As figures: the controllers, and of each junction its vehicles and each controller's delay."""
    arms = [(arm.controller, junction_delays(arm)) for arm in comparison.headline_arms]
    arms = [(who, delays) for who, delays in arms if delays]
    names = sorted({junction for _, delays in arms for junction in delays}, key=lambda j: -_most(arms, j))
    rows = [(j, number(_most(arms, j), 0), [_cell(delays.get(j)) for _, delays in arms]) for j in names]
    return [who for who, _ in arms], rows


def _most(arms: Sequence[tuple[str, Delays]], junction: str) -> float:
    return max(delays[junction][1] for _, delays in arms if junction in delays)


def _cell(found: tuple[float, float] | None) -> str:
    return "–" if found is None else f"{number(found[0])} {level_of_service(found[0])}"
