"""The reports over a site's logs: what they count is what was recorded, and what they cannot know they say."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from field.audit_words import audit_words
from field.cabinet import Level
from reports.field import on_off
from reports.field.command import Asked, run_report
from reports.field.logs import site_log
from reports.field.on_off import Cell
from reports.field.queue_street import Queues
from reports.field.watched import kind_of, watch
from signals.errors import ConfigError
from signals.layout import layout
from tests.field.fake_cabinet import Bench
from tests.signals.fakes import crossing

LAYOUT = layout([crossing()])
A, B = np.array([0]), np.array([1])


def shadow(folder: Path, seconds: int = 150) -> Path:
    Bench(folder, Level.SHADOW).run(seconds)
    return folder


def said(asked: Asked) -> str:
    console = io.StringIO()
    assert run_report(asked, audit_words, Console(file=console, width=200)) == 0
    return " ".join(console.getvalue().split())


def test_queues_wait_as_theory_has_it():
    """Even arrivals over red and green (uniform delay): q r² / 2 (1 - y) vehicle seconds a cycle, to a tick."""
    queues, rate, cycle_s, red_s = Queues(LAYOUT), 0.2, 60, 30
    arrivals = np.zeros(LAYOUT.shape)
    arrivals[0, 0] = rate
    for second in range(20 * cycle_s):
        if second == 10 * cycle_s:
            before = queues.waited_veh_s
        queues.step(arrivals, B if second % cycle_s < red_s else A, 1.0)
    waited = (queues.waited_veh_s - before) / 10
    theory = rate * red_s**2 / 2 / (1 - rate / 0.5)
    assert waited == pytest.approx(theory, rel=0.05)
    assert queues.left_veh == pytest.approx(20 * cycle_s * rate, abs=15)


def test_nobody_leaves_in_an_interstage():
    queues = Queues(LAYOUT)
    queues.queue_veh[:] = 5.0
    assert queues.step(np.zeros(LAYOUT.shape), np.array([-1]), 1.0).sum() == 0


def test_what_was_watched_is_counted(tmp_path: Path):
    """Seconds, wishes, and each green that the cabinet ended, once."""
    log = site_log(shadow(tmp_path, 200))
    found = watch(log)
    assert (found.ticks, found.watched_s, found.in_force_s) == (200, 199.0, 0.0)
    changes = found.changes
    ended = len(changes.earlier_s) + changes.same + changes.later
    assert ended == 200 // 26 or ended == 200 // 25
    assert 0 < found.agreed_s < found.compared_s < found.watched_s
    assert sum(changes.earlier_why.values()) == len(changes.earlier_s)
    assert (found.believed_s == 199.0).all() and found.loop_veh.sum() > 100
    assert sum(hour.watched_s for hour in found.hours.values()) == 199.0


def test_time_between_two_watches_is_not_watched(tmp_path: Path):
    """A process that was away for ten minutes saw nothing of them, and ended no green."""
    bench = Bench(tmp_path, Level.SHADOW).run(60)
    bench.cabinet.wait(600)
    bench.run(60)
    found = watch(site_log(tmp_path))
    assert found.ticks == 120 and found.watched_s == 118.0


def test_under_the_cabinets_own_greens_the_model_changes_nothing(tmp_path: Path):
    """The same stages shown in both models leave the same queues, but for what their first second brings."""
    found = watch(site_log(shadow(tmp_path, 200)), controller="existing")
    shown = sum(hour.shown_veh_s for hour in found.hours.values())
    would = sum(hour.would_veh_s for hour in found.hours.values())
    assert shown > 0 and would == pytest.approx(shown, rel=0.1)


def test_the_report_is_told_in_words_and_on_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Every section in both; the page needs nothing from elsewhere; the audit log's check is in it."""
    monkeypatch.setattr("reports.field.shadow.LEAST_HOURS", 1)
    words = said(Asked(shadow(tmp_path), out=tmp_path / "out/shadow.html"))
    page = (tmp_path / "out/shadow.html").read_text()
    for heading in ("What was watched", "Where it agrees", "What it might be worth", "Detectors", "States and faults"):
        assert heading in page and heading.upper() in words
    assert "What it cannot know: nobody drove under these greens." in words and "chain whole" in words
    assert "://" not in page.replace("http://www.w3.org", "") and "<svg" in page
    assert "preflight" in words


def test_a_policy_that_the_log_does_not_hold_is_no_guess(tmp_path: Path):
    """Its agreement is told all the same; its worth is not, and why not."""
    folder = shadow(tmp_path)
    file = next((folder / "records").iterdir())
    file.write_text(re.sub('"digest": ?"[0-9a-f]+"', '"digest": "of another"', file.read_text(), count=1))
    words = said(Asked(folder))
    assert "What that would have been worth is not estimated" in words
    assert "not estimated" not in said(Asked(folder, controller="max-pressure"))


@pytest.mark.parametrize("damage", ["cut", "broken"])
def test_a_damaged_log_is_read_up_to_there(tmp_path: Path, damage: str):
    folder = shadow(tmp_path, 60)
    file = next((folder / "records").iterdir())
    lines = file.read_text().splitlines(keepends=True)
    lines[40] = lines[40][:50] if damage == "cut" else "{}\n"
    file.write_text("".join(lines[:41] if damage == "cut" else lines))
    log = site_log(folder)
    found = watch(log)
    assert 30 < found.ticks < 41 and bool(log.broken) == (damage == "broken")


def test_figures_in_reasons_are_left_out():
    assert kind_of("stage 2 would serve more, 0.45 veh/s") == "stage … would serve more, … veh/s"


def cells(days: int, delay_s: float, first_day: int = 0) -> dict[tuple[int, int], Cell]:
    noise = np.random.default_rng(days)
    return {
        (first_day + day, hour): Cell(3600.0, 100.0 * hour, 100.0 * hour * (delay_s + hour + noise.normal()))
        for day in range(days)
        for hour in (7, 8, 17)
    }


def test_like_hours_are_compared_with_like():
    """The delay has risen by 3 s in every hour; that other hours were watched afterwards changes nothing."""
    was, now = cells(5, 20.0), cells(5, 23.0, first_day=10)
    now |= {(day, 23): Cell(3600.0, 1.0, 1000.0) for day in range(10, 15)}
    assert on_off.change_s(was, now) == pytest.approx(3.0, abs=1.0)
    low, high = on_off.interval_s(was, now) or (0, 0)
    assert low < 3.0 < high and high - low < 3.0


def test_two_days_are_no_interval():
    assert on_off.interval_s(cells(2, 20.0), cells(9, 20.0)) is None


def test_before_and_after_are_two_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The same street under the cabinet's plan and under ours."""
    monkeypatch.setattr("reports.field.on_off.LEAST_WATCHED_S", 60.0)
    Bench(tmp_path / "off", Level.SHADOW).run(120)
    Bench(tmp_path / "on", Level.HOLD).run(120)
    words = said(Asked(None, before=tmp_path / "off", after=tmp_path / "on", out=tmp_path / "study.html"))
    assert "no interval: each side needs 3 days" in words and "BY HOUR OF THE DAY" in words
    assert (tmp_path / "study.html").exists()


@pytest.mark.parametrize(
    "asked",
    [{"log": None}, {"log": Path("a"), "before": Path("b"), "after": Path("c")}, {"log": None, "after": Path("c")}],
)
def test_one_log_or_two(asked: dict[str, Path | None]):
    with pytest.raises(ConfigError, match="must have a LOG, or --before LOG and --after LOG"):
        Asked(**asked)  # type: ignore[arg-type]


def test_no_log_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="has no record log"):
        site_log(tmp_path)
