"""What an engineer knows better than the network's file: a TOML with a table for each junction.

It is laid over what was read: a value that is not given stays. A value that makes a junction less safe than its own
plan needs a reason, `because = "..."`, which is then printed wherever the junction is described or run.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel, ValidationError

from signals.errors import ConfigError
from signals.intersection import Frozen, Metres, Seconds, first_error

Reason = Annotated[str, Field(min_length=1, description="Why; needed where a value is less safe than the plan's.")]
Groups = Annotated[tuple[str, ...], Field(description="Ids of signal groups.")]
SaturationFlow = Annotated[float, Field(gt=0, le=20_000)]
LoopLength = Annotated[float, Field(gt=0, le=50)]


class PhaseOverride(Frozen):
    """Times of one phase."""

    minimum_green_s: Seconds | None = None
    yellow_change_s: Seconds | None = None
    red_clearance_s: Seconds | None = None
    because: Reason | None = None


class StageOverride(Frozen):
    """A stage that the plan has, changed or removed; or, with `green`, a new one.

    A list that is given replaces the plan's; a group named in one list leaves the others, and one in none is red.
    """

    name: Annotated[str, Field(min_length=1, description="Its new name.")] | None = None
    minimum_green_s: Seconds | None = None
    green: Groups | None = None
    permissive: Groups | None = None
    turn_on_red: Groups | None = None
    after: Annotated[str, Field(description="The stage behind which a new one stands; else the last.")] | None = None
    remove: bool = False
    because: Reason | None = None


class ConflictOverride(Frozen):
    """What two signal groups may show together. `stages` are those in which one of them yields, by their new names."""

    groups: Annotated[tuple[str, str], Field(description="Ids of two signal groups.")]
    value: Literal["compatible", "yielding", "prohibited"]
    stages: tuple[str, ...] = ()
    because: Reason | None = None


class LaneGroupOverride(Frozen):
    """What was measured or is known of a lane group."""

    saturation_flow_veh_per_h: SaturationFlow


class DetectorOverride(Frozen):
    """A loop moved or removed; or, with `kind` and `lane`, a new one. Of setback and position one is enough."""

    kind: Literal["stop_line", "advance"] | None = None
    lane: str | None = None
    lane_groups: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    setback_m: Metres | None = None
    position_m: Metres | None = None
    length_m: LoopLength | None = None
    remove: bool = False


class NeighbourOverride(Frozen):
    """Where an exit leads to."""

    intersection: str | None = None
    approach: str | None = None
    distance_m: Metres | None = None
    travel_time_s: Seconds | None = None
    remove: bool = False


class IntersectionOverride(Frozen):
    """Everything about one junction that is to be other than it was read."""

    phases: dict[str, PhaseOverride] = Field(default_factory=dict, description="By phase number.")
    stages: dict[str, StageOverride] = Field(default_factory=dict, description="By stage name.")
    conflicts: tuple[ConflictOverride, ...] = ()
    lane_groups: dict[str, LaneGroupOverride] = Field(default_factory=dict, description="By lane group.")
    detectors: dict[str, DetectorOverride] = Field(default_factory=dict, description="By the loop's id.")
    neighbours: dict[str, NeighbourOverride] = Field(default_factory=dict, description="By exit.")


class OverrideTables(RootModel[dict[str, IntersectionOverride]]):
    """A file of overrides: one table for each junction, by its id."""


TABLES: Mapping[str, type[Frozen]] = {
    "phases": PhaseOverride,
    "stages": StageOverride,
    "conflicts": ConflictOverride,
    "lane_groups": LaneGroupOverride,
    "detectors": DetectorOverride,
    "neighbours": NeighbourOverride,
}


@dataclass(frozen=True)
class OverrideFile:
    """A file and its tables."""

    path: Path
    junctions: Mapping[str, IntersectionOverride]


def load(path: Path) -> OverrideFile:
    """Read a file of overrides. Raises `ConfigError` with the file, the key and the bound."""
    try:
        tables = OverrideTables.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {_finding(error)}") from error
    return OverrideFile(path, tables.root)


def schema_of(name: str) -> str:
    """The JSON Schema of a kind of file, for editors; there is one kind so far."""
    if name != "intersection":
        raise ConfigError(f"schema {name}: unknown{nearest(name, ['intersection'])}")
    return json.dumps(OverrideTables.model_json_schema(), indent=2)


def _finding(error: ValidationError) -> str:
    """An unknown key with the nearest known ones; anything else as pydantic has it."""
    first = error.errors()[0]
    if first["type"] != "extra_forbidden":
        return first_error(error)
    *table, key = (str(part) for part in first["loc"])
    return f"{'.'.join(table)}: unknown key {key}{nearest(key, _keys(table))}"


def _keys(table: list[str]) -> Iterable[str]:
    model: Any = IntersectionOverride if len(table) == 1 else TABLES[table[1]]
    return list(model.model_fields)


def nearest(name: str, known: Iterable[object]) -> str:
    """', nearest is X' for a name that is unknown, or all that are known where few are and none is near."""
    names = [str(each) for each in known]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f", nearest: {', '.join(near)}"
    return f", known: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else ", there is none"
