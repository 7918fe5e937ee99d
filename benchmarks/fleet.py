"""How many junctions one core controls at one tick a second: `python benchmarks/fleet.py --json FILE` (10 minutes).

Once the control path alone: estimation, `adaptive` and interlock over a district in one batch, no cabinet, no network,
no log. Once all of it, as `control.py run FOLDER` does it: SNMPv2c, detectors polled five times a second, heartbeats,
logs, level hold, against virtual cabinets in a process of their own. Every fleet is a new process; its processor time
is taken once all its sites are engaged. Decisions are timed from when a tick was due until all of it was done.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402

from benchmarks.control_path import control_path  # noqa: E402
from benchmarks.drill_parts import JUNCTION, SCENARIO, approved_tables, write_secrets, write_site  # noqa: E402
from benchmarks.soak import memory_mb  # noqa: E402
from field.fleet import Fleet, sites_in  # noqa: E402
from field.run import Run  # noqa: E402
from field.states import ENGAGED, State  # noqa: E402
from field.street import scenario_junction  # noqa: E402

JUNCTIONS, TICKS, FLEETS, SECONDS = 5000, 240, (1, 10, 20, 40), 90
ALONE_S = 300
"""For which a single junction is measured, unless it is said otherwise, since its 99th percentile is asked for."""
WANTED, MOST_LATE_S, MOST_DONE_S = 5000, 1.0, 0.2
ENGAGED_WITHIN_S = 120.0
Figures = dict[str, float | int | str]


def snmp(number: int, seconds: float) -> Figures:
    """A fleet of so many junctions, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        junction = scenario_junction(SCENARIO, JUNCTION)
        write_secrets(folder)
        write_site(folder, 1, junction)
        command = [sys.executable, str(ROOT / "benchmarks/fleet_cabinets.py"), str(folder), str(number)]
        cabinets = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            ports = json.loads(cabinets.stdout.readline())  # type: ignore[union-attr]
            approved = approved_tables(write_site(folder, ports[0], junction))
            (folder / "drill.toml").unlink()
            for k, port in enumerate(ports):
                write_site(folder, port, junction, approved, f"site{k:03}")
            command = [sys.executable, __file__, "--fleet", str(folder), "--seconds", str(seconds)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        finally:
            cabinets.terminate()
            said = cabinets.communicate()[0]
        figures: Figures = json.loads(told.splitlines()[-1]) | {"load": os.getloadavg()[0]}
        return figures | {f"cabinets_{what}": value for what, value in json.loads(said.splitlines()[-1]).items()}


def fleet(folder: Path, seconds: float) -> Figures:
    """Run the sites of a folder here, until they have been active for so long."""
    running = Fleet(Run(folder), sites_in(folder)[0], Console(file=io.StringIO()))
    figures: Figures = {}

    def watch() -> None:
        """Take the processor's time between two moments, then stop as Ctrl-C would."""
        until_s = time.monotonic() + ENGAGED_WITHIN_S
        while engaged(running) < len(running.rows) and time.monotonic() < until_s:
            time.sleep(0.1)
        began_s, used_s = time.monotonic(), time.process_time()
        time.sleep(seconds)
        cores = (time.process_time() - used_s) / (time.monotonic() - began_s)
        rows, newest = [row.standing for row in running.rows], -int(seconds)
        clocks = [row.clock for row in running.rows if row.standing.ticks]
        late_s = [each for clock in clocks for each in list(clock.lateness_s)[newest:]]
        done_s = [each for clock in clocks for each in list(clock.done_s)[newest:]]
        figures.update(
            junctions=len(rows),
            engaged=engaged(running),
            cores=cores,
            junctions_per_core=len(rows) / cores,
            ticks=len(done_s),
            lateness_p99_s=float(np.percentile(late_s, 99)),
            done_p50_s=float(np.percentile(done_s, 50)),
            done_p99_s=float(np.percentile(done_s, 99)),
            changes=sum(row.changes for row in rows),
            memory_mib=memory_mb() / 1.048576,
        )
        running.stop("measured")

    threading.Thread(target=watch, daemon=True).start()
    running.run()
    return figures


def engaged(running: Fleet) -> int:
    """How many sites have their cabinet."""
    return sum(row.standing.state in ENGAGED - {State.ENGAGING} for row in running.rows)


def show(title: str, figures: Figures) -> None:
    """One part, a line a figure."""
    print(title)
    for name, value in figures.items():
        print(f"  {name:20} {value:.4g}" if isinstance(value, float) else f"  {name:20} {value}", flush=True)


def verdict(path: Figures, fleets: Sequence[Figures]) -> list[str]:
    """What is not as it must be, a line each."""
    found = []
    if float(path["junctions_per_core"]) < WANTED:
        found.append(f"control path: {path['junctions_per_core']:.0f} junctions a core, must be at least {WANTED}")
    if float(path["lateness_p99_s"]) > MOST_LATE_S:
        found.append(f"control path: lateness p99 {path['lateness_p99_s']:.2f} s, must be at most {MOST_LATE_S:g}")
    for each in fleets:
        if each["engaged"] != each["junctions"]:
            found.append(f"fleet of {each['junctions']}: {each['engaged']} engaged, must be all")
        if each["junctions"] == 1 and float(each["done_p99_s"]) > MOST_DONE_S:
            found.append(f"one junction: decided and done within {each['done_p99_s']:.2f} s, must be {MOST_DONE_S:g}")
    return found


def main() -> int:
    """Read the command line, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--junctions", type=int, default=JUNCTIONS, help="of the control path alone")
    parser.add_argument("--ticks", type=int, default=TICKS, help="of the control path alone")
    parser.add_argument("--fleets", type=int, nargs="*", default=FLEETS, help="numbers of junctions over SNMP")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for which each fleet is measured")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fleet", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fleet:
        print(json.dumps(fleet(asked.fleet, asked.seconds)))
        return 0
    machine = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
    told = {**machine, "cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    show("control path alone, one batch", path := control_path(asked.junctions, asked.ticks))
    fleets = []
    for number in asked.fleets:
        long = number == 1 and asked.seconds == SECONDS
        fleets.append(snmp(number, ALONE_S if long else asked.seconds))
        show(f"{number} junctions over SNMP", fleets[-1])
    if asked.json:
        asked.json.write_text(json.dumps({**told, "control_path": path, "snmp": fleets}, indent=1), encoding="utf-8")
    wrong = verdict(path, fleets)
    print("\n".join(wrong) or "enough")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
