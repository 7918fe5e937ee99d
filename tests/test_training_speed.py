"""The figures of benchmarks/training_speed.py are what they say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.training_speed import row_of, table

ROOT = Path(__file__).resolve().parent.parent


def test_rates_are_compared_pair_by_pair():
    """Run by run on the same machine at the same time, not by their medians."""
    ours = [{"steps": 100, "loop_s": s, "own_step_s": s / 2, "vehicles_at_end": 7} for s in (1.0, 2.0, 4.0)]
    theirs = [{"steps": 100, "loop_s": s} for s in (2.0, 2.0, 6.0)]
    row = row_of("a", "ours", ours, theirs)
    assert row["steps_per_s"] == {"median": 50.0, "min": 25.0, "max": 100.0}
    assert row["times_sumo_rl"] == pytest.approx({"median": 1.5, "min": 1.0, "max": 2.0})
    assert row["loop_per_own_step"]["median"] == 2.0
    assert "times_sumo_rl" not in row_of("a", "sumo-rl", ours, [])
    assert table([row]).row_count == 1


def test_the_loop_takes_every_decision_of_the_window(tmp_path: Path):
    """An hour in steps of five seconds, most of it SUMO's own."""
    words = ["-m", "benchmarks.training_loop", "resco:cologne1", str(tmp_path), "5", "5"]
    result = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    told = json.loads(result.stdout.strip().splitlines()[-1])
    assert told["steps"] == 720
    assert 0.2 * told["loop_s"] < told["own_step_s"] < told["loop_s"]
    assert told["vehicles_at_end"] > 0
