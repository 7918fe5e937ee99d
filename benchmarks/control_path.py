"""How many junctions one core controls at one tick a second: `python benchmarks/control_path.py --json FILE` (minutes).

The control path alone, in one batch: estimation, `adaptive`, interlock, over copies of real junctions, fed with what
was read on their street while the same controller had it, so that wishes, grants and read-back belong together. No
cabinet, no network, no log. Lateness is that of ticks due every second, each begun when the one before has ended.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import numpy as np  # noqa: E402

from field.street import VirtualStreet  # noqa: E402
from signals.controllers import build  # noqa: E402
from signals.flow import FlowEstimator  # noqa: E402
from signals.intersection import Intersection  # noqa: E402
from signals.layout import Layout, layout  # noqa: E402
from signals.loop import Loop  # noqa: E402
from signals.plans import PlanFile  # noqa: E402
from signals.replay import RecordedPlant  # noqa: E402
from signals.safety import Interlock  # noqa: E402
from signals.values import Snapshot  # noqa: E402

SCENARIO, CONTROLLER = "resco:cologne8", "adaptive"
JUNCTIONS, WANTED = 5000, 5000
WARM_UP, TICKS, TICK_S = 60, 240, 1.0
MOST_LATE_S = 1.0


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


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--junctions", type=int, default=JUNCTIONS)
    parser.add_argument("--ticks", type=int, default=TICKS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    own, snapshots = recorded(WARM_UP + asked.ticks)
    number = -(-asked.junctions // len(own.intersections))
    place = copies(own.intersections, number)
    took_s = measure(place, snapshots, number)
    mean_s, late_s = float(np.mean(took_s)), float(np.percentile(lateness_s(took_s), 99))
    figures = {
        "scenario": SCENARIO,
        "controller": CONTROLLER,
        "junctions": len(place.intersections),
        "ticks": len(took_s),
        "tick_mean_s": mean_s,
        "tick_p99_s": float(np.percentile(took_s, 99)),
        "tick_longest_s": max(took_s),
        "lateness_p99_s": late_s,
        "us_per_junction": 1e6 * mean_s / len(place.intersections),
        "junctions_per_core": len(place.intersections) * TICK_S / mean_s,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
    }
    for name, value in figures.items():
        print(f"{name:20} {value:.4g}" if isinstance(value, float) else f"{name:20} {value}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    enough = figures["junctions_per_core"] >= WANTED and late_s <= MOST_LATE_S  # type: ignore[operator]
    print("enough" if enough else f"not enough: must be {WANTED} a core with a lateness p99 of {MOST_LATE_S:g} s")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
