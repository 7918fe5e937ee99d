"""Trials of fixed plans: one run of SUMO with its own program each, kept on disk as they finish.

A trial goes without loops, estimator and interlock, in half the time; its plan runs from the first second.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np

from experiments.case import Case, place_of, split_name
from experiments.demand import draw_demand
from experiments.engine import Engine, Job, Outcome, crew_of
from experiments.store import one_line
from experiments.worker import Failed
from scenarios.additional import to_run
from scenarios.catalogue import find
from signals import plans
from signals.errors import PlantError
from signals.plans import PlanFile
from signals.values import Floats
from simulation.measures import accounts, check_anybody, read_trips, window_of
from simulation.plan_programs import plan_xml
from simulation.street import DRAINED_CHECK_S, run_options
from simulation.sumo import Sumo

RUN_TRIAL = "experiments.plan_trials:run_trial"
LOCKED_S = 600.0
"""Several of the longest cycles without anybody coming out, once nobody else enters the window."""


def run_trial(case: Case, work: Path) -> dict[str, Any]:
    """Delay and gridlock of the case's plan (existing, or fixed-time:FILE), by the accounting of every case."""
    scenario = find(case.scenario)
    drawn = draw_demand(scenario, case.demand, case.draw, work)
    place, file = place_of(scenario), split_name(case.controller)[1]
    additional = [*map(to_run, place.additional_files)]
    if file:
        additional.append(work / "plan.add.xml")
        additional[-1].write_text(plan_xml(place.network, plans.load(Path(file))), encoding="utf-8")
    tripinfo = work / "tripinfo.xml"
    options = {k: v for k, v in run_options(place, drawn.route_file, additional, case.draw).items() if v} | {
        "tripinfo-output": str(tripinfo),
        "tripinfo-output.write-unfinished": "true",
        "tripinfo-output.write-undeparted": "true",
    }
    window = window_of(place.begin_s, place.end_s, drawn.vehicles.depart_s.tolist())
    check_anybody(drawn.vehicles, drawn.vehicles.iloc[:0], window)
    with Sumo(options) as sumo:
        sumo.step_to(window.end_s)
        ended_s = _drain(sumo, window.cap_s)
    found = accounts(read_trips(tripinfo, drawn.vehicles, window), window)
    locked_s = found["inside_at_cap"] * (window.cap_s - ended_s) / found["scheduled"]
    return {"delay_s": found["delay_s"] + locked_s, "gridlock": found["gridlock"]}


def _drain(sumo: Sumo, cap_s: float) -> float:
    """Until all are out, or the cap; where nobody has come out for long nobody will, and who is inside waits on."""
    left, since_s = sumo.expected_vehicles, sumo.time_s
    while left and sumo.time_s < cap_s:
        if sumo.time_s - since_s >= LOCKED_S:
            return sumo.time_s
        sumo.step_to(min(cap_s, sumo.time_s + DRAINED_CHECK_S))
        if sumo.expected_vehicles != left:
            left, since_s = sumo.expected_vehicles, sumo.time_s
    return cap_s


@dataclass(frozen=True)
class Tried:
    """A plan, None for the network's own, left to itself."""

    plan: PlanFile | None

    @property
    def name(self) -> str:
        """Of fixed width, since even the length of a path may reorder SUMO's memory."""
        return self.plan.digest[:16] if self.plan else "existing"


class Trials:
    """What has been tried at one demand, and the workers that try more. `spent` counts runs asked for, kept or new."""

    def __init__(
        self, scenario: str, demand: float, kept: Path, stamp: str, workers: int | Engine, run: str = RUN_TRIAL
    ) -> None:
        self._scenario, self._demand, self._file, self._stamp = scenario, demand, kept, stamp
        self._found = dict(self._read())
        self._asked: set[tuple[str, int]] = set()
        self._open, self._crew = ExitStack(), crew_of(workers, run)
        self.done = 0
        self.advanced: Callable[[], None] = lambda: None

    def _read(self) -> Iterable[tuple[tuple[str, int], tuple[float, bool]]]:
        """Whole lines by the same code and files; a line cut by a crash is tried again."""
        with one_line(self._file):
            lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.is_file() else []
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if row["stamp"] == self._stamp:
                yield (row["plan"], row["draw"]), (row["delay_s"], row["gridlock"])

    def __enter__(self) -> Self:
        self._folder = Path(self._open.enter_context(TemporaryDirectory(prefix="plans-")))
        self._open.enter_context(self._crew)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def spent(self) -> int:
        return len(self._asked)

    @property
    def kept(self) -> int:
        """Runs on disk."""
        return len(self._found)

    def check(self) -> None:
        """Heed a Ctrl-C that came between runs."""
        self._crew.check()

    def delays_s(self, tried: Sequence[Tried], draws: Sequence[int]) -> Floats:
        """[plans, draws], running what has not been run. Raises `PlantError` where a run fails."""
        self.check()
        wanted = {(one.name, draw): one for one in tried for draw in draws}
        missing = [Job(self._case(wanted[key], key[1])) for key in wanted if key not in self._found]
        self._asked |= wanted.keys()
        self._advance(len(self._asked) - len(missing))
        self._crew.work(missing, self._keep)
        return np.array([[self._found[one.name, draw][0] for draw in draws] for one in tried])

    def gridlocked(self, tried: Tried, draws: Sequence[int]) -> int:
        """Of the draws, which have been run."""
        return sum(self._found[tried.name, draw][1] for draw in draws)

    def _case(self, tried: Tried, draw: int) -> Case:
        if tried.plan is None:
            return Case(self._scenario, "existing", self._demand, draw)
        file = self._folder / f"{tried.name}.toml"
        if not file.is_file():
            file.write_text(plans.dump(tried.plan), encoding="utf-8")
        return Case(self._scenario, f"fixed-time:{file}", self._demand, draw)

    def _keep(self, outcome: Outcome) -> None:
        case, result = outcome.job.case, outcome.result
        if isinstance(result, Failed):
            raise PlantError(f"{case.scenario} {case.controller}, draw {case.draw}: {result.message}")
        file = split_name(case.controller)[1]
        name = Path(file).stem if file else "existing"
        self._found[name, case.draw] = result.row["delay_s"], result.row["gridlock"]
        row = {"stamp": self._stamp, "plan": name, "draw": case.draw, **result.row}
        with one_line(self._file), self._file.open("a", encoding="utf-8") as stream:
            stream.write(("" if stream.tell() == 0 else "\n") + json.dumps(row))
        self._advance(self.done + 1)

    def _advance(self, done: int) -> None:
        """Tell whoever shows progress; `done` of the runs asked for are there."""
        self.done = done
        self.advanced()
