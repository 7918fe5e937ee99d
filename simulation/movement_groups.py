"""Movement groups: the turns of an approach that share lanes, the unit of a capacity analysis (HCM 2010, ch. 18).

A turn with lanes of its own is a group; turns that share a lane are one with all the lanes that serve any of them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signals.intersection import Intersection, LaneGroup

POINTS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
TURNS = ("u-turn", "left", "through", "right")


@dataclass(frozen=True)
class MovementGroup:
    """`heading` is where its vehicles come from, `turn_of` the turns to its exits, `lane_groups` ids.

    `storage_m` are the lanes where nobody else queues, with their lengths: those at the stop line, and upstream of them
    those that lead nowhere else.
    """

    junction: str
    approach: str
    heading: str
    turn_of: Mapping[str, str]
    lane_groups: tuple[str, ...]
    storage_m: Mapping[str, float]

    @property
    def turns(self) -> tuple[str, ...]:
        """From left to right."""
        return tuple(turn for turn in TURNS if turn in self.turn_of.values())


def movement_groups(
    net: Any, intersections: Sequence[Intersection], signalised: Collection[str]
) -> tuple[MovementGroup, ...]:
    """Of every approach for vehicles. signalised: edges that end at a signal's stop line, controlled or not."""
    return tuple(
        MovementGroup(
            junction=intersection.id,
            approach=approach,
            heading=_heading(net.getEdge(approach)),
            turn_of={exit_edge: turn_of[approach, exit_edge] for g in groups for exit_edge in g.exits},
            lane_groups=tuple(g.id for g in groups),
            storage_m=_storage_m(net, [lane for g in groups for lane in g.lanes], signalised),
        )
        for intersection in intersections
        for turn_of in ({(m.approach, m.exit): m.turn for m in intersection.movements},)
        for approach in dict.fromkeys(g.approach for g in intersection.lane_groups if g.exits)
        for groups in _sharing([g for g in intersection.lane_groups if g.approach == approach], turn_of)
    )


def _sharing(lane_groups: Sequence[LaneGroup], turn_of: Mapping[tuple[str, str], str]) -> list[list[LaneGroup]]:
    """Lane groups that serve a turn between them stand together."""
    parts: list[tuple[set[str], list[LaneGroup]]] = []
    for group in lane_groups:
        turns = {turn_of[group.approach, exit_edge] for exit_edge in group.exits}
        joined = [part for part in parts if part[0] & turns]
        parts = [part for part in parts if part not in joined]
        own = [other for _, groups in joined for other in groups]
        parts.append((turns.union(*(of for of, _ in joined)), [*own, group]))
    return [groups for _, groups in parts]


def _heading(edge: Any) -> str:
    """The point of the compass that an approach comes from."""
    (x0, y0), (x1, y1) = edge.getShape()[0][:2], edge.getShape()[-1][:2]
    return POINTS[round(math.atan2(x0 - x1, y0 - y1) / (math.pi / 4)) % len(POINTS)]


def _storage_m(net: Any, stop_line: Sequence[str], signalised: Collection[str]) -> dict[str, float]:
    """From the stop line upstream over every street that has no other before it and ends at no other signal."""
    lanes = [net.getLane(name) for name in stop_line]
    found = {str(lane.getID()): float(lane.getLength()) for lane in lanes}
    edge = lanes[0].getEdge()
    while (edge := _only_before(edge, signalised)) is not None:
        ours = [lane for lane in edge.getLanes() if _leads_only_to(lane, found)]
        if not ours:
            break
        found |= {str(lane.getID()): float(lane.getLength()) for lane in ours}
    return found


def _only_before(edge: Any, signalised: Collection[str]) -> Any:
    streets = [e for e in edge.getIncoming() if e.getFunction() == "" and e.getFromNode() is not edge.getToNode()]
    return streets[0] if len(streets) == 1 and str(streets[0].getID()) not in signalised else None


def _leads_only_to(lane: Any, lanes: Mapping[str, float]) -> bool:
    onward = [str(connection.getToLane().getID()) for connection in lane.getOutgoing()]
    return bool(onward) and all(name in lanes for name in onward)
