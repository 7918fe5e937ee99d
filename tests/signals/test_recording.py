"""What a record log promises: it says what was, it survives a crash, and nothing in it is believed."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.layout import layout
from signals.recording import Event, LogReader, LogWriter, Tick
from signals.replay import logged_controller, replay
from signals.values import Command, Decision, Record, Snapshot
from tests.field.recorded import record, rows_of, write_rows

CONTROLLERS = ["existing", "fixed-time", "actuated", "max-pressure"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute and a half of three real junctions under `actuated`, and the release."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    record(path, "actuated")
    return path


def differences(path: Path) -> list[str]:
    log = LogReader(path)
    return [
        x for row in replay(log, logged_controller(log.header, log.layout)) for x in (*row.decisions, *row.commands)
    ]


def all_of(path: Path) -> list[Tick | Event]:
    return list(LogReader(path))


def equal(first: Any, second: Any) -> bool:
    return all(
        np.array_equal(a, b) and getattr(a, "dtype", None) == getattr(b, "dtype", None)
        for a, b in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_replay_decides_as_the_street_did(controller: str, tmp_path: Path):
    """Every decision, reason and command of a real run follows from the snapshots in its log."""
    path = tmp_path / "log.jsonl"
    record(path, controller)
    assert sum(isinstance(row, Tick) for row in LogReader(path)) >= 90
    assert differences(path) == []


def test_replay_uses_the_settings_that_the_log_holds(tmp_path: Path):
    """A settings file that is gone, or has another content by now, changes nothing."""
    file = tmp_path / "set.toml"
    file.write_text("passage_s = 1.5\nmaximum_green_s = 12\n", encoding="utf-8")
    path = tmp_path / "log.jsonl"
    record(path, f"actuated:{file}")
    file.unlink()
    assert differences(path) == []


class Random:
    """Readings, decisions and commands of a layout, unlike any that a street would show."""

    def __init__(self, log: Path, seed: int) -> None:
        self.header = LogReader(log).header
        self.layout = layout(self.header.intersections)
        self._dice = np.random.default_rng(seed)

    def record(self) -> Record:
        dice: Any = self._dice
        loops, (j, p) = len(self.layout.loops), self.layout.has_head.shape
        time_s = float(dice.uniform(0, 1e6))
        stages = self.layout.has_stage.sum(axis=1)
        snapshot = Snapshot(
            time_s,
            dice.integers(0, 3, loops).astype(float),
            np.where(dice.random(loops) < 0.5, dice.random(loops), 0.0),
            dice.random(loops) < 0.5,
            dice.random(loops) < 0.9,
            dice.integers(-1, stages),
            dice.integers(-1, 7, (j, p)).astype(np.int8),
            dice.random(j) < 0.5,
            dice.random((j, p)) < 0.5,
        )
        traffic = FlowEstimator(self.layout).update(snapshot)
        wording = ("plan, {number:.0f} s into the cycle", "braces {{}} and stage {stage}")
        mode = dice.integers(0, 3, j).astype(np.int8)
        decision = Decision(time_s, mode, dice.integers(-1, 9, j), dice.integers(0, 2, j), dice.random(j), wording)
        refusal, answers = dice.integers(0, 3, j), ("granted", "late", 'no "green"')
        command = Command(time_s, time_s + 10.0, mode, dice.integers(-1, 9, j), refusal, answers)
        return Record(snapshot, traffic, decision, command)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_what_is_read_is_what_was_written(log: Path, tmp_path_factory: pytest.TempPathFactory, seed: int):
    """Every number to the last bit, every reason to the letter, whatever the plant and the controller made of it."""
    path, street = tmp_path_factory.mktemp("random") / "log.jsonl", Random(log, seed)
    records = [street.record() for _ in range(3)]
    with path.open("w", encoding="utf-8") as stream:
        writer = LogWriter(stream, street.header)
        for written in records:
            writer.append(written)
    assert LogReader(path).header == street.header
    for written, read in zip(records, all_of(path), strict=True):
        assert isinstance(read, Tick)
        assert equal(written.snapshot, read.snapshot)
        for name in ("time_s", "mode", "stage"):
            assert np.array_equal(getattr(written.decision, name), getattr(read.decision, name))
            assert np.array_equal(getattr(written.command, name), getattr(read.command, name))
        assert written.command.expires_s == read.command.expires_s
        for row in range(len(written.snapshot.stage)):
            assert written.decision.reason(row) == read.decision.reason(row)
            assert written.command.reason(row) == read.command.reason(row)
            assert written.command.granted(row) == read.command.granted(row)


def test_a_crash_loses_the_last_line_at_most(log: Path, tmp_path: Path):
    """Each tick is on disk when `append` returns."""
    path, street = tmp_path / "log.jsonl", Random(log, 1)
    with path.open("w", encoding="utf-8") as stream:
        writer = LogWriter(stream, street.header)
        for count in range(3):
            assert len(all_of(path)) == count
            writer.append(street.record())


@pytest.mark.parametrize("kept", [1, 40, 0.5, -2, -1])
def test_a_cut_last_line_is_left_out_and_told(log: Path, tmp_path: Path, kept: float):
    """A line that a crash has torn anywhere costs that line, and the reader says so."""
    content = log.read_bytes()
    begin = content.rindex(b"\n", 0, -1) + 1
    length = len(content) - begin
    end = begin + (int(kept * length) if isinstance(kept, float) else kept if kept > 0 else length + kept)
    path = tmp_path / "cut.jsonl"
    path.write_bytes(content[:end])
    whole, cut = LogReader(log), LogReader(path)
    assert len(list(cut)) == len(list(whole)) - (0 if kept == -1 else 1)
    assert (whole.cut, cut.cut) == (False, kept != -1)


def test_a_changed_decision_is_noticed_with_its_tick(log: Path, tmp_path: Path):
    """Whoever edits a decision is told the line, the time and the junction, and what replay says."""
    rows = rows_of(log)
    rows[40]["decision"]["stage"][1] += 1
    found = differences(write_rows(tmp_path / "log.jsonl", rows))
    assert len(found) == 1
    intersection = rows[0]["intersections"][1]["id"]
    assert f"line 41, {rows[40]['time_s']:g} s, junction {intersection}: decision was " in found[0]


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [("decision", "why", "rest"), ("decision", "mode", 2), ("command", "mode", 2), ("command", "stage", 7)],
)
def test_no_part_of_a_decision_or_command_can_be_changed_unnoticed(
    log: Path, tmp_path: Path, part: str, key: str, value: Any
):
    """Mode, stage and reason of the decision, mode and stage of the command."""
    rows = rows_of(log)
    rows[40][part][key][0] = value
    assert any(f"{part} was" in x for x in differences(write_rows(tmp_path / "log.jsonl", rows)))


def test_a_changed_answer_of_the_interlock_is_noticed(log: Path, tmp_path: Path):
    """A refusal that was not, and a life that was longer."""
    for change in ({"refused": [[0, "late"]]}, {"expires_s": 1e9}):
        rows = rows_of(log)
        rows[40]["command"] |= change
        assert any("command was" in x for x in differences(write_rows(tmp_path / "log.jsonl", rows)))


def test_who_decides_after_a_release_is_in_the_log(log: Path, tmp_path: Path):
    """Without the event, replay asks the controller and differs."""
    rows = rows_of(log)
    release = next(k for k, row in enumerate(rows) if row.get("event") == "release")
    assert all("left to its own plan" in row["decision"]["why"] for row in rows[release + 1 :])
    assert differences(write_rows(tmp_path / "log.jsonl", rows[:release] + rows[release + 1 :]))


def change(*keys: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def work(row: dict[str, Any]) -> None:
        for key in keys[:-1]:
            row = row[key]
        row[keys[-1]] = to

    return work


@pytest.mark.parametrize(
    ("work", "finding"),
    [
        (change("stage", to=[0]), "stage: 1 values, must be 3"),
        (change("stage", 0, to=7), "is not among the junctions' stages"),
        (change("stage", 0, to=-2), "is not among the junctions' stages"),
        (change("volume_veh", to=[[10**6, 1.0]]), "volume_veh: place 1000000, must be below"),
        (change("volume_veh", to=[[-1, 1.0]]), "volume_veh.0.0: Input should be greater than or equal to 0"),
        (change("occupancy", to=[[0, 1e300]]), "occupancy.0.1: Input should be less than or equal to"),
        (change("occupancy", to=[[0, float("nan")]]), "occupancy.0.1: Input should be"),
        (change("presence", to=[10**9]), "presence: place 1000000000, must be below"),
        (change("presence", to=["a"]), "presence.0: Input should be a valid integer"),
        (change("local", to=[3]), "local: place 3, must be below 3"),
        (change("calls", to=[10**5]), "calls: place 100000, must be below"),
        (change("aspects", to=[[0, [5]]]), "aspects: 1 values, must be"),
        (change("aspects", to=[[9, [5]]]), "aspects: place 9, must be below 3"),
        (change("aspects", to=[[0, [99]]]), "aspects.0.1.0: Input should be less than or equal to 6"),
        (change("time_s", to=10**400), "time_s: Input should be"),
        (change("time_s", to=None), "time_s: Input should be a valid number"),
        (change("decision", "mode", to=[1, 1]), "decision.mode: 2 values, must be 3"),
        (change("decision", "mode", 0, to=1000), "decision.mode.0: Input should be less than or equal to 127"),
        (change("decision", "why", to=[]), "decision.why: 0 values, must be 3"),
        (change("decision", "why", 0, to="\x1b[2J"), "has characters that cannot be printed"),
        (change("decision", "why", 0, to="x" * 501), "String should have at most 500 characters"),
        (change("decision", to=[]), "decision: Input should be"),
        (change("command", "refused", to=[[5, "late"]]), "command.refused: place 5, must be below 3"),
        (change("surprise", to=1), "surprise: Extra inputs are not permitted"),
        (change("event", to="explode"), "event: Input should be 'release'"),
    ],
)
def test_a_line_that_does_not_fit_the_header_is_refused(
    log: Path, tmp_path: Path, work: Callable[[dict[str, Any]], None], finding: str
):
    """Sizes, ranges and kinds are checked before anything is made of them; the error names file and line."""
    rows = rows_of(log)
    work(rows[10])
    path = write_rows(tmp_path / "log.jsonl", rows)
    with pytest.raises(ConfigError) as error:
        all_of(path)
    said = str(error.value)
    assert said.startswith(f"{path}: line 11: ") and finding in said
    assert "\n" not in said and said.isprintable() and len(said) < 500


@pytest.mark.parametrize("junk", ["junk", "[]", "3", '{"time_s": ', "[" * 100_000, "\xff\xfe", "9" * 5000])
def test_a_broken_line_that_is_not_the_last_is_refused(log: Path, tmp_path: Path, junk: str):
    """A log is torn at its end only; anything else was done to it."""
    lines = log.read_text(encoding="utf-8").splitlines()
    lines[10] = junk
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="latin-1")
    with pytest.raises(ConfigError, match=r"log\.jsonl: line 11: is no"):
        all_of(path)


@pytest.mark.parametrize(
    ("work", "finding"),
    [
        (change("version", to=2), "line 1: version = 2, must be 1"),
        (change("format", to="diary"), "line 1: is no header of a record log"),
        (change("intersections", to={}), "intersections: Input should be a valid tuple"),
        (change("intersections", 0, "stages", 0, "phases", to=[99]), "unknown phase 99"),
        (change("intersections", 0, "id", to="\x1b]0;owned\x07"), "characters that cannot be printed"),
        (change("controller", "name", to="../../policy"), "controller.name: String should match pattern"),
        (change("controller", to=None), "controller: Input should be"),
        (change("plans", to={}), "plans.plan: Field required"),
        (change("surprise", to=1), "surprise: Extra inputs are not permitted"),
    ],
)
def test_a_header_that_is_not_ours_is_refused(
    log: Path, tmp_path: Path, work: Callable[[dict[str, Any]], None], finding: str
):
    """In one line, before any row is read."""
    rows = rows_of(log)
    work(rows[0])
    with pytest.raises(ConfigError) as error:
        LogReader(write_rows(tmp_path / "log.jsonl", rows))
    assert finding in str(error.value) and str(error.value).isprintable()


def test_settings_that_were_changed_are_refused(log: Path, tmp_path: Path):
    """The digest tells that the settings in the log are not those that decided."""
    rows = rows_of(log)
    rows[0]["controller"]["settings"] = "passage_s = 9"
    read = LogReader(write_rows(tmp_path / "log.jsonl", rows))
    with pytest.raises(ConfigError, match=r"its settings \(by their digest\) are not those that decided"):
        logged_controller(read.header, read.layout)


def test_a_controller_whose_files_the_log_cannot_hold_is_asked_for(log: Path, tmp_path: Path):
    """A policy's folder is not in the log; whoever replays it says where it is."""
    rows = rows_of(log)
    rows[0]["controller"] |= {"name": "learned", "digest": "0"}
    read = LogReader(write_rows(tmp_path / "log.jsonl", rows))
    with pytest.raises(ConfigError, match="not in the log, name them: --controller NAME:FILE"):
        logged_controller(read.header, read.layout)


@pytest.mark.parametrize("content", ["", "{", '{"format": "adaptive-signals rec'])
def test_a_log_without_a_whole_header_is_refused(tmp_path: Path, content: str):
    """Nothing can be said of it."""
    path = tmp_path / "log.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="has no whole line, must begin with a header"):
        LogReader(path)


def test_a_header_cannot_ask_for_all_memory(log: Path, tmp_path: Path):
    """The arrays' size is known before they are made."""
    rows = rows_of(log)
    one = json.dumps(rows[0]["intersections"][0])
    rows[0]["intersections"] = [json.loads(one) | {"id": str(k)} for k in range(400)]
    stage = rows[0]["intersections"][0]["stages"][0]
    rows[0]["intersections"][0] |= {"interstages": [], "conflicts": []}
    rows[0]["intersections"][0]["stages"] = [stage | {"name": str(k)} for k in range(200)]
    with pytest.raises(ConfigError, match="junctions x stages x heads, must be at most"):
        LogReader(write_rows(tmp_path / "log.jsonl", rows))


def test_a_full_disk_is_told_in_one_line(log: Path):
    """Whoever drives the loop can then give the street back."""
    header = LogReader(log).header
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115
    with pytest.raises(ConfigError, match="/dev/full: cannot be written: No space left on device"):
        LogWriter(full, header)
    with suppress(OSError):
        full.close()
