"""The search finds a plan whose worth is known, the same one however it is run, and loses nothing when stopped."""

import itertools
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments import plan_search
from experiments.case import place_of
from experiments.optimise import Task, optimise, trial_stamp
from experiments.plan_report import plan_report
from experiments.plan_search import FINALISTS, Search
from experiments.plan_space import PlanSpace, Way
from experiments.plan_trials import Trials, Tried
from experiments.platoon_flows import count_flows
from experiments.platoon_model import PlatoonModel
from scenarios.catalogue import find
from signals import plans
from signals.errors import ConfigError, PlantError
from signals.layout import layout
from simulation.plan_programs import plan_xml
from tests.experiments import cheap_trials
from tests.simulation.streets import ROOT, place_and_demand, tripinfo_of_sumo

DRAWS, CHECK_DRAWS, BUDGET = (100, 101, 102), (103, 104, 105), 90


@cache
def space_and_model() -> tuple[PlanSpace, PlatoonModel]:
    streets = layout(place_of(find("resco:ingolstadt1")).network.intersections)
    space = PlanSpace(streets, plans.PlanFile(plan=()), "keep")
    turn = streets.intersections[0].movements[0]
    routes = pd.DataFrame({"edges": [f"{turn.approach} {turn.exit}"] * 300})
    return space, PlatoonModel(streets, space, count_flows(streets, {}, [routes], 3600.0))


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's part is tested by itself."""
    monkeypatch.setattr(plan_search, "MODEL_ROUNDS", 4)


def trials(folder: Path, workers: int = 1, run: str = "run", stamp: str = "this code") -> Trials:
    return Trials("nowhere", 1.4, folder / "plan.search.jsonl", stamp, workers, f"{cheap_trials.HERE}:{run}")


def search(of: Trials, seed: int = 0, budget: int = BUDGET) -> Search:
    return Search(*space_and_model(), of, DRAWS, CHECK_DRAWS, budget, seed)


def searched(folder: Path, workers: int = 1, **more: int) -> tuple[Search, str]:
    """The search when it has ended, and the name of its plan."""
    found = search(trials(folder, workers), **more)
    with found.trials:
        return found, found.run().tried.name


def test_the_search_comes_close_to_a_best_plan_that_is_known(tmp_path: Path):
    """From far off, within its budget; and it tells how it came there, each line better than the one before."""
    found, _ = searched(tmp_path)
    steps = found.convergence
    assert steps[0].delay_s == cheap_trials.EXISTING_S
    assert steps[-1].delay_s < 24.0
    assert all(
        later.delay_s < earlier.delay_s and later.runs >= earlier.runs for earlier, later in itertools.pairwise(steps)
    )
    assert steps[-1].runs <= found.trials.spent <= BUDGET + 8 * len(DRAWS)


def test_the_same_seed_finds_the_same_plan_with_one_worker_and_two(tmp_path: Path):
    for folder in "abc":
        (tmp_path / folder).mkdir()
    one, plan = searched(tmp_path / "a")
    two, again = searched(tmp_path / "b", workers=2)
    assert (again, two.convergence) == (plan, one.convergence)
    assert searched(tmp_path / "c", seed=1)[1] != plan


def test_a_stopped_search_goes_on_where_it_was(tmp_path: Path):
    """No run is made twice, and the plan is the one of a search that was never stopped."""
    for folder in "ab":
        (tmp_path / folder).mkdir()
    whole, plan = searched(tmp_path / "a")
    stopped = search(trials(tmp_path / "b"))

    def stop() -> None:
        if stopped.trials.done == 30:
            raise KeyboardInterrupt

    stopped.trials.advanced = stop
    with pytest.raises(KeyboardInterrupt), stopped.trials:
        stopped.run()
    kept = tmp_path / "b" / "plan.search.jsonl"
    with kept.open("a") as cut:
        cut.write('\n{"stamp": "this co')
    assert trials(tmp_path / "b").kept == 30
    assert searched(tmp_path / "b")[1] == plan
    assert len(kept.read_text().splitlines()) == whole.trials.spent + 1


def test_runs_of_other_code_are_made_again(tmp_path: Path):
    with (first := trials(tmp_path)):
        first.delays_s([Tried(None)], DRAWS)
    assert (trials(tmp_path).kept, trials(tmp_path, stamp="other code").kept) == (len(DRAWS), 0)


def test_a_plan_that_jams_on_one_draw_does_not_win(tmp_path: Path):
    """However good it is on the others: where all jam, the existing plan is what is found."""
    found = search(trials(tmp_path, run="jam_on_draw_102"))
    with found.trials:
        assert found.run().tried.plan is None


def test_a_run_that_fails_ends_the_search_in_one_line(tmp_path: Path):
    with trials(tmp_path, run="fail") as failing, pytest.raises(PlantError, match="draw 100: ZeroDivisionError"):
        failing.delays_s([Tried(None)], (100,))


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"first_draw": 192}, "draws to 201 are asked for .twice 5., must be below 200"),
        ({"out": Path("plan-1.4")}, "out = plan-1.4, must end in .toml"),
        ({"draws": 1}, "draws = 1, must be at least 2"),
        ({"first_draw": -1}, "first_draw = -1, must be at least 0"),
        ({"budget": 39}, f"budget = 39 runs, must be at least {5 * (FINALISTS + 4)} for 5 draws"),
    ],
)
def test_what_cannot_be_searched_is_refused(more: dict[str, Any], line: str):
    """Above all draws that are kept for evaluation."""
    asked: dict[str, Any] = {"scenario": "single", "demand": 1.0, "out": Path("plan.toml")}
    with pytest.raises(ConfigError, match=line):
        Task(**asked | more)


def test_runs_at_another_demand_are_other_runs():
    """A file that is used again for another demand keeps none of them."""
    one, other = (Task("resco:cologne1", demand, Path("plan.toml")) for demand in (1.0, 1.4))
    assert trial_stamp(one) != trial_stamp(other)
    assert trial_stamp(one) == trial_stamp(Task("resco:cologne1", 1.0, Path("elsewhere.toml"), budget=80, seed=3))


@pytest.mark.slow
def test_a_plan_in_sumos_own_program_is_what_fixed_time_does(tmp_path: Path):
    """So trials may go without our path: byte for byte the same trips, where the plan runs from the first second."""
    name, seconds = "resco:cologne3", 900.0
    place, demand = place_and_demand(name, seconds)
    file, program = tmp_path / "plan.toml", tmp_path / "plan.add.xml"
    plan = another_plan(PlanSpace(layout(place.network.intersections), place.network.plans))
    file.write_text(plans.dump(plan))
    program.write_text(plan_xml(place.network, plan))
    alone = tripinfo_of_sumo(place, demand, tmp_path, [program])
    assert alone.count("<tripinfo ") > 100
    assert tripinfo_of_sumo(place, demand, tmp_path) != alone
    words = [sys.executable, "-m", "tests.experiments.planned_street", name, str(seconds), str(file), str(program)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    driven = subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    assert driven == alone


def another_plan(space: PlanSpace) -> plans.PlanFile:
    """Other splits, offsets, stages and another cycle than the existing plan's."""
    dice, timing = np.random.default_rng(4), space.start(76)
    for _ in range(12):
        timing = space.neighbour(timing, dice, 0.3)
    return space.plan(timing)


@pytest.mark.slow
def test_a_real_search_writes_a_better_plan_that_says_where_it_comes_from(tmp_path: Path):
    """In SUMO; the same command again runs nothing but the last check, and finds the same."""
    task = Task("resco:cologne1", 1.4, tmp_path / "new" / "plan.toml", draws=2, budget=36)
    found = optimise(task, 2, "the command")
    assert found.delay_s < 0.8 * found.existing_delay_s
    assert found.delay_ratio.estimate == pytest.approx(found.delay_s / found.existing_delay_s, rel=0.05)
    text = task.out.read_text()
    network = place_of(find(task.scenario)).network
    for said in ("# scenario: resco:cologne1", network.digest, "# command: the command", "# demand: 1.4"):
        assert said in text
    steps = pd.read_csv(task.out.with_suffix(".convergence.csv"))
    assert steps["phase"].iloc[0] == "existing" and steps["delay_s"].is_monotonic_decreasing
    kept = task.out.with_suffix(".search.jsonl").read_text()
    assert f"{found.delay_s:.1f} s/veh" in str(plan_report(found)[1])
    again = optimise(task, 1, "the command")
    assert (task.out.read_text(), again.delay_s) == (text, found.delay_s)
    assert task.out.with_suffix(".search.jsonl").read_text() == kept


def test_the_models_search_only_ever_improves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And comes from equal shares to nearly all green for the only stage that anybody uses."""
    monkeypatch.setattr(plan_search, "MODEL_ROUNDS", 25)
    space, model = space_and_model()
    with trials(tmp_path) as cheap:
        start = space.start()
        found = search(cheap).best_of_model(start, np.random.default_rng(0), Way(fixed_cycle=True))
    before, after = model.delay_s([start, found])
    assert after < 0.2 * before
    assert found.cycle_s == start.cycle_s
