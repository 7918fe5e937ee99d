"""What a site promises, tick by tick: it takes a cabinet only where it may, and whatever happens gives it back."""

import json
from pathlib import Path

import numpy as np
import pytest

from field.audit import entries, verify
from field.cabinet import Commander, Finding, Level
from field.supervisor import LOOK_AGAIN_S
from signals.controllers import build
from signals.plans import PlanFile
from signals.recording import Event, LogReader, Tick
from signals.replay import replay
from signals.values import Decision, TrafficState
from tests.field.fake_cabinet import BACKUP_S, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def states(bench: Bench) -> list[str]:
    return [row["state"] for row in entries(bench.folder / "audit") if row["kind"] == "transition"]


def reasons(bench: Bench) -> list[str]:
    return [row["reason"] for row in entries(bench.folder / "audit") if row["kind"] == "transition"]


def test_it_watches_first_and_then_takes_the_cabinet(bench: Bench):
    """Preflight, shadow, engaging, active; stages then change as the controller wishes."""
    bench.run(10)
    assert states(bench) == ["preflight", "shadow", "engaging", "active"]
    bench.run(60)
    assert bench.state == "active" and not bench.cabinet.local


def test_level_shadow_never_writes(tmp_path: Path):
    """However long it watches, whatever it would decide."""
    bench = Bench(tmp_path, Level.SHADOW).run(300)
    assert bench.state == "shadow" and bench.cabinet.sets == [] and bench.cabinet.local


def test_in_shadow_it_follows_what_is_read_back(tmp_path: Path):
    """A wish that goes nowhere is not awaited: nearly every later wish is judged by what is shown."""
    bench = Bench(tmp_path, Level.SHADOW).run(200)
    log = LogReader(next((bench.folder / "records").iterdir()))
    ticks = [row for row in log if isinstance(row, Tick)]
    assert len(ticks) > 190
    assert not any(tick.command.reason(0) == "what was granted is awaited" for tick in ticks)
    asked = [tick.decision.stage[0] for tick in ticks]
    assert len(set(asked)) > 1


@pytest.mark.parametrize("level", [Level.SHADOW, Level.HOLD])
def test_its_log_replays_to_the_same_decisions(tmp_path: Path, level: Level):
    """States included: what was not passed on is not awaited in the replay either."""
    bench = Bench(tmp_path, level).run(60)
    bench.cabinet.hands_off = "preempt 1"
    bench.run(30)
    bench.cabinet.hands_off = ""
    bench.run(100)
    log = LogReader(next((bench.folder / "records").iterdir()))
    rows = list(replay(log, build("max-pressure", log.layout, log.header.plans)))
    assert len(rows) == 190
    assert [difference for row in rows for difference in (*row.decisions, *row.commands)] == []


def test_a_preflight_that_refuses_keeps_it_in_shadow(bench: Bench):
    """And says which line; it looks again a quarter of an hour later."""
    bench.cabinet.findings = (
        Finding("unitBackupTime", "0", "1 to 30 s", True),
        Finding("maxPhases", "8", "16", False),
    )
    bench.run(120)
    assert bench.state == "shadow" and bench.cabinet.sets == []
    assert "unitBackupTime = 0, must be 1 to 30 s" in bench.supervisor.words
    bench.cabinet.findings = ()
    bench.run(900)
    assert bench.state == "active"


def test_a_cabinet_that_does_not_answer_is_waited_for(bench: Bench):
    """In preflight; as soon as it answers the watch begins."""
    bench.cabinet.silent = "no answer"
    bench.run(60)
    assert bench.state == "preflight" and bench.supervisor.alarms == ["no answer"]
    bench.cabinet.silent = ""
    bench.run(20)
    assert bench.state == "active" and bench.supervisor.alarms == []


def test_a_preemption_is_left_alone_until_a_cycle_after_it(bench: Bench):
    """Released in the same tick, nothing written meanwhile, and no failure counted."""
    bench.run(30)
    bench.cabinet.hands_off = "preempt 1"
    bench.run(1)
    assert (bench.state == "shadow" and bench.cabinet.local) or bench.set_since(bench.cabinet.time_s - 1) == ["release"]
    released_s = bench.cabinet.time_s
    bench.run(40)
    bench.cabinet.hands_off = ""
    bench.run(55)
    assert bench.set_since(released_s) == []
    bench.run(20)
    assert bench.state == "active"


@pytest.mark.parametrize("times", [5])
def test_preemptions_never_lock_it_out(bench: Bench, times: int):
    for _ in range(times):
        bench.run(70)
        bench.cabinet.hands_off = "preempt 1"
        bench.run(2)
        bench.cabinet.hands_off = ""
    assert "lockout" not in states(bench)


def test_a_conflict_locks_it_out_until_somebody_has_been_there(bench: Bench):
    """Across a restart too; the acknowledgement is written down with its name."""
    bench.run(30)
    bench.cabinet.lockout = "MMU flash"
    bench.run(1)
    assert bench.state == "lockout" and not bench.cabinet.ours
    bench.cabinet.lockout = ""
    since_s = bench.cabinet.time_s
    bench.run(100)
    bench.start()
    bench.run(100)
    assert bench.state == "lockout" and bench.set_since(since_s) == []
    bench.lockout.acknowledge("Ines", "2026-01-01")
    bench.run(30)
    assert bench.state == "active" and "by Ines" in reasons(bench)
    assert not bench.lockout.reason


def test_a_lockout_file_that_is_deleted_is_no_acknowledgement(bench: Bench):
    bench.run(30)
    bench.cabinet.lockout = "stop time"
    bench.run(1)
    (bench.folder / "lockout.json").unlink()
    bench.cabinet.lockout = ""
    bench.run(5)
    assert bench.state == "lockout" and bench.lockout.reason == "stop time"


def test_an_operator_can_have_it_back(bench: Bench):
    """At once, and until somebody acknowledges."""
    bench.run(30)
    bench.supervisor.release_now("Ines")
    bench.run(1)
    assert bench.state == "lockout" and bench.cabinet.sets[-1][1] == "release"
    bench.run(100)
    assert bench.state == "lockout"


def test_three_faults_in_an_hour_lock_it_out(bench: Bench):
    """30 s, then 60 s of silence, then nobody tries any more."""
    waits = []
    for _ in range(3):
        while bench.state != "active":
            bench.run(1)
        bench.cabinet.rebooted = True
        bench.run(1)
        bench.cabinet.rebooted = False
        released_s = bench.cabinet.time_s
        while bench.state == "fallback":
            bench.run(1)
        waits.append(bench.cabinet.time_s - released_s)
    assert waits == [30.0, 60.0, 0.0] and bench.state == "lockout"
    assert "3 releases in 60 min" in bench.lockout.reason


def test_a_preflight_by_a_slow_line_comes_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One that takes longer than what lies between two is not begun anew before anybody has heard its answer."""
    bench, looks = Bench(tmp_path), list[float]()
    look_over = bench.cabinet.preflight

    def slowly() -> tuple[Finding, ...]:
        looks.append(bench.cabinet.time_s)
        bench.cabinet.wait(2 * LOOK_AGAIN_S)
        return look_over()

    monkeypatch.setattr(bench.cabinet, "preflight", slowly)
    assert bench.run(30).state == "active"
    assert len(looks) == 1


@pytest.mark.parametrize(("level", "silent_s"), [(Level.HOLD, 2), (Level.CALLS, 5), (Level.PATTERN, 60)])
def test_a_stale_status_is_not_acted_on(tmp_path: Path, level: Level, silent_s: int):
    """A second or two of lost answers is not yet a reason; how long depends on what we hold."""
    bench = Bench(tmp_path, level).run(30)
    bench.cabinet.backup_s = 600.0
    bench.cabinet.silent = "no answer"
    bench.run(silent_s)
    assert bench.state == "active"
    bench.run(1)
    assert bench.state == "fallback"


def test_in_fast_motion_a_line_is_judged_by_the_wall(tmp_path: Path):
    """An answer takes as long as ever; at ten times the wall clock one that is lost is no reason, two seconds are."""
    bench = Bench(tmp_path, speed=10.0).run(30)
    bench.cabinet.backup_s = 600.0
    bench.cabinet.silent = "no answer"
    assert bench.run(20).state == "active"
    assert bench.run(1).state == "fallback"


def test_in_fast_motion_too_the_backup_time_is_the_streets(tmp_path: Path):
    """The cabinet's own timer goes by the street, and so does our account of it."""
    bench = Bench(tmp_path, speed=10.0).run(30)
    bench.cabinet.silent = bench.cabinet.deaf = "no answer"
    bench.run(int(bench.cabinet.backup_s) + 5)
    assert bench.state == "fallback"
    assert bench.cabinet.local


def test_the_heartbeat_leaves_room_for_two_losses(bench: Bench):
    """Every third of the backup time at least, and 5 s at most."""
    bench.run(120)
    beats = [at_s for at_s, name in bench.cabinet.sets if name == "renew"]
    assert len(beats) > 15 and max(np.diff(beats)) <= BACKUP_S / 3
    assert bench.cabinet.ours


def test_writes_that_are_not_acknowledged_end_it(bench: Bench):
    """The readings go on, but nothing is acknowledged: at the latest when the cabinet gives itself back, we do too."""
    bench.run(30)
    bench.cabinet.deaf = "no acknowledgement"
    bench.run(int(BACKUP_S) + 2)
    assert bench.state == "fallback" and bench.cabinet.local


def test_a_cabinet_that_is_not_ours_after_five_seconds_is_left(bench: Bench):
    bench.cabinet.takes = False
    bench.run(20)
    assert "not engaged within 5 s" in reasons(bench)
    assert bench.state == "fallback"


@pytest.mark.parametrize("who", [Commander.BACKUP, Commander.OTHER, Commander.LOCAL])
def test_a_cabinet_that_somebody_else_has_is_left(bench: Bench, who: Commander):
    bench.run(30)
    bench.cabinet.commander = who
    bench.run(1)
    assert bench.state in ("fallback", "shadow") and not bench.cabinet.ours


def test_outside_the_hours_it_watches(bench: Bench):
    """The end of the hours is no failure; at their beginning it takes the cabinet again."""
    bench.run(30)
    bench.open = False
    bench.run(600)
    assert bench.state == "shadow" and bench.cabinet.local
    bench.open = True
    bench.run(15)
    assert bench.state == "active"


def test_blind_it_lets_go(bench: Bench):
    """Loops that the cabinet disowns are not believed; with more than half of them gone nobody can steer."""
    bench.run(30)
    bench.cabinet.healthy = False
    bench.run(10)
    assert "fallback" in states(bench)
    assert any("critical loops are not believed" in reason for reason in reasons(bench))


def test_a_process_that_stood_still_lets_go(bench: Bench):
    """SIGSTOP for longer than the backup time: the cabinet is its own again, and nothing old is written."""
    bench.run(30)
    bench.cabinet.wait(30)
    assert bench.cabinet.local or not bench.cabinet.ours
    since_s = bench.cabinet.time_s
    bench.run(1)
    assert bench.set_since(since_s) == ["release"] and bench.state == "fallback"


def test_a_stop_gives_it_back_without_reading_first(bench: Bench):
    bench.run(30)
    bench.cabinet.silent = "no answer"
    bench.supervisor.stop("SIGTERM")
    assert bench.cabinet.sets[-1][1] == "release" and not bench.cabinet.ours
    assert bench.state == "fallback"
    assert [row["kind"] for row in entries(bench.folder / "audit")][-1] == "stop"


def test_a_restart_resumes_in_shadow(bench: Bench):
    """Killed while active: the new process watches before it takes anything."""
    bench.run(30)
    bench.start()
    bench.run(2)
    assert bench.state == "shadow"


def test_a_full_disk_gives_the_cabinet_back_and_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """The release is written all the same, and down on the disk once there is room."""
    bench.run(30)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("field.audit.os.write", full)
        bench.run(8)
        assert bench.state == "fallback" and bench.cabinet.sets[-1][1] == "release"
        assert "No space left on device" in bench.supervisor.alarms[0]
    bench.run(1)
    assert verify(bench.folder / "audit").broken == ""
    assert states(bench)[-2:] == ["releasing", "fallback"]
    bench.run(60)
    assert bench.state == "active"


def test_every_write_is_accounted_for(bench: Bench):
    """With what was there before, what came of it, by whom and why."""
    bench.run(60)
    bench.supervisor.stop("test")
    sets = [row for row in entries(bench.folder / "audit") if row["kind"] == "set"]
    assert [row["name"] for row in sets] == [name for _, name in bench.cabinet.sets]
    assert all(row["by"] == "max-pressure test" and row["confirmed"] and row["why"] for row in sets)


class Broken:
    """A policy of no number."""

    def decide(self, traffic: TrafficState) -> Decision:
        return Decision(
            traffic.time_s,
            np.ones(1, np.int8),
            np.zeros(1, np.int64),
            np.zeros(1, np.int64),
            np.full(1, np.nan),
            ("?",),
        )


def test_a_broken_policy_is_replaced_and_the_log_says_so(tmp_path: Path):
    bench = Bench(tmp_path, controller=Broken()).run(30)
    assert bench.state == "active"
    row = json.loads(next((bench.folder / "records").iterdir()).read_text().splitlines()[-1])
    assert row["decision"]["why"][0].startswith("rules only (is no number): ")


def test_events_of_the_record_log_say_what_is_in_force(bench: Bench):
    bench.run(20)
    events = [row for row in LogReader(next((bench.folder / "records").iterdir())) if isinstance(row, Event)]
    assert [(e.state, e.in_force) for e in events][-2:] == [("engaging", True), ("active", True)]


class Starved:
    """A policy on a machine that has no time for it: `seconds` of the street pass before it answers."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.seconds = bench, 0
        layout = bench.cabinet.layout
        self._rule = build("max-pressure", layout, PlanFile(plan=()))

    def decide(self, traffic: TrafficState) -> Decision:
        self.bench.cabinet.wait(self.seconds)
        return self._rule.decide(traffic)


@pytest.mark.parametrize(("seconds", "written"), [(1, True), (2, False)])
def test_a_decision_on_a_reading_that_has_become_old_is_not_written(bench: Bench, seconds: int, written: bool):
    """CPU starvation: the lamps may show anything by then; the site stays ours, and is asked again in the next tick."""
    bench.controller = starved = Starved(bench)
    bench.start()
    bench.run(20)
    assert bench.state == "active"
    starved.seconds, began_s = seconds, bench.cabinet.time_s
    bench.run(1)
    assert ("stage" in bench.set_since(began_s)) == written
    starved.seconds, began_s = 0, bench.cabinet.time_s
    bench.run(1)
    assert bench.state == "active" and "stage" in bench.set_since(began_s)
