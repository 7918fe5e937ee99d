"""The unit's database: phases, rings, overlaps, patterns and detectors, as an engineer would key in an intersection.

One NTCIP phase a phase of ours, by its number. Two phases are concurrent (NTCIP 1202 phaseConcurrency) if some stage
shows both protected; phases of one ring never are. A phase that no stage shows protected is not enabled: its heads are
protected/permissive displays (Signal Timing Manual, 2nd ed., ch. 4) that ride on the through phases of the stage, as
overlaps do, and its detectors call those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

from signals.errors import ConfigError
from signals.intersection import Aspect, Detector, Intersection, Phase, Stage
from signals.plans import TimingPlan

MOST_PHASES, MOST_RINGS, MOST_PATTERNS, MOST_CYCLE_S = 16, 8, 16, 255
"""Two status groups, one ringControlGroup, and cycles of one octet (NTCIP 1202 patternCycleTime)."""
PASSAGE_S = 2.5
"""Signal Timing Manual, 2nd ed., ch. 6: presence detection near the stop line, 2 to 3 s."""
MAXIMUM_SHARE, MAXIMUM_UNKNOWN_S = 1.5, 40.0
"""Maximum green as a multiple of the plan's (Signal Timing Manual, ch. 6: 1.25 to 1.5), or where there is no plan."""
RED_REVERT_S = 2.0
"""NEMA TS 2 ch. 3, red revert: the least red before the same phase is green again."""


@dataclass(frozen=True)
class PhaseTable:
    """One row of phaseTable. Of a pedestrian phase `minimum_green_s` is the walk, `clearance_s` the don't walk."""

    number: int
    ring: int
    concurrency: frozenset[int]
    signal_groups: tuple[str, ...]
    pedestrian: bool
    minimum_green_s: float
    passage_s: float
    maximum_s: float
    yellow_change_s: float
    red_clearance_s: float
    pedestrian_clear_s: float
    locking: bool
    recall: bool

    @property
    def clearance_s(self) -> float:
        """From the end of green, or of walk, until others may begin."""
        return self.pedestrian_clear_s + self.yellow_change_s + self.red_clearance_s


@dataclass(frozen=True)
class OverlapTable:
    """A permissive display: on while the vehicle phases of one of `hosts` are green; `blocks` wait for its red.

    direct: where its own phase comes next, it stays until that is green, with no yellow in between.
    """

    number: int
    hosts: frozenset[frozenset[int]]
    yellow_change_s: float
    red_clearance_s: float
    blocks: frozenset[int]
    direct: bool

    @property
    def clearance_s(self) -> float:
        """From its end until what it blocks may begin."""
        return self.yellow_change_s + self.red_clearance_s


@dataclass(frozen=True)
class Pattern:
    """A coordination pattern. `windows`: (when its force-off comes, the phases green until then), in order."""

    number: int
    cycle_s: float
    offset_s: float
    splits_s: Mapping[int, float]
    windows: tuple[tuple[float, frozenset[int]], ...]
    from_s: float


@dataclass(frozen=True)
class DetectorTable:
    """One row of vehicleDetectorTable; the last four are its diagnostics."""

    number: int
    name: str
    call_phase: int
    calls: bool
    no_activity_min: float
    max_presence_min: float
    erratic_counts_per_min: float
    fail_time_s: float


@dataclass(frozen=True)
class Tables:
    """All of it. `displays`: what the vehicle phases that are green together let yield, and let turn on red."""

    name: str
    phases: Mapping[int, PhaseTable]
    disabled: tuple[int, ...]
    overlaps: tuple[OverlapTable, ...]
    displays: Mapping[frozenset[int], tuple[frozenset[str], frozenset[str]]]
    group_of: Mapping[str, int]
    order: tuple[int, ...]
    barrier_of: Mapping[int, int]
    stages: tuple[frozenset[int], ...]
    patterns: tuple[Pattern, ...]
    detectors: tuple[DetectorTable, ...]
    conflicts: frozenset[frozenset[str]]
    yielding: frozenset[frozenset[str]]

    @property
    def rings(self) -> int:
        """How many rings it takes."""
        return max(phase.ring for phase in self.phases.values())


def tables_of(intersection: Intersection, plans: Iterable[TimingPlan] = (), local_calls: bool = True) -> Tables:
    """Key it in. Raises `ConfigError` in one line for what does not fit ring and barrier.

    local_calls: whether the loops call phases by themselves; if not, only a central does, and they only report.
    """
    plans = tuple(plans)
    stages = intersection.stages
    own = {stage.name: own_phases(intersection, stage) for stage in stages}
    order = _order(intersection, plans)
    enabled = tuple(dict.fromkeys(n for name in order for n in sorted(own[name])))
    _check(intersection, own, enabled)
    together = {n: frozenset(m for s in own.values() if n in s for m in s) - {n} for n in enabled}
    rings = _rings(intersection, enabled, together)
    overlaps = tuple(_overlaps(intersection, own, enabled))
    clearing = {p.number: p.yellow_change_s + p.red_clearance_s for p in intersection.phases}
    patterns = tuple(_pattern(intersection, k + 1, plan, own, clearing) for k, plan in enumerate(plans))
    detectors = tuple(_detectors(intersection, own, enabled, local_calls))
    called = {d.call_phase for d in detectors if d.calls} | _buttons(intersection)
    called |= set() if local_calls else {n for n in enabled if not is_pedestrian(intersection, _of(intersection, n))}
    green_s = {n: max((p.splits_s.get(n, 0.0) for p in patterns), default=0.0) - clearing[n] for n in enabled}
    phases = {
        n: _phase(intersection, _of(intersection, n), rings[n], together[n], green_s[n], n in called)
        for n in sorted(enabled)
    }
    return Tables(
        name=intersection.id,
        phases=phases,
        disabled=tuple(p.number for p in intersection.phases if p.number not in phases),
        overlaps=overlaps,
        displays=_displays(intersection, own),
        group_of={group: p.number for p in intersection.phases for group in p.signal_groups},
        order=enabled,
        barrier_of=_barriers(enabled, together),
        stages=tuple(own[name] for name in order),
        patterns=patterns,
        detectors=detectors,
        conflicts=frozenset(frozenset((c.first, c.second)) for c in intersection.conflicts),
        yielding=frozenset(frozenset((c.first, c.second)) for c in intersection.conflicts if c.yielding_in),
    )


def own_phases(intersection: Intersection, stage: Stage) -> frozenset[int]:
    """The phases of a stage that have right of way in it: those with a head that does not yield, or else all."""
    protected = {g for g in intersection.green_groups(stage) if g not in stage.permissive}
    return frozenset(n for n in stage.phases if protected & set(_of(intersection, n).signal_groups)) or frozenset(
        stage.phases
    )


def is_pedestrian(intersection: Intersection, phase: Phase) -> bool:
    """Whether it times pedestrians only."""
    kinds = {g.id: g.kind for g in intersection.signal_groups}
    return {kinds[group] for group in phase.signal_groups} == {"pedestrian"}


def _of(intersection: Intersection, number: int) -> Phase:
    return next(p for p in intersection.phases if p.number == number)


def _vehicles(intersection: Intersection, numbers: Iterable[int]) -> frozenset[int]:
    numbers = frozenset(numbers)
    vehicles = frozenset(n for n in numbers if not is_pedestrian(intersection, _of(intersection, n)))
    return vehicles or numbers


def _order(intersection: Intersection, plans: tuple[TimingPlan, ...]) -> tuple[str, ...]:
    """Stage names in the order of the first plan; those that it leaves out follow."""
    planned = [split.stage for plan in plans[:1] for split in plan.splits]
    return tuple(dict.fromkeys([*planned, *(stage.name for stage in intersection.stages)]))


def _check(intersection: Intersection, own: Mapping[str, frozenset[int]], enabled: tuple[int, ...]) -> None:
    name = intersection.id
    highest = max(p.number for p in intersection.phases)
    if highest > MOST_PHASES:
        raise ConfigError(f"junction {name}: phase {highest}, must be at most {MOST_PHASES}")
    for a, b in combinations(own, 2):
        first, second = (_vehicles(intersection, own[x]) & frozenset(enabled) for x in (a, b))
        if (first < second or second < first) or own[a] == own[b]:
            raise ConfigError(
                f"junction {name}: the phases of stages {a} and {b} are {sorted(own[a])} and {sorted(own[b])}, "
                "must not contain each other: rings end no green without a conflicting call"
            )


def _rings(
    intersection: Intersection, enabled: tuple[int, ...], together: Mapping[int, frozenset[int]]
) -> dict[int, int]:
    rings: dict[int, int] = {}
    for n in enabled:
        taken = {rings[m] for m in together[n] if m in rings}
        rings[n] = next(k for k in range(1, len(enabled) + 2) if k not in taken)
    if max(rings.values()) > MOST_RINGS:
        raise ConfigError(
            f"junction {intersection.id}: takes {max(rings.values())} rings, must be at most {MOST_RINGS}"
        )
    return rings


def _barriers(enabled: tuple[int, ...], together: Mapping[int, frozenset[int]]) -> dict[int, int]:
    """Between which barriers each phase lies: phases that some chain of concurrency joins lie between the same two."""
    barrier: dict[int, int] = {}
    for n in enabled:
        if n in barrier:
            continue
        side, reach = len(set(barrier.values())), [n]
        while reach:
            m = reach.pop()
            if m not in barrier:
                barrier[m] = side
                reach += together[m]
    return barrier


def _phase(
    intersection: Intersection, phase: Phase, ring: int, concurrency: frozenset[int], green_s: float, called: bool
) -> PhaseTable:
    walks = is_pedestrian(intersection, phase)
    maximum_s = round(green_s * MAXIMUM_SHARE) if green_s > 0 else MAXIMUM_UNKNOWN_S
    return PhaseTable(
        number=phase.number,
        ring=ring,
        concurrency=concurrency,
        signal_groups=phase.signal_groups,
        pedestrian=walks,
        minimum_green_s=phase.minimum_green_s,
        passage_s=0.0 if walks else PASSAGE_S,
        maximum_s=max(maximum_s, phase.minimum_green_s),
        yellow_change_s=0.0 if walks else phase.yellow_change_s,
        red_clearance_s=0.0 if walks else phase.red_clearance_s,
        pedestrian_clear_s=phase.yellow_change_s + phase.red_clearance_s if walks else 0.0,
        locking=walks,
        recall=not called,
    )


def _overlaps(
    intersection: Intersection, own: Mapping[str, frozenset[int]], enabled: tuple[int, ...]
) -> Iterable[OverlapTable]:
    for phase in intersection.phases:
        n, groups = phase.number, set(phase.signal_groups)
        hosting = [s for s in intersection.stages if n in s.phases and n not in own[s.name]]
        if not hosting:
            continue
        foes = {b for c in intersection.conflicts for a, b in ((c.first, c.second), (c.second, c.first)) if a in groups}
        blocked = {p.number for p in intersection.phases if foes & set(p.signal_groups)} | {n}
        blocked -= {m for s in hosting for m in own[s.name]}
        hosts = frozenset(_vehicles(intersection, own[s.name]) for s in hosting)
        direct = not _interrupted(intersection, groups, {s.name for s in hosting}, {k for k in own if n in own[k]})
        times = (phase.yellow_change_s, phase.red_clearance_s)
        yield OverlapTable(n, hosts, *times, frozenset(blocked) & set(enabled), direct)


def _interrupted(intersection: Intersection, groups: set[str], starts: set[str], ends: set[str]) -> bool:
    """Whether the timing sheet has a head show something else between yielding and right of way."""
    places = [k for k, group in enumerate(intersection.signal_groups) if group.id in groups]
    return any(
        interval.aspects[k] not in (Aspect.PERMISSIVE, Aspect.GREEN)
        for way in intersection.interstages
        if way.start in starts and way.end in ends
        for interval in way.intervals
        for k in places
    )


def _displays(
    intersection: Intersection, own: Mapping[str, frozenset[int]]
) -> dict[frozenset[int], tuple[frozenset[str], frozenset[str]]]:
    found: dict[frozenset[int], tuple[frozenset[str], frozenset[str]]] = {}
    for stage in intersection.stages:
        key = _vehicles(intersection, own[stage.name])
        yields, turns = frozenset(stage.permissive), frozenset(stage.turn_on_red)
        before = found.get(key, (yields, turns))
        found[key] = before[0] | yields, before[1] & turns
    return found


def _pattern(
    intersection: Intersection,
    number: int,
    plan: TimingPlan,
    own: Mapping[str, frozenset[int]],
    clearing_s: Mapping[int, float],
) -> Pattern:
    if not 0 < plan.cycle_s <= MOST_CYCLE_S:
        raise ConfigError(f"junction {intersection.id}: cycle {plan.cycle_s:g} s, must be at most {MOST_CYCLE_S} s")
    names = [split.stage for split in plan.splits]
    stages = {s.name: frozenset(s.phases) for s in intersection.stages}
    windows, end_s = [], 0.0
    for split, (before, after) in zip(plan.splits, pairwise([*names, names[0]]), strict=True):
        end_s += split.split_s
        leaving = (stages[before] - stages[after]) | (own[before] - own[after]) | _loses(intersection, before, after)
        longest_s = max((clearing_s[n] for n in leaving), default=0.0)
        windows.append((end_s - longest_s, own[before]))
    splits_s: dict[int, float] = {}
    for split in plan.splits:
        for n in own[split.stage]:
            splits_s[n] = splits_s.get(n, 0.0) + split.split_s
    return Pattern(number, plan.cycle_s, plan.offset_s, splits_s, tuple(windows), plan.from_s)


def _loses(intersection: Intersection, before: str, after: str) -> frozenset[int]:
    """Phases whose heads yield in one stage and do not in the next: they go through yellow and red in between."""
    first, second = (next(s for s in intersection.stages if s.name == name) for name in (before, after))
    changed = (set(first.permissive) & set(intersection.green_groups(second))) - set(second.permissive)
    return frozenset(n for n in first.phases if changed & set(_of(intersection, n).signal_groups))


def _buttons(intersection: Intersection) -> set[int]:
    return {
        intersection.phase_of(g).number
        for lanes in intersection.lane_groups
        if lanes.button
        for g in lanes.signal_groups
    }


def _detectors(
    intersection: Intersection, own: Mapping[str, frozenset[int]], enabled: tuple[int, ...], local_calls: bool
) -> Iterable[DetectorTable]:
    for k, detector in enumerate(intersection.detectors):
        yield DetectorTable(
            number=k + 1,
            name=detector.id,
            call_phase=_called(intersection, detector, own, enabled) if local_calls else 0,
            calls=local_calls and detector.kind == "stop_line",
            no_activity_min=0,
            max_presence_min=15,
            erratic_counts_per_min=90,
            fail_time_s=255,
        )


def _called(
    intersection: Intersection, detector: Detector, own: Mapping[str, frozenset[int]], enabled: tuple[int, ...]
) -> int:
    """The enabled phase of the loop's lanes, or that of the through movement beside a display that is not a phase."""
    lanes = [g for g in intersection.lane_groups if g.id in detector.lane_groups]
    wanted = [intersection.phase_of(group).number for g in lanes for group in g.signal_groups]
    for n in wanted:
        if n in enabled:
            return n
    near = {
        intersection.phase_of(g).number
        for x in intersection.lane_groups
        if x.approach == lanes[0].approach
        for g in x.signal_groups
    }
    hosting = next(own[s.name] for s in intersection.stages if wanted[0] in s.phases)
    return min(near & hosting or hosting)
