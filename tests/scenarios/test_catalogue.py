import gzip
import re
import shutil
import sys

import pytest

from scenarios import sumo_tools
from scenarios.catalogue import RESCO, entries, find
from signals.errors import ConfigError

CONFIGURATION = """<configuration>
    <input><net-file value="{net}"/><route-files value="{routes}"/>{more}</input>
    <time>{time}</time>
</configuration>"""
VEHICLE = '<vehicle id="v{0}" depart="{0}"><route edges="W-J W-J.bay J-E"/></vehicle>'


@pytest.fixture
def own(single, tmp_path):
    """A user's folder with a network, and a way to write the rest."""
    shutil.copy(single.net_file, tmp_path / "net.net.xml")

    def write(time="", more="", routes="a.rou.xml", net="net.net.xml", text=VEHICLE.format(5) + VEHICLE.format(1000)):
        (tmp_path / "a.rou.xml").write_text(f"<routes>{text}</routes>")
        path = tmp_path / "own.sumocfg"
        path.write_text(CONFIGURATION.format(net=net, routes=routes, more=more, time=time))
        return str(path)

    return write


def test_the_catalogue_lists_own_and_resco_scenarios():
    """Every name comes with a sentence."""
    names = [name for name, _title in entries()]
    assert names[:4] == ["single", "arterial", "district", "town"]
    assert names[4:] == [f"resco:{name}" for name in RESCO]
    assert all(title.endswith(".") for _name, title in entries())


@pytest.mark.parametrize("name", RESCO)
def test_resco_networks_come_from_the_installed_wheel(name):
    """Each has its net, one route file and the window of the published comparisons; nothing imports the package."""
    scenario = find(f"resco:{name}")
    assert scenario.net_file.is_file()
    assert len(scenario.route_files) == 1
    begins = {"col": 25200, "ing": 57600, "gri": 0, "art": 0}
    assert (scenario.begin_s, scenario.end_s) == (begins[name[:3]], begins[name[:3]] + 3600)
    assert "sumo_rl" not in sys.modules


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("artrial", "arterial"),
        ("resco:cologne2", "resco:cologne1"),
        ("cologne3", "resco:cologne3"),
        ("singel", "single"),
    ],
)
def test_an_unknown_name_gets_the_nearest_ones(wrong, nearest):
    """A typo is answered with what was meant."""
    with pytest.raises(ConfigError, match=f"scenario '{wrong}' is unknown; nearest: .*{nearest}"):
        find(wrong)


def test_a_name_like_no_other_is_sent_to_the_list():
    """No far-fetched guesses."""
    with pytest.raises(ConfigError, match=r"scenario 'xyz' is unknown; evaluate\.py list shows them all"):
        find("xyz")


def test_a_missing_wheel_is_one_line(monkeypatch):
    """The line says what to install."""
    monkeypatch.setattr(sumo_tools, "find_spec", lambda name: None)
    sumo_tools.package_folder.cache_clear()
    with pytest.raises(ConfigError, match=re.escape("sumo-rl is not installed: pip install '.[sim]'")):
        find("resco:cologne1")


def test_a_configuration_is_read_relative_to_itself(own, tmp_path, single):
    """Times may be clock times; additional files come along; the name is the path as given."""
    (tmp_path / "more.add.xml").write_text('<additional><vType id="x"/></additional>')
    path = own(
        time='<begin value="00:01:00"/><end value="1800"/><step-length value="0.5"/>',
        more='<additional-files value=" more.add.xml "/>',
    )
    scenario = find(path)
    assert scenario.name == path
    assert scenario.net_file == tmp_path / "net.net.xml"
    assert scenario.route_files == (tmp_path / "a.rou.xml",)
    assert scenario.additional_files == (tmp_path / "more.add.xml",)
    assert (scenario.begin_s, scenario.end_s, scenario.step_length_s) == (60.0, 1800.0, 0.5)


def test_without_times_the_window_holds_all_departures(own):
    """End: the full minute after the last departure. Begin: 0, or the first departure's minute where that is late."""
    scenario = find(own())
    assert (scenario.begin_s, scenario.end_s) == (0.0, 1020.0)
    scenario = find(own(text=VEHICLE.format(57630) + VEHICLE.format(57690)))
    assert (scenario.begin_s, scenario.end_s) == (57600.0, 57720.0)
    scenario = find(own(text='<flow id="f" begin="30" period="9" from="W-J" to="J-E"/>'))
    assert (scenario.begin_s, scenario.end_s) == (0.0, 4200.0)


def test_net_and_routes_may_be_named_with_commas_and_zipped(own, tmp_path):
    """Route files and additional files are told apart by what is in them, in any order."""
    own()
    (tmp_path / "net.net.xml.gz").write_bytes(gzip.compress((tmp_path / "net.net.xml").read_bytes()))
    (tmp_path / "x.add.xml").write_text('<additional><busStop id="b" lane="J-E_0"/></additional>')
    scenario = find(f"{tmp_path}/net.net.xml.gz,{tmp_path}/x.add.xml,{tmp_path}/a.rou.xml")
    assert scenario.net_file == tmp_path / "net.net.xml.gz"
    assert scenario.route_files == (tmp_path / "a.rou.xml",)
    assert scenario.additional_files == (tmp_path / "x.add.xml",)


def test_traffic_in_an_additional_file_is_drawn_with_the_rest(own, tmp_path):
    """It would else run beside the draw, at today's level and uncounted."""
    (tmp_path / "bus.add.xml").write_text(f"<additional>{VEHICLE.format(9)}</additional>")
    scenario = find(own(more='<additional-files value="bus.add.xml"/>'))
    assert scenario.route_files == (tmp_path / "a.rou.xml", tmp_path / "bus.add.xml")
    assert scenario.additional_files == ()


def cut(path):
    path.write_text(path.read_text()[:3000])


@pytest.mark.parametrize(
    ("given", "damage", "line"),
    [
        ({"net": "gone.net.xml"}, None, r"own\.sumocfg: net-file names gone\.net\.xml, which is not there"),
        ({"routes": "gone.rou.xml"}, None, r"own\.sumocfg: route-files names gone\.rou\.xml, which is not there"),
        ({"routes": ""}, None, r"own\.sumocfg: no route file"),
        ({"net": ""}, None, r"own\.sumocfg: names no net-file"),
        ({"net": "a.rou.xml"}, None, r"a\.rou\.xml: its root is <routes>, must be <net>"),
        ({}, lambda f: cut(f / "net.net.xml"), r"net\.net\.xml: line \d+: broken or cut XML"),
        ({}, lambda f: (f / "a.rou.xml").write_text("<routes>\n<trip"), r"a\.rou\.xml: line 2: broken or cut XML"),
        ({}, lambda f: (f / "a.rou.xml").write_text(""), r"a\.rou\.xml: line 1: broken or cut XML"),
        ({}, lambda f: (f / "own.sumocfg").write_text("<a/>"), r"own\.sumocfg: its root is <a>, must be <config"),
        (
            {},
            lambda f: (f / "net.net.xml").write_bytes(gzip.compress(b"<net>")[:9]),
            r"net\.net\.xml: broken or cut archive",
        ),
        ({"time": '<begin value="9"/><end value="5"/>'}, None, r"end = 5 s, must be after begin = 9 s"),
        ({"time": '<step-length value="0"/>'}, None, r"step-length = 0 s, must be above 0"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_line(own, tmp_path, given, damage, line):
    """The line names the file and what is wrong with it."""
    path = own(**given)
    if damage:
        damage(tmp_path)
    with pytest.raises(ConfigError, match=line) as caught:
        find(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gone/x.sumocfg", r"x\.sumocfg: No such file"),
        ("gone.net.xml,gone.rou.xml", r"gone\.net\.xml: no such file"),
        ("lonely.net.xml", r"lonely\.net\.xml: must be a \.sumocfg, or a network and its routes with a comma"),
        (",", r",: names no file"),
    ],
)
def test_a_path_that_leads_nowhere_is_one_line(name, line):
    """Whatever looks like a path is answered as one."""
    with pytest.raises(ConfigError, match=line):
        find(name)


def test_a_network_and_no_routes_is_one_line(own, tmp_path):
    """An additional file without traffic does not make up for the routes."""
    own()
    (tmp_path / "x.add.xml").write_text("<additional/>")
    with pytest.raises(ConfigError, match="no route file: none of its files holds vehicles"):
        find(f"{tmp_path}/net.net.xml,{tmp_path}/x.add.xml")
