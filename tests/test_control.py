"""The field's door: what an operator types works, ends cleanly, and errs in one line."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from control import app
from field.audit import entries, verify
from signals.recording import LogReader
from tests.conftest import NeedsProgram
from tests.field.recorded import STREET, record, rows_of, write_rows

ROOT = Path(__file__).resolve().parent.parent
CONTROL = [sys.executable, str(ROOT / "control.py")]


def demo(log: Path, *more: str) -> list[str]:
    return [*CONTROL, "demo", "--scenario", STREET, "--log", str(log), *more]


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def wait_for_ticks(log: Path, ticks: int) -> None:
    """A run that is under way has its ticks on disk."""
    until_s = time.monotonic() + 60
    while not log.exists() or log.read_bytes().count(b"\n") <= ticks:
        assert time.monotonic() < until_s, "the demo does not begin"
        time.sleep(0.05)


def test_a_demo_plays_back_to_the_same_decisions(tmp_path: Path):
    """As typed, from another folder, in a pipe: plain lines, no control characters, exit status 0 for both."""
    log = tmp_path / "log.jsonl"
    shown = subprocess.run(
        demo(log, "--speed", "400", "--seconds", "60"), cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\x1b" not in shown.stdout and str(log) in shown.stdout and "page: http://127.0.0.1:" in shown.stdout
    code, said, complaint = run("replay", log)
    assert (code, complaint) == (0, "")
    assert re.search(r"(\d+) of \1 decisions and \1 of \1 commands are the same", said)


@pytest.mark.parametrize(
    ("number", "status", "words"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_signal_gives_the_street_back(tmp_path: Path, number: signal.Signals, status: int, words: str):
    """The log is whole, ends with every junction on its own plan, and plays back; the summary says within how long."""
    log = tmp_path / "log.jsonl"
    started = demo(log, "--speed", "40", "--seconds", "3000")
    with subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for_ticks(log, 30)
        process.send_signal(number)
        said, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (status, "")
    took = re.search(rf"{words}: every junction was back on its own plan within (\d+) s", said)
    assert took and int(took[1]) <= 60
    rows = rows_of(log)
    assert [row["why"] for row in rows if "event" in row] == [words]
    assert rows[-1]["local"] == [0, 1, 2]
    assert run("replay", log)[0] == 0
    assert not LogReader(log).cut


def test_a_demo_without_a_word_goes_over_the_wire(tmp_path: Path, needs_program: NeedsProgram):
    """Cabinet, SNMP, hold, release: nothing to configure, and what was decided plays back."""
    needs_program("snmpd", package="snmpd")
    logs = tmp_path / "logs"
    code, said, complaint = run("demo", "--seconds", 12, "--speed", 2, "--log", logs)
    assert (code, complaint) == (0, "")
    for words in (
        "SNMP on 127.0.0.1:",
        "page: http://127.0.0.1:",
        "engaging to active: it is ours",
        "releasing to fallback: planned",
    ):
        assert words in said
    assert verify(logs / "audit").broken == ""
    assert {row["name"] for row in entries(logs / "audit") if row["kind"] == "set"} >= {"systemPatternControl"}
    code, said, _ = run("replay", next((logs / "records").iterdir()))
    assert code == 0, said
    assert run("demo", "--log", logs)[0] == 2


def test_a_demo_without_snmpd_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In one line, with the package to install."""
    monkeypatch.setattr("field.virtual.agent.shutil.which", lambda *_, **__: None)
    code, said, complaint = run("demo", "--seconds", 5, "--speed", 400, "--log", tmp_path / "log.jsonl")
    assert (code, complaint) == (0, "")
    first = said.splitlines()[0]
    assert first.startswith("snmpd is missing: install Debian package snmpd") and "SUMO is driven directly" in first
    assert "every junction was back on its own plan" in said


def test_in_a_terminal_the_picture_is_live(tmp_path: Path):
    """Stages, loops and reasons are drawn in place, and the summary stays below."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    started = demo(tmp_path / "log.jsonl", "--speed", "60", "--seconds", "60")
    with subprocess.Popen(started, stdout=theirs, stderr=theirs, stdin=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # the other end is closed
            os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert process.returncode == 0
    assert text.count(f"{STREET} · max-pressure · active") > 2
    assert "■" in text and "veh" in text and "granted" in text
    assert "every junction was back on its own plan" in text.split("released")[-1]


def test_a_tampered_log_fails(tmp_path: Path):
    """Exit status 1, and the first difference with its line and time."""
    log = tmp_path / "log.jsonl"
    record(log, "actuated", seconds=30)
    rows = rows_of(log)
    rows[20]["decision"]["why"][2] = "because"
    code, said, _ = run("replay", write_rows(log, rows))
    assert code == 1
    assert f"first difference: line 21, {rows[20]['time_s']:g} s, junction GS_cluster" in said
    assert re.search(r"(\d+) of (?!\1)(\d+) decisions and \2 of \2 commands are the same", said)


def test_a_cut_log_is_played_and_told(tmp_path: Path):
    """What a crash left is compared; exit status 0 if it is the same."""
    log = tmp_path / "log.jsonl"
    record(log, "actuated", seconds=30)
    log.write_bytes(log.read_bytes()[:-20])
    code, said, _ = run("replay", log)
    assert code == 0
    assert "the last line is cut, as a crash leaves it, and was left out" in said


def test_another_controller_can_be_asked(tmp_path: Path):
    """What it would have decided on the same readings; it is told where it differs."""
    log = tmp_path / "log.jsonl"
    record(log, "max-pressure", seconds=60)
    code, said, _ = run("replay", log, "--controller", "actuated")
    assert code == 1
    assert "first difference: line " in said
    assert run("replay", log, "--controller", "max-pressure")[0] == 0


def test_a_replay_can_be_watched(tmp_path: Path):
    """At a speed, as the demo was."""
    log = tmp_path / "log.jsonl"
    record(log, "actuated", seconds=30)
    code, said, _ = run("replay", log, "--speed", "200")
    assert code == 0
    assert "replay   queued" in said and "are the same" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--controller", "max-presure"], "controller max-presure: unknown, nearest are max-pressure"),
        (["demo", "--controller", "actuated:no.toml"], "controller actuated: no.toml: no such file"),
        (["demo", "--scenario", "resco:cologne9"], "scenario 'resco:cologne9' is unknown; nearest: resco:cologne"),
        (["demo", "--speed", "0"], "speed = 0, must be 0.05 to 1000"),
        (["demo", "--seconds", "0"], "seconds = 0, must be above 0"),
        (["demo", "--seconds", "nan"], "seconds = nan, must be above 0"),
        (["demo", "--scenario", STREET, "--log", "/dev/null/log"], "/dev/null/log: cannot be written: "),
        (["demo", "--scenario", STREET, "--log", "/dev/full"], "/dev/full: is there already"),
        (["run", "nothing.toml"], "nothing.toml: cannot be read: No such file or directory"),
        (["run", "docs/sites/single.toml", "--speed", "0"], "speed = 0, must be 0.05 to 1000"),
        (["run", "docs/sites/single.toml", "--seconds", "0"], "seconds = 0, must be above 0"),
        (["run", "docs/sites/single.toml", "--feed", "x"], "feed = x, must be mqtt:HOST:PORT:TOPIC or replay:FILE"),
        (["report"], "report: must have a LOG, or --before LOG and --after LOG"),
        (["report", "nothing"], "nothing: has no record log"),
        (["verify", "docs/sites"], "docs/sites: has no audit log, must have audit-DATE.jsonl"),
        (
            ["acknowledge", "docs/sites/single.toml", "--who", "Ines"],
            "lockout.json: is not there: nothing is locked out",
        ),
        (["replay", "nothing.jsonl"], "nothing.jsonl: cannot be read: No such file or directory"),
        (["replay", "/"], "/: cannot be read: Is a directory"),
        (["replay", __file__], "test_control.py: line 1: is not JSON"),
    ],
)
def test_an_error_is_one_line(words: list[str], said: str):
    """Exit status 2, the thing, the value and the bound, and no traceback."""
    code, _, complaint = run(*words)
    assert code == 2
    assert complaint.startswith("error: ") and said in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("words", [["--help"], ["demo", "--help"], ["replay", "--help"]])
def test_help_says_what_there_is(words: list[str]):
    """Every command and option, with a sentence."""
    code, said, _ = run(*words)
    assert code == 0
    assert "Ctrl-C gives the street back" in " ".join(said.split()) or "log" in said
