"""The one bridge from the field to the simulation: a street of SUMO's to control on the wall clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from scenarios.additional import by_themselves
from scenarios.catalogue import Scenario, find
from signals.errors import ConfigError
from signals.intersection import Intersection
from signals.layout import Layout
from signals.plans import PlanFile
from simulation.street import Demand, Place, Street
from simulation.sumo import version

WARM_UP_S = 300.0
"""The street fills under its own plan before anybody looks, or for a quarter of a short scenario."""
SEED = 0


def scenario_junction(scenario: str, junction: str) -> tuple[Intersection, PlanFile]:
    """One junction of a scenario, by itself, and the plans that the scenario brings. Raises `ConfigError`."""
    network = _place(find(scenario)).network
    found = {i.id: i for i in network.intersections}
    if junction not in found:
        raise ConfigError(f"scenario {scenario}: unknown junction {junction}, must be one of {', '.join(found)}")
    return found[junction], network.plans


def _place(found: Scenario) -> Place:
    return Place(
        net_file=found.net_file,
        additional_files=found.additional_files,
        begin_s=found.begin_s,
        end_s=found.end_s,
        step_length_s=found.step_length_s,
        override_files=found.override_files,
        options=found.options,
    )


class VirtualStreet:
    """A scenario with the traffic that its author wrote. Close it at the end."""

    def __init__(self, scenario: str, gui: bool = False) -> None:
        found = find(scenario)
        # SUMO takes several route files with commas between them
        demand = Demand(Path(",".join(str(file) for file in by_themselves(found.route_files))), pd.DataFrame())
        self._street = Street(_place(found), demand, seed=SEED, gui=gui, outputs=False)
        self.layout: Layout = self._street.layout
        self.plant = self._street.plant
        self.plans: PlanFile = self._street.network.plans
        self._sumo = self._street.sumo
        try:
            self._sumo.step_to(found.begin_s + min(WARM_UP_S, (found.end_s - found.begin_s) / 4))
            self.plant.read()  # so that the first reading of the loop counts one second, not the whole warm-up
        except BaseException:
            self.close()
            raise

    @property
    def time_s(self) -> float:
        """The street's time."""
        return self._sumo.time_s

    def seconds(self, step_s: float) -> Iterator[float]:
        """The street's time before each of its steps, without an end."""
        while True:
            yield self._sumo.time_s
            self._sumo.step_to(self._sumo.time_s + step_s)

    @property
    def empty(self) -> bool:
        """Nobody is on the street, and nobody will come."""
        return self._sumo.expected_vehicles == 0

    @property
    def versions(self) -> dict[str, str]:
        """Of what drives the traffic."""
        return {"sumo": version()}

    def close(self) -> None:
        """End the simulation."""
        self._street.close()

    def __enter__(self) -> VirtualStreet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
