"""Capacity against curves whose crossing is known, and a sweep that ends by itself and goes on after a stop."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.capacity import (
    BEYOND,
    CAPACITY,
    OVERLOAD,
    Sweep,
    best_fixed,
    capacities,
    complete,
    crossing,
    crossings,
    kept_references,
    references_of,
    sweep,
    write_capacity,
)
from experiments.case import Case
from experiments.evaluation import Evaluation, run_grid
from experiments.grid import Grid, grid
from signals.errors import ConfigError
from tests.experiments.cheap_cases import HERE, row

WHOLE = grid(["resco:cologne1"], ["existing", "max-pressure"], [1.0], draws=3)
CARRIES = {"existing": 1.0, "max-pressure": 1.25}


def swept(evaluation: Evaluation) -> pd.DataFrame:
    assert evaluation.cases is not None
    return evaluation.cases


def curve(controller: str, demand: float, draw: int) -> float:
    """Delay per signal that passes 55 s at the controller's capacity, 5 % more with each draw."""
    return 55.0 * demand / (CARRIES[controller] * 1.05**draw)


def cases(demands: list[float], draws: int = 3) -> pd.DataFrame:
    rows = [
        row(
            Case("resco:cologne1", controller, demand, draw),
            delay_per_signal_s=curve(controller, demand, draw),
            delay_s=100.0,
            delay_at_signals_s=50.0,
            throughput_veh_per_h=1000.0 * min(demand, CARRIES[controller]),
        )
        for controller in CARRIES
        for demand in demands
        for draw in range(draws)
    ]
    return pd.DataFrame(rows)


def test_a_crossing_is_interpolated_and_unknown_where_the_curve_does_not_cross():
    assert crossing([0.8, 1.0, 1.2], [30.0, 50.0, 60.0]) == pytest.approx(1.1)
    assert crossing([0.8, 1.0, 1.2, 1.4], [30.0, 60.0, 50.0, 70.0]) == pytest.approx(0.8 + 0.2 * 25 / 30)
    assert math.isnan(crossing([0.8, 1.0], [30.0, 40.0]))
    assert math.isnan(crossing([0.8, 1.0], [60.0, 70.0]))


def test_capacity_gain_and_served_are_those_of_the_curves():
    demands = np.arange(0.2, 3.01, 0.1).round(1).tolist()
    found = capacities(cases(demands), "existing").set_index("controller")
    assert found.loc["existing", "capacity_multiple"] == pytest.approx(1.05, rel=1e-6)
    assert found.loc["max-pressure", "capacity_gain"] == pytest.approx(0.25, rel=1e-6)
    assert found.loc["max-pressure", "capacity_at_signals_multiple"] == pytest.approx(2 * 1.25 * 1.05)
    overload = OVERLOAD * 1.05
    assert found.loc["existing", "overload_multiple"] == pytest.approx(overload)
    assert found.loc["existing", "served_veh_per_h"] == pytest.approx(1000.0)
    between = 1.2 + (1.25 - 1.2) * (overload - 1.2) / 0.1
    assert found.loc["max-pressure", "served_gain"] == pytest.approx(between - 1.0)
    assert np.isnan(found["capacity_gain"]["existing"])


def test_a_draw_without_a_crossing_makes_the_mean_unknown():
    found = capacities(cases([0.9, 1.0, 1.06]), "existing").set_index("controller")
    assert crossings(cases([0.9, 1.0, 1.06]))["capacity"].notna().any()
    assert np.isnan(found["capacity_multiple"]["existing"])


def test_pairs_that_drove_other_demand_are_refused():
    mixed = cases([0.8, 1.2])
    mixed.loc[mixed["controller"] == "existing", "demand_digest"] = "another"
    with pytest.raises(ConfigError, match="demand_digest"):
        capacities(mixed, "existing")


def runner(out: Path, asked: list[Grid], function: str):
    def run(part: Grid) -> Evaluation:
        asked.append(part)
        return run_grid(part, out, 2, "existing", "the command", f"{HERE}:{function}", lambda _case: "")

    return run


def test_a_sweep_goes_on_until_every_curve_is_whole_and_no_further(tmp_path: Path):
    asked: list[Grid] = []
    found = sweep(WHOLE, Sweep(0.2, 0.2), runner(tmp_path, asked, "run_a_curve"))
    assert not found.failures
    reached = swept(found)
    lines = crossings(reached)
    for controller, own in lines.groupby("controller"):
        highest = reached.loc[reached["controller"] == controller, "demand"].max()
        assert highest >= BEYOND * own["capacity"].max()
        assert highest >= OVERLOAD * best_fixed(lines)
    assert asked[0].demands == (0.2, 0.4, 0.6, 0.8, 1.0)
    assert asked[-1].controllers == ("max-pressure",), "who is complete is not run on"
    assert not complete(reached, "existing", range(4), 4.0), "a draw is missing"


def test_what_a_stopped_sweep_has_is_not_run_again(tmp_path: Path):
    first = sweep(WHOLE, Sweep(0.2, 0.2), runner(tmp_path, [], "run_a_curve"))
    again = sweep(WHOLE, Sweep(0.2, 0.2), runner(tmp_path, [], "stumble_always"))
    pd.testing.assert_frame_equal(swept(first), swept(again))


def test_a_sweep_ends_where_all_cases_fail_or_nothing_ever_crosses(tmp_path: Path):
    failing = sweep(WHOLE, Sweep(1.0, 1.0), runner(tmp_path / "a", [], "stumble_always"))
    assert failing.cases is None
    assert len(failing.failures) == 6
    flat: list[Grid] = []
    sweep(WHOLE, Sweep(1.0, 1.0), runner(tmp_path / "b", flat, "run"))
    assert flat[-1].demands[-1] == 4.0


@pytest.mark.parametrize(("first", "step"), [(0.0, 0.1), (0.2, 0.0), (0.2, 1.5)])
def test_a_sweep_that_would_not_move_is_refused(first: float, step: float):
    with pytest.raises(ConfigError, match="multiple = "):
        Sweep(first, step)


def test_the_reference_stands_beside_each_controller_and_is_kept(tmp_path: Path):
    """Of the scenarios that have one; a table made again finds it where the first was written."""
    found = capacities(cases([0.8, 1.3]), "existing", {"resco:cologne1": 1.5, "single": 1.3})
    assert found["critical_movement_multiple"].tolist() == [1.5, 1.5]
    write_capacity(tmp_path / CAPACITY, found)
    assert kept_references(tmp_path) == {"resco:cologne1": 1.5}
    assert kept_references(tmp_path / "nowhere") == {}
    assert capacities(cases([0.8, 1.3]), "existing")["critical_movement_multiple"].isna().all()
    assert references_of(cases([0.8]), WHOLE)["resco:cologne1"] == pytest.approx(1.5, abs=0.2)
