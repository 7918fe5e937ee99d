"""Our whole path on one network, and raw SUMO showing the same signals: a measurement in a process of its own.

`python -m benchmarks.street_loop MODE SCENARIO ROUTES DECISION_S [PROGRAMS [CONTROLLER]]` prints one line of JSON.
"""

import gc
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pandas as pd

from experiments.case import build_controller, place_of
from scenarios.catalogue import find
from signals.flow import FlowEstimator
from signals.loop import Loop
from signals.safety import Interlock
from simulation.detectors import loops_xml
from simulation.street import Demand, Place, Street, output_options, run_options
from simulation.sumo import Sumo

CONTROLLER = "max-pressure"
SEED = 0
PROGRAM = "replay"
Figures = dict[str, Any]


class Timed:
    """A part of the path whose verbs are timed."""

    def __init__(self, part: object, spent_s: dict[str, float], **verbs: str) -> None:
        self._spent_s = spent_s
        for verb, share in verbs.items():
            setattr(self, verb, self._timed(getattr(part, verb), share))

    def _timed(self, verb: Callable[..., Any], share: str) -> Callable[..., Any]:
        spent_s = self._spent_s
        spent_s.setdefault(share, 0.0)

        def call(*arguments: Any) -> Any:
            started_s = time.perf_counter()
            result = verb(*arguments)
            spent_s[share] += time.perf_counter() - started_s
            return result

        return call


def street_of(scenario: str, routes: str, outputs: bool) -> Street:
    """Started, with the loops; the vehicles are not needed, since no measures are asked for."""
    demand = Demand(Path(routes), pd.DataFrame({"id": [], "depart_s": [], "edges": []}))
    return Street(place_of(find(scenario)), demand, seed=SEED, outputs=outputs)


def loop_of(street: Street, spent_s: dict[str, float] | None = None, controller: str = CONTROLLER) -> Loop:
    """Everything between reading and applying, as every case has it."""
    parts: list[Any] = [street.plant, FlowEstimator(street.layout), build_controller(controller, street)]
    parts.append(Interlock(street.layout))
    if spent_s is not None:
        verbs = ({"read": "reading", "apply": "applying"}, {"update": "estimation"}, {"decide": "decision"})
        parts = [Timed(p, spent_s, **v) for p, v in zip(parts, (*verbs, {"permit": "interlock"}), strict=True)]
    return Loop(*parts)


def run(street: Street, loop: Loop, decision_s: float) -> Figures:
    """The window, without the drain: SUMO jumps from decision to decision."""
    step_to, now_s, end_s = street.sumo.step_to, street.place.begin_s, street.place.end_s
    gc.collect()
    street.sumo.own_step_s, cpu_s, started_s = 0.0, time.process_time(), time.perf_counter()
    while now_s < end_s:
        loop.tick()
        now_s += decision_s
        step_to(now_s)
    loop_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    return {"loop_s": loop_s, "cpu_s": cpu_s, "own_step_s": street.sumo.own_step_s, "traffic": fingerprint(street.sumo)}


def fingerprint(sumo: Sumo) -> str:
    """Where every vehicle is, so that two runs can be told to be the same."""
    ids = sorted(sumo.vehicle.getIDList())
    places = [(v, sumo.vehicle.getLaneID(v), sumo.vehicle.getLanePosition(v), sumo.vehicle.getSpeed(v)) for v in ids]
    return hashlib.sha256(repr(places).encode()).hexdigest()


def measured(scenario: str, routes: str, decision_s: float) -> Figures:
    """The figure to gate on, disturbed by no instrument."""
    with street_of(scenario, routes, outputs=False) as street:
        return run(street, loop_of(street), decision_s)


def profiled(scenario: str, routes: str, decision_s: float, controller: str = CONTROLLER) -> Figures:
    """The same with a clock around every part; its shares are of its own, longer time."""
    spent_s: dict[str, float] = {}
    with street_of(scenario, routes, outputs=False) as street:
        figures = run(street, loop_of(street, spent_s, controller), decision_s)
        spent_s["SUMO"] = figures["own_step_s"]
        spent_s["rest"] = figures["loop_s"] - sum(spent_s.values())
        return figures | {"shares": {k: v / figures["loop_s"] for k, v in spent_s.items()}}


def recorded(scenario: str, routes: str, decision_s: float, programs: Path) -> Figures:
    """Run second by second, and write down as SUMO programs what every signal showed in every step."""
    with street_of(scenario, routes, outputs=True) as street:
        loop, sumo, place = loop_of(street), street.sumo, street.place
        shown: dict[str, list[str]] = {name: [] for name in sumo.trafficlight.getIDList()}
        now_s = next_s = place.begin_s
        while now_s < place.end_s:
            if now_s >= next_s:
                loop.tick()
                next_s += decision_s
            now_s += place.step_length_s
            sumo.step_to(now_s)
            for name, states in shown.items():
                states.append(sumo.state(name))
        programs.write_text(programs_xml(shown, place), encoding="utf-8")
        traffic = fingerprint(sumo)
        sumo.close()
        return {"traffic": traffic, "trips": trips(street.tripinfo)}


def programs_xml(shown: dict[str, list[str]], place: Place) -> str:
    """One fixed program a signal, in which every run of equal states is a row."""
    text = ["<additional>"]
    for name, states in shown.items():
        words = f"id={quoteattr(name)} programID={quoteattr(PROGRAM)}"
        text.append(f'    <tlLogic {words} type="static" offset="{place.begin_s:g}">')
        for state, run_of in groupby(states):
            seconds = place.step_length_s * sum(1 for _ in run_of)
            text.append(f'        <phase duration="{seconds:g}" state="{state}"/>')
        text.append("    </tlLogic>")
    return "\n".join([*text, "</additional>", ""])


def trips(tripinfo: str) -> str:
    """Digest of all trips, without the header that names files and the time of day."""
    return hashlib.sha256(tripinfo[tripinfo.index("<tripinfos") :].encode()).hexdigest()


def raw(scenario: str, routes: str, outputs: bool, programs: Path) -> Iterator[tuple[Sumo, Place, Path]]:
    """SUMO with the same loops, the recorded programs, and no Python between its steps."""
    place = place_of(find(scenario))
    with tempfile.TemporaryDirectory(prefix="raw-") as name:
        folder = Path(name)
        loops = folder / "loops.add.xml"
        loops.write_text(loops_xml(place.network.intersections, set()), encoding="utf-8")
        options = run_options(place, Path(routes), [*place.additional_files, loops, programs], SEED)
        with Sumo(options | (output_options(folder) if outputs else {})) as sumo:
            yield sumo, place, folder


def replayed(scenario: str, routes: str, programs: Path) -> Figures:
    """How long SUMO alone takes for the window, in one call."""
    for sumo, place, _ in raw(scenario, routes, outputs=False, programs=programs):
        cpu_s, started_s = time.process_time(), time.perf_counter()
        sumo.step_to(place.end_s)
        loop_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
        return {"loop_s": loop_s, "cpu_s": cpu_s, "traffic": fingerprint(sumo)}
    raise AssertionError("unreachable: raw yields once")


def replay_checked(scenario: str, routes: str, programs: Path) -> Figures:
    """The same with SUMO's trip output, to be compared with the recorded run's."""
    for sumo, place, folder in raw(scenario, routes, outputs=True, programs=programs):
        sumo.step_to(place.end_s)
        sumo.close()
        return {"trips": trips((folder / "tripinfo.xml").read_text(encoding="utf-8"))}
    raise AssertionError("unreachable: raw yields once")


def main(
    mode: str, scenario: str, routes: str, decision: str, programs: str = "", controller: str = CONTROLLER
) -> Figures:
    """One measurement."""
    decision_s, file = float(decision), Path(programs)
    if mode == "record":
        return recorded(scenario, routes, decision_s, file)
    if mode == "check":
        return replay_checked(scenario, routes, file)
    if mode == "replay":
        return replayed(scenario, routes, file)
    if mode == "profile":
        return profiled(scenario, routes, decision_s, controller)
    return measured(scenario, routes, decision_s)


if __name__ == "__main__":
    print("\n" + json.dumps(main(*sys.argv[1:])))
