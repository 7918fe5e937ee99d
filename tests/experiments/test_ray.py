"""More than one machine: two nodes of a Ray cluster give what one machine gives, also when one is lost."""

import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from experiments import travel
from experiments.case import EVENT_LOGS, Case
from experiments.console import INTERRUPTED
from experiments.engine import Engine, Job, run_jobs
from experiments.evaluation import run_grid
from experiments.grid import Grid, grid
from experiments.ray_engine import RayEngine
from signals.errors import ConfigError
from tests.conftest import NODE
from tests.experiments.cheap_cases import HERE
from tests.experiments.test_evaluation import SMALL
from tests.models.places import short_place

pytestmark = pytest.mark.xdist_group("ray")  # one cluster, not one for each process of pytest

WAIT_S = 60.0
CONTROL_C = """
import sys
from pathlib import Path
from experiments.console import INTERRUPTED
from experiments.ray_engine import RayEngine
from tests.experiments.test_ray import evaluate
try:
    evaluate(Path(sys.argv[1]), RayEngine(sys.argv[2]), "wait_for_ever_from_draw_2")
except KeyboardInterrupt:
    sys.exit(INTERRUPTED)
"""


@pytest.fixture
def engine(cluster: Cluster) -> RayEngine:
    return RayEngine(cluster.address)


def evaluate(out: Path, engine: int | Engine, function: str = "run", cases: Grid = SMALL) -> list[str]:
    """Why cases failed."""
    found = run_grid(cases, out, engine, "existing", "the command", f"{HERE}:{function}", lambda _case: "")
    return [failure.message for failure in found.failures]


def contents(folder: Path) -> dict[str, str]:
    """Digests of all that a run leaves behind but the manifest, which holds the time."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != "manifest.json"]
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest() for file in files}


def test_files_are_the_same_as_by_local_processes(tmp_path: Path, engine: RayEngine):
    """Byte for byte, and one failed case is nobody else's."""
    assert evaluate(tmp_path / "here", 1, "quit_in_draw_1") == evaluate(tmp_path / "there", engine, "quit_in_draw_1")
    here = {name: of for name, of in contents(tmp_path / "here").items() if not name.startswith("failed")}
    there = {name: of for name, of in contents(tmp_path / "there").items() if not name.startswith("failed")}
    assert len(here) == 6 + 2
    assert here == there


def test_streets_are_the_same_and_inputs_and_logs_travel(tmp_path: Path, engine: RayEngine):
    """SUMO, a controller with a file of its own, and an event log: digests are those of local processes."""
    settings = tmp_path / "settings.toml"
    settings.write_text("passage_s = 2.5\n")
    place = short_place(tmp_path, 700)
    for name, where in (("here", 1), ("there", engine)):
        out = tmp_path / name
        cases = grid([place], [f"actuated:{settings}", "existing"], [1.0], draws=1)
        assert not run_grid(with_logs(cases, out), out, where, "existing", "the command").failures
    assert len(list((tmp_path / "there" / EVENT_LOGS).iterdir())) == 4
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def with_logs(cases: Grid, out: Path) -> Grid:
    return replace(cases, event_logs=out / EVENT_LOGS)


def test_a_lost_node_costs_time_and_no_results(tmp_path: Path, cluster: Cluster, engine: RayEngine):
    """A node goes in the middle of a case: every case is there, as without the loss."""
    begun = tmp_path / "begun"
    doomed = cluster.add_node(**NODE, env_vars={"DOOMED": str(begun)})
    loss = threading.Thread(target=lambda: lose(cluster, doomed, begun))
    loss.start()
    assert evaluate(tmp_path / "there", RayEngine(cluster.address, workers=3), "wait_where_doomed") == []
    loss.join()
    assert begun.exists()
    evaluate(tmp_path / "here", 1)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def lose(cluster: Cluster, node: object, begun: Path) -> None:
    """As a machine that loses its power."""
    until_s = time.monotonic() + WAIT_S
    while not begun.exists() and time.monotonic() < until_s:
        time.sleep(0.05)
    cluster.remove_node(node, allow_graceful=False)


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, cluster: Cluster):
    script = [sys.executable, "-c", CONTROL_C, str(tmp_path / "out"), cluster.address]
    process = subprocess.Popen(script, stderr=subprocess.PIPE, text=True)
    finished = tmp_path / "out" / "cases"
    until_s = time.monotonic() + WAIT_S
    while process.poll() is None and len(list(finished.glob("*.json"))) < 2 and time.monotonic() < until_s:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=WAIT_S)[1]
    assert process.returncode == INTERRUPTED, said
    assert "stopped: 2 of 8 cases are kept" in said


def test_another_checkout_is_refused_in_one_line(engine: RayEngine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(travel, "surroundings", lambda there=travel.surroundings(): there | {"source": "other"})
    with pytest.raises(ConfigError, match=r"engine ray: node [0-9.]+: source is \w+, must be other as where"):
        run_jobs([Job(Case("resco:cologne1", "existing", 1.0, 0))], engine, print, f"{HERE}:run")


def test_a_worker_that_cannot_start_says_why_and_where(engine: RayEngine):
    with pytest.raises(ConfigError, match=r"engine ray: node [0-9.]+: a worker process cannot start.*no_such"):
        run_jobs([Job(Case("resco:cologne1", "existing", 1.0, 0))], engine, print, f"{HERE}:no_such_function")
