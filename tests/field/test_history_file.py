"""A history outlives the run, and the log of a run that began with one still plays back."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from field.demo import Demo, run_demo
from field.history_file import HistoryFile
from field.playback import play_back
from signals.errors import ConfigError
from signals.history import BIN_S, load
from signals.layout import layout
from tests.field.recorded import FAST, STREET, rows_of, write_rows
from tests.signals.fakes import crossing

CROSSING = layout([crossing()])


def test_it_is_written_every_quarter_of_an_hour(tmp_path: Path):
    path = tmp_path / "street.history"
    kept = HistoryFile(path, CROSSING)
    for now_s in (100.0, 100.0 + BIN_S - 1.0):
        kept.keep(now_s)
        assert not path.exists()
    kept.keep(100.0 + BIN_S)
    assert load(path, CROSSING).days.sum() == 0.0
    path.unlink()
    kept.keep(101.0 + BIN_S)
    assert not path.exists()


def test_a_full_disk_does_not_stop_the_street(tmp_path: Path):
    """It is told at the end."""
    kept = HistoryFile(tmp_path / "no-folder" / "street.history", CROSSING)
    kept.keep(0.0)
    kept.keep(float(BIN_S))
    assert "cannot be written" in kept.words


def test_another_streets_history_is_refused_before_anything_runs(tmp_path: Path):
    path = tmp_path / "street.history"
    HistoryFile(path, CROSSING).save()
    with pytest.raises(ConfigError, match="is of other intersections"):
        HistoryFile(path, layout([crossing("other")]))


def demo(log: Path, history: Path) -> str:
    said = io.StringIO()
    words = Demo(STREET, "max-pressure", FAST, 60.0, log, history=history)
    assert run_demo(words, Console(file=said, width=150)) == 0
    return said.getvalue()


def test_a_demo_goes_on_from_what_the_last_one_learned_and_plays_back(tmp_path: Path):
    """The log holds what its estimator began with; one whose history is damaged is refused, not played without."""
    history, log = tmp_path / "street.history", tmp_path / "second.jsonl"
    assert f"history: {history}" in demo(tmp_path / "first.jsonl", history)
    before = history.read_bytes()
    demo(log, history)
    assert before and history.exists()
    assert play_back(log, None, None, Console(file=io.StringIO())) == 0
    header, *rows = rows_of(log)
    assert header["history"]
    damaged = write_rows(tmp_path / "damaged.jsonl", [header | {"history": header["history"][:-400]}, *rows])
    with pytest.raises(ConfigError, match="history: "):
        play_back(damaged, None, None, Console(file=io.StringIO()))
