"""Every network that the two wheels bring, by path and unedited: `python benchmarks/any_network.py --json any.json`.

Each is described, and run with `existing`, `actuated` and `max-pressure` at today's demand. Told per network: how many
signals are controlled, and per controller the delay, the longest starvation and the draws that gridlocked. A network
without routes gets trips by SUMO's randomTrips between its outer edges. Resumable: what is finished in --out is not
run again. (That `existing` gives the trips of raw SUMO on each of them is tests/simulation/test_identity.py's.)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import pandas as pd  # noqa: E402
import sumolib  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from experiments.engine import core_count  # noqa: E402
from experiments.evaluation import run_grid  # noqa: E402
from experiments.grid import grid  # noqa: E402
from reports.describe import describe  # noqa: E402
from scenarios.catalogue import RESCO, RESCO_PREFIX, find  # noqa: E402
from scenarios.sumo_tools import package_folder  # noqa: E402
from signals.errors import ConfigError  # noqa: E402

CONTROLLERS = ("existing", "actuated", "max-pressure")
STARVED_S = 240.0
MADE_TRIPS_END_S = 2400
MADE_TRIPS_VEH_PER_H_PER_LANE = 150.0
Row = dict[str, Any]


def scenarios(folder: Path) -> list[str]:
    """RESCO by name, then every configuration of the wheels, then every network that none of them names."""
    configured = configurations()
    named = {find(name).net_file for name in configured}
    bare = (n for wheel in wheels() for ending in ("*.net.xml", "*.net.xml.gz") for n in wheel.rglob(ending))
    others = sorted(n for n in bare if n.resolve() not in named and "RESCO" not in n.parts and signals_of(n))
    resco = [RESCO_PREFIX + name for name in RESCO]
    return [*resco, *configured, *(f"{network},{made_trips(network, folder)}" for network in others)]


def wheels() -> tuple[Path, Path]:
    """Where the two packages keep their networks."""
    return package_folder("sumo", "eclipse-sumo"), package_folder("sumo_rl", "sumo-rl") / "nets"


def configurations() -> list[str]:
    """Every configuration of the wheels whose network has signals, RESCO's apart; what cannot be found is named."""
    found = []
    for configuration in sorted(c for wheel in wheels() for c in wheel.rglob("*.sumocfg") if "RESCO" not in c.parts):
        try:
            network = find(str(configuration)).net_file
        except ConfigError as error:
            print(f"left out: {error}", file=sys.stderr)
        else:
            if signals_of(network):
                found.append(str(configuration))
    return found


@cache
def signals_of(network: Path) -> int:
    """As SUMO's own reader counts them, so that a network that ours cannot read is not passed over."""
    return len(sumolib.net.readNet(str(network), withPrograms=True).getTrafficLights())


def made_trips(network: Path, folder: Path) -> Path:
    """Routes between the outer edges of a network that brings none."""
    folder.mkdir(parents=True, exist_ok=True)
    routes = folder.resolve() / f"{network.parent.name}-{network.name.partition('.')[0]}.rou.xml"
    if not routes.is_file():
        edges = sumolib.net.readNet(str(network)).getEdges()
        entries = sum(edge.getLaneNumber() for edge in edges if not edge.getIncoming() and edge.allows("passenger"))
        period_s = 3600.0 / (MADE_TRIPS_VEH_PER_H_PER_LANE * max(entries, 1))
        home = package_folder("sumo", "eclipse-sumo")
        words = [sys.executable, str(home / "tools" / "randomTrips.py"), "--net-file", str(network), "--seed", "1"]
        words += ["--route-file", str(routes), "--output-trip-file", str(routes.with_suffix(".trips.xml"))]
        words += ["--fringe-factor", "1000", "--period", f"{period_s:g}", "--end", str(MADE_TRIPS_END_S), "--validate"]
        environment = os.environ | {"SUMO_HOME": str(home)}
        subprocess.run(words, check=True, capture_output=True, text=True, cwd=folder, env=environment)
    return routes


def rows_of(name: str, cases: pd.DataFrame) -> list[Row]:
    """One row a controller: means of the draws, the worst starvation, the number of gridlocks."""
    rows = []
    for controller, own in cases[cases.scenario == name].groupby("controller", sort=False):
        rows.append(
            {
                "scenario": name,
                "controller": str(controller),
                "draws": len(own),
                "signals": int(own.junctions.iloc[0]),
                "controlled": int(own.junctions_controlled.iloc[0]),
                "delay_s": float(own.delay_s.mean()),
                "starve_max_s": float(own.starve_max_s.max()),
                "gridlocks": int(own.gridlock.sum()),
                "never_entered_at_cap": float(own.never_entered_at_cap.mean()),
            }
        )
    return rows


def missed(rows: list[Row]) -> list[str]:
    """Every promise that was not kept, in a line each."""
    existing = {r["scenario"]: r for r in rows if r["controller"] == "existing"}
    lines = []
    for row in rows:
        name, base = short(row["scenario"]), existing.get(row["scenario"])
        if row["controller"] != "max-pressure" or base is None:
            continue
        if row["starve_max_s"] >= max(STARVED_S, base["starve_max_s"]):
            lines.append(f"{name}: starves {row['starve_max_s']:.0f} s, existing {base['starve_max_s']:.0f} s")
        if row["gridlocks"] > base["gridlocks"]:
            lines.append(f"{name}: gridlock in {row['gridlocks']} draws, existing in {base['gridlocks']}")
    return lines


def short(scenario: str) -> str:
    """A name that fits into a table: the last folder and the file."""
    return "/".join(scenario.partition(",")[0].split("/")[-2:])


def table(rows: list[Row]) -> Table:
    shown = Table("scenario", "controlled", "controller", "delay s/veh", "starve max s", "gridlocks", "never entered")
    for row in rows:
        cells = short(row["scenario"]), f"{row['controlled']}/{row['signals']}", row["controller"]
        figures = f"{row['delay_s']:.1f}", f"{row['starve_max_s']:.0f}", f"{row['gridlocks']}/{row['draws']}"
        shown.add_row(*cells, *figures, f"{row['never_entered_at_cap']:.1f}")
    return shown


def main() -> None:
    """Parse, describe, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--out", type=Path, default=Path("results/any-network"), help="results folder")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--first-draw", type=int, default=0)
    parser.add_argument("--workers", type=int, default=core_count())
    parser.add_argument("--only", metavar="TEXT", default="", help="scenarios whose name contains this")
    words = parser.parse_args()
    names = [name for name in scenarios(words.out.with_name(words.out.name + "-trips")) if words.only in name]
    for name in names:
        describe(name)
    console = Console(width=max(150, Console().width))
    cases = grid(names, CONTROLLERS, [1.0], words.draws, words.first_draw)
    done = run_grid(cases, words.out, words.workers, "existing", " ".join(sys.argv))
    rows = [] if done.cases is None else [row for name in names for row in rows_of(name, done.cases)]
    console.print(table(rows))
    faults = missed(rows) + [f"{short(f.case.scenario)} {f.case.controller}: {f.message}" for f in done.failures]
    for line in faults:
        console.print(f"missed: {line}", highlight=False)
    if words.json:
        words.json.write_text(json.dumps({"rows": rows, "missed": faults}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
