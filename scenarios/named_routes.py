"""Routes that vehicles name or bring along, resolved to edges."""

from xml.etree.ElementTree import Element

from scenarios.picking import pick, weights
from signals.errors import ConfigError

ROUTE_TAGS = ("route", "routeDistribution")
ROUTE_CHOICE_STREAM = 7_310_002  # key of the generator that picks from route distributions, once for all draws

Routes = dict[str, Element]


def named_routes(element: Element) -> Routes:
    """A named route or distribution, with the named routes inside it."""
    if element.tag not in ROUTE_TAGS:
        return {}
    return {found.get("id", ""): found for found in element.iter() if found.tag in ROUTE_TAGS and found.get("id")}


def brings_route(element: Element) -> bool:
    """Whether a vehicle or flow names a route or holds one."""
    return bool(element.get("route")) or any(child.tag in ROUTE_TAGS for child in element)


def resolved_route(subject: str, holder: Element, routes: Routes, index: int) -> Element:
    """The route of a vehicle; of a distribution one is picked by the traveller's index, the same one for every draw."""
    name = holder.get("route") or holder.get("refId")
    found = routes.get(name) if name else next((child for child in holder if child.tag in ROUTE_TAGS), None)
    if found is None and name:
        raise ConfigError(f"{subject} names the route '{name}', which is not defined")
    if found is None:
        raise ConfigError(f"{subject} has no route")
    if found.tag == "routeDistribution":
        return resolved_route(subject, _picked(subject, found, index), routes, index)
    return resolved_route(subject, found, routes, index) if found.get("refId") else found


def _picked(subject: str, distribution: Element, index: int) -> Element:
    """One member by its probability, as something that names or holds a route."""
    names = distribution.get("routes", "").split()
    members = [Element("named", route=name) for name in names] + [_holding(r) for r in distribution.findall("route")]
    listed = distribution.get("probabilities", "").split() or ["1"] * len(names)
    probabilities = listed + [route.get("probability", "1") for route in distribution.findall("route")]
    return members[
        pick(weights(f"{subject}: a route distribution", probabilities, len(members)), ROUTE_CHOICE_STREAM, index)
    ]


def _holding(route: Element) -> Element:
    holder = Element("holder")
    holder.append(route)
    return holder
