from pathlib import Path

import pytest

from scenarios.cache import cache_dir, combined_digest, file_digest, kept_folder
from signals.errors import ConfigError


def test_the_environment_says_where_the_cache_is(monkeypatch, tmp_path):
    """Our own variable comes first, then XDG's, then the home folder."""
    monkeypatch.setenv("ADAPTIVE_SIGNALS_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"
    monkeypatch.delenv("ADAPTIVE_SIGNALS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "adaptive-signals"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "adaptive-signals"


def test_a_kept_folder_is_built_once():
    """The second caller gets what the first one built."""
    calls = []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "answer").write_text("42")

    first, second = kept_folder("kept/once", build), kept_folder("kept/once", build)
    assert first == second
    assert len(calls) == 1
    assert (first / "answer").read_text() == "42"


def test_the_first_of_two_builders_wins():
    """A process that finishes second throws its work away and uses the other's."""

    def quicker(folder: Path) -> None:
        (folder / "by").write_text("first")

    def slower(folder: Path) -> None:
        kept_folder("kept/race", quicker)
        (folder / "by").write_text("second")

    folder = kept_folder("kept/race", slower)
    assert (folder / "by").read_text() == "first"
    assert not list(folder.parent.glob(".building-*"))


def test_a_failed_build_leaves_nothing():
    """What could not be built is tried again next time."""

    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise ConfigError("no")

    with pytest.raises(ConfigError, match="no"):
        kept_folder("kept/failed", fail)
    assert not list((cache_dir() / "kept").glob("*failed*"))
    assert not list((cache_dir() / "kept").glob(".building-*"))


def test_a_cache_that_cannot_be_written_is_one_line(monkeypatch, tmp_path):
    """The line names the folder and the variable that moves it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ADAPTIVE_SIGNALS_CACHE", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="ADAPTIVE_SIGNALS_CACHE"):
        kept_folder("kept/nowhere", lambda folder: None)


def test_digests_tell_the_parts_apart(tmp_path):
    """Moving a letter from one part to the next changes the digest; a missing file is one line."""
    assert combined_digest(["ab", "c"]) != combined_digest(["a", "bc"])
    with pytest.raises(ConfigError, match=r"gone\.xml: No such file"):
        file_digest(tmp_path / "gone.xml")
