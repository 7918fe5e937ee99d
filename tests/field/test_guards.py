"""The small guards: one writer a cabinet, a watchdog fed by the loop, a lockout that a person ends, a deadline."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from field.deadline import Deadline
from field.lock import CabinetLock
from field.lockout_file import LockoutFile
from field.watchdog import Watchdog
from signals.controllers import build
from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.layout import layout
from signals.plans import PlanFile
from signals.values import Decision, TrafficState
from tests.signals.fakes import FakePlant, crossing

ROOT = Path(__file__).resolve().parents[2]


def test_a_cabinet_has_one_writer(tmp_path: Path):
    """Of two processes the second ends in one line that names the first; when that is gone, the way is free."""
    with CabinetLock("10.0.0.1:161", tmp_path):
        code = f"""
from pathlib import Path
from field.lock import CabinetLock
with CabinetLock("10.0.0.1:161", Path({str(tmp_path)!r})): pass
"""
        said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stderr
        assert f"process {__import__('os').getpid()} writes to it, must be one only" in said
        with CabinetLock("10.0.0.2:161", tmp_path):
            pass
    with CabinetLock("10.0.0.1:161", tmp_path):
        pass


def test_the_watchdog_is_told_by_datagram(tmp_path: Path):
    """As sd_notify does; a socket that is gone or full is nobody's trouble."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        watchdog = Watchdog(str(tmp_path / "notify"))
        watchdog.tell("READY=1", "STATUS=shadow")
        assert systemd.recv(100) == b"READY=1\nSTATUS=shadow"
        for _ in range(10_000):
            watchdog.tell("WATCHDOG=1")
    (tmp_path / "notify").unlink()
    watchdog.tell("WATCHDOG=1")
    watchdog.close()
    Watchdog("").tell("WATCHDOG=1")


def test_a_lockout_needs_a_name(tmp_path: Path):
    file = LockoutFile(tmp_path)
    with pytest.raises(ConfigError, match="nothing is locked out"):
        file.acknowledge("Ines", "now")
    assert file.lock("MMU flash", "now") == ""
    for who in ("", "  ", "x" * 101, "a\x1b[2J"):
        with pytest.raises(ConfigError, match="must be a name"):
            file.acknowledge(who, "now")
    assert (file.reason, file.acknowledged) == ("MMU flash", "")
    assert file.acknowledge("Ines", "now") == "MMU flash"
    assert file.acknowledged == "Ines"
    file.lock("again", "later")
    assert file.acknowledged == ""
    file.clear()
    assert file.reason == ""


@pytest.mark.parametrize("content", ["", "{", "[]", '{"reason": ""}', "\x00"])
def test_a_damaged_lockout_is_a_lockout(tmp_path: Path, content: str):
    (tmp_path / "lockout.json").write_text(content)
    assert LockoutFile(tmp_path).reason


LAYOUT = layout([crossing()])


def good(traffic: TrafficState) -> Decision:
    return Decision(
        traffic.time_s, np.ones(1, np.int8), np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1), ("policy",)
    )


class Policy:
    """Answers as it is told; takes so long by the fake clock."""

    def __init__(self, **changes: Any) -> None:
        self.changes, self.took_s = changes, 0.0
        self.error: Exception | None = None
        self.now_s = 0.0

    def decide(self, traffic: TrafficState) -> Decision:
        self.now_s += self.took_s
        if self.error:
            raise self.error
        return good(traffic)._replace(**self.changes)


def asked(policy: Policy, ticks: int = 1) -> tuple[Deadline, list[str]]:
    plant, flow = FakePlant([crossing()]), FlowEstimator(LAYOUT)
    deadline = Deadline(LAYOUT, policy, build("max-pressure", LAYOUT, PlanFile(plan=())), now=lambda: policy.now_s)
    said = []
    for _ in range(ticks):
        plant.wait(1)
        said.append(deadline.decide(flow.update(plant.read())).reason(0))
    return deadline, said


def test_a_decision_in_time_is_passed_on():
    deadline, said = asked(Policy(), 5)
    assert said == ["policy"] * 5 and deadline.replaced == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"number": np.full(1, np.nan)}, "is no number"),
        ({"stage": np.array([7])}, "is no stage"),
        ({"stage": np.array([-3])}, "is no stage"),
        ({"stage": np.array([0.0])}, "is no stage or mode"),
        ({"stage": np.array([1])}, "is not eligible"),
        ({"mode": np.array([9], np.int8)}, "is no stage or mode"),
        ({"mode": np.ones(2, np.int8)}, "has another shape"),
        ({"mode": None}, "failed: AttributeError"),
    ],
)
def test_nonsense_is_replaced_by_the_rule(changes: dict[str, object], why: str):
    _, said = asked(Policy(**changes))
    assert said[0].startswith(f"rule instead ({why}): ")


def test_late_is_replaced_and_three_in_a_row_end_it():
    """Until the process begins anew; two in a row do not."""
    policy = Policy()
    policy.took_s = 0.25
    deadline, said = asked(policy, 5)
    assert said[0].startswith("rule instead (late: 250 ms, must be at most 200): ")
    assert said[2].startswith("rules only") and said[4].startswith("rules only")
    assert deadline.replaced == 3 and policy.now_s == 0.75


def test_an_error_in_a_policy_is_no_error_of_the_loop():
    policy = Policy()
    policy.error = FloatingPointError("overflow")
    _, said = asked(policy)
    assert said[0].startswith("rule instead (failed: FloatingPointError): ")
