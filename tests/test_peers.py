"""benchmarks/peers.py compares like with like, and says where ours is not ahead."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import peer_work
from benchmarks.peer_work import OURS, THEIRS, Work, clearances, drive_theirs, kept, limit_s, spec, train_theirs
from benchmarks.peers import behind, summary, table

ROOT = Path(__file__).resolve().parent.parent
LIKE_OURS, TUNED, AS_IT_COMES = THEIRS


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work("cologne1", 0.05, range(1), tmp_path, demand=0.1)


def test_every_training_has_a_row_of_its_own_and_whoever_learns_nothing_has_one_too():
    """Means over draws, never over seeds."""
    learned = [{"who": OURS, "seed": seed, "decisions": 9, "wall_s": 60.0, "cpu_s": 30.0} for seed in (1, 2)]
    driven = [{"draw": draw, "delay_s": 10.0 * draw, "gridlock": False} for draw in (1, 3)]
    rows = [{**made, **row} for made in learned for row in driven]
    rows.append({"who": "existing", "draw": 1, "delay_s": 50.0, "gridlock": True})
    told = summary(rows, "cologne1")
    assert [(row["who"], row["seed"], row["delay_s"], row["gridlocks"]) for row in told] == [
        (OURS, 1, 20.0, 0),
        (OURS, 2, 20.0, 0),
        ("existing", None, 50.0, 1),
    ]
    assert told[0]["draws"] == 2
    assert table(told).row_count == 3


def test_our_worst_seed_must_be_ahead_of_their_best_with_our_clearances():
    def row(who: str, delay_s: float) -> dict:
        return {"network": "cologne1", "who": who, "seed": 1, "delay_s": delay_s}

    ours = [row(OURS, 17.0), row(OURS, 19.0)]
    assert behind([*ours, row(TUNED, 19.5), row(AS_IT_COMES, 13.0), row("adaptive", 12.0)]) == []
    assert behind([*ours, row(TUNED, 18.0)]) == [f"cologne1: {TUNED}, seed 1: 18.0 s, our worst seed 19.0 s"]


def test_the_peer_has_our_street_and_our_change_of_stages(work: Work):
    """Nothing teleports and its steps are as long; a decision stands longer than its yellow, as sumo-rl asks."""
    assert clearances(work) == {"yellow_time": 5, "delta_time": 6}
    told = spec(work, TUNED, 1, 60.0, [Path("a.rou.xml")])
    assert told["environment"] | clearances(work) == told["environment"]
    assert told["environment"]["reward_fn"] == "queue"
    assert "--step-length 1" in told["options"] and "--seed" not in told["options"]
    assert spec(work, AS_IT_COMES, 1, 60.0, [Path("a.rou.xml")])["environment"] == {}


def test_a_peer_has_the_minutes_or_the_processor_time_that_ours_took(work: Work):
    for each in (work, replace(work, processor=True)):
        kept(each.folder(OURS, 1) / "training.json", lambda: {"cpu_s": 150.0})
    assert [limit_s(work, 1), limit_s(replace(work, processor=True), 1)] == [3.0, 150.0]


def test_what_is_finished_is_not_done_again(tmp_path: Path):
    made = iter([{"delay_s": 1.0}])
    file = tmp_path / "new" / "training.json"
    assert [kept(file, lambda: next(made)) for _ in range(2)] == [{"delay_s": 1.0}] * 2


def test_the_peer_learns_is_driven_and_is_accounted_for_as_ours_is(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Everybody who is scheduled counts, to the last who leaves."""
    monkeypatch.setattr(peer_work, "TRAINING_DRAWS", (100, 101))
    trained = train_theirs(work, LIKE_OURS, 1, tmp_path, limit_s=1.0)
    assert trained["decisions"] > 0
    assert trained["wall_s"] > 1.0
    row = drive_theirs(work, LIKE_OURS, 1, 0, tmp_path)
    assert row["scheduled"] > 100
    assert row["completed"] + row["inside"] + row["never_entered"] == row["scheduled"]
    assert row["delay_s"] > 0


def test_a_training_too_short_to_export_is_said_in_one_line(tmp_path: Path):
    words = ["--minutes", "0.02", "--seeds", "1", "--draws", "1", "--first-draw", "0", "--out", str(tmp_path)]
    result = subprocess.run(
        [sys.executable, "benchmarks/peers.py", *words], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 2
    assert "error: train.py, seed 1, 0.02 minutes: nothing is exported" in result.stderr
    assert not list(tmp_path.rglob("training.json"))
