"""The network's own detectors: loops are where the street has them, and the standard layout covers the other lanes."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from signals.errors import ConfigError
from signals.intersection import Detector
from simulation.network import Network, read
from simulation.street import Street
from tests.simulation.crossroads import crossroads, place
from tests.simulation.streets import SEED, drive, tripinfo_of_sumo

OWN = (
    '<inductionLoop id="north" lane="ni_0" pos="-5" length="3" period="70" file="{0}/north.xml"/>'
    '<e1Detector id="point" lane="ni_1" pos="-1" period="300" file="NUL"/>'
    '<inductionLoop id="far" lane="si_0" pos="60" period="45" file="{0}/far.xml"/>'
    '<laneAreaDetector id="short" lane="si_1" pos="-12" endPos="-2" period="60" file="NUL"/>'
    '<e2Detector id="long" lane="wi_0" pos="-80" endPos="-1" period="60" file="NUL"/>'
    '<inductionLoop id="ei_0.stop" lane="eo_0" pos="50" period="60" file="NUL"/>'
    '<entryExitDetector id="both" period="60" file="NUL"><detEntry lane="ei_0" pos="10"/>'
    '<detExit lane="eo_0" pos="10"/></entryExitDetector>'
)


@pytest.fixture(scope="module")
def net_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crossroads(tmp_path_factory.mktemp("crossroads"))


@pytest.fixture
def network(net_file: Path, tmp_path: Path) -> Network:
    file = tmp_path / "loops.add.xml"
    file.write_text(f"<additional>{OWN.format(tmp_path)}</additional>")
    return read(net_file, (file,))


def loop(network: Network, lane: str, kind: str) -> Detector:
    return next(d for d in network.intersections[0].detectors if (d.lane, d.kind) == (lane, kind))


@pytest.mark.parametrize(
    ("lane", "kind", "setback_m", "length_m", "owner"),
    [
        ("ni_0", "stop_line", 2.0, 3.0, "E1 north"),
        ("ni_1", "stop_line", 1.0, 2.0, "E1 point"),
        ("si_1", "stop_line", 2.0, 10.0, "E2 short"),
        ("wi_0", "stop_line", 1.0, 6.0, "E2 long"),
        ("wi_0", "advance", 78.0, 2.0, "E2 long"),
    ],
)
def test_a_loop_is_where_the_network_has_its_own(
    network: Network, lane: str, kind: str, setback_m: float, length_m: float, owner: str
):
    """A point is a loop of 2 m that ends there; a long area watches the stop line and where it begins."""
    found = loop(network, lane, kind)
    assert found.setback_m == pytest.approx(setback_m)
    assert found.length_m == pytest.approx(length_m)
    assert network.sources["C"][f"detectors.{found.id}"] == f"the network's own {owner}"


def test_upstream_of_the_stop_line_it_is_the_advance_loop(network: Network):
    """Between a loop's downstream edge and the stop line lies its setback."""
    found = loop(network, "si_0", "advance")
    assert (found.position_m, found.length_m) == (58.0, 2.0)
    assert found.setback_m == pytest.approx(network.edges["si"][0] - 60.0)


def test_the_standard_layout_covers_the_other_lanes(network: Network):
    """Every lane has its two loops, whoever laid them; nobody's id is taken."""
    detectors = network.intersections[0].detectors
    assert len(detectors) == 16
    assert network.sources["C"]["detectors.ei_1.stop"] == "standard layout, version 2"
    assert loop(network, "ei_0", "stop_line").id == "ei_0.stop'"


def test_an_entry_exit_detector_is_named_and_not_used(network: Network):
    assert network.notes == ("detector both: an entry-exit detector (E3) watches no place, it is not used",)


def test_our_loops_count_what_theirs_would_and_nothing_is_written_for_theirs(net_file: Path, tmp_path: Path):
    """Whatever period the user's loops have; SUMO alone writes their files."""
    where = place(tmp_path, net_file, OWN.format(tmp_path), 630.0)
    counted = {"ni_0.stop": 0.0, "si_0.advance": 0.0}
    with Street(*where, SEED, outputs=False) as street:
        names = [name for _, name in street.layout.loops]
        while street.sumo.time_s < 630.0:
            street.sumo.step_to(street.sumo.time_s + 1)
            volume_veh = street.plant.read().volume_veh
            for name in counted:
                counted[name] += volume_veh[names.index(name)]
    assert not (tmp_path / "north.xml").exists()
    tripinfo_of_sumo(*where, tmp_path)
    for name, file in (("ni_0.stop", "north.xml"), ("si_0.advance", "far.xml")):
        theirs = sum(float(i.get("nVehEntered", 0)) for i in ET.parse(tmp_path / file).iter("interval"))
        assert counted[name] == pytest.approx(theirs, abs=1)
        assert theirs > 20


def test_the_trips_are_those_of_sumo_alone(net_file: Path, tmp_path: Path):
    where = place(tmp_path, net_file, OWN.format(tmp_path), 300.0)
    assert drive(*where, "existing") == tripinfo_of_sumo(*where, tmp_path)


@pytest.mark.parametrize(
    ("own", "line"),
    [
        ('<inductionLoop id="x" lane="gone_0" pos="1" file="NUL"/>', "inductionLoop x: the network has no lane gone_0"),
        ('<e1Detector id="x" lane="ni_0" pos="near" file="NUL"/>', "e1Detector x: pos = 'near', must be a number"),
    ],
)
def test_a_detector_that_cannot_be_placed_is_named(net_file: Path, tmp_path: Path, own: str, line: str):
    """In one line with its file."""
    file = tmp_path / "loops.add.xml"
    file.write_text(f"<additional>{own}</additional>")
    with pytest.raises(ConfigError, match=f"loops.add.xml: {line}"):
        read(net_file, (file,))
