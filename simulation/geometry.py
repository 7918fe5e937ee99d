"""The shapes of a network's streets, for drawings: lanes, stop lines, ways through a junction, crossings and loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import hypot
from pathlib import Path
from typing import Any, Literal

import sumolib

from signals.intersection import Detector, Intersection
from simulation.network import Network

Point = tuple[float, float]
Shape = tuple[Point, ...]
Box = tuple[float, float, float, float]
Use = Literal["mixed", "walking", "cycling", "bus", "rail"]
CROSSING_LANE_M = 3.0


@dataclass(frozen=True)
class LaneShape:
    """A lane outside junctions, from its beginning to its end; metres east and north."""

    id: str
    edge: str
    shape: Shape
    width_m: float
    use: Use


@dataclass(frozen=True)
class WayShape:
    """The way that one connection takes through the junction, and the heads that let it go; '' where none does."""

    signal_group: str
    turn: str
    shape: Shape


@dataclass(frozen=True)
class CrossingShape:
    """A pedestrian crossing; it may have a head at each side."""

    signal_groups: tuple[str, ...]
    shape: Shape
    width_m: float


@dataclass(frozen=True)
class LoopShape:
    """A loop in its lane."""

    id: str
    kind: str
    shape: Shape
    width_m: float


@dataclass(frozen=True)
class Drawing:
    """Everything to be drawn of one junction; `heads` are the stop lines by lane, with the signal groups they obey."""

    areas: tuple[Shape, ...]
    other_areas: tuple[Shape, ...]
    """Of junctions near by."""
    lanes: tuple[LaneShape, ...]
    heads: dict[str, tuple[str, ...]]
    ways: tuple[WayShape, ...]
    crossings: tuple[CrossingShape, ...]
    loops: tuple[LoopShape, ...]


class Geometry:
    """Reads a network's shapes once. The lanes of a junction's surroundings are those that come near it."""

    def __init__(self, network: Network, net_file: Path) -> None:
        self._network = network
        self._net = sumolib.net.readNet(
            str(net_file), withPrograms=True, withPedestrianConnections=True, withInternal=True
        )
        self._signals = {str(t.getID()): t for t in self._net.getTrafficLights()}

    @cached_property
    def lanes(self) -> tuple[LaneShape, ...]:
        """All lanes outside junctions."""
        edges = [e for e in self._net.getEdges(withInternal=False) if e.getFunction() in ("", "normal")]
        return tuple(_lane(lane) for edge in edges for lane in edge.getLanes())

    @cached_property
    def _boxes(self) -> list[Box]:
        return [box(lane.shape) for lane in self.lanes]

    def streets(self) -> list[Shape]:
        """The middle of every street that vehicles use, for a map."""
        return list(self.links().values())

    def links(self) -> dict[str, Shape]:
        """The same by the street's name."""
        edges = [e for e in self._net.getEdges(withInternal=False) if e.getFunction() in ("", "normal")]
        driven = [e for e in edges if any(_use(lane) not in ("walking",) for lane in e.getLanes())]
        return {str(e.getID()): _points(e.getShape()) for e in driven}

    def place(self, signal: str) -> Point | None:
        """Where a signal stands, controlled or not: the middle of its stop lines; None where it has none."""
        connections = self._signals[signal].getConnections() if signal in self._signals else []
        ends = [lane.getShape()[-1] for lane, _, _ in connections]
        return (sum(x for x, _ in ends) / len(ends), sum(y for _, y in ends) / len(ends)) if ends else None

    @cached_property
    def _nodes(self) -> list[tuple[str, Shape, Box]]:
        shapes = ((str(n.getID()), _points(n.getShape())) for n in self._net.getNodes())
        return [(name, shape, box(shape)) for name, shape in shapes if len(shape) > 2]

    def within(self, near: Box) -> tuple[LaneShape, ...]:
        """The lanes that come into a rectangle."""
        return tuple(lane for lane, of_lane in zip(self.lanes, self._boxes, strict=True) if _meet(of_lane, near))

    def _connections(self, signal: str) -> list[tuple[int, Any, Any]]:
        """(link, lane, lane after it); what waits half way shows its link twice, and is one way from the first lane."""
        found = [(int(link), lane, out) for lane, out, link in self._signals[signal].getConnections()]
        inner = [lane.getEdge().getFunction() == "internal" for _, lane, _ in found]
        outside = {link for (link, _, _), within in zip(found, inner, strict=True) if not within}
        return [c for c, within in zip(found, inner, strict=True) if not (within and c[0] in outside)]

    def drawing(self, intersection: Intersection, around_m: float) -> Drawing:
        """One junction and the lanes within some metres of its stop lines and loops."""
        connections = self._connections(intersection.id)
        links = self._network.links[intersection.id]
        groups = zip(intersection.signal_groups, links, strict=True)
        group_of = {link: group.id for group, of_group in groups for link in of_group}
        ways, crossings, heads = [], dict[str, tuple[Any, list[str]]](), dict[str, list[str]]()
        turns = {(m.approach, m.exit, m.signal_group): m.turn for m in intersection.movements}
        for link, lane, out in sorted(connections, key=lambda c: c[0]):
            group = group_of.get(link, "")
            crossing = next((e for e in (out.getEdge(), lane.getEdge()) if e.getFunction() == "crossing"), None)
            if crossing is not None:
                _, found = crossings.setdefault(str(crossing.getID()), (crossing, []))
                found += [group] if group else []
                continue
            turn = turns.get((str(lane.getEdge().getID()), str(out.getEdge().getID()), group), "through")
            ways.append(WayShape(group, turn, self._way(lane, out)))
            heads.setdefault(str(lane.getID()), []).extend([group] if group else [])
        loops = tuple(self._loop(d) for d in intersection.detectors)
        nodes = {lane.getEdge().getToNode() for _, lane, _ in connections if lane.getEdge().getFunction() != "crossing"}
        shapes = [way.shape for way in ways] + [_points(e.getLanes()[0].getShape()) for e, _ in crossings.values()]
        x0, y0, x1, y1 = box([point for shape in shapes for point in shape])
        near = (x0 - around_m, y0 - around_m, x1 + around_m, y1 + around_m)
        lanes = self.within(near)
        stopping = [lane for lane in heads if lane not in {each.id for each in lanes}]
        own = {str(n.getID()) for n in nodes}
        others = [shape for name, shape, of_node in self._nodes if name not in own and _meet(of_node, near)]
        return Drawing(
            areas=tuple(_points(n.getShape()) for n in sorted(nodes, key=lambda n: str(n.getID()))),
            other_areas=tuple(others),
            lanes=(*lanes, *(_lane(self._net.getLane(lane)) for lane in stopping)),
            heads={lane: tuple(dict.fromkeys(of_lane)) for lane, of_lane in heads.items()},
            ways=tuple(ways),
            crossings=tuple(
                CrossingShape(
                    tuple(dict.fromkeys(found)),
                    _points(edge.getLanes()[0].getShape()),
                    float(edge.getLanes()[0].getWidth() or CROSSING_LANE_M),
                )
                for edge, found in crossings.values()
            ),
            loops=loops,
        )

    def _way(self, lane: Any, out: Any) -> Shape:
        """Through the inner lanes, one after the other where a turn waits half way; straight where there is none."""
        connection = next((c for c in lane.getOutgoing() if c.getToLane() is out), None)
        via, points = connection.getViaLaneID() if connection is not None else "", [lane.getShape()[-1]]
        seen: set[str] = set()
        while via and via not in seen:
            seen.add(via)
            inner = self._net.getLane(via)
            points += inner.getShape()
            onward = [c for c in inner.getOutgoing() if c.getToLane() is out] or inner.getOutgoing()
            via = onward[0].getViaLaneID() if onward else ""
        return _points([*points, out.getShape()[0]])

    def _loop(self, detector: Detector) -> LoopShape:
        lane = self._net.getLane(detector.lane)
        scale = length(_points(lane.getShape())) / max(float(lane.getLength()), 0.1)
        ends = (detector.position_m * scale, (detector.position_m + detector.length_m) * scale)
        return LoopShape(detector.id, detector.kind, part(_points(lane.getShape()), *ends), float(lane.getWidth()))


def _lane(lane: Any) -> LaneShape:
    edge = str(lane.getEdge().getID())
    return LaneShape(str(lane.getID()), edge, _points(lane.getShape()), float(lane.getWidth()), _use(lane))


def _use(lane: Any) -> Use:
    if any(lane.allows(kind) for kind in ("passenger", "delivery", "truck", "motorcycle")):
        return "mixed"
    for kind, use in (("bus", "bus"), ("bicycle", "cycling"), ("pedestrian", "walking"), ("tram", "rail")):
        if lane.allows(kind):
            return use  # type: ignore[return-value]
    return "rail" if lane.allows("rail") else "mixed"


def _points(shape: Iterable[Sequence[float]]) -> Shape:
    """Without heights, and no point twice in a row."""
    found: list[Point] = []
    for point in shape:
        here = float(point[0]), float(point[1])
        if not found or here != found[-1]:
            found.append(here)
    return tuple(found)


def box(shape: Sequence[Point]) -> Box:
    """Left, bottom, right, top."""
    east, north = [x for x, _ in shape], [y for _, y in shape]
    return min(east), min(north), max(east), max(north)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]


def length(shape: Sequence[Point]) -> float:
    """Metres along a line."""
    return sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(shape))


def part(shape: Sequence[Point], begin_m: float, end_m: float) -> Shape:
    """The piece of a line between two distances from its beginning."""
    found: list[Point] = []
    passed_m = 0.0
    for a, b in pairwise(shape):
        step_m = hypot(b[0] - a[0], b[1] - a[1])
        low, high = max(begin_m, passed_m), min(end_m, passed_m + step_m)
        if step_m and low <= high:
            ends = [(low - passed_m) / step_m, (high - passed_m) / step_m]
            found += [(a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])) for t in ends]
        passed_m += step_m
    return _points(found) if found else (shape[0],)
