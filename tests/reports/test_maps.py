"""The map by a measure of choice: whose values it has, which colours they get, how it is chosen without a script."""

import re
from pathlib import Path

import pandas as pd
import pytest

from experiments.together import Together, together
from reports.before_after import pairs
from reports.comparison import Arm, ScenarioComparison, compare
from reports.ground import on_ground
from reports.map_scales import CHANGES, LOOKS, RAMP, scale
from reports.map_values import MEASURES, OF_LINKS, coloured
from reports.measure_maps import maps
from reports.words import ENGLISH, LANGUAGES, words
from tests.reports.synthetic_results import MadeUp, write_results

PLACE = MadeUp({"own.sumocfg": (900, 40.0, 2)}, {"existing": 1.0, "actuated": 0.8}, draws=range(2))
STREETS = {"W-J1": ((0.0, 0.0), (100.0, 0.0)), "J1-J2": ((100.0, 0.0), (200.0, 0.0))}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Together:
    return together([write_results(tmp_path_factory.mktemp("maps"), PLACE)])


@pytest.fixture(scope="module")
def compared(found: Together) -> tuple[ScenarioComparison, Arm, Arm]:
    return pairs(compare(found.cases, found.summary(), found.baseline))[0]


def test_every_measure_has_the_values_of_its_links_and_junctions(found: Together, compared: tuple[object, Arm, Arm]):
    """Over draws, speed over those who drove; a junction has the worst movement's v/c and all its vehicles' stops."""
    _, arm, _ = compared
    links, movements = found.table("links"), found.table("movements")
    movements.loc[(movements["junction"] == "J1") & (movements["turns"] == "left"), "capacity_veh_per_h"] = 300.0
    of = coloured(arm, links, movements)
    own = links[links["case"].isin(arm.cases.index) & (links["link"] == "W-J1")]
    assert of["flow"].links["W-J1"] == 590.0
    assert of["speed"].links["W-J1"] == pytest.approx((own["speed_km_per_h"] * own["vehicles"]).sum() / 1200)
    assert of["co2"].links["W-J1"] == pytest.approx(own["co2_kg_per_km_h"].mean())
    assert of["saturation"].junctions == {"J0": pytest.approx(0.5), "J1": pytest.approx(1.5)}
    assert of["stops"].links["J0-N"] == pytest.approx(0.02 * arm.cases["delay_s"].mean(), rel=0.02)
    assert of["speed"].junctions == {} and set(of["delay"].junctions) == {"J0", "J1"}


def test_a_junctions_flow_and_queue_are_those_of_its_approaches(found: Together, compared: tuple[object, Arm, Arm]):
    _, arm, _ = compared
    movements = found.table("movements").replace({"approach": {"J0-N": "W-J1", "J0-E": "J1-J2"}})
    of = coloured(arm, found.table("links"), movements)
    assert of["flow"].junctions["J0"] == 590.0 + 495.0
    assert of["queue"].junctions["J0"] == pytest.approx(of["queue"].links["W-J1"] + 0.5)


def test_results_of_older_versions_have_the_measures_that_they_kept(found: Together, compared: tuple[object, Arm, Arm]):
    """Without the streets' traffic there is delay, and what movements have; with neither there is delay."""
    comparison, arm, _ = compared
    old = found.table("links").drop(columns=list(OF_LINKS.values()))
    of = coloured(arm, old, found.table("movements"))
    assert {measure for measure, each in of.items() if each} == {"delay", "storage", "stops", "saturation"}
    base = on_ground(STREETS, {"J0": (0.0, 0.0)})
    assert isinstance(comparison, ScenarioComparison)
    assert [each["key"] for each in maps("m", comparison, base, ENGLISH, old)["measures"]] == ["delay"]


def test_a_scale_is_round_and_one_for_all_maps():
    """Six classes in whole steps; what is agreed in the field is kept; a change about none has no colour."""
    flow = scale("flow", [3.0, 120.0, 410.0, 430.0], [1.0, -2.0])
    assert flow.bounds == (100.0, 200.0, 300.0, 400.0, 500.0)
    assert flow.is_even(-2.0) and flow.is_even(9.9) and not flow.is_even(10.1)
    assert [flow.colour(value) for value in (0.0, 100.0, 100.1, 9999.0)] == [RAMP[0], RAMP[0], RAMP[1], RAMP[5]]
    assert flow.change_colour(-11.0) == CHANGES[1] and flow.change_colour(51.0) == CHANGES[4]
    assert scale("saturation", [0.3], []).legend()[-1] == (RAMP[5], "> 1")
    assert [text for _, text in flow.change_legend()] == ["< −50", "−50 … −10", "±10", "+10 … +50", "> +50"]
    assert scale("queue", [], []).bounds


def test_slow_is_red_and_slower_too():
    """Of speed alone less is worse."""
    speed = scale("speed", [10.0, 50.0], [-5.0, 5.0])
    assert speed.colour(1.0) == RAMP[5] and speed.colour(60.0) == RAMP[0]
    assert speed.change_colour(-30.0) == CHANGES[4] and speed.change_colour(30.0) == CHANGES[0]
    assert [measure for measure, look in LOOKS.items() if not look.more_is_worse] == ["speed"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_measures_are_drawn_with_unit_and_legends(
    found: Together, compared: tuple[ScenarioComparison, Arm, Arm], language: str
):
    """Before, after and the difference; text alternatives have the figures of links where junctions have none."""
    base = on_ground(STREETS, {"J0": (0.0, 0.0), "J1": (100.0, 0.0)})
    drawn = maps("m", compared[0], base, words(language), found.table("links"), found.table("movements"))["measures"]
    assert [each["key"] for each in drawn] == list(MEASURES) == list(LOOKS)
    for each in drawn:
        assert len(each["panels"]) == 3 and len(each["legend"]) == 6 and len(each["changes"]) == 5 and each["unit"]
        assert all(re.search(r'aria-label="[^"]*\d', str(panel["svg"])) for panel in each["panels"])


def test_a_mean_needs_five_vehicles_a_draw(found: Together, compared: tuple[object, Arm, Arm]):
    _, arm, _ = compared
    few = found.table("links").assign(vehicles=4.0)
    assert not coloured(arm, few, pd.DataFrame())["flow"].links


def test_the_choice_is_the_pages_style_alone(tmp_path: Path):
    """No script: each option has its rule, and a reader of styles that cannot ask sees delay."""
    style = (Path(__file__).parents[2] / "reports/templates/results.css").read_text(encoding="utf-8")
    assert ".of-measure:not(.of-delay) { display: none; }" in style
