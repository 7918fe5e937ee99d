"""What our path costs beside SUMO itself: `python benchmarks/overhead.py --json overhead.json` (some minutes).

Per network and decision interval, with `max-pressure` through the whole path (observe, decide, permit, apply):
*loop / own step* is the wall time of the loop over the time inside `simulationStep` in the same run, *loop / replay*
that of the loop over raw SUMO showing the very signals that were shown, and beside it sumo-rl's loop / own step over
libsumo. Every measurement has a process of its own; repetitions are interleaved; the figure is their median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import sumo as sumo_wheel  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.peer_environment import python as peer_python  # noqa: E402
from experiments.demand import draw_demand  # noqa: E402
from scenarios.catalogue import find  # noqa: E402

NETWORKS = ("resco:cologne1", "resco:cologne8", "resco:grid4x4")
DECISIONS_S = (1, 5)
PEER_DECISION_S = 5
REPETITIONS = 3
BOUNDS = {1: 2.0, 5: 1.3}
VERSIONS = ("numpy", "libsumo", "eclipse-sumo", "sumo-rl")
SHARES = ("SUMO", "reading", "estimation", "decision", "interlock", "applying", "rest")
Figures = dict[str, Any]


def ask(python: Path, *arguments: str) -> Figures:
    """What a measurement's process says in its last line; its whole error output where it fails."""
    environment = os.environ | {
        "LIBSUMO_AS_TRACI": "1",
        "SUMO_HOME": str(Path(sumo_wheel.__file__).parent),
        "OMP_NUM_THREADS": "1",
    }
    result = subprocess.run([str(python), *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(arguments[:3])} failed:\n{result.stderr.strip()}")
    answer: Figures = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


class Network:
    """One network with its demand and the programs recorded on it, measured again and again."""

    def __init__(self, name: str, folder: Path, peer: Path | None) -> None:
        self.name, self._scenario, self._peer = name, find(name), peer
        self._folder = folder / name.replace(":", "-")
        self._routes = draw_demand(self._scenario, 1.0, 0, self._folder).route_file
        self.prepared = {s: self._prepare(s) for s in DECISIONS_S}
        self.loops: dict[int, list[Figures]] = {s: [] for s in DECISIONS_S}
        self.replays: dict[int, list[Figures]] = {s: [] for s in DECISIONS_S}
        self.peers: list[Figures] = []

    def _street(self, mode: str, decision_s: int) -> Figures:
        programs = self._folder / f"programs-{decision_s}.add.xml"
        words = (mode, self.name, str(self._routes), str(decision_s), str(programs))
        return ask(Path(sys.executable), "-m", "benchmarks.street_loop", *words)

    def _prepare(self, decision_s: int) -> Figures:
        """What was shown, whether raw SUMO repeats it, and the shares; a second run in one process may not repeat."""
        told, again = self._street("record", decision_s), self._street("check", decision_s)
        shares = self._street("profile", decision_s)["shares"]
        same = told["trips"] == again["trips"]
        return {"traffic": told["traffic"], "replay_is_identical": same, "shares": shares}

    def measure(self) -> None:
        """One repetition of everything, the peer next to what it is compared with."""
        for decision_s in DECISIONS_S:
            self.loops[decision_s].append(self._street("loop", decision_s))
            self.replays[decision_s].append(self._street("replay", decision_s))
        if self._peer:
            files = (str(self._scenario.net_file), str(self._routes))
            begin_s, span_s = int(self._scenario.begin_s), int(self._scenario.end_s - self._scenario.begin_s)
            words = (*files, str(begin_s), str(span_s), str(PEER_DECISION_S))
            self.peers.append(ask(self._peer, "benchmarks/peer_loop.py", *words))

    def figures(self, decision_s: int) -> Figures:
        """The figures of one row of the table."""
        loops, replays, prepared = self.loops[decision_s], self.replays[decision_s], self.prepared[decision_s]
        same = {prepared["traffic"], *(f["traffic"] for f in (*loops, *replays))}
        row = {
            "network": self.name,
            "decision_s": decision_s,
            "loop_s": spread([f["loop_s"] for f in loops]),
            "loop_per_own_step": spread([f["loop_s"] / f["own_step_s"] for f in loops]),
            "loop_per_replay": spread([a["loop_s"] / b["loop_s"] for a, b in zip(loops, replays, strict=True)]),
            "cpu_per_replay_cpu": spread([a["cpu_s"] / b["cpu_s"] for a, b in zip(loops, replays, strict=True)]),
            "replay_is_identical": prepared["replay_is_identical"] and len(same) == 1,
            "shares": prepared["shares"],
            "bound": BOUNDS[decision_s],
        }
        if decision_s == PEER_DECISION_S and self.peers:
            row["sumo_rl_loop_s"] = spread([f["loop_s"] for f in self.peers])
            row["sumo_rl_loop_per_own_step"] = spread([f["loop_s"] / f["own_step_s"] for f in self.peers])
        return row


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def find_peer(console: Console) -> Path | None:
    """A Python with sumo-rl, or None and a line that says why not."""
    try:
        return peer_python()
    except subprocess.CalledProcessError as error:
        said = (error.stderr or str(error)).strip().splitlines()[-1]
        console.print(f"sumo-rl is not measured, it cannot be installed: {said}", highlight=False)
        return None


def table(rows: list[Figures]) -> Table:
    """What is printed: medians, with least and most in brackets."""
    shown = Table("network", "decisions", "loop / own step", "bound", "loop / replay", "same", "sumo-rl", *SHARES)
    for row in rows:
        cells = [row["network"], f"{row['decision_s']} s", tell(row["loop_per_own_step"]), f"{row['bound']:.1f}"]
        cells += [tell(row["loop_per_replay"]), "yes" if row["replay_is_identical"] else "NO"]
        cells += [tell(row["sumo_rl_loop_per_own_step"]) if "sumo_rl_loop_per_own_step" in row else "-"]
        shown.add_row(*cells, *(f"{100 * row['shares'][name]:.0f} %" for name in SHARES))
    return shown


def tell(figure: dict[str, float]) -> str:
    return f"{figure['median']:.2f} ({figure['min']:.2f}-{figure['max']:.2f})"


def missed(rows: list[Figures]) -> list[str]:
    """Every target that was not reached, in a line each."""
    lines = []
    for row in rows:
        name, reached = f"{row['network']}, {row['decision_s']} s", row["loop_per_own_step"]["median"]
        if reached > row["bound"]:
            lines.append(f"{name}: loop / own step {reached:.2f}, bound {row['bound']:.1f}")
        peer = row.get("sumo_rl_loop_per_own_step")
        if peer and reached >= peer["median"]:
            lines.append(f"{name}: loop / own step {reached:.2f}, sumo-rl's {peer['median']:.2f}")
        if not row["replay_is_identical"]:
            lines.append(f"{name}: raw SUMO did not reproduce the run, so loop / replay compares different traffic")
    return lines


def main() -> None:
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--quick", action="store_true", help="one repetition instead of three")
    arguments = parser.parse_args()
    console, started_s = Console(width=max(150, Console().width)), time.monotonic()
    repetitions = 1 if arguments.quick else REPETITIONS
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        peer = find_peer(console)
        networks = [Network(name, Path(folder), peer) for name in NETWORKS]
        for number in range(repetitions):
            for network in networks:
                print(f"repetition {number + 1} of {repetitions}: {network.name}", file=sys.stderr, flush=True)
                network.measure()
        rows = [network.figures(decision_s) for network in networks for decision_s in DECISIONS_S]
    console.print(table(rows))
    for line in missed(rows):
        console.print(f"missed: {line}", highlight=False)
    versions = {name: version(name) for name in VERSIONS} | {"python": platform.python_version()}
    console.print(f"{', '.join(f'{k} {v}' for k, v in versions.items())}; {time.monotonic() - started_s:.0f} s")
    if arguments.json:
        content = {"versions": versions, "cores": os.cpu_count(), "repetitions": repetitions, "rows": rows}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
