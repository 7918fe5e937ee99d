"""Traffic for streets that nobody built: from every end to every other, as much as the plan can nearly carry.

The flows are scaled so that at the busiest junction the critical movements (HCM) fill a drawn share of the hour; each
plan's greens are Webster's for them.
"""

from __future__ import annotations

import csv
import heapq
import io
import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from scenarios.place import LEFT, STRAIGHT, Place, PlanStage, SignalPlan, Street

SATURATION_VEH_PER_H = 1800.0
YIELDING = 1.7
"""How many times its flow a left turn counts that finds its gaps itself."""
FULL = (0.35, 0.65)
SHORTEST_GREEN_S, CYCLE_S = 6, (50, 110)
QUARTERS_S = (0, 900, 1800, 2700, 3600)
LOST_S = 2.0

Flows = dict[tuple[str, str], float]  # veh/h by the first and the last node
Turns = dict[tuple[str, str], float]  # veh/h by street and turn


def random_demand(place: Place, seed: int) -> tuple[Place, str]:
    """The place with Webster's greens, and its demand table as `demand.csv` has it."""
    random = np.random.default_rng([20_262, seed])
    flows = _flows(random, place)
    turning = _turning(place, flows)
    full = max(sum(_critical(place, signal, turning)) for signal in place.signals)
    scale = float(random.uniform(*FULL)) / full
    turning = {key: flow * scale for key, flow in turning.items()}
    critical = {signal: _critical(place, signal, turning) for signal in place.signals}
    cycle_s = max(_webster_s(place.signals[signal], of) for signal, of in critical.items())
    plans = {signal: _timed(place.signals[signal], of, cycle_s) for signal, of in critical.items()}
    table = _table(random, {pair: flow * scale for pair, flow in flows.items()})
    return place.model_copy(update={"signals": plans}), table


def _flows(random: np.random.Generator, place: Place) -> Flows:
    """Between all ends, by what enters and leaves at each, and some liking besides."""
    ends = [node for node in place.nodes if node not in place.signals]
    lanes = {street.start: street.lanes_upstream for street in place.streets if street.start in ends}
    out, back = (dict(zip(ends, random.lognormal(0.0, 0.4, len(ends)), strict=True)) for _ in range(2))
    return {
        (a, b): float(lanes[a] * lanes[b] * out[a] * back[b] * random.lognormal(0.0, 0.5))
        for a in ends
        for b in ends
        if a != b
    }


def _turning(place: Place, flows: Flows) -> Turns:
    """What turns where, all on their shortest ways."""
    turning: defaultdict[tuple[str, str], float] = defaultdict(float)
    for (start, end), flow in flows.items():
        for street, turn in _shortest_way(place, start, end):
            turning[street.id, turn] += flow
    return turning


def _shortest_way(place: Place, start: str, end: str) -> list[tuple[Street, str]]:
    first = next(street for street in place.streets if street.start == start)
    waiting: list[tuple[float, int, Street, list[tuple[Street, str]]]] = [(0.0, 0, first, [])]
    seen, count = set(), 0
    while waiting:
        length_m, _, street, way = heapq.heappop(waiting)
        if street.end == end:
            return way
        if street.id in seen:
            continue
        seen.add(street.id)
        for turn, out in place.exits(street).items():
            count += 1
            further_m = length_m + math.dist(place.nodes[out.start], place.nodes[out.end])
            heapq.heappush(waiting, (further_m, count, out, [*way, (street, turn)]))
    raise AssertionError(f"no way from {start} to {end}")


def _critical(place: Place, signal: str, turning: Turns) -> list[float]:
    """Share of the hour that each stage's busiest lane needs; a turn with two stages waits for the last of them."""
    stages = place.signals[signal].stages
    last = {movement: number for number, stage in enumerate(stages) for movement in stage.movements}
    return [
        max(_lane_shares(place, stage, {m for m in stage.movements if last[m] == number}, signal, turning))
        for number, stage in enumerate(stages)
    ]


def _lane_shares(
    place: Place, stage: PlanStage, served: set[tuple[str, str]], signal: str, turning: Turns
) -> Iterator[float]:
    yield 0.0
    for street in place.arriving(signal):
        lanes = street.lanes if isinstance(street.lanes, tuple) else ()
        for lane in lanes:
            share = 0.0
            for turn in lane:
                if (street.start, turn) in served:
                    alike = sum(turn in other for other in lanes)
                    times = YIELDING if turn == LEFT and _yields(place, street, stage) else 1.0
                    share += times * turning.get((street.id, turn), 0.0) / alike / SATURATION_VEH_PER_H
            yield share


def _yields(place: Place, street: Street, stage: PlanStage) -> bool:
    oncoming = place.exits(street).get(STRAIGHT)
    return oncoming is not None and (oncoming.end, STRAIGHT) in stage.movements


def _webster_s(plan: SignalPlan, critical: list[float]) -> float:
    lost_s = sum(stage.yellow_s + stage.all_red_s + LOST_S for stage in plan.stages)
    return float(np.clip((1.5 * lost_s + 5.0) / max(1.0 - sum(critical), 0.05), *CYCLE_S))


def _timed(plan: SignalPlan, critical: list[float], cycle_s: float) -> SignalPlan:
    green_s = cycle_s - sum(stage.yellow_s + stage.all_red_s for stage in plan.stages)
    share = np.maximum(critical, 0.02)
    greens_s = np.maximum(np.round(green_s * share / share.sum()), SHORTEST_GREEN_S).astype(int).tolist()
    stages = [stage.model_copy(update={"green_s": each}) for stage, each in zip(plan.stages, greens_s, strict=True)]
    return plan.model_copy(update={"stages": tuple(stages)})


def _table(random: np.random.Generator, flows: Flows) -> str:
    """A peak somewhere in the window, for all alike and for each pair of ends a little otherwise."""
    peak, slope = random.uniform(0, len(QUARTERS_S) - 1), random.uniform(0.0, 0.15)
    common = 1.0 - slope * np.abs(np.arange(len(QUARTERS_S)) - peak)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["from", "to", *QUARTERS_S])
    for (start, end), flow in flows.items():
        own = random.uniform(0.9, 1.1, len(QUARTERS_S))
        table.writerow([start, end, *(max(1, round(of)) for of in (flow * common * own).tolist())])
    return text.getvalue()
