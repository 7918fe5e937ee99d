"""`describe --html`: one file that opens offline, in which every drawing and value stands where it belongs."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.describe_html import render, write_page
from reports.junction_drawing import draw, surroundings_m
from reports.junction_page import junction_page
from reports.scenario import read_scenario
from reports.timing_diagram import spans
from signals.intersection import Aspect
from simulation.geometry import Geometry

MEGABYTE = 1_000_000


class Tags(HTMLParser):
    """Every tag with its attributes, and whether they close as they open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(page)
        assert not [tag for tag in self._open if tag not in ("meta", "link", "br", "wbr")]

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "wbr"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


@pytest.fixture(scope="module")
def cologne() -> str:
    return render(*read_scenario("resco:cologne3"))


def test_it_is_one_file_that_fetches_nothing(cologne: str):
    """No script, no address but its own anchors."""
    tags = Tags(cologne).found
    assert not [tag for tag, _ in tags if tag in ("script", "img", "iframe", "object")]
    addresses = [value for _, attributes in tags for name, value in attributes.items() if name in ("href", "src")]
    assert {address[0] for address in addresses if address and address != "data:,"} == {"#"}
    assert "@import" not in cologne and "url(" not in cologne


def test_every_anchor_is_there_once(cologne: str):
    """Links of the map and the table, and the lines that stage diagrams reuse."""
    tags = Tags(cologne).found
    ids = Counter(attributes["id"] for _, attributes in tags if "id" in attributes)
    wanted = {value[1:] for _, a in tags if (value := a.get("href") or "").startswith("#")}
    assert wanted <= ids.keys()
    assert set(ids.values()) == {1}


def test_every_junction_has_its_drawing_stages_and_link_on_the_map(cologne: str):
    """Each drawing is told to who cannot see it."""
    _, network = read_scenario("resco:cologne3")
    tags = Tags(cologne).found
    drawings = [a for tag, a in tags if tag == "svg" and "junction" in (a.get("class") or "").split()]
    stages = [a for tag, a in tags if tag == "svg" and "stage" in (a.get("class") or "").split()]
    assert [str(a["aria-label"]).split(",")[0] for a in drawings] == [f"Junction {i.id}" for i in network.intersections]
    assert len(stages) == sum(len(i.stages) for i in network.intersections)
    links = [a for tag, a in tags if tag == "a" and (a.get("aria-label") or "").startswith("junction ")]
    assert [a["href"] for a in links] == [f"#junction-{k}" for k in (1, 2, 3)]


def test_a_stage_shows_each_way_as_its_aspect_is():
    """Counted by the colours in the drawing."""
    scenario, network = read_scenario("resco:cologne3")
    geometry = Geometry(network, scenario.net_file)
    for junction in network.intersections:
        shapes = geometry.drawing(junction, surroundings_m())
        drawings = draw("j", junction, shapes)
        for stage in junction.stages:
            ids = [g.id for g in junction.signal_groups]
            shown = dict(zip(ids, junction.stage_aspects(stage), strict=True))
            for css, aspect in (("green", Aspect.GREEN), ("permissive", Aspect.PERMISSIVE)):
                ways = [w for w in shapes.ways if shown[w.signal_group] == aspect]
                assert drawings.stages[stage.name].count(f'class="{css}"') == len(ways)


def test_each_value_has_the_letter_of_its_source():
    """And the letter its clause below the tables; values without a source have none."""
    scenario, network = read_scenario("single")
    paths = {"phases.2.yellow_change_s": "plan: yellow after row 3", "stages.A.minimum_green_s": "5 s: no minDur"}
    page = render(scenario, replace(network, sources={"J": paths}))
    section = page.partition('id="junction-1"')[2]
    notes = dict(re.findall(r"<li><sup>(\w+)</sup> ([^<]+)</li>", section))
    assert sorted(notes.values()) == sorted(paths.values())
    letter = next(letter for letter, source in notes.items() if source.startswith("plan"))
    row = re.search(r'<tr><th scope="row">2</th>.*?</tr>', section)
    assert row and row[0].count("<sup") == 1 and f">{letter}</sup>" in row[0]


def test_what_is_overridden_stands_out_and_what_is_less_safe_stands_first(tmp_path: Path):
    """Framed in the sheet, and a line at the top and at its junction."""
    file = tmp_path / "street.toml"
    file.write_text('[J.phases.1]\nyellow_change_s = 2.5\nbecause = "30 km/h <here>"\n')
    page = render(*read_scenario("single", [file]))
    assert page.count("30 km/h &lt;here&gt;</li>") == 3  # the top, the junction, the note
    assert re.search(r'class="overridden">2.<wbr>5<sup', page)
    assert page.index("yellow_change_s: 2.5 s instead of 3 s") < page.index("<svg")


def test_the_plans_diagram_is_the_plan():
    """Greens and intervals follow each other through the whole cycle, each group with the yellow of its phase."""
    for name in ("single", "arterial", "resco:cologne1"):
        _, network = read_scenario(name)
        for junction in network.intersections:
            (plan,) = network.plans.of(junction.id)
            found = spans(junction, plan)
            assert found is not None
            assert [begin for begin, _, _ in found][1:] == [end for _, end, _ in found][:-1]
            assert found[-1][1] == pytest.approx(plan.cycle_s)


def test_a_split_that_is_too_short_is_said(tmp_path: Path):
    """Where a stage's interstages outgrow its split the diagram shows the splits alone."""
    file = tmp_path / "street.toml"
    file.write_text("[J.phases.2]\nred_clearance_s = 20\n")
    scenario, network = read_scenario("single", [file])
    junction = network.intersections[0]
    assert spans(junction, network.plans.of("J")[0]) is None
    shapes = Geometry(network, scenario.net_file).drawing(junction, surroundings_m())
    page = junction_page(junction, network, draw("j", junction, shapes))
    assert "a split is too short" in page["plans"][0]["words"]


def test_signals_that_keep_their_own_plan_are_named_with_the_reason():
    scenario, network = read_scenario("arterial")
    kept = network.intersections[-1].id
    fewer = replace(
        network,
        intersections=network.intersections[:-1],
        left_alone={kept: f"signal {kept}: has no program with phases"},
    )
    page = render(scenario, fewer)
    assert "4 of 5 signals controlled (80%)" in page
    assert re.search(rf"Keeps its own plan: signal {kept}: ?(<wbr>)? ?has no program", page)
    assert f"{kept}, keeps its own plan</title>" in page


@pytest.mark.parametrize(("name", "most"), [("resco:cologne3", 0.2), ("resco:ingolstadt21", 1.2)])
def test_large_networks_stay_small_files(name: str, most: float, tmp_path: Path):
    """Lines are drawn once and reused; streets that are not seen cost nothing."""
    file = write_page(name, (), tmp_path / "deep" / "page.html")
    assert file.stat().st_size < most * MEGABYTE


def test_equal_networks_give_equal_bytes(cologne: str):
    assert render(*read_scenario("resco:cologne3")) == cologne
