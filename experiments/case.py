"""One case: a scenario under a controller, at a demand multiple, in one draw; and how it becomes a row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.demand import check_demand, draw_demand
from experiments.modes import Modes
from scenarios.catalogue import Scenario, find
from signals import controllers
from signals.controllers import build, digest
from signals.controllers import split_name as split_name
from signals.controllers.existing import Existing
from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.layout import layout
from signals.loop import Controller, Loop, Plant
from signals.safety import Interlock
from simulation.faults import Faults, FaultyPlant, dead_loops, parse_faults
from simulation.own_control import OWN_CONTROL, kept_plans
from simulation.street import Demand, Place, Street, detector_digest

EVENT_LOGS, PATHS = "event-logs", "paths"
"""Folders of a results folder."""


@dataclass(frozen=True)
class Case:
    """What is run. `controller` is as typed, NAME or NAME:FILE; `faults` as `FaultRates` writes them."""

    scenario: str
    controller: str
    demand: float
    draw: int
    decision_s: float = 1.0
    override_files: tuple[Path, ...] = ()
    faults: str = ""
    event_logs: Path | None = None
    """Folder for the log of what lamps and loops did; none is kept without it."""
    path_files: Path | None = None
    """Folder for where its vehicles were in the middle of the window; nothing is kept without it."""

    @property
    def event_log(self) -> Path | None:
        """The file of that log."""
        return self.event_logs / self._file_name if self.event_logs else None

    @property
    def paths(self) -> Path | None:
        """The file of its vehicles' paths."""
        return self.path_files / self._file_name if self.path_files else None

    @property
    def _file_name(self) -> str:
        name = f"{self.scenario}-{self.controller}-{self.demand:g}-{self.draw}"
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
        return f"{plain}-{self.key}.parquet"

    @property
    def key(self) -> str:
        """A stable name for files: equal cases have equal keys."""
        text = f"{self.scenario}|{self.controller}|{self.demand:g}|{self.draw}|{self.decision_s:g}"
        text += f"|{self.faults}" if self.faults else ""
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_controller(controller: str) -> None:
    """Raise `ConfigError` for a controller that is not there, in the street or in SUMO, or a file that is not."""
    if controller not in OWN_CONTROL:
        controllers.check_controller(controller)


def build_controller(text: str, street: Street) -> Controller:
    """The controller that a case names, for the junctions of a street; SUMO's own are left to themselves."""
    if text in OWN_CONTROL:
        return Existing(street.layout)
    return build(text, street.layout, street.network.plans)


def check_scenario(name: str, override_files: tuple[Path, ...] = (), faults: str = "") -> None:
    """Raise `ConfigError` for a scenario that is not there, or that no case could read or break in this way."""
    scenario = find(name)
    check_demand(scenario)
    network = place_of(scenario, override_files).network
    try:
        dead_loops(layout(network.intersections), parse_faults(faults).dead_at)
    except ConfigError as error:
        raise ConfigError(f"scenario {name}: {error}") from error


def place_of(scenario: Scenario, override_files: tuple[Path, ...] = ()) -> Place:
    """The scenario's files and window, as the simulation takes them; overrides that are named follow those found."""
    return Place(
        net_file=scenario.net_file,
        additional_files=scenario.additional_files,
        begin_s=scenario.begin_s,
        end_s=scenario.end_s,
        step_length_s=scenario.step_length_s,
        override_files=(*scenario.override_files, *override_files),
        options=scenario.options,
        rules=scenario.rules,
    )


def plans_kept(name: str, controller: str, override_files: tuple[Path, ...] = ()) -> list[str]:
    """Signals that one of SUMO's own controllers leaves to their plans, a line each; `ConfigError` if it leaves all."""
    if controller not in OWN_CONTROL:
        return []
    try:
        kept = kept_plans(place_of(find(name), override_files).network)
    except ConfigError as error:
        raise ConfigError(f"scenario {name}: {controller}: {error}") from error
    return [f"{controller} leaves to its own plan {why}" for why in kept.values()]


def faulty(street: Street, case: Case) -> Plant:
    """The street's plant, behind the faults of the case where it has any; which loops they hit is the draw's."""
    if not case.faults:
        return street.plant
    return FaultyPlant(street.plant, Faults(street.layout, parse_faults(case.faults), seed=case.draw))


def run_case(
    case: Case, work_folder: Path, gui: bool = False, builder: Callable[[str, Street], Controller] = build_controller
) -> dict[str, Any]:
    """Run one case and return its row, and under `tables` its figures by period, movement, link and mode.

    Raises `ConfigError` and `PlantError`.
    """
    scenario = find(case.scenario)
    drawn = draw_demand(scenario, case.demand, case.draw, work_folder)
    demand = Demand(drawn.route_file, drawn.vehicles, drawn.persons)
    place, own_control = (
        place_of(scenario, case.override_files),
        case.controller if case.controller in OWN_CONTROL else "",
    )
    with Street(place, demand, seed=case.draw, gui=gui, own_control=own_control) as street:
        loop = Loop(
            faulty(street, case),
            FlowEstimator(street.layout),
            builder(case.controller, street),
            Interlock(street.layout),
        )
        modes = Modes(street.layout, street.window, case.decision_s)
        log = street.log_events() if case.event_log else None
        paths = street.keep_paths() if case.paths else None
        for _ in street.clock(case.decision_s):
            record = loop.tick()
            modes.look(record)
            if log:
                log.decided(record)
        lengths_m = paths.lane_lengths_m() if paths else {}
        measures = street.measures()
    if log and case.event_log:
        log.write(case.event_log)
    if paths and case.paths:
        paths.write(case.paths, lengths_m)
    name, file = split_name(case.controller)
    return {
        "scenario": case.scenario,
        "controller": case.controller,
        "demand": case.demand,
        "draw": case.draw,
        "faults": case.faults,
        **measures,
        "junctions": street.network.signals,
        "junctions_controlled": len(street.network.intersections),
        "seed": case.draw,
        "network_digest": street.network.digest,
        "demand_digest": drawn.digest,
        "detector_digest": detector_digest(street.network),
        "controller_digest": digest(name, Path(file) if file else None),
        "override_digest": street.network.overrides.digest,
        "tables": street.tables | {"modes": modes.table()},
    }
