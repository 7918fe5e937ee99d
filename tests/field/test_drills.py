"""Whatever becomes of us in whatever state, the cabinet goes on; `benchmarks/drills.py` does it to real processes."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.drills import Drills, summary
from benchmarks.one_drill import KINDS as STRUCK
from benchmarks.one_drill import STATES as DRILLED
from benchmarks.one_drill import Outcome
from benchmarks.wire_cut import SET, Wire, pdu
from field.audit import entries, verify
from field.causes import Limits
from field.virtual.checker import Breach
from tests.conftest import NeedsProgram
from tests.field.fake_cabinet import BACKUP_S, Bench

ROOT = Path(__file__).resolve().parents[2]
STATES = ("preflight", "shadow", "engaging", "active", "degraded", "fallback", "lockout")
KINDS = ("kill", "stop", "cut", "disk", "restart")
SEED_OF_ALL_KINDS = 5


def bring(bench: Bench, state: str) -> None:
    """Tick until it is there."""
    cabinet = bench.cabinet
    cabinet.silent = "no answer" if state == "preflight" else ""
    cabinet.takes = state != "engaging"
    for _ in range(40):
        if bench.state == state:
            return
        bench.run(1)
        if bench.state == "active":
            cabinet.broken_loops = int(state == "degraded")
            cabinet.rebooted = state == "fallback"
            cabinet.lockout = "MMU flash" if state == "lockout" else ""
    raise AssertionError(f"{state} was not reached")


def strike(bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it happen, and the street go on for a backup time and a little."""
    cabinet = bench.cabinet
    if kind == "cut":
        cabinet.silent = cabinet.deaf = "no answer"
        bench.run(int(BACKUP_S) + 4)
        cabinet.silent = cabinet.deaf = ""
    elif kind == "disk":
        with monkeypatch.context() as patch:
            patch.setattr("field.audit.os.write", no_space)
            bench.audit.append("noise")
            bench.run(3)
            cabinet.wait(int(BACKUP_S) + 1)
    else:
        cabinet.wait(int(BACKUP_S) + 1)


def no_space(*_: object) -> int:
    raise OSError(28, "No space left on device")


def test_the_cabinet_is_on_its_own_within_its_backup_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sixty times at random; what goes on afterwards begins by looking, and the audit log is whole."""
    chance, done = random.Random(0), Counter[tuple[str, str]]()
    for number in range(60):
        state, kind = STATES[number % len(STATES)], chance.choice(KINDS)
        bench = Bench(tmp_path / str(number), limits=Limits(cycle_s=60.0, watch_s=2.0))
        bring(bench, state)
        bench.run(chance.randrange(3) if state not in ("engaging", "fallback") else 0)
        strike(bench, kind, monkeypatch)
        assert bench.cabinet.local and not bench.cabinet.ours, (state, kind)
        done[state, kind] += 1
        assert verify(tmp_path / str(number) / "audit").broken == ""
        if kind == "disk":  # there is room again: it may go on
            continue
        since_s = bench.cabinet.time_s
        bench.cabinet.lockout, bench.cabinet.silent, bench.cabinet.rebooted = "", "", False
        if kind in ("kill", "restart"):
            bench.start()
        bench.run(1)
        assert set(bench.set_since(since_s)) <= {"release"}, (state, kind)
        assert bench.state in ("preflight", "shadow", "fallback", "lockout"), (state, kind)
        assert verify(tmp_path / str(number) / "audit").broken == ""
        assert (bench.state == "lockout") == (state == "lockout")
    assert len(done) > 20


def test_a_killed_process_loses_the_last_line_at_most(tmp_path: Path):
    """kill -9 in the middle of writing: every entry that it had said was written is there."""
    code = f"""
from pathlib import Path
from field.audit import AuditLog
log = AuditLog(Path({str(tmp_path)!r}))
log.append("start")
for number in range(10**6):
    log.append("set", value=number)
    print(number, flush=True)
"""
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(50)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
        process.wait()
        last = int([line for line in said if line.endswith("\n")][-1])
        verdict = verify(tmp_path)
        assert verdict.broken == "" and len(verdict.cut) <= 1
        assert [row.get("value") for row in entries(tmp_path)][-1] in (last, last + 1)


def test_twenty_drills_of_real_processes(needs_program: NeedsProgram):
    """At each state, over SNMP, judged by stock snmpget and the cabinet's own log; side by side, since they wait."""
    needs_program("snmpget", package="snmp")
    needs_program("snmpd", package="snmpd")
    drills = Drills(times=20, seed=SEED_OF_ALL_KINDS)
    drills.run(side_by_side=10, in_a_block=2)
    assert drills.failed == []
    assert [outcome.number for outcome in sorted(drills.outcomes, key=lambda o: o.number)] == list(range(20))
    assert {o.state for o in drills.outcomes} == set(DRILLED) and {o.kind for o in drills.outcomes} == set(STRUCK)
    assert max(outcome.local_s for outcome in drills.outcomes) > 2.0  # somebody was seen to be waited for


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Drills that are over at once; the numbers of those that were held."""
    held: list[int] = []

    class Ground:
        def __init__(self, *_: object) -> None:
            self._held = len(held)

        def run(self, number: int) -> Outcome:
            held.append(number)
            return Outcome(number, "active", "kill", reached=number != 6, broken="still controlled" * (number == 4))

        def close(self) -> tuple[int, list[Breach]]:
            return 10 * (7 not in held[self._held :]), [Breach(1.0, 3, "a short green")] * (2 in held[self._held :])

    monkeypatch.setattr("benchmarks.drills.Ground", Ground)
    return held


def test_drills_that_are_over_are_kept_and_the_others_taken_up(tmp_path: Path, ground: list[int]):
    """By block, whatever ended them; another seed is another matter."""
    file = tmp_path / "drills.json"
    Drills(5, 1, file).run(2, 2)
    assert sorted(ground) == [0, 1, 2, 3, 4]
    drills = Drills(8, 1, file)
    drills.run(2, 2)
    assert sorted(ground[5:]) == [5, 6, 7] and len(Drills(8, 1, file).outcomes) == 8
    stopped = Drills(20, 1, file)
    stopped.over.set()
    stopped.run(2, 2)
    assert len(ground) == 8
    with pytest.raises(SystemExit, match="seed = 1, must be 2"):
        Drills(8, 2, file)


def test_what_speaks_against_us_is_counted(ground: list[int]):
    """A drill that broke, one that never came to its state, a broken rule, a log without an event."""
    drills = Drills(8, 1)
    drills.run(1, 1)
    assert ground == list(range(8))
    assert drills.failed == [
        "drill 5: active: kill: still controlled",
        "drill 7: active: kill: not reached",
        "rule 3 at 1.0 s: a short green",
        "a cabinet's event log is empty",
    ]
    assert "8 of 8 drills, 2 failed, 1 broken rules in the cabinets' 70 events" in summary(drills)[0]


def test_a_wire_tells_a_set_from_a_get():
    """By the tag of what is asked, whatever the community's length."""
    for community in (b"public", b"x" * 90):
        for tag in (0xA0, SET):
            body = b"\x02\x01\x01" + bytes([4, len(community)]) + community + bytes([tag, 3, 2, 1, 0])
            length = bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])
            assert pdu(b"\x30" + length + body) == tag
    assert pdu(b"") == pdu(b"\x30\x02") == 0
    Wire(1).close()
