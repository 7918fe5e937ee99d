"""From counts to a scenario: what is read, what is sampled, how well it fits, and what is told of a wrong table."""

from itertools import pairwise
from pathlib import Path

import pytest

from scenarios.build import SOURCES, built_files
from scenarios.candidates import local_routes, places_of, through_routes
from scenarios.catalogue import find, streets
from scenarios.counts import read_counts
from scenarios.from_counts import demand_from_counts
from scenarios.geh import fit, geh, good_share
from scenarios.sampling import routes_xml, sample
from scenarios.street_graph import read_streets
from scenarios.sumo_cfg import read_sumocfg
from scenarios.xml_files import top_level_elements
from signals.errors import ConfigError

HEADING = "begin,end,from,to,count"
ROW = "0,900,W-J.bay,J-E,100"


@pytest.fixture(scope="module")
def graph(single):
    return read_streets(single.net_file)


@pytest.fixture
def read(graph, tmp_path):
    def of(*lines: str, name="counts.csv"):
        (tmp_path / name).write_text("\n".join(lines))
        return read_counts(tmp_path / name, graph)

    return of


def test_geh_is_the_manuals():
    """Counted 1000, modelled 1100: 3.09; nothing and nothing fit."""
    assert geh(1000, 1100) == pytest.approx(3.086, abs=0.001)
    assert geh(0, 0) == 0


def test_turns_and_links_are_read_from_any_common_table(read):
    """Commas, semicolons or tabs; seconds or clock times; vehicles in the interval or per hour; comments."""
    expected = [(0, 900, ("W-J.bay", "J-E"), 100), (900, 1800, ("W-J",), 25)]
    for lines in (
        [HEADING, ROW, "900,1800,W-J,,25"],
        [
            "# of a Tuesday",
            "from;to;begin;end;veh_per_h",
            "W-J.bay;J-E;00:00;00:15;400",
            "",
            "W-J;;0:15:00;0:30:00;100",
        ],
        ["\ufeffbegin\tend\tfrom\tto\tcount", "0\t900\tW-J.bay\tJ-E\t100", "900\t1800\tW-J\t\t25"],
    ):
        assert [(c.begin_s, c.end_s, c.edges, c.vehicles) for c in read(*lines)] == expected
    link = read("begin,end,from,count", "0,900,W-J,7")
    assert [(c.edges, c.vehicles) for c in link] == [(("W-J",), 7)]


def test_sumos_own_counts_are_read(read):
    """edgeRelation and edgeData; inner edges are passed over."""
    text = (
        '<data><interval begin="0" end="900"><edgeRelation from="W-J.bay" to="J-E" count="100"/>'
        '<edge id="W-J" entered="9"/><edge id=":J_0" entered="4"/></interval></data>'
    )
    assert [(c.edges, c.vehicles) for c in read(text, name="c.xml")] == [(("W-J.bay", "J-E"), 100), (("W-J",), 9)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([""], "counts.csv: is empty; its first line must name the columns begin, end, from"),
        ([HEADING], "counts.csv: holds no counts"),
        (["begin,end,form,to,count", ROW], "line 1: column 'form' is unknown; nearest: from"),
        (["begin,end,to,count", ROW], "line 1: lacks the column from"),
        (["begin,end,from,to", ROW], "line 1: must have one of the columns count and veh_per_h"),
        (["begin,end,from,from,count", ROW], "line 1: names a column twice"),
        ([HEADING, "0,900,W-J.bay,100"], "line 2: has 4 cells, must be 5 as in line 1"),
        ([HEADING, "0,900,W-J.boy,J-E,1"], "line 2: column from: no car drives on an edge 'W-J.boy'; nearest: W-J.bay"),
        ([HEADING, "0,900,W-J.bay,J-F,1"], "line 2: column to: no car drives on an edge 'J-F'; nearest: J-"),
        (
            [HEADING, ROW, "0,900,W-J.bay,N-J,1"],
            "line 3: column to: no car turns from 'W-J.bay' into 'N-J'; it leads to",
        ),
        ([HEADING, "0,900,W-J.bay,J-E,many"], "line 2: column count: 'many' must be a number, 0 or above"),
        ([HEADING, "0,900,W-J.bay,J-E,-3"], "line 2: column count: '-3' must be a number, 0 or above"),
        ([HEADING, "900,900,W-J.bay,J-E,3"], "line 2: column end: 900 must be after begin, 900"),
        ([HEADING, "early,900,W-J.bay,J-E,3"], "line 2: column begin: time = 'early', must be seconds or hh:mm:ss"),
        ([HEADING, ROW, ROW], "line 3: W-J.bay > J-E is counted twice from 0 s, also: .*line 2"),
        ([HEADING, ROW, "900,1200,W-J.bay,J-E,3"], "line 3: interval 900 to 1200 s, must be one of 900 s .* line 2"),
        (["<data>", '<interval begin="0" end="9"><edge id="W-J"/>'], "line 2: a edge has no count and no entered"),
        (["<data><interval"], "line 1: broken or cut XML"),
    ],
)
def test_a_wrong_table_is_one_line(read, lines, said):
    """It names file, line, column, the value, and the nearest name that is known."""
    with pytest.raises(ConfigError, match=said) as caught:
        read(*lines)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_one_line(graph, tmp_path):
    with pytest.raises(ConfigError, match=r"none\.csv: no such file"):
        read_counts(tmp_path / "none.csv", graph)


def test_candidates_pass_every_counted_turn_and_nobody_turns_around(tmp_path):
    """From end to end of the network where that is possible."""
    town = built_files("town")
    graph = read_streets(town.net_file)
    places = list(dict.fromkeys(c.edges for c in read_counts(SOURCES / "town" / "counts.csv", graph)))
    through = through_routes(graph, places, 1)
    assert set(places) <= {place for route in through for place in places_of(route)}
    for route in through:
        assert route[0] in graph.entries
        assert route[-1] in graph.exits
        assert all(b in graph.onward[a] and not graph.turns_around(a, b) for a, b in pairwise(route))
    assert through == through_routes(graph, places, 1)
    assert all(place in local_routes(graph, places) for place in places)


def test_what_was_counted_is_what_drives(graph, read):
    """Balanced or not; what does not balance begins or ends inside, and zero stays zero."""
    counts = read(
        HEADING, ROW, "900,1800,W-J.bay,J-E,40", "0,900,N-J.bay,J-E,20", "0,900,N-J.bay,J-W,0", "0,900,J-E,,150"
    )
    sampled = sample(graph, counts, 3)
    assert [one.modelled for one in sampled.fits] == [100, 40, 20, 0, 150]
    assert sampled == sample(graph, counts, 3)
    assert sampled != sample(graph, counts, 4)
    assert list(sampled.departures) == sorted(sampled.departures)
    assert routes_xml(sampled).count("<vehicle ") == len(sampled.departures) == 190


def test_counts_that_contradict_each_other_show_in_the_geh(graph, read):
    """All that enter over a link and far fewer turns out of it cannot both hold."""
    counts = read(HEADING, "0,3600,W-J.bay,J-E,500", "0,3600,W-J.bay,,100")
    fits = sample(graph, counts, 1).fits
    assert good_share(fits) < 1
    assert max(one.geh for one in fits) > 5
    assert fits == tuple(fit(counts, sample(graph, counts, 1).departures))


def test_two_commands_make_a_scenario(tmp_path, single):
    """The configuration names network, routes and the counts' own window; a second time gives the same bytes."""
    (tmp_path / "counts.csv").write_text(
        "\n".join([HEADING, "07:00,07:15,W-J.bay,J-E,90", "07:15,07:30,W-J.bay,J-E,80"])
    )
    made = [demand_from_counts(tmp_path / "counts.csv", streets("single"), tmp_path / name) for name in "ab"]
    assert made[0].route_file.read_bytes() == made[1].route_file.read_bytes()
    scenario = find(str(made[0].configuration))
    assert (scenario.net_file, scenario.begin_s, scenario.end_s) == (single.net_file, 25200, 27000)
    departures = [float(v.attrib["depart"]) for v in top_level_elements(made[0].route_file) if v.tag == "vehicle"]
    assert len(departures) == 170
    assert sum(depart_s < 26100 for depart_s in departures) == 90
    assert made[0].fit_file.read_text().splitlines()[1] == "25200,26100,W-J.bay,J-E,90,90,0.00"


def test_nothing_of_somebodys_own_is_overwritten(tmp_path):
    """Neither a configuration nor routes that stand where ours would."""
    (tmp_path / "counts.csv").write_text(f"{HEADING}\n{ROW}")
    for name, said in (("single.sumocfg", "not of our writing"), ("single.rou.xml", "not ours")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text("<configuration/>")
        with pytest.raises(ConfigError, match=said):
            demand_from_counts(tmp_path / "counts.csv", streets("single"), folder)
        assert (folder / name).read_text() == "<configuration/>"


def test_the_towns_demand_fits_its_counts():
    """At least 85 % of all counts have a GEH below 5: the usual criterion."""
    folder = built_files("town").net_file.parent
    rows = [line.split(",") for line in (folder / "town.geh.csv").read_text().splitlines()[1:]]
    assert len(rows) > 200
    assert sum(float(row[-1]) < 5 for row in rows) >= 0.85 * len(rows)
    assert read_sumocfg(folder / "town.sumocfg").begin_s == 25200


def test_a_demand_may_be_added_to_a_configuration_without_one(tmp_path):
    """As an import leaves it; other names and files are streets too."""
    folder = built_files("town").net_file.parent
    for name in (folder / "town.sumocfg", folder / "town.net.xml", "town"):
        assert streets(str(name)).net_file == folder / "town.net.xml"
    with pytest.raises(ConfigError, match=r"scenario 'twon' is unknown; nearest: town"):
        streets("twon")
    assert isinstance(streets("town").net_file, Path)
