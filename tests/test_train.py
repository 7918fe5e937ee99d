"""`train.py` at the command line: what is typed, what is printed, what is left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.models.places import short_place

ROOT = Path(__file__).resolve().parent.parent
WAIT_S = 120.0


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--scenario", "resco:cologne"), "scenario 'resco:cologne' is unknown; nearest: resco:cologne"),
        (("--scenario", "single", "--demand", "0"), "training: demand.0: .*greater than 0"),
    ],
)
def test_bad_input_is_one_line_and_a_failing_status(tmp_path: Path, arguments: tuple[str, ...], said: str):
    result = train(*arguments, "--out", str(tmp_path / "out"))
    assert result.returncode == 2
    assert re.search(said, result.stderr)
    assert len(result.stderr.strip().splitlines()) == 1


def test_stopped_by_ctrl_c_it_keeps_what_it_learned_and_goes_on_later(tmp_path: Path):
    """Exit status 130, a checkpoint and an exported policy; `--resume` finishes, with the comparison."""
    out = tmp_path / "policies"
    arguments = ["--scenario", short_place(tmp_path, 200), "--out", str(out)]
    quick = ["--decision-s", "5", "--workers", "1"]
    file = tmp_path / "training.toml"
    file.write_text("imitation_steps = 40\nevaluation_draws = 0\ncomparison_draws = 1\ncomparison_first_draw = 0\n")
    arguments = [str(file), *arguments, *quick]
    stopped = stop_when_learning([*arguments, "--steps", "1000000"], out)
    assert stopped.returncode == 130
    assert re.search(r"stopped after \d+ decisions, saved and exported in .*; --resume goes on", stopped.stderr)
    assert (out / "policy.npz").is_file()
    assert len(list((out / "checkpoints").glob("*.zip"))) == 1

    resumed = train(*arguments, "--steps", "1", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    for controller in ("existing", "actuated", "adaptive", f"learned:{out}", f"learned:{out}/last"):
        assert re.search(rf"^ +{re.escape(controller)} +1 ", resumed.stdout, re.MULTILINE)
    assert (out / "comparison.csv").read_text().count("\n") == 1 + 5


def stop_when_learning(arguments: list[str], out: Path) -> subprocess.CompletedProcess[str]:
    """Ctrl-C as soon as the learner has begun."""
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline_s = time.monotonic() + WAIT_S
    while not list(out.glob("tensorboard/*/events*")) and process.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=WAIT_S)
    return subprocess.CompletedProcess(command, process.returncode, said, complained)
