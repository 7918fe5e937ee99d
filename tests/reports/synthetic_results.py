"""Results folders with made-up cases, written through the real store, to judge reports without a simulation."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.store import ResultsFolder

VERSIONS = {"adaptive-signals": "0.1.0", "python": "3.11.2", "eclipse-sumo": "1.28.0"}
PLACES = {"resco:cologne1": (2000, 45.0, 1), "resco:cologne3": (2400, 38.0, 3), "arterial": (2900, 75.0, 5)}
EFFECTS = {"existing": 1.0, "actuated": 0.8, "max-pressure": 0.5}


@dataclass(frozen=True)
class MadeUp:
    """What the cases say: scenarios with (scheduled, delay, junctions), and each controller's share of that delay."""

    places: Mapping[str, tuple[int, float, int]]
    effects: Mapping[str, float]
    draws: Sequence[int] = range(5)
    demands: Sequence[float] = (1.0,)
    noise: float = 0.05
    parts: bool = True  # figures by period, movement and link
    walkers: bool = False  # persons at crossings
    gridlocked: frozenset[tuple[str, int]] = frozenset()  # controller, draw


REAL_STREETS = MadeUp(PLACES, EFFECTS)


def write_results(folder: Path, made_up: MadeUp = REAL_STREETS, about: Mapping[str, Any] | None = None) -> Path:
    """A results folder as `evaluate.py run` leaves it, without its report."""
    store = ResultsFolder(folder, decision_s=1.0)
    for scenario in made_up.places:
        for controller in made_up.effects:
            for demand in made_up.demands:
                for draw in made_up.draws:
                    key = f"{len(list((folder / 'cases').iterdir())):05}"
                    store.keep(key, "made up", case(made_up, scenario, controller, demand, draw))
    about = {"baseline": "existing", "versions": VERSIONS, "commands": ["evaluate.py run --draws 5"], **(about or {})}
    store.write_tables(about, list(made_up.places), list(made_up.effects))
    return folder


def case(made_up: MadeUp, scenario: str, controller: str, demand: float, draw: int) -> dict[str, Any]:
    """A plausible row: demand's noise is shared by a draw, the controller's own is smaller."""
    scheduled, delay_s, junctions = made_up.places[scenario]
    place, arm = list(made_up.places).index(scenario), list(made_up.effects).index(controller)
    shared = np.random.default_rng((place, draw)).normal(1.0, 0.2)
    own = np.random.default_rng((place, draw, arm, round(demand * 100))).normal(1.0, made_up.noise)
    gridlock = (controller, draw) in made_up.gridlocked
    delay_s *= max(shared, 0.3) * own * made_up.effects[controller] * demand**2.5 * (15.0 if gridlock else 1.0)
    scheduled = round(scheduled * demand * (1 + 0.02 * (shared - 1)))
    never_entered = round(scheduled * (0.2 if gridlock else 0.002 * max(demand - 0.9, 0) * delay_s / 10))
    inside = round(scheduled * (0.3 if gridlock else 0.0006 * delay_s))
    completed = scheduled - inside - never_entered
    parts = {"tables": tables(delay_s, scheduled, junctions)} if made_up.parts else {}
    if made_up.parts and made_up.walkers:
        parts["tables"]["crossings"] = crossings(delay_s, junctions)
    return parts | {
        "scenario": scenario, "controller": controller, "demand": demand, "draw": draw,
        "scheduled": scheduled, "entered": scheduled - never_entered, "completed": completed,
        "inside": inside, "never_entered": never_entered,
        "inside_at_cap": inside if gridlock else 0, "never_entered_at_cap": never_entered if gridlock else 0,
        "throughput_veh_per_h": completed * 1.2, "clear_time_s": 6600.0 if gridlock else 3000 + 5 * delay_s,
        "delay_s": delay_s, "delay_p95_s": 3 * delay_s, "wait_max_s": 5 * delay_s, "starve_max_s": 40 + 2 * delay_s,
        "delay_per_signal_s": delay_s / (1 + 0.3 * junctions), "delay_at_signals_s": delay_s / (1.2 + 0.3 * junctions),
        "worst_junction_delay_s": delay_s / 1.2, "stops_per_veh": 0.02 * delay_s, "queue_mean_veh": delay_s / 3,
        "co2_kg": scheduled * (0.2 + delay_s / 1000), "gridlock": gridlock,
        "bicycle_delay_s": 2 * delay_s, "persons": 0, "person_delay_s": math.nan,
        "person_wait_s": math.nan, "person_wait_max_s": math.nan,
        "junctions": junctions, "junctions_controlled": junctions, "vehicles_controlled_share": 1.0, "seed": draw,
        "network_digest": f"{place:064x}", "demand_digest": f"{place * 1000 + draw * 100 + round(demand * 10):064x}",
        "detector_digest": f"{place + 10:064x}", "controller_digest": f"{arm + 20:064x}",
        "override_digest": "", "faults": "",
        "delay_by_junction": json.dumps({f"J{k}": [delay_s / (1 + k), scheduled] for k in range(junctions)}),
    }  # fmt: skip


def tables(delay_s: float, scheduled: int, junctions: int) -> dict[str, dict[str, list[Any]]]:
    """Three periods, of each junction a left turn and the lanes that two turns share, and two links."""
    third, shares = scheduled // 3, (0.5, 1.5, 1.0)
    rows = [(f"J{k}", heading) for k in range(junctions) for heading in "NE"]
    served = (("left", 100, 1.5), ("through+right", 300, 0.8), ("through", 200, 0.9), ("right", 100, 0.6))
    group = {
        "demand_veh_per_h": 450.0, "served": 300, "capacity_veh_per_h": 900.0, "green_share": 0.5,
        "yielding_share": 0.0, "queue_p95_veh": delay_s / 4, "storage_veh": 12.0,
        "stops_per_veh": 0.02 * delay_s, "wait_max_s": 2 * delay_s, "co2_kg_per_h": 20 + delay_s,
    }  # fmt: skip
    part = dict.fromkeys(group) | {"demand_veh_per_h": 150.0, "served": 100}
    movements = [
        {"junction": name, "approach": f"{name}-{heading}", "heading": heading, "turns": turns, "vehicles": vehicles,
         "delay_s": delay_s * share} | (part if turns in ("through", "right") else group)
        for name, heading in rows
        for turns, vehicles, share in served
    ]  # fmt: skip
    return {
        "periods": {
            "begin_s": [600.0, 1500.0, 2400.0], "end_s": [1500.0, 2400.0, 3600.0], "scheduled": [third] * 3,
            "delay_s": [delay_s * share for share in shares], "stops_per_veh": [0.02 * delay_s * x for x in shares],
            "wait_max_s": [5 * delay_s] * 3, "co2_kg": [third * (0.2 + delay_s / 1000)] * 3,
            "served_veh_per_h": [third * 4.0] * 3, "not_out_veh": [round(delay_s)] * 3, "persons": [0] * 3,
            "person_delay_s": [None] * 3,
        },
        "movements": {name: [row[name] for row in movements] for name in movements[0]},
        "links": {
            "link": ["W-J1", "J1-J2"], "vehicles": [600, 500], "delay_s": [delay_s, delay_s / 3],
            "trips": [600, 40], "trip_delay_s": [delay_s, 2 * delay_s],
            "flow_veh_per_h": [590.0, 495.0], "speed_km_per_h": [1200 / (20 + delay_s), 40.0],
            "density_veh_per_km": [delay_s / 2, 8.0], "standing_veh": [delay_s / 9, 0.5],
            "co2_kg_per_km_h": [90 + delay_s, 60.0],
        },
    }  # fmt: skip


def crossings(delay_s: float, junctions: int) -> dict[str, list[Any]]:
    """One over the northern arm of each junction, and one where nobody drives in."""
    rows = [(f"J{k}", f":J{k}_c{side}", heading) for k in range(junctions) for side, heading in enumerate(("N", ""))]
    names = dict(zip(("junction", "approach", "heading"), map(list, zip(*rows, strict=True)), strict=True))
    waits_s = [delay_s / (2 + k) for k in range(len(rows))]
    return names | {
        "persons": [30] * len(rows), "crossing_wait_s": waits_s, "crossing_wait_max_s": [3 * wait for wait in waits_s],
    }  # fmt: skip
