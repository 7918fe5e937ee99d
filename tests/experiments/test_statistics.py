"""Paired differences: the intervals cover what they say, and pairs are pairs."""

import math

import numpy as np
import pandas as pd
import pytest

from experiments.case import Case
from experiments.schema import table
from experiments.statistics import difference, mean_interval, ratio, summarise, t_probability, t_quantile
from signals.errors import ConfigError
from tests.experiments.cheap_cases import row

# scipy.stats.t.ppf(0.5 + confidence / 2, degrees), scipy 1.17
SCIPY = {
    (0.95, 1): 12.706204736174694,
    (0.95, 2): 4.302652729749462,
    (0.95, 3): 3.1824463052837078,
    (0.95, 4): 2.7764451051977934,
    (0.95, 9): 2.262157162798205,
    (0.95, 19): 2.0930240544083087,
    (0.95, 99): 1.9842169515864174,
    (0.99, 4): 4.604094871349992,
    (0.99, 19): 2.8609346064649794,
}
REPETITIONS = 4000


def test_other_faults_are_neither_paired_nor_averaged():
    """Each row is over cases with the same faults, against the baseline with them."""
    rows = [
        row(Case("single", controller, 1.0, draw, faults=faults), delay_s=delay_s + draw)
        for faults, delays_s in (("", (50.0, 30.0)), ("dead=0.2", (60.0, 45.0)))
        for controller, delay_s in zip(("existing", "max-pressure"), delays_s, strict=True)
        for draw in range(2)
    ]
    found = summarise(table(rows, [], ["existing"])).set_index(["controller", "faults"])
    assert found["draws"].tolist() == [2, 2, 2, 2]
    assert found.loc[("max-pressure", ""), "delay_s_diff"] == -20.0
    assert found.loc[("max-pressure", "dead=0.2"), "delay_s_diff"] == -15.0


@pytest.mark.parametrize(("confidence", "degrees"), SCIPY)
def test_t_quantiles_are_those_of_scipy(confidence: float, degrees: int):
    assert t_quantile(confidence, degrees) == pytest.approx(SCIPY[confidence, degrees], rel=1e-10)
    assert t_probability(t_quantile(confidence, degrees), degrees) == pytest.approx(confidence, abs=1e-12)


def test_a_paired_interval_as_by_hand():
    """Differences 1, 2, 3: mean 2, standard deviation 1, half width 4.3027 / sqrt(3)."""
    found = difference([11, 12, 13], [10, 10, 10])
    assert found.estimate == 2
    assert found.high - 2 == pytest.approx(2.484, abs=1e-3)
    assert 2 - found.low == pytest.approx(2.484, abs=1e-3)


@pytest.mark.parametrize("draws", [3, 5, 20])
def test_difference_intervals_cover_the_truth_in_95_of_100(draws: int):
    """Draws differ far more than controllers do: only the pairing sees an effect of -3 among spreads of 50."""
    dice = np.random.default_rng(1)
    baseline = dice.normal(60, 50, (REPETITIONS, draws))
    values = baseline + dice.normal(-3, 4, (REPETITIONS, draws))
    found = [difference(value, base) for value, base in zip(values, baseline, strict=True)]
    assert 0.93 < np.mean([interval.low <= -3 <= interval.high for interval in found]) < 0.97


@pytest.mark.parametrize("draws", [3, 5, 20])
def test_ratio_intervals_cover_the_truth_in_95_of_100(draws: int):
    dice = np.random.default_rng(2)
    baseline = dice.lognormal(4, 0.8, (REPETITIONS, draws))
    values = baseline * dice.lognormal(math.log(0.7), 0.15, (REPETITIONS, draws))
    found = [ratio(value, base) for value, base in zip(values, baseline, strict=True)]
    assert 0.93 < np.mean([interval.low <= 0.7 <= interval.high for interval in found]) < 0.97


def test_without_an_effect_one_in_twenty_is_marked():
    dice = np.random.default_rng(3)
    both = dice.normal(60, 10, (2, REPETITIONS, 5))
    marked = [difference(value, base).excludes(0) for value, base in zip(*both, strict=True)]
    assert 0.03 < np.mean(marked) < 0.07


def test_equal_values_differ_by_nothing_and_are_not_marked():
    found = difference([7, 8, 9], [7, 8, 9])
    assert (found.estimate, found.low, found.high) == (0, 0, 0)
    assert not found.excludes(0)


def test_one_draw_has_an_estimate_and_no_interval():
    found = difference([7], [9])
    assert found.estimate == -2
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert not found.excludes(0)


def test_the_same_difference_in_every_draw_claims_no_certainty():
    """A vehicle fewer in each of two draws is a coincidence, not a proof; neither is rounding a spread."""
    assert math.isnan(difference([9, 8], [10, 9]).low)
    assert math.isnan(ratio([9.0, 18.3], [10.0, 18.3 / 0.9]).low)


def test_an_unknown_value_is_not_left_out():
    assert math.isnan(mean_interval([1, 2, math.nan]).estimate)
    assert math.isnan(mean_interval([]).estimate)


def test_ratio_is_unknown_where_a_value_is_not_positive():
    assert math.isnan(ratio([1, 2], [1, 0]).estimate)
    assert ratio([2, 8], [1, 4]).estimate == pytest.approx(2)


def cases(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(rows)


def case_row(controller: str, draw: int, delay_s: float, **more: object) -> dict:
    case = Case("resco:cologne1", controller, 1.0, draw)
    return row(case, delay_s=delay_s, demand_digest=f"draw{draw}", **more)


def test_a_summary_pairs_draws_by_number_not_by_order():
    found = summarise(
        cases(
            case_row("existing", 0, 50.0),
            case_row("existing", 1, 100.0),
            case_row("max-pressure", 1, 90.0, gridlock=True),
            case_row("max-pressure", 0, 45.0),
        )
    ).set_index("controller")
    best = found.loc["max-pressure"]
    assert (best["draws"], best["pairs"], best["gridlock_rate"]) == (2, 2, 0.5)
    assert (best["delay_s"], best["delay_s_max"]) == (67.5, 90.0)
    assert best["delay_s_diff"] == -7.5
    assert best["delay_s_ratio"] == pytest.approx(0.9)
    assert best["never_entered_diff"] == 0
    assert "never_entered_ratio" not in found
    assert "draw_diff" not in found


def test_the_baseline_itself_and_unpaired_draws_have_no_difference():
    found = summarise(cases(case_row("existing", 0, 50.0), case_row("max-pressure", 1, 90.0))).set_index("controller")
    assert list(found["pairs"]) == [0, 0]
    assert found["delay_s_diff"].isna().all()


def test_a_pair_that_drove_another_demand_is_refused():
    other = case_row("actuated", 0, 40.0) | {"demand_digest": "quite-another"}
    with pytest.raises(ConfigError, match=r"actuated and existing, draw 0: demand_digest quite-an is not draw0"):
        summarise(cases(case_row("existing", 0, 50.0), other))
