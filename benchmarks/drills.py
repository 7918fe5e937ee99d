"""Whatever becomes of us, the cabinet goes on: `python benchmarks/drills.py --times 200 --json FILE` (an hour or so).

A virtual cabinet with a backup time of 3 s and traffic on its street answers SNMP on loopback; `control.py run` takes
it. In a random state one of these happens at a random moment: kill -9, SIGSTOP and later SIGCONT, a cut network both
ways or for the answers alone, a disk that takes nothing more, a wall clock that leaps, SIGTERM. Judged from outside, by
stock snmpget and by the cabinet's own event log: it must be on its local plan within its backup time of the last SET,
nothing of it broken; the audit log's chain must be whole but for a last line, and the next process begin in shadow.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import numpy as np  # noqa: E402

from benchmarks.wire_cut import Wire  # noqa: E402
from field.audit import entries, verify  # noqa: E402
from field.lockout_file import LockoutFile  # noqa: E402
from field.street import scenario_junction  # noqa: E402
from field.virtual.checker import Breach, check  # noqa: E402
from signals.intersection import Intersection  # noqa: E402
from signals.layout import layout  # noqa: E402
from signals.recording import Header, LoggedController, LogWriter  # noqa: E402
from signals.values import Command, Decision, Record, Snapshot  # noqa: E402

SCENARIO, JUNCTION, COMMUNITY = "single", "J", "drill"
BACKUP_S = 3
TOLERANCE_S = 1.0
"""Of a tick of the cabinet's, and of ours who look."""
LONGEST_WAIT_S = 90.0
STOPPED_S = 2.0 * BACKUP_S
FEED_TICKS = 14
ASC = ".1.3.6.1.4.1.1206.4.2.1"
MASKS = tuple(f"{ASC}.1.5.1.{column}.1" for column in (2, 3, 4, 5, 6, 7))
SYSTEM_PATTERN, PATTERN_STATUS = f"{ASC}.4.14.0", f"{ASC}.4.10.0"
LOCAL_PATTERN = "1"
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


class Street:
    """The virtual cabinet, and the wire to it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.events, self._port = folder / "events.csv", port
        secrets = folder / "secrets.toml"
        names = ("authentication_key", "privacy_key")
        secrets.write_text(f'community = "{COMMUNITY}"\n' + "".join(f'{n} = "{COMMUNITY * 3}"\n' for n in names))
        secrets.chmod(0o600)
        options = f"--junction {JUNCTION} --port {port} --backup-time-s {BACKUP_S} --demand 1.0 --draw 50".split()
        command = [sys.executable, str(ROOT / "control.py"), "cabinet", SCENARIO, *options]
        command += ["--secrets", str(secrets), "--event-log", str(self.events)]
        self._log = (folder / "cabinet.log").open("w")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=ROOT)
        wait_for(self._up, f"the virtual cabinet on its local plan ({folder}/cabinet.log)")
        self.wire = Wire(port)

    def _up(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the virtual cabinet has ended: {Path(self._log.name).read_text().strip()}")
        return self.get(PATTERN_STATUS) == [LOCAL_PATTERN]

    def get(self, *names: str) -> list[str]:
        """What stock snmpget says; empty where nothing answers."""
        command = [
            "snmpget",
            "-v2c",
            "-c",
            COMMUNITY,
            "-Oqvx",
            "-t",
            "0.5",
            "-r",
            "1",
            f"127.0.0.1:{self._port}",
            *names,
        ]
        return subprocess.run(command, capture_output=True, text=True).stdout.split("\n")[:-1]

    @property
    def local(self) -> bool:
        """Nothing of ours is in force."""
        told = self.get(*MASKS, SYSTEM_PATTERN, PATTERN_STATUS)
        return len(told) == len(MASKS) + 2 and {*told[:-1]} <= {"0"} and told[-1] == LOCAL_PATTERN

    def close(self) -> None:
        """End it, so that its event log is whole."""
        self.wire.close()
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def breaches(self, intersection: Intersection) -> tuple[int, list[Breach]]:
        """How many events the cabinet's log has, and what the checker finds in it."""
        with self.events.open(encoding="utf-8") as stream:
            rows = [
                (datetime.fromisoformat(row["TimeStamp"]).timestamp(), int(row["EventId"]), int(row["Parameter"]))
                for row in csv.DictReader(stream)
            ]
        return len(rows), check(intersection, rows)


class Central:
    """One process of `control.py run`, and what it has said."""

    def __init__(self, folder: Path, site: Path, *more: str) -> None:
        self.step, self.said = folder / "clock-step", folder / "run.log"
        self.step.write_text("0")
        environment = os.environ | {"ADAPTIVE_SIGNALS_COMMUNITY": COMMUNITY, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, str(ROOT / "benchmarks/stepped_clock.py"), str(self.step), "run", str(site), *more]
        with self.said.open("w") as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=ROOT, env=environment)

    def reached(self, state: str) -> bool:
        """Whether it has come to that state since it began, or is gone."""
        return f" to {state}: " in self.said.read_text() or self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        """Send it, if there is still somebody."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end(self) -> None:
        """Whatever it is doing."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.process.wait()


def wait_for(condition: Callable[[], bool], what: str, seconds: float = LONGEST_WAIT_S) -> float:
    """How long that took. Raises `TimeoutError`."""
    began_s = time.monotonic()
    while not condition():
        if time.monotonic() - began_s > seconds:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
    return time.monotonic() - began_s


def write_site(folder: Path, port: int, intersection: Intersection, approved: str = "") -> Path:
    """A site at level hold, for the port of the wire."""
    loops = "\n".join(
        f'    {{ id = "{detector.id}", channel = {channel}, counts = "actuation" }},'
        for channel, detector in enumerate(intersection.detectors, 1)
    )
    site = folder / "site.toml"
    site.write_text(f"""name = "drill"
level = "hold"
controller = "adaptive"
intersection = {{ scenario = "{SCENARIO}", junction = "{JUNCTION}" }}
logging = {{ folder = "logs" }}
[cabinet]
protocol = "ntcip"
port = {port}
approved = "{approved}"
detectors = [
{loops}
]
snmp = {{ version = "v2c", allow_insecure = true }}
""")
    return site


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


def write_feed(file: Path, intersection: Intersection) -> Path:
    """A recorded log of one loop that ends soon: from then on that loop is not believed."""
    one = intersection.model_copy(update={"detectors": intersection.detectors[:1]})
    place = layout([one])
    heads, none = place.has_head.shape, np.zeros(1, np.int64)
    with file.open("w") as stream:
        controller = LoggedController(name="existing", digest="")
        plans = scenario_junction(SCENARIO, JUNCTION)[1]
        header = Header(
            started="", street="drill", controller=controller, versions={}, plans=plans, intersections=(one,)
        )
        log = LogWriter(stream, header)
        for second in range(FEED_TICKS):
            loops = np.zeros(1)
            snapshot = Snapshot(
                float(second), loops, loops, loops > 0, loops == 0, none, np.zeros(heads, np.int8), none == 0,
                np.zeros(heads, bool),
            )  # fmt: skip
            decision = Decision(second, np.zeros(1, np.int8), none, none, loops, ("none",))
            command = Command(second, second, np.zeros(1, np.int8), none, none, ("granted",))
            log.append(Record(snapshot, None, decision, command))  # type: ignore[arg-type]
    return file


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
            time.sleep(1.5)
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


def limit_disk(central: Central, full: bool) -> None:
    """No file of the process may grow, as on a disk that is full; or it may again."""
    if central.process.poll() is None:
        soft = 1 if full else resource.RLIM_INFINITY
        resource.prlimit(central.process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))


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
            outcomes.append(outcome := made.run(number))
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
