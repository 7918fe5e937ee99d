"""The live page in a real browser with real traffic: it moves, it complains of nothing, it fits, in both languages."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from field.cabinet import CabinetStatus, Commander, Level
from field.page.board import Board, Durations, Reading
from field.page.server import PageServer
from field.vitals import Vitals
from signals.recording import LogReader
from signals.replay import logged_controller, replay
from tests.field.browser import Browser
from tests.field.recorded import record

WIDTHS_PX = (1280, 390)
SEEN = """(() => {
  const inside = (box, frame) => box.left >= frame.left - 1 && box.right <= frame.right + 1
    && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
  const drawing = document.getElementById("drawing").getBoundingClientRect();
  const lamps = [...document.querySelectorAll("#drawing .lamp")];
  const names = [...document.querySelectorAll("#drawing .armname")].map((each) => each.getBoundingClientRect());
  const lanes = [...document.querySelectorAll("#drawing .road")].map((each) => each.getBoundingClientRect());
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return {
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    cut: names.filter((each) => !inside(each, drawing)).length,
    over: names.filter((each, k) => lanes.some((lane) => over(each, lane))
      || names.some((other, n) => n !== k && over(each, other))).length,
    lamps: lamps.length,
    known: lamps.every((each) => /^lamp [Ggyrot]$/.test(each.getAttribute("class"))),
    wordless: [...document.querySelectorAll("[data-word], dt")].filter((each) => !each.textContent.trim()).length,
    lang: document.documentElement.lang,
  };
})()"""
SHOWN = "document.getElementById('stage').textContent"
LIT = "[...document.querySelectorAll('#drawing rect.loop1')].length"


@pytest.fixture(scope="module")
def chromium(needs_program: Callable[..., Path]) -> Path:
    return needs_program("chromium", package="chromium")


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> LogReader:
    """Three minutes of `single` under control, recorded."""
    log = tmp_path_factory.mktemp("log") / "log.jsonl"
    record(log, "max-pressure", 180.0, "single")
    return LogReader(log)


@pytest.fixture
def page(traffic: LogReader) -> Iterator[tuple[PageServer, Board]]:
    """The recorded traffic on a page, 20 ticks a second, again and again."""
    said: list[str] = []
    server, over = PageServer("127.0.0.1", 0, said.append), threading.Event()
    board = server.boards["crossroads"] = Board(
        "crossroads", "max-pressure", "hold", traffic.layout, "a-long-and-secret-token", 1.0
    )
    board.say("engaging to active: it is ours")
    board.say("active to releasing: its status is 7.9 s old, must be at most 2")
    status = CabinetStatus(0.0, Commander.OURS, "", "", False, 15.0, "hold 1 5", 0.2)

    def run() -> None:
        durations, ticks = Durations(), 0
        records = [row.record for row in replay(traffic, logged_controller(traffic.header, traffic.layout))]
        while not over.is_set():
            for each in records:
                ticks += 1
                vitals = Vitals("active", "it is ours", Level.HOLD, status=status)
                board.latest = Reading(each, vitals, ticks, 0, 0, {}, durations.so_far)
                if over.wait(0.05):
                    return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield server, board
    over.set()
    thread.join(5)
    server.close()
    assert said == []


@pytest.mark.slow
def test_the_page_moves_fits_and_asks(chromium: Path, page: tuple[PageServer, Board], tmp_path: Path):
    """Stages change, loops light up; no console line, no other host, nothing cut or sideways; a wrong token says so."""
    server, board = page
    with Browser(chromium, tmp_path) as browser:
        for language, code in (("en", "en"), ("zh", "zh-Hans")):
            for width in WIDTHS_PX:
                browser.open(f"{server.address}?lang={language}", width)
                first = browser.until(f"document.querySelector('#groups tr') && {SHOWN}")
                browser.until(f"{SHOWN} !== {json.dumps(first)}")
                browser.until(LIT, ready=lambda now: now > 0)
                seen: dict[str, Any] = browser.value(SEEN)
                assert seen.pop("lamps") == 10
                assert seen == {"sideways": 0, "cut": 0, "over": 0, "known": True, "wordless": 0, "lang": code}
        for _ in range(6):
            browser.until(f"{SHOWN} !== {json.dumps(browser.value(SHOWN))}")
        lines = "[...document.querySelectorAll('#lines li')].map((each) => each.textContent)"
        assert browser.value(lines) == [
            "控制中 → 释放中：其状态已有 7.9 秒，最多 2 秒",
            "接管中 → 控制中：已由我方控制",
        ]
        assert browser.console == []
        assert {url.removeprefix(server.address).partition("?")[0] for url in browser.fetched} <= {
            "", "page.css", "page.js", "icon.svg", "sites.json", "sites/crossroads.json", "sites/crossroads/events",
            "words/en.json", "words/zh.json",
        }  # fmt: skip
        asking = "document.getElementById('{}').value = '{}'"
        press = "document.querySelector('button[value=release]').click()"
        answered = "document.getElementById('asked').textContent"
        browser.value(asking.format("who", "Ines") + ";" + asking.format("token", "wrong") + ";" + press)
        assert browser.until(answered, ready=lambda now: now not in ("", "…")) == "令牌错误。"
        assert board.wishes() == []
        browser.value(asking.format("token", board.token) + ";" + press)
        browser.until(answered, ready=lambda now: now.startswith("已提交"))
        assert [(wish.what, wish.who) for wish in board.wishes()] == [("release", "Ines")]


def test_the_browser_notices_a_bad_page(chromium: Path, tmp_path: Path):
    """The test above can fail: an error, a request elsewhere and a page too wide are seen."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<p style='width:900px'>wide</p><img src='http://127.0.0.1:9/x.png'><script>throw new Error('oh')</script>"
    )
    with Browser(chromium, tmp_path) as browser:
        browser.open(bad.as_uri(), 390)
        browser.until("document.readyState === 'complete'")
        assert browser.value("document.documentElement.scrollWidth") >= 900
        assert any("oh" in line for line in browser.console) and "http://127.0.0.1:9/x.png" in browser.fetched
