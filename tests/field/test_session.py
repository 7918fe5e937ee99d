"""What a session promises: the street is given back, and whoever watches is told how it went."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from field.clock import WallClock
from field.demo import Demo, run_demo
from field.session import RELEASE_WITHIN_S, Session
from field.street import VirtualStreet
from field.view import View
from signals.controllers import build
from signals.errors import ConfigError, PlantError
from signals.recording import Header, LoggedController, LogWriter
from signals.values import Command
from simulation.plant import SumoPlant
from tests.field.recorded import FAST, STREET, record, rows_of


def session_on(street: VirtualStreet, log: io.StringIO) -> Session:
    clock = WallClock(street.seconds(1.0), FAST)
    header = Header(
        started="2026-01-01T00:00:00",
        street=STREET,
        controller=LoggedController(name="max-pressure", digest=""),
        versions={},
        plans=street.plans,
        intersections=street.layout.intersections,
    )
    view = View(Console(file=io.StringIO()), street.layout, STREET, "max-pressure", clock)
    controller = build("max-pressure", street.layout, street.plans)
    return Session(street.layout, street.plant, controller, clock, LogWriter(log, header), view)


def test_the_street_is_given_back():
    """Every junction is on its own plan afterwards, stays there, and the seconds that it took are told."""
    with VirtualStreet(STREET) as street:
        begin_s = street.time_s
        session = session_on(street, io.StringIO())
        session.run(lambda now_s: now_s >= begin_s + 60)
        assert not street.plant.read().local.all()
        before_s = street.time_s
        took_s = session.give_back("test")
        assert 0 < took_s == street.time_s - before_s <= 30
        seconds = street.seconds(1.0)
        for _ in range(100):
            next(seconds)
            assert street.plant.read().local.all()


def test_a_street_that_does_not_return_is_told(monkeypatch: pytest.MonkeyPatch):
    """Nobody waits for ever, or believes that it was given back."""
    with VirtualStreet(STREET) as street:
        begin_s = street.time_s
        session = session_on(street, io.StringIO())
        session.run(lambda now_s: now_s >= begin_s + 20)
        monkeypatch.setattr(street.plant, "apply", lambda _: None)
        monkeypatch.setattr(street.plant, "_expires_s", float("inf"))
        with pytest.raises(PlantError, match=f"not every junction is on its own plan after {RELEASE_WITHIN_S:g} s"):
            session.give_back("test")


def test_a_log_that_cannot_be_written_gives_the_street_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk ends the demo in one line, and every junction was asked to return."""
    released: list[bool] = []
    monkeypatch.setattr("simulation.plant.SumoPlant.release", lambda _: released.append(True))
    written = 0

    def write(self: LogWriter, row: object) -> None:
        nonlocal written
        written += 1
        if written == 10:
            raise ConfigError("log.jsonl: cannot be written: No space left on device")

    monkeypatch.setattr(LogWriter, "_write", write)
    with pytest.raises(ConfigError, match="No space left on device"):
        run_demo(Demo(STREET, "max-pressure", FAST, 60, tmp_path / "log.jsonl"), Console(file=io.StringIO()))
    assert released == [True]


def test_it_ends_with_a_summary(tmp_path: Path):
    """Ticks, changes, refusals, lateness, the release, and where the log is; a line while it ran, too."""
    log = tmp_path / "new" / "log.jsonl"
    said = record(log, "max-pressure", seconds=60).splitlines()
    ticks = sum("stage" in row for row in rows_of(log))
    assert "active" in said[0] and "queued" in said[0]
    assert any(line.startswith(f"{ticks} ticks, ") and line.endswith(" changes of stage") for line in said)
    assert any(line.startswith("refused by the interlock: ") for line in said)
    assert any(line.startswith("late ticks: ") and "lateness p99" in line for line in said)
    assert any(line.startswith("end: every junction was back on its own plan within ") for line in said)
    assert said[-2:] == [f"log: {log}", f"again: control.py replay {log}"]


def test_a_demo_lasts_as_long_as_it_was_told(tmp_path: Path):
    """A tick a second, and then the release."""
    record(tmp_path / "log.jsonl", "existing", seconds=25)
    rows = rows_of(tmp_path / "log.jsonl")
    assert next(k for k, row in enumerate(rows) if row.get("event") == "release") == 26
    assert rows[26]["why"] == "end of the demo"


def test_the_warm_up_is_not_in_the_first_reading(tmp_path: Path):
    """The loop takes over a street with traffic; its first count is one second's."""
    record(tmp_path / "log.jsonl", "existing", seconds=3)
    first = rows_of(tmp_path / "log.jsonl")[1]
    assert first["time_s"] == 25_200 + 300
    assert sum(count for _, count in first["volume_veh"]) < 10


def test_a_log_is_never_written_over(tmp_path: Path):
    """It may be the only one."""
    log = tmp_path / "log.jsonl"
    log.write_text("precious", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"log\.jsonl: is there already, and a log is never written over"):
        record(log, "existing")
    assert log.read_text(encoding="utf-8") == "precious"


def test_commands_go_through_one_loop_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever reaches the plant is in the log, the release included."""
    applied: list[Command] = []
    original = SumoPlant.apply

    def apply(self: SumoPlant, command: Command) -> None:
        applied.append(command)
        original(self, command)

    monkeypatch.setattr(SumoPlant, "apply", apply)
    record(tmp_path / "log.jsonl", "max-pressure", seconds=30)
    commands = [row["command"] for row in rows_of(tmp_path / "log.jsonl") if "command" in row]
    assert [command.mode.tolist() for command in applied] == [command["mode"] for command in commands]
