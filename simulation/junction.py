"""One SUMO signal on its way to becoming an `Intersection`: heads, stages, times, lanes, conflicts, loops and plans.

What a signal brings of each is read in modules of their own (`heads`, `stages`, `timing`, `lanes`, `detectors`); here
it is put together, and `sources` says where each value comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from signals.errors import ConfigError
from signals.intersection import (
    Aspect,
    Conflict,
    Intersection,
    Interstage,
    Interval,
    Phase,
    SignalGroup,
    Stage,
)
from signals.plans import Split, TimingPlan
from simulation.detectors import lay_out
from simulation.heads import Heads, lane_kind
from simulation.intergreens import intergreens_s, lengthened, prohibited_pairs
from simulation.lanes import SATURATION_SOURCE, crossings_and_walks, exit_lengths_m, lanes_and_movements
from simulation.own_detectors import NO_DETECTORS, OwnDetectors
from simulation.programs import ASPECT_OF, NEMA, Program, Programs, Row
from simulation.sheets import Passage, clearances_within_s, merged, yellows_within_s
from simulation.stages import KeepsOwnPlanError, find_stages
from simulation.timing import Timing


class Junction:
    """Reads one signal; raises `KeepsOwnPlanError`, or `ConfigError` where the network contradicts itself."""

    def __init__(
        self,
        net_file: Path,
        net: Any,
        tls: Any,
        programs: Programs | None,
        own_detectors: OwnDetectors = NO_DETECTORS,
    ) -> None:
        self._net, self._name, self._own_detectors = net, str(tls.getID()), own_detectors
        self.programs = _checked(net_file, tls, programs)
        running = self.programs.running
        self.heads = Heads(tls, [row.state for program in running for row in program.rows])
        self._check_users()
        self._stages = find_stages(running, self.heads)
        self._states, self._names = self._stages.states, self.heads.names
        timing = Timing(running, self.heads, self._stages)
        self._times = [timing.of_group(k) for k in range(len(self._names))]
        self._minimum = [timing.of_stage(state) for state in self._states]
        self._stage_names = [chr(ord("A") + k) if k < 26 else f"S{k + 1}" for k in range(len(self._states))]
        self.sources: dict[str, str] = {}

    def _check_users(self) -> None:
        lanes = self.heads.lanes
        if not lanes:
            raise KeepsOwnPlanError("controls no vehicle lane")
        if all(lane_kind(lane) == "tram" for lane in lanes):
            raise KeepsOwnPlanError("serves rail only")

    def intersection(self) -> Intersection:
        """Everything that is built there."""
        lane_groups, movements = lanes_and_movements(self.heads)
        crossings, walks = crossings_and_walks(self.heads)
        signalled = {str(lane.getID()) for lane in self.heads.lanes}
        detectors, origins = lay_out(self._net, lane_groups, signalled, self._own_detectors)
        interstages = self._interstages()
        self._tell_sources()
        self.sources |= {f"lane_groups.{g.id}.saturation_flow_veh_per_h": SATURATION_SOURCE for g in lane_groups}
        self.sources |= {f"detectors.{loop}": origin for loop, origin in origins.items()}
        built = Intersection(
            id=self._name,
            lane_groups=(*lane_groups, *crossings),
            movements=(*movements, *walks),
            signal_groups=tuple(
                SignalGroup(id=n, kind=self.heads.kind_of(g[0]))
                for n, g in zip(self._names, self.heads.groups, strict=True)
            ),
            phases=tuple(self._phase(k) for k in range(len(self._names))),
            stages=tuple(self._stage(k) for k in range(len(self._states))),
            conflicts=tuple(self._conflicts()),
            interstages=tuple(interstages),
            detectors=detectors,
            exit_lengths_m=dict(exit_lengths_m(self._net, movements)),
        )
        longer = lengthened(built, self._shown_s(built))
        self.sources |= {f"interstages.{way.start}.{way.end}": source for way, source in longer}
        return built.model_copy(update={"interstages": (*built.interstages, *(way for way, _ in longer))})

    def _shown_s(self, built: Intersection) -> dict[tuple[int, int], float]:
        """The shortest intergreen of each pair of heads in the plans that have an order."""
        links, prohibited = [group[0] for group in self.heads.groups], prohibited_pairs(built)
        found: dict[tuple[int, int], float] = {}
        for program in self.programs.running:
            if program.kind != NEMA and not program.following:
                for pair, time_s in intergreens_s(merged(program.rows), links, prohibited).items():
                    found[pair] = min(time_s, found.get(pair, time_s))
        return found

    def _tell_sources(self) -> None:
        said = {"stages": "; ".join(self._stages.sources)}
        if self.untold:
            said["plan"] = f"cannot be told in stages: {self.untold}"
        for number, times in enumerate(self._times, 1):
            for value, known in zip(("minimum_green_s", "yellow_change_s", "red_clearance_s"), times, strict=True):
                said[f"phases.{number}.{value}"] = known.source
        for name, known in zip(self._stage_names, self._minimum, strict=True):
            said[f"stages.{name}.minimum_green_s"] = known.source
        self.sources |= said

    def _phase(self, k: int) -> Phase:
        times = self._times[k]
        return Phase(
            number=k + 1,
            signal_groups=(self._names[k],),
            minimum_green_s=times.minimum_green.time_s,
            yellow_change_s=times.yellow_change.time_s,
            red_clearance_s=times.red_clearance.time_s,
        )

    def _stage(self, k: int) -> Stage:
        state = self._states[k]
        shown = [ASPECT_OF[state[g[0]]] for g in self.heads.groups]
        return Stage(
            name=self._stage_names[k],
            phases=tuple(m + 1 for m, a in enumerate(shown) if a in (Aspect.GREEN, Aspect.PERMISSIVE)),
            minimum_green_s=self._minimum[k].time_s,
            permissive=tuple(n for n, a in zip(self._names, shown, strict=True) if a == Aspect.PERMISSIVE),
            turn_on_red=tuple(n for n, a in zip(self._names, shown, strict=True) if a == Aspect.TURN_ON_RED),
        )

    def _conflicts(self) -> list[Conflict]:
        found = []
        for a in range(len(self._names)):
            for b in range(a):
                if self.heads.cross(a, b):
                    together = self._together(a, b)
                    pair = self._names[b], self._names[a]
                    found.append(Conflict(first=pair[0], second=pair[1], yielding_in=tuple(together)))
        return found

    def _together(self, a: int, b: int) -> list[str]:
        """The stages in which two groups are green."""
        first, second = self.heads.groups[a][0], self.heads.groups[b][0]
        named = zip(self._stage_names, self._states, strict=True)
        return [name for name, state in named if state[first] in "Gg" and state[second] in "Gg"]

    def _interstages(self) -> list[Interstage]:
        """Those of the plan, each pair as it is first shown; where that cuts a time, the derived rule is used."""
        found: dict[tuple[str, str], Interstage] = {}
        name_of = dict(zip(self._states, self._stage_names, strict=True))
        for passage in self._stages.passages:
            start, end = name_of[passage.green.state], name_of[passage.end]
            if start == end or (start, end) in found:
                continue
            path = f"interstages.{start}.{end}"
            cut = self._cuts(passage)
            rows = ", ".join(str(r.number) for r in passage.between)
            if cut:
                self.sources[path] = (
                    f"yellow change and red clearance of the phases: rows {rows or 'between'} cut {cut}"
                )
                continue
            self.sources[path] = f"plan: rows {rows}" if rows else "plan: the green rows follow at once"
            found[start, end] = Interstage(start=start, end=end, intervals=self._intervals(passage))
        return list(found.values())

    def _intervals(self, passage: Passage) -> tuple[Interval, ...]:
        return tuple(
            Interval(duration_s=r.duration_s, aspects=tuple(ASPECT_OF[r.state[g[0]]] for g in self.heads.groups))
            for r in passage.between
            if r.duration_s > 0
        )

    def _cuts(self, passage: Passage) -> str:
        """Which time the plan's own rows do not give a head whole, or nothing."""
        whole = [Row(passage.green.state, 0.0), *passage.between, Row(passage.end, 0.0)]
        for k, group in enumerate(self.heads.groups):
            yellow_s, red_s = self._times[k].yellow_change.time_s, self._times[k].red_clearance.time_s
            shortest_s = min(yellows_within_s(whole, group[0]), default=yellow_s)
            if self.heads.kind_of(group[0]) != "pedestrian" and shortest_s < yellow_s:
                return f"the yellow of group {self._names[k]}"
            foes = {self.heads.groups[m][0] for m in range(len(self._names)) if self._prohibited(k, m)}
            if any(s < yellow_s + red_s for foe in foes for s in clearances_within_s(whole, group[0], foe)):
                return f"the clearance of group {self._names[k]}"
        return ""

    def _prohibited(self, a: int, b: int) -> bool:
        """Whether two groups cross and no stage has both green."""
        return self.heads.cross(a, b) and not self._together(a, b)

    def plans(self) -> list[TimingPlan]:
        """The existing plan in stages, as `fixed-time` takes it; empty where `untold` says why it cannot be told."""
        if self.untold:
            return []
        schedule = self.programs.switching
        if schedule is None:
            return [self._plan(self.programs.running[0], 0.0)]
        programs = {p.name: p for p in self.programs.running}
        return [self._plan(programs[name], from_s) for from_s, name in schedule.by_day()]

    @property
    def untold(self) -> str:
        """Why the existing plan cannot be told in stages, in one clause."""
        schedule = self.programs.switching
        missing = [n for n in schedule.programs if n not in {p.name for p in self.programs.running}] if schedule else []
        if schedule and missing:
            return f"WAUT {schedule.name} switches to program {missing[0]}"
        if schedule and schedule.procedure:
            return f"WAUT {schedule.name} switches by {schedule.procedure}, which shifts the plans' offsets"
        said = self._stages.untold
        several = len(self.programs.running) > 1
        return "; ".join(f"program {name}: {why}" if several else why for name, why in said.items())

    def _plan(self, program: Program, from_s: float) -> TimingPlan:
        sheet = self._stages.sheets[program.name]
        name_of = dict(zip(self._states, self._stage_names, strict=True))
        splits = tuple(
            Split(stage=name_of[p.green.state], split_s=p.green.duration_s + sum(r.duration_s for r in p.between))
            for p in sheet.passages
        )
        offset_s = (program.offset_s + sheet.shift_s) % sheet.cycle_s
        return TimingPlan(intersection=self._name, splits=splits, offset_s=offset_s, from_s=from_s)


def _checked(net_file: Path, tls: Any, programs: Programs | None) -> Programs:
    """The programs, if they fit the links. Raises `ConfigError` with the file, the signal and the mend."""
    if programs is None or not all(p.rows for p in programs.running):
        types = {str(edge.getToNode().getType()) for edge in tls.getEdges()}
        rail = types and types <= {"rail_signal", "rail_crossing"}
        raise KeepsOwnPlanError("is a rail signal, set by trains" if rail else "has no program with phases")
    name = str(tls.getID())
    highest = max((int(link) for _, _, link in tls.getConnections()), default=-1)
    for program in programs.running:
        where = f"{program.file}: signal {name}, program {program.name}"
        _check_rows(where, program.rows)
        width = len(program.rows[0].state)
        if highest >= width:
            raise ConfigError(
                f"{net_file}: signal {name}: link index {highest}, must be below the length {width} of the states "
                f"of program {program.name}; lengthen these or correct linkIndex"
            )
    return programs


def _check_rows(where: str, rows: Sequence[Row]) -> None:
    widths = [len(r.state) for r in rows]
    odd = next((r for r in rows if len(r.state) != widths[0]), None)
    if odd is not None:
        raise ConfigError(
            f"{where}: row {odd.number}: its state has {len(odd.state)} letters, "
            f"must have {widths[0]} as row {rows[0].number}; make its states equally long"
        )
    if not any(c in "GgoOs" for r in rows for c in r.state):
        raise ConfigError(f"{where}: no row has green; give each link a row with G or g")
