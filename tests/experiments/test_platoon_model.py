"""The platoon model against what can be worked out by hand, and flows counted from routes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.plan_space import JunctionTiming, PlanSpace, Timing
from experiments.platoon_flows import Flows, count_flows
from experiments.platoon_model import INCREMENTAL, PlatoonModel
from signals.intersection import Intersection
from signals.layout import Layout, layout
from signals.plans import PlanFile
from tests.signals.fakes import junction

TIMES = (5.0, 3.0, 0.0)
CYCLE_S, SPLITS = 60, (0.5, 0.5)


def crossroads(name: str) -> Intersection:
    """Main and side street, a stage each of 27 s green in a cycle of 60 s."""
    return junction(name, {"main": TIMES, "side": TIMES}, {"A": "Gr", "B": "rG"}, {("main", "side"): ()})


def flows_of(streets: Layout, routes: dict[str, int], edges: dict[str, tuple[float, float]] | None = None) -> Flows:
    """Vehicles by route in one hour."""
    vehicles = pd.DataFrame({"edges": [route for route, count in routes.items() for _ in range(count)]})
    return count_flows(streets, edges or {}, [vehicles], 3600.0)


def model_of(
    intersections: list[Intersection], routes: dict[str, int], edges: dict[str, tuple[float, float]] | None = None
) -> PlatoonModel:
    streets = layout(intersections)
    return PlatoonModel(streets, PlanSpace(streets, PlanFile(plan=())), flows_of(streets, routes, edges))


def timing(*offsets_s: float) -> Timing:
    return Timing(CYCLE_S, tuple(JunctionTiming((0, 1), SPLITS, offset_s) for offset_s in offsets_s))


def second_term_s(flow_veh_per_h: float, capacity_veh_per_h: float) -> float:
    x = flow_veh_per_h / capacity_veh_per_h
    return 900 * ((x - 1) + np.sqrt((x - 1) ** 2 + 8 * INCREMENTAL * x / capacity_veh_per_h))


@pytest.mark.parametrize("flow", [200, 500, 700])
def test_a_lone_stop_line_delays_as_the_hcm_says(flow: int):
    """Uniform arrivals: C (1 - g/C)^2 / 2 (1 - q/s), and the second term of the same capacity on top."""
    streets = layout([crossroads("a")])
    saturation = float(streets.saturation_flow_veh_per_h[0, 0])
    green = 27.0 / CYCLE_S
    expected = CYCLE_S * (1 - green) ** 2 / (2 * (1 - flow / saturation)) + second_term_s(flow, saturation * green)
    found = model_of([crossroads("a")], {"a.main a.out": flow}).delay_s([timing(0.0)])
    assert found[0] == pytest.approx(expected, rel=0.03)


def test_beyond_capacity_delay_grows_as_a_queue_that_never_ends():
    """Half an hour's queue for each unit of the degree of saturation above one."""
    streets = layout([crossroads("a")])
    capacity = float(streets.saturation_flow_veh_per_h[0, 0]) * 27 / CYCLE_S
    over = [
        model_of([crossroads("a")], {"a.main a.out": round(capacity * x)}).delay_s([timing(0.0)])[0] for x in (1.2, 1.4)
    ]
    assert over[1] - over[0] == pytest.approx(1800 * 0.2, rel=0.05)


def test_a_green_wave_that_fits_the_way_costs_less_than_one_half_a_cycle_late():
    """The second junction is 20 s away; its offset is the same for platoons of every cycle."""
    edges = {"a.out": (140.0, 10.0), "b.main": (60.0, 10.0)}
    model = model_of([crossroads("a"), crossroads("b")], {"a.main a.out b.main b.out": 500}, edges)
    found = model.delay_s([timing(0.0, offset) for offset in (20.0, 50.0)] + [timing(30.0, 50.0)])
    assert found[0] < 0.75 * found[1]
    assert found[0] == pytest.approx(found[2], rel=0.02), "only the difference of offsets matters"


def test_many_at_once_are_each_as_alone():
    edges = {"a.out": (140.0, 10.0), "b.main": (60.0, 10.0)}
    model = model_of([crossroads("a"), crossroads("b")], {"a.main a.out b.main b.out": 500, "b.side b.out": 300}, edges)
    several = [timing(0.0, 10.0), replace(timing(0.0, 40.0), cycle_s=90), timing(0.0, 20.0)]
    alone = [float(model.delay_s([one])[0]) for one in several]
    assert model.delay_s(several) == pytest.approx(alone)


def permissive(name: str) -> Intersection:
    """Left turns that yield to the other direction, in a stage with it."""
    heads = {"left": TIMES, "ahead": TIMES, "side": TIMES}
    pairs = {("left", "ahead"): ("A",), ("left", "side"): (), ("ahead", "side"): ()}
    return junction(name, heads, {"A": "gGr", "B": "rrG"}, pairs)


def test_who_yields_waits_longer_the_more_come_opposite():
    """And hardly at all for a gap where nobody comes."""
    costs = []
    for opposite in (1, 400, 700):
        model = model_of([permissive("a")], {"a.left a.out": 150, "a.ahead a.out": opposite})
        alone = model_of([permissive("a")], {"a.ahead a.out": opposite})
        one = timing(0.0)
        costs.append(float(model.delay_s([one])[0]) * (150 + opposite) - float(alone.delay_s([one])[0]) * opposite)
    assert costs[0] < costs[1] < costs[2]
    assert costs[2] > 1.5 * costs[0]


def test_flows_are_those_of_the_routes():
    """Two draws of the same hour: a mean hour's flow, and the way between two stop lines with its time."""
    streets = layout([crossroads(name) for name in "ab"])
    through, side = "a.main a.out b.main b.out", "b.side b.out"
    draws = [pd.DataFrame({"edges": [through] * 360 + [side] * 36})] * 2
    edges = {"a.main": (500.0, 10.0), "a.out": (140.0, 10.0), "b.main": (60.0, 10.0)}
    found = count_flows(streets, edges, draws, 3600.0)
    assert found.flow_veh_per_s.tolist() == pytest.approx([0.1, 0.1, 0.01])
    assert found.entering_veh_per_s.tolist() == pytest.approx([0.1, 0.0, 0.01])
    assert (found.way_from.tolist(), found.way_to.tolist(), found.way_time_s.tolist()) == ([0], [1], [20.0])
    assert found.way_share.tolist() == [1.0]
    assert found.vehicles_per_s == pytest.approx(0.11)


def test_who_has_a_choice_of_lanes_takes_the_emptier_one():
    """A lane that turners fill is left to them: 300 turn left from one, so of 500 ahead 400 take the other."""
    built = crossroads("a")
    first = built.lane_groups[0].model_copy(update={"exits": ("a.out", "a.left"), "approach": "a.in", "lanes": ("1",)})
    second = built.lane_groups[0].model_copy(
        update={"id": "second", "exits": ("a.out",), "approach": "a.in", "lanes": ("2",)}
    )
    ahead = built.movements[0].model_copy(update={"approach": "a.in"})
    left = ahead.model_copy(update={"id": "left", "exit": "a.left", "turn": "left"})
    groups = (first, second, built.lane_groups[1])
    built = built.model_copy(update={"lane_groups": groups, "movements": (ahead, left, built.movements[1])})
    found = flows_of(layout([built]), {"a.in a.left": 300, "a.in a.out": 500})
    assert (found.flow_veh_per_s * 3600).tolist() == pytest.approx([400.0, 400.0])
