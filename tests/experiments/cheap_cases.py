"""Cases that cost nothing, for tests of the engine: rows as `run_case` makes them, and cases that go wrong."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

from experiments.case import Case
from experiments.schema import COLUMNS, DTYPES
from signals.errors import PlantError

SPEED_UP = {"existing": 1.0, "actuated": 0.8, "max-pressure": 0.5}
HERE = "tests.experiments.cheap_cases"


def run(case: Case, work: Path) -> dict[str, Any]:
    """A row that depends on the case alone."""
    assert not list(work.iterdir())
    (work / "left.txt").write_text("the engine clears this away")
    dice = np.random.default_rng([case.draw, round(100 * case.demand)])
    delay_s = SPEED_UP.get(case.controller, 1.0) * dice.lognormal(4.0, 0.3)
    return row(case) | {"delay_s": delay_s, "demand_digest": f"draw{case.draw}", "seed": np.int64(case.draw)}


def row(case: Case, **measures: Any) -> dict[str, Any]:
    kinds = {"float64": 10.0, "int64": 3, "str": "digest", "bool": False}
    place = {"scenario": case.scenario, "controller": case.controller, "demand": case.demand, "draw": case.draw}
    place |= {"faults": case.faults, "delay_by_junction": ""}
    return {column: kinds[DTYPES[column]] for column in COLUMNS} | place | measures


def raise_in_draw_1(case: Case, work: Path) -> dict[str, Any]:
    if case.draw == 1:
        raise PlantError("edge 'a': no\nroute")
    return run(case, work)


def stumble_in_draw_1(case: Case, work: Path) -> dict[str, Any]:
    if case.draw == 1:
        raise ZeroDivisionError("division by zero")
    return run(case, work)


def stumble_always(case: Case, work: Path) -> dict[str, Any]:
    raise ZeroDivisionError("division by zero")


def segfault_in_draw_1(case: Case, work: Path) -> dict[str, Any]:
    if case.draw == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    return run(case, work)


def quit_in_draw_1(case: Case, work: Path) -> dict[str, Any]:
    """As SUMO does on some broken input: says so on standard error, and takes the process with it."""
    if case.draw == 1:
        os.write(2, b"Warning: the lane is short.\nError: Vehicle 'v7' has no valid route.\nQuitting (on error).\n")
        os._exit(3)
    print("chatter", file=sys.stderr)
    return run(case, work)


def wait_for_ever_from_draw_2(case: Case, work: Path) -> dict[str, Any]:
    if case.draw >= 2:
        signal.pause()
    return run(case, work)


def lack_a_column(case: Case, work: Path) -> dict[str, Any]:
    return {name: value for name, value in run(case, work).items() if name != "co2_kg"}


def run_a_curve(case: Case, work: Path) -> dict[str, Any]:
    """Delay that grows with demand and passes 55 s, sooner without control."""
    carries = {"existing": 1.0, "max-pressure": 1.6}.get(case.controller, 1.2) * (1 + 0.02 * (case.draw % 100))
    return run(case, work) | {"delay_per_signal_s": 55.0 * case.demand / carries}


def run_beside_a_strong_plan(case: Case, work: Path) -> dict[str, Any]:
    """The same, where an optimised plan carries twice of what all others do."""
    carries = 2.0 if case.controller.startswith("fixed-time:") else 1.0
    return run(case, work) | {"delay_per_signal_s": 55.0 * case.demand / carries}


def wait_where_doomed(case: Case, work: Path) -> dict[str, Any]:
    """On a node with DOOMED in its environment never done; the file of that name says that it has begun."""
    if doomed := os.environ.get("DOOMED"):
        Path(doomed).touch()
        signal.pause()
    return run(case, work)
