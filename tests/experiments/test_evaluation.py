"""A run of the grid: resumed, stopped, with failures, and the same whoever runs it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from experiments.case import Case
from experiments.evaluation import Evaluation, run_grid, watch
from experiments.grid import Grid, grid
from experiments.store import load
from signals.errors import ConfigError
from tests.experiments.cheap_cases import HERE

SMALL = grid(["resco:cologne1"], ["existing", "max-pressure"], [1.0], draws=4)
CONTROL_C = """
import sys
from pathlib import Path
from experiments.console import INTERRUPTED
from tests.experiments.test_evaluation import evaluate
try:
    evaluate(Path(sys.argv[1]), "wait_for_ever_from_draw_2")
except KeyboardInterrupt:
    sys.exit(INTERRUPTED)
"""


def evaluate(out: Path, function: str = "run", cases: Grid = SMALL, workers: int = 2, stamp: str = "") -> Evaluation:
    return run_grid(cases, out, workers, "existing", "the command", f"{HERE}:{function}", lambda _case: stamp)


def test_the_tables_do_not_depend_on_the_number_of_workers(tmp_path: Path):
    for workers in (1, 3):
        evaluate(tmp_path / str(workers), workers=workers)
    pd.testing.assert_frame_equal(load(tmp_path / "1").cases, load(tmp_path / "3").cases, check_exact=True)
    assert (tmp_path / "1" / "summary.csv").read_bytes() == (tmp_path / "3" / "summary.csv").read_bytes()


def test_what_is_finished_is_not_run_again(tmp_path: Path):
    evaluate(tmp_path)
    first = load(tmp_path).cases
    assert not evaluate(tmp_path, "stumble_always").failures
    pd.testing.assert_frame_equal(first, load(tmp_path).cases, check_exact=True)


def test_other_code_or_files_are_run_again(tmp_path: Path):
    evaluate(tmp_path, stamp="before")
    failures = evaluate(tmp_path, "stumble_in_draw_1", stamp="after").failures
    assert [failure.case.draw for failure in failures] == [1, 1]
    assert set(load(tmp_path).cases["draw"]) == {0, 2, 3}  # nothing stale in place of what failed


def test_a_failed_case_is_listed_and_tried_again_by_the_same_command(tmp_path: Path):
    found = evaluate(tmp_path, "stumble_in_draw_1")
    assert {failure.case.draw for failure in found.failures} == {1}
    assert "ZeroDivisionError" in found.failures[0].log.read_text()
    results = load(tmp_path)
    assert len(results.cases) == 6
    assert results.manifest["failed"][0]["message"] == "ZeroDivisionError: division by zero"
    assert not evaluate(tmp_path).failures
    assert len(load(tmp_path).cases) == 8
    assert not found.failures[0].log.exists()


def test_no_table_is_written_when_all_cases_fail(tmp_path: Path):
    found = evaluate(tmp_path, "stumble_always", cases=grid(["resco:cologne1"], ["existing"], [1.0], draws=2))
    assert found.cases is None
    assert len(found.failures) == 2
    with pytest.raises(ConfigError, match="no case has finished"):
        load(tmp_path)


def test_the_manifest_says_how_to_make_the_results_again(tmp_path: Path):
    evaluate(tmp_path)
    manifest = load(tmp_path).manifest
    assert manifest["commands"] == ["the command"]
    assert manifest["draws"] == manifest["seeds"] == [0, 1, 2, 3]
    assert {"adaptive-signals", "python", "numpy", "eclipse-sumo", "libsumo"} <= set(manifest["versions"])
    assert list(manifest["controllers"]) == ["existing", "max-pressure"]
    assert manifest["cases"] == 8


def interrupt(out: Path, number: signal.Signals) -> subprocess.Popen[str]:
    """Send a run the signal once its first two cases are on disk and both workers wait for ever."""
    mark = {"TEST_FOLDER": str(out)}  # workers inherit it, and are known by it
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROL_C, str(out)], stderr=subprocess.PIPE, text=True, env=os.environ | mark
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob("cases/*.json"))) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    process.wait(timeout=30)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_loses_nothing_finished_and_says_how_to_go_on(number: signal.Signals, tmp_path: Path):
    process = interrupt(tmp_path, number)
    assert len(list(tmp_path.glob("cases/*.json"))) == 2
    assert process.returncode == 130
    assert process.stderr is not None
    said = process.stderr.read()
    assert f"stopped: 2 of 8 cases are kept in {tmp_path}; the same command goes on from there" in said
    assert "Traceback" not in said
    found = evaluate(tmp_path).cases
    assert found is not None
    assert len(found) == 8


@pytest.mark.parametrize("limit_bytes", [100, 2000], ids=["at the first case", "at the tables"])
def test_a_disk_that_fills_up_is_one_line(limit_bytes: int, tmp_path: Path):
    """A limit on the size of files stands for the full disk."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_bytes}, {limit_bytes}))\n"
    script = limit + CONTROL_C.replace("wait_for_ever_from_draw_2", "run")
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert f"ConfigError: {tmp_path}: File too large" in done.stderr
    assert not list(tmp_path.rglob("*.part"))


def test_many_cases_in_one_window_are_refused():
    with pytest.raises(ConfigError, match="--gui shows one case, not 8"):
        watch(SMALL)


def test_workers_are_at_least_one(tmp_path: Path):
    with pytest.raises(ConfigError, match="workers = 0, must be at least 1"):
        evaluate(tmp_path, workers=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"demands": [0.0]}, "demand = 0, must be above 0"),
        ({"demands": [-1.0]}, "demand = -1, must be above 0"),
        ({"demands": [float("nan")]}, "demand = nan, must be above 0"),
        ({"draws": 0}, "draws = 0, must be at least 1"),
        ({"first_draw": -1}, "first_draw = -1, must be at least 0"),
        ({"decision_s": 0.0}, "decision_s = 0, must be above 0"),
        ({"scenarios": []}, "no --scenario is given"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused_by_name_value_and_bound(change: dict, message: str):
    fine: dict = {"scenarios": ["single"], "controllers": ["existing"], "demands": [1.0], "draws": 1}
    with pytest.raises(ConfigError, match=message):
        grid(**(fine | change))


def test_what_is_named_twice_is_run_once():
    twice = grid(["single", "single"], ["existing", "existing"], [1.2, 1.0, 1.2], draws=1, first_draw=200)
    assert twice.cases() == [Case("single", "existing", 1.0, 200), Case("single", "existing", 1.2, 200)]


def test_no_worker_is_left_behind(tmp_path: Path):
    """A stopped run takes its workers with it, though they wait for ever in their cases."""
    interrupt(tmp_path, signal.SIGINT)
    mark = f"TEST_FOLDER={tmp_path}\0".encode()
    assert not [process for process in Path("/proc").glob("[0-9]*") if mark in environment(process)]


def environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
