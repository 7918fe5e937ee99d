"""Whether the edges that traffic names are in the network, and lead to each other."""

import difflib
import re
from itertools import pairwise
from pathlib import Path

from scenarios.xml_files import net_edges, net_turns
from signals.errors import ConfigError

EDGE_KEYS = ("from", "to", "via", "edges")
NAMED_EDGES = re.compile(rf' (?:{"|".join(EDGE_KEYS)})="([^"]*)"')


class KnownEdges:
    """Checks edge lists against the network; a list that passed once passes again without work."""

    def __init__(self, net_file: Path, ignore_route_errors: bool = False) -> None:
        self.net_file = net_file
        self.ignore_route_errors = ignore_route_errors
        self.edges = net_edges(net_file)
        self.passed: set[str] = set()

    def check(self, edges: str, subject: str) -> None:
        """Raise `ConfigError` with the nearest known name, unless errors are to be ignored."""
        if self.ignore_route_errors or edges in self.passed:
            return
        for edge in edges.replace(",", " ").split():
            if edge not in self.edges:
                near = difflib.get_close_matches(edge, self.edges, n=1, cutoff=0.6)
                hint = f"; nearest: {near[0]}" if near else ""
                raise ConfigError(f"{subject}: its edge '{edge}' is not in {self.net_file}{hint}")
        self.passed.add(edges)

    def can_travel(self, tag: str, edges: str, body: str) -> bool:
        """Whether each edge of a vehicle leads to the next; persons find their own way between edges that exist."""
        if tag != "vehicle":
            return self.edges.issuperset(" ".join(NAMED_EDGES.findall(body)).split())
        route = edges.split()
        return bool(route) and self.edges.issuperset(route) and net_turns(self.net_file).issuperset(pairwise(route))
