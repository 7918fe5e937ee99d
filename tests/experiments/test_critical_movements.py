"""Critical movements against junctions whose answer is known by hand, and the lane that SUMO's vehicles leave."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from experiments.case import place_of
from experiments.critical_movements import (
    critical_movements,
    flows_veh_per_h,
    passages_veh_per_h,
)
from experiments.demand import traffic_of
from experiments.junction_capacity import (
    EXACT,
    LONGEST_CYCLE_S,
    Gaps,
    JunctionDemand,
    greatest,
    junction_demand,
    multiple,
)
from scenarios.catalogue import find
from scenarios.traffic import Window
from signals.intersection import LaneGroup, Movement
from signals.layout import layout
from simulation.measures import window_of
from simulation.single_lane import discharge_veh_per_h

SATURATION = 1800.0


def test_a_lane_discharges_what_a_queue_of_default_vehicles_does():
    """About 1,750 an hour; shorter vehicles with shorter gaps more, and quicker streets not by much."""
    usual = discharge_veh_per_h([], [], 13.89)
    assert 1700 < usual < 1850
    types = ['<vType id="pkw" vClass="passenger" length="4.3" minGap="1.5"/>']
    assert discharge_veh_per_h(types, [' type="pkw"'], 13.89) > 1.03 * usual
    assert discharge_veh_per_h(types, [' type="unknown"'], 13.89) == usual
    assert discharge_veh_per_h([], [], 13.89) == usual, "the same again"


LOST_S = 6.0


def two_stages(*need: float, gaps: Gaps | None = None, least_green_s: float = 0.0) -> JunctionDemand:
    """A street and its cross street: the first lane group has green in the one, all others in the other."""
    green = np.array([[True, *[False] * (len(need) - 1)], [False, *[True] * (len(need) - 1)]])
    return JunctionDemand(
        need=np.array(need),
        green=green,
        gaps=(*[None] * (len(need) - 1), gaps),
        headway_s=2.0,
        lanes=np.ones(len(need)),
        lost_s=np.array([[0.0, LOST_S], [LOST_S, 0.0]]),
        least_green_s=np.full(2, least_green_s),
    )


def test_two_critical_movements_share_the_cycle_less_its_lost_time():
    """A third and a sixth of the time are needed; the smaller flow of the second stage counts for nothing."""
    expected = (1 - 2 * LOST_S / LONGEST_CYCLE_S) / (1 / 3 + 1 / 6)
    assert multiple(two_stages(1 / 3, 1 / 6, 1 / 9)) == pytest.approx(expected, rel=EXACT)


def test_a_stage_that_nobody_needs_is_left_out_with_its_lost_time():
    assert multiple(replace(two_stages(1 / 3), gaps=(None,))) == pytest.approx(3.0, rel=EXACT)
    assert multiple(replace(two_stages(1 / 3), need=np.array([]), gaps=())) == math.inf


def test_a_minimum_green_is_given_whatever_the_flow():
    free_s = LONGEST_CYCLE_S - 2 * LOST_S - 30.0
    found = multiple(two_stages(0.5, 0.0005, least_green_s=30.0))
    assert found == pytest.approx(free_s / LONGEST_CYCLE_S / 0.5, rel=EXACT)


def test_whom_no_stage_serves_has_no_multiple():
    lost = two_stages(0.1, 0.2)
    assert multiple(replace(lost, green=lost.green & np.array([True, False]))) == 0.0


def turners(share: float, opposing_veh_per_h: float, need: float = 0.05) -> float:
    """The multiple of a junction whose last lane group turns in gaps, in the second stage, towards the one before."""
    gaps = Gaps(np.array([False, True]), share, opposing_veh_per_h, longest=1)
    return multiple(two_stages(0.2, opposing_veh_per_h / 1800.0, need, gaps=gaps))


def test_turners_have_what_the_opposing_queue_leaves():
    """Worked out by hand for turners alone: the opposing queue's green, then 4.5 s gaps, and two turners at the end."""
    at = turners(1.0, 360.0)
    opposing = at * 0.2
    per_s = at * 360.0 / 3600.0
    rate = 2.0 * per_s * math.exp(-4.5 * per_s) / (1 - math.exp(-2.5 * per_s))
    in_gaps = (at * 0.05 - 2 * 2.0 / LONGEST_CYCLE_S) / min(rate, 1.0)
    second = in_gaps * (1 - opposing) + opposing
    assert at * 0.2 + second == pytest.approx(1 - 2 * LOST_S / LONGEST_CYCLE_S, abs=2 * EXACT)


def test_more_turners_or_more_opposing_traffic_carry_less():
    carried = [turners(share, 360.0, need=0.15) for share in (0.05, 0.2, 0.5, 1.0)]
    assert carried == sorted(carried, reverse=True) and carried[0] > 1.2 * carried[-1]
    assert turners(0.5, 200.0, 0.15) > turners(0.5, 500.0, 0.15)


def test_who_turns_in_gaps_and_towards_whom_is_read_from_the_conflicts():
    """cologne1's first stage: both legs' left turns yield to the other's lanes."""
    scenario = find("resco:cologne1")
    found = layout(place_of(scenario).network.intersections)
    built = found.intersections[0]
    flows = np.zeros((len(built.lane_groups), len(built.signal_groups)))
    heads = {group.id: k for k, group in enumerate(built.signal_groups)}
    for column, group in enumerate(built.lane_groups):
        flows[column, [heads[name] for name in group.signal_groups]] = 100.0
    demand = junction_demand(found, 0, flows, SATURATION)
    mixed = [n for n, group in enumerate(built.lane_groups) if len(group.signal_groups) == 2]
    assert [n for n, gaps in enumerate(demand.gaps) if gaps] == mixed
    for n in mixed:
        gaps = demand.gaps[n]
        assert gaps is not None
        assert gaps.share == pytest.approx(0.5)
        assert gaps.opposing_veh_per_h == pytest.approx(200.0), "two lanes of the leg on the other side"
        assert built.lane_groups[gaps.longest].approach != built.lane_groups[n].approach


def test_the_greatest_is_found_where_all_corners_are_tried():
    """Random programs of three unknowns against every corner of what is allowed."""
    dice = np.random.default_rng(0)
    for _ in range(200):
        uses, limits = dice.uniform(-0.3, 1.0, (4, 3)), dice.uniform(0.0, 2.0, 4)
        worth = dice.uniform(-0.5, 1.0, 3)
        uses[0] = np.abs(uses[0]) + 0.1  # a limit on all, so that there is a greatest
        lines = [*zip(uses, limits, strict=True), *zip(-np.eye(3), np.zeros(3), strict=True)]
        corners = []
        for three in itertools.combinations(lines, 3):
            matrix = np.array([line for line, _ in three])
            if abs(np.linalg.det(matrix)) > 1e-9:
                at = np.linalg.solve(matrix, np.array([limit for _, limit in three]))
                if all(line @ at <= limit + 1e-9 for line, limit in lines):
                    corners.append(worth @ at)
        assert greatest(worth, uses, limits) == pytest.approx(max(corners), abs=1e-9)
    assert greatest(np.ones(1), -np.ones((1, 1)), np.ones(1)) == math.inf


def test_every_passage_is_in_some_lane_group_and_none_twice():
    """On three real junctions, whatever lanes share a movement."""
    scenario = find("resco:cologne3")
    window = window_of(scenario.begin_s, scenario.end_s)
    traffic = traffic_of(scenario, Window(window.begin_s, window.end_s, 0.0))
    passages = passages_veh_per_h(scenario, traffic, window.hours)
    for intersection in place_of(scenario).network.intersections:
        ways = {(m.approach, m.exit) for m in intersection.movements if m.turn != "crossing"}
        passing = sum(flow for pair, flow in passages.items() if pair in ways)
        found = flows_veh_per_h(intersection, passages)
        assert found.sum() == pytest.approx(passing) and (found >= 0).all() and passing > 0


@pytest.mark.parametrize(("onward", "rightward"), [(700.0, 100.0), (300.0, 400.0)])
def test_drivers_take_the_emptier_of_two_lanes(onward: float, rightward: float):
    """Of a leg with a lane for all and one that goes on only: as full as each other, as far as turning allows."""
    ways = [("a", "on", "1"), ("a", "right", "2")]
    groups = (built("a_0", ("1", "2"), ("on", "right")), built("a_1", ("1",), ("on",)))
    movements = tuple(
        Movement(
            id=f"{a}>{b}", approach=a, exit=b, turn="through", lane_group="a_1" if b == "on" else "a_0", signal_group=g
        )
        for a, b, g in ways
    )
    junction = place_of(find("single")).network.intersections[0]
    made = junction.model_copy(update={"lane_groups": groups, "movements": movements})
    found = flows_veh_per_h(made, {("a", "on"): onward, ("a", "right"): rightward})
    assert found.sum(axis=1).tolist() == pytest.approx(
        [max((onward + rightward) / 2, rightward), min((onward + rightward) / 2, onward)]
    )


def built(name: str, heads: tuple[str, ...], exits: tuple[str, ...]) -> LaneGroup:
    return LaneGroup(
        id=name,
        approach="a",
        lanes=(name,),
        signal_groups=heads,
        exits=exits,
        length_m=100.0,
        speed_m_per_s=13.9,
        saturation_flow_veh_per_h=1800.0,
    )


def test_a_scenario_is_as_good_as_its_worst_junction():
    found = critical_movements("resco:cologne3")
    assert found.multiple == min(found.by_junction.values()) == found.by_junction[found.junction]
    assert 1.2 < found.multiple < 3.0
    assert len(found.by_junction) == 3
