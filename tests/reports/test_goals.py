"""A goal is met, missed, or neither surely; a goal that cannot be read is one line."""

import pandas as pd
import pytest

from reports.goals import parse_goal
from signals.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "values", "verdict"),
    [
        ("delay_s < 35", [30, 31, 29], "met"),
        ("delay_s < 35", [34, 30, 38], "probably_met"),
        ("delay_s < 35", [36, 30, 42], "probably_missed"),
        ("delay_s < 35", [50, 51, 52], "missed"),
        ("served >= 97", [98.0, 98.0, 98.0], "met"),
        ("starve_max_s <= 120", [120.0, 120.0], "met"),
        ("starve_max_s <= 120", [100.0], "probably_met"),
        ("person_wait_s < 20", [float("nan")] * 3, "unknown"),
    ],
)
def test_surely_only_where_the_interval_lies_on_one_side(text: str, values: list[float], verdict: str):
    """One draw is never sure; draws that are all alike are."""
    assert parse_goal(text).verdict(pd.Series(values, dtype=float)) == verdict


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("delay_s", "must be a measure, one of < <= > >=, and a number"),
        ("delay_s = 35", "must be a measure"),
        ("delay < 35", "delay is no measure, nearest: delay_s"),
        ("delay_s < __import__('os')", "must be a measure"),
    ],
)
def test_what_is_no_goal_is_one_line(text: str, said: str):
    with pytest.raises(ConfigError, match=said):
        parse_goal(text)
