"""A day of control without growth: `python benchmarks/soak.py --hours 24 --json FILE` (about a quarter of an hour).

The whole loop as `control.py run` puts it together, logs included, over the NTCIP adapter and the virtual cabinet's
unit in one process, as fast as they go. Preemptions, silences, lockouts that somebody acknowledges and loops that stick
come at random. Memory and file handles are looked at every hour; the first hour fills what is bounded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import numpy as np  # noqa: E402

from field.audit import verify  # noqa: E402
from field.history_file import HistoryFile  # noqa: E402
from field.lockout_file import LockoutFile  # noqa: E402
from field.ntcip.cabinet import NtcipCabinet  # noqa: E402
from field.ntcip.objects import Value  # noqa: E402
from field.parts import parts_of  # noqa: E402
from field.run import FIRST_WEEKDAY  # noqa: E402
from field.site import Site  # noqa: E402
from field.site_file import built, load  # noqa: E402
from field.states import State  # noqa: E402
from field.supervisor import Supervisor  # noqa: E402
from field.tally import Tally  # noqa: E402
from field.virtual.machine import Machine, Settings  # noqa: E402
from field.virtual.objects import Objects, RefusedError  # noqa: E402
from field.virtual.tables import tables_of  # noqa: E402
from signals.errors import PlantError  # noqa: E402
from signals.intersection import Intersection  # noqa: E402
from signals.layout import layout  # noqa: E402

EXAMPLE = ROOT / "docs" / "sites" / "single.toml"
BACKUP_S, REPORT_S, TENTHS = 15, 1, 10
HOUR_S = 3600
COMES_S, HEADWAY_S, COVERED_S = 8, 2.0, 1.2
TROUBLE_EVERY_S, TROUBLE_S = 2700, 10
TROUBLES = ("preemption", "silence", "stuck loop", "manual control")
MOST_GROWTH = 0.02
"""Of the memory after the first hour."""


class Wireless:
    """The unit's objects as a transport, without the wire; silent when it is told so."""

    def __init__(self, objects: Objects) -> None:
        self._objects, self.silent = objects, False

    def get(self, oids: Sequence[str]) -> tuple[Value, ...]:
        """What the agent would answer."""
        self._answer()
        found = (self._objects.get(_numbers(oid)) for oid in oids)
        return tuple(None if f is None else f[1].encode() if isinstance(f[1], str) else f[1] for f in found)

    def set(self, oid: str, value: int) -> None:
        """As the agent would."""
        self._answer()
        try:
            self._objects.set(_numbers(oid), "integer", str(value))
        except RefusedError as error:
            raise PlantError(f"{oid} = {value} was refused: {error.word}") from error

    def _answer(self) -> None:
        if self.silent:
            raise PlantError("the unit: no answer")

    def close(self) -> None:
        """Nothing to let go."""


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


class Traffic:
    """Random arrivals by the time of day: past the advance loop, 8 s later into a queue over the stop-line loop."""

    def __init__(self, intersection: Intersection, machine: Machine, seed: int) -> None:
        self._machine, self._random = machine, np.random.default_rng(seed)
        self._names = [d.id for d in intersection.detectors]
        self._lanes = [k for k, name in enumerate(self._names) if name.endswith(".stop")]
        self._queue = np.zeros(len(self._lanes))
        self._coming = np.zeros((COMES_S, len(self._lanes)))
        self._green_s = np.zeros(len(self._lanes))
        self._advance = [self._before(self._names[k]) for k in self._lanes]
        self.stuck: int | None = None

    def _before(self, stop: str) -> int | None:
        own = stop.replace(".stop", ".advance")
        approach = stop.split(".")[0]
        return next((k for k, n in enumerate(self._names) if n == own or n.startswith(f"{approach}_")), None)

    def second(self, time_s: float) -> list[list[bool]]:
        """What each loop sees, by tenths of a second."""
        per_hour = 300 - 250 * np.cos(2 * np.pi * (time_s / HOUR_S - 3) / 24)
        came = self._random.random(len(self._lanes)) < per_hour / HOUR_S
        covered = np.zeros((len(self._names), TENTHS), bool)
        for lane, k in enumerate(self._advance):
            if k is not None and came[lane]:
                covered[k, 2:7] = True
        self._queue += self._coming[0]
        self._coming = np.vstack([self._coming[1:], came])
        for lane, k in enumerate(self._lanes):
            covered[k] = self._stands(lane, k)
        if self.stuck is not None:
            covered[self.stuck] = True
        return covered.T.tolist()

    def _stands(self, lane: int, k: int) -> np.ndarray:
        """A queue covers the loop; in green one leaves every 2 s and the next moves up."""
        green = self._machine.phases[self._machine.tables.detectors[k].call_phase].green
        self._green_s[lane] = self._green_s[lane] + 1 if green else 0
        if not green or self._queue[lane] <= 0:
            return np.full(TENTHS, self._queue[lane] > 0)
        since_s = (self._green_s[lane] - 1 + np.arange(TENTHS) / TENTHS) % HEADWAY_S
        if since_s[-1] >= HEADWAY_S - 0.2:
            self._queue[lane] -= 1
        return np.asarray(since_s < COVERED_S)


class Soak:
    """One site for as long as it takes."""

    def __init__(self, folder: Path, seed: int, held: ExitStack) -> None:
        site = self._site(folder)
        intersection, plans = built(site)
        place = layout([intersection])
        self._machine = Machine(
            tables_of(intersection, plans.of(intersection.id)), Settings(BACKUP_S, 0.0, REPORT_S), 0.0
        )
        self._traffic = Traffic(intersection, self._machine, seed)
        self._random = np.random.default_rng([seed, 1])
        self._wire = Wireless(Objects(self._machine))
        self._cabinet = NtcipCabinet(site, place, lambda: self._machine.time_s, connect=lambda: self._wire)
        held.callback(self._cabinet.close)
        self._kept = HistoryFile(folder / "usual.npz", place, FIRST_WEEKDAY)
        parts = parts_of(site, plans, place, self._cabinet, [], self._kept, held)
        self.supervisor = Supervisor(parts, lambda: self._machine.time_s)
        self._lockout, self.tally = LockoutFile(site.logging.folder), Tally()
        self.states: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self._trouble, self._ends_s = "", 0.0

    def _site(self, folder: Path) -> Site:
        values = load(EXAMPLE).model_dump()
        values["logging"]["folder"] = folder / "logs"
        values["cabinet"]["actuation_polls_per_s"] = 0
        values["cabinet"]["snmp"]["secrets"] = None
        for detector in values["cabinet"]["detectors"]:
            detector["counts"] = "report"
        return Site.model_validate(values)

    def second(self, now_s: int) -> None:
        """Ten ticks of the unit, one of ours."""
        self._spoil(now_s)
        for k, covered in enumerate(self._traffic.second(now_s)):
            self._machine.tick(now_s + k / TENTHS, covered)
        self._machine.take_events()
        record = self.supervisor.tick()
        if record:
            self.tally.update(record)
            self._kept.keep(record.snapshot.time_s)
        self.states[self.supervisor.state] += 1

    def _spoil(self, now_s: int) -> None:
        """One trouble after another, each for 10 s; whoever was locked out is acknowledged a minute later."""
        if self._trouble and now_s >= self._ends_s:
            self._set(False)
            self._trouble = ""
        if not self._trouble and self._random.random() < 1 / TROUBLE_EVERY_S:
            self._trouble, self._ends_s = str(self._random.choice(TROUBLES)), now_s + TROUBLE_S
            self.troubles[self._trouble] += 1
            self._set(True)
        if self.supervisor.state == State.LOCKOUT and now_s % 60 == 0 and self._lockout.reason:
            self._lockout.acknowledge("the soak", "now")

    def _set(self, on: bool) -> None:
        if self._trouble == "preemption":
            self._machine.preempt_input = int(on)
        elif self._trouble == "silence":
            self._wire.silent = on
        elif self._trouble == "stuck loop":
            self._traffic.stuck = 0 if on else None
        else:
            self._machine.manual = on


def memory_mb() -> float:
    """Resident, of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def handles() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def look(hour: float, soak: Soak, began_s: float) -> dict[str, float | int]:
    """One line of the verdict."""
    row = {
        "hour": hour,
        "memory_mb": round(memory_mb(), 1),
        "handles": handles(),
        "ticks": soak.tally.ticks,
        "changes": soak.tally.changes,
        "wall_s": round(time.monotonic() - began_s, 1),
    }
    print("  ".join(f"{name} {value:g}" for name, value in row.items()), flush=True)
    return row


def verdict(rows: Sequence[dict[str, float | int]]) -> str:
    """What grew, or empty. The first hour fills what is bounded, so that the rest is held against its end."""
    first, last = rows[min(1, len(rows) - 1)], rows[-1]
    if last["handles"] > first["handles"]:
        return f"file handles grew from {first['handles']} to {last['handles']}"
    if last["memory_mb"] > (1 + MOST_GROWTH) * first["memory_mb"]:
        return f"memory grew from {first['memory_mb']} to {last['memory_mb']} MB, may by {MOST_GROWTH:.0%}"
    return ""


def run(seconds: int, seed: int, file: Path | None) -> int:
    """Soak it; the exit status."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder, began_s = Path(name), time.monotonic()
        with ExitStack() as held:
            soak = Soak(folder, seed, held)
            rows = [look(0.0, soak, began_s)]
            for second in range(1, seconds + 1):
                soak.second(second)
                if second % HOUR_S == 0 or second == seconds:
                    rows.append(look(second / HOUR_S, soak, began_s))
            soak.supervisor.stop("end of the soak")
        audit = verify(folder / "logs/audit")
        logs_mb = sum(each.stat().st_size for each in (folder / "logs").rglob("*.jsonl")) / 1e6
    grown = verdict(rows)
    print("states: " + ", ".join(f"{state} {n} s" for state, n in soak.states.most_common()))
    print("troubles: " + ", ".join(f"{name} {n}" for name, n in soak.troubles.most_common()))
    print(f"logs {logs_mb:.0f} MB, {audit.lines} lines of the audit log, chain {audit.broken or 'whole'}")
    print(grown or "nothing grew")
    if file:
        told = {"hours": rows, "states": soak.states, "troubles": soak.troubles, "logs_mb": logs_mb, "grown": grown}
        file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 1 if grown or audit.broken else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where the figures go")
    asked = parser.parse_args()
    if not asked.hours > 0:
        parser.error(f"--hours {asked.hours:g}: must be above 0")
    return run(round(asked.hours * HOUR_S), asked.seed, asked.json)


if __name__ == "__main__":
    sys.exit(main())
