"""The page of a measured log: its first sentences, its words in every language, and its look in a browser."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evaluate import app
from formats.event_log import DAY_MS
from reports.performance.command import WORDS
from reports.performance.measure_log import measured_log
from reports.performance.page import headline
from reports.words import LANGUAGES, words
from tests.reports.performance.made_up import BEGIN_S, made_up_log, written
from tests.reports.test_browser import look_at


def made(language: str, folder: Path) -> Path:
    """The page that the command writes; a part of the log is of another day and another signal."""
    log = written(folder, made_up_log(40), made_up_log(400, BEGIN_S + DAY_MS / 1000.0, device="12"))
    command = ["measures", str(log), "--intersection", str(folder / "places.toml"), "--out", str(folder / "out")]
    done = CliRunner().invoke(app, [*command, "--lang", language])
    assert done.exit_code == 0, done.output
    return folder / "out" / "measures.html"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("en", tmp_path_factory.mktemp("measures"))


def test_the_answer_comes_first(tmp_path: Path):
    """What failed and where, in one sentence; and what is not known without places."""
    log = written(tmp_path, made_up_log(40))
    with measured_log(log, [str(tmp_path / "places.toml")]) as measures:
        said = headline(measures, measures.table("phases"), words("en", WORDS))
    assert said == [
        "In 20 of 40 cycles (50.0 %) the green did not serve its queue; most of them in phase 2.",
        "75 % of 160 arrivals came on green; least in phase 2 (67 %).",
    ]
    with measured_log(log) as measures:
        said = headline(measures, measures.table("phases"), words("en", WORDS))
    assert said[0].startswith("Split failures are not known") and "--intersection" in said[-1]


def test_every_language_has_the_same_words_and_places_for_values():
    english = words("en", WORDS).table
    for language in LANGUAGES:
        table = words(language, WORDS).table
        assert table.keys() == english.keys()
        for key, text in english.items():
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", table[key])), key
            assert text.count("|") == table[key].count("|"), key


def test_a_page_is_one_small_file_that_asks_for_nothing(page: Path):
    """Two signals: how greens ended, and four charts of the phase with all its loops, three of the other."""
    text = page.read_text(encoding="utf-8")
    assert len(text) < 3_000_000
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)
    assert text.count("<svg") == 2 * (1 + 4 + 3)
    assert "{" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_looks_whole_at_every_width(needs_program: Callable[..., Path], language: str, tmp_path: Path):
    """No console message, no request, no sideways scrolling, no words of a chart cut off or over others."""
    chromium = needs_program("chromium", package="chromium")
    found, console = look_at(chromium, made(language, tmp_path), tmp_path)
    assert console == []
    for seen in found.values():
        assert seen.pop("charts") == 16
        assert [name for name in seen.pop("fetched") if not name.startswith("data:")] == []
        assert seen == {"cut": [], "overlaps": [], "sideways": 0, "unseen": []}
