"""The headline's arithmetic on made-up tables whose answers are known beforehand."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import headline
from experiments.case import Case
from experiments.headline import ADAPTIVE, EXISTING, OPTIMISED, Draws
from experiments.headline_summary import CODE, read, write
from signals.errors import ConfigError
from tests.experiments.cheap_cases import row

LIGHT, HEAVY = "fixed-time:light.toml", "fixed-time:heavy.toml"
DRAWS = Draws((200, 201, 202), (200, 201, 202))
CARRIES = {EXISTING: 1.0, LIGHT: 1.05, HEAVY: 1.1, "actuated": 1.2, ADAPTIVE: 1.5}
ORIGIN = {CODE: "abc", "draws": "3 from 200, coarsely 3", "network digest": "n", "plans": "none", "commit": "c"}


def cases(delays_s: dict[str, dict[float, list[float]]], faults: str = "", **measures: float) -> pd.DataFrame:
    """By controller and demand the delay of each draw from 200 on."""
    rows = [
        row(Case("resco:cologne1", name, demand, 200 + k, faults=faults), delay_s=delay_s, **measures)
        for name, by_demand in delays_s.items()
        for demand, each in by_demand.items()
        for k, delay_s in enumerate(each)
    ]
    return pd.DataFrame(rows)


def curves(demands: list[float], draws: range = range(200, 203)) -> pd.DataFrame:
    """Delay per signal passes 55 s at what each controller carries, later by 1 % with each draw."""
    rows = []
    for name, carries in CARRIES.items():
        for demand in demands:
            for draw in draws:
                delay_s = 55.0 * demand / (carries * 1.01 ** (draw - 200))
                served = 1000.0 * min(demand, carries)
                case = Case("resco:cologne1", name, demand, draw)
                rows.append(row(case, delay_per_signal_s=delay_s, delay_s=delay_s, throughput_veh_per_h=served))
    return pd.DataFrame(rows)


def figure(rows: list[headline.Row], end: str = "value", **where: object) -> float:
    found = [each for each in rows if all(each[name] == value for name, value in where.items())]
    assert len(found) == 1, where
    return float(found[0][end])  # type: ignore[arg-type]


def counts(found: pd.DataFrame, controller: str) -> dict[float, int]:
    """Draws by demand."""
    own = found[found["controller"] == controller]["demand"].tolist()
    return {demand: own.count(demand) for demand in own}


def test_optimised_is_the_better_plan_at_each_multiple():
    """By mean delay over the draws, not by a lucky one; all its draws are of one plan."""
    table = cases({LIGHT: {1.0: [20, 20, 20], 1.4: [90, 90, 30]}, HEAVY: {1.0: [10, 40, 40], 1.4: [50, 50, 50]}})
    found = headline.with_optimised(table)
    best = found[found["controller"] == OPTIMISED].set_index(["demand", "draw"])["delay_s"]
    assert best.loc[1.0].tolist() == [20, 20, 20]
    assert best.loc[1.4].tolist() == [50, 50, 50]
    assert len(found) == len(table) + 6


def test_a_plan_run_on_fewer_draws_is_not_taken():
    table = cases({LIGHT: {1.0: [5]}, HEAVY: {1.0: [30, 30, 30]}})
    found = headline.with_optimised(table)
    assert found[found["controller"] == OPTIMISED]["delay_s"].tolist() == [30, 30, 30]


def test_without_plans_there_is_no_optimised():
    table = cases({EXISTING: {1.0: [20, 20]}})
    assert OPTIMISED not in set(headline.with_optimised(table)["controller"])


@pytest.mark.parametrize(
    ("crossing", "multiples"),
    [(1.24, [1.0, 1.1, 1.2, 1.3, 1.4]), (0.24, [0.1, 0.2, 0.3, 0.4]), (math.nan, [])],
)
def test_the_window_lies_about_the_crossing(crossing: float, multiples: list[float]):
    assert headline.window(crossing) == pytest.approx(multiples)


def test_each_line_has_its_own_window_and_the_plans_share_one():
    found = headline.windows(curves([round(0.2 * k, 6) for k in range(1, 12)]))
    assert LIGHT not in found and HEAVY not in found
    assert found[EXISTING] == pytest.approx([0.8, 0.9, 1.0, 1.1, 1.2])
    assert found[OPTIMISED] == pytest.approx([0.9, 1.0, 1.1, 1.2, 1.3])
    assert found[ADAPTIVE] == pytest.approx([1.3, 1.4, 1.5, 1.6, 1.7])


@pytest.mark.parametrize(
    ("delays_s", "more"),
    [
        ([[50, 60], [54, 70]], []),
        ([[50, 60], [56, 70]], [0.9]),
        ([[50, 60], [50, 54]], [1.2]),
        ([[56, 60], [50, 54]], [0.9, 1.2]),
    ],
)
def test_a_window_widens_for_a_draw_that_crosses_beyond_it(delays_s: list[list[float]], more: list[float]):
    rows = [
        {"draw": draw, "demand": demand, "delay_per_signal_s": each}
        for draw, line in enumerate(delays_s)
        for demand, each in zip((1.0, 1.1), line, strict=True)
    ]
    assert headline.wider(pd.DataFrame(rows)) == pytest.approx(more)


def test_only_the_sweeps_own_cases_count_for_capacity():
    """Cells at 0.7 and later draws of coarse multiples outside the window are another matter."""
    table = curves([0.4, 0.7, 1.0, 1.1, 1.2], range(200, 210))
    draws = Draws(tuple(range(200, 205)), tuple(range(200, 210)))
    found = headline.swept(table, draws, {EXISTING: [1.0, 1.1], OPTIMISED: [1.1]})
    assert counts(found, EXISTING) == {0.4: 5, 1.0: 10, 1.1: 10, 1.2: 5}
    assert counts(found, HEAVY) == {0.4: 5, 1.0: 5, 1.1: 10, 1.2: 5}
    assert counts(found, ADAPTIVE) == {0.4: 5, 1.0: 5, 1.2: 5}


def test_gains_are_over_existing_and_over_the_better_of_two():
    """actuated carries 1.2, optimised-fixed 1.1: the better one is actuated, and adaptive carries a quarter more."""
    rows = headline.capacity_rows(curves([round(0.2 * k, 6) for k in range(1, 12)]), DRAWS)
    assert figure(rows, part=headline.SWEEP, controller=OPTIMISED, measure="capacity_multiple") == pytest.approx(
        1.1 * 1.01, rel=1e-3
    )
    where = {"controller": ADAPTIVE, "measure": "capacity_gain"}
    assert figure(rows, part=headline.GAIN, **where) == pytest.approx(0.5, rel=1e-6)
    assert figure(rows, part=headline.BETTER, against="actuated", **where) == pytest.approx(0.25, rel=1e-6)
    served = {"part": headline.BETTER, "controller": ADAPTIVE, "measure": "served_gain"}
    assert figure(rows, **served) == pytest.approx(1.2 * 1.1 * 1.01 / 1.2 - 1, rel=0.02)


def test_a_cells_limit_is_one_sided():
    """exp(mean + t(0.95; 3) s/√4) of the log ratios: t = 2.353 for three degrees."""
    ratios = np.array([0.9, 1.0, 1.1, 0.95])
    table = cases({EXISTING: {1.0: [40] * 4}, LIGHT: {1.0: [50] * 4}, ADAPTIVE: {1.0: list(40 * ratios)}})
    rows = headline.cell_rows(table, [1.0], range(200, 204))
    logs = np.log(ratios)
    limit = math.exp(logs.mean() + 2.3534 * logs.std(ddof=1) / 2)
    assert figure(rows, "high", measure="delay_ratio") == pytest.approx(limit, rel=1e-4)
    assert figure(rows, measure="largest_delay_ratio") == pytest.approx(1.1)
    assert {each["against"] for each in rows} == {EXISTING}


def test_a_gridlock_counts_where_the_better_plan_has_none():
    """The baseline is the better one by mean delay; a gridlock that both have is no new one."""
    plan = cases({EXISTING: {1.0: [400, 400, 400]}, LIGHT: {1.0: [30, 30, 900]}})
    own = cases({ADAPTIVE: {1.0: [30, 800, 900]}})
    plan["gridlock"], own["gridlock"] = plan["delay_s"] > 500, own["delay_s"] > 500
    rows = headline.cell_rows(pd.concat([plan, own]), [1.0], [200, 201, 202])
    assert {each["against"] for each in rows} == {OPTIMISED}
    assert figure(rows, measure="new_gridlocks") == 1


def test_with_broken_loops_the_plans_stay_as_they_are():
    sound = cases({EXISTING: {1.0: [40, 44]}, ADAPTIVE: {1.0: [20, 22]}})
    broken = cases({ADAPTIVE: {1.0: [24, 28]}}, faults="dead=0.2")
    table = pd.concat([sound, broken])
    rows = headline.cell_rows(table, [1.0], [200, 201], "dead=0.2")
    assert figure(rows, measure="largest_delay_ratio") == pytest.approx(28 / 44)
    kept = headline.kept_rows(table, [1.0], [200, 201], "dead=0.2")
    assert figure(kept, measure="gain_kept") == pytest.approx((42 - 26) / (42 - 21))


def test_where_nothing_was_gained_nothing_is_kept():
    sound = cases({EXISTING: {1.0: [40, 44]}, ADAPTIVE: {1.0: [50, 50]}})
    broken = cases({ADAPTIVE: {1.0: [24, 28]}}, faults="dead=0.2")
    kept = headline.kept_rows(pd.concat([sound, broken]), [1.0], [200, 201], "dead=0.2")
    assert math.isnan(figure(kept, measure="gain_kept"))


def test_a_summary_comes_back_as_it_was_written(tmp_path: Path):
    """Empty names stay empty text, unknown figures stay unknown, and the head is read."""
    rows = [headline.row(headline.COST, ADAPTIVE, "decision_us", 12.5, 1), headline.row("x", "b", "m", math.nan, 3)]
    found = write(tmp_path / "cologne1.csv", ORIGIN, rows)
    assert found.network == "cologne1"
    assert found.origin == ORIGIN
    assert found.part(headline.COST, faults="", against="")["value"].tolist() == [12.5]
    assert math.isnan(found.rows["value"].iloc[1])


@pytest.mark.parametrize(("changed", "parts"), [({}, {"a", "b"}), ({CODE: "other"}, {"b"}), ({"draws": "5"}, {"b"})])
def test_a_part_of_other_code_or_draws_is_not_mixed_in(tmp_path: Path, changed: dict[str, str], parts: set[str]):
    write(tmp_path / "n.csv", ORIGIN, [headline.row("a", ADAPTIVE, "m", 1.0, 1)])
    found = write(tmp_path / "n.csv", ORIGIN | changed, [headline.row("b", ADAPTIVE, "m", 2.0, 1)])
    assert set(found.rows["part"]) == parts


def test_a_part_run_again_replaces_its_older_self(tmp_path: Path):
    write(tmp_path / "n.csv", ORIGIN, [headline.row("a", ADAPTIVE, "m", 1.0, 1)])
    write(tmp_path / "n.csv", ORIGIN, [headline.row("a", ADAPTIVE, "m", 2.0, 1)])
    assert read(tmp_path / "n.csv").rows["value"].tolist() == [2.0]


def test_another_csv_is_refused(tmp_path: Path):
    (tmp_path / "n.csv").write_text("part,value\na,1\n")
    with pytest.raises(ConfigError, match=r"n\.csv: columns controller, against, .* are missing"):
        read(tmp_path / "n.csv")
