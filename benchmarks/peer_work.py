"""What `peers.py` runs on one network: trainings for a time, ours and sumo-rl's, and drives of what they have learned.

Whatever is finished is kept in the work's folder and not run again.
"""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.overhead import ROOT, ask
from experiments.case import place_of
from experiments.console import INTERRUPTED, errors
from experiments.demand import draw_demand
from experiments.evaluation import run_grid
from experiments.grid import grid
from experiments.store import write_whole
from models.settings import TRAINING_DRAWS, read_settings
from scenarios.catalogue import find
from signals.errors import PlantError
from signals.layout import layout
from signals.sequencer import interstages_s
from simulation.measures import accounts, read_trips, window_of
from simulation.street import run_options

OURS, BASELINES = "train.py", ("existing", "max-pressure", "adaptive")
THEIRS: dict[str, dict[str, Any]] = {
    "sumo-rl, our yellow": {"environment": {}, "learner": {}},
    "sumo-rl tuned, our yellow": {
        "environment": {"reward_fn": "queue", "add_system_info": False, "add_per_agent_info": False},
        "learner": {
            "learning_rate": 1e-3,
            "normalise_reward": True,
            "n_steps": 256,
            "batch_size": 64,
            "gamma": 0.95,
        },
    },
    "sumo-rl as it comes": {"environment": {}, "learner": {}, "own_yellow": True},
}
"""Settings of sumo-rl's environment and of PPO where they are not the default; the first two of the learner's are
explained by `peer_learner.train`. With `own_yellow` it changes stages by its own 2 s of yellow and loses less time than
any controller of ours may: the clearances are no longer those of the comparison."""
SET_BY_PEER = ("net-file", "route-files", "begin", "seed", "time-to-teleport", "no-warnings")
CASE = ("controller", "draw", "delay_s", "gridlock")
LEARNER = "benchmarks/peer_learner.py"
Figures = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """A network, how long whoever learns may learn, and the draws and multiple that all are driven through."""

    network: str
    minutes: float
    draws: range
    out: Path
    demand: float = 1.0
    processor: bool = False
    """Whether a peer has as much processor time as ours took, rather than the minutes of wall time."""

    @property
    def settings(self) -> Path:
        """What `train.py` is told, and which demand both train on."""
        return ROOT / "benchmarks" / f"{self.network}.toml"

    @property
    def scenario(self) -> str:
        """Its name in the catalogue."""
        return f"resco:{self.network}"

    def folder(self, who: str, seed: int) -> Path:
        """Where a training and its figures are kept."""
        name = f"{who.replace(' ', '-')}-{seed}-{self.minutes:g}-minutes"
        return self.out / self.network / (f"{name}-cpu" if self.processor else name)


def kept(file: Path, make: Callable[[], Figures]) -> Figures:
    """Figures from their file, or made and kept there whole."""
    if not file.is_file():
        made = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(made, indent=1) + "\n")
    figures: Figures = json.loads(file.read_text(encoding="utf-8"))
    return figures


def run(work: Work, seeds: Sequence[int], folder: Path) -> list[Figures]:
    """A row for each training and draw, and for each controller that need not learn and draw."""
    rows: list[Figures] = []
    for seed in seeds:
        for who in (OURS, *THEIRS):
            errors.print(f"{work.network}, seed {seed}: {who}", markup=False)
            rows += _trained(work, who, seed, folder)
    return rows + [{**row, "who": row["controller"]} for row in _cases(work, BASELINES)]


def _trained(work: Work, who: str, seed: int, folder: Path) -> list[Figures]:
    place = work.folder(who, seed)
    if who == OURS:
        made = kept(place / "training.json", lambda: train_ours(work, seed))
        driven = _cases(work, [f"learned:{place / 'policy'}"])
    else:
        made = kept(place / "training.json", lambda: train_theirs(work, who, seed, folder, limit_s(work, seed)))
        driven = [
            kept(place / f"draw-{draw}.json", lambda draw=draw: drive_theirs(work, who, seed, draw, folder))  # type: ignore[misc]
            for draw in work.draws
        ]
    return [{**made, **row, "who": who, "seed": seed} for row in driven]


def _cases(work: Work, controllers: Sequence[str]) -> list[Figures]:
    """Our controllers on the same draws, as `evaluate.py run` has them."""
    cases = grid([work.scenario], controllers, [work.demand], len(work.draws), work.draws[0])
    found = run_grid(cases, work.out / work.network / "cases", 1, BASELINES[0], "peers.py")
    if found.failures or found.cases is None:
        raise PlantError(f"{work.network}: {found.failures[0].message}")
    wanted = found.cases[found.cases.controller.isin(controllers) & found.cases.draw.isin(work.draws)]
    return [
        {"controller": name, "draw": draw, "delay_s": delay_s, "gridlock": gridlock}
        for name, draw, delay_s, gridlock in zip(*(wanted[name] for name in CASE), strict=True)
    ]


def train_ours(work: Work, seed: int) -> Figures:
    """Run `train.py` until it is through, or interrupt it at the end of its time: it saves and exports its best."""
    folder, started_s, before_s = work.folder(OURS, seed), time.monotonic(), _children_s()
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "train.py", str(work.settings), "--seed", str(seed), "--out", str(folder / "policy")]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE, text=True)
    said = _until(process, 60.0 * work.minutes)
    manifest = folder / "policy" / "last" / "manifest.json"
    if process.returncode not in (0, INTERRUPTED) or not manifest.is_file():
        told = said.strip().splitlines()[-1:] or ["no word"]
        raise PlantError(f"train.py, seed {seed}, {work.minutes:g} minutes: nothing is exported: {told[0]}")
    made = json.loads(manifest.read_text(encoding="utf-8"))["training"]
    return {"decisions": made["steps"], "wall_s": time.monotonic() - started_s, "cpu_s": _children_s() - before_s}


def _until(process: subprocess.Popen[str], limit_s: float) -> str:
    """What it said, after it has ended by itself or was interrupted at its limit; our own Ctrl-C ends it at once."""
    try:
        return process.communicate(timeout=limit_s)[1]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.communicate()[1]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _children_s() -> float:
    """CPU time of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def limit_s(work: Work, seed: int) -> float:
    """How long a peer may learn, with the seed that ours has learned with before."""
    ours = json.loads((work.folder(OURS, seed) / "training.json").read_text(encoding="utf-8"))
    return float(ours["cpu_s"]) if work.processor else 60.0 * work.minutes


def train_theirs(work: Work, who: str, seed: int, drawn: Path, limit_s: float) -> Figures:
    """Learn on the draws and multiples that ours does; the window is an episode, as it is in sumo-rl's examples."""
    scenario, multiples = find(work.scenario), read_settings(work.settings, {"out": "unused"})[0].demand
    draws = range(TRAINING_DRAWS[0], TRAINING_DRAWS[1] + 1)
    routes = [draw_demand(scenario, multiple, draw, drawn).route_file for multiple in multiples for draw in draws]
    work.folder(who, seed).mkdir(parents=True, exist_ok=True)
    told = spec(work, who, seed, scenario.end_s - scenario.begin_s, routes)
    told |= {"limit_s": limit_s, "processor": work.processor}
    return ask(Path(sys.executable), LEARNER, "train", json.dumps(told))


def drive_theirs(work: Work, who: str, seed: int, draw: int, folder: Path) -> Figures:
    """One draw under what sumo-rl's learner has learned; its trips are accounted for as ours are."""
    scenario = find(work.scenario)
    drawn = draw_demand(scenario, work.demand, draw, folder)
    window = window_of(scenario.begin_s, scenario.end_s, drawn.vehicles.depart_s.tolist(), scenario.rules)
    trips = folder / f"{who}-{seed}-{draw}.xml".replace(" ", "-")
    outputs = {"tripinfo-output.write-unfinished": "true", "tripinfo-output.write-undeparted": "true"}
    told = spec(work, who, seed, window.cap_s - scenario.begin_s, [drawn.route_file])
    told["options"] += "".join(
        f" --{name} {value}" for name, value in ({"tripinfo-output": str(trips)} | outputs).items()
    )
    ask(Path(sys.executable), LEARNER, "run", json.dumps(told | {"sumo_seed": draw}))
    return {"draw": draw, **accounts(read_trips(trips, drawn.vehicles, window), window)}


def clearances(work: Work) -> dict[str, int]:
    """sumo-rl has one time of yellow for all changes and no red clearance: our shortest change, in its favour.

    It must be below the time that a decision stands, 5 s unless more is needed.
    """
    change_s = interstages_s(layout(place_of(find(work.scenario)).network.intersections))
    yellow_s = round(float(change_s[change_s > 0].min()))
    return {"yellow_time": yellow_s, "delta_time": max(5, yellow_s + 1)}


def spec(work: Work, who: str, seed: int, seconds: float, routes: Sequence[Path]) -> Figures:
    """What `peer_learner.py` is told: the street as ours has it, by the options that sumo-rl does not set itself."""
    scenario, theirs = find(work.scenario), THEIRS[who]
    ours = {} if theirs.get("own_yellow") else clearances(work)
    options = run_options(place_of(scenario), routes[0], scenario.additional_files, seed)
    words = [f"--{name} {value}" for name, value in options.items() if name not in SET_BY_PEER and value]
    return {
        "environment": ours | theirs["environment"],
        "learner": theirs["learner"],
        "net": str(scenario.net_file),
        "routes": [str(route) for route in routes],
        "begin_s": int(scenario.begin_s),
        "seconds": int(seconds),
        "options": " ".join(words),
        "seed": seed,
        "policy": str(work.folder(who, seed) / "policy.zip"),
    }
