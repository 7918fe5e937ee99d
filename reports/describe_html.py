"""A scenario → one HTML file with drawings, timing sheets and conflicts, for an engineer to check against the field."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from experiments.store import one_line
from reports.describe import overview
from reports.junction_drawing import draw, surroundings_m
from reports.junction_page import junction_page
from reports.network_map import network_map
from reports.scenario import read_scenario, scenario_facts
from reports.templating import render_page
from reports.wording import count, unbroken
from scenarios.catalogue import Scenario
from simulation.geometry import Geometry
from simulation.network import Network

ABOVE = ("scenario", "signals")
FOLDER = Path("build/describe")


def write_page(scenario_name: str, override_files: Sequence[Path] = (), out: Path | None = None) -> Path:
    """Write the page; equal networks give equal bytes. Raises `ConfigError`."""
    scenario, network = read_scenario(scenario_name, override_files)
    file = out or FOLDER / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', Path(scenario.name).name)}.html"
    page = render(scenario, network)
    with one_line(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    return file


def render(scenario: Scenario, network: Network) -> str:
    """The page's text."""
    return render_page("describe.html.j2", _page(scenario, network), unbroken=unbroken, breakable=breakable)


def breakable(name: str) -> Markup:
    """A long id or path may go on in the next line after each of its parts."""
    return Markup(re.sub(r"([_:/.+])(?!$)", r"\1<wbr>", str(escape(name))))


def _page(scenario: Scenario, network: Network) -> dict[str, Any]:
    geometry = Geometry(network, scenario.net_file)
    pages = []
    for number, junction in enumerate(network.intersections, start=1):
        drawings = draw(f"j{number}", junction, geometry.drawing(junction, surroundings_m()))
        page = junction_page(junction, network, drawings)
        pages.append(page | {"anchor": f"junction-{number}", "number": number})
    sections = {page["id"]: page["anchor"] for page in pages}
    places = ((name, geometry.place(name)) for name in [*sections, *network.left_alone])
    controlled, facts = len(network.intersections), scenario_facts(scenario, network)
    return {
        "title": Path(scenario.name.rpartition(",")[0] or scenario.name).name,
        "subtitle": scenario.title,
        "controlled": f"{controlled} of {count(network.signals, 'signal')} controlled"
        f" ({controlled / network.signals:.0%})",
        "left_alone": list(network.left_alone.values()),
        "warnings": network.overrides.warnings,
        "facts": [(name, value.split("\n")) for name, value in facts if name not in ABOVE],
        "map": Markup(network_map(geometry.streets(), {name: place for name, place in places if place}, sections)),
        "overview": list(zip(pages, overview(network), strict=True)),
        "junctions": pages,
    }
