"""A junction that is left to its own plan finds the plan's offset again, and everybody is served meanwhile."""

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from signals.safety import CODE, STARVED, WORDING
from signals.values import Command, Mode
from simulation.coordination import MOST_CHANGE, FixedPlan
from simulation.street import Street
from tests.simulation.crossroads import PLAN, crossroads, jumps, place, static, watched

TIMES_S = tuple(float(duration) for _, duration in PLAN)
CYCLE_S = sum(TIMES_S)
ROW_A, ROW_B = 0, 3
FIXED = FixedPlan(100.0, TIMES_S, {ROW_A: 5.0, ROW_B: 20.0})


def begins(shown: list[str]) -> list[int]:
    """When the plan's first stage begins."""
    return [k for k in range(1, len(shown)) if shown[k] == PLAN[ROW_A][0] != shown[k - 1]]


def test_what_is_late_is_told_the_shorter_way_round():
    """Half a cycle at most, early or late."""
    end_s = 100.0 + TIMES_S[0]
    for late_s in (-CYCLE_S / 2 + 1, -0.5, 0.0, 7.0, CYCLE_S / 2):
        for cycles in (-3, 0, 5):
            assert FIXED.late_s(ROW_A, end_s + late_s + cycles * CYCLE_S) == pytest.approx(late_s)
    assert FIXED.late_s(ROW_B, 100.0 + sum(TIMES_S[: ROW_B + 1])) == 0.0


def test_a_green_gives_no_more_than_its_share_and_keeps_its_minimum():
    """Intervals between greens are left as they are."""
    most_s = MOST_CHANGE * TIMES_S[ROW_A]
    assert [FIXED.longer_s(ROW_A, late_s) for late_s in (30.0, 2.0, -2.0, -30.0)] == [-most_s, -2.0, 2.0, most_s]
    assert FIXED.longer_s(ROW_B, 30.0) == 20.0 - TIMES_S[ROW_B]
    assert FIXED.longer_s(ROW_A + 1, 30.0) == 0.0


@pytest.mark.parametrize("let_go_s", [CYCLE_S * 3 + 20, CYCLE_S * 3 + 37, CYCLE_S * 3 + 50])
def test_a_plan_is_where_it_would_have_been_after_three_cycles(let_go_s: float, tmp_path: Path):
    """Left to itself all the time, it begins the first stage at the same second of the cycle."""
    where = place(tmp_path, crossroads(tmp_path, static(offset=11)))
    with Street(*where, 3, outputs=False) as street:
        alone = begins(watched(street, "existing", 3 * CYCLE_S))
    with Street(*where, 3, outputs=False) as street:
        shown = watched(street, "max-pressure", let_go_s)
        shown += watched(street, "max-pressure", let_go_s + 8 * CYCLE_S, let_go_s=let_go_s)
    assert jumps(shown) == []
    assert {k % CYCLE_S for k in begins(shown)[-4:]} == {k % CYCLE_S for k in alone}
    lasted_s = [(state, len([*of])) for state, of in groupby(shown[int(let_go_s) + 30 :])][1:-1]
    for row in (ROW_A, ROW_B):
        greens_s = [seconds for state, seconds in lasted_s if state == PLAN[row][0]]
        assert len(greens_s) >= 6
        assert max(abs(s - TIMES_S[row]) for s in greens_s) <= np.ceil(MOST_CHANGE * TIMES_S[row])


@pytest.mark.parametrize(("refusal", "in_step"), [(0, True), (CODE[STARVED], False)])
def test_only_whose_own_plan_is_wished_for_is_bent(refusal: int, in_step: bool, tmp_path: Path):
    """A junction that the interlock releases runs its plan from the stage that stands, with its own greens."""
    with Street(*place(tmp_path, crossroads(tmp_path, static())), 3, outputs=False) as street:
        shown = []
        for k in range(600):
            snapshot = street.plant.read()
            taken = k < CYCLE_S + 20
            mode = np.array([Mode.GO if taken else Mode.RELEASE], np.int8)
            refused = np.array([0 if taken else refusal])
            now_s = snapshot.time_s
            street.plant.apply(Command(now_s, now_s + 10.0, mode, np.array([0]), refused, WORDING))
            street.sumo.step_to(now_s + 1.0)
            shown.append(street.sumo.state("C"))
    assert (begins(shown)[-1] % CYCLE_S == 0) is in_step
    lasted_s = [(state, len([*of])) for state, of in groupby(shown[int(CYCLE_S) + 20 :])][1:-1]
    greens_s = {seconds for state, seconds in lasted_s if state == PLAN[ROW_B][0]}
    assert (greens_s == {int(TIMES_S[ROW_B])}) is not in_step
