"""How fast there is something to learn from: `python benchmarks/training_speed.py --json FILE` (a few minutes).

Environment steps a second, all junctions in one, under random stages every 5 s, with features and masks and without a
learner, beside sumo-rl over libsumo on the same demand. *loop / own step* is the wall time over the time inside SUMO's
own steps: the part that is ours, whatever the traffic that random stages make. Every measurement has a process of its
own; repetitions are interleaved; the figure is their median.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.overhead import NETWORKS, PEER_DECISION_S, REPETITIONS, ask, find_peer, spread, tell  # noqa: E402
from experiments.demand import draw_demand  # noqa: E402
from scenarios.catalogue import find  # noqa: E402

TICKS_S = (5, 1)
"""How often loops are read between two decisions; sumo-rl looks every 5 s."""
TARGET = 1.25
Figures = dict[str, Any]


def measured(network: str, folder: Path, peer: Path | None) -> dict[str, Figures]:
    """One repetition, by who was measured."""
    made = {
        f"ours, read every {tick_s} s": ask(
            Path(sys.executable),
            "-m",
            "benchmarks.training_loop",
            network,
            str(folder),
            str(PEER_DECISION_S),
            str(tick_s),
        )
        for tick_s in TICKS_S
    }
    if peer:
        scenario = find(network)
        routes = draw_demand(scenario, 1.0, 0, folder).route_file
        span_s = int(scenario.end_s - scenario.begin_s)
        words = (str(scenario.net_file), str(routes), str(int(scenario.begin_s)), str(span_s), str(PEER_DECISION_S))
        made["sumo-rl over libsumo"] = ask(peer, "benchmarks/peer_loop.py", *words)
    return made


def row_of(network: str, who: str, runs: list[Figures], peers: list[Figures]) -> Figures:
    """One row of the table; the ratio is of steps a second, pair by pair."""
    rates = [run["steps"] / run["loop_s"] for run in runs]
    row: Figures = {
        "network": network,
        "who": who,
        "steps_per_s": spread(rates),
        "loop_per_own_step": spread([run["loop_s"] / run["own_step_s"] for run in runs]),
        "vehicles_at_end": spread([run["vehicles_at_end"] for run in runs]),
    }
    if peers:
        theirs = [run["steps"] / run["loop_s"] for run in peers]
        row["times_sumo_rl"] = spread([a / b for a, b in zip(rates, theirs, strict=True)])
    return row


def table(rows: list[Figures]) -> Table:
    """What is printed: medians, with least and most in brackets."""
    shown = Table("network", "who", "steps / s", "loop / own step", "times sumo-rl", "vehicles at the end")
    for row in rows:
        times = tell(row["times_sumo_rl"]) if "times_sumo_rl" in row else "-"
        cells = [tell(row["steps_per_s"]), tell(row["loop_per_own_step"]), times]
        shown.add_row(row["network"], row["who"], *cells, f"{row['vehicles_at_end']['median']:.0f}")
    return shown


def main() -> None:
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help="how often everything is measured")
    arguments = parser.parse_args()
    console, rows = Console(width=max(150, Console().width)), []
    peer = find_peer(console)
    with tempfile.TemporaryDirectory(prefix="training-speed-") as folder:
        runs = [{name: measured(name, Path(folder), peer) for name in NETWORKS} for _ in range(arguments.repetitions)]
    for name in NETWORKS:
        peers = [run[name]["sumo-rl over libsumo"] for run in runs] if peer else []
        rows += [row_of(name, who, [run[name][who] for run in runs], peers) for who in runs[0][name]]
    console.print(table(rows))
    for row in rows:
        if row["who"].startswith(f"ours, read every {TICKS_S[0]}") and row.get("times_sumo_rl"):
            reached = row["times_sumo_rl"]["median"]
            console.print(f"{row['network']}: {reached:.2f} times sumo-rl, target {TARGET}", highlight=False)
    if arguments.json:
        content = {"cores": os.cpu_count(), "repetitions": arguments.repetitions, "target": TARGET, "rows": rows}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
