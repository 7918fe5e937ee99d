"""What Prometheus reads of every site: made from the boards when it asks, so that a loop never waits for it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric

from field.page.board import BOUNDS_S, Board, Reading
from field.page.frame import detectors_of
from field.states import State
from field.vitals import OUTCOMES

CONTENT_TYPE = CONTENT_TYPE_LATEST
PREFIX = "adaptive_signals_"
VERSION = "0.1.0"


def exposition(boards: Iterable[Board]) -> bytes:
    """All of it as text."""
    registry = CollectorRegistry()
    registry.register(Sites(boards))
    return generate_latest(registry)


class Sites:
    """A collector over the boards' newest readings; a site without a tick has none of its metrics."""

    def __init__(self, boards: Iterable[Board]) -> None:
        self._readings = [(board, board.latest) for board in boards]

    def collect(self) -> Iterator[Metric]:
        """Families, each with the label `site`."""
        yield InfoMetricFamily(
            f"{PREFIX}build", "What runs", value={"version": VERSION, "python": platform.python_version()}
        )
        readings = [(board.name, reading) for board, reading in self._readings if reading is not None]
        yield from _gauges(readings)
        yield from _counters(readings)
        yield _durations(readings)


def _gauges(readings: list[tuple[str, Reading]]) -> Iterator[Metric]:
    state = GaugeMetricFamily(f"{PREFIX}state", "1 for the state that the site is in, 0 else", labels=("site", "state"))
    alarms = GaugeMetricFamily(f"{PREFIX}alarms", "Alarms that stand", labels=("site",))
    age = GaugeMetricFamily(f"{PREFIX}status_age_seconds", "Since the cabinet was last read", labels=("site",))
    backup = GaugeMetricFamily(f"{PREFIX}backup_time_seconds", "The cabinet's own backup time", labels=("site",))
    detectors = GaugeMetricFamily(f"{PREFIX}detectors", "Loops by their health", labels=("site", "health"))
    failing = GaugeMetricFamily(f"{PREFIX}log_failing", "1 while a log cannot be written", labels=("site", "log"))
    for site, reading in readings:
        vitals = reading.vitals
        for each in State:
            state.add_metric((site, str(each)), float(vitals.state == each))
        alarms.add_metric((site,), len(vitals.alarms))
        age.add_metric((site,), vitals.status_age_s)
        if vitals.status:
            backup.add_metric((site,), vitals.status.backup_time_s)
        if reading.record:
            for health, loops in detectors_of(reading.record, vitals.doubted).items():
                detectors.add_metric((site, health), loops)
        failing.add_metric((site, "audit"), float(vitals.audit_failed))
        failing.add_metric((site, "records"), float(vitals.records_failed))
    yield from (state, alarms, age, backup, detectors, failing)


def _counters(readings: list[tuple[str, Reading]]) -> Iterator[Metric]:
    ticks = CounterMetricFamily(f"{PREFIX}ticks", "Ticks", labels=("site",))
    late = CounterMetricFamily(f"{PREFIX}late_ticks", "Ticks that began too late", labels=("site",))
    changes = CounterMetricFamily(f"{PREFIX}stage_changes", "Changes of stage wished and granted", labels=("site",))
    replaced = CounterMetricFamily(f"{PREFIX}decisions_replaced", "Decisions that a rule took", labels=("site",))
    steps = CounterMetricFamily(f"{PREFIX}state_changes", "Steps of the state machine", labels=("site",))
    refusals = CounterMetricFamily(f"{PREFIX}refusals", "Wishes the interlock refused", labels=("site", "rule"))
    sets = CounterMetricFamily(f"{PREFIX}sets", "SETs at the cabinet by what came of them", labels=("site", "result"))
    for site, reading in readings:
        ticks.add_metric((site,), reading.ticks)
        late.add_metric((site,), reading.late)
        changes.add_metric((site,), reading.changes)
        replaced.add_metric((site,), reading.vitals.replaced)
        steps.add_metric((site,), reading.vitals.transitions)
        for rule, count in reading.refusals.items():
            refusals.add_metric((site, rule), count)
        for result in OUTCOMES.values():
            sets.add_metric((site, result), reading.vitals.sets.get(result, 0))
    yield from (ticks, late, changes, replaced, steps, refusals, sets)


def _durations(readings: list[tuple[str, Reading]]) -> Metric:
    help_text = "From when a tick was due until its work was over"
    family = HistogramMetricFamily(f"{PREFIX}tick_duration_seconds", help_text, labels=("site",))
    for site, reading in readings:
        counts, sum_s = reading.durations
        bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
        summed = [sum(counts[: k + 1]) for k in range(len(counts))]
        family.add_metric((site,), list(zip(bounds, summed, strict=True)), sum_s)
    return family
