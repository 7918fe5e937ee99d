"""The network with each controlled junction by its delay: before, after, and the difference."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd
from markupsafe import Markup

from reports.canvas import Canvas, Places, View, around, text_box
from reports.comparison import Arm, ScenarioComparison
from reports.links import NO_LINKS, link_delays
from reports.measures import LOS_LIMITS_S, level_of_service
from reports.network_map import DETAIL, thinned
from reports.scenario import read_scenario
from reports.wording import number, signed
from reports.words import Words
from signals.errors import ConfigError
from simulation.geometry import Geometry, Point, Shape

LEVEL_COLOURS = dict(
    zip("ABCDEF", ("#2166ac", "#67a9cf", "#b8a14a", "#ef8a3c", "#d6452b", "#8e0b26"), strict=True)
)  # blue to red, told apart without colour vision; the letter stands beside
LESS, MORE, EVEN = "#2166ac", "#d6452b", "#777d86"
EVEN_S = 2.0
SMALLEST, LARGEST, TEXT = 0.012, 0.028, 0.04
"""Radii of junctions and height of words, as shares of the map's longer side."""
USED_AGAIN = '<use href="#MAP-streets"/>'
Delays = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Ground:
    """What all maps of a scenario are drawn on: its streets, where its junctions are, and the view of them."""

    canvas: Canvas
    side: float
    streets: str
    places: Mapping[str, Point]
    links: Mapping[str, str] = field(default_factory=dict)
    """Each street's path by its name."""

    @property
    def streets_svg(self) -> str:
        """All streets in one; drawn once a scenario, and used again."""
        return f'<path id="MAP-streets" class="streets" stroke-width="{self.side / 250:.1f}" d="{self.streets}"/>'


def junction_delays(arm: Arm) -> dict[str, tuple[float, float]]:
    """Of each controlled junction the delay in s per vehicle and the vehicles, mean over draws; {} if not kept."""
    totals: dict[str, list[float]] = {}
    kept = [json.loads(text) for text in arm.cases["delay_by_junction"] if text]
    for case in kept:
        for junction, (delay_s, vehicles) in case.items():
            total = totals.setdefault(junction, [0.0, 0.0])
            total[0] += delay_s * vehicles
            total[1] += vehicles
    return {junction: (lost_s / passed, passed / len(kept)) for junction, (lost_s, passed) in totals.items() if passed}


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


def maps(
    name: str, comparison: ScenarioComparison, base: Ground, say: Words, links: pd.DataFrame = NO_LINKS
) -> list[dict[str, Any]]:
    """The baseline's map, and for each controller its own and the difference; none where no delays were kept."""
    arms = [(arm, junction_delays(arm), link_delays(links, arm)) for arm in comparison.headline_arms]
    before, streets_before = next(((each, streets) for arm, each, streets in arms if arm.is_baseline), ({}, {}))
    found: list[dict[str, Any]] = []
    for place, (arm, delays, streets) in enumerate(arms):
        if not delays:
            continue
        own = coloured_links(base, streets, _street_level)
        coloured = (base.streets_svg if not found else USED_AGAIN) + own
        level = _map(f"{name}-{place}", base, delays, _by_level, arm.controller, say, coloured)
        found.append({"title": arm.controller, "svg": level})
        if before and not arm.is_baseline:
            change, title = _change(delays, before), f"{arm.controller} − {arm.baseline}"
            coloured = USED_AGAIN + coloured_links(base, _change(streets, streets_before), _street_change)
            shown = _map(f"{name}-{place}", base, change, _by_change, title, say, coloured)
            found.append({"title": title, "svg": shown})
    return [{**each, "svg": Markup(each["svg"].replace("MAP", name))} for each in found]


def _change(delays: Delays, before: Delays) -> dict[str, tuple[float, float]]:
    return {name: (delay_s - before[name][0], n) for name, (delay_s, n) in delays.items() if name in before}


def delay_rows(comparison: ScenarioComparison) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """The same as figures: the controllers, and of each junction its vehicles and each controller's delay."""
    arms = [(arm.controller, junction_delays(arm)) for arm in comparison.headline_arms]
    arms = [(who, delays) for who, delays in arms if delays]
    names = sorted({junction for _, delays in arms for junction in delays}, key=lambda j: -_most(arms, j))
    rows = [(j, number(_most(arms, j), 0), [_cell(delays.get(j)) for _, delays in arms]) for j in names]
    return [who for who, _ in arms], rows


def _most(arms: Sequence[tuple[str, Delays]], junction: str) -> float:
    return max(delays[junction][1] for _, delays in arms if junction in delays)


def _cell(found: tuple[float, float] | None) -> str:
    return "–" if found is None else f"{number(found[0])} {level_of_service(found[0])}"


def _by_level(delay_s: float) -> tuple[str, str]:
    letter = level_of_service(delay_s)
    return LEVEL_COLOURS[letter], f"{number(delay_s, 0)} {letter}"


def coloured_links(base: Ground, delays: Delays, colour: Callable[[float], str]) -> str:
    """A path for each colour; streets without one stay as they are."""
    by_colour: dict[str, list[str]] = {}
    for name, (delay_s, _) in delays.items():
        if name in base.links and (own := colour(delay_s)):
            by_colour.setdefault(own, []).append(base.links[name])
    width = f"{base.side / 130:.1f}"
    return "".join(
        f'<path class="links" stroke="{own}" stroke-width="{width}" d="{"".join(paths)}"/>'
        for own, paths in sorted(by_colour.items())
    )


def _street_level(delay_s: float) -> str:
    """Level A is not worth a colour: nearly every street has it."""
    level = level_of_service(delay_s)
    return "" if level == "A" else LEVEL_COLOURS[level]


def _street_change(change_s: float) -> str:
    return "" if abs(change_s) < EVEN_S else LESS if change_s < 0 else MORE


def _by_change(change_s: float) -> tuple[str, str]:
    colour = EVEN if abs(change_s) < EVEN_S else LESS if change_s < 0 else MORE
    return colour, signed(change_s, 0)


def legend(say: Words) -> list[tuple[str, str]]:
    """Colour and meaning: the levels, then the differences."""
    floors_s = [0.0, *(limit for _, limit in LOS_LIMITS_S)]
    levels = [(LEVEL_COLOURS[letter], f"{letter} {floor:.0f}–{limit:.0f} s")
              for floor, (letter, limit) in zip(floors_s, LOS_LIMITS_S, strict=False)]  # fmt: skip
    changes = [(LESS, say("map.less")), (EVEN, say("map.even")), (MORE, say("map.more"))]
    return [*levels, (LEVEL_COLOURS["F"], f"F > {LOS_LIMITS_S[-1][1]:.0f} s"), *changes]


def _map(
    name: str,
    base: Ground,
    delays: Delays,
    look: Callable[[float], tuple[str, str]],
    title: str,
    say: Words,
    streets: str,
) -> str:
    most = max((vehicles for _, vehicles in delays.values()), default=1.0)
    known = {junction: found for junction, found in delays.items() if junction in base.places}
    radii = {j: base.side * (SMALLEST + (LARGEST - SMALLEST) * math.sqrt(n / most)) for j, (_, n) in known.items()}
    words = Places([_box(base.places[junction], radius) for junction, radius in radii.items()], [])
    in_order = sorted(
        known, key=lambda junction: -abs(known[junction][0])
    )  # the words that matter have the first choice
    marks = [_mark(base, words, junction, radii[junction], *look(known[junction][0])) for junction in in_order]
    listed = "; ".join(say("map.one", junction=j, delay=number(known[j][0])) for j in in_order)
    label = say("map.alt", what=title, described=listed)
    return base.canvas.svg(label, [streets, *marks], "map")


def _box(point: Point, radius: float) -> View:
    return View(point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius)


def _mark(base: Ground, words: Places, junction: str, radius: float, colour: str, text: str) -> str:
    point, size = base.places[junction], base.side * TEXT
    circle = f'<circle cx="{base.canvas.x(point[0])}" cy="{base.canvas.y(point[1])}" r="{radius:.1f}" fill="{colour}"/>'
    out = radius * 1.2
    spots = [
        (point[0] + dx * out, point[1] + dy * (out + size / 2) - 0.35 * size, anchor)
        for dx, dy, anchor in ((1, 0, "start"), (-1, 0, "end"), (0, 1.1, "middle"), (0, -1.1, "middle"))
    ]
    inside = [spot for spot in spots if _within(text_box(text, (spot[0], spot[1]), size, spot[2]), base.canvas.view)]
    place = words.take_first_free([text_box(text, (x, y), size, anchor) for x, y, anchor in inside])
    label = ""
    if place is not None:
        x, y, anchor = inside[place]
        at = f'x="{base.canvas.x(x)}" y="{base.canvas.y(y)}"'
        label = f'<text {at} font-size="{size:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    return f"<g>{circle}{label}<title>{escape(junction)}: {escape(text)}</title></g>"


def _within(box: View, view: View) -> bool:
    return view.holds((box.left, box.bottom)) and view.holds((box.right, box.top))
