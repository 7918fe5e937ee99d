"""Everything that a user's own configuration may bring, on small cases made by hand, run with SUMO itself."""

import gzip
import re
import shutil
from pathlib import Path

import pytest

from experiments.case import place_of
from experiments.demand import draw_demand
from reports.describe import describe
from scenarios.additional import by_themselves, to_run
from scenarios.catalogue import Scenario, find, streets
from scenarios.from_counts import demand_from_counts
from scenarios.sumo_options import TAKEN_OVER, is_taken_over, not_taken_over
from signals.errors import ConfigError
from simulation.street import Demand, Street

ROUTE = '<route edges="W-J W-J.bay J-E"/>'
CAR = f'<vehicle id="car" depart="5">{ROUTE}</vehicle>'
STOPS = '<busStop id="b" lane="J-E_0" startPos="50" endPos="80"/>'


class Folder:
    """A user's folder with the network of `single`, and a way to write the rest."""

    def __init__(self, path: Path, net_file: Path) -> None:
        self.path = path
        shutil.copy(net_file, path / "net.net.xml")

    def file(self, name: str, text: str, root: str = "additional") -> str:
        whole = f"<{root}>{text}</{root}>".encode()
        (self.path / name).write_bytes(gzip.compress(whole) if name.endswith(".gz") else whole)
        return name

    def configured(self, text: str = CAR, additional: str = "", more: str = "", routes: str = "") -> str:
        """The path of a configuration; `more` are further options as XML."""
        if not routes:
            routes = self.file("a.rou.xml", text, "routes")
        named = f'<additional-files value="{additional}"/>' if additional else ""
        inputs = f'<net-file value="net.net.xml"/><route-files value="{routes}"/>{named}'
        config = f"<configuration><input>{inputs}</input><time><end value='600'/></time>{more}</configuration>"
        (self.path / "own.sumocfg").write_text(config)
        return str(self.path / "own.sumocfg")

    def names(self) -> list[str]:
        return sorted(file.name for file in self.path.iterdir())


@pytest.fixture
def own(single, tmp_path):
    (tmp_path / "own").mkdir()
    return Folder(tmp_path / "own", single.net_file)


def driven(scenario: Scenario, folder: Path, seconds: float = 450.0, multiple: float = 1.0) -> tuple[Street, str, str]:
    """The street after a while, the drawn route file and the trips, with the junction under its own plan."""
    drawn = draw_demand(scenario, multiple, 0, folder / "work")
    with Street(place_of(scenario), Demand(drawn.route_file, drawn.vehicles), seed=0) as street:
        while street.sumo.time_s < scenario.begin_s + seconds:
            street.sumo.step_to(street.sumo.time_s + 1)
        street.sumo.close()
        return street, drawn.route_file.read_text(), street.tripinfo


def test_nothing_is_written_into_the_users_folder(own, tmp_path):
    """Detectors, probes and dumps of every kind; the detectors themselves keep standing."""
    names = [
        own.file(
            "all.add.xml",
            '<e1Detector id="e1" lane="W-J.bay_0" pos="5" period="60" file="e1.xml"/>'
            '<inductionLoop id="il" lane="W-J.bay_0" pos="9" period="60" file="il.xml"/>'
            '<instantInductionLoop id="ii" lane="W-J.bay_0" pos="9" file="ii.xml"/>'
            '<laneAreaDetector id="e2" lane="W-J.bay_0" pos="2" endPos="9" period="60" file="e2.xml"/>'
            '<entryExitDetector id="e3" period="60" file="e3.xml"><detEntry lane="W-J_0" pos="5"/>'
            '<detExit lane="J-E_0" pos="5"/></entryExitDetector>'
            '<edgeData id="ed" file="ed.xml"/><laneData id="ld" file="ld.xml"/>'
            '<routeProbe id="rp" edge="W-J" period="60" file="rp.xml"/>'
            '<vTypeProbe id="vp" period="60" file="vp.xml"/>'
            '<timedEvent type="SaveTLSStates" source="J" dest="tls.xml"/>',
        )
    ]
    path = own.configured(
        additional=",".join(names),
        more='<output><tripinfo-output value="trips.xml"/><summary-output value="s.xml"/></output>',
    )
    before = own.names()
    scenario = find(path)
    driven(scenario, tmp_path)
    assert own.names() == before
    loaded = to_run(scenario.additional_files[0]).read_text()
    assert not to_run(scenario.additional_files[0]).is_relative_to(own.path)
    assert all(f'id="{name}"' in loaded for name in ("e1", "il", "ii", "e2", "e3", "rp"))
    assert "<detEntry" in loaded
    assert ".xml" not in loaded


def test_a_file_that_writes_nothing_is_loaded_itself(own):
    """A stop, a type, a detector without a file: nothing to take out."""
    scenario = find(own.configured(additional=own.file("s.add.xml", STOPS + '<vType id="x"/>')))
    assert to_run(scenario.additional_files[0]) == scenario.additional_files[0]


def test_detectors_of_an_actuated_program_write_nothing(own):
    """Where the program's own parameter names a file."""
    text = '<tlLogic id="J" type="static" programID="1" offset="0"><phase duration="9" state="r"/>{}</tlLogic>'
    name = own.file("t.add.xml", text.format('<param key="file" value="out.xml"/><param key="max-gap" value="2"/>'))
    loaded = to_run(own.path / name).read_text()
    assert 'key="file" value="NUL"' in loaded
    assert 'key="max-gap" value="2"' in loaded
    assert "<phase" in loaded


def test_traffic_and_street_may_share_a_file(own, tmp_path):
    """The traffic is drawn, what stands there stays, and nothing is defined twice."""
    mixed = own.file(
        "both.add.xml",
        f'{STOPS}<vType id="bus" vClass="bus"/><route id="r" edges="W-J W-J.bay J-E"/>'
        '<vehicle id="line1" type="bus" depart="20" route="r"><stop busStop="b" duration="10"/></vehicle>',
    )
    scenario = find(own.configured(additional=mixed))
    _street, written, trips = driven(scenario, tmp_path)
    assert "<vType" not in written
    assert 'id="line1" depart="20.00"' in written
    assert 'id="line1"' in trips


def test_included_files_are_part_of_both_kinds(own, tmp_path):
    """`<include>` in routes and in additional files, one within another; a missing one or a circle is one line."""
    own.file("types.rou.xml", '<vType id="van" length="7"/>', "routes")
    own.file("stops.add.xml", STOPS)
    traffic = (
        f'<include href="types.rou.xml"/><vehicle id="v" type="van" depart="9">{ROUTE}<stop busStop="b" duration="5"/>'
    )
    scenario = find(own.configured(traffic + "</vehicle>", own.file("top.add.xml", '<include href="stops.add.xml"/>')))
    assert [file.name for file in scenario.route_files] == ["types.rou.xml", "a.rou.xml"]
    assert [file.name for file in scenario.additional_files] == ["stops.add.xml", "top.add.xml"]
    _street, written, trips = driven(scenario, tmp_path)
    assert written.count("<vType") == 1
    assert by_themselves(scenario.route_files) == [own.path / "a.rou.xml"]
    assert "<include" not in written
    assert 'id="v"' in trips
    with pytest.raises(ConfigError, match=r"bad\.add\.xml: includes gone\.xml, which is not there"):
        find(own.configured(additional=own.file("bad.add.xml", '<include href="gone.xml"/>')))
    with pytest.raises(ConfigError, match=r"self\.add\.xml: includes itself"):
        find(own.configured(additional=own.file("self.add.xml", '<include href="self.add.xml"/>')))


@pytest.mark.parametrize("between", [",", " ", ";", " , "])
def test_lists_of_files_may_be_separated_in_any_common_way(own, between):
    """Commas, blanks and semicolons; packed files too."""
    names = [own.file("1.rou.xml.gz", CAR, "routes"), own.file("2.rou.xml", '<vType id="z"/>', "routes")]
    scenario = find(own.configured(routes=between.join(names)))
    assert [file.name for file in scenario.route_files] == names
    assert draw_demand(scenario, 1.0, 0, own.path).vehicles["id"].tolist() == ["car"]


def test_a_file_name_may_have_blanks(own):
    """As SUMO takes it where commas separate."""
    name = own.file("of monday.rou.xml", CAR, "routes")
    assert find(own.configured(routes=name)).route_files == (own.path / name,)


def test_options_may_stand_in_any_section_and_clock_times_are_times(own):
    """SUMO takes sections for decoration."""
    more = (
        '<report><begin value="00:01:00"/><step-length value="0.5"/></report><lateral-resolution value="0.8"/>'
        '<output><step-method.ballistic value="true"/></output><gui_only><start value="true"/></gui_only>'
    )
    scenario = find(own.configured(more=more))
    assert (scenario.begin_s, scenario.end_s, scenario.step_length_s) == (60.0, 600.0, 0.5)
    assert dict(scenario.options) == {"lateral-resolution": "0.8", "step-method.ballistic": "true"}
    assert scenario.not_taken_over == ()


def test_what_moves_their_traffic_is_taken_over_and_the_rest_is_named(own, tmp_path):
    """Step method, sublanes, spread of speeds, rerouting; the comparison's own are in one line of `describe`."""
    more = (
        '<processing><step-method.ballistic value="true"/><lateral-resolution value="0.8"/>'
        '<default.speeddev value="0"/><time-to-teleport value="120"/><collision.action value="warn"/></processing>'
        '<routing><device.rerouting.probability value="1"/><device.rerouting.output value="r.xml"/></routing>'
        '<random_number><seed value="7"/></random_number>'
    )
    path = own.configured(CAR.replace('id="car"', 'id="car" departSpeed="max"'), more=more)
    said = re.sub(r"\s+", " ", describe(path))
    assert "options step-method.ballistic true, lateral-resolution 0.8, default.speeddev 0, device.reroutin" in said
    assert "not taken over time-to-teleport, collision.action, device.rerouting.output, seed" in said
    street, _written, trips = driven(find(path), tmp_path)
    assert street.options["default.speeddev"] == "0"
    assert street.options["time-to-teleport"] == "-1"
    assert street.options["seed"] == "0"
    assert 'speedFactor="1.00"' in trips
    assert "routing" in trips.partition("devices=")[2][:60]


def test_no_family_of_options_reaches_into_the_users_folder():
    """Also where its other members are taken over; unknown ones are not."""
    assert is_taken_over("device.rerouting.period")
    for name in ("device.rerouting.output", "device.rerouting.threads", "device.taxi.dispatch-algorithm.output"):
        assert not is_taken_over(name)
    assert not_taken_over({"scale": "2", "tls.all-off": "true", "default.speeddev": "0"}) == ["tls.all-off"]
    assert all(reason for reason in TAKEN_OVER.values())


def test_sumos_scale_is_part_of_todays_demand(own, tmp_path):
    """A configuration that halves its route file means half of it by 1.0."""
    text = "".join(f'<vehicle id="v{n}" depart="300">{ROUTE}</vehicle>' for n in range(400))
    path = own.configured(text, more='<processing><scale value="0.5"/></processing>')
    drawn = {m: len(draw_demand(find(path), m, 0, tmp_path).vehicles) for m in (1.0, 2.0)}
    assert drawn[1.0] == pytest.approx(200, abs=40)
    assert drawn[2.0] == 400
    assert "all times 0.5 (scale)" in describe(path)
    with pytest.raises(ConfigError, match=r"own\.sumocfg: scale = 'x', must be a number above 0"):
        find(own.configured(more='<scale value="x"/>'))


def test_routes_with_errors_are_left_out_only_where_the_user_says_so(own, tmp_path):
    """Unknown edges, edges that do not lead to each other, trips that nothing leads to; they are counted."""
    wrong = (
        '<vehicle id="unknown" depart="6"><route edges="W-J nowhere"/></vehicle>'
        '<vehicle id="apart" depart="6"><route edges="W-J J-E"/></vehicle>'
        '<trip id="lost" depart="6" from="J-E" to="N-J"/>'
        '<person id="p" depart="3"><walk from="W-J" to="gone"/></person>'
    )
    with pytest.raises(ConfigError, match=r"vehicle 'unknown': its edge 'nowhere' is not in .*net\.net\.xml"):
        draw_demand(find(own.configured(CAR + wrong)), 1.0, 0, tmp_path)
    path = own.configured(CAR + wrong, more='<processing><ignore-route-errors value="true"/></processing>')
    _street, written, trips = driven(find(path), tmp_path)
    assert re.findall(r'<(?:vehicle|person) id="(\w+)"', written) == ["car"]
    assert trips.count("<tripinfo ") == 1
    assert "4 vehicles left out for errors in their routes" in re.sub(r"\s+", " ", describe(path))


def test_calibrators_are_left_out_and_said_so(own, tmp_path):
    """They would add and remove other vehicles under every controller."""
    calibrator = '<calibrator id="c" edge="W-J" pos="0" output="c.xml"><route id="cr" edges="W-J W-J.bay J-E"/>'
    flow = '<flow begin="0" end="600" route="cr" vehsPerHour="1800"/></calibrator>'
    path = own.configured(additional=own.file("c.add.xml", calibrator + flow))
    assert "1 calibrator (the same vehicles for every controller)" in re.sub(r"\s+", " ", describe(path))
    _street, _written, trips = driven(find(path), tmp_path)
    assert trips.count("<tripinfo ") == 1


def test_buses_trams_and_people_who_ride_keep_their_timetable_and_stop(own, tmp_path):
    """At twice the demand there is one bus, at its own second, and its passenger boards it."""
    text = (
        f'{CAR}<vType id="bus" vClass="bus"/><vehicle id="line" type="bus" depart="10" line="7">{ROUTE}'
        '<stop busStop="b" duration="20" until="60"/><stop busStop="b2" duration="5"/></vehicle>'
        '<person id="rider" depart="0"><walk from="J-E" busStop="b"/><ride busStop="b2" lines="7"/></person>'
    )
    stops = STOPS + '<busStop id="b2" lane="J-E_0" startPos="120" endPos="150"/>'
    scenario = find(own.configured(text, own.file("stops.add.xml", stops)))
    _street, written, trips = driven(scenario, tmp_path, multiple=2.0)
    assert re.findall(r'id="(\S+)" depart="(\S+)" type="bus"', written) == [("line", "10.00")]
    assert re.search(r'<personinfo id="rider".*?<ride .*?vehicle="line"', trips, re.DOTALL)


def test_trams_keep_their_timetable_also_without_stops(own, tmp_path):
    """A line of trams does not run twice as often because there are twice as many cars."""
    text = (
        f'<vType id="tram" vClass="tram"/><flow id="t" type="tram" begin="0" end="600" period="200">{ROUTE}</flow>'
        f'<flow id="c" begin="0" end="600" period="200">{ROUTE}</flow>'
    )
    vehicles = draw_demand(find(own.configured(text)), 3.0, 0, tmp_path).vehicles
    trams = vehicles[vehicles["id"].str.startswith("t.")]
    assert trams.set_index("id")["depart_s"].to_dict() == {"t.0": 0.0, "t.1": 200.0, "t.2": 400.0}
    assert len(vehicles) > len(trams) + 3


def test_counts_complete_a_configuration_and_keep_how_it_moves(own, tmp_path):
    """Step length, sublanes and additional files stay; only the routes are new."""
    stops = own.file("s.add.xml", STOPS)
    more = '<step-length value="0.5"/><lateral-resolution value="0.8"/><seed value="3"/>'
    path = own.configured(additional=stops, more=more)
    (tmp_path / "counts.csv").write_text("begin,end,from,to,count\n0,900,W-J.bay,J-E,50\n")
    made = demand_from_counts(tmp_path / "counts.csv", streets(path), tmp_path / "new")
    scenario = find(str(made.configuration))
    assert scenario.additional_files == (own.path / stops,)
    assert (scenario.step_length_s, scenario.options) == (0.5, (("lateral-resolution", "0.8"),))
    assert len(draw_demand(scenario, 1.0, 0, tmp_path).vehicles) == pytest.approx(50, abs=12)


@pytest.mark.parametrize(
    ("additional", "text", "drawn"),
    [
        ('<taz id="w" edges="W-J"/><taz id="e" edges="J-E"/>', '<trip id="t" depart="9" fromTaz="w" toTaz="e"/>', 1),
        ("", '<trip id="t" depart="9" fromJunction="W" toJunction="E"/>', 1),
        (
            '<vTypeDistribution id="d"><vType id="a" probability="1"/><vType id="b"/></vTypeDistribution>',
            '<flow id="f" type="d" begin="150" end="160" number="6" from="W-J" to="J-E"/>',
            6,
        ),
        (
            '<vType id="truck" vClass="truck"/>',
            '<trip id="t" type="truck" depart="9" from="W-J" to="J-E"/>',
            1,
        ),
        (
            "",
            '<routeDistribution id="d"><route edges="W-J W-J.bay J-E"/><route edges="W-J W-J.bay J-S"/>'
            '</routeDistribution><flow id="f" route="d" begin="150" end="160" number="6"/>',
            6,
        ),
        (
            '<rerouter id="r" edges="W-J"><interval begin="0" end="600"><destProbReroute id="J-S"/></interval>'
            "</rerouter>",
            '<trip id="t" depart="9" from="W-J" to="J-E"/>',
            1,
        ),
        (
            '<variableSpeedSign id="s" lanes="W-J_0"><step time="0" speed="8"/></variableSpeedSign>',
            '<trip id="t" depart="9" from="W-J" to="J-E"/>',
            1,
        ),
        (
            '<parkingArea id="p" lane="J-E_0" startPos="20" endPos="90" roadsideCapacity="4"/>',
            '<trip id="t" depart="9" from="W-J" to="J-E"><stop parkingArea="p" duration="9"/></trip>',
            1,
        ),
        (
            '<containerStop id="c" lane="J-E_0" startPos="20" endPos="90"/>',
            f'<vehicle id="t" depart="9">{ROUTE}<stop containerStop="c" duration="9"/></vehicle>'
            '<container id="box" depart="0"><transport from="W-J" containerStop="c" lines="t"/></container>',
            1,
        ),
    ],
)
def test_what_a_street_may_have_drives(own, tmp_path, additional, text, drawn):
    """Zones, junctions, distributions, rerouters, speed signs, parking areas, containers."""
    scenario = find(own.configured(text, own.file("more.add.xml", additional)))
    _street, _written, trips = driven(scenario, tmp_path)
    assert len(re.findall(r"<tripinfo [^>]*arrival=\"[\d.]+\"", trips)) == drawn


def test_a_speed_sign_finds_its_file_from_where_it_is_loaded(own, tmp_path):
    """Beside a detector that makes a copy necessary, an input's path stays the user's."""
    own.file("speeds.xml", '<step time="0" speed="8"/>', "vss")
    text = '<variableSpeedSign id="s" lanes="W-J_0" file="speeds.xml"/><edgeData id="e" file="e.xml"/>'
    scenario = find(own.configured(additional=own.file("vss.add.xml", text)))
    assert f'file="{own.path}/speeds.xml"' in to_run(scenario.additional_files[0]).read_text()
    driven(scenario, tmp_path)


@pytest.mark.parametrize(
    ("name", "whole", "line"),
    [
        ("x.add.xml", b"<additional><busStop", r"x\.add\.xml: line 1: broken or cut XML"),
        (
            "x.add.xml.gz",
            gzip.compress(b"<additional>" + bytes(range(65, 90)) * 99, mtime=0)[:40],
            r"x\.add\.xml\.gz: broken",
        ),
        ("x.add.xml", None, r"own\.sumocfg: additional-files names x\.add\.xml, which is not there"),
    ],
)
def test_an_additional_file_that_cannot_be_read_is_one_line(own, name, whole, line):
    """It names the file."""
    if whole is not None:
        (own.path / name).write_bytes(whole)
    with pytest.raises(ConfigError, match=line) as caught:
        find(own.configured(additional=name))
    assert "\n" not in str(caught.value)
