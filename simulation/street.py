"""A scenario with one demand, ready to be driven: SUMO started, its junctions a plant, its clock an iterator."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pandas as pd

from scenarios.additional import to_run
from scenarios.rules import OURS, Rules
from signals.layout import Layout, layout
from simulation.delay_split import SignalDelays, split_delays
from simulation.detectors import loops_xml
from simulation.event_log import EventLog
from simulation.link_means import means_xml, read_means
from simulation.measures import Window, accounts, check_anybody, read_trips, window_of
from simulation.movement_watch import MovementWatch
from simulation.network import Network
from simulation.overrides import read_network
from simulation.own_control import own_control_xml
from simulation.paths import Paths
from simulation.persons import CrossingWaits, crossings, person_accounts, person_losses
from simulation.plant import SumoPlant
from simulation.retiming import retimed
from simulation.starvation import Starvation
from simulation.sumo import Sumo
from simulation.tables import Places, Table, periods

DRAINED_CHECK_S = 10.0


@dataclass(frozen=True)
class Demand:
    """The traffic of one run: a SUMO route file, the vehicles it schedules (id, depart_s, edges), the persons too."""

    route_file: Path
    vehicles: pd.DataFrame
    persons: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"id": [], "depart_s": []}))

    @property
    def departs_s(self) -> list[float]:
        """When its vehicles are scheduled, or its persons where it has no others; empty where nothing is known."""
        moving = self.persons if self.vehicles.empty else self.vehicles
        return moving.depart_s.tolist() if "depart_s" in moving else []


@dataclass(frozen=True)
class Place:
    """Where a run takes place, as files, and for how long."""

    net_file: Path
    additional_files: tuple[Path, ...]
    begin_s: float
    end_s: float
    step_length_s: float = 1.0
    override_files: tuple[Path, ...] = ()
    options: tuple[tuple[str, str], ...] = ()  # SUMO's, that their street moves by
    rules: Rules = OURS

    @property
    def network(self) -> Network:
        """The network, read once a process."""
        return _network(self.net_file, self.additional_files, self.override_files, self.rules.yellow_s)


@lru_cache(maxsize=8)
def _network(
    net_file: Path, additional_files: tuple[Path, ...], override_files: tuple[Path, ...], yellow_s: float | None
) -> Network:
    network = read_network(net_file, additional_files, override_files)
    return network if yellow_s is None else retimed(network, yellow_s)


class Street:
    """One run. Iterate over `clock`, tick in between, then ask for `measures`; close it at the end."""

    def __init__(
        self, place: Place, demand: Demand, seed: int, gui: bool = False, outputs: bool = True, own_control: str = ""
    ) -> None:
        """own_control: which of `OWN_CONTROL` its junctions run when left to themselves, in place of their plans."""
        self.place, self.network = place, place.network
        self.layout: Layout = layout(self.network.intersections)
        self.window: Window = window_of(place.begin_s, place.end_s, demand.departs_s, place.rules)
        self._demand, self._folder = demand, tempfile.TemporaryDirectory(prefix="street-")
        folder = Path(self._folder.name)
        loops = folder / "loops.add.xml"
        loops.write_text(loops_xml(self.network.intersections, set()), encoding="utf-8")
        additional = [*map(to_run, place.additional_files), loops]
        if own_control:
            additional.append(folder / "signals.add.xml")
            additional[-1].write_text(own_control_xml(self.network, own_control), encoding="utf-8")
        self.options = run_options(place, demand.route_file, additional, seed)
        if outputs:
            self.options |= output_options(folder)
            means = folder / "means.add.xml"
            means.write_text(means_xml(folder, self.window), encoding="utf-8")
            self.options["additional-files"] += f",{means}"
        try:
            self.sumo = Sumo(self.options, gui)
        except BaseException:
            self._folder.cleanup()
            raise
        network = self.network
        self.plant = SumoPlant(self.sumo, self.layout, network.links, network.always, network.switching)
        self._watching: list[Callable[[float], None]] = []
        self._starvation = Starvation(self.sumo, self.network)
        self._waits = CrossingWaits(self.sumo, self.network)
        self._movements = MovementWatch(self.sumo, self.network, self.window)
        self.tables: dict[str, Table] = {}
        """By period, by movement and by link, once `measures` was asked for."""

    def clock(self, step_s: float) -> Iterator[float]:
        """Yield the time before each step, until the last vehicle is out or the cap is reached."""
        now_s = self.sumo.time_s
        while now_s < self.window.cap_s:
            yield now_s
            self._advance(now_s + step_s)
            now_s = self.sumo.time_s
            self._waits.sample(now_s)
            self._movements.sample(now_s)
            if now_s <= self.window.end_s:
                self._starvation.sample(now_s)
            elif now_s % DRAINED_CHECK_S < step_s and self.sumo.expected_vehicles == 0:
                return

    def log_events(self) -> EventLog:
        """Log what lamps and loops do from now on, step by step."""
        log = EventLog(self.sumo, self.layout, self.network.links)
        self._watching.append(log.look)
        return log

    def keep_paths(self) -> Paths:
        """Keep where vehicles are in the middle of the window."""
        paths = Paths(self.sumo, self.network, self.window)
        self._watching.append(paths.look)
        return paths

    def _advance(self, until_s: float) -> None:
        if not self._watching:
            self.sumo.step_to(until_s)
            return
        while (now_s := self.sumo.time_s) < until_s:
            self.sumo.step_to(min(now_s + self.place.step_length_s, until_s))
            for look in self._watching:
                look(self.sumo.time_s)

    def measures(self) -> dict[str, float | int | bool | str]:
        """Close the run and account for every vehicle and person scheduled in the window."""
        classes = self.sumo.vehicle_classes()
        self.sumo.close()
        check_anybody(self._demand.vehicles, self._demand.persons, self.window)
        folder = Path(self._folder.name)
        trips = read_trips(folder / "tripinfo.xml", self._demand.vehicles, self.window, classes)
        walks = person_losses(folder / "tripinfo.xml", self._demand.persons, self.window)
        means = read_means(folder, self.window)
        signals, places = SignalDelays(self.network), Places(self.network, self.window)
        for split in split_delays(trips, folder / "routes.xml", self.network, self.window):
            signals.add(split)
            places.add(split)
        walked = crossings(walks, self._waits, self.network)
        self.tables = {
            "periods": periods(trips, walks, self.window),
            "movements": places.movements(trips, self._movements, means, walked.get("approach", [])),
            "links": places.links(means),
            "crossings": walked,
        }
        return {
            **accounts(trips, self.window),
            **person_accounts(walks, self._waits),
            **signals.measures(trips, self.window),
            "starve_max_s": self._starvation.longest_s,
        }

    @property
    def tripinfo(self) -> str:
        """SUMO's tripinfo, as text; complete once the run is closed."""
        return (Path(self._folder.name) / "tripinfo.xml").read_text(encoding="utf-8")

    def close(self) -> None:
        """End the simulation and forget its files."""
        self.sumo.close()
        self._folder.cleanup()

    def __enter__(self) -> Street:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run_options(place: Place, route_file: Path, additional: Sequence[Path], seed: int) -> dict[str, str]:
    """The options that every run of the comparison shares."""
    return dict(place.options) | {
        "net-file": str(place.net_file),
        "route-files": str(route_file),
        "additional-files": ",".join(str(p) for p in additional),
        "begin": f"{place.begin_s:g}",
        "step-length": f"{place.step_length_s:g}",
        "seed": str(seed),
        "time-to-teleport": "-1",
        "no-step-log": "true",
        "no-warnings": "true",
        "duration-log.disable": "true",
        "xml-validation": "never",
    }


def output_options(folder: Path) -> dict[str, str]:
    """What the accounting reads."""
    return {
        "tripinfo-output": str(folder / "tripinfo.xml"),
        "tripinfo-output.write-unfinished": "true",
        "tripinfo-output.write-undeparted": "true",
        "device.emissions.probability": "1",
        "vehroute-output": str(folder / "routes.xml"),
        "vehroute-output.exit-times": "true",
        "vehroute-output.write-unfinished": "true",
    }


def detector_digest(network: Network) -> str:
    """sha256 over all loops of a network's junctions."""
    text = "".join(i.detector_digest for i in network.intersections)
    return hashlib.sha256(text.encode()).hexdigest()
