"""Detectors of one street, made up: loops A, B and C see the same platoons, D and E another street's."""

import numpy as np

from reports.detectors.collect import Group, event_group
from reports.detectors.diagnosis import Health, diagnose
from reports.detectors.edges import OFF, ON, repair

HOURS_S, PERIOD_S = 7200.0, 300.0
Log = tuple[np.ndarray, np.ndarray]


def logs(seed: int = 1) -> dict[str, Log]:
    """Two hours of vehicles, each a second on each of its street's loops, some seconds apart."""
    random = np.random.default_rng(seed)
    made = {}
    for street, rate in (("ABC", 700.0), ("DE", 500.0)):
        waves = 1.0 + 0.5 * np.sin(np.arange(0, HOURS_S) / random.uniform(200, 400))
        passing = np.flatnonzero(random.random(int(HOURS_S)) < rate / 3600.0 * waves).astype(float)
        passing = passing[np.diff(passing, prepend=-9.0) >= 2.0]
        for place, name in enumerate(street):
            made[name] = log(passing + 10.0 * place)
    return made


def log(begins: np.ndarray) -> Log:
    times = np.column_stack([begins, begins + 1.0]).ravel()
    return times, np.tile([ON, OFF], len(begins))


def group(of: dict[str, Log]) -> Group:
    edges = {name: repair(times, codes, 0.0, HOURS_S) for name, (times, codes) in of.items()}
    grid = np.arange(0, HOURS_S, PERIOD_S)
    return event_group(edges, grid, np.zeros((len(grid), len(edges)), bool), [])


def judged(of: dict[str, Log]) -> dict[str, Health]:
    return {health.detector: health for health in diagnose(group(of))}


def kinds(health: Health) -> set[str]:
    return {reason.kind for reason in health.reasons}


def without_vehicles(of: Log, begin_s: float) -> Log:
    """As it was, but nothing from then on."""
    begins = of[0][of[1] == ON]
    return log(begins[begins < begin_s])
