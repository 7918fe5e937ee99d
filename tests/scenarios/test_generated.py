"""Places drawn from a seed: the same for the same seed, varied over seeds, and streets that SUMO can drive on."""

from collections import Counter
from pathlib import Path

import pytest

from experiments.case import Case, place_of, run_case
from scenarios.catalogue import find
from scenarios.place import LEFT, RIGHT, STRAIGHT, Place, Street
from scenarios.random_demand import random_demand
from scenarios.random_streets import random_place
from signals.errors import ConfigError

PLACES = [random_place(seed) for seed in range(200)]


def turns_of(street: Street) -> tuple[str, ...]:
    return street.lanes if isinstance(street.lanes, tuple) else ()


def test_a_seed_is_a_place():
    """Another process, another day: the same streets, plans and traffic."""
    assert random_place(7) == PLACES[7]
    assert random_demand(PLACES[7], 7) == random_demand(random_place(7), 7)
    assert random_demand(PLACES[7], 7)[1] != random_demand(PLACES[8], 8)[1]


def test_places_differ_in_what_a_policy_has_to_cope_with():
    """Legs, lanes, bays, shared lanes, stages, yellow and red clearance, speed and size all vary."""
    signals = [(place, signal) for place in PLACES for signal in place.signals]
    plans = [place.signals[signal] for place, signal in signals]
    assert {len(place.signals) for place in PLACES} == {1, 2, 3, 4}
    assert {len(place.arriving(signal)) for place, signal in signals} == {3, 4}
    assert {len(plan.stages) for plan in plans} == {2, 3, 4}
    assert {stage.yellow_s for plan in plans for stage in plan.stages} == {3, 4, 5}
    assert {stage.all_red_s for plan in plans for stage in plan.stages} == {0, 1, 2, 3}
    assert len({place.speed_m_per_s for place in PLACES}) == 4
    arriving = [street for place, signal in signals for street in place.arriving(signal)]
    assert {street.lanes_at_stop_line for street in arriving} == {1, 2, 3, 4}
    bays = [street.bay_m for street in arriving if street.bay_m]
    assert min(bays) < 30 < 90 < max(bays)
    marked = Counter("".join(sorted(lane)) for street in arriving for lane in turns_of(street))
    assert all(marked[lane] > 20 for lane in ("l", "s", "r", "rs", "ls", "lrs", "lr"))


def test_no_two_lanes_lead_into_one():
    """One lane for a right turn, one for a left, and no more lanes straight on than go on."""
    for place in PLACES:
        for signal in place.signals:
            for street in place.arriving(signal):
                lanes = Counter(turn for lane in turns_of(street) for turn in lane)
                assert lanes[RIGHT] <= 1
                assert lanes[LEFT] <= 1
                exits = place.exits(street)
                assert STRAIGHT not in exits or lanes[STRAIGHT] <= exits[STRAIGHT].lanes_upstream


@pytest.mark.parametrize("place", PLACES[:20], ids=range(20))
def test_plans_fit_the_traffic(place: Place):
    """A common cycle in bounds, and no green below what a place may have."""
    timed, table = random_demand(place, 1)
    cycles_s = [plan.cycle_s for plan in timed.signals.values()]
    assert 45 <= min(cycles_s) <= max(cycles_s) <= 125
    assert all(stage.green_s >= 5 for plan in timed.signals.values() for stage in plan.stages)
    ends = {node for node in place.nodes if node not in place.signals}
    assert {tuple(line.split(",")[:2]) for line in table.splitlines()[1:]} == {
        (a, b) for a in ends for b in ends if a != b
    }


def test_it_is_a_scenario_like_any_other(tmp_path: Path):
    """By name, with junctions that can be controlled and vehicles that get through."""
    scenario = find("generated:3")
    assert scenario.title == "Generated from seed 3: 4 junctions; synthetic."
    assert [len(i.stages) for i in place_of(scenario).network.intersections] == [3, 3, 3, 3]
    row = run_case(Case("generated:5", "adaptive", demand=0.3, draw=0), tmp_path)
    assert row["completed"] > 0.95 * row["scheduled"] > 100
    assert row["junctions_controlled"] == 1


@pytest.mark.parametrize("seed", ["", "-1", "1.5", "x", "1000000", "²"])
def test_a_seed_is_a_whole_number(seed: str):
    with pytest.raises(ConfigError, match=f"scenario 'generated:{seed}': seed = {seed}, must be a whole number from 0"):
        find(f"generated:{seed}")
