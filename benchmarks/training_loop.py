"""Our environment on one network under random stages: a measurement in a process of its own.

`python -m benchmarks.training_loop SCENARIO FOLDER DECISION_S TICK_S` prints one line of JSON. Everything that a
learner is given is made in every decision: features, masks and rewards of all junctions; the learner is not there.
"""

import gc
import json
import sys
import time
from pathlib import Path

import numpy as np

from experiments.case import place_of
from experiments.demand import draw_demand
from scenarios.catalogue import find
from signals.controllers.adaptive import Adaptive, AdaptiveSettings
from signals.features import Encoder
from simulation.practice import Practice, Terms, handed_in
from simulation.street import Demand


def _demand(scenario: str, draw: int, folder: Path) -> Demand:
    drawn = draw_demand(find(scenario), 1.0, draw, folder)
    return Demand(drawn.route_file, drawn.vehicles)


def measure(scenario: str, folder: Path, decision_s: float, tick_s: float) -> dict[str, float]:
    """Wall time of the loop over the window, and the part of it inside SUMO's own steps."""
    place = place_of(find(scenario))
    practice = Practice(place, lambda draw: _demand(scenario, draw, folder), Terms(decision_s, tick_s))
    encoder = Encoder(practice.layout, Adaptive(practice.layout, AdaptiveSettings()))
    random, traffic = np.random.default_rng(0), practice.begin(0)
    street = practice._street
    assert street is not None
    gc.collect()
    street.sumo.own_step_s, started_s = 0.0, time.perf_counter()
    over, steps = False, 0
    while not over:
        encoder.encode(traffic).astype(np.float32)
        lots = np.where(traffic.eligible, random.random(traffic.eligible.shape), -1.0)
        traffic, _, over, _ = practice.act(handed_in(traffic, lots.argmax(axis=1)))
        steps += 1
    loop_s, own_step_s = time.perf_counter() - started_s, street.sumo.own_step_s
    vehicles = len(street.sumo.vehicle.getIDList())
    practice.close()
    return {"loop_s": loop_s, "own_step_s": own_step_s, "steps": steps, "vehicles_at_end": vehicles}


if __name__ == "__main__":
    name, work, decision, tick = sys.argv[1:]
    print("\n" + json.dumps(measure(name, Path(work), float(decision), float(tick))))
