"""One junction while a file's tables are laid over it: what it was, what has changed, and who says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signals.errors import ConfigError
from signals.intersection import Frozen, Intersection
from signals.overrides import nearest

PROTOCOL = "shorter than the comparison protocol allows an adaptive controller"


@dataclass
class Draft:
    """Collects a junction's sources and warnings, and what its plan's own interstages no longer fit."""

    file: Path
    read: Intersection
    """As the network has it."""
    before: Intersection
    """As earlier files left it."""
    sources: dict[str, str]
    less_safe: dict[str, str]
    retimed: set[str] = field(default_factory=set)
    """Signal groups with another yellow change or red clearance."""
    reshaped: set[str] = field(default_factory=set)
    """Stages that show something else, by their old names."""
    tightened: set[frozenset[str]] = field(default_factory=set)
    """Pairs of signal groups that may no longer be green together."""
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"{self.file}: {self.before.id}"

    def check_known(self, what: str, name: str, known: Iterable[object]) -> None:
        """Raise `ConfigError` with the nearest known names."""
        names = [str(each) for each in known]
        if name not in names:
            raise ConfigError(f"{self.where}: unknown {what} {name}{nearest(name, names)}")

    def mark(self, path: str, because: str | None = None) -> None:
        """From now on the file is where this value comes from."""
        self.sources[path] = f"override in {self.file.name}" + (f": {because}" if because else "")

    def given(self, name: str, present: Frozen, override: Frozen, because: str | None = None) -> dict[str, Any]:
        """The values that an override changes, each marked; what is as it was stays with its own source."""
        values = override.model_dump(exclude={"because"}, exclude_none=True)
        changed = {key: value for key, value in values.items() if getattr(present, key) != value}
        for key in changed:
            self.mark(f"{name}.{key}", because)
        return changed

    def guard(self, name: str, key: str, values: Mapping[str, Any], planned: float, because: str | None) -> None:
        """A time below what it has to be needs a reason, and is told wherever the junction is."""
        path = f"{name}.{key}"
        if key not in values:
            return
        self.less_safe.pop(path, None)
        if values[key] < planned:
            bound = f"{path}: {values[key]:g}, must be at least {planned:g}"
            self.excuse(path, bound, f"{values[key]:g} s instead of {planned:g} s, {PROTOCOL}", because)

    def excuse(self, path: str, bound: str, said: str, because: str | None) -> None:
        """Keep a less safe value with its reason, or refuse it without one."""
        if because is None:
            raise ConfigError(f'{self.where}: {bound} unless the table says why (because = "...")')
        self.less_safe[path] = f"{self.before.id}: {path}: {said}: {because}"
