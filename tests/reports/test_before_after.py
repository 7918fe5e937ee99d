"""The table of measures and the map say what the cases say."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.store import load
from experiments.together import Together, together
from reports.before_after import lines, pairs
from reports.comparison import Arm, ScenarioComparison, compare
from reports.drawn import drawn
from reports.goals import parse_goal
from reports.ground import on_ground
from reports.html import render
from reports.junctions import delay_rows, junction_delays
from reports.measure_maps import maps
from reports.scenario import read_scenario
from reports.words import ENGLISH
from tests.reports.synthetic_results import REAL_STREETS, write_results

ARTERIAL = replace(REAL_STREETS, places={"arterial": (2900, 75.0, 5)}, effects={"existing": 1.0, "actuated": 0.5})


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Together:
    return together([write_results(tmp_path_factory.mktemp("results") / "arterial", ARTERIAL)])


@pytest.fixture(scope="module")
def compared(found: Together) -> tuple[ScenarioComparison, Arm, Arm]:
    return pairs(compare(found.cases, found.summary(), found.baseline))[0]


def test_a_line_is_what_the_draws_say(compared: tuple[ScenarioComparison, Arm, Arm]):
    """Means and differences by hand; better and worse by the measure's own direction."""
    _, arm, baseline = compared
    by_name = {line.measure: line for line in lines(arm, baseline)}
    mine, theirs = arm.cases["delay_s"].to_numpy(), baseline.cases["delay_s"].to_numpy()
    assert by_name["delay_s"].difference.estimate == pytest.approx((mine - theirs).mean())
    assert by_name["delay_s"].before == pytest.approx(theirs.mean())
    assert by_name["delay_s"].direction == "better"
    served = 100 * arm.cases["completed"].to_numpy() / arm.cases["scheduled"].to_numpy()
    assert by_name["served"].after == pytest.approx(served.mean())
    assert by_name["served"].direction == "better" and by_name["served"].difference.estimate > 0
    assert "person_delay_s" not in by_name


def test_a_junctions_delay_is_weighed_by_who_passed(compared: tuple[ScenarioComparison, Arm, Arm]):
    _, arm, _ = compared
    cases = arm.cases.assign(delay_by_junction=[json.dumps({"J": [10.0 * (k + 1), 100 * (k + 1)]}) for k in range(5)])
    found = junction_delays(replace(arm, cases=cases))
    weights = np.arange(1, 6)
    assert found["J"] == pytest.approx(((10 * weights * weights).sum() / weights.sum(), 300.0))
    assert junction_delays(replace(arm, cases=arm.cases.assign(delay_by_junction=""))) == {}


def test_the_map_has_every_junction_and_its_words(compared: tuple[ScenarioComparison, Arm, Arm]):
    """The baseline, the controller, the difference; streets are drawn once."""
    comparison = compared[0]
    places = {f"J{k}": (200.0 * k, 30.0 * k) for k in range(5)}
    base = on_ground({"street": ((-100.0, 0.0), (1000.0, 150.0))}, places)
    drawn_maps = maps("map", comparison, base, ENGLISH)
    assert [measure["key"] for measure in drawn_maps["measures"]] == ["delay"]
    panels = drawn_maps["measures"][0]["panels"]
    assert [panel["title"] for panel in panels] == ["existing", "actuated", "actuated − existing"]
    assert all(str(panel["svg"]).count("<circle") == 5 for panel in panels)
    assert str(drawn_maps["streets"]).count('id="map-streets"') == 1
    assert [str(panel["svg"]).count('<use href="#map-streets"/>') for panel in panels] == [1, 1, 1]
    controllers, rows = delay_rows(comparison)
    assert controllers == ["existing", "actuated"] and len(rows) == 5


def test_a_map_is_of_the_network_that_was_run_or_none(found: Together):
    """The scenario's files as they are now are another network than the made-up one."""
    assert 'id="network"' not in render(found)
    _, network = read_scenario("arterial")
    delays = json.dumps({junction.id: [20.0, 500] for junction in network.intersections})
    cases = found.cases.assign(network_digest=network.digest, delay_by_junction=delays)
    page = render(replace(found, cases=cases))
    assert 'id="network"' in page and page.count('<use href="#map0-streets"') == 3 * 9


def test_everything_drawn_is_a_table(found: Together):
    tables = drawn(found, [parse_goal("delay_s < 35")])
    parts = ["by_period", "by_movement", "equity", "links"]
    assert list(tables) == ["cases", "summary", "before_after", "junctions", *parts, "goals"]
    assert len(tables["before_after"]) == 16
    assert len(tables["junctions"]) == 2 * 5


def test_the_folder_is_not_changed_by_reading(found: Together):
    folder = found.results[0].folder
    assert isinstance(folder, Path) and load(folder).cases.equals(found.results[0].cases)
