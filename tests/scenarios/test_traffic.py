import math

import pytest

from scenarios.traffic import Window, read_traffic
from signals.errors import ConfigError

WINDOW = Window(0.0, 600.0, 120.0)


def read(scenario, tmp_path, text, additional=""):
    routes = tmp_path / "own.rou.xml"
    routes.write_text(f"<routes>{text}</routes>")
    more = tmp_path / "more.add.xml"
    more.write_text(f"<additional>{additional}</additional>")
    return read_traffic(scenario.net_file, (routes,), (more,), WINDOW)


def only(traffic):
    assert len(traffic.travellers) == 1
    return traffic.travellers[0]


def test_a_trip_gets_its_fastest_route_and_keeps_the_rest(single, tmp_path):
    """Type, lanes, speeds and parameters stay; where from and where to become the route."""
    trip = only(
        read(
            single,
            tmp_path,
            '<vType id="van" length="7"/><trip id="t" type="van" depart="5" from="N-J" to="J-W" departLane="best">'
            '<param key="a" value="&lt;"/></trip>',
        )
    )
    assert trip.edges == "N-J N-J.bay J-W"
    assert trip.attributes == ' type="van" departLane="best"'
    assert trip.body == '<route edges="N-J N-J.bay J-W"/><param key="a" value="&lt;" />'
    assert trip.tag == "vehicle"
    assert not trip.timetabled


def test_types_are_copied_as_they_are_and_once(single, tmp_path):
    """A type that two files repeat word for word is no error, as the definitions are a set."""
    traffic = read(single, tmp_path, '<vType id="a" length="7"/><vType id="a" length="7"/><vType id="b"/>')
    assert traffic.definitions == ('<vType id="a" length="7" />', '<vType id="b" />')


def test_named_routes_become_the_vehicles_own(single, tmp_path):
    """Whether the route stands in the route file, in an additional file or behind the vehicle that names it."""
    named = '<route id="r" edges="E-J E-J.bay J-W" color="red"/>'
    vehicle = '<vehicle id="v" depart="1" route="r"/>'
    for arguments in ((named + vehicle,), (vehicle + named,), (vehicle, named)):
        found = only(read(single, tmp_path, *arguments))
        assert found.edges == "E-J E-J.bay J-W"
        assert found.body == '<route edges="E-J E-J.bay J-W" color="red"></route>'
        assert found.attributes == ""


def test_a_route_distribution_picks_by_probability_and_always_the_same(single, tmp_path):
    """Over many vehicles the shares are the author's; a second reading picks the same ones."""
    text = (
        '<routeDistribution id="d"><route id="a" edges="E-J E-J.bay J-W" probability="3"/>'
        '<route id="b" edges="E-J E-J.bay J-N" probability="1"/></routeDistribution>'
        '<flow id="f" begin="0" end="600" number="400" route="d"/>'
    )
    traffic = read(single, tmp_path, text)
    share = sum(traveller.edges.endswith("J-W") for traveller in traffic.travellers) / 400
    assert 0.68 < share < 0.82
    assert traffic == read(single, tmp_path, text)


def test_flows_become_vehicles_with_one_route(single, tmp_path):
    """Named and counted as SUMO does; an interval around a flow gives it its times."""
    flow = '<interval begin="0" end="90"><flow id="f" period="30" from="W-J" to="J-E" departSpeed="max"/></interval>'
    travellers = read(single, tmp_path, flow).travellers
    assert [(t.id, t.depart_s, t.index) for t in travellers] == [("f.0", 0.0, 0), ("f.1", 30.0, 1), ("f.2", 60.0, 2)]
    assert {t.edges for t in travellers} == {"W-J W-J.bay J-E"}
    assert {t.attributes for t in travellers} == {' departSpeed="max"'}


def test_buses_with_stops_keep_their_timetable(single, tmp_path):
    """Whether the stops stand in the bus, in its route or in a flow of buses."""
    stop = '<stop lane="J-E_0" endPos="100" duration="20"/>'
    route = '<route edges="W-J W-J.bay J-E"/>'
    for text in (
        f'<vehicle id="b" depart="7">{route}{stop}</vehicle>',
        f'<route id="r" edges="W-J W-J.bay J-E">{stop}</route><vehicle id="b" depart="7" route="r"/>',
        f'<flow id="b" begin="7" end="8" period="60" from="W-J" to="J-E">{stop}</flow>',
        f'<trip id="b" depart="7" from="W-J" to="J-E">{stop}</trip>',
    ):
        bus = only(read(single, tmp_path, text))
        assert bus.timetabled, text
        assert bus.depart_s == 7.0
        assert "<stop" in bus.body
        assert bus.edges == "W-J W-J.bay J-E"


def test_persons_who_walk_follow_the_demand_and_riders_do_not(single, tmp_path):
    """Who rides depends on a vehicle, which therefore keeps its time too."""
    traffic = read(
        single,
        tmp_path,
        '<person id="walker" depart="3"><walk edges="W-J W-J.bay J-E"/></person>'
        '<person id="rider" depart="4"><ride from="W-J" to="J-E" lines="taxi1 X"/></person>'
        '<vehicle id="taxi1" depart="5"><route edges="W-J W-J.bay J-E"/></vehicle>'
        '<vehicle id="car" depart="6"><route edges="W-J W-J.bay J-E"/></vehicle>',
    )
    assert {t.id: t.timetabled for t in traffic.travellers} == {
        "walker": False,
        "rider": True,
        "taxi1": True,
        "car": False,
    }
    assert traffic.travellers[0].tag == "person"


def test_a_vehicle_that_waits_for_its_driver_has_no_time(single, tmp_path):
    """It is written as the author wrote it."""
    car = only(read(single, tmp_path, '<vehicle id="c" depart="triggered"><route edges="W-J W-J.bay J-E"/></vehicle>'))
    assert math.isnan(car.depart_s)
    assert car.timetabled
    assert car.attributes == ' depart="triggered"'


def test_who_departs_far_from_the_window_is_counted_but_not_kept(single, tmp_path):
    """The index of a vehicle does not depend on the window, so neither do its uniforms."""
    route = '<route edges="W-J W-J.bay J-E"/>'
    text = "".join(f'<vehicle id="v{at}" depart="{at}">{route}</vehicle>' for at in (-121, -120, 300, 719, 720))
    kept = read(single, tmp_path, text).travellers
    assert [(t.id, t.index) for t in kept] == [("v-120", 1), ("v300", 2), ("v719", 3)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '<vehicle id="v" depart="1"><route edges="W-J W-J.bay J-X"/></vehicle>',
            "{routes}: vehicle 'v': its edge 'J-X' is not in {net}; nearest: J-{any}",
        ),
        ('<trip id="t" depart="1" from="A" to="J-E"/>', "{routes}: trip 't': its edge 'A' is not in {net}"),
        ('<route id="r" edges="nowhere"/>', "{routes}: route 'r': its edge 'nowhere' is not in {net}"),
        (
            '<person id="p" depart="1"><walk from="W-J" to="B"/></person>',
            "{routes}: person 'p': its edge 'B' is not in {net}",
        ),
        ('<vehicle id="v" depart="1" route="r"/>', "{routes}: vehicle 'v' names the route 'r', which is not defined"),
        ('<vehicle id="v" depart="1"/>', "{routes}: vehicle 'v' has no route"),
        ('<vehicle id="v" depart="1"><route edges=" "/></vehicle>', "{routes}: vehicle 'v' has a route without edges"),
        ('<trip id="t" from="W-J" to="J-E"/>', "{routes}: trip 't' has no depart"),
        ('<trip depart="1" from="W-J" to="J-E"/>', "{routes}: a trip has no id"),
        ('<trip id="t" depart="soon" from="W-J"/>', "{routes}: trip 't': time = 'soon', must be seconds or hh:mm:ss"),
    ],
)
def test_a_wrong_traveller_is_one_line(single, tmp_path, text, line):
    """The line names the route file, who it is, and what is wrong."""
    with pytest.raises(ConfigError) as caught:
        read(single, tmp_path, text)
    expected = line.format(routes=tmp_path / "own.rou.xml", net=single.net_file, any="")
    assert str(caught.value).startswith(expected)
    assert len(str(caught.value)) <= len(expected) + 1


def test_a_trip_that_no_street_leads_to_is_one_line(single, tmp_path):
    """duarouter's own words, behind the network's name."""
    with pytest.raises(ConfigError, match="duarouter ended with status") as caught:
        read(single, tmp_path, '<trip id="t" depart="1" from="J-E" to="N-J"/>')
    assert "\n" not in str(caught.value)


def test_a_type_distribution_picks_by_probability_and_always_the_same(single, tmp_path):
    """Also the default type's; each vehicle's route is one that its own type can take."""
    members = '<vType id="a" probability="3"/><vType id="b" vClass="bus" probability="1"/>'
    for name, given in (("d", ' type="d"'), ("DEFAULT_VEHTYPE", "")):
        text = (
            f'<vTypeDistribution id="{name}">{members}</vTypeDistribution>'
            f'<flow id="f" begin="0" end="600" number="400" from="N-J" to="J-W"{given}/>'
        )
        traffic = read(single, tmp_path, text)
        types = [traveller.attributes for traveller in traffic.travellers]
        assert set(types) == {' type="a"', ' type="b"'}
        assert 0.68 < types.count(' type="a"') / 400 < 0.82
        assert traffic == read(single, tmp_path, text)


def test_a_type_distribution_may_list_its_types(single, tmp_path):
    """With or without probabilities; as many as types."""
    types = '<vType id="a"/><vType id="b"/><vTypeDistribution id="d" vTypes="a b" probabilities="{}"/>'
    trip = '<trip id="t" type="d" depart="1" from="N-J" to="J-W"/>'
    assert only(read(single, tmp_path, types.format("0 1") + trip)).attributes == ' type="b"'
    for wrong in ("1", "0 0", "x 1"):
        with pytest.raises(ConfigError, match="type distribution 'd': "):
            read(single, tmp_path, types.format(wrong) + trip)
