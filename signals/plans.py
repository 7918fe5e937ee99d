"""Timing plans: cycle, splits, offset, stage sequence, and the time of day at which each begins.

A split is the stage's green and the interstage after it, as in the Signal Timing Manual; the offset is the time
after midnight, modulo the cycle, at which the first stage's green begins.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, model_validator

from signals.errors import ConfigError
from signals.intersection import Frozen, first_error

DAY_S = 86_400


class Split(Frozen):
    """A stage's share of the cycle: its green and the interstage after it."""

    stage: str
    split_s: Annotated[float, Field(gt=0, le=DAY_S)]


class TimingPlan(Frozen):
    """One plan of one intersection, in force from a time of day until the next one's."""

    intersection: str
    splits: Annotated[tuple[Split, ...], Field(min_length=1)]
    offset_s: Annotated[float, Field(ge=0, le=DAY_S)] = 0.0
    from_s: Annotated[float, Field(ge=0, lt=DAY_S)] = 0.0

    @property
    def cycle_s(self) -> float:
        """The splits' sum."""
        return sum(s.split_s for s in self.splits)


class PlanFile(Frozen):
    """All plans of some intersections, as a file holds them."""

    plan: tuple[TimingPlan, ...]
    untold: dict[str, str] = Field(default_factory=dict)
    """Intersections whose existing plan cannot be told in stages, and why."""

    @model_validator(mode="after")
    def _one_at_a_time(self) -> PlanFile:
        seen: set[tuple[str, float]] = set()
        for plan in self.plan:
            key = plan.intersection, plan.from_s
            if key in seen:
                raise ValueError(f"intersection {plan.intersection}: two plans from {plan.from_s:g} s")
            seen.add(key)
        return self

    def of(self, intersection: str) -> tuple[TimingPlan, ...]:
        """The plans of one intersection by time of day; empty where the file has none."""
        return tuple(sorted((p for p in self.plan if p.intersection == intersection), key=lambda p: p.from_s))

    @property
    def digest(self) -> str:
        """sha256 over all plans."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def load(path: Path) -> PlanFile:
    """Read a plan file (TOML, `[[plan]]` tables). Raises `ConfigError` naming the file, the key and the bound."""
    try:
        return PlanFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_error(error)}") from error


def dump(plans: PlanFile) -> str:
    """A plan file's text."""
    lines: list[str] = []
    for plan in plans.plan:
        lines += ["[[plan]]", f'intersection = "{plan.intersection}"', f"offset_s = {plan.offset_s:g}"]
        lines += [f"from_s = {plan.from_s:g}", "splits = ["]
        lines += [f'    {{ stage = "{s.stage}", split_s = {s.split_s:g} }},' for s in plan.splits]
        lines += ["]", ""]
    return "\n".join(lines)
