"""Whatever becomes of us in whatever state, the cabinet goes on; `benchmarks/drills.py` does it to real processes."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.wire_cut import SET, Wire, pdu
from field.audit import entries, verify
from field.causes import Limits
from tests.field.fake_cabinet import BACKUP_S, Bench

ROOT = Path(__file__).resolve().parents[2]
STATES = ("preflight", "shadow", "engaging", "active", "degraded", "fallback", "lockout")
KINDS = ("kill", "stop", "cut", "disk", "restart")


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


def test_a_wire_tells_a_set_from_a_get():
    """By the tag of what is asked, whatever the community's length."""
    for community in (b"public", b"x" * 90):
        for tag in (0xA0, SET):
            body = b"\x02\x01\x01" + bytes([4, len(community)]) + community + bytes([tag, 3, 2, 1, 0])
            length = bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])
            assert pdu(b"\x30" + length + body) == tag
    assert pdu(b"") == pdu(b"\x30\x02") == 0
    Wire(1).close()
