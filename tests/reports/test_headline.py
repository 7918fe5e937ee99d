"""The benchmarks' page says what the summaries say: met, missed, or that it was not run; never more."""

import math
from pathlib import Path

import pandas as pd
import pytest

from experiments import headline
from experiments.headline import ADAPTIVE, COLUMNS, EXISTING, OPTIMISED, Row
from experiments.headline_summary import CODE, Summary
from experiments.statistics import Interval
from reports.headline import FROM, TO, curves, front_door, page
from reports.targets import NETWORKS, PUBLISHED_S, REAL, Target, failings, targets
from signals.errors import ConfigError

GOOD: dict[str, Interval | float] = {
    "delay_ratio": Interval(0.8, math.nan, 0.9),
    "largest_delay_ratio": 1.0,
    "new_gridlocks": 0.0,
}


def summary(network: str, rows: list[Row], draws: int = 20) -> Summary:
    origin = {
        "draws": f"{draws} from 200, coarsely 5", "commit": "0123456789ab", CODE: "fedcba98765432",
        "made": "2026-01-01", "plans": "a-1.0.toml 00ff", "critical movements": "1.53",
    }  # fmt: skip
    return Summary(network, origin, pd.DataFrame(rows, columns=list(COLUMNS)))


def gains(over: float, better: float, low: float = 0.01) -> list[Row]:
    return [
        headline.row(headline.GAIN, ADAPTIVE, "capacity_gain", Interval(over, low, over + 0.1), 20, against=EXISTING),
        headline.row(headline.BETTER, ADAPTIVE, "capacity_gain", better, 20, against=OPTIMISED),
        headline.row(headline.BETTER, ADAPTIVE, "served_gain", better, 5, against=OPTIMISED),
    ]


def cells(starve_s: float = 100.0, faults: str = "", **other: Interval | float) -> list[Row]:
    measured: dict[str, Interval | float] = {
        **GOOD,
        "starve_max_s": starve_s,
        "delay_s": 10.0,
        "baseline_delay_s": 20.0,
        **other,
    }
    demands = (0.7, 1.0, 1.6) if faults else (0.4, 0.7, 1.0, 1.3, 1.6, 2.0)
    return [
        headline.row(headline.CELL, ADAPTIVE, name, of, 20, against=EXISTING, demand=demand, faults=faults)
        for demand in demands
        for name, of in measured.items()
    ]


def target(found: dict[str, Summary], words: str) -> Target:
    matching = [each for each in targets(found) if words in f"{each.point} {each.asked}"]
    assert len(matching) == 1, words
    return matching[0]


OVER_EXISTING, OVER_BETTER = "median ≥ +20 %, interval", "median ≥ +5 %"


def test_the_median_is_over_the_six_real_networks():
    """The two synthetic ones have no part in it."""
    each = dict(zip(REAL, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), strict=True)) | {"grid4x4": 9.0, "arterial4x4": 9.0}
    found = {name: summary(name, gains(gain, gain / 10)) for name, gain in each.items()}
    assert "median +35.0 %, least +10.0 % (cologne1)" in target(found, OVER_EXISTING).measured
    assert target(found, OVER_EXISTING).state == "met"
    assert target(found, OVER_BETTER).state == "missed"
    assert target(found, OVER_BETTER).measured.startswith("median +3.5 %")
    assert target(found, "≥ +20 % on each").state == "missed"


def test_one_interval_over_zero_too_few_is_a_miss():
    found = {name: summary(name, gains(0.5, 0.5, -0.01 if name == "cologne8" else 0.1)) for name in REAL}
    assert "interval above zero on 5 of 6" in target(found, OVER_EXISTING).measured
    assert target(found, OVER_EXISTING).state == "missed"


def test_one_unknown_network_leaves_the_median_unknown():
    """Leaving it out would flatter."""
    found = {name: summary(name, gains(math.nan if name == "ingolstadt7" else 0.5, 0.5)) for name in REAL}
    assert target(found, OVER_EXISTING).measured.startswith("median –, least – (ingolstadt7)")
    assert target(found, OVER_EXISTING).state == "missed"


@pytest.mark.parametrize(
    ("names", "draws", "state"),
    [
        ((), 20, "not run"),
        (REAL[:4], 20, "open: 4 of 6 networks run"),
        (REAL, 3, "open: 1 of 6 networks run on draws enough"),
    ],
)
def test_nothing_is_met_before_all_is_run_on_draws_enough(names: tuple[str, ...], draws: int, state: str):
    found = {name: summary(name, gains(0.5, 0.5), 5 if name == "ingolstadt21" else draws) for name in names}
    assert target(found, OVER_EXISTING).state == state


@pytest.mark.parametrize(
    ("measured", "failed"),
    [
        ({}, ""),
        ({"limit": 1.051}, "L"),
        ({"limit": math.nan}, "L"),
        ({"largest_delay_ratio": 1.26}, "D"),
        ({"new_gridlocks": 1.0}, "G"),
        ({"starve_max_s": 181.0}, "S"),
        ({"starve_max_s": 181.0, "demand": 1.3}, ""),
        ({"starve_max_s": 301.0, "demand": 1.3}, "S"),
    ],
)
def test_a_cell_fails_by_what_it_exceeds(measured: dict[str, float], failed: str):
    held = {"demand": 1.0, "limit": 1.05, "largest_delay_ratio": 1.25, "new_gridlocks": 0.0, "starve_max_s": 180.0}
    assert failings(held | measured) == failed


def test_the_gate_and_never_worse_count_cells():
    found = {name: summary(name, cells() + cells(faults="dead=0.2")) for name in NETWORKS}
    assert target(found, "4 never worse").measured == "48 of 48 cells hold (0 L, 0 D, 0 G)"
    assert [target(found, words).state for words in ("1 no gridlock", "4 never worse", "5 never worse")] == ["met"] * 3
    found["grid4x4"] = summary("grid4x4", cells(starve_s=250.0, largest_delay_ratio=1.3))
    assert target(found, "1 no gridlock").measured == "45 of 48 cells hold (0 G, 3 S)"
    assert target(found, "4 never worse").measured == "42 of 48 cells hold (0 L, 6 D, 0 G)"
    assert target(found, "1 no gridlock").state == "missed"
    assert target(found, "5 never worse").state == "open: 7 of 8 networks run"


def test_published_values_are_beaten_network_by_network():
    rows = {n: [headline.row(headline.RULES, ADAPTIVE, "delay_s", best - 1, 5)] for n, best in PUBLISHED_S.items()}
    assert target({n: summary(n, of) for n, of in rows.items()}, "best published").state == "met"
    rows["grid4x4"] = [headline.row(headline.RULES, ADAPTIVE, "delay_s", 50.0, 5)]
    beaten = target({n: summary(n, of) for n, of in rows.items()}, "best published")
    assert (beaten.measured, beaten.state) == ("7 of 8 below", "missed")


def test_a_page_of_nothing_says_so():
    """Every network has its line, and no figure stands anywhere."""
    text = page({}, "benchmarks", "", quick=False)
    assert [line.count("not run") for line in text.splitlines() if line.startswith("| 4 |")] == [1]
    for network in NETWORKS:
        assert f"### {network}\n\nnot run" in text
    assert "| met |" not in text and "missed" not in text.replace("**Bold** is missed", "")


def test_a_page_shows_the_parts_that_there_are(tmp_path: Path):
    """A missed cell is bold and says by what; other networks stay not run; notes come last, as they were written."""
    rows = cells(starve_s=200.0) + [
        headline.row(headline.RULES, name, "delay_s", delay_s, 5)
        for name, delay_s in ((EXISTING, 42.0), ("actuated", 30.0), (ADAPTIVE, 27.0))
    ]
    text = page({"cologne1": summary("cologne1", rows)}, "benchmarks", "## Found\n\nBy hand.\n", quick=False)
    cell, bold = "0.80 ≤ 0.90 · 1.00 · 200 s", "**0.80 ≤ 0.90 · 1.00 · 200 s S**"
    assert f"| cologne1 | {bold} | {bold} | {bold} | {cell} | {cell} | {cell} |" in text
    assert "| cologne1 | 42.0 | 30.0 | **27.0** | – | 26.1 |" in text
    assert "| cologne3 | not run | not run | not run | not run | 22.0 |" in text
    assert text.endswith("## Found\n\nBy hand.\n")


def test_the_readme_keeps_all_but_its_headline():
    """The networks that were swept, in order; what stands around the marks stays as it is."""
    rows = gains(0.5, 0.25) + [
        headline.row(headline.SWEEP, name, "capacity_multiple", carries, 20)
        for name, carries in ((EXISTING, 1.0), (OPTIMISED, 1.2), (ADAPTIVE, 1.5))
    ]
    text = front_door(f"before\n{FROM}\nold\n{TO}\nafter\n", {"cologne1": summary("cologne1", rows)})
    assert text.startswith(f"before\n{FROM}\n\n| network |") and text.endswith(f"\n\n{TO}\nafter\n")
    assert "| cologne1 | 1.00 | 1.20 | – | 1.50 | +50.0 [+1.0, +60.0] | +25.0 no interval |" in text
    assert "old" not in text and "open: 1 of 6 networks run" in text
    assert front_door(text, {}) == f"before\n{FROM}\n\nThe capacity benchmark has not been run yet.\n\n{TO}\nafter\n"


def test_a_readme_without_the_marks_is_refused():
    with pytest.raises(ConfigError, match=r"README\.md: no place for the headline"):
        front_door("nothing here", {})


def test_a_chart_stands_alone_and_names_its_lines():
    rows = [
        headline.row(headline.CURVE, name, "delay_per_signal_s", Interval(20 * m, 19 * m, 21 * m), 5, demand=m)
        for name in (EXISTING, OPTIMISED, "fixed-time:scenarios/plans/a.toml", ADAPTIVE)
        for m in (0.2, 1.0, 2.0)
    ]
    svg = curves(summary("cologne1", rows))
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "optimised-fixed 4.0 s at 0.2, 20.0 s at 1, 40.0 s at 2" in svg
    assert "a.toml" not in svg


def test_time_by_mode_has_a_line_a_demand_and_a_summary_without_it_is_not_known():
    """A mode that never was is zero where modes were kept, – where they were not."""
    shares = pd.DataFrame(
        {"controller": ADAPTIVE, "demand": [1.0, 1.0, 1.6], "mode": ["rate of service", "interstage", "own plan"],
         "time_share": [0.75, 0.25, 1.0], "green_share": [1.0, 0.0, 1.0]}
    )  # fmt: skip
    found = {"cologne1": summary("cologne1", headline.mode_rows(shares, 20)), "cologne3": summary("cologne3", cells())}
    lines = page(found, "benchmarks", "", quick=False).partition("## Time by mode")[2].splitlines()
    told = [line for line in lines if line.startswith("| cologne")][:3]
    assert told == [
        "| cologne1 | ×1 | 100.0 | 0.0 | 0.0 | 0.0 | 25.0 | 0.0 |",
        "| cologne1 | ×1.6 | 0.0 | 0.0 | 0.0 | 100.0 | 0.0 | 100.0 |",
        "| cologne3 | – | – | – | – | – | – | – |",
    ]
