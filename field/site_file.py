"""Site files read and checked against the junction that they name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from field.policy import check_policy
from field.site import Site
from signals import intersection as intersections
from signals import plans
from signals.controllers import check_controller
from signals.errors import ConfigError
from signals.intersection import Intersection, first_error
from signals.plans import PlanFile


def load(path: Path) -> Site:
    """Read one site file. Raises `ConfigError` with the file, the key and the bound."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        site = Site.model_validate(values, context={"folder": path.parent.absolute()})
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_error(error)}") from error
    try:
        check_controller(site.controller)
        check_policy(site)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return site


def built(site: Site) -> tuple[Intersection, PlanFile]:
    """The site's junction and the plans that come with it, with all that the site names of it. Raises `ConfigError`."""
    source = site.intersection
    if source.file is not None:
        intersection = intersections.load(source.file)
        existing = plans.load(source.plans) if source.plans else PlanFile(plan=())
    else:
        from field.street import scenario_junction  # only a scenario needs the simulation's packages

        intersection, existing = scenario_junction(str(source.scenario), str(source.junction))
    _check(site, intersection)
    return intersection, existing


def _check(site: Site, intersection: Intersection) -> None:
    phases = [p.number for p in intersection.phases]
    loops = [d.id for d in intersection.detectors]
    stages = [s.name for s in intersection.stages]
    cabinet = site.cabinet
    _known(site, intersection, "cabinet.phases: phase", cabinet.phases, phases)
    _known(site, intersection, "cabinet.detectors: detector", (d.id for d in cabinet.detectors), loops)
    _known(site, intersection, "phase_limits: phase", (x.phase for x in site.phase_limits), phases)
    _known(site, intersection, "patterns: stage", (s for p in site.patterns for s in p.shares), stages)
    theirs = [cabinet.phases.get(number, number) for number in phases]
    for number in theirs:
        if theirs.count(number) > 1:
            raise ConfigError(f"site {site.name}: cabinet.phases: phase {number} of the cabinet is two of ours")


def _known(site: Site, intersection: Intersection, what: str, named: Iterable[Any], there: list[Any]) -> None:
    for value in named:
        if value not in there:
            raise ConfigError(
                f"site {site.name}: {what} {value}: not in intersection {intersection.id}, "
                f"must be one of {', '.join(map(str, there))}"
            )


def schema() -> dict[str, Any]:
    """The JSON Schema of a site file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Site.model_json_schema()}
