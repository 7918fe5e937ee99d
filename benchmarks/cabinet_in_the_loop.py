"""What is left of a controller's gain when it acts through a cabinet: SNMP v3 on loopback, SUMO behind the cabinet.

`python benchmarks/cabinet_in_the_loop.py --draws 5 --first-draw 220 --level hold calls --out FOLDER --json FILE`

Each draw is driven three times with the same vehicles and the same accounts: by the existing plan and by the controller
in SUMO directly, and by `control.py run` against `control.py cabinet`, two processes, at `--speed` times the wall
clock; or, with `--stepped wire`, in one process whose street waits for the centre: a busy machine changes nothing then.
`--stepped memory` leaves SNMP out, for the same figures sooner. Kept is the reduction of the mean delay through the
cabinet over the one in SUMO directly. What is finished in the folder is not run again.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

from benchmarks.stepped_cabinet import CENTRE_AT, PROMPT, Stepped, Timing  # noqa: E402
from experiments.case import place_of  # noqa: E402
from experiments.console import BAD_INPUT, INTERRUPTED, complain  # noqa: E402
from experiments.evaluation import run_grid  # noqa: E402
from experiments.grid import grid  # noqa: E402
from experiments.store import write_whole  # noqa: E402
from field.audit import entries  # noqa: E402
from field.street import scenario_junction  # noqa: E402
from scenarios.catalogue import find  # noqa: E402
from signals.errors import ConfigError, PlantError  # noqa: E402
from signals.intersection import Intersection  # noqa: E402

EXISTING, DEMAND = "existing", 1.0
WIRE, MEMORY = "wire", "memory"
REPORT_EVERY_S = 5
LONGEST_START_S = 120.0
DIGEST = re.compile(r'approved = "([0-9a-f]{64})"')


@dataclass(frozen=True)
class Pair:
    """One draw through the cabinet. seconds: of the street after the warm-up; None: until the last vehicle is out."""

    scenario: str
    junction: str
    controller: str
    level: str
    draw: int
    speed: float
    counts: str
    warm_up_s: float
    seconds: float | None
    stepped: str = ""
    local_calls: bool = True
    timing: Timing = PROMPT

    @property
    def name(self) -> str:
        """Of its file."""
        speed = f"stepped-{self.stepped}" if self.stepped else f"x{self.speed:g}"
        calls = () if self.local_calls else ("no-local-calls",)
        timing = () if self.timing == PROMPT else map(str, astuple(self.timing))
        words = (self.scenario, self.controller, self.level, speed, self.counts, *calls, *timing, str(self.draw))
        return re.sub(r"[^A-Za-z0-9.-]+", "_", "-".join(words))


def free_port() -> int:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def write_site(folder: Path, pair: Pair, intersection: Intersection, port: int, approved: str) -> Path:
    """As an engineer would write it for this cabinet."""
    loops = "\n".join(
        f'    {{ id = "{detector.id}", channel = {channel}, counts = "{pair.counts}" }},'
        for channel, detector in enumerate(intersection.detectors, 1)
    )
    site = folder / "site.toml"
    site.write_text(f"""name = "loop"
level = "{pair.level}"
controller = "{pair.controller}"
intersection = {{ scenario = "{pair.scenario}", junction = "{pair.junction}" }}
logging = {{ folder = "logs" }}
[cabinet]
protocol = "ntcip"
port = {port}
approved = "{approved}"
detectors = [
{loops}
]
snmp = {{ user = "central", secrets = "secrets.toml" }}
""")
    return site


def write_secrets(folder: Path) -> Path:
    """New ones."""
    keys = {name: secrets.token_urlsafe(24) for name in ("community", "authentication_key", "privacy_key")}
    file = folder / "secrets.toml"
    file.touch(0o600)
    file.write_text("".join(f'{name} = "{key}"\n' for name, key in keys.items()))
    return file


@contextmanager
def cabinet(folder: Path, pair: Pair, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """The virtual one, once it listens; it ends with the `with`."""
    file = write_secrets(folder)
    options = ["--junction", pair.junction, "--port", str(port), "--demand", str(DEMAND), "--draw", str(pair.draw)]
    options += ["--speed", str(pair.speed), "--warm-up-s", str(pair.warm_up_s), "--secrets", str(file)]
    options += ["--report-period-s", str(REPORT_EVERY_S)]
    options += [] if pair.local_calls else ["--no-local-calls"]
    options += [] if pair.seconds is None else ["--seconds", str(pair.seconds)]
    command = [sys.executable, "-u", str(ROOT / "control.py"), "cabinet", pair.scenario, *options, *more]
    said = folder / "cabinet.log"
    with said.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, text=True, cwd=ROOT)
    try:
        began_s = time.monotonic()
        while "SNMP on" not in said.read_text():
            if process.poll() is not None or time.monotonic() - began_s > LONGEST_START_S:
                raise PlantError(f"the virtual cabinet does not listen: {said.read_text().strip()[-300:]}")
            time.sleep(0.05)
        yield process
    finally:
        end(process)
        file.unlink()


def end(process: subprocess.Popen[str]) -> None:
    """SIGTERM, then whatever it takes."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def approved_tables(pair: Pair, intersection: Intersection) -> str:
    """The digest that `control.py check` shows, as an engineer would copy it."""
    with tempfile.TemporaryDirectory(prefix="loop-") as name:
        folder, port = Path(name), free_port()
        site = write_site(folder, pair, intersection, port, "")
        with cabinet(folder, pair, port):
            command = [sys.executable, str(ROOT / "control.py"), "check", str(site)]
            told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    found = DIGEST.search(told.stdout)
    if not found:
        raise PlantError(f"control.py check shows no digest of the tables: {(told.stdout + told.stderr)[-300:]}")
    return found.group(1)


def drive(
    pair: Pair, intersection: Intersection, approved: str, folder: Path, running: set[subprocess.Popen[str]]
) -> dict[str, Any]:
    """One draw through the cabinet: its accounts, and how the control of it fared. Its logs stay in the folder.

    running: where its cabinet is while it runs, for whoever has to stop it.
    """
    port, accounts = free_port(), folder / "accounts.json"
    site = write_site(folder, pair, intersection, port, approved)
    began_s = time.monotonic()
    events = str(folder / "events.csv")
    with (
        cabinet(folder, pair, port, "--json", str(accounts), "--event-log", events) as unit,
        (folder / "run.log").open("w") as stream,
    ):
        command = [sys.executable, "-u", str(ROOT / "control.py"), "run", str(site), "--speed", str(pair.speed)]
        central = subprocess.Popen(command, stdout=stream, stderr=stream, text=True, cwd=ROOT)
        running.add(unit)
        try:
            unit.wait()
        finally:
            running.discard(unit)
            end(central)
    wall_s = time.monotonic() - began_s
    if unit.returncode or not accounts.is_file():
        raise PlantError(
            f"the virtual cabinet left no accounts of the whole window: {(folder / 'cabinet.log').read_text()[-300:]}"
        )
    steps = [row for row in entries(folder / "logs/audit") if row["kind"] == "transition"]
    return json.loads(accounts.read_text()) | {
        "level": pair.level,
        "controller": pair.controller,
        "wall_s": round(wall_s, 1),
        "taken": sum(row["state"] == "active" and row["state_before"] == "engaging" for row in steps),
        "released": [row["reason"] for row in steps if row["state"] == "releasing"],
        "ended": (folder / "run.log").read_text().strip().splitlines()[-6:],
    }


def drive_stepped(pair: Pair, intersection: Intersection, folder: Path) -> dict[str, Any]:
    """The same by one clock."""
    site, file = write_site(folder, pair, intersection, 1, ""), write_secrets(folder)
    place = pair.scenario, pair.junction, pair.draw, DEMAND
    try:
        wire = pair.stepped == WIRE
        row = Stepped(site, *place, pair.warm_up_s, REPORT_EVERY_S, pair.local_calls, wire, pair.timing).drive()
    finally:
        file.unlink()
    return row | {"level": pair.level, "controller": pair.controller}


class Loop:
    """Draws through the cabinet, each kept in a file of its own as soon as it is finished."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked, self._out = asked, asked.out
        junctions = [i.id for i in place_of(find(asked.scenario)).network.intersections]
        self._junction = asked.junction or only(junctions, asked.scenario)
        self._intersection, _ = scenario_junction(asked.scenario, self._junction)
        self._approved = ""
        self._running: set[subprocess.Popen[str]] = set()
        self._out.mkdir(parents=True, exist_ok=True)

    def pairs(self) -> list[Pair]:
        """In the order in which they are run: level by level."""
        a = self._asked
        place = a.scenario, self._junction, a.controller
        window, timing = (a.warm_up_s, a.seconds), Timing(*a.timing)
        return [
            Pair(*place, level, draw, a.speed, a.counts, *window, a.stepped, not a.no_local_calls, timing)
            for level in a.level
            for draw in range(a.first_draw, a.first_draw + a.draws)
        ]

    def run(self) -> list[dict[str, Any]]:
        """All of them."""
        pairs = self.pairs()
        missing = [pair for pair in pairs if not self._file(pair).is_file()]
        if missing and not self._asked.stepped:
            self._approved = approved_tables(pairs[0], self._intersection)
        with ThreadPoolExecutor(self._asked.parallel) as pool:
            try:
                for _ in pool.map(self._keep, missing):
                    pass
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for unit in list(self._running):
                    unit.send_signal(signal.SIGTERM)
                raise
        return [json.loads(self._file(pair).read_text()) for pair in pairs]

    def _file(self, pair: Pair) -> Path:
        return self._out / pair.name / "pair.json"

    def _keep(self, pair: Pair) -> None:
        folder = self._file(pair).parent
        shutil.rmtree(folder, ignore_errors=True)  # of one that was stopped
        folder.mkdir()
        if pair.stepped:
            row = drive_stepped(pair, self._intersection, folder)
        else:
            row = drive(pair, self._intersection, self._approved, folder, self._running)
        write_whole(self._file(pair), json.dumps(row, indent=1) + "\n")
        let_go = f", let go: {'; '.join(row['released'][:3])}" if row["released"][:-1] or not row["taken"] else ""
        late = f"{row['late_ticks']} of {row['ticks']} ticks late"
        print(
            f"{pair.level} {pair.draw}: {row['delay_s']:.2f} s a vehicle, wall {row['wall_s']:.0f} s, {late}{let_go}",
            flush=True,
        )

    def direct(self) -> dict[tuple[str, int], float]:
        """Delay by controller and draw, in SUMO without a cabinet."""
        a = self._asked
        cases = grid([a.scenario], [EXISTING, a.controller], [DEMAND], a.draws, a.first_draw)
        evaluation = run_grid(cases, self._out / "direct", 1, EXISTING, " ".join(sys.argv))
        if evaluation.failures or evaluation.cases is None:
            raise PlantError("a case in SUMO directly has failed: no figure stands without it")
        found = evaluation.cases
        found = found[found["scenario"] == a.scenario]
        return {(row.controller, int(row.draw)): float(row.delay_s) for row in found.itertuples()}


def only(junctions: list[str], scenario: str) -> str:
    if len(junctions) != 1:
        raise ConfigError(f"scenario {scenario}: needs --junction, one of {', '.join(junctions)}")
    return junctions[0]


def kept(existing_s: float, direct_s: float, through_s: float) -> float | None:
    """Share of the reduction; None where there is none to keep."""
    return (existing_s - through_s) / (existing_s - direct_s) if existing_s > direct_s else None


def verdicts(rows: list[dict[str, Any]], direct: dict[tuple[str, int], float]) -> list[dict[str, Any]]:
    """Draw by draw, and the share of the mean reduction of each level."""
    told = []
    for row in rows:
        existing_s, direct_s = direct[EXISTING, row["draw"]], direct[row["controller"], row["draw"]]
        share = kept(existing_s, direct_s, row["delay_s"])
        told.append(row | {"existing_s": existing_s, "direct_s": direct_s, "kept": share})
    return told


def mean(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of one level."""
    found = {name: sum(row[name] for row in rows) / len(rows) for name in ("existing_s", "direct_s", "delay_s")}
    return found | {"kept": kept(found["existing_s"], found["direct_s"], found["delay_s"]), "draws": len(rows)}


def words(name: str, row: dict[str, Any]) -> str:
    share = "no reduction to keep" if row["kept"] is None else f"kept {row['kept']:.0%}"
    return (
        f"{name:>12}: existing {row['existing_s']:.2f} s, directly {row['direct_s']:.2f} s, "
        f"through the cabinet {row['delay_s']:.2f} s: {share}"
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="single")
    parser.add_argument("--junction", help="where the scenario has several")
    parser.add_argument("--controller", default="adaptive")
    parser.add_argument("--level", nargs="+", choices=("hold", "calls"), default=["hold", "calls"])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--first-draw", type=int, default=200, help="develop on 0-99, tune on 100-199")
    parser.add_argument("--speed", type=float, default=10.0, help="seconds of the street per second of the wall clock")
    parser.add_argument("--counts", choices=("report", "actuation"), default="report", help="where volumes are from")
    parser.add_argument("--warm-up-s", type=float, default=540.0, help="under the local plan, as fast as it goes")
    parser.add_argument("--seconds", type=float, help="after the warm-up, for a trial; its delays compare with nothing")
    parser.add_argument("--stepped", choices=(WIRE, MEMORY), default="", help="by one clock, over SNMP or without")
    parser.add_argument(
        "--timing",
        nargs="+",
        type=int,
        default=[CENTRE_AT],
        metavar="TENTHS",
        help="stepped: when the centre ticks, how long a request takes, from look to look, from tick to tick; then ms",
    )
    parser.add_argument("--no-local-calls", action="store_true", help="the cabinet's loops call and extend nothing")
    parser.add_argument("--parallel", type=int, default=1, help="pairs at a time")
    parser.add_argument("--out", type=Path, default=Path("results/cabinet-in-the-loop"))
    parser.add_argument("--json", type=Path, help="where all figures go")
    return parser.parse_args()


def main() -> int:
    """Drive, compare, say."""
    asked = parsed()
    loop = Loop(asked)
    rows = loop.run()
    if asked.seconds is not None:
        print("a trial of part of the window: nothing to compare it with")
        return 0
    told = verdicts(rows, loop.direct())
    summary = {}
    for level in asked.level:
        own = [row for row in told if row["level"] == level]
        for row in own:
            print(words(f"{level} {row['draw']}", row))
        summary[level] = mean(own)
        print(words(f"{level}, mean", summary[level]))
    if asked.json:
        write_whole(asked.json, json.dumps({"mean": summary, "draws": told}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ConfigError, PlantError) as error:
        complain(f"error: {error}")
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
