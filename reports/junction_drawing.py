"""One junction as it lies in the street, and small drawings of its stages that reuse its lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from reports.canvas import Canvas, View, around, back_from_end, clipped, direction, ribbon
from reports.junction_labels import junction_labels
from signals.intersection import Aspect, Intersection, Stage
from simulation.geometry import Drawing, LaneShape, LoopShape, Shape, WayShape, length

SURROUNDINGS_M, LOOPS_SHOWN_M, MARGIN_M, STAGE_MARGIN_M = 24.0, 75.0, 6.0, 7.0
LABEL_M = (1.3, 3.4)
SMALLEST_M = 2.4  # of what is written: the numbers in the lanes, which cannot grow beyond these
WIDTH_PX, HEIGHT_PX, LABEL_PX, SMALLEST_PX = 1220.0, 832.0, 14.0, 10.5
STOP_LINE_M, TIP_M = 0.7, 1.9
STAGE_LINE = 0.014
"""Width of a way in a stage's drawing, as a share of the drawing's own."""
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
    canvas, label_m = Canvas(view), _label_m(view)
    farther = tuple(loop.id for loop in drawing.loops if not view.holds(loop.shape[0]))
    parts = [
        _street(key, canvas, drawing),
        *(_loop(canvas, loop) for loop in drawing.loops if loop.id not in farther),
        *_ways(key, canvas, drawing.ways),
        *junction_labels(canvas, label_m, intersection, drawing),
    ]
    label = (
        f"Junction {intersection.id}, north up: {len(drawing.heads)} lanes with a stop line, "
        f"{len(drawing.ways)} ways through it, {len(drawing.crossings)} crossings, {len(drawing.loops)} loops"
    )
    stages = {s.name: _stage(key, canvas, core, intersection, s, drawing) for s in intersection.stages}
    return JunctionDrawings(
        canvas.svg(label, parts, "junction", SMALLEST_PX / min(label_m, SMALLEST_M)), stages, farther
    )


def _core(drawing: Drawing) -> View:
    shapes: list[Shape] = [w.shape for w in drawing.ways] + [c.shape for c in drawing.crossings] + list(drawing.areas)
    return around(point for shape in shapes for point in shape)


def _view(core: View, loops: Sequence[LoopShape]) -> View:
    near = core.grown(SURROUNDINGS_M)
    seen = [p for loop in loops for p in loop.shape if core.distance(p) <= LOOPS_SHOWN_M]
    return around([(near.left, near.bottom), (near.right, near.top), *seen]).grown(MARGIN_M)


def _label_m(view: View) -> float:
    """So that words have their height on a wide screen, and stay legible where the drawing is scrolled."""
    px_per_m = min(WIDTH_PX / view.width, HEIGHT_PX / view.height)
    return min(max(LABEL_PX / px_per_m, LABEL_M[0]), LABEL_M[1])


def _street(key: str, canvas: Canvas, drawing: Drawing) -> str:
    """What lies there whatever the signals show; `use` brings it into each stage's drawing."""
    view = canvas.view.grown(5.0)
    all_areas = [*drawing.areas, *drawing.other_areas]
    areas = [f'<path class="area" d="{canvas.path(area)}Z"/>' for area in all_areas if len(area) > 2]
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
        f"<title>{way.turn}, {_head(way.signal_group)}</title></g></g>"
        for k, way in enumerate(ways)
    ]


def _head(group: str) -> str:
    return f"signal group {escape(group)}" if group else "no signal"


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


def _stage(key: str, canvas: Canvas, core: View, intersection: Intersection, stage: Stage, drawing: Drawing) -> str:
    """The same lines from nearer by, in the colours that the stage shows; what is red lies faint beneath."""
    shown = {
        g.id: SHOWN.get(a, "red")
        for g, a in zip(intersection.signal_groups, intersection.stage_aspects(stage), strict=True)
    }
    shown[""] = "no-signal"
    order = ("red", "no-signal", "turn-on-red", "permissive", "green")
    ways = sorted(enumerate(drawing.ways), key=lambda way: order.index(shown[way[1].signal_group]))
    lines = [f'<use href="#{key}-w{k}" class="{shown[way.signal_group]}"/>' for k, way in ways]
    walks = [
        f'<path class="walk {_walk(c.signal_groups, shown)}" d="{canvas.path(c.shape)}"/>' for c in drawing.crossings
    ]
    near = core.grown(STAGE_MARGIN_M)
    frame = f"{canvas.x(near.left)} {canvas.y(near.top)} {near.width:.1f} {near.height:.1f}"
    label = f"Stage {stage.name}: " + (
        ", ".join(f"signal group {group} {aspect}" for group, aspect in shown.items() if aspect in SHOWN.values())
    )
    return (
        f'<svg viewBox="{frame}" class="stage" style="--line:{max(near.width, near.height) * STAGE_LINE:.2f}" '
        f'role="img" aria-label="{escape(label)}">'
        f'<use href="#{key}-street"/>{"".join([*walks, *lines])}</svg>'
    )


def _walk(groups: Sequence[str], shown: dict[str, str]) -> str:
    return "green" if any(shown[g] in ("green", "permissive") for g in groups) else "red"
