"""A network's streets as a graph of edges that cars may use, and fastest ways through it."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenarios.xml_files import parse_starts

CAR = "passenger"
Tree = dict[str, tuple[float, str | None]]


@dataclass(frozen=True)
class StreetGraph:
    """Edges with their travel time, and where each leads; `entries` and `exits` are where the network ends."""

    travel_s: dict[str, float]
    ends: dict[str, tuple[str, str]]
    onward: dict[str, tuple[str, ...]]

    def turns_around(self, edge: str, following: str) -> bool:
        """Whether the second edge is the first one's other direction."""
        return self.ends[edge] == self.ends[following][::-1]

    @property
    def entries(self) -> list[str]:
        """Edges that are reached from nowhere but their own other direction."""
        reached = {to for edge, onward in self.onward.items() for to in onward if not self.turns_around(edge, to)}
        return [edge for edge in self.travel_s if edge not in reached]

    @property
    def exits(self) -> list[str]:
        """Edges that lead nowhere but back."""
        return [edge for edge in self.travel_s if all(self.turns_around(edge, to) for to in self.onward[edge])]

    def tree(self, start: str, factor: Callable[[str], float] = lambda _edge: 1.0) -> Tree:
        """Fastest ways from an edge to every other: seconds to its end, and the edge before; nobody turns around."""
        found: Tree = {}
        heap: list[tuple[float, str, str]] = [(self.travel_s[start] * factor(start), start, "")]
        while heap:
            time_s, edge, before = heapq.heappop(heap)
            if edge in found:
                continue
            found[edge] = (time_s, before or None)
            for to in self.onward[edge]:
                if to not in found and not self.turns_around(edge, to):
                    heapq.heappush(heap, (time_s + self.travel_s[to] * factor(to), to, edge))
        return found


def way(tree: Tree, end: str) -> tuple[str, ...]:
    """The edges from a tree's start to `end`."""
    edges, at = [end], tree[end][1]
    while at is not None:
        edges.append(at)
        at = tree[at][1]
    return tuple(reversed(edges))


def random_factors(edges: Iterable[str], key: list[int], most: float) -> Callable[[str], float]:
    """What drivers think of each street: a factor from 1 to `most`, the same for the same key."""
    names = list(edges)
    drawn = np.random.Generator(np.random.Philox(np.random.SeedSequence(key))).uniform(1.0, most, len(names))
    return dict(zip(names, drawn.tolist(), strict=True)).__getitem__


def read_streets(net_file: Path) -> StreetGraph:
    """The graph of what cars may use."""
    travel_s: dict[str, float] = {}
    ends: dict[str, tuple[str, str]] = {}
    car_lanes: set[str] = set()
    ways: dict[str, dict[str, None]] = {}
    edge: dict[str, str] = {}

    def start(tag: str, given: dict[str, str]) -> None:
        if tag == "edge":
            edge.clear()
            edge.update(given)
        elif tag == "lane" and "function" not in edge and allows_cars(given):
            car_lanes.add(given["id"])
            travel_s.setdefault(edge["id"], float(given["length"]) / max(0.1, float(given["speed"])))
            ends[edge["id"]] = (edge.get("from", ""), edge.get("to", ""))
        elif tag == "connection":
            lanes = {f"{given['from']}_{given.get('fromLane')}", f"{given['to']}_{given.get('toLane')}"}
            if lanes <= car_lanes:
                ways.setdefault(given["from"], {})[given["to"]] = None

    parse_starts(net_file, start)
    return StreetGraph(travel_s, ends, {name: tuple(ways.get(name, ())) for name in travel_s})


def allows_cars(lane: dict[str, str]) -> bool:
    """SUMO's permissions: what `allow` does not name is forbidden, else all but what `disallow` names."""
    if "allow" in lane:
        return not {CAR, "all"}.isdisjoint(lane["allow"].split())
    return {CAR, "all"}.isdisjoint(lane.get("disallow", "").split())
