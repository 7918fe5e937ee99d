"""Every network with signals in the installed wheels: whoever is served keeps a stage, nobody is endangered."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import sumolib

from signals.intersection import Aspect, Intersection
from signals.limits import limits_of
from simulation.network import Network, read
from tests.simulation.wheels import NAMES, text_of

GREENS = (Aspect.GREEN, Aspect.PERMISSIVE)


def rows_of(path: Path) -> dict[str, list[str]]:
    """The states of each signal's last program, straight from the file."""
    root = ET.fromstring(text_of(path))
    return {str(e.get("id")): [str(p.get("state")) for p in e.iter("phase")] for e in root.iter("tlLogic")}


def green_links(network: Network, junction: Intersection) -> Iterator[set[int]]:
    """Of each stage."""
    for stage in junction.stages:
        shown = zip(junction.stage_aspects(stage), network.links[junction.id], strict=True)
        yield {link for aspect, group in shown if aspect in GREENS for link in group}


def crossing_pairs(net: Any, signal: str) -> set[frozenset[int]]:
    """Links whose paths cross by the junctions' own right-of-way matrices."""
    ways = [
        (link, connection.getJunction(), connection.getJunctionIndex())
        for lane, out, link in net.getTLS(signal).getConnections()
        for connection in lane.getOutgoing()
        if connection.getToLane() is out and connection.getJunctionIndex() >= 0
    ]
    return {
        frozenset((a, b))
        for (a, node, i), (b, other, j) in combinations(ways, 2)
        if node is other and a != b and node.areFoes(i, j)
    }


@pytest.fixture(scope="module", params=NAMES)
def path(request: pytest.FixtureRequest) -> Path:
    """One of them after the other, for all tests."""
    return NAMES[request.param]


def test_the_plan_s_movements_keep_a_stage_and_no_stage_has_a_prohibited_pair(path: Path):
    """Judged from the file alone: what a row has green, and which pairs some row has green together."""
    network, rows = read(path), rows_of(path)
    net = sumolib.net.readNet(str(path), withPedestrianConnections=True)
    assert len(network.intersections) + len(network.left_alone) == network.signals
    for junction in network.intersections:
        stages, states = list(green_links(network, junction)), rows[junction.id]
        ever = {k for state in states for k, letter in enumerate(state) if letter in "Gg"}
        assert set().union(*stages) >= ever
        together = [{k for k, letter in enumerate(state) if letter in "Gg"} for state in states]
        crossing = crossing_pairs(net, junction.id)
        assert crossing or not junction.conflicts
        for pair in crossing:
            assert all(any(pair <= row for row in together) for stage in stages if pair <= stage), (junction.id, pair)
        assert limits_of(junction).served


def test_every_value_says_where_it_comes_from(path: Path):
    """Phases, stages, interstages, lane groups and loops; in one clause each."""
    network = read(path)
    for junction in network.intersections:
        said = network.sources[junction.id]
        times = ("minimum_green_s", "yellow_change_s", "red_clearance_s")
        paths = {"stages", *(f"phases.{p.number}.{time}" for p in junction.phases for time in times)}
        paths |= {f"stages.{s.name}.minimum_green_s" for s in junction.stages}
        paths |= {f"interstages.{i.start}.{i.end}" for i in junction.interstages}
        paths |= {f"detectors.{d.id}" for d in junction.detectors}
        assert paths <= said.keys()
        assert all(source and "\n" not in source for source in said.values())
