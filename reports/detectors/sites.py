"""Which phase a detector belongs to and what it is for: from our intersection file, or the map of an exported log."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signals.errors import ConfigError
from signals.intersection import load

FUNCTIONS = ("stop_line", "advance", "count", "yellow_red", "other")


@dataclass(frozen=True)
class Place:
    """`count` is a loop at the stop line made for counting, `stop_line` one made for presence."""

    phase: int
    function: str


Places = dict[str, Place]


def place_of(places: Places, detector: str) -> Place | None:
    """By its whole name, else by its channel, the part behind the device's name."""
    return places.get(detector) or places.get(detector.rpartition("/")[2])


def from_intersection(path: Path) -> Places:
    """A detector's phase is that of the first signal group that its lanes serve."""
    intersection = load(path)
    groups = {group.id: group for group in intersection.lane_groups}
    return {
        detector.id: Place(
            intersection.phase_of(groups[detector.lane_groups[0]].signal_groups[0]).number, detector.kind
        )
        for detector in intersection.detectors
    }


def from_table(table: dict[str, Any], where: str) -> Places:
    """`[detectors.4]` with `phase = 2` and `function = "stop_line"`."""
    places = {}
    for name, row in table.items():
        if not isinstance(row, dict) or set(row) != {"phase", "function"}:
            raise ConfigError(f"{where}: detectors.{name}: must have phase and function, and nothing else")
        if not isinstance(row["phase"], int) or row["phase"] < 1:
            raise ConfigError(f"{where}: detectors.{name}: phase = {row['phase']}, must be a whole number from 1")
        if row["function"] not in FUNCTIONS:
            raise ConfigError(
                f"{where}: detectors.{name}: function = {row['function']!r}, must be {', '.join(FUNCTIONS)}"
            )
        places[str(name)] = Place(row["phase"], row["function"])
    return places
