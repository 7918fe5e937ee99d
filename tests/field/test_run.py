"""`control.py run` from its site file to its logs, with a cabinet on the wall clock."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from field.audit import entries, verify
from field.cabinet import Level
from field.lockout_file import LockoutFile
from field.run import Run, acknowledge, read_feed, run_site
from field.site import MqttFeed, ReplayFeed, Site
from signals.errors import ConfigError, PlantError
from signals.layout import Layout
from signals.recording import LogReader, Tick
from tests.field.clocked_cabinet import ClockedCabinet
from tests.signals.fakes import crossing

ROOT = Path(__file__).resolve().parents[2]
FAST = 100.0


@pytest.fixture
def opened() -> list[ClockedCabinet]:
    return []


@pytest.fixture
def opening(opened: list[ClockedCabinet]) -> Callable[..., ClockedCabinet]:
    def open_cabinet(site: Site, _: Layout, now: Callable[[], float], *_more: object) -> ClockedCabinet:
        opened.append(ClockedCabinet(site.level, now))
        return opened[-1]

    return open_cabinet


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site file of the crossing; its secret is in the environment."""
    monkeypatch.setenv("ADAPTIVE_SIGNALS_COMMUNITY", "hush-hush")
    intersection = crossing()
    monkeypatch.setattr("field.site_file.intersections.load", lambda _: intersection)
    file = tmp_path / "site.toml"
    file.write_text(
        f"""name = "crossing"
level = "pattern"
patterns = [{{ number = 1, shares = {{ A = 0.5, B = 0.5 }} }}]
controller = "max-pressure"
intersection = {{ file = "crossing.toml" }}
history = "usual.npz"
logging = {{ folder = "logs" }}
[cabinet]
protocol = "ntcip"
port = {20_000 + os.getpid() % 20_000}
snmp = {{ version = "v2c", allow_insecure = true }}
""",
        encoding="utf-8",
    )
    return file


def test_a_run_leaves_its_cabinet_and_its_logs(site: Path, opening, opened: list[ClockedCabinet]):
    """Taken, given back, closed; every write in the audit log, every tick in the record log, no secret in either."""
    said = io.StringIO()
    assert run_site(Run(site, FAST, 120), Console(file=said, width=200), opening) == 0
    cabinet, logs = opened[0], site.parent / "logs"
    assert cabinet.sets[-1][1] == "release" and not cabinet.ours and cabinet.closed
    assert verify(logs / "audit").broken == ""
    assert len([row for row in entries(logs / "audit") if row["kind"] == "set"]) == len(cabinet.sets) > 10
    log = LogReader(next((logs / "records").iterdir()))
    assert len([row for row in log if isinstance(row, Tick)]) >= 115
    assert (site.parent / "usual.npz").exists()
    assert "engaging to active: it is ours" in said.getvalue() and "fallback" in said.getvalue().splitlines()[-5]
    content = b"".join(file.read_bytes() for file in logs.rglob("*.jsonl"))
    assert b"hush-hush" not in content and "hush-hush" not in said.getvalue()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_gives_the_cabinet_back(site: Path, opening, opened: list[ClockedCabinet], number: int, status: int):
    """Within 2 s, and the exit status says so."""
    asked_s = []

    def ask() -> None:
        while not (opened and opened[0].ours):
            time.sleep(0.005)
        asked_s.append(time.monotonic())
        os.kill(os.getpid(), number)

    threading.Thread(target=ask, daemon=True).start()
    assert run_site(Run(site, FAST, 100_000), Console(file=io.StringIO()), opening) == status
    assert time.monotonic() - asked_s[0] < 2.0
    assert opened[0].sets[-1][1] == "release" and opened[0].closed


def test_whatever_ends_it_the_cabinet_is_given_back(
    site: Path, opening, opened: list[ClockedCabinet], monkeypatch: pytest.MonkeyPatch
):
    """A fault of ours in the middle of a tick too."""

    def broken(*_: object) -> None:
        if opened[0].ours and len(opened[0].sets) > 5:
            raise ZeroDivisionError

    monkeypatch.setattr("field.run.Tally.update", broken)
    with pytest.raises(ZeroDivisionError):
        run_site(Run(site, FAST, 1000), Console(file=io.StringIO()), opening)
    assert opened[0].sets[-1][1] == "release" and opened[0].closed


def test_a_run_has_its_page_as_long_as_it_lasts(site: Path, opening):
    """From before its cabinet answers; a browser that still looks does not hold up the end."""
    site.write_text(site.read_text().replace("[cabinet]", "page = { port = 0 }\n[cabinet]", 1))
    said, looking = io.StringIO(), []

    def open_cabinet(*arguments: object) -> ClockedCabinet:
        address = re.search(r"page: (http://\S+)", said.getvalue())
        assert address
        with urllib.request.urlopen(f"{address[1]}sites.json", timeout=10) as answer:
            assert json.load(answer)[0]["state"] == "boot"
        looking.append(urllib.request.urlopen(f"{address[1]}sites/crossing/events", timeout=10))
        return opening(*arguments)

    assert run_site(Run(site, FAST, 60), Console(file=said, width=200), open_cabinet) == 0
    with looking[0] as events:
        heard = events.read().decode()
    assert '"state":"active"' in heard and heard.count("event: frame") > 3
    with pytest.raises(OSError):
        urllib.request.urlopen(looking[0].url, timeout=10)


def test_a_cabinet_that_is_away_is_waited_for(site: Path, opening, monkeypatch: pytest.MonkeyPatch):
    """Told once, asked again."""
    monkeypatch.setattr("field.run.CONNECT_AGAIN_S", 0.001)
    asked = []

    def away(*arguments: object) -> ClockedCabinet:
        asked.append(arguments)
        if len(asked) < 4:
            raise PlantError("127.0.0.1:161: no answer")
        return opening(*arguments)

    said = io.StringIO()
    assert run_site(Run(site, FAST, 5), Console(file=said, width=200), away) == 0
    assert said.getvalue().count("boot: 127.0.0.1:161: no answer") == 1 and len(asked) == 4


def test_an_acknowledgement_is_a_command(site: Path):
    (site.parent / "logs").mkdir()
    LockoutFile(site.parent / "logs").lock("MMU flash", "now")
    said = io.StringIO()
    assert acknowledge(site, "Ines", Console(file=said)) == 0
    assert said.getvalue() == "crossing: acknowledged by Ines: MMU flash\n"


def test_a_feed_can_be_named_in_the_command():
    assert read_feed("mqtt:broker:1883:loops/a:b") == MqttFeed(kind="mqtt", host="broker", port=1883, topic="loops/a:b")
    assert read_feed("replay:day.jsonl") == ReplayFeed(kind="replay", file=Path("day.jsonl"))
    for text in ("", "mqtt", "mqtt:broker", "mqtt:broker:x:topic", "replay:", "carrier-pigeon:coop"):
        with pytest.raises(ConfigError, match="must be mqtt:HOST:PORT:TOPIC or replay:FILE"):
            read_feed(text)


def test_the_street_needs_no_learning_library():
    """Neither torch nor what trains with it is loaded by anything that runs a site."""
    code = """
import sys, control, field.run, field.mqtt.client, field.mqtt.neighbours
print([name for name in ("torch", "stable_baselines3", "sb3_contrib", "gymnasium", "models") if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert said.stdout == "[]\n", said.stderr


def test_a_site_file_that_is_edited_meanwhile_changes_nothing(site: Path, opening, opened: list[ClockedCabinet]):
    """It is read once: neither a higher level nor what is no TOML any more reaches a process that runs."""
    before = site.read_text()

    def edited(*more: object) -> ClockedCabinet:
        cabinet = opening(*more)
        site.write_text(before.replace('"pattern"', '"hold"', 1) + "\n[[[")
        return cabinet

    said = io.StringIO()
    assert run_site(Run(site, FAST, 60), Console(file=said, width=200), edited) == 0
    assert opened[0].level == Level.PATTERN and opened[0].sets[-1][1] == "release"
    assert "engaging to active: it is ours" in said.getvalue() and "level hold" not in said.getvalue()


@pytest.mark.parametrize("host", ["10.0.0.5", "cabinet.example.org", "0.0.0.0", "2001:db8::1"])
def test_a_real_street_is_not_hurried(site: Path, opening, opened: list[ClockedCabinet], host: str):
    """Only a virtual cabinet on this machine has a clock of its own."""
    site.write_text(site.read_text().replace('protocol = "ntcip"', f'protocol = "ntcip"\nhost = "{host}"'))
    with pytest.raises(ConfigError, match="speed = 10, must be 1: only a virtual cabinet on this machine goes faster"):
        run_site(Run(site, 10.0, 10), Console(file=io.StringIO()), opening)
    assert opened == []
