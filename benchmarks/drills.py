"""Whatever becomes of us, the cabinet goes on: `python benchmarks/drills.py --times 200 --json FILE` (an hour or so).

A virtual cabinet with a backup time of 3 s and traffic on its street answers SNMP on loopback; `control.py run` takes
it. In a random state one of these happens at a random moment: kill -9, SIGSTOP and later SIGCONT, a cut network both
ways or for the answers alone, a disk that takes nothing more, a wall clock that leaps, SIGTERM. Judged from outside, by
stock snmpget and by the cabinet's own event log: it must be on its local plan within its backup time of the last SET,
nothing of it broken; the audit log's chain must be whole but for a last line, and the next process begin in shadow.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

from benchmarks.drill_parts import (  # noqa: E402
    BACKUP_S,
    JUNCTION,
    SCENARIO,
    Central,
    Street,
    limit_disk,
    wait_for,
    write_feed,
    write_site,
)
from field.audit import entries, verify  # noqa: E402
from field.lockout_file import LockoutFile  # noqa: E402
from field.street import scenario_junction  # noqa: E402
from field.virtual.checker import Breach  # noqa: E402
from signals.intersection import Intersection  # noqa: E402

TOLERANCE_S = 1.0
"""Of a tick of the cabinet's, and of ours who look."""
STOPPED_S = 2.0 * BACKUP_S
STATES = ("preflight", "shadow", "engaging", "active", "degraded", "releasing", "fallback", "lockout")
KINDS = ("kill", "stop", "cut", "answers cut", "disk", "clock", "term")
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


def approved_tables(folder: Path, port: int, intersection: Intersection) -> str:
    """The digest that the preflight shows, as an engineer would copy it from the audit log."""
    site = write_site(folder, port, intersection)
    central = Central(folder, site)
    try:
        wait_for(lambda: central.reached("shadow"), "the first preflight")
    finally:
        central.end()
    for row in entries(folder / "logs/audit"):
        for what, value, *_ in row.get("findings", []):
            if what.startswith("tables"):
                return str(value)
    raise RuntimeError("the preflight shows no digest of the tables")


class Drills:
    """One cabinet, one log folder, and a process after another."""

    def __init__(self, folder: Path, port: int, seed: int) -> None:
        self._folder, self._random = folder, random.Random(seed)
        self.intersection, _ = scenario_junction(SCENARIO, JUNCTION)
        self._street = Street(folder, port)
        approved = approved_tables(folder, self._street.wire.port, self.intersection)
        self._site = write_site(folder, self._street.wire.port, self.intersection, approved)
        self._feed = write_feed(folder / "feed.jsonl", self.intersection)
        self._lockout = LockoutFile(folder / "logs")

    def run(self, number: int) -> Outcome:
        """One drill."""
        state, kind = STATES[number % len(STATES)], self._random.choice(KINDS)
        outcome = Outcome(number, state, kind, reached=False)
        self._lockout.clear()
        if state == "lockout":
            self._lockout.lock("a drill", "now")
        entries_before = verify(self._folder / "logs/audit").lines
        more = ("--feed", f"replay:{self._feed}") if state == "degraded" else ()
        central = Central(self._folder, self._site, *more)
        try:
            self._bring(central, state)
            outcome.reached = central.process.poll() is None
            time.sleep(self._random.uniform(0.0, LONGEST_DELAY_S.get(state, 5.0)))
            self._strike(central, outcome)
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

    def _strike(self, central: Central, outcome: Outcome) -> None:
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
            central.step.write_text(str(self._random.choice((-86_400, -3600, -5, 5, 3600, 86_400))))
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
            local, now_s = self._street.local, time.monotonic()
            since_set_s = now_s - wire.set_s
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
            time.sleep(0.1)
        outcome.let_go_s = max(outcome.let_go_s, wire.set_s - struck_s)

    def _audit(self, entries_before: int, state: str) -> str:
        """The chain, and how this process began: in preflight and shadow, or where it was locked out."""
        audit = self._folder / "logs/audit"
        verdict = verify(audit)
        if verdict.broken:
            return verdict.broken
        own = [row for k, row in enumerate(entries(audit)) if k >= entries_before]
        begun = [row["state"] for row in own if row["kind"] == "transition"][:2]
        expected = ["lockout"] if state == "lockout" else ["preflight", "shadow"]
        return "" if begun[: len(expected)] == expected[: len(begun)] else f"began with {begun}"

    def close(self) -> tuple[int, list[Breach]]:
        """End the cabinet and judge its event log."""
        self._street.close()
        return self._street.breaches(self.intersection)


@contextmanager
def drills(folder: Path, port: int, seed: int) -> Iterator[Drills]:
    """The street ends whatever happens."""
    made = Drills(folder, port, seed)
    try:
        yield made
    finally:
        if made._street._process.poll() is None:
            made._street.close()


def run(times: int, port: int, seed: int, folder: Path, file: Path | None) -> int:
    """All of them, then the verdict; the exit status."""
    outcomes: list[Outcome] = []
    with drills(folder, port, seed) as made:
        for number in range(times):
            try:
                outcomes.append(outcome := made.run(number))
            except KeyboardInterrupt:  # the verdict is on those that were done
                break
            said = outcome.broken or (
                f"local {outcome.local_s:.1f} s after the last SET, which came {outcome.let_go_s:+.1f} s after"
            )
            print(f"{number + 1}/{times}  {outcome.state}: {outcome.kind}: {said}", flush=True)
            if file:
                file.write_text(json.dumps([asdict(each) for each in outcomes], indent=1), encoding="utf-8")
        events, breaches = made.close()
    broken = [each for each in outcomes if each.broken or not each.reached]
    print(
        f"{len(outcomes)} drills, {len(broken)} failed, {len(breaches)} broken rules in the cabinet's {events} events"
    )
    print(
        "states: " + ", ".join(f"{state} {n}" for state, n in Counter(o.state for o in outcomes if o.reached).items())
    )
    print("kinds: " + ", ".join(f"{kind} {n}" for kind, n in Counter(o.kind for o in outcomes if o.reached).items()))
    print(f"longest from the last SET to the local plan: {max((o.local_s for o in outcomes), default=0.0):.1f} s")
    for breach in breaches[:10]:
        print(f"rule {breach.rule} at {breach.time_s:.1f} s: {breach.what}")
    return 1 if broken or breaches or not events else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=16_161, help="of the virtual cabinet")
    parser.add_argument("--json", type=Path, help="where the outcomes go")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="drills-") as folder:
        return run(asked.times, asked.port, asked.seed, Path(folder), asked.json)


if __name__ == "__main__":
    sys.exit(main())
