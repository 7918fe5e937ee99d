"""A place written as netconvert's plain XML: nodes, edges, connections, signal plans."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scenarios.place import LEFT, RIGHT, STRAIGHT, Place, PlanStage, Street


@dataclass(frozen=True)
class Connection:
    """One lane's way over a junction; `link` counts these, arms clockwise from north, lanes from the right."""

    street: Street
    turn: str
    out: Street
    from_lane: int
    to_lane: int
    link: int


def nodes_xml(place: Place) -> str:
    """Junctions with signals, ends of streets, and the points where bays begin."""
    lines = [_node(place, name, x, y) for name, (x, y) in place.nodes.items()]
    for street in place.streets:
        if street.bay_m:
            x, y = _bay_start(place, street)
            lines.append(f'<node id="{street.id}.bay" x="{x:.2f}" y="{y:.2f}" type="priority"/>')
    return _document("nodes", lines)


def _node(place: Place, name: str, x: float, y: float) -> str:
    kind = f'type="traffic_light" tl="{name}"' if name in place.signals else 'type="dead_end"'
    return f'<node id="{name}" x="{x:.2f}" y="{y:.2f}" {kind}/>'


def _bay_start(place: Place, street: Street) -> tuple[float, float]:
    """The bay is measured from the junction's middle less 15 m, about where the stop line will be."""
    (x0, y0), (x1, y1) = place.nodes[street.start], place.nodes[street.end]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    share = (street.bay_m + 15.0) / length
    return x1 + (x0 - x1) * share, y1 + (y0 - y1) * share


def edges_xml(place: Place) -> str:
    """Streets; one with a bay is two edges."""
    lines = []
    for street in place.streets:
        speed = f'speed="{place.speed_m_per_s:.2f}"'
        if street.bay_m:
            lines.append(_edge(street.id, street.start, street.stop_line_id, street.lanes_upstream, speed))
            lines.append(_edge(street.stop_line_id, street.stop_line_id, street.end, street.lanes_at_stop_line, speed))
        else:
            lines.append(_edge(street.id, street.start, street.end, street.lanes_at_stop_line, speed))
    return _document("edges", lines)


def _edge(name: str, start: str, end: str, lanes: int, speed: str) -> str:
    return f'<edge id="{name}" from="{start}" to="{end}" numLanes="{lanes}" {speed} priority="1"/>'


def connections_xml(place: Place) -> str:
    """Every allowed lane-to-lane way; what is not listed does not exist."""
    lines = [_connection(found) for name in place.signals for found in connections(place, name)]
    for street in place.streets:
        if street.bay_m:
            widened = [(lane, lane) for lane in range(street.lanes_upstream)]
            widened.append((street.lanes_upstream - 1, street.lanes_upstream))
            lines += [_lane_pair(street.id, street.stop_line_id, start, end) + "/>" for start, end in widened]
    return _document("connections", lines)


def _lane_pair(start: str, end: str, from_lane: int, to_lane: int) -> str:
    return f'<connection from="{start}" to="{end}" fromLane="{from_lane}" toLane="{to_lane}"'


def _connection(found: Connection) -> str:
    return _lane_pair(found.street.stop_line_id, found.out.id, found.from_lane, found.to_lane) + "/>"


def connections(place: Place, node: str) -> list[Connection]:
    """All connections of a junction in the order of their links."""
    ways = [way for street in place.arriving(node) for way in _ways(place, street)]
    return [Connection(*way, link) for link, way in enumerate(ways)]


def _ways(place: Place, street: Street) -> Iterator[tuple[Street, str, Street, int, int]]:
    """Right turns lead to the right lane, left turns to the left one, straight lanes keep their order."""
    exits = place.exits(street)
    assert not isinstance(street.lanes, int)
    straight = [number for number, turns in enumerate(street.lanes) if STRAIGHT in turns]
    for number, turns in enumerate(street.lanes):
        for turn in (RIGHT, STRAIGHT, LEFT):
            if turn in turns:
                last = exits[turn].lanes_upstream - 1
                to_lane = {
                    RIGHT: 0,
                    LEFT: last,
                    STRAIGHT: min(straight.index(number), last) if number in straight else 0,
                }
                yield street, turn, exits[turn], number, to_lane[turn]


def signals_xml(place: Place) -> str:
    """Plans and which link of which signal each connection is."""
    lines = []
    for name, plan in place.signals.items():
        links = connections(place, name)
        lines.append(f'<tlLogic id="{name}" type="static" programID="0" offset="{plan.offset_s}">')
        rows = _rows(place, links, plan.stages)
        lines += [f'    <phase duration="{duration_s}" state="{state}"/>' for duration_s, state in rows]
        lines.append("</tlLogic>")
    for name in place.signals:
        lines += [
            f'{_connection(link)[:-2]} tl="{name}" linkIndex="{link.link}"/>' for link in connections(place, name)
        ]
    return _document("tlLogics", lines)


def _rows(place: Place, links: list[Connection], stages: tuple[PlanStage, ...]) -> Iterator[tuple[int, str]]:
    """Green, yellow change and red clearance of each stage; what is green in the next stage too stays green."""
    for number, stage in enumerate(stages):
        following = stages[(number + 1) % len(stages)]
        now, then = _state(place, links, stage), _state(place, links, following)
        yield stage.green_s, now
        yield stage.yellow_s, "".join(_between(one, other, "y") for one, other in zip(now, then, strict=True))
        if stage.all_red_s:
            yield stage.all_red_s, "".join(_between(one, other, "r") for one, other in zip(now, then, strict=True))


def _between(now: str, then: str, ending: str) -> str:
    """Only what keeps the same aspect stays; a left turn that loses its protection is cleared like any other."""
    if now == "r":
        return "r"
    return now if now == then else ending


def _state(place: Place, links: list[Connection], stage: PlanStage) -> str:
    return "".join(_aspect(place, link, stage) for link in links)


def _aspect(place: Place, link: Connection, stage: PlanStage) -> str:
    """A left turn yields where the oncoming street is green for anything that crosses or joins it."""
    if (link.street.start, link.turn) not in stage.movements:
        return "r"
    oncoming = place.exits(link.street).get(STRAIGHT)
    crossed = oncoming is not None and not stage.movements.isdisjoint({(oncoming.end, STRAIGHT), (oncoming.end, RIGHT)})
    return "g" if link.turn == LEFT and crossed else "G"


def _document(root: str, lines: Iterable[str]) -> str:
    return "\n".join([f"<{root}>", *("    " + line for line in lines), f"</{root}>", ""])
