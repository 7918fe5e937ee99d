"""A controller's settings, searched for by CMA-ES with common draws (Hansen 2016, arXiv:1604.00772).

Every candidate drives the same vehicles on the same streets, so that candidates differ by their settings alone. The
search remembers nothing but its seed: it is done again from the beginning, and what was run is found in its folder.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cma
import numpy as np
import pandas as pd
from pydantic import ValidationError

from experiments import provenance
from experiments.case import split_name
from experiments.console import SearchProgress
from experiments.engine import Engine
from experiments.grid import Grid, grid
from experiments.parameters import Parameter, changed, parameters, settings_text
from experiments.store import one_line, write_whole
from experiments.trials import Trials, scores
from signals.controllers import SETTINGS, check_controller
from signals.controllers.common import load_settings
from signals.errors import ConfigError
from signals.intersection import Frozen

BASELINE = "existing"
TUNING_DRAWS = range(100, 200)
FIRST_STEP = 0.2
"""Standard deviation of the first generation, as a share of the way between a setting's bounds."""
REFUSED = 10.0
"""Score of settings that their own model refuses; no street is that bad."""
CONVERGENCE = "convergence.csv"


@dataclass(frozen=True)
class Search:
    """What is tuned, where, and for how long; build it with `search`, which checks all of it."""

    controller: str
    start: Frozen
    parameters: tuple[Parameter, ...]
    where: Grid
    budget: int
    seed: int
    starvation: float = 0.0

    def __post_init__(self) -> None:
        needed = 1 + self.population
        if self.budget < needed:
            raise ConfigError(f"budget = {self.budget}, must be at least {needed}, the start and one generation")
        if self.seed < 0:
            raise ConfigError(f"seed = {self.seed}, must be at least 0")
        if not 0 <= self.starvation < math.inf:
            raise ConfigError(f"starvation = {self.starvation:g}, must be at least 0 and finite")
        if strange := [draw for draw in self.where.draws if draw not in TUNING_DRAWS]:
            raise ConfigError(f"draw = {strange[0]}, must be from 100 to 199, the tuning draws")

    @property
    def population(self) -> int:
        """Candidates of a generation (Hansen 2016, table 1)."""
        return 4 + math.floor(3 * math.log(len(self.parameters)))

    @property
    def generations(self) -> int:
        """Whole ones within the budget, beside the start."""
        return (self.budget - 1) // self.population


@dataclass(frozen=True)
class Candidate:
    """Settings that were tried, in which file, and what came of it; generation 0 is the start."""

    generation: int
    values: tuple[float, ...]
    file: Path | None
    delay: float
    starved: float
    score: float


def search(
    controller: str,
    scenarios: Sequence[str],
    demands: Sequence[float],
    draws: int,
    first_draw: int,
    chosen: Sequence[str],
    budget: int,
    seed: int,
    starvation: float,
) -> Search:
    """From what was typed. Raises `ConfigError` for a controller without settings, or whatever cannot be run."""
    check_controller(controller)
    name, file = split_name(controller)
    if name not in SETTINGS:
        raise ConfigError(f"controller {name}: has no settings to tune, must be one of {', '.join(SETTINGS)}")
    start = load_settings(SETTINGS[name], Path(file) if file else None)
    where = grid(scenarios, [BASELINE], demands, draws, first_draw)
    return Search(name, start, parameters(start, chosen), where, budget, seed, starvation)


def tune(what: Search, out: Path, workers: int | Engine, command: str, **engine: Any) -> list[Candidate]:
    """Search, and write the best settings to `out` after each generation; every candidate is in the list.

    What is run and how it converges stays in the folder `out` without its ending; `engine` is for `Trials`.
    """
    folder = out.with_suffix("")
    if out.exists() and not (folder / CONVERGENCE).exists():
        raise ConfigError(f"{out}: File exists, and no search of {folder} wrote it; give another --out")
    what.where.check_names()
    trials = Trials(folder, what.where, workers, **engine)
    tried: list[Candidate] = []
    with SearchProgress(folder, trials.work(2 + what.generations * what.population)) as progress:
        baseline = trials.rows([BASELINE], progress)
        strategy = _strategy(what)
        start = tuple(parameter.share(parameter.start) for parameter in what.parameters)
        for generation in range(1 + what.generations):
            shares = [np.array(start)] if generation == 0 else strategy.ask()
            found = _try(what, generation, shares, trials, baseline, folder, progress)
            tried += found
            _write(what, tried, out, command)
            best = min(tried, key=lambda candidate: candidate.score)
            progress.tell(f"settings {len(tried)} of {1 + what.generations * what.population}, best {in_words(best)}")
            if generation:
                strategy.tell(shares, [candidate.score for candidate in found])
            if reason := strategy.stop():
                progress.say(f"the search has come to rest: {', '.join(reason)}")
                break
    return tried


def _strategy(what: Search) -> cma.CMAEvolutionStrategy:
    """With a random generator of its own, and quiet: neither log files nor signals from files."""
    dice = np.random.default_rng(what.seed)
    options = {
        "bounds": [0.0, 1.0],
        "popsize": what.population,
        "seed": math.nan,
        "randn": lambda *shape: dice.standard_normal(shape),
        "verbose": -10,
        "verb_log": 0,
    }
    return cma.CMAEvolutionStrategy([p.share(p.start) for p in what.parameters], FIRST_STEP, options)


def _try(
    what: Search,
    generation: int,
    shares: Sequence[np.ndarray],
    trials: Trials,
    baseline: pd.DataFrame,
    folder: Path,
    progress: SearchProgress,
) -> list[Candidate]:
    values = [_values(what, of, exact=generation == 0) for of in shares]
    files = [_file(what, each, folder) for each in values]
    names = [f"{what.controller}:{file}" if file else "" for file in files]
    asked = list(dict.fromkeys(filter(None, names)))
    progress.skip(trials.work(len(names) - len(asked)))
    found = scores(trials.rows(asked, progress), baseline, what.starvation) if asked else pd.DataFrame()
    come_to = {str(name): of for name, of in found.iterrows()}
    refused = pd.Series({"delay": math.nan, "starved": math.nan, "score": REFUSED})
    return [
        Candidate(generation, each, file, *come_to.get(name, refused)[["delay", "starved", "score"]].tolist())
        for each, file, name in zip(values, files, names, strict=True)
    ]


def _values(what: Search, shares: np.ndarray, exact: bool) -> tuple[float, ...]:
    """The settings at these shares; the start as it stands, whatever the rounding."""
    if exact:
        return tuple(float(parameter.start) for parameter in what.parameters)
    return tuple(float(p.value(float(share))) for p, share in zip(what.parameters, shares, strict=True))


def _settings(what: Search, values: Sequence[float]) -> Frozen:
    return changed(what.start, {p.name: value for p, value in zip(what.parameters, values, strict=True)})


def _file(what: Search, values: Sequence[float], folder: Path) -> Path | None:
    """The candidate's settings on disk, named by what is in it; None where they do not go together."""
    try:
        text = settings_text(_settings(what, values))
    except ValidationError:
        return None
    file = folder / "candidates" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.toml"
    with one_line(file):
        file.parent.mkdir(exist_ok=True)
        write_whole(file, text)
    return file


def _write(what: Search, tried: Sequence[Candidate], out: Path, command: str) -> None:
    best = min(tried, key=lambda candidate: candidate.score)
    about = provenance_lines(what, tried, command)
    with one_line(out):
        write_whole(out.with_suffix("") / CONVERGENCE, convergence(what, tried).to_csv(index=False))
        write_whole(out, settings_text(_settings(what, best.values), about))


def convergence(what: Search, tried: Sequence[Candidate]) -> pd.DataFrame:
    """A row a candidate in the order tried, with the best score so far and the values of what was searched."""
    rows = [
        {
            "generation": candidate.generation,
            "delay_log_ratio": candidate.delay,
            "starved": candidate.starved,
            "score": candidate.score,
            **dict(zip((p.name for p in what.parameters), candidate.values, strict=True)),
            "file": str(candidate.file or ""),
        }
        for candidate in tried
    ]
    table = pd.DataFrame(rows)
    table.insert(4, "best_score", table["score"].cummin())
    return table


def in_words(candidate: Candidate) -> str:
    """'delay -21.3 % against existing', and who is starved."""
    starved = f", starved {candidate.starved:.0%} beyond the gate" if candidate.starved > 0 else ""
    return f"delay {100 * math.expm1(candidate.delay):+.1f} % against {BASELINE}{starved}"


def provenance_lines(what: Search, tried: Sequence[Candidate], command: str) -> list[str]:
    """What the settings come from, and what may not be said of them."""
    best, where = min(tried, key=lambda candidate: candidate.score), what.where
    searched = ", ".join(parameter.name for parameter in what.parameters)
    demands = ", ".join(f"{demand:g}" for demand in where.demands)
    return [
        f"Settings of {what.controller}, the best of {len(tried)} tried by CMA-ES (seed {what.seed}) over {searched}.",
        f"{in_words(best)}, as a geometric mean; the start had {in_words(tried[0])}.",
        f"scenarios {', '.join(where.scenarios)}; demand {demands}; draws {where.draws[0]}-{where.draws[-1]}",
        "That is what they were chosen by: what they are worth, evaluation draws (200 and up) say.",
        f"commit {provenance.commit() or 'unknown'}, source {provenance.code_digest()[:16]}",
        command,
    ]
