"""The paths that a simulation keeps: where vehicles were, what they were shown, and nothing changed by it."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from experiments.case import Case, run_case
from experiments.grid import grid
from simulation.event_log import BEGIN_GREEN, BEGIN_RED_CLEARANCE, BEGIN_YELLOW, GREEN, RED, YELLOW
from simulation.measures import Window
from simulation.paths import LAMP_COLUMNS, PATH_COLUMNS, SPAN_S, lamps_of, middle

SINGLE: dict[str, Any] = {"scenario": "single", "controller": "actuated", "demand": 0.1, "draw": 0}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("kept")
    case = Case(path_files=folder / "paths", event_logs=folder / "logs", **SINGLE)
    row = run_case(case, folder)
    assert case.paths
    return row, case.paths


def table(file: Path) -> pd.DataFrame:
    with duckdb.connect() as database:
        return database.read_parquet(str(file)).df()


def test_a_case_is_the_same_with_and_without_paths(kept: tuple[dict, Path], tmp_path: Path):
    """Looking changes nothing, and the case keeps its key."""
    assert run_case(Case(**SINGLE), tmp_path) == kept[0]
    assert Case(**SINGLE).key == Case(path_files=tmp_path, **SINGLE).key


def test_paths_are_looks_of_a_second_within_the_lanes(kept: tuple[dict, Path]):
    """Every vehicle every second, never beyond its lane, for the middle of the window and no longer."""
    paths = table(kept[1])
    assert list(paths.columns) == PATH_COLUMNS and paths["vehicle"].nunique() > 20
    assert (paths["position_m"] <= paths["lane_length_m"] + 0.1).all()
    assert paths["time_s"].max() - paths["time_s"].min() <= SPAN_S
    steps = paths.groupby("vehicle")["time_s"].diff().dropna()
    assert (steps == 1.0).all()


def test_lamps_change_and_begin_before_the_first_look(kept: tuple[dict, Path]):
    """Each way over the junction has a first state, and afterwards changes only: green, yellow, red, green."""
    paths, lamps = table(kept[1]), table(lamps_of(kept[1]))
    assert list(lamps.columns) == LAMP_COLUMNS
    for _, own in lamps.groupby(["approach", "exit"]):
        assert own["time_s"].iloc[0] == paths["time_s"].min() - 1.0
        shown = own["shown"].tolist()
        assert {(a, b) for a, b in pairwise(shown)} == {(2, 1), (1, 0), (0, 2)}


def test_the_log_of_events_has_the_same_times(kept: tuple[dict, Path]):
    """A green is logged at the begin of the step in which vehicles first drive on it, as the paths have it."""
    lamps = table(lamps_of(kept[1]))
    events = table(kept[1].parent.parent / "logs" / kept[1].name)
    changed = lamps.groupby(["approach", "exit"]).tail(-1)
    for shown, code in ((GREEN, BEGIN_GREEN), (YELLOW, BEGIN_YELLOW), (RED, BEGIN_RED_CLEARANCE)):
        logged = pd.to_datetime(events.loc[events["EventId"] == code, "TimeStamp"]) - pd.Timestamp(0)
        times_s = set(changed.loc[changed["shown"] == shown, "time_s"])
        assert len(times_s) > 5 and times_s <= set(logged.dt.total_seconds())


def test_the_middle_of_a_short_window_is_the_window():
    assert middle(Window(600.0, 1200.0, 4800.0)) == (600.0, 1200.0)
    assert middle(Window(900.0, 4500.0, 8100.0)) == (2250.0, 3150.0)


def test_one_draw_keeps_paths(tmp_path: Path):
    """The first draw at the demand nearest to today's, of every controller."""
    whole = replace(grid(["single"], ["existing", "actuated"], [0.6, 0.9], 3, 7), path_files=tmp_path)
    assert {(case.controller, case.demand, case.draw) for case in whole.cases() if case.paths} == {
        ("existing", 0.9, 7),
        ("actuated", 0.9, 7),
    }
