"""The links of one SUMO signal as heads: which share an aspect, whom they serve, and whose paths cross."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Kind = Literal["vehicle", "pedestrian", "bicycle", "tram"]
RAIL = frozenset({"tram", "rail_urban", "rail", "rail_electric", "rail_fast", "subway", "cable_car"})
BUS = frozenset({"bus", "coach", "taxi", "emergency", "authority", "army", "vip"})
Way = tuple[str, str]
ON_FOOT = frozenset({"pedestrian", "wheelchair", "scooter"})


class Heads:
    """`groups` holds the links of each signal group; `always` the letter of links that are off in every row.

    Several connections may share a link index.
    """

    def __init__(self, tls: Any, states: Sequence[str]) -> None:
        self.links = links_of(tls)
        self.crossings, self.connections = defaultdict[int, list[Any]](list), defaultdict[int, list[Any]](list)
        for link, lane, out in self.links:
            walked = crossing(lane, out)
            if walked is None:
                self.connections[link].append((lane, out))
            elif walked not in self.crossings[link]:
                self.crossings[link].append(walked)
        columns = ["".join(column) for column in zip(*states, strict=True)]
        self.always = {k: column[0] for k, column in enumerate(columns) if set(column) <= set("oO")}
        for link in self.always:
            self.connections.pop(link, None)
        self.groups = self._grouped(columns)
        self.names = [str(k + 1) for k in range(len(self.groups))]
        self.group_of = {link: n for n, group in zip(self.names, self.groups, strict=True) for link in group}
        self.foes = _foes(self.links)

    @property
    def lanes(self) -> list[Any]:
        """The lanes that end at its heads."""
        return list(dict.fromkeys(lane for ways in self.connections.values() for lane, _ in ways))

    def _grouped(self, columns: Sequence[str]) -> list[list[int]]:
        """Links that share an aspect in every row, approach by approach so that lanes can be told apart."""
        found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for link, column in enumerate(columns):
            if link not in self.always:
                found[self._approach(link), self.kind_of(link), column].append(link)
        return sorted(found.values())

    def _approach(self, link: int) -> str:
        if link in self.connections:
            return str(self.connections[link][0][0].getEdge().getID())
        return str(self.crossings[link][0].getID()) if link in self.crossings else f"link {link}"

    def kind_of(self, link: int) -> Kind:
        """Whom a head serves; one for pedestrians and bicycles is timed for who is slower."""
        served = {lane_kind(lane) for lane, _ in self.connections.get(link, ())}
        if link in self.crossings and served <= {"bicycle"}:
            return "pedestrian"
        if served == {"bicycle"}:
            return "bicycle"
        return "tram" if served == {"tram"} else "vehicle"

    def cross(self, a: int, b: int) -> bool:
        """Whether two groups have paths that cross."""
        return any(self.foes[x] & set(self.groups[b]) for x in self.groups[a])

    def ways_crossing(self) -> frozenset[tuple[Way, Way]]:
        """Ways of vehicles (edge in, edge out) whose paths cross or merge, each pair both ways round."""
        ways: dict[int, set[Way]] = defaultdict(set)
        for link, connections in self.connections.items():
            ways[link] = {(str(lane.getEdge().getID()), str(out.getEdge().getID())) for lane, out in connections}
        return frozenset(
            (a, b) for link, foes in self.foes.items() for foe in foes for a in ways[link] for b in ways[foe]
        )


def links_of(tls: Any) -> list[tuple[int, Any, Any]]:
    """(link, from lane, to lane); a crossing's second head looks the other way (`linkIndex2`).

    Who turns left indirectly meets a second head inside the junction, which is that of the street he waits in.
    """
    found = [(int(link), lane, out) for lane, out, link in tls.getConnections()]
    outside = {link for link, lane, _ in found if lane.getEdge().getFunction() != "internal"}
    found = [each for each in found if each[1].getEdge().getFunction() != "internal" or each[0] not in outside]
    for _, lane, out in list(found):
        if crossing(lane, out) is not None:
            seconds = {int(c.getTLLinkIndex2()) for c in lane.getOutgoing() if c.getToLane() is out}
            found += [(second, lane, out) for second in sorted(seconds) if second >= 0]
    return found


def crossing(lane: Any, out: Any) -> Any:
    """The crossing that a link leads over, if it is for pedestrians; a second head may look the other way."""
    return next((e for e in (lane.getEdge(), out.getEdge()) if e.getFunction() == "crossing"), None)


def lane_kind(lane: Any) -> str:
    """Who may drive in a lane, where that is not everybody: bicycle, tram, bus."""
    driving = set(lane.getPermissions()) - ON_FOOT
    if driving == {"bicycle"}:
        return "bicycle"
    if driving and driving <= RAIL:
        return "tram"
    return "bus" if driving and driving <= BUS | RAIL | {"bicycle"} else "vehicle"


def _foes(links: Sequence[tuple[int, Any, Any]]) -> Mapping[int, set[int]]:
    """Per link the links whose paths cross its own, from the junctions' right-of-way matrices."""
    at_node: dict[str, list[tuple[int, int]]] = defaultdict(list)
    nodes: dict[str, Any] = {}
    for link, lane, out in links:
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
