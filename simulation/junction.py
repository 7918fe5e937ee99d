"""One SUMO signal on its way to becoming an `Intersection`: heads, phases, stages, conflicts, lanes and loops.

Every crossing has push buttons, and a lane for bicycles alone a stop-line loop that latches as one: SUMO's networks do
not tell (docs/decisions/0002-crossings-on-recall.md).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from signals.errors import ConfigError
from signals.intersection import (
    Aspect,
    Conflict,
    Detector,
    Intersection,
    Interstage,
    Interval,
    LaneGroup,
    Movement,
    Phase,
    SignalGroup,
    Stage,
)
from signals.plans import Split, TimingPlan
from simulation.detectors import standard_layout
from simulation.programs import (
    ASPECT_OF,
    Program,
    Row,
    Sheet,
    clearances_within_s,
    crossing_clearances_s,
    merged,
    read_sheet,
    red_clearances_s,
    seen_s,
    shortest_green_s,
    yellow_changes_s,
    yellows_within_s,
)

SATURATION_FLOW_VEH_PER_H = 1800.0
"""A lane's discharge under SUMO's default car following, measured at 1,750-1,900 (HCM base: 1,900 passenger cars)."""
WALK_S = 7.0
WALKING_SPEED_M_PER_S = 1.07
"""Walk interval and walking speed (3.5 ft/s) of MUTCD 2009, 4E.06."""
SHORTEST_STAGE_S = 3.0
"""Shorter greens are steps between stages that the plan does not tell apart from them."""
TURNS = {"l": "left", "L": "left", "r": "right", "R": "right", "t": "u-turn"}
FIXED_ROWS = ("static", "actuated", "delay_based")


class KeepsOwnPlanError(Exception):
    """A signal that cannot be told in stages, with the reason."""


class Junction:
    """Reads one signal; raises `KeepsOwnPlanError`, or `ConfigError` where the network contradicts itself."""

    def __init__(self, net_file: Path, net: Any, tls: Any, program: Program | None) -> None:
        self._net, self._name = net, str(tls.getID())
        self._links = [(int(link), lane, out) for lane, out, link in tls.getConnections()]
        self._crossing_of = {link: found for link, *lanes in self._links if (found := _crossing(*lanes)) is not None}
        self._connections = {link: (lane, out) for link, lane, out in self._links if link not in self._crossing_of}
        self._rows = self._checked_rows(net_file, program)
        self._offset_s = program.offset_s if program else 0.0
        self._sheet: Sheet = self._told_in_stages()
        self.groups = self._signal_groups()
        self._foes = self._link_foes()
        self._least_clearance_s = self._plan_clearance_s()
        self._times_s = [self._group_times_s(k) for k in range(len(self.groups))]
        self._names = [str(k + 1) for k in range(len(self.groups))]
        self._stage_names = [chr(ord("A") + k) if k < 26 else f"S{k + 1}" for k in range(len(self._sheet.states))]

    def _checked_rows(self, net_file: Path, program: Program | None) -> tuple[Row, ...]:
        where = f"{net_file}: signal {self._name}"
        if program is None or not program.rows:
            raise KeepsOwnPlanError(f"signal {self._name}: has no program with phases")
        width = len(program.rows[0].state)
        if any(len(r.state) != width for r in program.rows):
            raise ConfigError(f"{where}: state strings differ in length")
        highest = max((link for link, *_ in self._links), default=-1)
        if highest >= width:
            raise ConfigError(f"{where}: link index {highest}, must be below the state's length {width}")
        if program.kind not in FIXED_ROWS:
            raise KeepsOwnPlanError(f"signal {self._name}: a {program.kind} program has no fixed rows")
        if program.branches:
            raise KeepsOwnPlanError(f"signal {self._name}: its program's rows have no fixed order (next)")
        if any(c not in ASPECT_OF for r in program.rows for c in r.state):
            raise ConfigError(f"{where}: unknown letter in a state string")
        if not self._connections:
            raise KeepsOwnPlanError(f"signal {self._name}: controls no vehicle lane")
        return merged(program.rows)

    def _told_in_stages(self) -> Sheet:
        sheet = read_sheet(self._rows)
        if sheet is None or len(sheet.states) < 2:
            raise KeepsOwnPlanError(f"signal {self._name}: its program has {len(sheet.states) if sheet else 0} stages")
        short = sum(green_s < SHORTEST_STAGE_S for _, green_s, _ in sheet.order)
        if short:
            all_of = f"{short} of its program's {len(sheet.order)} greens"
            raise KeepsOwnPlanError(f"signal {self._name}: {all_of} last less than {SHORTEST_STAGE_S:g} s, no stages")
        dark = sorted(link for link in range(len(sheet.states[0])) if any(s[link] in "oO" for s in sheet.states))
        if dark:
            raise KeepsOwnPlanError(f"signal {self._name}: link {dark[0]} is dark or blinks in a stage (o)")
        told = {link for state in sheet.states for link, letter in enumerate(state) if letter in "Gg"}
        lost = sorted({link for row in self._rows for link in row.greens} - told)
        if lost:
            raise KeepsOwnPlanError(f"signal {self._name}: link {lost[0]} is green only between its program's stages")
        return sheet

    def _signal_groups(self) -> list[list[int]]:
        """Links that share an aspect in every row, approach by approach so that lanes can be told apart."""
        columns: dict[tuple[str, str], list[int]] = defaultdict(list)
        for link in range(len(self._rows[0].state)):
            aspects = "".join(r.state[link] for r in self._rows)
            columns[(self._approach(link), aspects)].append(link)
        return sorted(columns.values())

    def _approach(self, link: int) -> str:
        if link in self._connections:
            return str(self._connections[link][0].getEdge().getID())
        return str(self._crossing_of[link].getID()) if link in self._crossing_of else f"link {link}"

    def _link_foes(self) -> dict[int, set[int]]:
        """Per link the links whose paths cross its own, from the junctions' right-of-way matrices."""
        at_node: dict[str, list[tuple[int, int]]] = defaultdict(list)
        nodes: dict[str, Any] = {}
        for link, lane, out in self._links:
            node = lane.getEdge().getToNode()
            nodes[str(node.getID())] = node
            for connection in lane.getEdge().getOutgoing().get(out.getEdge(), []):
                if connection.getFromLane() is lane and connection.getToLane() is out:
                    at_node[str(node.getID())].append((link, node.getLinkIndex(connection)))
        foes: dict[int, set[int]] = defaultdict(set)
        for name, pairs in at_node.items():
            for a, i in pairs:
                for b, j in pairs:
                    if a != b and i >= 0 and j >= 0 and nodes[name].areFoes(i, j):
                        foes[a].add(b)
                        foes[b].add(a)
        return foes

    def intersection(self) -> Intersection:
        """Everything that is built there."""
        lane_groups, movements = self._lanes()
        crossings, walks = self._crossings()
        exits = sorted({m.exit for m in movements})
        return Intersection(
            id=self._name,
            lane_groups=(*lane_groups, *crossings),
            movements=(*movements, *walks),
            signal_groups=tuple(
                SignalGroup(id=n, kind="pedestrian" if g[0] in self._crossing_of else "vehicle")
                for n, g in zip(self._names, self.groups, strict=True)
            ),
            phases=tuple(self._phase(k) for k in range(len(self.groups))),
            stages=tuple(self._stage(k) for k in range(len(self._sheet.states))),
            conflicts=tuple(self._conflicts()),
            interstages=tuple(self._interstages()),
            detectors=self._detectors(lane_groups),
            exit_lengths_m={e: float(self._net.getEdge(e).getLength()) for e in exits},
        )

    def _phase(self, k: int) -> Phase:
        minimum_s, yellow_s, clearance_s = self._times_s[k]
        return Phase(
            number=k + 1,
            signal_groups=(self._names[k],),
            minimum_green_s=minimum_s,
            yellow_change_s=yellow_s,
            red_clearance_s=clearance_s,
        )

    def _group_times_s(self, k: int) -> tuple[float, float, float]:
        """Minimum green, yellow change, red clearance."""
        first = self.groups[k][0]
        if first in self._connections:
            return self._vehicle_times_s(k)
        return self._pedestrian_times_s(first) if first in self._crossing_of else (0.0, 0.0, 0.0)  # nobody looks at it

    def _vehicle_times_s(self, k: int) -> tuple[float, float, float]:
        """The least that the plan gives."""
        links, own = self.groups[k], set(self.groups[k])
        yellows = [y for link in links for y in yellow_changes_s(self._rows, link)]
        clearances = [c for link in links for c in red_clearances_s(self._rows, link, self._foes[link] - own)]
        stages = zip(self._sheet.minimum_green_s, self._sheet.states, strict=True)
        greens = [minimum_s for minimum_s, state in stages if state[links[0]] in "Gg"]
        fastest = max(float(self._connections[link][0].getSpeed()) for link in links)
        yellow_s = min((y for y in yellows if y > 0), default=ite_yellow_s(fastest))
        return min(greens, default=0.0), yellow_s, min(clearances, default=self._least_clearance_s)

    def _plan_clearance_s(self) -> float:
        """The least red clearance that the plan shows anywhere, for heads that it never clears itself."""
        links = self._connections
        return min((c for k in links for c in red_clearances_s(self._rows, k, self._foes[k])), default=0.0)

    def _pedestrian_times_s(self, link: int) -> tuple[float, float, float]:
        """Walk and clearance as the plan has them, or the whole width at a walking pace where it has more."""
        across_s = float(math.ceil(self._crossing_of[link].getLength() / WALKING_SPEED_M_PER_S))
        minimum_s = min(seen_s(shortest_green_s(self._rows, link)), WALK_S + across_s)
        yellow_s = min((y for y in yellow_changes_s(self._rows, link) if y > 0), default=0.0)
        cleared_s = min([*crossing_clearances_s(self._rows, link, self._foes[link]), across_s])
        return minimum_s, yellow_s, max(0.0, cleared_s - yellow_s)

    def _stage(self, k: int) -> Stage:
        state = self._sheet.states[k]
        shown = [ASPECT_OF[state[g[0]]] for g in self.groups]
        return Stage(
            name=self._stage_names[k],
            phases=tuple(m + 1 for m, a in enumerate(shown) if a in (Aspect.GREEN, Aspect.PERMISSIVE)),
            minimum_green_s=self._stage_minimum_s(k),
            permissive=tuple(n for n, a in zip(self._names, shown, strict=True) if a == Aspect.PERMISSIVE),
            turn_on_red=tuple(n for n, a in zip(self._names, shown, strict=True) if a == Aspect.TURN_ON_RED),
        )

    def _stage_minimum_s(self, k: int) -> float:
        """Long enough for those who walk in it, as far as the plan's own green is."""
        walking = [link for link in self._crossing_of if self._sheet.states[k][link] in "Gg"]
        walks_s = [self._pedestrian_times_s(link)[0] for link in walking]
        planned_s = min(green_s for stage, green_s, _ in self._sheet.order if stage == k)
        return min(seen_s(planned_s), max([self._sheet.minimum_green_s[k], *walks_s]))

    def _conflicts(self) -> list[Conflict]:
        found = []
        for a, first in enumerate(self.groups):
            for b, second in enumerate(self.groups[:a]):
                if any(self._foes[x] & set(second) for x in first):
                    together = [
                        name
                        for name, s in zip(self._stage_names, self._sheet.states, strict=True)
                        if s[first[0]] in "Gg" and s[second[0]] in "Gg"
                    ]
                    pair = self._names[b], self._names[a]
                    found.append(Conflict(first=pair[0], second=pair[1], yielding_in=tuple(together)))
        return found

    def _interstages(self) -> list[Interstage]:
        found: dict[tuple[int, int], Interstage] = {}
        order = self._sheet.order
        for (start, _, rows), (end, _, _) in zip(order, [*order[1:], order[0]], strict=True):
            if start == end or not self._keeps_clearances(start, end, rows):
                continue
            intervals = tuple(
                Interval(duration_s=r.duration_s, aspects=tuple(ASPECT_OF[r.state[g[0]]] for g in self.groups))
                for r in rows
            )
            names = self._stage_names[start], self._stage_names[end]
            found.setdefault((start, end), Interstage(start=names[0], end=names[1], intervals=intervals))
        return list(found.values())

    def _keeps_clearances(self, start: int, end: int, rows: Sequence[Row]) -> bool:
        """Whether the sheet's own rows give each head its yellow and clearance; where not, the derived rule is used."""
        whole = [Row(self._sheet.states[start], 0.0), *rows, Row(self._sheet.states[end], 0.0)]
        for k, group in enumerate(self.groups):
            _, least_yellow_s, red_s = self._times_s[k]
            if (
                group[0] in self._connections
                and min(yellows_within_s(whole, group[0]), default=least_yellow_s) < least_yellow_s
            ):
                return False
            foes = {self.groups[m][0] for m in range(len(self.groups)) if self._prohibited(k, m)}
            cleared_s = (s for foe in foes for s in clearances_within_s(whole, group[0], foe))
            if any(s < least_yellow_s + red_s for s in cleared_s):
                return False
        return True

    def _prohibited(self, a: int, b: int) -> bool:
        """Whether two groups cross and no stage has both green."""
        first, second = self.groups[a], self.groups[b]
        crossing = any(self._foes[x] & set(second) for x in first)
        return crossing and not any(s[first[0]] in "Gg" and s[second[0]] in "Gg" for s in self._sheet.states)

    def plan(self) -> TimingPlan:
        """The existing plan in stages, as `fixed-time` takes it."""
        splits = tuple(
            Split(stage=self._stage_names[stage], split_s=green + sum(r.duration_s for r in rows))
            for stage, green, rows in self._sheet.order
        )
        offset_s = (self._offset_s + self._sheet.shift_s) % self._sheet.cycle_s
        return TimingPlan(intersection=self._name, splits=splits, offset_s=offset_s)

    def _lanes(self) -> tuple[list[LaneGroup], list[Movement]]:
        group_of = self._group_of()
        by_lane: dict[Any, list[int]] = defaultdict(list)
        for link, (lane, _) in sorted(self._connections.items()):
            by_lane[lane].append(link)
        clusters: dict[tuple[str, tuple[str, ...]], list[Any]] = defaultdict(list)
        for lane, links in by_lane.items():
            clusters[(str(lane.getEdge().getID()), tuple(sorted({group_of[x] for x in links})))].append(lane)
        lane_groups, movements = [], {}
        for (approach, groups), lanes in sorted(clusters.items()):
            name = "+".join(f"{lane.getID()}" for lane in lanes)
            links = [link for lane in lanes for link in by_lane[lane]]
            lane_groups.append(self._lane_group(name, approach, groups, lanes, links))
            for link in links:
                movement = self._movement(link, approach, name, group_of[link])
                movements[movement.id] = movement
        return lane_groups, list(movements.values())

    def _group_of(self) -> dict[int, str]:
        return {link: n for n, g in zip(self._names, self.groups, strict=True) for link in g}

    def _lane_group(
        self, name: str, approach: str, groups: tuple[str, ...], lanes: Sequence[Any], links: Sequence[int]
    ) -> LaneGroup:
        return LaneGroup(
            id=name,
            approach=approach,
            lanes=tuple(str(lane.getID()) for lane in lanes),
            signal_groups=groups,
            exits=tuple(dict.fromkeys(str(self._connections[k][1].getEdge().getID()) for k in links)),
            length_m=float(lanes[0].getLength()),
            speed_m_per_s=float(lanes[0].getSpeed()),
            saturation_flow_veh_per_h=SATURATION_FLOW_VEH_PER_H * len(lanes),
            button=all(set(lane.getPermissions()) == {"bicycle"} for lane in lanes),
        )

    def _movement(self, link: int, approach: str, lane_group: str, signal_group: str) -> Movement:
        lane, out = self._connections[link]
        target = out.getEdge()
        directions = [c.getDirection() for c in lane.getEdge().getOutgoing().get(target, []) if c.getFromLane() is lane]
        return Movement(
            id=f"{approach}>{target.getID()}/{signal_group}",
            approach=approach,
            exit=str(target.getID()),
            turn=TURNS.get(directions[0] if directions else "s", "through"),  # type: ignore[arg-type]
            lane_group=lane_group,
            signal_group=signal_group,
        )

    def _crossings(self) -> tuple[list[LaneGroup], list[Movement]]:
        """A lane group without loops and with room for nobody a crossing: whoever waits there does so off the lane."""
        group_of = self._group_of()
        heads: dict[Any, list[str]] = defaultdict(list)
        for link, crossing in sorted(self._crossing_of.items()):
            heads[crossing].append(group_of[link])
        lane_groups, movements = [], []
        for crossing, groups in heads.items():
            name = str(crossing.getID())
            lane_groups.append(
                LaneGroup(
                    id=name,
                    approach=name,
                    lanes=tuple(str(lane.getID()) for lane in crossing.getLanes()),
                    signal_groups=tuple(dict.fromkeys(groups)),
                    exits=(),
                    length_m=0.0,
                    speed_m_per_s=WALKING_SPEED_M_PER_S,
                    saturation_flow_veh_per_h=SATURATION_FLOW_VEH_PER_H,
                    button=True,
                )
            )
            crossed = "+".join(str(edge.getID()) for edge in crossing.getCrossingEdges())
            movements += [
                Movement(
                    id=f"{name}/{group}",
                    approach=name,
                    exit=crossed or name,
                    turn="crossing",
                    lane_group=name,
                    signal_group=group,
                )
                for group in dict.fromkeys(groups)
            ]
        return lane_groups, movements

    def _detectors(self, lane_groups: Sequence[LaneGroup]) -> tuple[Detector, ...]:
        signalled = {str(lane.getID()) for lane, _ in self._connections.values()}
        return standard_layout(self._net, lane_groups, signalled)


def _crossing(lane: Any, out: Any) -> Any:
    """The crossing that a link leads over, if it is for pedestrians; a second head may look the other way."""
    return next((e for e in (lane.getEdge(), out.getEdge()) if e.getFunction() == "crossing"), None)


def ite_yellow_s(speed_m_per_s: float) -> float:
    """Yellow change by the ITE kinematic formula, 1 s reaction and 3.05 m/s2, within MUTCD's 3 to 6 s."""
    return min(6.0, max(3.0, round(1.0 + speed_m_per_s / (2 * 3.05), 1)))
