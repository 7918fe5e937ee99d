"""A junction that is given back finds its plan's offset again, and nobody waits long for that."""

from pathlib import Path

import pytest

from signals.layout import Layout, layout
from simulation.coordination import STEP_WITHIN_S, Coordination
from simulation.street import Street
from tests.signals.fakes import crossing
from tests.simulation.crossroads import PLAN, crossroads, jumps, place, static, watched

CYCLE_S = sum(duration for _, duration in PLAN)
A, B = 0, 1
ROW_OF_B = 3


def greens(shown: list[str]) -> list[int]:
    """When the plan's first stage begins."""
    return [k for k in range(1, len(shown)) if shown[k] == PLAN[0][0] != shown[k - 1]]


@pytest.fixture(scope="module")
def one() -> Layout:
    return layout([crossing()])


def test_it_is_handed_over_when_its_plan_shows_the_stage_that_stands(one: Layout):
    """Not before that stage has had its minimum green, lest the plan ends it at once."""
    leaving = Coordination(one)
    minimum_s = float(one.stage_minimum_green_s[0, A])
    assert not leaving.in_step(0, 100.0, A, A, 0)
    assert not leaving.in_step(0, 100.0 + minimum_s - 1, A, A, 0)
    assert leaving.in_step(0, 100.0 + minimum_s, A, A, 0)


def test_it_walks_to_a_stage_that_its_plan_has_just_begun(one: Layout):
    """Not where too little of its green would be left."""
    leaving = Coordination(one)
    assert not leaving.in_step(0, 100.0, A, None, ROW_OF_B - 1)
    assert not leaving.walks(0, A, None, 1.0)
    assert not leaving.in_step(0, 101.0, A, B, ROW_OF_B)
    assert leaving.walks(0, A, B, 25.0)
    assert not leaving.walks(0, A, B, 7.0)
    leaving.in_step(0, 102.0, A, B, ROW_OF_B)
    assert not leaving.walks(0, A, B, 25.0)
    assert not leaving.gives_up(0, 100.0 + STEP_WITHIN_S - 1)
    assert leaving.gives_up(0, 100.0 + STEP_WITHIN_S)


def test_a_plan_taken_up_in_step_is_where_it_would_have_been(tmp_path: Path):
    """Left to itself all the time, it begins the first stage at the same second of the cycle."""
    where = place(tmp_path, crossroads(tmp_path, static()))
    with Street(*where, 3, outputs=False) as street:
        alone = greens(watched(street, "existing", 3.0 * CYCLE_S))
    with Street(*where, 3, outputs=False) as street:
        let_go_s = 3.0 * CYCLE_S + 20.0
        shown = watched(street, "max-pressure", let_go_s)
        shown += watched(street, "max-pressure", let_go_s + STEP_WITHIN_S + 20, let_go_s=let_go_s)
        assert street.plant.read().local.all()
        shown += watched(street, "existing", let_go_s + 4 * CYCLE_S)
    assert jumps(shown) == []
    assert {k % CYCLE_S for k in greens(shown)[-2:]} == {k % CYCLE_S for k in alone}
