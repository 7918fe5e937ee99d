"""What is built at a junction: lanes, heads, phases, stages and loops, as the street has them.

Everything here is configuration: frozen, checked when it is made, and unable to hold an unknown key. The words
follow the Signal Timing Manual (2nd ed., NCHRP 812) and the HCM; see the glossary in the README.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from signals.errors import ConfigError

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Metres = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


class Aspect(IntEnum):
    """What a signal group shows. `TURN_ON_RED` is red with leave to turn after a stop."""

    UNKNOWN = -1
    RED = 0
    RED_YELLOW = 1
    YELLOW = 2
    TURN_ON_RED = 3
    PERMISSIVE = 4
    GREEN = 5
    DARK = 6


class Frozen(BaseModel):
    """A piece of configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Detector(Frozen):
    """A loop in one lane; `setback_m` is from the stop line to its downstream edge, `position_m` from its lane's start.

    An advance loop upstream of a fan of short lanes feeds several lane groups.
    """

    id: str
    kind: Literal["stop_line", "advance"]
    lane: str
    lane_groups: Annotated[tuple[str, ...], Field(min_length=1)]
    setback_m: Metres
    position_m: Metres
    length_m: Annotated[float, Field(gt=0, le=50)]


class LaneGroup(Frozen):
    """Lanes of one approach that serve the same signal groups (HCM lane group), or a crossing.

    `button`: who waits here calls by a push button, or a loop that latches as one does; the plant latches the call of
    its signal groups until they are green. Where neither button nor loop watches, the lane group is on recall.
    """

    id: str
    approach: str
    lanes: Annotated[tuple[str, ...], Field(min_length=1)]
    signal_groups: Annotated[tuple[str, ...], Field(min_length=1)]
    exits: tuple[str, ...]
    length_m: Metres
    speed_m_per_s: Annotated[float, Field(gt=0, le=70)]
    saturation_flow_veh_per_h: Annotated[float, Field(gt=0, le=20_000)]
    button: bool = False


class Movement(Frozen):
    """One turn from an approach to an exit."""

    id: str
    approach: str
    exit: str
    turn: Literal["left", "through", "right", "u-turn", "crossing"]
    lane_group: str
    signal_group: str


class SignalGroup(Frozen):
    """Heads that always show the same aspect."""

    id: str
    kind: Literal["vehicle", "pedestrian", "bicycle", "tram"] = "vehicle"


class Phase(Frozen):
    """The timing unit that gives movements right of way (NEMA): its signal groups and its times."""

    number: Annotated[int, Field(ge=1)]
    signal_groups: Annotated[tuple[str, ...], Field(min_length=1)]
    minimum_green_s: Seconds
    yellow_change_s: Seconds
    red_clearance_s: Seconds


class Stage(Frozen):
    """Phases green together. `permissive` groups yield; `turn_on_red` groups may turn after a stop."""

    name: str
    phases: Annotated[tuple[int, ...], Field(min_length=1)]
    minimum_green_s: Seconds
    permissive: tuple[str, ...] = ()
    turn_on_red: tuple[str, ...] = ()


class Interval(Frozen):
    """A span in which no aspect changes; `aspects` is in the order of `Intersection.signal_groups`."""

    duration_s: Annotated[float, Field(gt=0, le=3600)]
    aspects: tuple[Aspect, ...]


class Interstage(Frozen):
    """The intervals by which the timing sheet itself goes from one stage to another."""

    start: str
    end: str
    intervals: tuple[Interval, ...]


class Conflict(Frozen):
    """Two signal groups whose paths cross: prohibited together, except yielding in the stages named.

    A pair that is in no `Conflict` is compatible.
    """

    first: str
    second: str
    yielding_in: tuple[str, ...] = ()


class Neighbour(Frozen):
    """An exit of ours that is an approach of the next controlled junction."""

    exit: str
    intersection: str
    approach: str
    distance_m: Metres
    travel_time_s: Seconds


class Intersection(Frozen):
    """One signal-controlled junction, or several under one controller, whole and consistent."""

    id: str
    lane_groups: Annotated[tuple[LaneGroup, ...], Field(min_length=1)]
    movements: Annotated[tuple[Movement, ...], Field(min_length=1)]
    signal_groups: Annotated[tuple[SignalGroup, ...], Field(min_length=1)]
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    conflicts: tuple[Conflict, ...] = ()
    interstages: tuple[Interstage, ...] = ()
    detectors: tuple[Detector, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    exit_lengths_m: dict[str, float] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Intersection:
        groups = _unique(self.id, "signal group", (g.id for g in self.signal_groups))
        lanes = _unique(self.id, "lane group", (g.id for g in self.lane_groups))
        phases = _unique(self.id, "phase", (p.number for p in self.phases))
        stages = _unique(self.id, "stage", (s.name for s in self.stages))
        _unique(self.id, "detector", (d.id for d in self.detectors))
        for phase in self.phases:
            _known(self.id, f"phase {phase.number}", "signal group", phase.signal_groups, groups)
        timed = _unique(self.id, "phase of signal group", (g for p in self.phases for g in p.signal_groups))
        _known(self.id, "phases", "phase for signal group", groups, timed)
        for stage in self.stages:
            _known(self.id, f"stage {stage.name}", "phase", stage.phases, phases)
            _known(self.id, f"stage {stage.name}", "signal group", stage.permissive + stage.turn_on_red, groups)
        for lane_group in self.lane_groups:
            _known(self.id, f"lane group {lane_group.id}", "signal group", lane_group.signal_groups, groups)
        for movement in self.movements:
            _known(self.id, f"movement {movement.id}", "signal group", (movement.signal_group,), groups)
        for detector in self.detectors:
            _known(self.id, f"detector {detector.id}", "lane group", detector.lane_groups, lanes)
        for conflict in self.conflicts:
            pair = (conflict.first, conflict.second)
            _known(self.id, "conflict", "signal group", pair, groups)
            _known(self.id, f"conflict {pair}", "stage", conflict.yielding_in, stages)
        self._check_interstages(stages)
        self._check_stages()
        return self

    def _check_interstages(self, stages: set[object]) -> None:
        for interstage in self.interstages:
            name = f"interstage {interstage.start}-{interstage.end}"
            _known(self.id, name, "stage", (interstage.start, interstage.end), stages)
            for interval in interstage.intervals:
                if len(interval.aspects) != len(self.signal_groups):
                    raise ValueError(
                        f"{self.id}: {name}: {len(interval.aspects)} aspects, must be {len(self.signal_groups)}"
                    )

    def _check_stages(self) -> None:
        prohibited = {(c.first, c.second): set(c.yielding_in) for c in self.conflicts}
        for stage in self.stages:
            green = self.green_groups(stage)
            for pair, yielding in prohibited.items():
                if pair[0] in green and pair[1] in green and stage.name not in yielding:
                    raise ValueError(f"{self.id}: stage {stage.name}: groups {pair[0]} and {pair[1]} conflict")

    def green_groups(self, stage: Stage) -> tuple[str, ...]:
        """The signal groups that a stage shows green, permissive ones included."""
        numbers = set(stage.phases)
        return tuple(g for p in self.phases if p.number in numbers for g in p.signal_groups)

    def stage_aspects(self, stage: Stage) -> tuple[Aspect, ...]:
        """What every signal group shows in a stage, in the order of `signal_groups`."""
        green = set(self.green_groups(stage))

        def aspect(group: str) -> Aspect:
            if group in green:
                return Aspect.PERMISSIVE if group in stage.permissive else Aspect.GREEN
            return Aspect.TURN_ON_RED if group in stage.turn_on_red else Aspect.RED

        return tuple(aspect(g.id) for g in self.signal_groups)

    def phase_of(self, signal_group: str) -> Phase:
        """The phase that times a signal group."""
        return next(p for p in self.phases if signal_group in p.signal_groups)

    @property
    def digest(self) -> str:
        """sha256 over the whole description: two junctions with one digest are timed and measured alike."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def detector_digest(self) -> str:
        """sha256 over the loops alone."""
        text = "\n".join(d.model_dump_json() for d in self.detectors)
        return hashlib.sha256(text.encode()).hexdigest()


def load(path: Path) -> Intersection:
    """Read one intersection from TOML. Raises `ConfigError` with the file, the key and the bound."""
    try:
        return Intersection.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_error(error)}") from error


def first_error(error: ValidationError) -> str:
    """The first finding of pydantic in one line: where, what, and the value that was given."""
    finding = error.errors()[0]
    where = ".".join(str(part) for part in finding["loc"])
    given = "" if isinstance(finding["input"], dict | BaseModel) else f" (given: {finding['input']!r})"
    return f"{where}: {finding['msg']}{given}" if where else f"{finding['msg']}{given}"


def _unique(owner: str, what: str, names: Iterable[object]) -> set[object]:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{owner}: {what} {name} appears twice")
        seen.add(name)
    return seen


def _known(owner: str, user: str, what: str, names: Iterable[object], known: set[object]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{owner}: {user}: unknown {what} {name}")
