"""Signals in the report, from a real run of `arterial`: what is drawn is what the vehicles and the lamps did."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from evaluate import run_and_report
from experiments.case import EVENT_LOGS, PATHS
from experiments.grid import grid
from experiments.together import together
from reports.comparison import compare
from reports.html import render, write_page
from reports.performance.measure_log import measured_log
from reports.signals import section
from reports.signals.corridor import bands, corridor, read_recorded
from reports.signals.through_band import through_band
from reports.signals.time_space import SHOWN, time_space
from reports.words import LANGUAGES, words
from signals.errors import ConfigError
from simulation.event_log import GREEN, RED
from tests.reports.test_browser import WHOLE, look_at

RED_BAND = re.compile(rf'<path stroke="{SHOWN[RED][0]}" [^>]*d="([^"]*)"')
PATHS_DRAWN = re.compile(r'<path class="(?:along|others)"[^>]* d="([^"]*)"')
Segment = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`existing` and `actuated` on a quiet arterial, one draw, with logs and paths."""
    folder = tmp_path_factory.mktemp("arterial")
    cases = grid(["arterial"], ["existing", "actuated"], [0.3], 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evaluate.write_report_page", lambda _, file: file)
        run_and_report(replace(cases, event_logs=folder / EVENT_LOGS, path_files=folder / PATHS), folder, 1, "existing")
    return folder


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """One phase of one junction is enough to look at."""
    monkeypatch.setattr(section, "JUNCTIONS_DRAWN", 1)
    monkeypatch.setattr(section, "PHASES_DRAWN", 1)


def paths_of(results: Path, controller: str) -> Path:
    return next(file for file in (results / PATHS).glob(f"arterial-{controller}-*.parquet") if "lamps" not in file.name)


def crossings_on_red(svg: str) -> tuple[int, int]:
    """Of a drawing: how often a path crosses a stop line, and how often where its band is red."""
    bands = [
        (float(y), float(begin), float(end))
        for drawn in RED_BAND.findall(svg)
        for begin, y, end in re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)", drawn)
    ]
    lines = sorted({y for y, _, _ in bands})
    crossed = on_red = 0
    for line in (line for drawn in PATHS_DRAWN.findall(svg) for line in drawn.split("M")[1:]):
        points = [tuple(map(float, point.split())) for point in line.split("L")]
        for (x, y), (to_x, to_y) in pairwise(points):
            for stop in lines:
                if y >= stop > to_y:
                    at = x + (to_x - x) * (y - stop) / (y - to_y)
                    crossed += 1
                    on_red += any(y == stop and begin + 0.1 < at < end - 0.1 for y, begin, end in bands)
    return crossed, on_red


@pytest.mark.parametrize("controller", ["existing", "actuated"])
def test_no_path_crosses_a_stop_line_on_red(results: Path, controller: str):
    """As it is drawn, of five junctions; lamps that were 20 s late would show vehicles on red."""
    recorded = read_recorded(paths_of(results, controller))
    along = corridor(recorded)
    assert along and len(along.junctions) == 5
    crossed, on_red = crossings_on_red(time_space(recorded, along, controller, words("en", section.WORDS)))
    assert crossed > 100 and on_red == 0
    late = replace(recorded, lamps=recorded.lamps.assign(time_s=recorded.lamps["time_s"] + 20.0))
    assert crossings_on_red(time_space(late, along, controller, words("en", section.WORDS)))[1] > 5


def test_signals_are_told_as_measures_tells_them(results: Path, few: None):
    """The table beside the diagrams has the figures of `evaluate.py measures` for both controllers."""
    page = render(together([results]))
    rows = re.findall(r"<tr><th scope=\"row\">phase (\d+)</th><td>(\w+)</td><td>([\d,]+)</td>", page)
    assert {who for _, who, _ in rows} == {"existing", "actuated"}
    drawn = re.search(r"<summary>Junction (\w+)</summary>", page)
    assert drawn
    for who in ("existing", "actuated"):
        log = next((results / EVENT_LOGS).glob(f"arterial-{who}-*.parquet"))
        with measured_log(log, [str(log.with_suffix(".detectors.csv"))]) as measures:
            phases: pd.DataFrame = measures.table("phases", f"device = '{drawn[1]}'")
        told = {phase: int(cycles.replace(",", "")) for phase, controller, cycles in rows if controller == who}
        assert told == {str(phase): cycles for phase, cycles in zip(phases["phase"], phases["cycles"], strict=True)}
    assert "The 1 of 5 junctions with most delay" in page and "Of 8 phases the 1 with most" in page


def test_a_report_without_logs_has_neither_section(results: Path, tmp_path: Path):
    """Old results report as before; a log of one controller alone is drawn alone."""
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("cases.parquet", "manifest.json"):
        (bare / name).write_bytes((results / name).read_bytes())
    page = render(together([bare]))
    assert 'id="time-space"' not in page and 'id="signals"' not in page
    (bare / PATHS).mkdir()
    for file in (results / PATHS).glob("arterial-actuated-*"):
        (bare / PATHS / file.name).write_bytes(file.read_bytes())
    page = render(together([bare]))
    assert page.count('class="time-space"') == 1 and 'id="signals"' not in page


def test_a_corridor_that_is_named_is_drawn_or_refused(results: Path):
    found, say = together([results]), words("en")
    comparisons = compare(found.cases, found.summary(), found.baseline)
    street = section.streets(found, comparisons, say, ("J1", "J2"))[0]
    assert street["title"] == "arterial: J1 → J2"
    assert [who for who, *_ in street["diagrams"]] == ["existing", "actuated"]
    with pytest.raises(ConfigError, match="corridor: J7 is not there"):
        section.streets(found, comparisons, say, ("J7", "J2"))


def test_the_band_of_green_is_where_there_is_one_cycle(results: Path):
    """The existing plan has one: who is in it meets green at each stop line; actuated control has none."""
    found = {}
    for controller in ("existing", "actuated"):
        recorded = read_recorded(paths_of(results, controller))
        along = corridor(recorded)
        assert along
        found[controller] = through_band(recorded, along)
        svg = time_space(recorded, along, controller, words("en", section.WORDS), found[controller])
        assert ('class="through"' in svg) == (controller == "existing")
    band = found["existing"]
    assert found["actuated"] is None and band and band.cycle_s == 90.0
    assert 0 < band.width_s <= band.shortest_green_s and 30 < band.speed_m_per_s * 3.6 < 60
    recorded = read_recorded(paths_of(results, "existing"))
    along = corridor(recorded)
    assert along
    for k, begin_s in enumerate(band.begin_s):
        shown = bands(recorded, along, k)
        for at_s in (begin_s + 2 * band.cycle_s + 0.5, begin_s + 2 * band.cycle_s + band.width_s - 0.5):
            assert [what for begin, end, what in shown if begin <= at_s < end] == [GREEN]


def test_every_language_says_the_same():
    english, chinese = (words(language, section.WORDS).table for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", chinese[key])), key


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_looks_whole_at_every_width(
    results: Path, few: None, needs_program: Callable[..., Path], tmp_path: Path, language: str
):
    """No words cut off or over others, nothing fetched, nothing that scrolls the page sideways."""
    report = write_page(together([results]), tmp_path / "report.html", say=words(language))
    found, console = look_at(needs_program("chromium", package="chromium"), report, tmp_path)
    assert console == []
    for seen in found.values():
        assert seen.pop("charts") >= 15
        assert seen == WHOLE
