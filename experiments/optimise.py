"""`evaluate.py optimise`: the best fixed plan of a scenario at one demand, written with how it was found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from experiments import plan_trials, provenance
from experiments.case import Case, check_scenario, place_of
from experiments.console import complain, errors
from experiments.demand import draw_demand
from experiments.engine import Engine, check_engine
from experiments.evaluation import run_grid
from experiments.grid import grid
from experiments.plan_search import FINALISTS, Candidate, Search
from experiments.plan_space import PlanSpace
from experiments.plan_trials import Trials
from experiments.platoon_flows import count_flows
from experiments.platoon_model import PlatoonModel
from experiments.statistics import Interval, ratio
from experiments.store import one_line, write_whole
from scenarios.cache import combined_digest, file_digest
from scenarios.catalogue import find
from signals import plans
from signals.errors import ConfigError, PlantError
from signals.layout import layout

EVALUATION_DRAWS = 200
"""From here on draws are for figures to be quoted, which no search may see (the comparison protocol)."""


@dataclass(frozen=True)
class Task:
    """What is to be found. `budget` is in runs of SUMO; `draws` are searched on, as many after them check."""

    scenario: str
    demand: float
    out: Path
    draws: int = 5
    first_draw: int = 100
    budget: int = 400
    seed: int = 0
    stages: str = "reorder"

    def __post_init__(self) -> None:
        for name, value, least in (
            ("draws", self.draws, 2),
            ("first_draw", self.first_draw, 0),
            ("seed", self.seed, 0),
        ):
            if value < least:
                raise ConfigError(f"{name} = {value}, must be at least {least}")
        if self.out.suffix != ".toml":
            raise ConfigError(f"out = {self.out}, must end in .toml")
        if self.all_draws[-1] >= EVALUATION_DRAWS:
            least, last = EVALUATION_DRAWS, self.all_draws[-1]
            raise ConfigError(
                f"draws to {last} are asked for (twice {self.draws}), must be below {least}: evaluation's"
            )
        least = self.draws * (FINALISTS + 4)
        if self.budget < least:
            raise ConfigError(f"budget = {self.budget} runs, must be at least {least} for {self.draws} draws")

    @property
    def all_draws(self) -> tuple[int, ...]:
        return tuple(range(self.first_draw, self.first_draw + 2 * self.draws))

    @property
    def search_draws(self) -> tuple[int, ...]:
        return self.all_draws[: self.draws]

    @property
    def check_draws(self) -> tuple[int, ...]:
        return self.all_draws[self.draws :]


@dataclass(frozen=True)
class Found:
    """The plan's file, how the search converged (runs, delay_s, phase), and delay to the existing plan's."""

    plan_file: Path
    convergence: pd.DataFrame
    delay_s: float
    existing_delay_s: float
    delay_ratio: Interval
    gridlocked: int


def optimise(task: Task, workers: int | Engine, command: str) -> Found:
    """Search, write the plan and its convergence, and drive it once more as every case is driven."""
    check_engine(workers)
    check_scenario(task.scenario)
    with one_line(task.out):
        task.out.parent.mkdir(parents=True, exist_ok=True)
    kept = task.out.with_suffix(".search.jsonl")
    trials = Trials(task.scenario, task.demand, kept, trial_stamp(task), workers)
    search, demand_digest = _prepared(task, trials)
    with SearchProgress(search, kept):
        chosen = search.run()
    plan = chosen.tried.plan or place_of(find(task.scenario)).network.plans
    convergence = pd.DataFrame(search.convergence)
    with one_line(task.out):
        write_whole(task.out, _heading(task, search, chosen, demand_digest, command) + plans.dump(plan))
        write_whole(task.out.with_suffix(".convergence.csv"), convergence.to_csv(index=False, float_format="%.4f"))
    return _driven(task, convergence, workers, command)


def trial_stamp(task: Task) -> str:
    """Digest of what decides a trial beside its plan and draw."""
    of_case = provenance.case_stamp(Case(task.scenario, "existing", task.demand, task.first_draw))
    return combined_digest((of_case, file_digest(Path(plan_trials.__file__)), f"{task.demand:g}"))


def _prepared(task: Task, trials: Trials) -> tuple[Search, str]:
    """The search, and the digests of the demand that it sees."""
    scenario = find(task.scenario)
    network = place_of(scenario).network
    if not network.intersections:
        raise ConfigError(f"{task.scenario}: no junction is controlled, must be at least 1")
    with TemporaryDirectory(prefix="adaptive-signals-") as folder:
        drawn = [draw_demand(scenario, task.demand, draw, Path(folder)) for draw in task.search_draws]
    junctions = layout(network.intersections)
    span_s = scenario.end_s - scenario.begin_s
    flows = count_flows(junctions, network.edges, [one.vehicles for one in drawn], span_s)
    space = PlanSpace(junctions, network.plans, task.stages)
    model = PlatoonModel(junctions, space, flows)
    search = Search(space, model, trials, task.search_draws, task.check_draws, task.budget, task.seed)
    return search, " ".join(one.digest[:16] for one in drawn)


def _heading(task: Task, search: Search, chosen: Candidate, demand_digest: str, command: str) -> str:
    """Comments that say where the plan comes from."""
    network = place_of(find(task.scenario)).network
    draws, more = ("-".join(map(str, (of[0], of[-1]))) for of in (task.search_draws, task.check_draws))
    chosen_s, existing_s = search.delay_s(chosen), search.convergence[0].delay_s
    facts = {
        "scenario": task.scenario,
        "demand": f"{task.demand:g}",
        "draws": f"{draws}, the last few candidates {more} too",
        "mean delay on the former": f"{chosen_s:.1f} s, existing {existing_s:.1f} s, {search.trials.spent} runs",
        "network digest": network.digest,
        "demand digests": demand_digest,
        "versions": ", ".join(f"{name} {version}" for name, version in provenance.versions().items()),
        "commit": provenance.commit() or "unknown",
        "command": command,
    }
    if chosen.tried.plan is None:
        facts["note"] = "nothing better than the existing plan was found"
    return "".join(f"# {name}: {value}\n" for name, value in facts.items()) + "\n"


def _driven(task: Task, convergence: pd.DataFrame, workers: int | Engine, command: str) -> Found:
    """The plan and the existing one through the whole path, on the draws that the search did not see."""
    planned, draws = f"fixed-time:{task.out}", task.check_draws
    cases = grid([task.scenario], [planned, "existing"], [task.demand], len(draws), draws[0])
    evaluation = run_grid(cases, task.out.with_suffix(".check"), workers, "existing", command)
    if evaluation.failures or evaluation.cases is None:
        failure = evaluation.failures[0]
        raise PlantError(f"{failure.case.controller}, draw {failure.case.draw}: {failure.message} (log: {failure.log})")
    by_controller = {name: rows.set_index("draw").loc[list(draws)] for name, rows in _of(evaluation.cases, task)}
    mine, theirs = by_controller[planned], by_controller["existing"]
    return Found(
        plan_file=task.out,
        convergence=convergence,
        delay_s=float(mine["delay_s"].mean()),
        existing_delay_s=float(theirs["delay_s"].mean()),
        delay_ratio=ratio(mine["delay_s"], theirs["delay_s"]),
        gridlocked=int(mine["gridlock"].sum()),
    )


def _of(cases: pd.DataFrame, task: Task) -> list[tuple[str, pd.DataFrame]]:
    """By controller; the folder may hold the checks of another demand."""
    here = cases[(cases["scenario"] == task.scenario) & (cases["demand"] == task.demand)]
    return [(str(name), rows) for name, rows in here.groupby("controller", sort=False)]


class SearchProgress:
    """Runs done, time left and the best so far; when stopped, how to go on."""

    def __init__(self, search: Search, kept: Path) -> None:
        self._search, self._kept = search, kept
        search.told, search.trials.advanced = self._tell, self._advance
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("left at most"),
            TimeRemainingColumn(),
            console=errors,
            speed_estimate_period=600.0,
        )
        self._bar = self._progress.add_task("existing", total=search.budget)

    def _tell(self, phase: str, best_s: float, existing_s: float) -> None:
        words = f"{phase}: best {best_s:.1f} s, existing {existing_s:.1f} s" if best_s == best_s else phase
        self._progress.update(self._bar, description=words)

    def _advance(self) -> None:
        self._progress.update(self._bar, completed=self._search.trials.done)

    def __enter__(self) -> None:
        if self._search.trials.kept:
            errors.print(f"{self._search.trials.kept} runs are kept in {self._kept} already", markup=False)
        self._progress.start()
        self._search.trials.__enter__()

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._search.trials.__exit__()
        self._progress.stop()
        if kind is KeyboardInterrupt:
            kept = f"{self._search.trials.kept} runs are kept in {self._kept}"
            complain(f"stopped: {kept}; the same command goes on from there")
