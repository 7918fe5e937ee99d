"""The network coloured by a measure that the reader chooses: before, after, and the difference.

All maps are in the page, and its style shows those of the chosen measure: without a script, and on paper too.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
from markupsafe import Markup

from reports.canvas import Places, View, text_box
from reports.comparison import Arm, ScenarioComparison
from reports.ground import Ground
from reports.junctions import junction_delays
from reports.links import NO_LINKS
from reports.map_scales import Scale, scale
from reports.map_values import MEASURES, Coloured, Values, coloured
from reports.measures import level_of_service
from reports.wording import number, signed
from reports.words import Words

SMALLEST, LARGEST, TEXT = 0.012, 0.028, 0.04
"""Radii of junctions and height of words, as shares of the map's longer side."""
SPOTS = (
    (0.4, 1.1, "start"), (-0.4, 1.1, "end"), (0.4, -1.1, "start"), (-0.4, -1.1, "end"),
    (1, 0, "start"), (-1, 0, "end"), (0, 1.1, "middle"), (0, -1.1, "middle"),
)  # fmt: skip
"""Where a junction's words may stand, in radii from its middle: between streets that cross at right angles first."""
MOST_TOLD = 8
"""Links that a map's text alternative names where it has no junctions to tell."""
Colour = Callable[[float], str]


@dataclass(frozen=True)
class _Map:
    """One drawing: what it is of, how it colours, and how it writes a junction's value."""

    title: str
    of: Coloured
    link_colour: Colour
    junction_colour: Colour
    text: Callable[[float], str]


def maps(
    name: str,
    comparison: ScenarioComparison,
    base: Ground,
    say: Words,
    links: pd.DataFrame = NO_LINKS,
    movements: pd.DataFrame = NO_LINKS,
) -> dict[str, Any]:
    """The streets that every map of a place uses, and for each measure that was kept its maps and legends."""
    arms = [(arm, coloured(arm, links, movements)) for arm in comparison.headline_arms]
    most = [junction_delays(arm) for arm, _ in arms]
    vehicles = {j: max(each[j][1] for each in most if j in each) for j in {j for each in most for j in each}}
    shown = []
    for measure in MEASURES:
        own = [(arm, of[measure]) for arm, of in arms if of.get(measure)]
        if own:
            shown.append(_measure(f"{name}-{measure}", measure, own, base, vehicles, say, f"{name}-streets"))
    return {"streets": Markup(base.streets_svg(name)), "measures": shown}


def _measure(
    name: str,
    measure: str,
    arms: Sequence[tuple[Arm, Coloured]],
    base: Ground,
    vehicles: Values,
    say: Words,
    streets: str,
) -> dict[str, Any]:
    before = next((of for arm, of in arms if arm.is_baseline), None)
    changes = [(arm, of.minus(before)) for arm, of in arms if before and not arm.is_baseline]
    scaled = scale(measure, _all(of for _, of in arms), _all(of for _, of in changes))
    drawn: list[_Map] = []
    for arm, of in arms:
        drawn.append(_levels(measure, arm, of, scaled))
        drawn += [_changes(arm, change, scaled) for changed, change in changes if changed is arm]
    title = say(f"map.{measure}")
    panels = [
        {"title": each.title, "svg": Markup(_svg(base, each, vehicles, f"{title}, {each.title}", say, streets))}
        for each in drawn
    ]
    legend = scaled.legend()
    if measure == "delay":
        legend = [(colour, f"{letter} {text}") for letter, (colour, text) in zip("ABCDEF", legend, strict=True)]
    return {
        "key": measure,
        "title": title,
        "unit": say(f"map.{measure}_unit"),
        "about": say(f"map.{measure}_about"),
        "definition": MEASURES[measure],
        "panels": panels,
        "legend": legend,
        "changes": scaled.change_legend() if changes else [],
    }


def _all(each: Any) -> list[float]:
    found = list(each)
    return [value for of in found for values in (of.links, of.junctions) for value in values.values()]


def _levels(measure: str, arm: Arm, of: Coloured, scaled: Scale) -> _Map:
    """Level A is not worth a colour on a link: nearly every street has it."""

    def link_colour(value: float) -> str:
        return "" if measure == "delay" and level_of_service(value) == "A" else scaled.colour(value)

    def text(value: float) -> str:
        letter = f" {level_of_service(value)}" if measure == "delay" else ""
        return number(value, scaled.decimals) + letter

    return _Map(arm.controller, of, link_colour, scaled.colour, text)


def _changes(arm: Arm, change: Coloured, scaled: Scale) -> _Map:
    """What hardly changed keeps the street's grey."""

    def link_colour(value: float) -> str:
        return "" if scaled.is_even(value) else scaled.change_colour(value)

    title = f"{arm.controller} − {arm.baseline}"
    return _Map(title, change, link_colour, scaled.change_colour, lambda value: signed(value, scaled.decimals))


def coloured_links(base: Ground, values: Values, colour: Colour) -> str:
    """A path for each colour; streets without one stay as they are."""
    by_colour: dict[str, list[str]] = {}
    for name, value in values.items():
        if name in base.links and (own := colour(value)):
            by_colour.setdefault(own, []).append(base.links[name])
    width = f"{base.side / 130:.1f}"
    return "".join(
        f'<path class="links" stroke="{own}" stroke-width="{width}" d="{"".join(paths)}"/>'
        for own, paths in sorted(by_colour.items())
    )


def _svg(base: Ground, each: _Map, vehicles: Values, title: str, say: Words, streets: str) -> str:
    most = max(vehicles.values(), default=1.0)
    known = {j: value for j, value in each.of.junctions.items() if j in base.places}
    grown = {j: math.sqrt(vehicles.get(j, 0.0) / most) for j in known}
    radii = {j: base.side * (SMALLEST + (LARGEST - SMALLEST) * share) for j, share in grown.items()}
    words = Places([_box(base.places[junction], radius) for junction, radius in radii.items()], [])
    in_order = sorted(known, key=lambda j: -abs(known[j]))  # the words that matter have the first choice
    marks = [_mark(base, words, j, radii[j], each.junction_colour(known[j]), each.text(known[j])) for j in in_order]
    drawn = [f'<use href="#{streets}"/>', coloured_links(base, each.of.links, each.link_colour), *marks]
    return base.canvas.svg(say("map.alt", what=title, described=_told(each, known, in_order)), drawn, "map")


def _told(each: _Map, known: Mapping[str, float], in_order: Sequence[str]) -> str:
    """The junctions' values; of a measure that junctions have not, those of the links that have most."""
    values, names = known, list(in_order)
    if not known:
        values = each.of.links
        names = sorted(values, key=lambda link: -abs(values[link]))[:MOST_TOLD]
    return "; ".join(f"{name} {each.text(values[name])}" for name in names)


def _box(point: tuple[float, float], radius: float) -> View:
    return View(point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius)


def _mark(base: Ground, words: Places, junction: str, radius: float, colour: str, text: str) -> str:
    point, size = base.places[junction], base.side * TEXT
    circle = f'<circle cx="{base.canvas.x(point[0])}" cy="{base.canvas.y(point[1])}" r="{radius:.1f}" fill="{colour}"/>'
    out = radius * 1.2
    spots = [(point[0] + dx * out, point[1] + dy * (out + size / 2) - 0.35 * size, anchor) for dx, dy, anchor in SPOTS]
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
