"""An own scenario's source: streets, stop lines and signal plans in the traffic engineer's words."""

import math
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from signals.errors import ConfigError

RIGHT, STRAIGHT, LEFT = "r", "s", "l"
STRAIGHT_WITHIN_DEG = 45.0


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Street(_Source):
    """One direction of a street; `lanes` are the turns of each lane at the stop line, from the right.

    Where no signal follows it is the bare number of lanes.
    """

    start: str
    end: str
    lanes: tuple[str, ...] | int
    bay_m: Annotated[float, Field(ge=0)] = 0.0  # the leftmost lane exists only this far before the stop line

    @property
    def id(self) -> str:
        return f"{self.start}-{self.end}"

    @property
    def stop_line_id(self) -> str:
        """The edge that ends at the stop line: the bay's own where there is one."""
        return f"{self.id}.bay" if self.bay_m else self.id

    @property
    def lanes_at_stop_line(self) -> int:
        return self.lanes if isinstance(self.lanes, int) else len(self.lanes)

    @property
    def lanes_upstream(self) -> int:
        return self.lanes_at_stop_line - (1 if self.bay_m else 0)


class PlanStage(_Source):
    """One stage of the plan: green as `arm:turns`, blanks between, the arm named by the node that it comes from."""

    green: str
    green_s: Annotated[int, Field(ge=5)]
    yellow_s: Annotated[int, Field(ge=3)] = 3
    all_red_s: Annotated[int, Field(ge=0)] = 1

    @cached_property
    def movements(self) -> frozenset[tuple[str, str]]:
        pairs = (part.partition(":") for part in self.green.split())
        return frozenset((arm, turn) for arm, _colon, turns in pairs for turn in turns)


class SignalPlan(_Source):
    """The fixed plan of one junction; offset is when its first stage begins in the common cycle."""

    offset_s: Annotated[int, Field(ge=0)]
    stages: tuple[PlanStage, ...]

    @property
    def cycle_s(self) -> int:
        return sum(stage.green_s + stage.yellow_s + stage.all_red_s for stage in self.stages)


class Place(_Source):
    """Everything about an own scenario but its demand."""

    title: str
    begin_s: float
    end_s: float
    speed_m_per_s: float
    nodes: dict[str, tuple[float, float]]  # metres east and north
    streets: tuple[Street, ...]
    signals: dict[str, SignalPlan]

    @model_validator(mode="after")
    def _check(self) -> "Place":
        for street in self.streets:
            for node in (street.start, street.end):
                if node not in self.nodes:
                    raise ValueError(f"street {street.id}: node '{node}' is not in nodes")
            if (street.end in self.signals) == isinstance(street.lanes, int):
                raise ValueError(f"street {street.id}: lanes must be turns before a signal and a count elsewhere")
        for name, plan in self.signals.items():
            wanted = {(street.start, turn) for street in self.arriving(name) for turn in street_turns(street)}
            shown = {movement for stage in plan.stages for movement in stage.movements}
            if wanted != shown:
                odd = " ".join(f"{arm}:{turn}" for arm, turn in sorted(wanted ^ shown))
                raise ValueError(f"signal {name}: {odd} stands in its lanes or in its stages, must stand in both")
        return self

    def arriving(self, node: str) -> list[Street]:
        """Streets that end at a node, clockwise from north."""
        arriving = (street for street in self.streets if street.end == node)
        return sorted(arriving, key=lambda street: self._bearing_deg(node, street.start))

    def exits(self, street: Street) -> dict[str, Street]:
        """The street that each turn leads to."""
        found: dict[str, Street] = {}
        for out in self.streets:
            if out.start == street.end and out.end != street.start:
                turn = self._turn(street, out)
                if turn in found:
                    raise ConfigError(f"street {street.id}: {found[turn].id} and {out.id} are the same turn '{turn}'")
                found[turn] = out
        return found

    def _turn(self, street: Street, out: Street) -> str:
        heading = self._bearing_deg(street.start, street.end)
        change = (self._bearing_deg(out.start, out.end) - heading + 180.0) % 360.0 - 180.0
        if abs(change) <= STRAIGHT_WITHIN_DEG:
            return STRAIGHT
        return RIGHT if change > 0 else LEFT

    def _bearing_deg(self, origin: str, target: str) -> float:
        (x0, y0), (x1, y1) = self.nodes[origin], self.nodes[target]
        return math.degrees(math.atan2(x1 - x0, y1 - y0)) % 360.0


def street_turns(street: Street) -> Iterator[str]:
    """Every turn that some lane of the street makes, a turn once for each of its lanes."""
    if not isinstance(street.lanes, int):
        for lane in street.lanes:
            yield from lane


def read_place(path: Path) -> Place:
    """Load and check a place; the first thing that is wrong is told in one line."""
    try:
        return Place.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: {where}: {first['msg']}") from error
