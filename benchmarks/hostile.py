"""A unit that everybody is against: `python benchmarks/hostile.py --json FILE`.

A million ticks of random and hostile centrals (masks, patterns, SETs of any object to any value), flickering and stuck
detectors, preemptions, manual control, stop time, flash, conflicts in the lamps, power failures and clocks that jump.
`field.virtual.checker` reads the event log and must find no broken rule of its list. A drill in which nobody ever gets
anything proves nothing: at least a fifth of the stages that were asked for must have been shown.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import numpy as np  # noqa: E402

from experiments.case import place_of  # noqa: E402
from field.virtual.checker import Breach, Checker  # noqa: E402
from field.virtual.controls import MASKS  # noqa: E402
from field.virtual.machine import Machine, Settings  # noqa: E402
from field.virtual.objects import ASC, Objects, Oid, RefusedError  # noqa: E402
from field.virtual.tables import tables_of  # noqa: E402
from scenarios.catalogue import find  # noqa: E402
from signals.intersection import Aspect, Intersection  # noqa: E402
from signals.plans import TimingPlan  # noqa: E402

SCENARIOS = ("single", "resco:ingolstadt1", "town")
TICKS, LEAST_GRANTED = 1_000_000, 0.2
TICK_LENGTHS_S, TICK_SHARES = (0.1, 0.5, 1.0), (0.3, 0.2, 0.5)
FREE, PATTERNS = 254, (0, 1, 254, 254, 254, 255, 7)
EVERY = {
    "preempt": 900,
    "manual": 1500,
    "stop time": 1500,
    "flash": 4000,
    "power": 6000,
    "clock": 1000,
    "lamp": 4000,
    "any object": 40,
}
"""Mean ticks between two of a kind; what lasts, lasts 20 ticks on average."""
LASTS = 20
REQUEST_EVERY = 30
CENTRAL_OBJECTS = tuple((*ASC, *rest, 0) for rest in ((3, 3), (3, 10), (4, 1), (4, 14), (4, 15)))


class Drill:
    """One unit under attack; `tick` it as often as you like. `granted`: stages asked for that were shown in time."""

    def __init__(self, intersection: Intersection, plans: tuple[TimingPlan, ...], seed: int) -> None:
        self.machine = Machine(tables_of(intersection, plans), Settings(backup_time_s=30), 0.0)
        self.checker = Checker(intersection)
        self.requests = self.granted = self.refused_sets = self.taken_sets = 0
        self.happened: Counter[str] = Counter()
        self._random = np.random.default_rng(seed)
        self._objects = Objects(self.machine)
        self._loops = np.zeros(len(self.machine.detectors), bool)
        self._wanted: frozenset[int] = frozenset()
        self._time_s = 0.0

    def tick(self) -> list[Breach]:
        """Attack, go on, and let the checker judge; all that it has found so far."""
        random, machine = self._random, self.machine
        for what, every in EVERY.items():
            if random.random() < 1 / every:
                self.happened[what] += 1
                self._attack(what)
        self._relent()
        if random.random() < 1 / REQUEST_EVERY:
            self._ask()
        flips = random.random(len(self._loops)) < 0.03
        self._loops = self._loops ^ flips
        pressed = [n for n, p in machine.phases.items() if p.table.pedestrian and random.random() < 0.02]
        self._time_s = round(self._time_s + float(random.choice(TICK_LENGTHS_S, p=TICK_SHARES)), 1)
        machine.tick(self._time_s, self._loops.tolist(), pressed)
        if self._wanted and self._wanted <= {n for n, p in machine.phases.items() if p.green}:
            self.granted += 1
            self._wanted = frozenset()
        for event in machine.take_events():
            self.happened[f"event {event.code}"] += 1
            self.checker.update(*event)
        return self.checker.breaches

    def _ask(self) -> None:
        """Two in three as a central that knows its business, the third as one that does not."""
        random, machine = self._random, self.machine
        stage = machine.tables.stages[int(random.integers(len(machine.tables.stages)))]
        if random.random() < 2 / 3:
            wanted, others = _mask(stage), _mask(set(machine.phases) - stage)
            masks = {"vehicle_call": wanted, "omit": others, "hold": wanted, "force_off": others}
            machine.set_pattern(FREE)
        else:
            masks = {name: int(random.integers(1 << 16)) for name in MASKS if random.random() < 0.7}
            machine.set_pattern(int(random.choice(PATTERNS)))
        for name in MASKS:
            for group in (1, 2):
                machine.set_control(name, group, masks.get(name, 0) >> 8 * (group - 1) & 0xFF)
        self._wanted = stage
        self.requests += 1

    def _attack(self, what: str) -> None:
        random, machine = self._random, self.machine
        if what == "preempt":
            machine.preempt_input = int(random.integers(1, len(machine.tables.stages) + 1))
        elif what == "manual":
            machine.manual = True
        elif what == "stop time":
            machine.stop_time = True
        elif what == "flash":
            machine.flash_switch = True
        elif what == "power":
            machine.power_up()
        elif what == "clock":
            machine.step_clock(float(random.choice((-1.0, 1.0)) * random.exponential(2000.0)))
        elif what == "lamp":
            group = str(random.choice(sorted(machine.tables.group_of)))
            machine.stuck_lamps = {group: Aspect.GREEN}
        else:
            self._set_anything()

    def _relent(self) -> None:
        """What was done to it ends by and by."""
        machine = self.machine
        over = self._random.random(6) < 1 / LASTS
        machine.preempt_input *= not over[0]
        machine.manual &= not over[1]
        machine.stop_time &= not over[2]
        machine.flash_switch &= not over[3]
        if over[4]:
            machine.stuck_lamps = {}
            machine.reset_monitor()
        if machine.manual and over[5]:
            machine.advance()
        if over[0] and self._random.random() < 0.1:  # what a SET left behind
            machine.coordinator.operational_mode = 0

    def _set_anything(self) -> None:
        random = self._random
        oid: Oid | None
        if random.random() < 0.5:
            oid = CENTRAL_OBJECTS[int(random.integers(len(CENTRAL_OBJECTS)))]
        else:
            oid = self._objects.after((*ASC, int(random.integers(1, 9)), int(random.integers(6)))) or ASC
        kind = "integer" if random.random() < 0.9 else "octet"
        try:
            self._objects.set(oid, kind, str(int(random.integers(-2, 300))))
            self.taken_sets += 1
        except RefusedError:
            self.refused_sets += 1


def _mask(numbers: set[int] | frozenset[int]) -> int:
    return sum(1 << (n - 1) for n in numbers)


def drill(scenario: str, ticks: int, seed: int) -> dict[str, object]:
    """Run one; what it came to."""
    network = place_of(find(scenario)).network
    intersection = network.intersections[0]
    attacked = Drill(intersection, network.plans.of(intersection.id), seed)
    started_s = time.perf_counter()
    for _ in range(ticks):
        attacked.tick()
    return {
        "scenario": scenario,
        "junction": intersection.id,
        "ticks": ticks,
        "seed": seed,
        "requests": attacked.requests,
        "granted": attacked.granted,
        "granted_share": attacked.granted / max(1, attacked.requests),
        "sets_taken": attacked.taken_sets,
        "sets_refused": attacked.refused_sets,
        "greens": attacked.checker.greens,
        "happened": dict(sorted(attacked.happened.items())),
        "broken_rules": len(attacked.checker.breaches),
        "breaches": [f"{b.time_s:.1f} s: rule {b.rule}: {b.what}" for b in attacked.checker.breaches[:20]],
        "wall_s": time.perf_counter() - started_s,
    }


def main() -> int:
    """Print a line a scenario; the exit status is 1 if a rule was broken or too little was granted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=TICKS, help="in all")
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = []
    for scenario in given.scenarios:
        found.append(drill(scenario, given.ticks // len(given.scenarios), given.seed))
        row = found[-1]
        print(
            f"{scenario} {row['junction']}: {row['ticks']:,} ticks, {row['requests']:,} requests, "
            f"{row['granted_share']:.0%} granted, {row['greens']:,} greens, {row['broken_rules']} broken rules"
        )
        for line in row["breaches"]:  # type: ignore[attr-defined]
            print(f"  {line}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    bad = [row for row in found if row["broken_rules"] or float(str(row["granted_share"])) < LEAST_GRANTED]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
