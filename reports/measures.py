"""What each measure means, in words a reader can check, and the source of its definition."""

import math
from dataclasses import dataclass

from reports.words import ENGLISH, Words

PARTS = ("title", "unit", "definition", "source")
LOS_LIMITS_S = (("A", 10.0), ("B", 20.0), ("C", 35.0), ("D", 55.0), ("E", 80.0))


@dataclass(frozen=True)
class Measure:
    """A column of the results with its plain title, unit, definition and source."""

    name: str
    title: str
    unit: str
    definition: str
    source: str


NAMES = (
    "delay_s",
    "delay_per_signal_s",
    "delay_at_signals_s",
    "worst_junction_delay_s",
    "delay_p95_s",
    "wait_max_s",
    "starve_max_s",
    "bicycle_delay_s",
    "person_delay_s",
    "person_wait_s",
    "person_wait_max_s",
    "persons",
    "vehicles_controlled_share",
    "throughput_veh_per_h",
    "scheduled",
    "completed",
    "inside",
    "never_entered",
    "served",
    "clear_time_s",
    "stops_per_veh",
    "queue_mean_veh",
    "co2_kg",
    "delay_by_junction",
    "gridlock",
)
PART_NAMES = (
    "served_veh_per_h", "not_out_veh", "movement_delay", "degree_of_saturation", "queue_p95_veh", "movement_stops",
    "movement_wait", "movement_co2", "crossing_wait", "worst_movement_ratio", "origin_gini", "link_delay", "link_flow",
    "link_density", "link_speed", "link_queue", "link_co2", "through_band",
)  # fmt: skip
"""Measures of periods, movements and links that are none of the whole case."""
LESS_IS_WORSE = ("throughput_veh_per_h", "served", "completed")


def measures(say: Words) -> tuple[Measure, ...]:
    """All of them, in the order of the report's definitions."""
    return _told(NAMES, say)


def part_measures(say: Words) -> tuple[Measure, ...]:
    """Those of a case's parts, in the order of the report's definitions."""
    return _told(PART_NAMES, say)


def _told(names: tuple[str, ...], say: Words) -> tuple[Measure, ...]:
    return tuple(Measure(name, *(say(f"measures.{name}.{part}") for part in PARTS)) for name in names)


MEASURES = measures(ENGLISH)


def level_of_service(delay_per_signal_s: float) -> str:
    """HCM letter for a mean delay per signal; '' where there is none to judge."""
    if math.isnan(delay_per_signal_s):
        return ""
    return next((letter for letter, limit_s in LOS_LIMITS_S if delay_per_signal_s <= limit_s), "F")
