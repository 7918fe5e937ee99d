"""A demand that reproduces counts: candidate routes, of which SUMO's routeSampler.py picks as many as were counted."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import quoteattr

from scenarios.candidates import Route, local_routes, places_of, through_routes
from scenarios.counts import Count
from scenarios.geh import Fit, fit
from scenarios.street_graph import StreetGraph
from scenarios.sumo_tools import run_script
from scenarios.vehicle_types import CAR
from scenarios.xml_files import top_level_elements
from signals.errors import ConfigError

ENTERING = 'type="car" departLane="best" departSpeed="max"'
DEFAULT_SEED = 42
PREFERENCE = 4  # exponent; 15 % fewer vehicles than without one where 150 turns of Ingolstadt are counted


@dataclass(frozen=True)
class Sampled:
    """Departures (seconds, route) in order, how many of them begin or end inside, and how they fit the counts."""

    departures: tuple[tuple[float, Route], ...]
    local: int
    fits: tuple[Fit, ...]


def sample(streets: StreetGraph, counts: Sequence[Count], seed: int = DEFAULT_SEED) -> Sampled:
    """Through traffic first; what is then left of a count begins or ends inside the network."""
    places = list(dict.fromkeys(count.edges for count in counts))
    through = _sampled(through_routes(streets, places, seed), counts, seed)
    local = _sampled(local_routes(streets, places), _left(counts, through), seed + 1)
    departures = sorted([*through, *local])
    if not departures:
        raise ConfigError(f"{counts[0].where.partition(': ')[0]}: nobody was counted where a route leads")
    return Sampled(tuple(departures), len(local), tuple(fit(counts, departures)))


def _left(counts: Sequence[Count], departures: Iterable[tuple[float, Route]]) -> list[Count]:
    fits = fit(counts, departures)
    return [replace(one.count, vehicles=max(0, one.count.vehicles - one.modelled)) for one in fits]


def _sampled(candidates: Sequence[Route], counts: Sequence[Count], seed: int) -> list[tuple[float, Route]]:
    if not candidates or not any(count.vehicles for count in counts):
        return []
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        text = _candidates_xml(candidates, {count.edges for count in counts})
        (folder / "candidates.rou.xml").write_text(text, encoding="utf-8")
        options: list[str | Path] = ["--route-files", folder / "candidates.rou.xml", "--weighted", "--seed", str(seed)]
        options += ["--output-file", folder / "sampled.rou.xml"]
        for kind, option in (("edgeRelation", "--turn-files"), ("edge", "--edgedata-files")):
            text = _counts_xml(counts, kind)
            (folder / f"{kind}.xml").write_text(text, encoding="utf-8")
            options += [option, folder / f"{kind}.xml"] if f"<{kind} " in text else []
        run_script("routeSampler.py", *options, subject="routeSampler")
        return [
            (float(vehicle.attrib["depart"]), tuple(route.attrib["edges"].split()))
            for vehicle in top_level_elements(folder / "sampled.rou.xml")
            for route in vehicle.iter("route")
        ]


def _candidates_xml(candidates: Sequence[Route], places: set[Route]) -> str:
    """Routes past many counted places are the likelier ones: fewer vehicles then explain the same counts."""
    lines = ["<routes>"]
    for number, route in enumerate(candidates):
        passed = sum(place in places for place in places_of(route))
        edges = quoteattr(" ".join(route))
        lines.append(f'<route id="r{number}" edges={edges} probability="{passed**PREFERENCE}"/>')
    return "\n".join([*lines, "</routes>", ""])


def _counts_xml(counts: Sequence[Count], kind: str) -> str:
    wanted = [count for count in counts if (len(count.edges) > 1) == (kind == "edgeRelation")]
    lines = ["<data>"]
    for begin_s, end_s in sorted({(count.begin_s, count.end_s) for count in wanted}):
        lines.append(f'<interval id="counts" begin="{begin_s:.2f}" end="{end_s:.2f}">')
        lines += [_count_xml(count) for count in wanted if count.begin_s == begin_s]
        lines.append("</interval>")
    return "\n".join([*lines, "</data>", ""])


def _count_xml(count: Count) -> str:
    if len(count.edges) > 1:
        start, end = map(quoteattr, count.edges)
        return f'<edgeRelation from={start} to={end} count="{count.vehicles}"/>'
    return f'<edge id={quoteattr(count.edges[0])} entered="{count.vehicles}"/>'


def routes_xml(sampled: Sampled) -> str:
    """The demand as a route file; vehicles are named by their number."""
    lines = ["<routes>", f"    {CAR}"]
    for number, (depart_s, route) in enumerate(sampled.departures):
        edges = quoteattr(" ".join(route))
        lines.append(f'    <vehicle id="{number}" depart="{depart_s:.2f}" {ENTERING}><route edges={edges}/></vehicle>')
    return "\n".join([*lines, "</routes>", ""])
