"""Runs of a street, recorded once: what its sound loops told every second, and the truth beside it.

Estimators are judged by replay, so that several look at the same street and a changed one needs no simulation. Who
controlled a recorded run believed all loops, and the estimator of that day: after a change of it, record anew where
that is to tell.
"""

from __future__ import annotations

import gzip
import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.case import build_controller, place_of
from experiments.demand import draw_demand
from scenarios.catalogue import find
from signals.flow import FlowEstimator
from signals.layout import Layout
from signals.loop import Loop
from signals.safety import Interlock
from signals.values import Floats, Snapshot
from simulation.street import Demand, Street
from simulation.truth import Truth


@dataclass(frozen=True)
class Run:
    """One street."""

    network: str
    controller: str
    demand: float
    draw: int

    @property
    def file_name(self) -> str:
        """Of its recording."""
        return f"{self.network.replace(':', '-')}_{self.controller}_{self.demand:g}_{self.draw}.pickle.gz"


@dataclass(frozen=True)
class Recording:
    """Snapshots of the street as it was, and the truth of the same seconds.

    queue_veh, beyond_veh [T, J, N]; section_m [J, N] and crossings, a lane group's sorted times, as in
    `simulation/truth.py`.
    """

    layout: Layout
    begin_s: float
    snapshots: list[Snapshot]
    queue_veh: np.ndarray
    beyond_veh: np.ndarray
    section_m: Floats
    crossings: dict[tuple[int, int], Floats]


def recorded(run: Run, folder: Path) -> Recording:
    """The recording of a run, from the folder or made now."""
    file = folder / run.file_name
    if not file.exists():
        made = _record(run)
        part = file.with_suffix(".part")
        with gzip.open(part, "wb", compresslevel=1) as out:
            pickle.dump(made, out, pickle.HIGHEST_PROTOCOL)
        part.rename(file)  # whole or not at all
        return made
    with gzip.open(file, "rb") as content:
        found: Recording = pickle.load(content)
    return found


def _record(run: Run) -> Recording:
    scenario = find(run.network)
    with tempfile.TemporaryDirectory(prefix="recorded-") as folder:
        drawn = draw_demand(scenario, run.demand, run.draw, Path(folder))
        demand = Demand(drawn.route_file, drawn.vehicles)
        with Street(place_of(scenario), demand, seed=run.draw, outputs=False) as street:
            return _follow(street, run.controller)


def _follow(street: Street, controller: str) -> Recording:
    truth = Truth(street.sumo, street.network, street.layout)
    parts = FlowEstimator(street.layout), build_controller(controller, street), Interlock(street.layout)
    loop = Loop(street.plant, *parts)
    snapshots, queues, beyond = [], [], []
    while street.sumo.time_s < street.place.end_s:
        truth.sample(street.sumo.time_s)
        snapshots.append(loop.tick().snapshot)
        queues.append(truth.queue_veh.astype(np.float32))
        beyond.append(truth.queue_beyond_veh.astype(np.float32))
        street.sumo.step_to(street.sumo.time_s + 1.0)
    truth.finish()
    crossings = {cell: np.sort(np.array(times)) for cell, times in truth.crossings.items()}
    return Recording(
        layout=street.layout,
        begin_s=street.place.begin_s,
        snapshots=snapshots,
        queue_veh=np.array(queues),
        beyond_veh=np.array(beyond),
        section_m=truth.section_m,
        crossings=crossings,
    )
