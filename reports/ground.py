"""What the maps of a place are drawn on: its streets and where its junctions are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reports.canvas import Canvas, View, around
from reports.network_map import DETAIL, thinned
from reports.scenario import read_scenario
from signals.errors import ConfigError
from simulation.geometry import Geometry, Point, Shape


@dataclass(frozen=True)
class Ground:
    """Streets, places of junctions, and the view of them."""

    canvas: Canvas
    side: float
    streets: str
    places: Mapping[str, Point]
    links: Mapping[str, str] = field(default_factory=dict)
    """Each street's path by its name."""

    def streets_svg(self, name: str) -> str:
        """All streets in one; drawn once a place, and used by each of its maps."""
        path = f'<path id="{name}-streets" class="streets" stroke-width="{self.side / 250:.1f}" d="{self.streets}"/>'
        return f'<svg class="ground" width="0" height="0" aria-hidden="true"><defs>{path}</defs></svg>'


def ground(scenario: str, network_digest: str) -> Ground | None:
    """None where the scenario's files are not here any more, or not those that were run."""
    try:
        found, network = read_scenario(scenario, ())
    except ConfigError:
        return None
    if network.digest != network_digest:
        return None
    geometry = Geometry(network, found.net_file)
    places = {junction.id: geometry.place(junction.id) for junction in network.intersections}
    known = {name: place for name, place in places.items() if place}
    return on_ground(geometry.links(), known)


def on_ground(streets: Mapping[str, Shape], places: Mapping[str, Point]) -> Ground:
    view = around([point for shape in streets.values() for point in shape] + list(places.values()))
    side = max(view.width, view.height, 1.0)
    wide, high = (max(0.0, side / 2.2 - size) / 2 for size in (view.width, view.height))
    grown = View(view.left - wide, view.bottom - high, view.right + wide, view.top + high).grown(side * 0.05)
    canvas = Canvas(grown, 1 if side < 2000 else 0)
    paths = {name: canvas.path(thinned(shape, side / DETAIL)) for name, shape in streets.items()}
    return Ground(canvas, side, "".join(paths.values()), places, paths)
