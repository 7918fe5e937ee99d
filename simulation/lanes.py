"""A signal's lanes and crossings as lane groups and movements.

Every crossing has push buttons, and a lane for bicycles alone a stop-line loop that latches as one: SUMO's networks do
not tell (docs/decisions/0005-buttons-at-crossings.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from signals.intersection import LaneGroup, Movement
from simulation.heads import Heads, lane_kind
from simulation.timing import WALKING_SPEED_M_PER_S

SATURATION_FLOW_VEH_PER_H = 1800.0
"""A lane's discharge under SUMO's default car following, measured at 1,750-1,900 (HCM base: 1,900 passenger cars)."""
SATURATION_SOURCE = f"{SATURATION_FLOW_VEH_PER_H:,.0f} a lane: measured under SUMO's default car following"
TURNS = {"l": "left", "L": "left", "r": "right", "R": "right", "t": "u-turn"}


def lanes_and_movements(heads: Heads) -> tuple[list[LaneGroup], list[Movement]]:
    """Lanes that the same heads serve and the same vehicles use are one lane group."""
    by_lane: dict[Any, list[tuple[int, Any]]] = defaultdict(list)
    for link, ways in sorted(heads.connections.items()):
        for lane, out in ways:
            by_lane[lane].append((link, out))
    clusters: dict[tuple[str, tuple[str, ...], str], list[Any]] = defaultdict(list)
    for lane, links in by_lane.items():
        groups = tuple(sorted({heads.group_of[link] for link, _ in links}))
        clusters[str(lane.getEdge().getID()), groups, lane_kind(lane)].append(lane)
    lane_groups, movements = [], {}
    for (approach, groups, kind), lanes in sorted(clusters.items()):
        name = "+".join(f"{lane.getID()}" for lane in lanes)
        exits = tuple(dict.fromkeys(str(out.getEdge().getID()) for lane in lanes for _, out in by_lane[lane]))
        lane_groups.append(
            LaneGroup(
                id=name,
                approach=approach,
                lanes=tuple(str(lane.getID()) for lane in lanes),
                signal_groups=groups,
                exits=exits,
                length_m=float(lanes[0].getLength()),
                speed_m_per_s=float(lanes[0].getSpeed()),
                saturation_flow_veh_per_h=SATURATION_FLOW_VEH_PER_H * len(lanes),
                button=kind == "bicycle",
            )
        )
        for lane in lanes:
            for link, out in by_lane[lane]:
                movement = _movement(lane, out, name, heads.group_of[link])
                movements[movement.id] = movement
    return lane_groups, list(movements.values())


def _movement(lane: Any, out: Any, lane_group: str, signal_group: str) -> Movement:
    approach, target = str(lane.getEdge().getID()), out.getEdge()
    directions = [c.getDirection() for c in lane.getEdge().getOutgoing().get(target, []) if c.getFromLane() is lane]
    return Movement(
        id=f"{approach}>{target.getID()}/{signal_group}",
        approach=approach,
        exit=str(target.getID()),
        turn=TURNS.get(directions[0] if directions else "s", "through"),  # type: ignore[arg-type]
        lane_group=lane_group,
        signal_group=signal_group,
    )


def crossings_and_walks(heads: Heads) -> tuple[list[LaneGroup], list[Movement]]:
    """A lane group without loops and with room for nobody a crossing: whoever waits there does so off the lane."""
    served: dict[Any, list[str]] = defaultdict(list)
    for link, crossings in sorted(heads.crossings.items()):
        for crossing in crossings if link in heads.group_of else ():
            served[crossing].append(heads.group_of[link])
    lane_groups, movements = [], []
    for crossing, groups in served.items():
        groups = list(dict.fromkeys(groups))
        lane_groups.append(_crossing(crossing, groups))
        movements += _walks(crossing, groups)
    return lane_groups, movements


def _crossing(crossing: Any, groups: Sequence[str]) -> LaneGroup:
    return LaneGroup(
        id=str(crossing.getID()),
        approach=str(crossing.getID()),
        lanes=tuple(str(lane.getID()) for lane in crossing.getLanes()),
        signal_groups=tuple(groups),
        exits=(),
        length_m=0.0,
        speed_m_per_s=WALKING_SPEED_M_PER_S,
        saturation_flow_veh_per_h=SATURATION_FLOW_VEH_PER_H,
        button=True,
    )


def _walks(crossing: Any, groups: Sequence[str]) -> list[Movement]:
    name = str(crossing.getID())
    crossed = "+".join(str(edge.getID()) for edge in crossing.getCrossingEdges())
    return [
        Movement(
            id=f"{name}/{group}",
            approach=name,
            exit=crossed or name,
            turn="crossing",
            lane_group=name,
            signal_group=group,
        )
        for group in groups
    ]


def exit_lengths_m(net: Any, movements: Sequence[Movement]) -> Mapping[str, float]:
    """Of the edges that vehicles leave by."""
    exits = sorted({m.exit for m in movements if m.turn != "crossing"})
    return {edge: float(net.getEdge(edge).getLength()) for edge in exits}
