"""The bridge from the virtual cabinet to the simulation: its lamps light a street, whose loops are its detectors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from experiments.demand import draw_demand
from scenarios.additional import by_themselves
from scenarios.catalogue import Scenario, find
from signals.errors import ConfigError
from signals.intersection import Aspect, Intersection
from signals.plans import TimingPlan
from simulation.lamps import Lamps
from simulation.measures import Window
from simulation.street import Demand, Place, Street

STEP_S = 1.0


class CabinetStreet:
    """A scenario with one junction left to a cabinet. `seconds` lets time go on; close it at the end.

    demand, draw: the traffic of that draw of the comparison's, else the traffic that the scenario's author wrote.
    """

    def __init__(
        self, scenario: str, junction: str | None, demand: float | None = None, draw: int = 0, gui: bool = False
    ) -> None:
        found = find(scenario)
        self._folder = tempfile.TemporaryDirectory(prefix="cabinet-street-")
        drawn = demand is not None
        traffic = _drawn(found, demand or 1.0, draw, Path(self._folder.name)) if drawn else _written(found)
        self._street = Street(_place(found), traffic, seed=draw, gui=gui, outputs=drawn)
        self._measured, self._over = drawn, False
        try:
            self.begin_s = found.begin_s
            ids = [i.id for i in self._street.network.intersections]
            if junction is None and len(ids) != 1:
                raise ConfigError(f"scenario {scenario}: needs --junction, one of {', '.join(ids)}")
            self._lamps = Lamps(self._street, junction or ids[0])
            self.intersection: Intersection = self._lamps.intersection
            self.plans: tuple[TimingPlan, ...] = self._street.network.plans.of(self.intersection.id)
        except BaseException:
            self.close()
            raise

    @property
    def time_s(self) -> float:
        """The street's time."""
        return self._street.sumo.time_s

    def seconds(self) -> Iterator[float]:
        """The time before each step; after the last vehicle of a draw there is none, else there is no end."""
        if self._measured:
            yield from self._street.clock(STEP_S)
            self._over = True
            return
        while True:
            yield self.time_s
            self._street.sumo.step_to(self.time_s + STEP_S)

    def show(self, aspects: Mapping[str, Aspect]) -> None:
        """Light the lamps for the step to come."""
        self._lamps.show(aspects)

    def loops(self) -> list[list[bool]]:
        """What each loop saw in the step before, by tenths of a second."""
        return self._lamps.loops()

    def pressed(self, covered: list[list[bool]]) -> frozenset[int]:
        """Phases called by buttons."""
        return self._lamps.pressed(covered)

    def measures(self) -> dict[str, float | int | bool | str]:
        """The accounts of the comparison protocol, over the whole window, or over what there was of it; ends it all.

        Only a draw has them: who is scheduled is not known of traffic that is read as it is written.
        """
        if not self._measured:
            return {}
        if not self._over:
            self._street.window = until(self._street.window, self.begin_s, self.time_s)
        return self._street.measures()

    def close(self) -> None:
        """End the simulation."""
        self._street.close()
        self._folder.cleanup()

    def __enter__(self) -> CabinetStreet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def until(window: Window, begin_s: float, now_s: float) -> Window:
    """The part of a window that is over; one that has not begun gives way to the time since the beginning."""
    since_s = window.begin_s if now_s > window.begin_s else begin_s
    return replace(window, begin_s=since_s, end_s=min(window.end_s, now_s), cap_s=now_s)


def _place(found: Scenario) -> Place:
    return Place(
        net_file=found.net_file,
        additional_files=found.additional_files,
        begin_s=found.begin_s,
        end_s=found.end_s,
        step_length_s=found.step_length_s,
        override_files=found.override_files,
        options=found.options,
        rules=found.rules,
    )


def _drawn(found: Scenario, demand: float, draw: int, folder: Path) -> Demand:
    drawn = draw_demand(found, demand, draw, folder)
    return Demand(drawn.route_file, drawn.vehicles, drawn.persons)


def _written(found: Scenario) -> Demand:
    # SUMO takes several route files with commas between them
    return Demand(Path(",".join(str(file) for file in by_themselves(found.route_files))), pd.DataFrame())
