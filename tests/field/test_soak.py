"""The soak is a command of its own; here are two minutes of it, and what its verdict notices."""

from pathlib import Path

import pytest

from benchmarks.soak import run, verdict


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="handles are counted in Linux's /proc")
def test_some_minutes_of_the_whole_loop(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Taken and driven through the adapter, its audit log whole at the end."""
    run(120, 1, tmp_path / "soak.json")
    said = capsys.readouterr().out
    assert "states: active" in said and "chain whole" in said


@pytest.mark.parametrize(
    ("memory_mb", "handles", "grown"),
    [(101.9, 9, ""), (102.1, 9, "memory grew from 100.0 to 102.1 MB"), (90.0, 10, "file handles grew from 9 to 10")],
)
def test_growth_is_noticed(memory_mb: float, handles: int, grown: str):
    """Against the end of the first hour; what is larger before is no growth."""
    rows = [{"memory_mb": 80.0, "handles": 8}, {"memory_mb": 100.0, "handles": 9}]
    said = verdict([*rows, {"memory_mb": memory_mb, "handles": handles}])
    assert said.startswith(grown) if grown else not said
