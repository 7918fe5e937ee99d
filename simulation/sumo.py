"""SUMO's process and clock: the only file that imports libsumo or traci.

libsumo holds one simulation a process; the getters that are read every second are bound once, without the wrapper's
argument checks (a quarter to a third faster).
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import libsumo
import sumo as sumo_wheel

from signals.errors import ConfigError, PlantError

os.environ.setdefault("SUMO_HOME", str(Path(sumo_wheel.__file__).parent))

WINDOW_DELAY_MS = 50


def version() -> str:
    """The version of SUMO that a simulation of this process would use."""
    return str(libsumo.simulation.getVersion()[1]).removeprefix("SUMO ")


class Sumo:
    """A running simulation. Close it; as a context manager it closes itself."""

    def __init__(self, options: Mapping[str, str], gui: bool = False) -> None:
        self.own_step_s = 0.0
        """Wall time spent inside SUMO's own steps."""
        self._api = _traci() if gui else libsumo
        self._errors = tempfile.NamedTemporaryFile(prefix="sumo-", suffix=".log", delete=False)  # noqa: SIM115
        self._errors.close()
        window = Path(sumo_wheel.__file__).parent / "bin" / "sumo-gui"
        words = ["setsid", str(window)] if gui else ["sumo"]  # a session apart, so that Ctrl-C is ours alone
        for name, value in {**options, "error-log": self._errors.name}.items():
            words += [f"--{name}", value]
        if gui:
            words += ["--start", "--quit-on-end", "--delay", str(WINDOW_DELAY_MS)]
        try:
            with _quiet():
                self._api.start(words)
        except Exception as error:
            message = self._message(error)
            self._forget()
            raise ConfigError(f"SUMO does not start: {message}") from error
        self._bind(gui)

    def _bind(self, gui: bool) -> None:
        raw: Any = None if gui else sys.modules["libsumo._libsumo"]
        api = self._api
        self._step = api.simulationStep if gui else raw.simulation_step
        self.state = api.trafficlight.getRedYellowGreenState if gui else raw.trafficlight_getRedYellowGreenState
        self.show_row = api.trafficlight.setPhase if gui else raw.trafficlight_setPhase
        self.loop_count = (
            api.inductionloop.getIntervalVehicleNumber if gui else raw.inductionloop_getIntervalVehicleNumber
        )
        self.loop_occupancy = api.inductionloop.getLastStepOccupancy if gui else raw.inductionloop_getLastStepOccupancy
        self.loop_quiet_s = api.inductionloop.getTimeSinceDetection if gui else raw.inductionloop_getTimeSinceDetection
        self.loop_last_count = api.inductionloop.getLastIntervalVehicleNumber
        self.halting = api.lane.getLastStepHaltingNumber if gui else raw.lane_getLastStepHaltingNumber
        self.edge_halting = api.edge.getLastStepHaltingNumber if gui else raw.edge_getLastStepHaltingNumber
        self.edge_vehicles = api.edge.getLastStepVehicleNumber if gui else raw.edge_getLastStepVehicleNumber
        self.edge_mean_speed = api.edge.getLastStepMeanSpeed if gui else raw.edge_getLastStepMeanSpeed
        self.persons = api.person.getIDCount if gui else raw.person_getIDCount
        self._edge_persons = api.edge.getLastStepPersonIDs if gui else raw.edge_getLastStepPersonIDs
        self._standing_s = api.person.getWaitingTime if gui else raw.person_getWaitingTime
        self._next_edge = api.person.getNextEdge if gui else raw.person_getNextEdge
        self._waiting_outside = api.edge.getPendingVehicles if gui else raw.edge_getPendingVehicles
        self.trafficlight, self.vehicle, self.lane, self.person = api.trafficlight, api.vehicle, api.lane, api.person
        self._time = api.simulation.getTime if gui else raw.simulation_getTime
        self._on_lane = api.lane.getLastStepVehicleIDs if gui else raw.lane_getLastStepVehicleIDs
        self._waiting_s = api.vehicle.getWaitingTime if gui else raw.vehicle_getWaitingTime
        self._expected = api.simulation.getMinExpectedNumber

    @property
    def time_s(self) -> float:
        """The simulation's clock."""
        return float(self._time())

    @property
    def step_length_s(self) -> float:
        """How far one step goes."""
        return float(self._api.simulation.getDeltaT())

    @property
    def expected_vehicles(self) -> int:
        """Vehicles inside or still to come."""
        return int(self._expected())

    def step_to(self, time_s: float) -> None:
        """Advance the clock. Raises `PlantError` with SUMO's own words when it dies."""
        started = time.perf_counter()
        try:
            self._step(time_s)
        except Exception as error:
            raise PlantError(f"SUMO stopped at {time_s:g} s: {self._message(error)}") from error
        self.own_step_s += time.perf_counter() - started

    def waiting_outside(self, edge: str) -> int:
        """Vehicles that should have entered on this edge and found no room."""
        return len(self._waiting_outside(edge))

    def standing_s(self, lane: str) -> list[float]:
        """Of each vehicle on a lane, how long it has stood in one go."""
        return [self._waiting_s(vehicle) for vehicle in self._on_lane(lane)]

    def standing_on(self, edge: str, least_s: float) -> list[tuple[str, str, float]]:
        """Who has stood on an edge for at least so long: the person, the edge to step on next, and for how long."""
        stood = ((person, self._standing_s(person)) for person in self._edge_persons(edge))
        return [(person, self._next_edge(person), stood_s) for person, stood_s in stood if stood_s >= least_s]

    def walking_on(self, edge: str) -> list[str]:
        """Everybody on foot on an edge."""
        return list(self._edge_persons(edge))

    def vehicle_classes(self) -> dict[str, str]:
        """SUMO's class of every vehicle type."""
        types = self._api.vehicletype
        return {str(name): str(types.getVehicleClass(name)) for name in types.getIDList()}

    def loop_passages(self, loop: str) -> list[tuple[str, float, float]]:
        """The same with the vehicle's name."""
        return [
            (str(v), entered_s, left_s) for v, _, entered_s, left_s, *_ in self._api.inductionloop.getVehicleData(loop)
        ]

    def loop_vehicles(self, loop: str) -> list[tuple[float, float]]:
        """When each vehicle of the last step came onto a loop and left it (negative while it is there)."""
        return [(entered_s, left_s) for _, _, entered_s, left_s, *_ in self._api.inductionloop.getVehicleData(loop)]

    def loops(self) -> set[str]:
        """The ids of all induction loops."""
        return set(self._api.inductionloop.getIDList())

    def set_program(self, junction: str, rows: Sequence[tuple[float, str, int | None]], program: str) -> None:
        """Install a program of (duration, state, next row) and make it the junction's own."""
        phases = [
            self._api.trafficlight.Phase(duration, state, duration, duration, () if following is None else (following,))
            for duration, state, following in rows
        ]
        logic = self._api.trafficlight.Logic(program, 0, 0, phases)
        self._api.trafficlight.setProgramLogic(junction, logic)

    def program_rows(self, junction: str) -> list[str]:
        """The states of the current program's rows."""
        return [phase.state for phase in self._program(junction).phases]

    def fixed_times_s(self, junction: str) -> list[float]:
        """How long these last, where that is fixed and they follow each other; else nothing."""
        program = self._program(junction)
        static = int(program.type) == int(self._api.constants.TRAFFICLIGHT_TYPE_STATIC)
        straight = not any(phase.next for phase in program.phases)
        return [float(phase.duration) for phase in program.phases] if static and straight else []

    def runs_in_rings(self, junction: str) -> bool:
        """Whether the current program is a NEMA one, whose rows are phases that cannot be set."""
        return int(self._program(junction).type) == int(self._api.constants.TRAFFICLIGHT_TYPE_NEMA)

    def _program(self, junction: str) -> Any:
        current = self._api.trafficlight.getProgram(junction)
        logics = self._api.trafficlight.getAllProgramLogics(junction)
        return next(logic for logic in logics if logic.programID == current)

    def close(self) -> None:
        """End the simulation; its output files are complete afterwards."""
        with _quiet(), contextlib.suppress(Exception):
            self._api.close()
        self._forget()

    def __enter__(self) -> Sumo:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _message(self, error: Exception) -> str:
        with contextlib.suppress(OSError):
            lines = [x.strip() for x in Path(self._errors.name).read_text(errors="replace").splitlines() if x.strip()]
            errors = [x for x in lines if not x.startswith("Warning: ")]
            if errors:
                return " ".join(x.removeprefix("Error: ") for x in errors[:2])
        return str(error).strip() or type(error).__name__

    def _forget(self) -> None:
        Path(self._errors.name).unlink(missing_ok=True)


def _traci() -> ModuleType:
    import traci

    return traci


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """SUMO prints its errors to the terminal as well; ours go through exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
