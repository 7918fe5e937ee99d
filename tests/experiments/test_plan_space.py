"""Whatever the search proposes is a plan that `fixed-time` drives and that leaves nobody without green."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from experiments.case import place_of
from experiments.plan_space import LONGEST_CYCLE_S, PlanSpace, Timing, Way
from scenarios.catalogue import find
from signals.controllers.fixed_time import FixedTime
from signals.errors import ConfigError
from signals.layout import layout

SCENARIOS = {"resco:cologne1": 150, "resco:cologne8": 150, "resco:grid4x4": 30}


@cache
def space(name: str, stages: str = "reorder") -> PlanSpace:
    network = place_of(find(name)).network
    return PlanSpace(layout(network.intersections), network.plans, stages)


def walk(of: PlanSpace, steps: int, way: Way, seed: int = 1) -> list[Timing]:
    dice, found = np.random.default_rng(seed), [of.start()]
    for _ in range(steps):
        found.append(of.neighbour(found[-1], dice, 0.3, way))
    return found


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_neighbour_is_a_plan_that_fixed_time_takes(name: str):
    """Minimum greens and interstages are kept (FixedTime refuses others), and each signal group has some green."""
    of = space(name)
    seen_orders = set()
    for timing in walk(of, SCENARIOS[name], Way()):
        plan = of.plan(timing)
        FixedTime(of.layout, plan)
        for row, (own, timed) in enumerate(zip(timing.junctions, plan.plan, strict=True)):
            assert of.serves_all(row, own.stages)
            assert timed.cycle_s * own.cycles == timing.cycle_s <= LONGEST_CYCLE_S
            assert all(split.split_s == round(split.split_s) for split in timed.splits)
        seen_orders.add(tuple(own.stages for own in timing.junctions))
    assert len(seen_orders) > 5


def test_the_start_is_the_existing_plan():
    """Where it has one cycle for all, second by second."""
    network = place_of(find("resco:cologne3")).network
    of = PlanSpace(layout(network.intersections), network.plans)
    assert of.plan(of.start()) == network.plans


def test_kept_stages_keep_their_order_and_a_fixed_cycle_stays():
    for timing in walk(space("resco:cologne8"), 60, Way(fixed_cycle=True, keep_stages=True)):
        assert [own.stages for own in timing.junctions] == [j.stages for j in space("resco:cologne8").start().junctions]
        assert timing.cycle_s == 90
    kept = walk(space("resco:cologne8", "keep"), 60, Way())
    assert {own.stages for own in (t.junctions[0] for t in kept)} == {kept[0].junctions[0].stages}
    assert len({t.cycle_s for t in kept}) > 1


def test_a_stage_that_alone_serves_somebody_is_never_left_out():
    of = space("resco:cologne1")
    assert of.serves_all(0, (0, 2)), "left turns go in gaps there"
    assert not of.serves_all(0, (0, 1))


def test_merging_takes_each_junction_from_the_best_that_changed_it():
    of = space("resco:cologne8")
    base = of.start()

    def moved(row: int, offset_s: float) -> Timing:
        own = replace(base.junctions[row], offset_s=offset_s)
        return replace(base, junctions=(*base.junctions[:row], own, *base.junctions[row + 1 :]))

    merged = of.merged(base, [moved(0, 5.0), moved(2, 7.0), moved(0, 9.0)])
    assert [own.offset_s for own in merged.junctions] == [5.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_another_word_for_the_stages_is_refused():
    with pytest.raises(ConfigError, match="stages = any, must be one of keep, reorder"):
        space("resco:cologne1", "any")
