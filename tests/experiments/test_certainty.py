"""A p value, its correction, the draws that a precision needs; the intervals and the headline keep their word."""

import math

import numpy as np
import pytest

from benchmarks.intervals import BOUNDS, KINDS, NORMAL, coverage, false_headlines, report_cases
from experiments.certainty import claim_p, draws_needed, holm, log_spread, p_value
from experiments.statistics import mean_interval, summarise
from reports.comparison import compare


def test_p_is_that_of_scipy():
    """scipy.stats.ttest_1samp([1, 2, 4, 3, 5], 0), scipy 1.17."""
    assert p_value([1, 2, 4, 3, 5]) == pytest.approx(0.013235, abs=1e-6)
    assert p_value([0.0, 0.0]) == 1.0
    assert all(math.isnan(p_value(values)) for values in ([1.0], [1.0, 1.0], [1.0, math.nan], []))


def test_p_and_the_interval_agree():
    """Below 0.05 exactly where the interval leaves zero out."""
    samples = np.random.default_rng(4).normal(1.0, 1.5, (300, 6))
    assert all((p_value(each) < 0.05) == mean_interval(each).excludes(0) for each in samples)


def test_a_claim_is_as_sure_as_the_less_sure_of_difference_and_ratio():
    mine, theirs = np.array([10.0, 30.0, 55.0, 80.0]), np.array([20.0, 41.0, 60.0, 99.0])
    both = p_value(mine - theirs), p_value(np.log(mine / theirs))
    assert claim_p(mine, theirs) == max(both)
    assert claim_p(mine - 10.0, theirs) == p_value(mine - 10.0 - theirs)


def test_holm_as_by_hand():
    """Four, the smallest times four, then three, never falling; what is unknown was compared all the same."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.02, math.nan])[0] == 0.04 and math.isnan(holm([0.02, math.nan])[1])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_the_draws_counted_are_enough_and_one_fewer_is_not():
    differences = [-3.0, 1.0, 4.0, 0.0, 6.0]
    wanted = draws_needed(differences, 1.0)
    assert wanted is not None
    spread = np.std(differences, ddof=1)
    widths = []
    for draws in (wanted - 1, wanted):
        values = np.resize([-1.0, 1.0], draws) * 1.0
        values = (values - values.mean()) / values.std(ddof=1) * spread
        found = mean_interval(values)
        widths.append((found.high - found.low) / 2)
    assert widths[0] > 1.0 >= widths[1]
    assert draws_needed(differences, 0.001) is None and draws_needed([1.0], 1.0) is None


def test_spread_is_of_the_logarithm():
    assert log_spread([10.0, 10.0 * math.e]) == pytest.approx(1 / math.sqrt(2))
    assert math.isnan(log_spread([0.0, 1.0])) and math.isnan(log_spread([1.0]))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.sound], ids=lambda kind: kind.name)
def test_intervals_cover_a_known_effect_in_95_of_100(kind):
    """At 5 draws; benchmarks/intervals.py has 10 and 20."""
    assert all(BOUNDS[0] <= share <= BOUNDS[1] for share in coverage(kind, 5, 1000).values())


def test_the_headline_claims_nothing_where_nothing_is():
    """In one report of twenty at most, over all its comparisons; benchmarks/intervals.py makes 1,000 of each kind."""
    assert false_headlines(NORMAL, 5, 20) <= 0.1


def test_every_comparison_of_the_answer_is_corrected_for_the_others():
    cases = report_cases(NORMAL, np.random.default_rng(3), 5)
    comparisons = compare(cases, summarise(cases), "existing")
    arms = [(arm, each.arms[0]) for each in comparisons for arm in each.arms[1:]]
    alone = [claim_p(*arm.paired(baseline, "delay_s")) for arm, baseline in arms]
    assert [arm.p for arm, _ in arms] == holm(alone) != alone
    assert {arm.comparisons for arm, _ in arms} == {4}
