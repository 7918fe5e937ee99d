"""Two folders: equal cases are paired, and nothing is left out in silence."""

import math
from pathlib import Path

from rich.console import Console

from experiments.case import Case
from experiments.compare import compare, ranges, settings_that_differ
from experiments.schema import table
from experiments.statistics import summarise
from experiments.store import Results
from experiments.tables import comparison_report, summary_report, with_interval
from tests.experiments.cheap_cases import row


def results(name: str, **delays_s: list[float]) -> Results:
    """Draws 0, 1, ... of each controller."""
    rows = [
        row(Case("single", controller.replace("_", "-"), 1.0, draw), delay_s=delay_s, demand_digest=f"draw{draw}")
        for controller, values in delays_s.items()
        for draw, delay_s in enumerate(values)
    ]
    return Results(Path(name), table(rows, [], ["existing"]), {"decision_s": 1.0, "versions": {"libsumo": name}})


def printed(parts: list, width: int = 150) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(*parts, sep="\n")
    return capture.get()


def test_equal_cases_are_paired_per_controller():
    first, second = results("a", existing=[50, 60], max_pressure=[30, 31]), results("b", max_pressure=[28, 28])
    found = compare(first, second)
    assert list(found.paired["controller"]) == ["max-pressure"]
    assert found.paired["delay_s_diff"].tolist() == [-2.5]
    assert found.paired["delay_s_first"].tolist() == [30.5]
    assert found.unpaired.to_dict("records") == [
        {
            "scenario": "single",
            "controller": "existing",
            "demand": 1.0,
            "faults": "",
            "why": "only in a",
            "draws": "0-1",
        }
    ]


def test_the_same_draw_of_another_demand_is_no_pair():
    first, second = results("a", existing=[50, 60]), results("b", existing=[50, 60])
    second.cases.loc[1, "demand_digest"] = "quite another"
    found = compare(first, second)
    assert found.paired["pairs"].tolist() == [1]
    assert found.unpaired[["draws", "why"]].to_numpy().tolist() == [
        ["1", "another demand, network or override in each"]
    ]


def test_cases_with_other_faults_are_no_pair():
    """Broken loops are compared with the same broken loops."""
    first, second = results("a", max_pressure=[50, 60]), results("b", max_pressure=[50, 60])
    second.cases["faults"] = "dead=0.2"
    found = compare(first, second)
    assert found.paired.empty
    assert found.unpaired["faults"].tolist() == ["", "dead=0.2"]
    assert "dead=0.2" in printed(comparison_report(found, [], 150))


def test_folders_without_an_equal_case_list_them_all():
    found = compare(results("a", existing=[50]), results("b", actuated=[40]))
    assert found.paired.empty
    said = printed(comparison_report(found, [], 150))
    assert "no case is in both" in said
    assert "only in a" in said
    assert "only in b" in said


def test_settings_that_may_explain_a_difference_are_named():
    assert settings_that_differ(results("a"), results("b")) == ["libsumo: a and b"]


def test_ranges_of_draws():
    assert ranges([7, 0, 1, 2, 3]) == "0-3, 7"


def test_the_mark_is_only_where_the_interval_excludes_zero():
    nan = float("nan")
    assert with_interval(-12.34, -14.0, -10.6, 5) == "-12.3* \\[-14.0, -10.6]"
    assert with_interval(-1.0, -3.0, 1.0, 5) == "-1.0 \\[-3.0, +1.0]"
    assert with_interval(-12.34, nan, nan, 1) == "-12.3 n/a (1 draw)"
    assert with_interval(-2.4, nan, nan, 2) == "-2.4 n/a (no spread)"
    assert with_interval(nan, nan, nan, 0) == "-"


def test_the_summary_prints_every_controller_with_its_interval():
    cases = results("a", existing=[50, 60, 70], max_pressure=[30, 42, 50]).cases
    for width in (80, 150):
        said = printed(summary_report(summarise(cases), "existing", width), width)
        assert "single x 1" in said
        assert "-19.3* [-22.2, -16.5]" in said
        assert "[ ]: 95 % interval" in said


def test_the_summary_says_how_much_was_controlled():
    """Signals, and passages of vehicles; not all is never rounded to all."""
    for share, said in ((1.0, "100 %"), (0.9996, "99.96 %"), (0.5, "50 %"), (0.0, "0 %")):
        cases = results("a", existing=[50]).cases.assign(junctions=21, vehicles_controlled_share=share)
        line = f"controlled: 3 of 21 signals, {said} of vehicles' passages of signals"
        assert line in printed(summary_report(summarise(cases), "existing", 150))


def test_those_who_walk_have_a_table_where_there_are_any():
    """And none where nobody walks or cycles."""
    cases = results("a", existing=[50], max_pressure=[30]).cases
    nobody = cases.assign(persons=0, person_delay_s=math.nan, person_wait_s=math.nan, bicycle_delay_s=math.nan)
    assert "s/person" in printed(summary_report(summarise(cases), "existing", 150))
    assert "s/person" not in printed(summary_report(summarise(nobody), "existing", 150))


def test_a_summary_without_its_baseline_says_so():
    said = printed(summary_report(summarise(results("a", actuated=[30]).cases), "existing", 150))
    assert "no differences: the folder has no case of the baseline existing" in said
