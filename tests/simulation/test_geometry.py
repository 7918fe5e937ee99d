"""Shapes for drawings are the network's own: ways begin and end at lanes, loops lie where SUMO has them."""

from math import dist

import pytest

from scenarios.catalogue import find
from simulation.geometry import Geometry, length, part
from simulation.network import read


@pytest.fixture(scope="module", params=["single", "resco:cologne3", "resco:ingolstadt7"])
def street(request: pytest.FixtureRequest):
    scenario = find(request.param)
    network = read(scenario.net_file, scenario.additional_files)
    return network, Geometry(network, scenario.net_file)


def test_every_connection_is_a_way_from_a_lanes_end_to_a_lanes_beginning(street):
    """As many as there are links, each with the signal group that lets it go."""
    network, geometry = street
    lanes = {lane.id: lane for lane in geometry.lanes}
    for junction in network.intersections:
        drawing = geometry.drawing(junction, 60.0)
        assert len(drawing.ways) == sum(len(links) for links in network.links[junction.id])
        assert {w.signal_group for w in drawing.ways} == {g.id for g in junction.signal_groups}
        ends = [lanes[name].shape[-1] for name in drawing.heads]
        begins = [lane.shape[0] for lane in lanes.values()]
        for way in drawing.ways:
            assert min(dist(way.shape[0], end) for end in ends) < 0.5
            assert min(dist(way.shape[-1], begin) for begin in begins) < 0.5


def test_lanes_have_the_heads_that_their_lane_groups_obey(street):
    network, geometry = street
    for junction in network.intersections:
        heads = geometry.drawing(junction, 60.0).heads
        for group in junction.lane_groups:
            for lane in group.lanes:
                assert set(heads[lane]) == set(group.signal_groups)


def test_stop_line_loops_lie_before_their_stop_lines(street):
    """As far as the setback says, and as long as they are, within what a lane's drawn length differs from its own."""
    network, geometry = street
    lanes = {lane.id: lane for lane in geometry.lanes}
    for junction in network.intersections:
        shapes = {loop.id: loop for loop in geometry.drawing(junction, 60.0).loops}
        stubs = {group.id: (group.lanes, group.length_m) for group in junction.lane_groups}
        for detector in junction.detectors:
            if detector.kind == "stop_line":
                end = lanes[detector.lane].shape[-1]
                own, stub_m = stubs[detector.lane_groups[0]]
                before_m = detector.setback_m - (0.0 if detector.lane in own else stub_m)
                assert dist(shapes[detector.id].shape[-1], end) == pytest.approx(before_m, rel=0.5)
                assert length(shapes[detector.id].shape) == pytest.approx(detector.length_m, rel=0.5)


def test_a_piece_of_a_line_is_cut_by_length():
    """Corners between its ends stay."""
    line = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0))
    assert part(line, 8.0, 13.0) == ((8.0, 0.0), (10.0, 0.0), (10.0, 3.0))
