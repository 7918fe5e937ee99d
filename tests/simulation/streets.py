"""Real streets for tests: a scenario's demand drawn once, our whole path over it, and SUMO alone beside it.

SUMO 1.28 decides some ties by addresses in memory: only the first run of a process is sure to repeat itself. So what
is compared byte for byte runs in a process of its own.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import sumo as sumo_wheel

from experiments.case import place_of
from experiments.demand import draw_demand
from scenarios.catalogue import find
from signals.controllers import build
from signals.flow import FlowEstimator
from signals.loop import Loop
from signals.safety import Interlock
from simulation.detectors import loops_xml
from simulation.street import Demand, Place, Street, output_options, run_options

ROOT = Path(__file__).resolve().parents[2]
RAW_SUMO = Path(sumo_wheel.__file__).parent / "bin" / "sumo"
SEED = 3


@cache
def place_and_demand(name: str, seconds: float | None = None) -> tuple[Place, Demand]:
    """A scenario, cut to its first seconds, and a development draw of its demand."""
    scenario = find(name)
    if seconds is not None:
        scenario = replace(scenario, end_s=scenario.begin_s + seconds)
    drawn = draw_demand(scenario, 1.0, SEED, Path(mkdtemp(prefix="tests-demand-")))
    place = place_of(scenario)
    return place, Demand(drawn.route_file, drawn.vehicles, drawn.persons)


def tripinfo_of_our_path(name: str, seconds: float, controller: str, decision_s: float = 1.0) -> str:
    """Every trip of a scenario's first seconds, with the junctions under a controller."""
    words = [sys.executable, "-m", "tests.simulation.streets", name, str(seconds), controller, str(decision_s)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def drive(place: Place, demand: Demand, controller: str, decision_s: float = 1.0) -> str:
    """The same in this process."""
    with Street(place, demand, SEED) as street:
        loop = loop_over(street, controller)
        while street.sumo.time_s < place.end_s:
            loop.tick()
            street.sumo.step_to(street.sumo.time_s + decision_s)
        street.sumo.close()
        return without_header(street.tripinfo)


def loop_over(street: Street, controller: str) -> Loop:
    """The whole path, as every case has it."""
    control = build(controller, street.layout, street.network.plans)
    return Loop(street.plant, FlowEstimator(street.layout), control, Interlock(street.layout))


def tripinfo_of_sumo(place: Place, demand: Demand, folder: Path, additional: Sequence[Path] = ()) -> str:
    """The same from SUMO's own program, with the same loops and options."""
    loops = folder / "loops.add.xml"
    loops.write_text(loops_xml(place.network.intersections, set()), encoding="utf-8")
    options = run_options(place, demand.route_file, [*place.additional_files, loops, *additional], SEED)
    options |= output_options(folder) | {"end": f"{place.end_s:g}"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    subprocess.run([str(RAW_SUMO), *words], check=True, capture_output=True)
    return without_header((folder / "tripinfo.xml").read_text(encoding="utf-8"))


def without_header(tripinfo: str) -> str:
    """Without the comment that names files and the time of day."""
    return tripinfo[tripinfo.index("<tripinfos") :]


if __name__ == "__main__":
    scenario_name, span_s, controller_name, every_s = sys.argv[1:]
    sys.stdout.write(drive(*place_and_demand(scenario_name, float(span_s)), controller_name, float(every_s)))
