"""The grid: scenario x controller x demand x draw, checked before any work."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.case import Case, check_controller, check_scenario, place_of, plans_kept
from experiments.demand import check_multiple
from experiments.engine import Job
from scenarios.catalogue import find
from signals.controllers import doubts
from signals.errors import ConfigError
from simulation.faults import parse_faults
from simulation.network import Overrides

TODAY = 1.0


@dataclass(frozen=True)
class Grid:
    """What to compare; build it with `grid`, which merges what is named twice."""

    scenarios: tuple[str, ...]
    controllers: tuple[str, ...]
    demands: tuple[float, ...]
    draws: tuple[int, ...]
    decision_s: float
    override_files: tuple[Path, ...] = ()
    faults: str = ""
    event_logs: Path | None = None
    path_files: Path | None = None

    def __post_init__(self) -> None:
        for name, values in (("scenario", self.scenarios), ("controller", self.controllers), ("demand", self.demands)):
            if not values:
                raise ConfigError(f"no --{name} is given, must be at least one")
        for demand in self.demands:
            if not 0 < demand < math.inf:
                raise ConfigError(f"demand = {demand:g}, must be above 0 and finite")
        if not 0 < self.decision_s < math.inf:
            raise ConfigError(f"decision_s = {self.decision_s:g}, must be above 0 and finite")

    def cases(self) -> list[Case]:
        """In the table's order; paths are kept of the first draw at today's demand."""
        common = self.decision_s, self.override_files, self.faults, self.event_logs
        drawn = min(self.demands, key=lambda demand: (abs(demand - TODAY), demand)), self.draws[0]
        return [
            Case(scenario, controller, demand, draw, *common, self.path_files if (demand, draw) == drawn else None)
            for scenario in self.scenarios
            for controller in self.controllers
            for demand in self.demands
            for draw in self.draws
        ]

    def check_names(self) -> None:
        """Unknown controllers and scenarios, files that no case could read: all before the first case."""
        for controller in self.controllers:
            check_controller(controller)
        for scenario in self.scenarios:
            check_scenario(scenario, self.override_files, self.faults)
            self._kept(scenario)
            for demand in self.demands:
                check_multiple(find(scenario), demand)

    def _kept(self, scenario: str) -> list[str]:
        """Signals there that a controller of the grid leaves to their own plans, although others can be asked."""
        return [line for c in self.controllers for line in plans_kept(scenario, c, self.override_files)]

    def overrides(self, scenario: str) -> Overrides:
        """What engineers' files change there, named or found beside the network; they are checked against it."""
        place = place_of(find(scenario), self.override_files)
        return place.network.overrides if place.override_files else Overrides()

    def warnings(self) -> list[str]:
        """What overrides make less safe than the plans, what a controller does not control, and policies in doubt."""
        less_safe = [f"{name}: overridden: {line}" for name in self.scenarios for line in self.overrides(name).warnings]
        kept = [f"{name}: {line}" for name in self.scenarios for line in self._kept(name)]
        return less_safe + kept + [line for controller in self.controllers for line in doubts(controller)]


def grid(
    scenarios: Sequence[str],
    controllers: Sequence[str],
    demands: Sequence[float],
    draws: int,
    first_draw: int = 0,
    decision_s: float = 1.0,
    override_files: Sequence[Path] = (),
    faults: str = "",
) -> Grid:
    """From what was typed: named twice is once, multiples ascend, and equal faults are written alike."""
    if draws < 1:
        raise ConfigError(f"draws = {draws}, must be at least 1")
    if first_draw < 0:
        raise ConfigError(f"first_draw = {first_draw}, must be at least 0")
    return Grid(
        scenarios=tuple(dict.fromkeys(scenarios)),
        controllers=tuple(dict.fromkeys(controllers)),
        demands=tuple(sorted(set(demands))),
        draws=tuple(range(first_draw, first_draw + draws)),
        decision_s=decision_s,
        override_files=tuple(path.expanduser().resolve() for path in override_files),
        faults=str(parse_faults(faults)),
    )


def job(case: Case) -> Job:
    """The time a case takes grows with the network, the simulated time and the traffic."""
    scenario = find(case.scenario)
    return Job(case, scenario.net_file.stat().st_size * (scenario.end_s - scenario.begin_s) * case.demand)
