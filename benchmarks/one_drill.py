"""One drill: a process that controls a virtual cabinet comes to a state, something happens to it, and we watch."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drill_parts import (
    BACKUP_S,
    JUNCTION,
    SCENARIO,
    Central,
    Street,
    approved_tables,
    limit_disk,
    wait_for,
    write_feed,
    write_site,
)
from field.audit import entries, verify
from field.lockout_file import LockoutFile
from field.street import scenario_junction
from field.virtual.checker import Breach

LOOK_S = 0.2
TOLERANCE_S = 1.0
"""Of a tick of the cabinet's, and of ours who look."""
STOPPED_S = 2.0 * BACKUP_S
STATES = ("preflight", "shadow", "engaging", "active", "degraded", "releasing", "fallback", "lockout")
KINDS = ("kill", "stop", "cut", "answers cut", "disk", "clock", "term")
STEPS_S = (-86_400, -3600, -5, 5, 3600, 86_400)
"""Of the wall clock."""
LONGEST_DELAY_S = {"preflight": 0.5, "shadow": 4.0, "engaging": 1.2, "releasing": 0.2}
OF_ITSELF_S = 6.0
"""In so long we have let go by ourselves: stale after 2 s, a tick, and what times out in between."""


@dataclass
class Outcome:
    """One drill. local_s: from the last SET until the local plan; let_go_s: from what happened until the last SET."""

    number: int
    state: str
    kind: str
    reached: bool
    local_s: float = 0.0
    let_go_s: float = 0.0
    broken: str = ""


class Ground:
    """Where drills are held: one cabinet on its street, one log folder, and a process after another."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed, self._log = folder, seed, folder / "logs/drill/audit"
        self._log.mkdir(parents=True)
        junction = scenario_junction(SCENARIO, JUNCTION)
        self._intersection = junction[0]
        self._street = Street(folder)
        try:
            port = self._street.wire.port
            approved = approved_tables(write_site(folder, port, junction))
            self._site = write_site(folder, port, junction, approved)
            self._feed = write_feed(folder / "feed.jsonl", junction)
        except BaseException:
            self._street.close()
            raise
        self._lockout = LockoutFile(folder / "logs/drill")

    def run(self, number: int) -> Outcome:
        """The drill of that number, which with the seed says what happens in it."""
        chance = random.Random(f"{self._seed} {number}")
        state, kind = STATES[number % len(STATES)], chance.choice(KINDS)
        outcome = Outcome(number, state, kind, reached=False)
        self._lockout.clear()
        if state == "lockout":
            self._lockout.lock("a drill", "now")
        entries_before = sum(1 for _ in entries(self._log))
        more = ("--feed", f"replay:{self._feed}") if state == "degraded" else ()
        central = Central(self._folder, self._site, *more)
        try:
            self._bring(central, state)
            outcome.reached = central.process.poll() is None
            time.sleep(chance.uniform(0.0, LONGEST_DELAY_S.get(state, 5.0)))
            self._strike(central, outcome, chance.choice(STEPS_S))
        except TimeoutError as error:
            outcome.broken = str(error)
        finally:
            self._street.wire.cut = "none"
            central.end()
        outcome.broken = outcome.broken or self._audit(entries_before, state)
        return outcome

    def _bring(self, central: Central, state: str) -> None:
        """Into that state."""
        first = {"releasing": "active", "fallback": "active"}.get(state, state)
        wait_for(lambda: central.reached(first), f"state {first}")
        if state == "releasing":
            central.signal(signal.SIGTERM)
        if state == "fallback":
            self._street.wire.cut = "both"
            wait_for(lambda: central.reached(state), f"state {state}")
            self._street.wire.cut = "none"

    def _strike(self, central: Central, outcome: Outcome, step_s: int) -> None:
        kind, wire = outcome.kind, self._street.wire
        struck_s = time.monotonic()
        if kind == "kill":
            central.signal(signal.SIGKILL)
        elif kind == "stop":
            central.signal(signal.SIGSTOP)
        elif kind in ("cut", "answers cut"):
            wire.cut = "both" if kind == "cut" else "answers"
        elif kind == "disk":
            limit_disk(central, full=True)
        elif kind == "term":
            central.signal(signal.SIGTERM)
        else:
            central.step.write_text(str(step_s))
            before = central.said.read_text()
            time.sleep(4.0)
            if outcome.state == "active" and " to releasing: " in central.said.read_text()[len(before) :]:
                outcome.broken = "let go because the wall clock was set"
            struck_s = time.monotonic()
            central.signal(signal.SIGTERM)
        self._watch(outcome, struck_s)
        if kind == "stop":
            time.sleep(max(0.0, STOPPED_S - (time.monotonic() - struck_s)))
            central.signal(signal.SIGCONT)
            time.sleep(2.0)
            if outcome.state in ("active", "degraded") and not central.reached("releasing"):
                outcome.broken = outcome.broken or "went on as before when it was woken"
            central.signal(signal.SIGTERM)  # from shadow it may have taken the cabinet anew
            self._watch(outcome, time.monotonic())
        if kind == "disk":
            limit_disk(central, full=False)
            time.sleep(1.5)

    def _watch(self, outcome: Outcome, struck_s: float) -> None:
        """Until the cabinet is on its own plan; it may take its backup time from the last SET."""
        wire, quick = self._street.wire, outcome.kind in ("kill", "stop", "term", "clock")
        allowed_s = 2.0 if quick else OF_ITSELF_S
        while True:
            now_s = time.monotonic()  # before it is asked: what it answers is not older
            local, since_set_s = self._street.local, now_s - wire.set_s
            if local and now_s - struck_s > allowed_s:
                break
            if since_set_s > BACKUP_S + TOLERANCE_S and not local:
                outcome.broken = outcome.broken or f"not on its local plan {since_set_s:.1f} s after the last SET"
                return
            if now_s - struck_s > allowed_s + BACKUP_S + TOLERANCE_S:
                outcome.broken = outcome.broken or f"still controlled {now_s - struck_s:.1f} s after"
                return
            if not local:
                outcome.local_s = max(outcome.local_s, since_set_s)
            time.sleep(LOOK_S)
        outcome.let_go_s = max(outcome.let_go_s, wire.set_s - struck_s)

    def _audit(self, entries_before: int, state: str) -> str:
        """The chain, and how this process began: in preflight and shadow, or where it was locked out."""
        verdict = verify(self._log)
        if verdict.broken:
            return verdict.broken
        own = [row for k, row in enumerate(entries(self._log)) if k >= entries_before]
        begun = [row["state"] for row in own if row["kind"] == "transition"][:2]
        expected = ["lockout"] if state == "lockout" else ["preflight", "shadow"]
        return "" if begun[: len(expected)] == expected[: len(begun)] else f"began with {begun}"

    def close(self) -> tuple[int, list[Breach]]:
        """End the cabinet and judge its event log."""
        self._street.close()
        return self._street.breaches(self._intersection)
