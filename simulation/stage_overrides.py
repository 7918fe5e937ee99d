"""Overrides of what is green together: stages, the conflicts between signal groups, and the interstages that remain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from signals.errors import ConfigError
from signals.intersection import Conflict, Intersection, Interstage, Phase, Stage
from signals.overrides import ConflictOverride, IntersectionOverride, StageOverride
from simulation.override_draft import Draft

LISTS = ("green", "permissive", "turn_on_red")
STRICTNESS = ("compatible", "yielding", "prohibited")


def stages(draft: Draft, override: IntersectionOverride, phases: Sequence[Phase]) -> tuple[Stage, ...]:
    """The stages that remain, in the plan's order, and the new ones where they say."""
    found = {s.name: s for s in draft.before.stages}
    behind: list[tuple[str, str | None]] = []
    for name, given in override.stages.items():
        if name not in found and given.green is None:
            draft.check_known("stage (a new one needs green)", name, found)
        if given.remove:
            draft.check_known("stage", name, found)
            draft.reshaped.add(name)
            del found[name]
        elif name in found:
            found[name] = _amended(draft, found[name], given)
        else:
            found[name] = _new(draft, name, given, phases)
            behind.append((name, given.after))
    ordered = list(found)
    for name, after in behind:
        if after is not None:
            draft.check_known(f"stage {name}: after: stage", after, found)
            ordered.remove(name)
            ordered.insert(ordered.index(after) + 1, name)
    return tuple(found[name] for name in ordered)


def _amended(draft: Draft, stage: Stage, given: StageOverride) -> Stage:
    path = f"stages.{stage.name}"
    changed: dict[str, Any] = {}
    if given.minimum_green_s is not None and given.minimum_green_s != stage.minimum_green_s:
        changed["minimum_green_s"] = given.minimum_green_s
        draft.mark(f"{path}.minimum_green_s", given.because)
    shape = _shape(draft, stage.name, _lists(draft.before, stage), given)
    if shape != _lists(draft.before, stage):
        changed |= _as_fields(draft, stage.name, shape)
        draft.mark(path, given.because)
        draft.reshaped.add(stage.name)
    if given.name is not None and given.name != stage.name:
        changed["name"] = draft.renamed[stage.name] = given.name
        draft.mark(path, given.because)
        _rename_sources(draft, stage.name, given.name)
    return stage.model_copy(update=changed)


def _rename_sources(draft: Draft, old: str, new: str) -> None:
    """Sources follow the stage: `stages.A.minimum_green_s`, `interstages.A.B`."""
    for path in list(draft.sources):
        kind, *names = path.split(".")
        if kind in ("stages", "interstages") and old in names:
            draft.sources[".".join([kind, *(new if n == old else n for n in names)])] = draft.sources.pop(path)


def _new(draft: Draft, name: str, given: StageOverride, phases: Sequence[Phase]) -> Stage:
    shape = _as_fields(draft, name, _shape(draft, name, dict.fromkeys(LISTS, ()), given))
    minimum_s = given.minimum_green_s
    if minimum_s is None:
        minimum_s = max(p.minimum_green_s for p in phases if p.number in shape["phases"])
    draft.mark(f"stages.{name}", given.because)
    draft.mark(f"stages.{name}.minimum_green_s", given.because)
    return Stage(name=name, minimum_green_s=minimum_s, **shape)


def _lists(intersection: Intersection, stage: Stage) -> dict[str, tuple[str, ...]]:
    green = tuple(g for g in intersection.green_groups(stage) if g not in stage.permissive)
    return {"green": green, "permissive": stage.permissive, "turn_on_red": stage.turn_on_red}


def _shape(
    draft: Draft, name: str, present: dict[str, tuple[str, ...]], given: StageOverride
) -> dict[str, tuple[str, ...]]:
    """Each group in one list at most, in the order of the signal groups."""
    order = [g.id for g in draft.before.signal_groups]
    wanted = {key: getattr(given, key) for key in LISTS if getattr(given, key) is not None}
    named = [g for groups in wanted.values() for g in groups]
    for group in named:
        draft.check_known(f"stage {name}: signal group", group, order)
        if named.count(group) > 1:
            raise ConfigError(f"{draft.where}: stage {name}: signal group {group} is named twice, must be once")
    kept = {key: tuple(g for g in groups if g not in named) for key, groups in present.items()}
    return {key: tuple(sorted(wanted.get(key, kept[key]), key=order.index)) for key in LISTS}


def _as_fields(draft: Draft, name: str, shape: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    green = {*shape["green"], *shape["permissive"]}
    numbers = []
    for phase in draft.before.phases:
        of_phase = set(phase.signal_groups)
        if of_phase <= green:
            numbers.append(phase.number)
        elif of_phase & green:
            together = " ".join(phase.signal_groups)
            raise ConfigError(f"{draft.where}: stage {name}: signal groups {together} are one phase, all or none green")
    if not numbers:
        raise ConfigError(f"{draft.where}: stage {name}: 0 signal groups are green, must be at least 1")
    return {"phases": tuple(numbers), "permissive": shape["permissive"], "turn_on_red": shape["turn_on_red"]}


def conflicts(draft: Draft, override: IntersectionOverride, made: Sequence[Stage]) -> tuple[Conflict, ...]:
    """Every pair's value; a pair yields only in stages that still show both."""
    greens = {s.name: set(draft.before.green_groups(s)) for s in made}
    found = {}
    for conflict in draft.before.conflicts:
        pair = frozenset((conflict.first, conflict.second))
        names = (draft.renamed.get(n, n) for n in conflict.yielding_in)
        together = tuple(n for n in names if pair <= greens.get(n, set()))
        found[pair] = conflict.model_copy(update={"yielding_in": together})
    for given in override.conflicts:
        _lay_conflict(draft, given, found, greens)
    return tuple(found.values())


def _lay_conflict(
    draft: Draft, given: ConflictOverride, found: dict[frozenset[str], Conflict], greens: dict[str, set[str]]
) -> None:
    order = [g.id for g in draft.before.signal_groups]
    for group in given.groups:
        draft.check_known("conflicts: signal group", group, order)
    for name in given.stages:
        draft.check_known("conflicts: stage", name, greens)
    pair, path = frozenset(given.groups), f"conflicts.{'.'.join(sorted(given.groups, key=order.index))}"
    if len(pair) != 2:
        raise ConfigError(f"{draft.where}: {path}: 1 signal group, must be 2")
    if (given.value == "yielding") != bool(given.stages):
        raise ConfigError(
            f"{draft.where}: {path}: stages = {list(given.stages)}, must be given where yielding, only there"
        )
    before = found.get(pair)
    if (given.value, set(given.stages)) == (_value(before), set(before.yielding_in) if before else set()):
        return
    if _looser(before, given):
        said = f"{given.value} instead of {_value(before)}"
        draft.excuse(path, f"{path}: {given.value}, must be {_value(before)} as the plan has it", said, given.because)
    else:
        draft.tightened.add(pair)
    draft.mark(path, given.because)
    found.pop(pair, None)
    if given.value != "compatible":
        first, second = sorted(given.groups, key=order.index)
        found[pair] = Conflict(first=first, second=second, yielding_in=given.stages)


def _value(conflict: Conflict | None) -> str:
    if conflict is None:
        return "compatible"
    return "yielding" if conflict.yielding_in else "prohibited"


def _looser(before: Conflict | None, given: ConflictOverride) -> bool:
    if before is None:
        return False
    more_stages = given.value == "yielding" and not set(given.stages) <= set(before.yielding_in)
    return more_stages or STRICTNESS.index(given.value) < STRICTNESS.index(_value(before))


def interstages(draft: Draft) -> tuple[Interstage, ...]:
    """The plan's own, less those that show something an override has changed; for these the times' rule holds."""
    kept = []
    for interstage in draft.before.interstages:
        ends = [draft.renamed.get(name, name) for name in (interstage.start, interstage.end)]
        if _fits(draft, interstage):
            kept.append(interstage.model_copy(update={"start": ends[0], "end": ends[1]}))
        else:
            draft.sources[".".join(("interstages", *ends))] = f"from the times, after an override in {draft.file.name}"
    return tuple(kept)


def _fits(draft: Draft, interstage: Interstage) -> bool:
    if draft.reshaped & {interstage.start, interstage.end}:
        return False
    shown = {s.name: set(draft.before.green_groups(s)) for s in draft.before.stages}
    ending = shown[interstage.start] - shown[interstage.end]
    beginning = shown[interstage.end] - shown[interstage.start]
    crossing = any(pair & ending and pair & beginning for pair in draft.tightened)
    return not (draft.retimed & ending or crossing)
