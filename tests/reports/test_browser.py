"""The report in a real browser, at desktop and phone width: nothing logged, fetched, cut off or overlapping."""

import html
import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.together import Together, together
from reports.goals import parse_goal
from reports.html import write_page
from reports.scenario import read_scenario
from reports.words import LANGUAGES, words
from tests.reports.synthetic_results import REAL_STREETS, MadeUp, write_results

WIDTHS_PX = (1280, 390)
HARD = replace(
    REAL_STREETS,
    places={"resco:cologne1": (2000, 45.0, 1), "some/long/folder/their_own_network.sumocfg": (700, 22.0, 1)},
    effects={
        "existing": 1.0, "fixed-time:plans/evening_peak_2026.toml": 0.97, "max-pressure:sets/a.toml": 0.5,
        "max-pressure:sets/b.toml": 0.55, "adaptive": 1.2, "learned:policies/first": 0.6,
    },
    demands=(0.8, 1.0, 1.6),
    gridlocked=frozenset({("adaptive", 2)}),
    walkers=True,
)  # fmt: skip
OPTIONS = (
    "--headless", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1400,1000", "--virtual-time-budget=10000", "--dump-dom",
)  # fmt: skip
WHOLE = {"cut": [], "overlaps": [], "fetched": [], "sideways": 0, "unseen": []}
"""What is seen of a page with which nothing is wrong; `unseen` are measures whose maps are not what is chosen."""
LOOK = """
const found = {};
const inside = (box, frame) => box.left >= frame.left - 1 && box.right <= frame.right + 1
  && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
  && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
for (const frame of document.querySelectorAll("iframe")) {
  const page = frame.contentDocument, report = {cut: [], overlaps: [], charts: 0, unseen: []};
  report.fetched = frame.contentWindow.performance.getEntriesByType("resource").map((entry) => entry.name);
  report.sideways = page.documentElement.scrollWidth - page.documentElement.clientWidth;
  for (const part of page.querySelectorAll("details")) part.open = true;
  const seen = (element) => element.getBoundingClientRect().width > 0;
  const look = (chart) => {
    const texts = [...chart.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    for (const [words, box] of texts) if (!inside(box, chart.getBoundingClientRect())) report.cut.push(words);
    texts.forEach(([words, box], place) => texts.slice(place + 1).forEach(([others, other]) => {
      if (overlap(box, other)) report.overlaps.push(words + " / " + others);
    }));
  };
  for (const chart of page.querySelectorAll("svg")) if (seen(chart)) { report.charts += 1; look(chart); }
  for (const option of page.querySelectorAll("option")) {
    option.selected = true;
    const maps = [...page.querySelectorAll(".map")].filter(seen);
    if (!maps.every((map) => map.closest(".of-" + option.value)) || !maps.length) report.unseen.push(option.value);
    maps.forEach(look);
    if (page.documentElement.scrollWidth > page.documentElement.clientWidth) report.sideways = option.value;
  }
  found[frame.width] = report;
}
document.getElementById("found").textContent = JSON.stringify(found);
"""


@pytest.fixture(scope="module")
def chromium(needs_program: Callable[..., Path]) -> Path:
    return needs_program("chromium", package="chromium")


def with_map(found: Together) -> Together:
    """The made-up cases on the streets of `arterial`, so that there is a map to look at."""
    _, network = read_scenario("arterial")
    delays = json.dumps(
        {junction.id: [12.0 * k + 5, 400 * k + 100] for k, junction in enumerate(network.intersections)}
    )
    cases = found.cases.assign(network_digest=network.digest, delay_by_junction=delays)
    return replace(found, cases=cases, places=dict.fromkeys(found.cases["scenario"], "arterial"))


def look_at(chromium: Path, report: Path, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What is seen of a report at each width, and every line that the browser's console has."""
    page = html.escape(report.read_text(encoding="utf-8"))
    frames = "".join(f'<iframe width="{width}" height="900" srcdoc="{page}"></iframe>' for width in WIDTHS_PX)
    script = f"<script>onload = () => {{{LOOK}}}</script>"
    frame_page = folder / "frames.html"
    frame_page.write_text(f"<!DOCTYPE html><pre id=found></pre>{frames}{script}", encoding="utf-8")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [str(chromium), *OPTIONS, *sandbox, f"--user-data-dir={folder / 'profile'}", frame_page.as_uri()]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="found">(.*?)</pre>', seen.stdout, re.DOTALL)
    assert found and found[1], seen.stderr
    console = [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(found[1])), console


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("made_up", [REAL_STREETS, HARD], ids=["as in the demo", "many, long names, gridlock"])
def test_report_looks_whole_at_every_width(chromium: Path, tmp_path: Path, made_up: MadeUp, language: str) -> None:
    """No console message, no request, no sideways scrolling, no words of a chart cut off or over others."""
    results = together([write_results(tmp_path / "results", made_up)])
    report = write_page(with_map(results), tmp_path / "report.html", [parse_goal("delay_s < 35")], words(language))
    found, console = look_at(chromium, report, tmp_path)
    assert console == []
    assert set(found) == {str(width) for width in WIDTHS_PX}
    for seen in found.values():
        assert seen.pop("charts") >= 5
        assert seen == WHOLE


@pytest.mark.slow
def test_the_look_notices_a_bad_page(chromium: Path, tmp_path: Path) -> None:
    """The test above can fail: an image from the net, words over words, and a line too long for a phone."""
    text = '<text y="20">over</text>'
    chart = f'<svg width="99" height="40">{text}{text}<text x="90" y="9">out</text></svg>'
    page = f'<!DOCTYPE html><p style="width:600px">wide</p>{chart}'
    bad = tmp_path / "bad.html"
    bad.write_text(page + '<img src="http://localhost:1/a.png"><script>console.error("bad")</script>', encoding="utf-8")
    found, console = look_at(chromium, bad, tmp_path)
    assert any("bad" in line for line in console)
    phone = found["390"]
    assert phone["sideways"] > 0 and phone["overlaps"] == ["over / over"] and phone["cut"] == ["out"]
    assert phone["fetched"] == ["http://localhost:1/a.png"]
