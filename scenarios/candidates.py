"""Routes that the counted vehicles may have taken."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from scenarios.street_graph import StreetGraph, Tree, random_factors, way

Route = tuple[str, ...]

OPINIONS = 4  # ways from each entry to each exit: the fastest, and the fastest to drivers who see it differently
MOST_SLOWER = 1.6  # how much slower a street may seem to somebody than it is
NEAREST = 3  # entries and exits tried for a turn that lies on no fastest way


def through_routes(streets: StreetGraph, places: Sequence[Route], seed: int) -> list[Route]:
    """From where the network begins to where it ends, through every counted place that can be reached so."""
    plain = {entry: streets.tree(entry) for entry in streets.entries}
    found = dict.fromkeys(_fastest(streets, plain))
    for opinion in range(1, OPINIONS):
        factor = random_factors(streets.travel_s, [seed, opinion], MOST_SLOWER)
        found |= dict.fromkeys(_fastest(streets, {entry: streets.tree(entry, factor) for entry in streets.entries}))
    passed = {place for route in found for place in places_of(route)}
    for place in places:
        if place not in passed:
            found |= dict.fromkeys(_through(streets, plain, place))
    counted = set(places)
    return [route for route in found if not counted.isdisjoint(places_of(route))]


def local_routes(streets: StreetGraph, places: Sequence[Route]) -> list[Route]:
    """Routes that begin or end inside, for what the counts have more on one side of a street than on the other."""
    plain = {entry: streets.tree(entry) for entry in streets.entries}
    found: dict[Route, None] = {}
    for place in places:
        before = [_joined(way(plain[entry], place[0]), place) for entry in _nearest(plain, place[0])]
        onward = streets.tree(place[-1])
        after = [_joined(place, way(onward, end)) for end in _nearest_exits(streets, onward)]
        found |= dict.fromkeys([place, *before, *after])
    return [route for route in found if len(set(route)) == len(route)]


def places_of(route: Route) -> Iterator[Route]:
    """Every link and turn that a route passes."""
    for edge in route:
        yield (edge,)
    yield from pairwise(route)


def _fastest(streets: StreetGraph, trees: dict[str, Tree]) -> Iterable[Route]:
    exits = streets.exits
    return (way(tree, end) for tree in trees.values() for end in exits if end in tree)


def _through(streets: StreetGraph, plain: dict[str, Tree], place: Route) -> Iterator[Route]:
    onward = streets.tree(place[-1])
    for entry in _nearest(plain, place[0]):
        for end in _nearest_exits(streets, onward):
            route = _joined(_joined(way(plain[entry], place[0]), place), way(onward, end))
            if len(set(route)) == len(route):
                yield route


def _joined(first: Route, second: Route) -> Route:
    """Two routes of which the second begins with the edge that the first ends with."""
    return (*first, *second[1:])


def _nearest(plain: dict[str, Tree], edge: str) -> list[str]:
    reaching = [entry for entry, tree in plain.items() if edge in tree]
    return sorted(reaching, key=lambda entry: plain[entry][edge][0])[:NEAREST]


def _nearest_exits(streets: StreetGraph, onward: Tree) -> list[str]:
    return sorted((end for end in streets.exits if end in onward), key=lambda end: onward[end][0])[:NEAREST]
