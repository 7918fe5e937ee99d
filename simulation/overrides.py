"""A network read with an engineer's overrides laid over it; `simulation.override_text` writes such a file.

The street's own rows stay what they are: `existing` drives raw SUMO, and a plan's interstage is kept only where no
override touches what it shows. Where one does, the interstage is derived from the times (`signals.sequencer`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scenarios.xml_files import elements
from signals.errors import ConfigError
from signals.intersection import Detector, Intersection, LaneGroup, Neighbour, Phase, first_error
from signals.overrides import DetectorOverride, IntersectionOverride, OverrideFile, load, nearest
from signals.plans import PlanFile, TimingPlan
from simulation.network import Network, Overrides, read
from simulation.override_draft import Draft
from simulation.stage_overrides import conflicts, interstages, stages

LOWEST_YELLOW_S = 3.0
"""MUTCD 2009, 4D.26: a yellow change has 3 to 6 s."""


@lru_cache(maxsize=8)
def read_network(net_file: Path, additional_files: tuple[Path, ...] = (), files: tuple[Path, ...] = ()) -> Network:
    """Read a network and lay the files over it, later ones over earlier ones. Raises `ConfigError`."""
    network = own = read(net_file, additional_files)
    for path in files:
        network = _laid_over(network, own, load(path), net_file)
    return network if not files else replace(network, overrides=_account(network, own, files))


def _account(network: Network, own: Network, files: tuple[Path, ...]) -> Overrides:
    """Equal digests mean equal junctions, whatever the files are called; none where nothing is other than read."""
    pairs = zip(network.intersections, own.intersections, strict=True)
    changed = [after.digest for after, before in pairs if after != before]
    digest = hashlib.sha256("\n".join(changed).encode()).hexdigest() if changed else ""
    return Overrides(files, digest, network.overrides.less_safe)


def _laid_over(network: Network, own: Network, file: OverrideFile, net_file: Path) -> Network:
    found, as_read = {i.id: i for i in network.intersections}, {i.id: i for i in own.intersections}
    sources, renamed = {k: dict(v) for k, v in network.sources.items()}, dict[str, dict[str, str]]()
    less_safe = {k: dict(v) for k, v in network.overrides.less_safe.items()}
    street = _Street({i.id: _approaches(i) for i in network.intersections}, net_file)
    for name, override in file.junctions.items():
        if name in network.left_alone:
            raise ConfigError(f"{file.path}: {name} keeps its own plan, nothing there to override")
        if name not in found:
            raise ConfigError(f"{file.path}: unknown junction {name}{nearest(name, found)}")
        draft = Draft(file.path, as_read[name], found[name], sources.get(name, {}), less_safe.get(name, {}))
        found[name] = _intersection(draft, override, street)
        sources[name], less_safe[name], renamed[name] = draft.sources, draft.less_safe, draft.renamed
    return replace(
        network,
        intersections=tuple(found.values()),
        plans=_plans(network.plans, renamed),
        sources=sources,
        overrides=replace(network.overrides, less_safe={k: v for k, v in less_safe.items() if v}),
    )


@dataclass(frozen=True)
class _Street:
    """What an override may refer to beyond its own junction."""

    approaches: Mapping[str, set[str]]
    net_file: Path

    @property
    def lane_lengths_m(self) -> dict[str, float]:
        return _lane_lengths_m(self.net_file)


@lru_cache(maxsize=8)
def _lane_lengths_m(net_file: Path) -> dict[str, float]:
    return {lane.get("id", ""): float(lane.get("length", 0)) for lane in elements(net_file, "lane")}


def _approaches(intersection: Intersection) -> set[str]:
    return {g.approach for g in intersection.lane_groups}


def _plans(plans: PlanFile, renamed: Mapping[str, Mapping[str, str]]) -> PlanFile:
    """The same plans with the stages' new names; a stage that was removed stays, and `fixed-time` refuses the plan."""
    return plans.model_copy(update={"plan": tuple(_renamed(p, renamed.get(p.intersection, {})) for p in plans.plan)})


def _renamed(plan: TimingPlan, names: Mapping[str, str]) -> TimingPlan:
    splits = (split.model_copy(update={"stage": names.get(split.stage, split.stage)}) for split in plan.splits)
    return plan.model_copy(update={"splits": tuple(splits)})


def _intersection(draft: Draft, override: IntersectionOverride, street: _Street) -> Intersection:
    before = draft.before
    changed: dict[str, Any] = {"phases": _phases(draft, override)}
    changed["stages"] = stages(draft, override, changed["phases"])
    changed["conflicts"] = conflicts(draft, override, changed["stages"])
    changed["interstages"] = interstages(draft)
    changed["lane_groups"] = _lane_groups(draft, override)
    changed["detectors"] = _detectors(draft, override, street)
    changed["neighbours"] = _neighbours(draft, override, street)
    try:
        made = Intersection(**{name: getattr(before, name) for name in Intersection.model_fields} | changed)
    except ValidationError as error:
        raise ConfigError(f"{draft.file}: {first_error(error).removeprefix('Value error, ')}") from error
    _check_served(draft, made)
    return made


def _check_served(draft: Draft, made: Intersection) -> None:
    lost = _ever_green(draft.before) - _ever_green(made)
    for group in made.signal_groups:
        if group.id in lost:
            raise ConfigError(f"{draft.where}: signal group {group.id} is green in 0 stages, must be in at least 1")


def _ever_green(intersection: Intersection) -> set[str]:
    return {g for stage in intersection.stages for g in intersection.green_groups(stage)}


def _phases(draft: Draft, override: IntersectionOverride) -> tuple[Phase, ...]:
    phases, planned_phases = ({str(p.number): p for p in i.phases} for i in (draft.before, draft.read))
    on_foot = {g.id for g in draft.before.signal_groups if g.kind == "pedestrian"}
    for number, given in override.phases.items():
        draft.check_known("phase", number, phases)
        phase, name = phases[number], f"phases.{number}"
        walked = on_foot.issuperset(phase.signal_groups)
        values = draft.given(name, phase, given, because=given.because)
        planned = planned_phases[number]
        yellow_s = planned.yellow_change_s if walked else max(planned.yellow_change_s, LOWEST_YELLOW_S)
        draft.guard(name, "yellow_change_s", values, yellow_s, given.because)
        draft.guard(name, "red_clearance_s", values, planned.red_clearance_s, given.because)
        if walked:
            draft.guard(name, "minimum_green_s", values, planned.minimum_green_s, given.because)
        if values.keys() & {"yellow_change_s", "red_clearance_s"}:
            draft.retimed.update(phase.signal_groups)
        phases[number] = phase.model_copy(update=values)
    return tuple(phases.values())


def _lane_groups(draft: Draft, override: IntersectionOverride) -> tuple[LaneGroup, ...]:
    groups = {g.id: g for g in draft.before.lane_groups}
    for name, given in override.lane_groups.items():
        draft.check_known("lane group", name, groups)
        groups[name] = groups[name].model_copy(update=draft.given(f"lane_groups.{name}", groups[name], given))
    return tuple(groups.values())


def _detectors(draft: Draft, override: IntersectionOverride, street: _Street) -> tuple[Detector, ...]:
    loops = {d.id: d for d in draft.before.detectors}
    for name, given in override.detectors.items():
        if name not in loops and (given.lane is None or given.kind is None):
            draft.check_known("detector (a new one needs kind and lane)", name, loops)
        if given.remove:
            draft.check_known("detector", name, loops)
            del loops[name]
            continue
        values = given.model_dump(exclude={"remove"}, exclude_none=True)
        before = loops.get(name)
        if before is None or any(getattr(before, key) != value for key, value in values.items()):
            loops[name] = _detector(draft, name, before, given, street)
            draft.mark(f"detectors.{name}")
    return tuple(loops.values())


def _detector(draft: Draft, name: str, before: Detector | None, given: DetectorOverride, street: _Street) -> Detector:
    lane = given.lane or (before.lane if before else "")
    if lane not in street.lane_lengths_m:
        raise ConfigError(f"{draft.where}: detector {name}: unknown lane {lane}{nearest(lane, _lanes(draft.before))}")
    length_m = given.length_m or (before.length_m if before else 2.0)
    groups = given.lane_groups or _watched(draft.before, lane) or (before.lane_groups if before else ())
    if not groups:
        raise ConfigError(f"{draft.where}: detector {name}: lane_groups is missing, lane {lane} is in no lane group")
    setback_m, position_m = _place(draft, name, before, given, street.lane_lengths_m[lane], length_m)
    kind = given.kind or (before.kind if before else "advance")
    return Detector(
        id=name, kind=kind, lane=lane, lane_groups=groups, setback_m=setback_m, position_m=position_m, length_m=length_m
    )


def _watched(intersection: Intersection, lane: str) -> tuple[str, ...]:
    return tuple(g.id for g in intersection.lane_groups if lane in g.lanes)


def _lanes(intersection: Intersection) -> list[str]:
    return [lane for g in intersection.lane_groups for lane in g.lanes]


def _place(
    draft: Draft, name: str, before: Detector | None, given: DetectorOverride, lane_m: float, length_m: float
) -> tuple[float, float]:
    """Setback and position; one follows from the other, across the lanes that lie between loop and stop line."""
    below_m = 0.0
    if before is not None and given.lane in (None, before.lane):
        below_m = before.setback_m + before.position_m + before.length_m - lane_m
    setback_m, position_m = given.setback_m, given.position_m
    if setback_m is None and position_m is None and before is not None and given.lane in (None, before.lane):
        setback_m = before.setback_m
    elif setback_m is None and position_m is None:
        raise ConfigError(f"{draft.where}: detector {name}: setback_m or position_m is missing")
    if setback_m is None:
        assert position_m is not None
        setback_m = lane_m + below_m - position_m - length_m
    elif position_m is None:
        position_m = lane_m + below_m - setback_m - length_m
    if setback_m < 0 or not 0 <= position_m <= lane_m - length_m + 0.01:
        at = f"position_m = {position_m:g}, setback_m = {setback_m:g}"
        raise ConfigError(f"{draft.where}: detector {name}: {at}, must lie within its lane of {lane_m:g} m")
    return setback_m, position_m


def _neighbours(draft: Draft, override: IntersectionOverride, street: _Street) -> tuple[Neighbour, ...]:
    found, exits = {n.exit: n for n in draft.before.neighbours}, draft.before.exit_lengths_m
    for exit_edge, given in override.neighbours.items():
        draft.check_known("exit", exit_edge, exits)
        if given.remove:
            found.pop(exit_edge, None)
            draft.mark(f"neighbours.{exit_edge}")
            continue
        values = {"exit": exit_edge} | (found[exit_edge].model_dump() if exit_edge in found else {})
        values |= given.model_dump(exclude={"remove"}, exclude_none=True)
        draft.check_known(f"exit {exit_edge}: intersection", str(values.get("intersection")), street.approaches)
        approaches = street.approaches[values["intersection"]]
        draft.check_known(f"exit {exit_edge}: approach", str(values.get("approach")), sorted(approaches))
        try:
            made = Neighbour(**values)
        except ValidationError as error:
            raise ConfigError(f"{draft.where}: neighbours.{exit_edge}: {first_error(error)}") from error
        if made != found.get(exit_edge):
            draft.mark(f"neighbours.{exit_edge}")
        found[exit_edge] = made
    return tuple(found.values())
