"""Figures by period, movement and link in the report: paired, corrected, and told to be missing where they are."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.certainty import claim_p, holm
from experiments.store import load
from experiments.together import Together, together
from reports.before_after import pairs
from reports.comparison import Arm, ScenarioComparison, compare
from reports.crossings import crossing_lines, crossing_tables
from reports.drawn import drawn
from reports.equity import equity_pairs, gini
from reports.ground import on_ground
from reports.html import render
from reports.links import link_delays
from reports.measure_maps import maps
from reports.movements import movement_lines, movement_tables
from reports.parts import NEITHER, judged, of_arm, pair
from reports.periods import clock, period_lines
from reports.words import ENGLISH, words
from tests.reports.synthetic_results import MadeUp, write_results

PLACE = MadeUp({"own.sumocfg": (900, 40.0, 2)}, {"existing": 1.0, "actuated": 0.8, "max-pressure": 1.4})
Compared = tuple[ScenarioComparison, Arm, Arm]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("parts"), PLACE)


@pytest.fixture(scope="module")
def found(folder: Path) -> Together:
    return together([folder])


@pytest.fixture(scope="module")
def compared(found: Together) -> Compared:
    return pairs(compare(found.cases, found.summary(), found.baseline))[0]


def test_a_periods_difference_is_paired_over_draws_and_corrected_for_the_periods(found: Together, compared: Compared):
    """As the whole's is; each measure is a family of its own."""
    _, arm, baseline = compared
    table = found.table("periods")
    lines = period_lines(table, arm, baseline)
    assert [line.clock for line in lines] == ["0:10–0:25", "0:25–0:40", "0:40–1:00"]
    of = [of_arm(table, each).pivot(index="draw", columns="begin_s", values="delay_s") for each in (arm, baseline)]
    assert [line.figures["delay_s"].difference.estimate for line in lines] == pytest.approx((of[0] - of[1]).mean())
    p = holm([claim_p(of[0][begin_s], of[1][begin_s]) for begin_s in of[0]])
    assert [line.figures["delay_s"].p for line in lines] == pytest.approx(p)
    assert {line.figures["delay_s"].direction for line in lines} == {"better"}
    assert not lines[0].figures["person_delay_s"].known
    assert {line.figures["co2_kg"].direction for line in lines} == {"better"}


def test_more_green_or_more_served_in_a_period_is_no_merit_by_itself():
    """Who got out was perhaps held up before, and green is somebody else's red."""
    sure = [pair(measure, [9.0, 9.1, 8.9], [1.0, 1.1, 1.1]) for measure in ("delay_s", *NEITHER)]
    assert [figure.direction for figure in judged(sure)] == ["worse", "", "", ""]


def test_a_movement_has_its_ratios_and_a_turn_that_shares_lanes_only_its_own(found: Together, compared: Compared):
    """v/c, and the queue in per cent of its storage, are the lanes'."""
    _, arm, baseline = compared
    lines = movement_lines(found.table("movements"), arm, baseline)
    assert len(lines) == 2 * 2 * 4
    whole, part = lines[1], lines[2]
    assert (whole.turns, whole.part, part.turns, part.part) == ("through+right", False, "through", True)
    queue = whole.figures["queue_p95_veh"]
    assert whole.figures["degree_of_saturation"].after == pytest.approx(0.5)
    assert whole.figures["queue_to_storage"].after == pytest.approx(100 * queue.after / 12)
    assert not part.figures["degree_of_saturation"].known and part.figures["delay_s"].known


def test_level_of_service_is_f_where_more_want_to_pass_than_can(found: Together, compared: Compared):
    """Whatever the delay of those who came (HCM); and a movement that mostly yields has a least v/c."""
    _, arm, _ = compared
    movements = found.table("movements")
    table = movements.assign(
        capacity_veh_per_h=movements["capacity_veh_per_h"] * np.where(movements["case"].isin(arm.cases.index), 0.4, 1),
        yielding_share=0.9,
    )
    row = movement_tables([compared[0]], table, ENGLISH)[0]["junctions"][0]["rows"][0]
    words_of, _, _, cells = row
    texts = [cell.text for cell, _ in cells]
    assert words_of == "from the north: left"
    assert texts[2].endswith("→ F") and texts[3].startswith("≥ 0.50 → 1.25")


def test_draws_that_lack_a_figure_are_left_out_on_both_sides(found: Together, compared: Compared):
    """A movement nobody took in one draw is judged by the others."""
    _, arm, baseline = compared
    table = found.table("movements")
    first = of_arm(table, baseline)["case"].iloc[0]
    table.loc[table["case"] == first, "delay_s"] = math.nan
    figure = movement_lines(table, arm, baseline)[0].figures["delay_s"]
    rest = of_arm(table, baseline)
    rest = rest[(rest["turns"] == "left") & (rest["junction"] == "J0") & (rest["heading"] == "N")]
    assert figure.before == pytest.approx(rest["delay_s"].dropna().mean())
    assert len(rest["delay_s"].dropna()) == 4


def test_gini_is_nought_for_equals_and_known_for_two():
    """Of two equal shares where one has everything it is a half; doubling all changes nothing."""
    assert gini([3.0, 3.0, 3.0], [1, 5, 2]) == 0.0
    assert gini([0.0, 8.0], [10, 10]) == pytest.approx(0.5)
    assert gini([1.0, 3.0], [30, 10]) == pytest.approx(gini([2.0, 6.0], [3, 1]))
    assert math.isnan(gini([], []))


def test_equity_judges_the_worst_movement_group_beside_the_mean_of_groups(found: Together, compared: Compared):
    """Turns that share lanes do not count twice."""
    (arm, figures), *_ = equity_pairs(compared[0], found.table("movements"), found.table("links"))
    assert arm.controller == "actuated"
    assert figures["worst_movement_ratio"].after == pytest.approx(1.5 / (0.25 * 1.5 + 0.75 * 0.8))
    assert figures["origin_gini"].after == pytest.approx(gini([1.0, 2.0], [600, 40]))


def test_links_are_coloured_by_level_and_by_what_changed(found: Together, compared: Compared):
    """Level A and what hardly changed keep the street's grey."""
    comparison, arm, _ = compared
    links = found.table("links")
    assert link_delays(links, arm)["W-J1"][1] == 600
    streets = {"W-J1": ((0.0, 0.0), (100.0, 0.0)), "J1-J2": ((100.0, 0.0), (200.0, 0.0))}
    base = on_ground(streets, {"J0": (0.0, 0.0), "J1": (100.0, 0.0)})
    panels = [str(panel["svg"]) for panel in maps("map", comparison, base, ENGLISH, links)["measures"][0]["panels"]]
    assert panels[0].count('class="links"') == 2
    assert [panel.count('class="links"') for panel in panels if "actuated −" in panel] == [1]


def test_folders_compared_bring_their_own_figures(folder: Path, tmp_path: Path):
    """Each folder's rows stay with its cases though all are called otherwise; the second is better by a fifth."""
    one = write_results(tmp_path / "one", replace(PLACE, effects={"existing": 1.0}))
    two = write_results(tmp_path / "two", replace(PLACE, effects={"existing": 0.8}))
    both = together([one, two])
    _, arm, baseline = pairs(compare(both.cases, both.summary(), both.baseline))[0]
    assert (arm.controller, baseline.controller) == ("two", "one")
    lines = period_lines(both.table("periods"), arm, baseline)
    assert [line.figures["delay_s"].after / line.figures["delay_s"].before for line in lines] == pytest.approx(
        [0.8] * 3
    )


def test_the_page_has_every_part_in_every_language(found: Together):
    for language in ("en", "zh"):
        page = render(found, say=words(language))
        for anchor in ("periods", "movements", "equity", "measure-degree_of_saturation", "measure-origin_gini"):
            assert f'id="{anchor}"' in page
    assert "kept no figures" not in render(found)


def test_older_results_still_report_and_say_what_they_lack(tmp_path: Path):
    """Without any such table, and with some cases that have none."""
    old = write_results(tmp_path / "old", replace(PLACE, parts=False))
    page = render(together([old]))
    assert "15 cases kept no figures by period" in page and 'id="movements"' not in page
    new = write_results(tmp_path / "new", replace(PLACE, draws=range(5, 7)))
    mixed = render(together([old, new]))
    assert "15 cases kept no figures by period" in mixed and 'id="movements"' in mixed
    assert load(old).cases.shape[0] == 15


def test_tables_have_what_is_drawn(found: Together):
    tables = drawn(found)
    assert {"by_period", "by_movement", "equity", "links"} <= set(tables)
    by_period = tables["by_period"]
    assert len(by_period) == 2 * 3 * 6
    assert (by_period["difference_low"] <= by_period["difference"]).all()
    assert set(tables["by_movement"]["measure"]) >= {"delay_s", "degree_of_saturation", "queue_to_storage"}
    assert tables["links"].groupby("controller")["link"].nunique().tolist() == [2, 2, 2]
    assert {"flow_veh_per_h", "speed_km_per_h", "co2_kg_per_km_h", "queue_to_storage"} <= set(tables["links"])
    assert tables["junctions"]["degree_of_saturation"].tolist() == [0.5] * 6
    assert not pd.isna(tables["equity"]["before"]).any()


def test_seconds_are_told_as_the_clock_has_them():
    assert [clock(25800.0), clock(3930.0), clock(0.0)] == ["7:10", "1:05:30", "0:00"]


def test_crossings_are_paired_where_somebody_walked(folder: Path, found: Together, compared: Compared):
    """A row a crossing with the arm that it leads over; the shorter wait is the better one; no section without any."""
    comparison, arm, baseline = compared
    assert 'id="crossings"' not in render(found) and "by_crossing" not in drawn(found)
    waits_s = [20.0 + 0.1 * k + (0.0 if case in arm.cases.index else 9.0) for k, case in enumerate(found.cases.index)]
    rows = {"case": found.cases.index, "junction": "J0", "approach": ":J0_c0", "heading": "N", "persons": 30.0}
    table = pd.DataFrame(rows | {"crossing_wait_s": waits_s, "crossing_wait_max_s": 60.0})
    figures = crossing_lines(table, arm, baseline)["J0", ":J0_c0", "N"]
    assert figures["crossing_wait_s"].direction == "better" and figures["persons"].direction == ""
    assert figures["crossing_wait_s"].difference.estimate == pytest.approx(-9.0, abs=1.0)
    shown = crossing_tables([comparison], table, ENGLISH)
    assert [row[2] for row in shown[0]["rows"]] == ["over the arm to the north"]


def test_a_movement_has_its_co2_and_none_where_it_was_not_kept(found: Together, compared: Compared):
    _, arm, baseline = compared
    movements = found.table("movements")
    line = movement_lines(movements, arm, baseline)[0]
    assert line.figures["co2_kg_per_h"].known
    old = movement_lines(movements.drop(columns="co2_kg_per_h"), arm, baseline)[0]
    assert not old.figures["co2_kg_per_h"].known and old.figures["delay_s"].known


def test_who_yields_is_judged_by_the_gaps_where_every_case_has_kept_them(found: Together, compared: Compared):
    """Then v/c is about; where one case has not, all are by the least; people on foot leave it a least one."""
    comparison, arm, baseline = compared
    table = found.table("movements").assign(yielding_share=0.9)
    able = table["capacity_veh_per_h"] * 0.4
    kept = table.assign(capacity_yielding_veh_per_h=able, not_judged_share=0.0)
    line = movement_lines(kept, arm, baseline)[0]
    assert line.sign == "≈" and line.figures["degree_of_saturation"].after == pytest.approx(1.25)
    cells = movement_tables([comparison], kept, ENGLISH)[0]["junctions"][0]["rows"][0][3]
    assert cells[3][0].text.startswith("≈ 1.25") and "F" not in cells[2][0].text
    lacking = kept.assign(capacity_yielding_veh_per_h=able.where(table["case"] != table["case"].iloc[0]))
    assert movement_lines(lacking, arm, baseline)[0].figures["degree_of_saturation"].after == pytest.approx(0.5)
    walked = movement_lines(kept.assign(not_judged_share=0.9), arm, baseline)[0]
    assert walked.sign == "≥"
