"""One junction as it lies in the street, and small drawings of its stages that reuse its lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from reports.canvas import Canvas, Places, View, along, around, back_from_end, clipped, direction, ribbon, text_box
from signals.intersection import Aspect, Intersection, Stage
from simulation.geometry import Drawing, LaneShape, LoopShape, Point, Shape, WayShape, length

SURROUNDINGS_M, LOOPS_SHOWN_M, MARGIN_M, STAGE_MARGIN_M = 14.0, 75.0, 6.0, 7.0
BADGE_M, BADGE_TEXT_M, LABEL_M = 1.55, 2.1, 2.5
BADGE_FROM_STOP_LINE_M, BADGE_STEP_M, BADGE_REACH_M = 8.6, 0.8, 40.0
STOP_LINE_M, TIP_M = 0.7, 1.9
SMALLEST_PX_PER_M = 4.6
SCALE_BAR_M = 20.0
SHOWN = {Aspect.GREEN: "green", Aspect.PERMISSIVE: "permissive", Aspect.TURN_ON_RED: "turn-on-red"}


@dataclass(frozen=True)
class JunctionDrawings:
    """The junction, its stages by name, and the loops that lie too far out to be seen."""

    junction: str
    stages: dict[str, str]
    farther_loops: tuple[str, ...]


def surroundings_m() -> float:
    """How far around the junction lanes are needed."""
    return SURROUNDINGS_M + LOOPS_SHOWN_M + 2 * MARGIN_M


def draw(key: str, intersection: Intersection, drawing: Drawing) -> JunctionDrawings:
    """All drawings of one junction; `key` begins the ids of its lines within the page."""
    core = _core(drawing)
    view = _view(core, drawing.loops)
    canvas = Canvas(view)
    farther = tuple(loop.id for loop in drawing.loops if not view.holds(loop.shape[0]))
    parts = [
        _street(key, canvas, drawing),
        *(_loop(canvas, loop) for loop in drawing.loops if loop.id not in farther),
        *_ways(key, canvas, drawing.ways),
        *_words(canvas, intersection, drawing),
        _north(canvas),
        _scale(canvas),
    ]
    label = (
        f"Junction {intersection.id}, north up: {len(drawing.heads)} lanes with a stop line, "
        f"{len(drawing.ways)} ways through it, {len(drawing.crossings)} crossings, {len(drawing.loops)} loops"
    )
    stages = {s.name: _stage(key, canvas, core, intersection, s, drawing) for s in intersection.stages}
    return JunctionDrawings(canvas.svg(label, parts, "junction", SMALLEST_PX_PER_M), stages, farther)


def _core(drawing: Drawing) -> View:
    shapes: list[Shape] = [w.shape for w in drawing.ways] + [c.shape for c in drawing.crossings] + list(drawing.areas)
    return around(point for shape in shapes for point in shape)


def _view(core: View, loops: Sequence[LoopShape]) -> View:
    near = core.grown(SURROUNDINGS_M)
    seen = [p for loop in loops for p in loop.shape if core.distance(p) <= LOOPS_SHOWN_M]
    return around([(near.left, near.bottom), (near.right, near.top), *seen]).grown(MARGIN_M)


def _street(key: str, canvas: Canvas, drawing: Drawing) -> str:
    """What lies there whatever the signals show; `use` brings it into each stage's drawing."""
    view = canvas.view.grown(5.0)
    areas = [f'<path class="area" d="{canvas.path(area)}Z"/>' for area in drawing.areas if len(area) > 2]
    lanes = [_lane(canvas, lane, view, lane.id in drawing.heads) for lane in drawing.lanes]
    zebras = [
        f'<path class="zebra" stroke-width="{c.width_m:.1f}" d="{canvas.path(c.shape)}"/>' for c in drawing.crossings
    ]
    of_lane = {lane.id: lane for lane in drawing.lanes}
    lines = [_stop_line(canvas, of_lane[name]) for name in drawing.heads if name in of_lane]
    return f'<g id="{key}-street">{"".join([*areas, *lanes, *zebras, *lines])}</g>'


def _lane(canvas: Canvas, lane: LaneShape, view: View, signalled: bool) -> str:
    """A little narrower than it is, so that the markings between lanes are what is left."""
    shape = clipped(lane.shape, view)
    if len(shape) < 2:
        return ""
    css = f"lane {lane.use}{' signalled' if signalled else ''}"
    return f'<path class="{css}" stroke-width="{max(lane.width_m - 0.25, 0.5):.1f}" d="{canvas.path(shape)}"/>'


def _stop_line(canvas: Canvas, lane: LaneShape) -> str:
    end = lane.shape[-1]
    ux, uy = direction(back_from_end(lane.shape, 2.0), end)
    start = (end[0] - STOP_LINE_M * ux, end[1] - STOP_LINE_M * uy)
    return f'<path class="stop-line" d="{canvas.path(ribbon((start, end), lane.width_m - 0.5))}Z"/>'


def _loop(canvas: Canvas, loop: LoopShape) -> str:
    outline = canvas.path(ribbon(loop.shape, loop.width_m * 0.55))
    return f'<path class="loop" d="{outline}Z"><title>loop {escape(loop.id)}</title></path>'


def _ways(key: str, canvas: Canvas, ways: Sequence[WayShape]) -> list[str]:
    return [
        f'<g class="{way.turn}"><g id="{key}-w{k}">{_arrow(canvas, way.shape)}'
        f"<title>{way.turn}, signal group {escape(way.signal_group)}</title></g></g>"
        for k, way in enumerate(ways)
    ]


def _arrow(canvas: Canvas, shape: Shape) -> str:
    """A line that ends in a tip, both in the colour that is current where they are used."""
    reach_m = length(shape)
    end, base = shape[-1], back_from_end(shape, min(TIP_M, reach_m / 2))
    ux, uy = direction(base, end)
    wings = [(base[0] - uy * s, base[1] + ux * s) for s in (0.8, -0.8)]
    body = [p for p in shape[:-1] if (p[0] - end[0]) ** 2 + (p[1] - end[1]) ** 2 > TIP_M**2] or [shape[0]]
    return (
        f'<path class="line" d="{canvas.path((*body, base))}"/>'
        f'<path class="tip" d="{canvas.path((wings[0], end, wings[1]))}Z"/>'
    )


def _words(canvas: Canvas, intersection: Intersection, drawing: Drawing) -> list[str]:
    """The heads' numbers in their lanes first, then the streets' names where room is left."""
    view = canvas.view
    corner = View(view.right - 6.0, view.top - 9.0, view.right, view.top)
    places = Places([corner, View(view.left, view.bottom, view.left + SCALE_BAR_M + 9.0, view.bottom + 5.0)])
    lanes = {lane.id: lane for lane in drawing.lanes}
    badges = [
        _badge_in_lane(canvas, places, lanes[name], group)
        for name, groups in drawing.heads.items()
        for group in groups
        if name in lanes
    ]
    for crossing in drawing.crossings:
        for group, line in zip(crossing.signal_groups, (crossing.shape, crossing.shape[::-1]), strict=False):
            ux, uy = direction(along(line, 2.0), line[0])
            choice = [(line[0][0] + ux * d, line[0][1] + uy * d) for d in (1.8, 3.4, 5.0, 0.0, -2.0)]
            badges.append(_badge(canvas, places, choice, group, "walk"))
    return [*badges, *_street_names(canvas, places, intersection, drawing)]


def _badge_in_lane(canvas: Canvas, places: Places, lane: LaneShape, group: str) -> str:
    reach_m = min(length(lane.shape), BADGE_REACH_M)
    first_m = min(BADGE_FROM_STOP_LINE_M, max(reach_m - BADGE_M, 0.0))
    steps = [first_m + k * BADGE_STEP_M for k in range(int((reach_m - first_m) / BADGE_STEP_M) + 1)]
    return _badge(canvas, places, [back_from_end(lane.shape, step) for step in steps], group, lane.use)


def _badge(canvas: Canvas, places: Places, choice: Sequence[Point], group: str, css: str) -> str:
    half = max(BADGE_M, len(group) * BADGE_TEXT_M * 0.32)
    boxes = [View(x - half, y - BADGE_M, x + half, y + BADGE_M) for x, y in choice]
    place = places.take_first_free(boxes) or 0
    x, y = choice[place]
    middle = canvas.x(x), canvas.y(y)
    return (
        f'<g class="badge-{css} badge-mark"><circle cx="{middle[0]}" cy="{middle[1]}" r="{half:.1f}"/>'
        f'<text x="{middle[0]}" y="{canvas.y(y - 0.36 * BADGE_TEXT_M)}" font-size="{BADGE_TEXT_M}" '
        f'text-anchor="middle">{escape(group)}</text></g>'
    )


def _street_names(canvas: Canvas, places: Places, intersection: Intersection, drawing: Drawing) -> list[str]:
    ends: dict[str, list[Point]] = {}
    words: dict[str, str] = {}
    approaches = {m.approach for m in intersection.movements if m.turn != "crossing"}
    exits = {m.exit for m in intersection.movements if m.turn != "crossing"}
    for lane in drawing.lanes:
        for edge, line, arrow in ((lane.edge, lane.shape[::-1], "from"), (lane.edge, lane.shape, "to")):
            if edge in (approaches if arrow == "from" else exits):
                words[f"{arrow} {edge}"] = f"{arrow} {edge}"
                ends.setdefault(f"{arrow} {edge}", []).append(_leaves(line, canvas.view))
    return [name for key, points in ends.items() if (name := _street_name(canvas, places, words[key], points))]


def _leaves(line: Shape, view: View) -> Point:
    """Where a line that begins at the junction comes near the edge of the view, or ends."""
    inner = view.grown(-LABEL_M)
    reach_m = length(line)
    last, step_m = line[0], 0.0
    while step_m <= reach_m:
        point = along(line, step_m)
        if not inner.holds(point):
            return last
        last, step_m = point, step_m + 2.0
    return last


def _street_name(canvas: Canvas, places: Places, words: str, points: Sequence[Point]) -> str | None:
    """Beside its street at the edge of the drawing; moved until it covers no other words, else left out."""
    view = canvas.view
    x, y = sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)
    width = text_box(words, (0.0, 0.0), LABEL_M, "start").width
    left = min(max(x - width / 2, view.left + 1.0), max(view.right - 1.0 - width, view.left + 1.0))
    y = min(max(y, view.bottom + 1.5), view.top - LABEL_M - 1.0)
    tries = [y + sign * k * LABEL_M * 0.65 for k in range(14) for sign in ((1, -1) if k else (1,))]
    spots = [(left, t) for t in tries if view.bottom + 1.0 <= t <= view.top - LABEL_M]
    place = places.take_first_free([text_box(words, spot, LABEL_M, "start") for spot in spots])
    if place is None or width > view.width - 2.0:
        return None
    return (
        f'<text class="street" x="{canvas.x(spots[place][0])}" y="{canvas.y(spots[place][1])}" '
        f'font-size="{LABEL_M}">{escape(words)}</text>'
    )


def _north(canvas: Canvas) -> str:
    x, y = canvas.view.right - 3.2, canvas.view.top - 1.0
    needle = canvas.path(((x, y), (x + 1.3, y - 4.2), (x, y - 3.2), (x - 1.3, y - 4.2)))
    words = f'<text x="{canvas.x(x)}" y="{canvas.y(y - 6.9)}" font-size="{LABEL_M}" text-anchor="middle">N</text>'
    return f'<g class="north"><path d="{needle}Z"/>{words}</g>'


def _scale(canvas: Canvas) -> str:
    x, y = canvas.view.left + 1.5, canvas.view.bottom + 1.6
    ticks = ((x, y + 0.8), (x, y), (x + SCALE_BAR_M, y), (x + SCALE_BAR_M, y + 0.8))
    words = (
        f'<text x="{canvas.x(x + SCALE_BAR_M + 1)}" y="{canvas.y(y)}" font-size="{LABEL_M}">{SCALE_BAR_M:g} m</text>'
    )
    return f'<g class="scale"><path d="{canvas.path(ticks)}"/>{words}</g>'


def _stage(key: str, canvas: Canvas, core: View, intersection: Intersection, stage: Stage, drawing: Drawing) -> str:
    """The same lines from nearer by, in the colours that the stage shows; what is red lies faint beneath."""
    shown = {
        g.id: SHOWN.get(a, "red")
        for g, a in zip(intersection.signal_groups, intersection.stage_aspects(stage), strict=True)
    }
    order = ("red", "turn-on-red", "permissive", "green")
    ways = sorted(enumerate(drawing.ways), key=lambda way: order.index(shown[way[1].signal_group]))
    lines = [f'<use href="#{key}-w{k}" class="{shown[way.signal_group]}"/>' for k, way in ways]
    walks = [
        f'<path class="walk {_walk(c.signal_groups, shown)}" d="{canvas.path(c.shape)}"/>' for c in drawing.crossings
    ]
    near = core.grown(STAGE_MARGIN_M)
    frame = f"{canvas.x(near.left)} {canvas.y(near.top)} {near.width:.1f} {near.height:.1f}"
    label = f"Stage {stage.name}: " + (
        ", ".join(f"signal group {group} {aspect}" for group, aspect in shown.items() if aspect != "red")
    )
    return (
        f'<svg viewBox="{frame}" class="stage" role="img" aria-label="{escape(label)}">'
        f'<use href="#{key}-street"/>{"".join([*walks, *lines])}</svg>'
    )


def _walk(groups: Sequence[str], shown: dict[str, str]) -> str:
    return "green" if any(shown[g] in ("green", "permissive") for g in groups) else "red"
