"""Traffic as its author wrote it (trips, flows, vehicles, persons), read into travellers.

Each traveller can be written again under any id and departure; its route is known.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import quoteattr

from scenarios.flows import FLOW_KEYS, flow_departures_s, parse_time_s
from scenarios.known_edges import EDGE_KEYS, KnownEdges
from scenarios.named_routes import ROUTE_TAGS, Routes, brings_route, named_routes, resolved_route
from scenarios.routing import route_trips
from scenarios.vehicle_types import Types, picked_type, rail_types, type_distributions
from scenarios.xml_files import top_level_elements
from signals.errors import ConfigError

WRITTEN_AS = {
    "vehicle": "vehicle",
    "trip": "vehicle",
    "flow": "vehicle",
    "person": "person",
    "personFlow": "person",
    "container": "container",
    "containerFlow": "container",
}
FLOW_TAGS = frozenset({"flow", "personFlow", "containerFlow"})
DEMAND_TAGS = frozenset({*WRITTEN_AS, "interval"})
DEFINITION_TAGS = frozenset({"vType", "vTypeDistribution", "param", *ROUTE_TAGS})
ROUTE_FILE_ROOTS = ("routes", "additional", "route-alternatives", "trips", "flows")
PLACES = ("Taz", "Junction", "LonLat", "XY", "")
TRIP_KEYS = ("viaJunctions", *(f"{way}{place}" for way in ("from", "to", "via") for place in PLACES))
ON_FOOT = frozenset({"walk", "personTrip", "tranship", "param"})
BOARDED = frozenset({"triggered", "containerTriggered", "split", "now"})  # departures that are no time
DROPPED_KEYS = frozenset({"id", "depart", "arrival", "route", *TRIP_KEYS, *FLOW_KEYS})
DROPPED_ROUTE_KEYS = frozenset({"id", "edges", "probability", "cost", "savings", "exitTimes", "refId"})


@dataclass(frozen=True, slots=True)
class Traveller:
    """One vehicle or person of the author's demand; `index` counts all of them in the order of the files."""

    index: int
    id: str
    tag: str
    depart_s: float  # nan: departs when somebody boards it
    timetabled: bool  # departs once and at its own time, whatever the demand multiple
    edges: str  # a vehicle's route, blank between edges
    attributes: str
    body: str
    trip: str | None = None  # what is still to be routed


@dataclass(frozen=True)
class Traffic:
    """What the route files hold: definitions (vehicle types, named routes) as text, and everybody who travels."""

    definitions: tuple[str, ...]
    travellers: tuple[Traveller, ...]
    left_out: int = 0  # vehicles and persons whose route has an error, where these are to be ignored


@dataclass(frozen=True)
class Window:
    """The simulated time, and how far beside it departures are still of interest."""

    begin_s: float
    end_s: float
    margin_s: float

    def holds(self, depart_s: float) -> bool:
        """Whether a departure can get into the window; one that is no time can."""
        return math.isnan(depart_s) or self.begin_s - self.margin_s <= depart_s < self.end_s + self.margin_s


@dataclass(frozen=True)
class _Source:
    """One element of a route file that makes vehicles or persons, with where it stood."""

    file: Path
    element: Element
    interval: dict[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return f"{self.file}: {self.element.tag} '{self.element.get('id', '')}'"

    @property
    def tag(self) -> str:
        return WRITTEN_AS[self.element.tag]

    @property
    def is_flow(self) -> bool:
        return self.element.tag in FLOW_TAGS


@dataclass
class _Reading:
    """Everything collected from the files before references are resolved."""

    definitions: dict[str, None] = field(default_factory=dict)
    routes: Routes = field(default_factory=dict)
    types: Types = field(default_factory=dict)
    on_rails: set[str] = field(default_factory=set)
    sources: list[_Source] = field(default_factory=list)


def read_traffic(
    net_file: Path,
    route_files: Sequence[Path],
    additional_files: Sequence[Path],
    window: Window,
    ignore_route_errors: bool = False,
) -> Traffic:
    """All travellers that depart in the window or near it; trips get their route, flows become vehicles."""
    known = KnownEdges(net_file, ignore_route_errors)
    reading = _collect(route_files, additional_files, known)
    ridden = _ridden(reading.sources)
    drafts: list[Traveller] = []
    count = 0
    for source in reading.sources:
        departures_s = _departures_s(source, window, count)
        numbers = [number for number, depart_s in enumerate(departures_s) if window.holds(depart_s)]
        if numbers:
            _check_edges(source, known)
            for number in numbers:
                typed = _with_type(source, reading.types, count + number)
                draft = _draft(typed, number, departures_s[number], count + number, reading.routes, known)
                drafts.append(_keeping_time(draft, typed, ridden, reading.on_rails))
        count += len(departures_s)
    definitions = tuple(reading.definitions)
    routed = tuple(_routed(drafts, net_file, additional_files, definitions, ignore_route_errors))
    kept = tuple(t for t in routed if known.can_travel(t.tag, t.edges, t.body)) if ignore_route_errors else routed
    return Traffic(definitions, kept, len(routed) - len(kept))


def _collect(route_files: Sequence[Path], additional_files: Sequence[Path], known: KnownEdges) -> _Reading:
    reading = _Reading()
    for file in additional_files:
        for element in top_level_elements(file):
            reading.routes.update(named_routes(element))
            reading.types.update(type_distributions(element))
            reading.on_rails |= rail_types(element)
    for file in route_files:
        for element in top_level_elements(file, ROUTE_FILE_ROOTS):
            sources = list(_sources(file, element))
            reading.sources += sources
            if not sources and element.tag in DEFINITION_TAGS and file not in additional_files:
                routes = named_routes(element)
                for name, route in routes.items():
                    known.check(route.get("edges", ""), f"{file}: route '{name}'")
                reading.routes.update(routes)
                reading.types.update(type_distributions(element))
                reading.on_rails |= rail_types(element)
                reading.definitions[_text(element)] = None
    return reading


def _sources(file: Path, element: Element) -> Iterator[_Source]:
    if element.tag in WRITTEN_AS:
        yield _Source(file, element)
    elif element.tag == "interval":
        yield from (_Source(file, child, dict(element.attrib)) for child in element if child.tag in WRITTEN_AS)


def _text(element: Element) -> str:
    return tostring(element, encoding="unicode").strip()


def _departures_s(source: _Source, window: Window, stream: int) -> Sequence[float]:
    element = source.element
    if not element.get("id"):
        raise ConfigError(f"{source.file}: a {element.tag} has no id")
    if source.is_flow:
        flow = {**source.interval, **element.attrib}
        return flow_departures_s(flow, source.subject, window.begin_s, window.end_s + window.margin_s, stream).tolist()
    depart = element.get("depart")
    if depart is None:
        raise ConfigError(f"{source.subject} has no depart")
    if depart in BOARDED:
        return [math.nan]
    return [window.begin_s if depart == "begin" else parse_time_s(depart, source.subject)]


def _check_edges(source: _Source, known: KnownEdges) -> None:
    for element in source.element.iter():
        for key in EDGE_KEYS:
            if key in element.attrib:
                known.check(element.attrib[key], source.subject)


def _with_type(source: _Source, types: Types, index: int) -> _Source:
    """A vehicle whose type is a distribution gets one of its types: SUMO would draw it anew each time."""
    picked = picked_type(types, source.element, index) if types and source.tag == "vehicle" else None
    if picked is None:
        return source
    element = Element(source.element.tag, {**source.element.attrib, "type": picked})
    element.extend(source.element)
    return replace(source, element=element)


def _draft(source: _Source, number: int, depart_s: float, index: int, routes: Routes, known: KnownEdges) -> Traveller:
    """One traveller of a source, its trip not yet routed."""
    element = source.element
    name = f"{element.attrib['id']}.{number}" if source.is_flow else element.attrib["id"]
    attributes = _attributes(element, DROPPED_KEYS)
    if math.isnan(depart_s):
        attributes = f" depart={quoteattr(element.attrib['depart'])}{attributes}"
    draft = Traveller(index, name, source.tag, depart_s, math.isnan(depart_s), "", attributes, _body(element))
    if source.tag != "vehicle":
        return draft
    trip = _trip(element)
    if trip is not None:
        return replace(draft, trip=trip)
    return _with_route(draft, source, resolved_route(source.subject, element, routes, index), known)


def _attributes(element: Element, dropped: frozenset[str]) -> str:
    return "".join(f" {key}={quoteattr(value)}" for key, value in element.attrib.items() if key not in dropped)


def _body(element: Element) -> str:
    return "".join(_text(child) for child in element if child.tag not in ROUTE_TAGS)


def _trip(element: Element) -> str | None:
    """What duarouter has to know of a trip, or None where the element brings its route."""
    if brings_route(element) or not ({*TRIP_KEYS} & element.attrib.keys() or element.find("stop") is not None):
        return None
    wanted = {key: element.attrib[key] for key in ("type", *TRIP_KEYS) if key in element.attrib}
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in wanted.items())
    return attributes + ">" + "".join(_text(stop) for stop in element.iter("stop"))


def _with_route(draft: Traveller, source: _Source, route: Element, known: KnownEdges) -> Traveller:
    """The route is written into the vehicle, with what else it has (stops, colour, repeats)."""
    edges = " ".join(route.get("edges", "").split())
    if not edges:
        raise ConfigError(f"{source.subject} has a route without edges")
    known.check(edges, source.subject)
    children = "".join(_text(child) for child in route)
    written = f"<route edges={quoteattr(edges)}{_attributes(route, DROPPED_ROUTE_KEYS)}>{children}</route>"
    timetabled = draft.timetabled or route.find("stop") is not None
    return replace(draft, edges=" ".join([edges] * _rounds(route)), body=written + draft.body, timetabled=timetabled)


def _rounds(route: Element) -> int:
    repeats = route.get("repeat", "0")
    return 1 + int(repeats) if repeats.isdigit() else 1


def _ridden(sources: Iterable[_Source]) -> frozenset[str]:
    """Vehicles and lines that somebody's plan names; they keep their time so that nobody waits in vain."""
    rides = (ride for source in sources if source.tag != "vehicle" for ride in source.element)
    return frozenset(name for ride in rides for name in ride.get("lines", "").split())


def _keeping_time(draft: Traveller, source: _Source, ridden: frozenset[str], on_rails: set[str]) -> Traveller:
    """Vehicles with stops or on rails have a timetable; persons follow the demand only where they walk."""
    element = source.element
    if source.tag == "vehicle":
        keeps = element.find("stop") is not None or not ridden.isdisjoint({draft.id, element.get("line")})
        keeps = keeps or element.get("type") in on_rails
    else:
        keeps = any(stage.tag not in ON_FOOT or stage.get("modes") for stage in element)
    return replace(draft, timetabled=True) if keeps else draft


def _routed(
    drafts: Sequence[Traveller],
    net_file: Path,
    additional_files: Sequence[Path],
    definitions: Sequence[str],
    ignore_errors: bool,
) -> Iterator[Traveller]:
    """Drafts with the routes of their trips; trips that say the same are routed once."""
    trips = list(dict.fromkeys(draft.trip for draft in drafts if draft.trip is not None))
    found = dict(zip(trips, route_trips(net_file, additional_files, definitions, trips, ignore_errors), strict=True))
    for draft in drafts:
        if draft.trip is None:
            yield draft
        else:
            edges = found[draft.trip]
            yield replace(draft, edges=edges, body=f"<route edges={quoteattr(edges)}/>{draft.body}", trip=None)
