"""The standard detector layout, version 2, its SUMO file, and the network's own detectors in its place.

Per lane one 6 m presence loop at the stop line and one 2 m advance loop at the speed-dependent setback, five seconds
of travel at the speed limit (the far end of the dilemma zone, Signal Timing Manual, 2nd ed., ch. 6). Where a lane is
shorter than its setback the advance loop lies on the lanes upstream, as long as these lead nowhere else. Where it is
shorter than half a vehicle, so that whoever waits for its signal stands before it, the presence loop does so too. No
loop lies in an exit.

Where the network has a detector of its own within 15 m of a stop line, or in the lane in which an advance loop would
lie, that place is taken instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from signals.intersection import Detector, Intersection, LaneGroup
from simulation.loops import INTERVAL_S
from simulation.own_detectors import NO_DETECTORS, OwnDetectors

VERSION = 2
STOP_LOOP_M = 6.0
STOP_SETBACK_M = 0.5
ADVANCE_LOOP_M = 2.0
SETBACK_S = 5.0
SHORTEST_SETBACK_M = 40.0
SHORTEST_LANE_M = 20.0
STANDING_ROOM_M = 2.5
"""Below it nobody stands in a lane: SUMO makes such stubs where it joins junctions."""

STANDARD = f"standard layout, version {VERSION}"


def lay_out(
    net: Any, lane_groups: Sequence[LaneGroup], signalled: set[str], own: OwnDetectors = NO_DETECTORS
) -> tuple[tuple[Detector, ...], dict[str, str]]:
    """The loops of one intersection, and where each comes from."""
    loops, sources = [], {}
    for standard in standard_layout(net, lane_groups, signalled):
        length_m = float(net.getLane(standard.lane).getLength())
        if standard.kind == "stop_line":
            place = own.at_stop_line(standard.lane, length_m)
        else:
            place = own.upstream(standard.lane, length_m, standard.position_m, standard.lane in signalled)
        loop, source = standard, STANDARD
        if place is not None:
            shift_m = standard.position_m + standard.length_m - place.end_m
            moved = {
                "position_m": place.begin_m,
                "length_m": place.end_m - place.begin_m,
                "setback_m": max(0.0, standard.setback_m + shift_m),
            }
            loop, source = standard.model_copy(update=moved), f"the network's own {place.owner}"
        if loop.id in own.ids:
            loop = loop.model_copy(update={"id": f"{loop.id}'"})
        loops.append(loop)
        sources[loop.id] = source
    return tuple(loops), sources


def standard_layout(net: Any, lane_groups: Sequence[LaneGroup], signalled: set[str]) -> tuple[Detector, ...]:
    """The loops of one intersection; `signalled` are the lanes that end at one of its stop lines."""
    stops: dict[str, Detector] = {}
    feeds: dict[tuple[str, float], tuple[float, list[str]]] = {}
    for group in lane_groups:
        for name in group.lanes:
            lane = net.getLane(name)
            for place, below_m in _stop_places(lane, group, signalled):
                stops[str(place.getID())] = _stop_loop(place, group.id, below_m)
            setback_m = max(SHORTEST_SETBACK_M, SETBACK_S * float(lane.getSpeed()))
            for place, position_m, distance_m in _advance_places(lane, setback_m, 0.0, signalled):
                _, fed = feeds.setdefault((place, position_m), (distance_m, []))
                if group.id not in fed:
                    fed.append(group.id)
    advances = [
        Detector(
            id=f"{lane}.advance",
            kind="advance",
            lane=lane,
            lane_groups=tuple(fed),
            setback_m=distance_m,
            position_m=position_m,
            length_m=ADVANCE_LOOP_M,
        )
        for (lane, position_m), (distance_m, fed) in _one_a_lane(feeds).items()
    ]
    return (*stops.values(), *advances)


def _one_a_lane(
    feeds: dict[tuple[str, float], tuple[float, list[str]]],
) -> dict[tuple[str, float], tuple[float, list[str]]]:
    """Lanes that are upstream of several others get one loop, the furthest, that feeds them all."""
    merged: dict[str, tuple[float, float, list[str]]] = {}
    for (lane, position_m), (distance_m, fed) in feeds.items():
        if lane in merged:
            known = merged[lane]
            names = list(dict.fromkeys([*known[2], *fed]))
            furthest = min((known[0], known[1]), (position_m, distance_m))
            merged[lane] = (*furthest, names)
        else:
            merged[lane] = (position_m, distance_m, fed)
    return {(lane, position): (distance, fed) for lane, (position, distance, fed) in merged.items()}


def _stop_places(lane: Any, group: LaneGroup, signalled: set[str]) -> list[tuple[Any, float]]:
    """The lanes at whose end the presence loops of a lane lie, and how far before the stop line that is."""
    length_m = float(lane.getLength())
    upstream = _upstream(lane)
    if length_m < STANDING_ROOM_M and upstream and all(_belongs_to(u, lane, group, signalled) for u in upstream):
        return [(u, length_m) for u in upstream]
    return [(lane, 0.0)]


def _belongs_to(upstream: Any, lane: Any, group: LaneGroup, signalled: set[str]) -> bool:
    """Whether all who come by the lane upstream go on into this lane group."""
    onward = {str(c.getToLane().getID()) for c in upstream.getOutgoing()}
    return (
        float(upstream.getLength()) > STOP_LOOP_M
        and _leads_only_to(upstream, lane.getEdge())
        and str(upstream.getID()) not in signalled
        and onward <= set(group.lanes)
    )


def _upstream(lane: Any) -> list[Any]:
    incoming = [c.getFromLane() for c in lane.getIncomingConnections()]
    return [u for u in dict.fromkeys(incoming) if not str(u.getID()).startswith(":")]


def _stop_loop(lane: Any, group: str, below_m: float) -> Detector:
    length_m = max(0.1, min(STOP_LOOP_M, float(lane.getLength()) - STOP_SETBACK_M - 0.1))
    return Detector(
        id=f"{lane.getID()}.stop",
        kind="stop_line",
        lane=str(lane.getID()),
        lane_groups=(group,),
        setback_m=below_m + STOP_SETBACK_M,
        position_m=max(0.0, float(lane.getLength()) - STOP_SETBACK_M - length_m),
        length_m=length_m,
    )


def _advance_places(lane: Any, setback_m: float, below_m: float, signalled: set[str]) -> list[tuple[str, float, float]]:
    """(lane, position from its start, distance to the stop line) of the advance loops that watch a lane."""
    length_m = float(lane.getLength())
    remaining_m = setback_m - below_m
    if length_m >= remaining_m + ADVANCE_LOOP_M:
        return [(str(lane.getID()), length_m - remaining_m - ADVANCE_LOOP_M, setback_m)]
    upstream = _upstream(lane)
    if upstream and all(_leads_only_to(u, lane.getEdge()) and str(u.getID()) not in signalled for u in upstream):
        return [p for u in upstream for p in _advance_places(u, setback_m, below_m + length_m, signalled)]
    if length_m + below_m < SHORTEST_LANE_M or length_m < 2 * ADVANCE_LOOP_M + STOP_LOOP_M:
        return []
    return [(str(lane.getID()), ADVANCE_LOOP_M, below_m + length_m - 2 * ADVANCE_LOOP_M)]


def _leads_only_to(lane: Any, edge: Any) -> bool:
    upstream = lane.getEdge()
    targets = [e for e in upstream.getOutgoing() if e.getToNode() is not upstream.getFromNode()]
    signalled = any(c.getTLSID() for c in lane.getOutgoing())
    return targets == [edge] and not signalled


def loops_xml(intersections: Iterable[Intersection], known: set[str]) -> str:
    """SUMO's additional file for the loops that the network does not bring itself (`known`)."""
    rows = [
        f"    <inductionLoop id={quoteattr(d.id)} lane={quoteattr(d.lane)} pos="
        f'"{d.position_m:.2f}" length="{d.length_m:g}" period="{INTERVAL_S:g}" file="NUL" friendlyPos="true"/>'
        for i in intersections
        for d in i.detectors
        if d.id not in known
    ]
    return "<additional>\n" + "\n".join(rows) + "\n</additional>\n"
