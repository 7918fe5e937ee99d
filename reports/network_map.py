"""The whole network with its signals: each that is controlled leads to its section of the page."""

from collections.abc import Mapping, Sequence
from html import escape
from math import hypot

from reports.canvas import Canvas, Places, View, around, text_box
from simulation.geometry import Point, Shape

DETAIL = 900.0
"""How many steps the map's longer side has: what is finer than one is left out."""
MARK, TEXT = 0.012, 0.026
"""Radius of a signal and height of its number, as shares of the map's longer side."""


def network_map(streets: Sequence[Shape], signals: Mapping[str, Point], sections: Mapping[str, str]) -> str:
    """`sections` has the anchor and number of each controlled signal: `junction-3`."""
    view = around([point for shape in streets for point in shape] + list(signals.values()))
    side = max(view.width, view.height, 1.0)
    canvas = Canvas(_at_least(view.grown(side * 0.03), side / 3), 1 if side < 2000 else 0)
    lines = "".join(canvas.path(thinned(shape, side / DETAIL)) for shape in streets)
    places = Places([_box(point, side * MARK) for point in signals.values()], [])
    marks = [_mark(canvas, places, name, point, side, sections.get(name)) for name, point in signals.items()]
    label = f"Map of the network, north up, with {len(signals)} signals, of which {len(sections)} are controlled"
    streets_path = f'<path class="streets" stroke-width="{side / 300:.2f}" d="{lines}"/>'
    svg = canvas.svg(label, [streets_path, *marks], "map")
    return svg.replace(' role="img"', ' role="group"', 1)  # an image's links would not be read out


def _at_least(view: View, side: float) -> View:
    """A street that runs straight through gets some height."""
    wide, high = max(0.0, side - view.width) / 2, max(0.0, side - view.height) / 2
    return View(view.left - wide, view.bottom - high, view.right + wide, view.top + high)


def _box(point: Point, radius: float) -> View:
    return View(point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius)


def _mark(canvas: Canvas, places: Places, name: str, point: Point, side: float, section: str | None) -> str:
    x, y, radius = canvas.x(point[0]), canvas.y(point[1]), side * MARK
    title = f"<title>{escape(name)}{'' if section else ', keeps its own plan'}</title>"
    circle = f'<circle cx="{x}" cy="{y}" r="{radius:.2f}"/>'
    if section is None:
        return f'<g class="own-plan">{circle}{title}</g>'
    number, size = section.rpartition("-")[2], side * TEXT
    spots = [
        (point[0] + dx * radius * 1.25, point[1] + dy * radius * 1.25 - 0.35 * size, anchor)
        for dx, dy, anchor in ((1, 0, "start"), (-1, 0, "end"), (1, 1, "start"), (-1, -1, "end"), (0, 2, "middle"))
    ]
    place = places.take_first_free([text_box(number, (sx, sy), size, anchor) for sx, sy, anchor in spots])
    words = ""
    if place is not None:
        sx, sy, anchor = spots[place]
        words = (
            f'<text x="{canvas.x(sx)}" y="{canvas.y(sy)}" font-size="{size:.2f}" text-anchor="{anchor}">{number}</text>'
        )
    return f'<a href="#{section}" aria-label="junction {escape(name)}">{circle}{words}{title}</a>'


def thinned(shape: Shape, step: float) -> Shape:
    """Without points nearer to the last one kept than a step, but for the ends."""
    kept = [shape[0]]
    for point in shape[1:-1]:
        if hypot(point[0] - kept[-1][0], point[1] - kept[-1][1]) >= step:
            kept.append(point)
    return (*kept, shape[-1])
