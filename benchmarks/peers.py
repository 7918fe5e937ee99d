"""Ours beside a peer's learner: `python benchmarks/peers.py --minutes 5 --seeds 3 --json FILE` (an hour; it goes on).

`train.py` and stable-baselines3's PPO on sumo-rl's environment over libsumo learn for the same wall time on the same
demand draws (100-199), with one simulation at a time; sumo-rl as it comes, with our clearances, and tuned with them.
All are then driven through the same evaluation draws until the last vehicle is out, and their delay is by our
accounting, read from SUMO's trips. sumo-rl sees the simulation's truth in every lane. As it comes it changes stages by
2 s of yellow alone, which loses less time than any controller of ours may: that row is to be seen, not to be compared.
On a machine that others use wall time says little: with `--processor-time` a peer has the time of processors that ours
took, its evaluations of checkpoints included.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import pandas as pd  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.peer_work import OURS, THEIRS, Figures, Work, run  # noqa: E402
from experiments.console import BAD_INPUT, INTERRUPTED, complain, output  # noqa: E402
from experiments.store import write_whole  # noqa: E402
from signals.errors import ConfigError, PlantError  # noqa: E402

NETWORKS = ("cologne1",)
LEARNED = ("decisions", "wall_s", "cpu_s")


def summary(rows: list[Figures], network: str) -> list[Figures]:
    """A row for each training, and for each controller that need not learn: its mean delay over the draws."""
    told = pd.DataFrame(rows).assign(delay_s=lambda of: of.delay_s.astype(float))
    made = []
    for (who, _), of in told.groupby(["who", "seed"], dropna=False, sort=False):
        first = {name: rows[int(of.index[0])].get(name) for name in ("seed", *LEARNED)}
        delay = {"delay_s": float(of.delay_s.mean()), "gridlocks": int(of.gridlock.sum()), "draws": len(of)}
        made.append({"network": network, "who": str(who), **first, **delay})
    return made


def behind(rows: list[Figures]) -> list[str]:
    """Where ours is not ahead of every training of a peer that has our clearances, in a line each."""
    ours = max(row["delay_s"] for row in rows if row["who"] == OURS)
    return [
        f"{row['network']}: {row['who']}, seed {row['seed']}: {row['delay_s']:.1f} s, our worst seed {ours:.1f} s"
        for row in rows
        if row["who"] in THEIRS and not THEIRS[row["who"]].get("own_yellow") and row["delay_s"] <= ours
    ]


def table(rows: list[Figures]) -> Table:
    """What is printed."""
    shown = Table("network", "who", "seed", "delay, s per vehicle", "gridlocks", "decisions", "wall, min", "CPU, min")
    for row in rows:
        cells = [row["network"], row["who"], "-" if row["seed"] is None else str(row["seed"]), f"{row['delay_s']:.1f}"]
        cells += [f"{row['gridlocks']} of {row['draws']}"]
        if row["decisions"] is not None:
            cells += [f"{row['decisions']:.0f}", f"{row['wall_s'] / 60:.1f}", f"{row['cpu_s'] / 60:.1f}"]
        shown.add_row(*cells)
    return shown


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS, help="where to learn")
    parser.add_argument("--minutes", type=float, default=5.0, help="wall time of each training")
    parser.add_argument("--processor-time", action="store_true", help="a peer has the processor time that ours took")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each, with seeds 1, 2, ...")
    parser.add_argument("--draws", type=int, default=5, help="draws that all are driven through")
    parser.add_argument("--first-draw", type=int, default=225, help="the first; 200 and up are for evaluation")
    parser.add_argument("--out", type=Path, default=Path("results/peers"), help="folder of what is finished")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    arguments = parser.parse_args()
    for name in ("minutes", "seeds", "draws"):
        if not 0 < getattr(arguments, name) < float("inf"):
            parser.error(f"--{name} {getattr(arguments, name)}: must be above 0 and finite")
    return arguments


def main() -> None:
    """Parse, run, print, write."""
    arguments = parsed()
    out, json_file = arguments.out.resolve(), arguments.json.resolve() if arguments.json else None
    os.chdir(ROOT)
    draws, rows = range(arguments.first_draw, arguments.first_draw + arguments.draws), list[Figures]()
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        for network in arguments.networks:
            work = Work(network, arguments.minutes, draws, out, processor=arguments.processor_time)
            rows += summary(run(work, range(1, arguments.seeds + 1), Path(folder)), network)
    output().print(table(rows))
    for line in behind(rows):
        print(f"missed: {line}")
    if json_file:
        content = {
            "minutes": arguments.minutes,
            "processor_time": arguments.processor_time,
            "draws": list(draws),
            "cores": os.cpu_count(),
            "rows": rows,
        }
        write_whole(json_file, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except (ConfigError, PlantError) as error:
        complain(f"error: {error}")
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        complain("stopped: trainings and drives that are finished are kept; the same command goes on from there")
        sys.exit(INTERRUPTED)
