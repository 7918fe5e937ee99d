"""`make benchmark`: its parts run what they say, go on after a stop, and its page is made of the summaries alone."""

import json
import math
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import headline as command
from benchmarks import headline_parts as parts
from benchmarks.headline_parts import Work
from experiments import headline
from experiments.evaluation import Evaluation, run_grid
from experiments.grid import Grid
from experiments.headline import ADAPTIVE, EXISTING, OPTIMISED, Draws
from experiments.headline_summary import read, read_all
from reports.headline import front_door, page
from tests.experiments.cheap_cases import HERE

ROOT = Path(__file__).resolve().parent.parent


def work(out: Path, name: str = "resco:cologne1", draws: int = 2, quick: bool = False) -> Work:
    numbers = tuple(range(200, 200 + draws))
    return Work(name.removeprefix("resco:"), name, out, Draws(numbers[:2], numbers), quick, 1, "0123")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Grid]:
    """The grids that were asked for; their cases cost nothing, and cross level D where `run_a_curve` says."""
    grids: list[Grid] = []
    cheap = partial(run_grid, run=f"{HERE}:run_a_curve")

    def run_cheaply(grid: Grid, *arguments: Any) -> Evaluation:
        grids.append(grid)
        return cheap(grid, *arguments)

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(parts, "run_grid", run_cheaply)
    return grids


def test_the_sweep_looks_closely_at_each_crossing(tmp_path: Path, asked: list[Grid]):
    """Coarsely in the first draws; then each line's window in all of them, the plans' together."""
    rows = parts.sweep_part(work(tmp_path, draws=3))
    coarse = [grid for grid in asked if len(grid.draws) == 2]
    closely = {grid.controllers: grid.demands for grid in asked if len(grid.draws) == 3}
    assert {m for grid in coarse for m in grid.demands} >= {0.2, 0.4, 1.0, 1.6, 2.0}
    plans = tuple(work(tmp_path).plans)
    assert len(plans) >= 2 and plans in closely
    found = {str(row["controller"]): row for row in rows if row["measure"] == "capacity_multiple"}
    for name, carries in ((EXISTING, 1.0), (ADAPTIVE, 1.2), (OPTIMISED, 1.2)):
        assert found[name]["draws"] == 3
        assert found[name]["value"] == pytest.approx(carries * 1.02, rel=1e-3)
        line = plans if name == OPTIMISED else (name,)
        assert min(closely[line]) <= carries - 0.1 and max(closely[line]) >= carries + 0.1


def test_every_line_reaches_the_overload_of_the_best_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A line whose own sweep was over before the best plan's capacity was known goes on, so that served is known."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(parts, "run_grid", partial(run_grid, run=f"{HERE}:run_beside_a_strong_plan"))
    rows = parts.sweep_part(work(tmp_path, quick=True))
    at = {row["controller"]: row["value"] for row in rows if row["measure"] == "overload_multiple"}
    served = {row["controller"]: row["value"] for row in rows if row["measure"] == "served_veh_per_h"}
    assert at[EXISTING] == pytest.approx(2.4)
    assert [name for name, value in served.items() if math.isnan(float(value))] == []  # type: ignore[arg-type]


def test_what_is_finished_is_not_run_again(tmp_path: Path, asked: list[Grid], capfd: pytest.CaptureFixture[str]):
    first = parts.cells_part(work(tmp_path))
    capfd.readouterr()
    assert json.dumps(parts.cells_part(work(tmp_path))) == json.dumps(first)
    cases = (len(work(tmp_path).plans) + 2) * len(parts.DEMANDS) * 2
    assert f"{cases} of {cases} cases are finished" in capfd.readouterr().err


def test_a_case_that_fails_leaves_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(parts, "run_grid", partial(run_grid, run=f"{HERE}:stumble_always"))
    with pytest.raises(SystemExit) as stopped:
        parts.cells_part(work(tmp_path))
    assert stopped.value.code == 1


@pytest.mark.parametrize(("network", "fine"), [("cologne1", 20), ("ingolstadt21", 5), ("arterial4x4", 5)])
def test_draws_are_evaluation_draws_and_as_many_as_the_protocol_has(network: str, fine: int):
    assert command.draws_of(network, None, quick=False) == Draws(tuple(range(240, 245)), tuple(range(240, 240 + fine)))
    assert command.draws_of(network, None, quick=True).fine == (240, 241, 242)


def test_the_page_in_the_documents_is_made_of_the_summaries_there():
    """Nobody edits the page or the README's headline by hand: `--docs` would write the very same."""
    notes = command.SUMMARIES / command.NOTES
    told = notes.read_text(encoding="utf-8") if notes.is_file() else ""
    found, readme = read_all(command.SUMMARIES), command.README.read_text(encoding="utf-8")
    made = page(found, command.SUMMARIES.name, told, quick=False)
    assert command.DOCS.read_text(encoding="utf-8") == made
    assert front_door(readme, found) == readme


def test_bad_numbers_of_draws_are_refused_in_a_line():
    words = [sys.executable, "benchmarks/headline.py", "--draws", "1"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--draws 1: must be from 2 to 100" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_real_junction_comes_out_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Cells, broken loops and cost of one junction, written, read again, and told on the page."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(parts, "BROKEN_DEMANDS", (0.5, 1.0))
    single = work(tmp_path / "cases", "single", quick=True)
    command.run_parts(single, ("cells", "faults", "cost"), tmp_path / "summary")
    found = read(tmp_path / "summary" / "single.csv")
    ratios = found.part(headline.CELL, measure="delay_ratio")
    assert ratios["demand"].tolist() == [0.5, 1.0, 0.5, 1.0]
    assert ratios["value"].between(0.2, 1.2).all()
    for demand in (0.5, 1.0):
        delay_s = found.part(headline.CELL, demand=demand).set_index(["measure", "faults"])["value"]
        plan_s, good_s, broken_s = (
            delay_s[key] for key in (("baseline_delay_s", ""), ("delay_s", ""), ("delay_s", "dead=0.2"))
        )
        kept = found.part(headline.KEPT, demand=demand)["value"].iloc[0]
        expected = (plan_s - broken_s) / (plan_s - good_s) if plan_s > good_s else math.nan
        assert kept == pytest.approx(expected, rel=1e-3, nan_ok=True)
    modes = found.part(headline.MODES)
    greens = modes[modes["measure"].str.startswith("green_share ")].groupby("demand")["value"].sum()
    assert greens.to_dict() == pytest.approx({0.5: 1.0, 1.0: 1.0}, rel=1e-4)
    cost = found.part(headline.COST).set_index("measure")["value"]
    assert cost["junctions"] == 1
    assert 0 < cost["decision_us"] < cost["path_us"] < 5000
    assert found.origin["scenario"] == "single" and found.origin["plans"] == "none"
    command.publish(tmp_path / "summary", tmp_path / "page.md", quick=True)
    assert "the quick subset" in (tmp_path / "page.md").read_text(encoding="utf-8")
    assert json.dumps(command.figures(read_all(tmp_path / "summary")))
