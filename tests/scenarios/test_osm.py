"""From a map to a network: what is understood, what is written, and what a map must have."""

import bz2
import gzip
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scenarios.osm import SignalTimes, import_osm, kinds_of_warnings, map_name
from scenarios.sumo_cfg import read_sumocfg
from signals.errors import ConfigError
from simulation.network import read

TOWN = Path(__file__).parents[2] / "scenarios" / "town" / "town.osm"
TIMES = SignalTimes()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return import_osm(TOWN, tmp_path_factory.mktemp("town"), TIMES)


def test_every_signal_of_the_map_becomes_a_junction_that_can_be_controlled(town):
    """Also where the map has the signals' nodes before the junction, on its arms."""
    network = read(town.net_file)
    assert len(network.intersections) == network.signals == 5
    crossings = [m for i in network.intersections for m in i.movements if m.turn == "crossing"]
    assert len(crossings) == 20


def test_what_only_walks_is_no_street(town):
    """A footway would make junctions where no vehicle turns; sidewalks stay with their streets."""
    edges = ElementTree.parse(town.net_file).getroot().findall("edge")
    streets = [edge for edge in edges if edge.get("function") is None]
    assert {edge.get("type") for edge in streets} == {f"highway.{k}" for k in ("secondary", "tertiary", "residential")}
    market = next(edge for edge in streets if edge.get("id") == "101")
    assert [lane.get("allow") for lane in market].count("pedestrian") == 1
    church_lane = [edge for edge in streets if edge.get("name") == "Church Lane"]
    assert len(church_lane) == 1
    assert [lane.get("speed") for lane in church_lane[0].iter("lane")] == ["8.33"]


def test_turn_lanes_are_the_maps(town):
    """One lane turns left and the other goes on or turns right."""
    by_lane: dict[str, set[str]] = {}
    for connection in ElementTree.parse(town.net_file).getroot().findall("connection"):
        if connection.get("from") == "105#0":
            by_lane.setdefault(connection.attrib["fromLane"], set()).add(connection.attrib["dir"])
    assert by_lane["1"] == {"r", "s"}
    assert by_lane["2"] == {"l"}


def test_an_import_is_the_same_bytes_every_time_also_from_a_packed_map(town, tmp_path):
    """No date, no path of ours."""
    raw = TOWN.read_bytes()
    for name, packed in (("town.osm.gz", gzip.compress(raw)), ("town.osm.bz2", bz2.compress(raw)), ("town.xml", raw)):
        (tmp_path / name).write_bytes(packed)
        again = import_osm(tmp_path / name, tmp_path / f"of-{name}", TIMES)
        assert again.net_file.name == "town.net.xml"
        assert again.net_file.read_bytes() == town.net_file.read_bytes()


def test_the_times_of_the_plans_can_be_chosen(tmp_path):
    """Cycle, yellow change, red clearance; left-hand traffic turns the map's left and right around."""
    chosen = SignalTimes(cycle_s=70, all_red_s=2, left_green_s=8, yellow_change_s=4)
    network = read(import_osm(TOWN, tmp_path / "own", chosen).net_file)
    assert {plan.cycle_s for i in network.intersections for plan in network.plans.of(i.id)} == {70}
    vehicles = [phase for i in network.intersections for phase in i.phases if phase.yellow_change_s]
    assert {(phase.yellow_change_s, phase.red_clearance_s) for phase in vehicles} == {(4, 2)}
    left = import_osm(TOWN, tmp_path / "left", TIMES, left_hand=True)
    assert b'lefthand="true"' in left.net_file.read_bytes()
    with pytest.raises(ConfigError, match="cycle_s = 10, must be 30 to 240"):
        SignalTimes(cycle_s=10)


def test_the_configuration_names_the_network_and_no_users_file_is_overwritten(town, tmp_path):
    """Ours is written again, somebody's own is not."""
    assert read_sumocfg(town.configuration).net_file == town.net_file
    import_osm(TOWN, town.net_file.parent, TIMES)
    (tmp_path / "town.sumocfg").write_text("<configuration/>")
    with pytest.raises(ConfigError, match=r"town\.sumocfg: is not of our writing and stays; name another folder"):
        import_osm(TOWN, tmp_path, TIMES)
    assert list(tmp_path.iterdir()) == [tmp_path / "town.sumocfg"]


def without(tag: str) -> str:
    return re.sub(f'<tag k="highway" v="{tag}"/>', "", TOWN.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("gone.osm", None, r"gone\.osm: no such file"),
        ("a.osm", "<routes/>", r"a\.osm: its root is <routes>, must be <osm>"),
        ("a.osm", "PBF?", r"a\.osm: line 1: broken or cut XML"),
        ("a.osm", TOWN.read_text()[:5000], r"a\.osm: line \d+: broken or cut XML"),
        ("a.osm.pbf", "", r"a\.osm\.pbf: is OSM's PBF; make XML of it first: osmium cat"),
        ("a.osm", without("(secondary|tertiary|residential)"), r"a\.osm: no road in it"),
        ("a.osm", without("traffic_signals"), r"a\.osm: no traffic signal in it: .*--guess"),
        ("a.osm", '<osm><way id="1"><tag k="highway" v="primary"/></way></osm>', r"a\.osm: no traffic signal in it"),
    ],
)
def test_a_map_that_cannot_be_used_is_one_line(tmp_path, name, text, line):
    """The line names the file, what it lacks and the mend; nothing is written."""
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=line) as caught:
        import_osm(tmp_path / name, tmp_path / "out", TIMES)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_signals_away_from_any_junction_are_told(tmp_path):
    """A signal in the middle of the street guards nobody that could wait."""
    nodes = (
        '<node id="1" lat="54.6" lon="6.5"/><node id="3" lat="54.61" lon="6.5"/><node id="2" lat="54.605" lon="6.5">'
    )
    way = '<way id="9"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="primary"/></way>'
    signal = '<tag k="highway" v="traffic_signals"/></node>'
    (tmp_path / "a.osm").write_text(f'<osm version="0.6">{nodes}{signal}{way}</osm>')
    with pytest.raises(ConfigError, match="none of its traffic signals stands at a junction of roads"):
        import_osm(tmp_path / "a.osm", tmp_path / "out", TIMES)


def test_what_netconvert_says_goes_on_in_its_own_words(tmp_path):
    """Its first error, behind the map's name."""
    (tmp_path / "a.osm").write_text(
        '<osm><node id="1" lat="x" lon="6"><tag k="highway" v="traffic_signals"/></node>'
        '<way id="2"><nd ref="1"/><tag k="highway" v="primary"/></way></osm>'
    )
    with pytest.raises(ConfigError, match=r"a\.osm: netconvert ended with status 1: ") as caught:
        import_osm(tmp_path / "a.osm", tmp_path / "out", TIMES)
    assert "\n" not in str(caught.value)


def test_warnings_of_one_kind_are_one_line():
    """How many, and the first in full; what does not matter is left out."""
    lines = [f"Warning: Edge '{n}' has {n} lanes too many." for n in range(3)]
    lines += ["Warning: Discarding unusable type 'x'.", "Success.", "Warning: Node '7' is odd."]
    assert kinds_of_warnings(lines) == ["3 x Edge '0' has 0 lanes too many.", "1 x Node '7' is odd."]


@pytest.mark.parametrize("name", ["town.osm", "town.osm.xml", "town.osm.xml.gz", "town.osm.bz2", "town"])
def test_the_name_is_the_maps(name):
    assert map_name(Path("somewhere") / name) == "town"
