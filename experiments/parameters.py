"""A controller's settings as numbers to search over: which fields, between which bounds, on which scale."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from signals.errors import ConfigError
from signals.intersection import Frozen
from signals.overrides import nearest

DECADES = 100.0
"""Bounds that are at least this many times apart are searched on a logarithmic scale."""
DIGITS = 4
"""A setting is tried as it is written: with so many significant digits."""


@dataclass(frozen=True)
class Parameter:
    """One field of a settings model; a share from 0 to 1 stands for its way from the least value to the greatest."""

    name: str
    low: float
    high: float
    start: float
    whole: bool
    description: str

    @property
    def logarithmic(self) -> bool:
        """Whether the bounds span decades."""
        return self.low > 0 and self.high / self.low >= DECADES

    def value(self, share: float) -> float:
        """The setting at a share of the way, rounded as it will be written."""
        if self.logarithmic:
            exact = self.low * (self.high / self.low) ** share
        else:
            exact = self.low + share * (self.high - self.low)
        rounded = round(exact) if self.whole else float(f"{exact:.{DIGITS}g}")
        return min(max(rounded, self.low), self.high)

    def share(self, value: float) -> float:
        """Where a setting stands between the bounds."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def parameters(start: Frozen, chosen: Sequence[str] = ()) -> tuple[Parameter, ...]:
    """The numeric fields of a settings model, or those chosen, which start where `start` has them.

    Raises `ConfigError` for a name that is no numeric field, and for one without bounds.
    """
    fields = {name: field for name, field in type(start).model_fields.items() if field.annotation in (float, int)}
    for name in chosen:
        if name not in fields:
            raise ConfigError(f"parameter {name}: unknown{nearest(name, fields)}")
    names = [name for name in fields if not chosen or name in chosen]
    return tuple(_parameter(name, fields[name], getattr(start, name)) for name in names)


def _parameter(name: str, field: FieldInfo, start: float) -> Parameter:
    bounds = {key: float(getattr(each, key)) for each in field.metadata for key in ("ge", "le") if hasattr(each, key)}
    if len(bounds) < 2:
        raise ConfigError(f"parameter {name}: has no bounds, must have ge and le")
    return Parameter(name, bounds["ge"], bounds["le"], start, field.annotation is int, field.description or "")


def settings_text(settings: Frozen, about: Sequence[str] = ()) -> str:
    """Settings as TOML, each under its description; `about` is said in comments at the top."""
    lines = [f"# {line}".rstrip() for line in about]
    for name, field in type(settings).model_fields.items():
        lines += ["", *([f"# {field.description}"] if field.description else []), _line(name, getattr(settings, name))]
    return "\n".join(lines).lstrip("\n") + "\n"


def _line(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{name} = {str(value).lower()}"
    return f"{name} = {value!r}" if isinstance(value, float | int) else f"{name} = {json.dumps(value)}"


def changed(settings: Frozen, values: Mapping[str, float]) -> Frozen:
    """The settings with other values, checked anew. Raises `ValidationError` where they do not go together."""
    return type(settings).model_validate({**settings.model_dump(), **values})
