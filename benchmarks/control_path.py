"""What the control path alone takes at one tick a second, for `benchmarks/fleet.py`.

It is one batch: estimation, `adaptive`, interlock, over copies of real junctions, fed with what
was read on their street while the same controller had it, so that wishes, grants and read-back belong together. No
cabinet, no network, no log. Lateness is that of ticks due every second, each begun when the one before has ended.
"""

from __future__ import annotations

import resource
import time

import numpy as np

from field.street import VirtualStreet
from signals.controllers import build
from signals.flow import FlowEstimator
from signals.intersection import Intersection
from signals.layout import Layout, layout
from signals.loop import Loop
from signals.plans import PlanFile
from signals.replay import RecordedPlant
from signals.safety import Interlock
from signals.values import Snapshot

SCENARIO, CONTROLLER = "resco:cologne8", "adaptive"
WARM_UP, TICK_S = 60, 1.0


def recorded(ticks: int) -> tuple[Layout, list[Snapshot]]:
    """What was read on the street, second by second, under the controller."""
    with VirtualStreet(SCENARIO) as street:
        controller = build(CONTROLLER, street.layout, street.plans)
        loop = Loop(street.plant, FlowEstimator(street.layout), controller, Interlock(street.layout))
        seconds, found = street.seconds(TICK_S), []
        for _ in range(ticks):
            next(seconds)
            found.append(loop.tick().snapshot)
        return street.layout, found


def copies(intersections: tuple[Intersection, ...], number: int) -> Layout:
    """So many copies of a place, each with its own neighbours."""
    found = []
    for k in range(number):
        for junction in intersections:
            neighbours = tuple(
                n.model_copy(update={"intersection": f"{n.intersection}#{k}"}) for n in junction.neighbours
            )
            found.append(junction.model_copy(update={"id": f"{junction.id}#{k}", "neighbours": neighbours}))
    return layout(found)


def tiled(snapshot: Snapshot, number: int) -> Snapshot:
    """The same reading of every copy."""
    arrays = {
        name: np.tile(value, (number, *[1] * (value.ndim - 1)))
        for name, value in snapshot._asdict().items()
        if isinstance(value, np.ndarray)
    }
    return snapshot._replace(**arrays)  # type: ignore[arg-type]


def measure(place: Layout, snapshots: list[Snapshot], number: int) -> list[float]:
    """Seconds that each tick took, after a warm-up."""
    plant = RecordedPlant(place)
    controller = build(CONTROLLER, place, PlanFile(plan=()))
    loop = Loop(plant, FlowEstimator(place), controller, Interlock(place))
    took_s = []
    for snapshot in snapshots:
        plant.show(tiled(snapshot, number))
        began_s = time.perf_counter()
        loop.tick()
        took_s.append(time.perf_counter() - began_s)
    return took_s[WARM_UP:]


def lateness_s(took_s: list[float], every_s: float = TICK_S) -> list[float]:
    """How late each tick begins (Lindley's recursion): what the ones before took beyond their time."""
    late, found = 0.0, []
    for took in took_s:
        found.append(late)
        late = max(0.0, late + took - every_s)
    return found


def control_path(junctions: int, ticks: int) -> dict[str, float | int | str]:
    """Figures of so many junctions on one core."""
    own, snapshots = recorded(WARM_UP + ticks)
    number = -(-junctions // len(own.intersections))
    place = copies(own.intersections, number)
    took_s = measure(place, snapshots, number)
    mean_s = float(np.mean(took_s))
    return {
        "scenario": SCENARIO,
        "controller": CONTROLLER,
        "junctions": len(place.intersections),
        "ticks": len(took_s),
        "tick_mean_s": mean_s,
        "tick_p99_s": float(np.percentile(took_s, 99)),
        "tick_longest_s": max(took_s),
        "lateness_p99_s": float(np.percentile(lateness_s(took_s), 99)),
        "us_per_junction": 1e6 * mean_s / len(place.intersections),
        "junctions_per_core": len(place.intersections) * TICK_S / mean_s,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
