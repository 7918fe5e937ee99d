"""A SUMO network read as intersections: lanes, heads, phases, stages, clearances, conflicts and loops.

What cannot be told in stages keeps its own plan, and `Network.left_alone` says which junction and why.
"""

from __future__ import annotations

import gzip
import hashlib
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import sumolib
from pydantic import ValidationError

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
    Neighbour,
    Phase,
    SignalGroup,
    Stage,
    first_error,
)
from signals.plans import PlanFile, Split, TimingPlan
from simulation.detectors import standard_layout
from simulation.programs import ASPECT_OF, Row, Sheet, read_sheet, red_clearances_s, yellow_changes_s

SATURATION_FLOW_VEH_PER_H = 1800.0
"""A lane's discharge under SUMO's default car following, measured at 1,750-1,900 (HCM base: 1,900 passenger cars)."""
TURNS = {"l": "left", "L": "left", "r": "right", "R": "right", "t": "u-turn"}
REACH_M = 1500.0


@dataclass(frozen=True)
class Network:
    """What a network brings: its intersections, their existing plans, and the signals that keep their own."""

    intersections: tuple[Intersection, ...]
    plans: PlanFile
    left_alone: dict[str, str]
    links: dict[str, tuple[tuple[int, ...], ...]]
    """Per intersection, the link indices of each signal group."""
    approach_edges: dict[str, tuple[str, ...]]
    """Per intersection, the edges that end at its stop lines."""
    stop_line_edges: frozenset[str]
    """Edges that end at a signalised stop line, controlled or not."""
    edge_owner: dict[str, str]
    """The intersection that an edge queues for: it ends at its stop line, or leads only to such an edge."""
    edges: dict[str, tuple[float, float]]
    """Length and speed limit of every edge."""
    digest: str
    """sha256 of the network file."""

    @property
    def signals(self) -> int:
        """How many signals there are, controlled or not."""
        return len(self.intersections) + len(self.left_alone)


@lru_cache(maxsize=8)
def read(net_file: Path, additional_files: tuple[Path, ...] = ()) -> Network:
    """Read a network. Raises `ConfigError` naming the file and the junction."""
    net = _load(net_file)
    programs = _programs(net, additional_files)
    if not programs:
        raise ConfigError(f"{net_file}: has no traffic light, must have at least 1")
    found, plans, links, left_alone = [], [], {}, {}
    for tls in sorted(net.getTrafficLights(), key=lambda t: str(t.getID())):
        name = str(tls.getID())
        try:
            junction = _Junction(net_file, net, tls, *programs[name])
            found.append(junction.intersection())
            plans.append(junction.plan())
            links[name] = tuple(tuple(g) for g in junction.groups)
        except _KeepsOwnPlanError as reason:
            left_alone[name] = str(reason)
        except ValidationError as error:
            left_alone[name] = first_error(error)
    if not found:
        raise ConfigError(f"{net_file}: no signal can be told in stages: {'; '.join(left_alone.values())}")
    intersections = _with_neighbours(net, found)
    approaches = {i.id: tuple(dict.fromkeys(g.approach for g in i.lane_groups)) for i in intersections}
    return Network(
        intersections=intersections,
        plans=PlanFile(plan=tuple(plans)),
        left_alone=left_alone,
        links=links,
        approach_edges=approaches,
        stop_line_edges=frozenset(
            str(c[0].getEdge().getID()) for t in net.getTrafficLights() for c in t.getConnections()
        ),
        edge_owner=_owners(net, approaches),
        edges={str(e.getID()): (float(e.getLength()), float(e.getSpeed())) for e in net.getEdges()},
        digest=hashlib.sha256(net_file.read_bytes()).hexdigest(),
    )


class _KeepsOwnPlanError(Exception):
    """A signal that cannot be told in stages, with the reason."""


def _load(net_file: Path) -> Any:
    if not net_file.is_file():
        raise ConfigError(f"{net_file}: no such network file")
    try:
        return sumolib.net.readNet(str(net_file), withPrograms=True, withPedestrianConnections=True)
    except Exception as error:  # sumolib raises whatever its XML reader raises
        detail = str(error).removeprefix(str(net_file)).lstrip(": ")
        raise ConfigError(f"{net_file}: is not a readable SUMO network: {detail or type(error).__name__}") from error


def _programs(net: Any, additional_files: Sequence[Path]) -> dict[str, tuple[str, float, list[Row]]]:
    """Per signal the type, offset and rows of the program loaded last, which is the one SUMO starts with."""
    found: dict[str, tuple[str, float, list[Row]]] = {}
    for tls in net.getTrafficLights():
        for program in tls.getPrograms().values():
            rows = [_row(p.state, p.duration, p.minDur) for p in program.getPhases()]
            found[str(tls.getID())] = (program.getType(), float(program.getOffset()), rows)
    for path in additional_files:
        for element in _elements(path, "tlLogic"):
            rows = [
                _row(p.get("state", ""), float(p.get("duration", 0)), p.get("minDur")) for p in element.iter("phase")
            ]
            if rows and element.get("id") in found:
                key = str(element.get("id"))
                found[key] = (element.get("type", "static"), float(element.get("offset", 0)), rows)
    return found


def _row(state: str, duration_s: float, minimum_s: float | str | None) -> Row:
    least = None if minimum_s in (None, "", -1, "-1") else float(minimum_s)  # type: ignore[arg-type]
    return Row(state, float(duration_s), least)


def _elements(path: Path, tag: str) -> list[ET.Element]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return list(ET.parse(file).getroot().iter(tag))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ET.ParseError as error:
        raise ConfigError(f"{path}: is not XML: {error}") from error


class _Junction:
    """One signal on its way to becoming an `Intersection`."""

    def __init__(self, net_file: Path, net: Any, tls: Any, kind: str, offset_s: float, rows: list[Row]) -> None:
        self._net, self._name, self._offset_s, self._rows = net, str(tls.getID()), offset_s, rows
        self._connections = {int(c[2]): (c[0], c[1]) for c in tls.getConnections()}
        self._check(net_file, kind)
        sheet = read_sheet(rows)
        if sheet is None or len(sheet.states) < 2:
            raise _KeepsOwnPlanError(f"signal {self._name}: its program has {len(sheet.states) if sheet else 0} stages")
        self._sheet: Sheet = sheet
        self.groups = self._signal_groups()
        self._foes = self._link_foes()
        self._least_clearance_s = self._plan_clearance_s()
        self._names = [str(k + 1) for k in range(len(self.groups))]
        self._stage_names = [chr(ord("A") + k) if k < 26 else f"S{k + 1}" for k in range(len(sheet.states))]

    def _check(self, net_file: Path, kind: str) -> None:
        width = len(self._rows[0].state) if self._rows else 0
        if not self._rows:
            raise ConfigError(f"{net_file}: signal {self._name}: its program has no phase")
        if any(len(r.state) != width for r in self._rows):
            raise ConfigError(f"{net_file}: signal {self._name}: state strings differ in length")
        highest = max(self._connections, default=-1)
        if highest >= width:
            raise ConfigError(
                f"{net_file}: signal {self._name}: link index {highest}, must be below the state's length {width}"
            )
        if kind not in ("static", "actuated", "delay_based"):
            raise _KeepsOwnPlanError(f"signal {self._name}: a {kind} program has no fixed rows")
        if any(c not in ASPECT_OF for r in self._rows for c in r.state):
            raise ConfigError(f"{net_file}: signal {self._name}: unknown letter in a state string")
        if not self._connections:
            raise _KeepsOwnPlanError(f"signal {self._name}: controls no vehicle lane")

    def _signal_groups(self) -> list[list[int]]:
        """Links that share an aspect in every row, approach by approach so that lanes can be told apart."""
        columns: dict[tuple[str, str], list[int]] = defaultdict(list)
        for link in range(len(self._rows[0].state)):
            aspects = "".join(r.state[link] for r in self._rows)
            columns[(self._approach(link), aspects)].append(link)
        return sorted(columns.values())

    def _approach(self, link: int) -> str:
        connection = self._connections.get(link)
        return str(connection[0].getEdge().getID()) if connection else f"link {link}"

    def _link_foes(self) -> dict[int, set[int]]:
        """Per link the links whose paths cross its own, from the junctions' right-of-way matrices."""
        at_node: dict[str, list[tuple[int, int]]] = defaultdict(list)
        nodes: dict[str, Any] = {}
        for link, (lane, out) in self._connections.items():
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
        lane_groups, movements, exits = self._lanes()
        return Intersection(
            id=self._name,
            lane_groups=lane_groups,
            movements=movements,
            signal_groups=tuple(
                SignalGroup(id=n, kind="vehicle" if any(k in self._connections for k in g) else "pedestrian")
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
        links = self.groups[k]
        yellows = [y for link in links for y in yellow_changes_s(self._rows, link)]
        speed = max((self._speed(link) for link in links), default=13.9)
        yellow_s = min((y for y in yellows if y > 0), default=ite_yellow_s(speed))
        own = set(links)
        clearances = [c for link in links for c in red_clearances_s(self._rows, link, self._foes[link] - own)]
        greens = [
            m for m, s in zip(self._sheet.minimum_green_s, self._sheet.states, strict=True) if s[links[0]] in "Gg"
        ]
        vehicle = any(link in self._connections for link in links)
        shortest_s = self._shortest_green_s(links[0])
        return Phase(
            number=k + 1,
            signal_groups=(self._names[k],),
            minimum_green_s=min(greens, default=0.0) if vehicle else shortest_s,
            yellow_change_s=yellow_s if vehicle else min((y for y in yellows if y > 0), default=0.0),
            red_clearance_s=min(clearances, default=self._least_clearance_s),
        )

    def _plan_clearance_s(self) -> float:
        """The least red clearance that the plan shows anywhere, for heads that it never clears itself."""
        links = self._connections
        return min((c for k in links for c in red_clearances_s(self._rows, k, self._foes[k])), default=0.0)

    def _shortest_green_s(self, link: int) -> float:
        """The shortest unbroken green that the plan gives a link."""
        runs, run_s = [], 0.0
        for row in [*self._rows, *self._rows]:
            if row.state[link] in "Gg":
                run_s += row.duration_s
            elif run_s:
                runs.append(run_s)
                run_s = 0.0
        return min(runs[1:] or runs, default=0.0)

    def _speed(self, link: int) -> float:
        connection = self._connections.get(link)
        return float(connection[0].getSpeed()) if connection else 1.4

    def _stage(self, k: int) -> Stage:
        state = self._sheet.states[k]
        shown = [ASPECT_OF[state[g[0]]] for g in self.groups]
        return Stage(
            name=self._stage_names[k],
            phases=tuple(m + 1 for m, a in enumerate(shown) if a in (Aspect.GREEN, Aspect.PERMISSIVE)),
            minimum_green_s=self._sheet.minimum_green_s[k],
            permissive=tuple(n for n, a in zip(self._names, shown, strict=True) if a == Aspect.PERMISSIVE),
            turn_on_red=tuple(n for n, a in zip(self._names, shown, strict=True) if a == Aspect.TURN_ON_RED),
        )

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
        """Whether each head that ends shows yellow in the sheet's own rows; where not, the derived rule is used."""
        before, after = self._sheet.states[start], self._sheet.states[end]
        vehicle_heads = (g[0] for g in self.groups if g[0] in self._connections)
        return all(
            before[k] not in "Gg" or after[k] in "Gg" or any(r.state[k] in "yY" for r in rows) for k in vehicle_heads
        )

    def plan(self) -> TimingPlan:
        """The existing plan in stages, as `fixed-time` takes it."""
        splits = tuple(
            Split(stage=self._stage_names[stage], split_s=green + sum(r.duration_s for r in rows))
            for stage, green, rows in self._sheet.order
        )
        offset_s = (self._offset_s + self._sheet.shift_s) % self._sheet.cycle_s
        return TimingPlan(intersection=self._name, splits=splits, offset_s=offset_s)

    def _lanes(self) -> tuple[tuple[LaneGroup, ...], tuple[Movement, ...], list[str]]:
        group_of = {link: n for n, g in zip(self._names, self.groups, strict=True) for link in g}
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
        exits = sorted({m.exit for m in movements.values()})
        return tuple(lane_groups), tuple(movements.values()), exits

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

    def _detectors(self, lane_groups: Sequence[LaneGroup]) -> tuple[Detector, ...]:
        signalled = {str(lane.getID()) for lane, _ in self._connections.values()}
        return standard_layout(self._net, lane_groups, signalled)


def ite_yellow_s(speed_m_per_s: float) -> float:
    """Yellow change by the ITE kinematic formula, 1 s reaction and 3.05 m/s2, within MUTCD's 3 to 6 s."""
    return min(6.0, max(3.0, round(1.0 + speed_m_per_s / (2 * 3.05), 1)))


def _owners(net: Any, approaches: dict[str, tuple[str, ...]]) -> dict[str, str]:
    owner = {edge: name for name, edges in approaches.items() for edge in edges}
    for edge in list(owner):
        upstream = net.getEdge(edge)
        while True:
            before = [e for e in upstream.getIncoming() if e.getFromNode() is not upstream.getToNode()]
            if len(before) != 1 or str(before[0].getID()) in owner or len(before[0].getOutgoing()) > 2:
                break
            onward = [e for e in before[0].getOutgoing() if e.getToNode() is not before[0].getFromNode()]
            if onward != [upstream]:
                break
            upstream = before[0]
            owner[str(upstream.getID())] = owner[edge]
    return owner


def _with_neighbours(net: Any, intersections: Sequence[Intersection]) -> tuple[Intersection, ...]:
    approach_of = {g.approach: i.id for i in intersections for g in i.lane_groups}
    return tuple(i.model_copy(update={"neighbours": tuple(_downstream(net, i, approach_of))}) for i in intersections)


def _downstream(net: Any, intersection: Intersection, approach_of: dict[str, str]) -> list[Neighbour]:
    found = []
    for exit_edge in intersection.exit_lengths_m:
        edge, distance_m, time_s = net.getEdge(exit_edge), 0.0, 0.0
        while distance_m < REACH_M:
            distance_m += float(edge.getLength())
            time_s += float(edge.getLength()) / float(edge.getSpeed())
            name = str(edge.getID())
            if name in approach_of:
                found.append(
                    Neighbour(
                        exit=exit_edge,
                        intersection=approach_of[name],
                        approach=name,
                        distance_m=distance_m,
                        travel_time_s=time_s,
                    )
                )
                break
            onward = [e for e in edge.getOutgoing() if e.getToNode() is not edge.getFromNode()]
            if len(onward) != 1:
                break
            edge = onward[0]
    return found
