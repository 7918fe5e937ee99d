"""Left turns that yield: as many as the formula says, and as SUMO lets turn; what is not judged is told."""

from pathlib import Path

import pytest

from benchmarks.permitted_turns import turned
from simulation.network import Network, read
from simulation.permitted_turns import PermittedTurns, gap_acceptance_veh_per_h, mean_above
from tests.simulation.crossroads import crossroads

OWN, YIELDING, RED = "GGGrrrGGGrrr", "GGgrrrGGgrrr", "rrrrrrrrrrrr"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return read(crossroads(tmp_path_factory.mktemp("permitted")))


def left_of(network: Network, shown_s: dict[str, float], opposing: float, across: float = 0.0) -> tuple[float, float]:
    flows = {("si", "no"): opposing, ("ei", "wo"): across}
    group = next(g for g in network.movement_groups if g.approach == "ni" and g.turns == ("left",))
    return PermittedTurns(network, flows, ()).capacity(group, shown_s, greens=60)


def test_gaps_are_the_manuals():
    """HCM 2010, chapter 31: 400 veh/h leave gaps for 1,000, none at all for one every follow-up headway."""
    assert gap_acceptance_veh_per_h(0.0) == 1440.0 and gap_acceptance_veh_per_h(1e-6) == pytest.approx(1440.0)
    assert gap_acceptance_veh_per_h(400.0) == pytest.approx(400 * 0.60653 / (1 - 0.75746), rel=1e-3)


def test_a_mean_above_none():
    assert mean_above(3.0, 0.0) == 3.0 and mean_above(-3.0, 0.0) == 0.0
    assert mean_above(0.0, 2.0) == pytest.approx(2.0 * 0.39894, rel=1e-4)
    assert mean_above(9.0, 1.0) == pytest.approx(9.0)


def test_a_green_of_its_own_turns_at_saturation_flow_and_nobody_yields_to_no_one(network: Network):
    """Half an hour of it in an hour; a way that does not cross his counts for nothing."""
    assert left_of(network, {OWN: 1800.0, RED: 1800.0}, 600.0) == (900.0, 0.0)
    free, _ = left_of(network, {YIELDING: 1800.0, RED: 1800.0}, 0.0)
    assert free == pytest.approx(720.0, rel=0.01)
    assert left_of(network, {YIELDING: 1800.0, RED: 1800.0}, 0.0, across=900.0)[0] == free


def test_the_more_come_the_fewer_turn_and_never_less_than_two_a_green(network: Network):
    shown_s = {YIELDING: 1800.0, RED: 1800.0}
    found = [left_of(network, shown_s, opposing)[0] for opposing in (0, 200, 400, 600, 800, 1200, 3000)]
    assert found == sorted(found, reverse=True) and found[-1] == 120.0 and found[2] > 200.0


def test_whoever_yields_to_people_on_foot_is_not_judged(network: Network):
    """Nor is the lane that a yielding turn shares; both count as if they did not yield."""
    group = next(g for g in network.movement_groups if g.approach == "ni" and "right" in g.turns)
    shared = PermittedTurns(network, {}, ()).capacity(group, {"ggGrrrGGGrrr": 1800.0, RED: 1800.0}, 60)
    assert shared.veh_per_h == 900.0


@pytest.mark.parametrize("opposing", [150.0, 450.0])
def test_sumo_lets_as_many_turn(opposing: float):
    """Within a seventh, where as many wait as can turn; what only saturation flow would let through is far above."""
    in_sumo, told = turned(64.0, 30.0, opposing, seed=1)
    assert told == pytest.approx(in_sumo, rel=0.15)
    assert 1.3 * in_sumo < 1800.0 * 30 / 64


def test_a_table_has_both_capacities(tmp_path: Path):
    """The old one as it was, so that older results can be compared."""
    from experiments.case import Case, run_case

    table = run_case(Case("single", "existing", 0.3, 0), tmp_path)["tables"]["movements"]
    both = [
        (least, able)
        for least, able in zip(table["capacity_veh_per_h"], table["capacity_yielding_veh_per_h"], strict=True)
        if least is not None
    ]
    assert all(able <= least + 0.1 for least, able in both) and any(able < 0.8 * least for least, able in both)
