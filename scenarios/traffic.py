"""Traffic as its author wrote it (trips, flows, vehicles, persons), read into travellers of which each can be written again with any id and departure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np

from scenarios.flows import FLOW_KEYS, flow_departures_s, parse_time_s
from scenarios.routing import route_trips
from scenarios.xml_files import net_edges, top_level_elements
from signals.errors import ConfigError

TRAVELLER_TAGS = {"vehicle": "vehicle", "trip": "vehicle", "flow": "vehicle", "person": "person", "personFlow": "person"}
TRAVELLER_TAGS |= {"container": "container", "containerFlow": "container"}
ROUTE_FILE_ROOTS = ("routes", "additional", "route-alternatives")
DEMAND_TAGS = frozenset({*TRAVELLER_TAGS, "interval"})
DEFINITION_TAGS = frozenset({"vType", "vTypeDistribution", "route", "routeDistribution", "param"})
TRIP_KEYS = ("from", "to", "via", "fromTaz", "toTaz", "fromJunction", "toJunction", "viaJunctions", "fromLonLat", "toLonLat", "viaLonLat", "fromXY", "toXY", "viaXY")
EDGE_KEYS = ("from", "to", "via", "edges")
UNSCHEDULED = frozenset({"triggered", "containerTriggered", "split", "now"})
DROPPED_KEYS = frozenset({"id", "depart", "arrival", "route", *TRIP_KEYS, *FLOW_KEYS})
ROUTE_CHOICE_STREAM = 7_310_002  # the key of the generator that picks from route distributions, once for all draws


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


@dataclass(frozen=True)
class Traffic:
    """What the route files hold: definitions (vehicle types, named routes) as text, and everybody who travels."""

    definitions: tuple[str, ...]
    travellers: tuple[Traveller, ...]


@dataclass
class _Source:
    """One element of a route file that makes vehicles or persons, with where it stood."""

    file: Path
    element: ElementTree.Element
    interval: dict[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return f"{self.file}: {self.element.tag} '{self.element.get('id', '')}'"


@dataclass
class _Reading:
    """Everything collected from the files before references are resolved."""

    definitions: dict[str, None] = field(default_factory=dict)
    routes: dict[str, ElementTree.Element] = field(default_factory=dict)
    sources: list[_Source] = field(default_factory=list)


def read_traffic(
    net_file: Path, route_files: Sequence[Path], additional_files: Sequence[Path], begin_s: float, end_s: float, margin_s: float
) -> Traffic:
    """All travellers that depart in the window or within `margin_s` of it; trips get their route, flows become vehicles."""
    reading = _collect(route_files, additional_files)
    known = _KnownEdges(net_file)
    rides = _ridden(reading.sources)
    drafts: list[tuple[Traveller, str | None]] = []
    count = 0
    for source in reading.sources:
        departs = _departures(source, begin_s, end_s + margin_s, count)
        wanted = [k for k, depart in enumerate(departs) if math.isnan(depart) or begin_s - margin_s <= depart < end_s + margin_s]
        if wanted:
            _check_edges(source, known)
            drafts += _drafts(source, departs, wanted, count, reading.routes, known, rides)
        count += len(departs)
    routed = _routed(drafts, net_file, additional_files, tuple(reading.definitions))
    return Traffic(tuple(reading.definitions), tuple(routed))


def _collect(route_files: Sequence[Path], additional_files: Sequence[Path]) -> _Reading:
    reading = _Reading()
    for file in additional_files:
        for element in top_level_elements(file, ("additional", "routes")):
            if element.tag in ("route", "routeDistribution"):
                reading.routes.update(_named_routes(element))
    for file in route_files:
        for element in top_level_elements(file, ROUTE_FILE_ROOTS):
            if element.tag in TRAVELLER_TAGS:
                reading.sources.append(_Source(file, element))
            elif element.tag == "interval":
                reading.sources += [_Source(file, child, dict(element.attrib)) for child in element if child.tag in TRAVELLER_TAGS]
            else:
                reading.routes.update(_named_routes(element))
                reading.definitions[_text(element)] = None
    return reading


def _named_routes(element: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """A named route or distribution, with the named routes inside it."""
    if element.tag not in ("route", "routeDistribution"):
        return {}
    return {found.get("id", ""): found for found in element.iter() if found.tag in ("route", "routeDistribution") and found.get("id")}


def _text(element: ElementTree.Element) -> str:
    return ElementTree.tostring(element, encoding="unicode").strip()


def _departures(source: _Source, begin_s: float, end_s: float, stream: int) -> Sequence[float]:
    element = source.element
    if not element.get("id"):
        raise ConfigError(f"{source.file}: a {element.tag} has no id")
    if element.tag.lower().endswith("flow"):
        departs: list[float] = flow_departures_s({**source.interval, **element.attrib}, source.subject, begin_s, end_s, stream).tolist()
        return departs
    depart = element.get("depart")
    if depart is None:
        raise ConfigError(f"{source.subject} has no depart")
    if depart in UNSCHEDULED:
        return [math.nan]
    return [begin_s if depart == "begin" else parse_time_s(depart, source.subject)]


class _KnownEdges:
    """Checks edge lists against the network; a list that passed once passes again without work."""

    def __init__(self, net_file: Path) -> None:
        self.net_file = net_file
        self.edges = net_edges(net_file)
        self.passed: set[str] = set()

    def check(self, edges: str, subject: str) -> None:
        if edges in self.passed:
            return
        for edge in edges.replace(",", " ").split():
            if edge not in self.edges:
                raise ConfigError(f"{subject}: its edge '{edge}' is not in {self.net_file}")
        self.passed.add(edges)


def _check_edges(source: _Source, known: _KnownEdges) -> None:
    for element in source.element.iter():
        if element.tag != "param":
            for key in EDGE_KEYS:
                if key in element.attrib:
                    known.check(element.attrib[key], source.subject)


def _ridden(sources: Iterable[_Source]) -> frozenset[str]:
    """Vehicles and lines that somebody's plan names; they keep their time so that nobody waits in vain."""
    rides = (ride for source in sources if TRAVELLER_TAGS[source.element.tag] != "vehicle" for ride in source.element)
    return frozenset(name for ride in rides for name in ride.get("lines", "").split())


def _drafts(
    source: _Source,
    departs: Sequence[float],
    wanted: Sequence[int],
    first_index: int,
    routes: dict[str, ElementTree.Element],
    known: _KnownEdges,
    rides: frozenset[str],
) -> Iterator[tuple[Traveller, str | None]]:
    """Travellers of one source, each with the trip that it still needs a route for, if any."""
    element = source.element
    tag = TRAVELLER_TAGS[element.tag]
    is_flow = element.tag.lower().endswith("flow")
    attributes = _attributes(element, DROPPED_KEYS)
    if departs and math.isnan(departs[0]):
        attributes = f" depart={quoteattr(element.attrib['depart'])}{attributes}"
    trip = _trip(element) if tag == "vehicle" else None
    for k in wanted:
        name = f"{element.get('id')}.{k}" if is_flow else str(element.get("id"))
        edges, body, stops = _plan(source, routes, known, first_index + k) if tag == "vehicle" and trip is None else ("", _body(element), False)
        timetabled = stops or _keeps_time(element, tag, math.isnan(departs[k])) or not rides.isdisjoint((name, element.get("line")))
        yield Traveller(first_index + k, name, tag, departs[k], timetabled, edges, attributes, body), trip


def _keeps_time(element: ElementTree.Element, tag: str, unscheduled: bool) -> bool:
    """Vehicles with stops have a timetable; persons follow the demand only where they walk or are free in how they go."""
    if unscheduled:
        return True
    if tag == "vehicle":
        return element.find("stop") is not None
    return any(stage.tag not in ("walk", "personTrip", "param") or stage.get("modes") for stage in element)


def _attributes(element: ElementTree.Element, dropped: frozenset[str]) -> str:
    return "".join(f" {key}={quoteattr(value)}" for key, value in element.attrib.items() if key not in dropped)


def _body(element: ElementTree.Element) -> str:
    return "".join(_text(child) for child in element if child.tag not in ("route", "routeDistribution"))


def _trip(element: ElementTree.Element) -> str | None:
    """What duarouter has to know of a trip, or None where the element brings its route."""
    keys = [key for key in TRIP_KEYS if key in element.attrib]
    if element.get("route") or element.find("route") is not None or element.find("routeDistribution") is not None or not keys:
        return None
    wanted = "".join(f" {key}={quoteattr(element.attrib[key])}" for key in ("type", *keys) if key in element.attrib)
    return wanted + ">" + "".join(_text(stop) for stop in element.iter("stop"))


def _plan(source: _Source, routes: dict[str, ElementTree.Element], known: _KnownEdges, index: int) -> tuple[str, str, bool]:
    """A vehicle's edges, its children as text, and whether its route brings stops."""
    route = _route(source, source.element, routes, index)
    edges = " ".join(route.get("edges", "").split())
    if not edges:
        raise ConfigError(f"{source.subject} has a route without edges")
    known.check(edges, source.subject)
    attributes = _attributes(route, frozenset({"id", "edges", "probability", "cost", "savings", "exitTimes", "refId"}))
    children = "".join(_text(child) for child in route)
    body = f'<route edges={quoteattr(edges)}{attributes}>{children}</route>' if children else f"<route edges={quoteattr(edges)}{attributes}/>"
    repeats = 1 + int(route.get("repeat", "0"))
    return " ".join([edges] * repeats), body + _body(source.element), route.find("stop") is not None


def _route(source: _Source, holder: ElementTree.Element, routes: dict[str, ElementTree.Element], index: int) -> ElementTree.Element:
    """The route that a vehicle names or holds; of a distribution one is picked, the same one for every draw."""
    name = holder.get("route") or holder.get("refId")
    found = routes.get(name) if name else next((child for child in holder if child.tag in ("route", "routeDistribution")), None)
    if found is None:
        raise ConfigError(f"{source.subject} names the route '{name}', which is not defined" if name else f"{source.subject} has no route")
    if found.tag == "routeDistribution":
        return _route(source, _picked(found, index), routes, index)
    return _route(source, found, routes, index) if found.get("refId") else found


def _picked(distribution: ElementTree.Element, index: int) -> ElementTree.Element:
    names = distribution.get("routes", "").split()
    members = [ElementTree.Element("ref", route=name) for name in names]
    weights = [float(weight) for weight in distribution.get("probabilities", "").split()] or [1.0] * len(names)
    for child in distribution.findall("route"):
        holder = ElementTree.Element("holder")
        holder.append(child)
        members.append(holder)
        weights.append(float(child.get("probability", "1")))
    uniform = np.random.Generator(np.random.Philox(key=[ROUTE_CHOICE_STREAM, index])).random()
    cumulated = np.cumsum(weights)
    return members[int(np.searchsorted(cumulated, uniform * cumulated[-1], side="right"))]


def _routed(
    drafts: Sequence[tuple[Traveller, str | None]], net_file: Path, additional_files: Sequence[Path], definitions: Sequence[str]
) -> Iterator[Traveller]:
    """Drafts with the routes of their trips; trips that say the same are routed once."""
    trips = list(dict.fromkeys(trip for _, trip in drafts if trip is not None))
    edges = dict(zip(trips, route_trips(net_file, additional_files, definitions, trips), strict=True))
    for draft, trip in drafts:
        if trip is None:
            yield draft
            continue
        body = f"<route edges={quoteattr(edges[trip])}/>" + draft.body
        yield Traveller(draft.index, draft.id, draft.tag, draft.depart_s, draft.timetabled, edges[trip], draft.attributes, body)
