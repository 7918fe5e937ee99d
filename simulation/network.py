"""A SUMO network read as intersections that know their neighbours; each one is read in `simulation.junction`.

What cannot be told in stages keeps its own plan, and `Network.left_alone` says which junction and why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import sumolib
from pydantic import ValidationError

from signals.errors import ConfigError
from signals.intersection import Intersection, Neighbour, first_error
from signals.plans import PlanFile
from simulation.heads import Way
from simulation.junction import Junction
from simulation.movement_groups import MovementGroup, movement_groups
from simulation.own_detectors import read_own_detectors
from simulation.programs import read_programs
from simulation.stages import KeepsOwnPlanError
from simulation.switching import Switching

REACH_M = 1500.0


@dataclass(frozen=True)
class Overrides:
    """What engineers' files have changed (`simulation.overrides`)."""

    files: tuple[Path, ...] = ()
    digest: str = ""
    """Of the junctions that are other than the network has them; empty where none is."""
    less_safe: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Per intersection and value, a line for what is less safe than the plan, with the file's reason."""

    @property
    def warnings(self) -> list[str]:
        """Those lines, for every place that tells of the junctions."""
        return [line for lines in self.less_safe.values() for line in lines.values()]


@dataclass(frozen=True)
class Network:
    """What a network brings: its intersections, their existing plans, and the signals that keep their own."""

    intersections: tuple[Intersection, ...]
    plans: PlanFile
    left_alone: dict[str, str]
    kinds: dict[str, str]
    """Per intersection, the type of its program: static, or one of SUMO's own that vary the greens of `plans`."""
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
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Per intersection, where a value comes from in one clause, by its path, e.g. `phases.3.yellow_change_s`."""
    overrides: Overrides = field(default_factory=Overrides)
    notes: tuple[str, ...] = ()
    """What else the network brings and is not used, a line each."""
    always: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """Per intersection, the letters of links that are off in every row and so have no signal group."""
    switching: Mapping[str, Switching] = field(default_factory=dict)
    """Per intersection, when SUMO changes its program by the time of day."""
    movement_groups: tuple[MovementGroup, ...] = ()
    """What reports tell movements by."""
    ways_crossing: Mapping[str, frozenset[tuple[Way, Way]]] = field(default_factory=dict)
    """Per intersection, the ways over it whose paths cross or merge."""

    @property
    def signals(self) -> int:
        """How many signals there are, controlled or not."""
        return len(self.intersections) + len(self.left_alone)


@lru_cache(maxsize=8)
def read(net_file: Path, additional_files: tuple[Path, ...] = ()) -> Network:
    """Read a network. Raises `ConfigError` naming the file and the junction."""
    net = _load(net_file)
    signals = sorted(net.getTrafficLights(), key=lambda t: str(t.getID()))
    if not signals:
        raise ConfigError(f"{net_file}: has no traffic light, must have at least 1")
    _check_crossings(net_file, net)
    programs = read_programs(net_file, [str(t.getID()) for t in signals], additional_files)
    own_detectors = read_own_detectors(net, additional_files)
    found: list[Intersection] = []
    read_in: dict[str, Junction] = {}
    left_alone: dict[str, str] = {}
    for tls in signals:
        name = str(tls.getID())
        try:
            junction = Junction(net_file, net, tls, programs.get(name), own_detectors)
            found.append(junction.intersection())
            read_in[name] = junction
        except KeepsOwnPlanError as reason:
            left_alone[name] = f"signal {name}: {reason}"
        except ValidationError as error:
            left_alone[name] = f"signal {name}: {first_error(error)}"
    approaches = {i.id: _vehicle_approaches(i) for i in found}
    stop_lines = frozenset(str(c[0].getEdge().getID()) for t in signals for c in t.getConnections())
    return Network(
        intersections=_with_neighbours(net, found),
        plans=PlanFile(
            plan=tuple(plan for junction in read_in.values() for plan in junction.plans()),
            untold={name: junction.untold for name, junction in read_in.items() if junction.untold},
        ),
        left_alone=left_alone,
        kinds={name: junction.programs.kind for name, junction in read_in.items()},
        links={name: tuple(tuple(g) for g in junction.heads.groups) for name, junction in read_in.items()},
        approach_edges=approaches,
        stop_line_edges=stop_lines,
        edge_owner=_owners(net, approaches),
        edges={str(e.getID()): (float(e.getLength()), float(e.getSpeed())) for e in net.getEdges()},
        digest=hashlib.sha256(net_file.read_bytes()).hexdigest(),
        sources={name: junction.sources for name, junction in read_in.items()},
        notes=own_detectors.ignored,
        always={name: junction.heads.always for name, junction in read_in.items() if junction.heads.always},
        switching={n: schedule for n, junction in read_in.items() if (schedule := junction.programs.switching)},
        movement_groups=movement_groups(net, found, stop_lines),
        ways_crossing={name: junction.heads.ways_crossing() for name, junction in read_in.items()},
    )


def _vehicle_approaches(intersection: Intersection) -> tuple[str, ...]:
    return tuple(dict.fromkeys(m.approach for m in intersection.movements if m.turn != "crossing"))


def _load(net_file: Path) -> Any:
    if not net_file.is_file():
        raise ConfigError(f"{net_file}: no such network file")
    try:
        return sumolib.net.readNet(str(net_file), withPedestrianConnections=True)
    except Exception as error:  # sumolib raises whatever its XML reader raises
        detail = str(error).removeprefix(str(net_file)).lstrip(": ")
        raise ConfigError(f"{net_file}: is not a readable SUMO network: {detail or type(error).__name__}") from error


def _check_crossings(net_file: Path, net: Any) -> None:
    """A crossing of a signalled junction must have a head; netconvert gives it one, an editor may take it away."""
    for edge in net.getEdges():
        if edge.getFunction() != "crossing":
            continue
        name = str(edge.getID())
        node = name.removeprefix(":").rpartition("_c")[0]
        signalled = net.hasNode(node) and str(net.getNode(node).getType()).startswith("traffic_light")
        if signalled and not any(c.getTLSID() for ways in edge.getIncoming().values() for c in ways):
            raise ConfigError(
                f"{net_file}: junction {node}: crossing {name} has no signal link; give the connection to it tl and "
                "linkIndex, or build the network again with netconvert"
            )


def _owners(net: Any, approaches: dict[str, tuple[str, ...]]) -> dict[str, str]:
    owner = {edge: name for name, edges in approaches.items() for edge in edges}
    for edge in list(owner):
        upstream = net.getEdge(edge)
        while True:
            before = [e for e in _streets(upstream.getIncoming()) if e.getFromNode() is not upstream.getToNode()]
            if len(before) != 1 or str(before[0].getID()) in owner or len(_streets(before[0].getOutgoing())) > 2:
                break
            onward = [e for e in _streets(before[0].getOutgoing()) if e.getToNode() is not before[0].getFromNode()]
            if onward != [upstream]:
                break
            upstream = before[0]
            owner[str(upstream.getID())] = owner[edge]
    return owner


def _streets(edges: Iterable[Any]) -> list[Any]:
    """Without what lies inside junctions, which leads into every street."""
    return [e for e in edges if e.getFunction() == ""]


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
