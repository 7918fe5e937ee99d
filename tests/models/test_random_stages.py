"""The baseline: any eligible stage, for as long as a decision of the policy stands."""

import numpy as np

from models.random_stages import RandomStages
from signals.layout import layout
from tests.signals.fakes import crossing, protected_left
from tests.signals.states import calm

BOTH = layout([crossing(), protected_left()])


def test_only_eligible_stages_are_drawn_each_as_likely():
    eligible = np.array([[True, True, False, False], [True, False, True, True]])
    state, random = calm(BOTH, eligible=eligible), RandomStages(BOTH, 5.0, seed=0)
    drawn = np.array([random.decide(state._replace(time_s=5.0 * k)).stage for k in range(3000)])
    shares = [np.bincount(of, minlength=4) / len(drawn) for of in drawn.T]
    np.testing.assert_allclose(shares, [[1 / 2, 1 / 2, 0, 0], [1 / 3, 0, 1 / 3, 1 / 3]], atol=0.03)


def test_a_draw_stands_for_the_length_of_a_decision():
    """In between it asks for what stands, so that nothing changes."""
    random = RandomStages(BOTH, 5.0, seed=0)
    wishes = [random.decide(calm(BOTH, time_s=float(s))).stage.tolist() for s in range(50)]
    assert all(wish == [0, 0] for s, wish in enumerate(wishes) if s % 5)
    assert any(wish != [0, 0] for wish in wishes)


def test_equal_seeds_draw_alike():
    first, second, other = (RandomStages(BOTH, 5.0, seed) for seed in (1, 1, 2))
    states = [calm(BOTH, time_s=5.0 * k) for k in range(20)]
    drawn = [[r.decide(s).stage.tolist() for s in states] for r in (first, second, other)]
    assert drawn[0] == drawn[1] != drawn[2]
