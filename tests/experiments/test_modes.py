"""Time by mode: each second is somewhere once, and a green belongs to the reason that asked for it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.case import Case, run_case
from experiments.modes import OWN_PLAN, SHORT, Modes, mode_name, shares
from signals.controllers import actuated
from signals.values import TRANSITION
from simulation.measures import Window

WORDING = ("interstage", "rests", "gap-out, call on stage {stage}", "maximum red: stage {stage} waits {number:.0f} s")
BETWEEN, RESTS, GAP, RED = range(4)
TICK_S = 2.0
Tick = tuple[int, int, int, int, bool, int]


def watched(*ticks: Tick, begin_s: float = 0.0, end_s: float = 100.0) -> pd.DataFrame:
    """A single junction; a tick is (why, wished, last, stage, local, refusal)."""
    layout: Any = SimpleNamespace(intersections=[SimpleNamespace(id="J")])
    modes = Modes(layout, Window(begin_s, end_s, end_s), TICK_S)
    for k, tick in enumerate(ticks):
        why, wished, last, stage, local, refusal = (np.array([each]) for each in tick)
        record: Any = SimpleNamespace(
            snapshot=SimpleNamespace(time_s=TICK_S * k, stage=stage, local=local),
            traffic=SimpleNamespace(last_stage=last),
            decision=SimpleNamespace(why=why, stage=wished, wording=WORDING),
            command=SimpleNamespace(refusal=refusal),
        )
        modes.look(record)
    return pd.DataFrame(modes.table()).set_index("mode")


def seconds(found: pd.DataFrame, mode: str) -> tuple[float, float]:
    """Of the mode, and of the green that it brought."""
    return found["time_s"].to_dict()[mode], found["green_s"].to_dict()[mode]


CHANGE: tuple[Tick, ...] = (
    (RED, 1, 0, 0, False, 0),
    (BETWEEN, 0, 0, TRANSITION, False, 0),
    (RESTS, 1, 1, 1, False, 0),
    (RESTS, 1, 1, 1, False, 0),
)


def test_a_green_belongs_to_the_reason_that_asked_for_it():
    """And the seconds in which it was asked for to that reason too; the green before belongs to nobody's choice."""
    found = watched(*CHANGE)
    assert found["time_s"].to_dict() == {OWN_PLAN: 0.0, "interstage": 2.0, "rests": 4.0, mode_name(WORDING[RED]): 2.0}
    assert found["green_s"][found["green_s"] > 0].to_dict() == {OWN_PLAN: 2.0, mode_name(WORDING[RED]): 4.0}


def test_a_refused_wish_brings_no_green():
    found = watched(*CHANGE, (GAP, 0, 1, 1, False, 5), (RESTS, 1, 1, 1, False, 0))
    assert seconds(found, "gap-out") == (2.0, 0.0)


def test_a_junction_under_its_own_plan_is_in_that_mode_whatever_was_wished():
    found = watched(*CHANGE, (GAP, 0, 1, 1, True, 0), (RESTS, 1, 1, 1, True, 0))
    assert seconds(found, OWN_PLAN) == (4.0, 6.0)
    assert "gap-out" not in found.index


def test_only_the_window_counts_but_not_what_chose_the_green_that_stands_in_it():
    found = watched(*CHANGE, begin_s=6.0, end_s=8.0)
    assert found["time_s"].sum() == found["green_s"].sum() == 2.0
    assert found.loc[mode_name(WORDING[RED]), "green_s"] == 2.0


@pytest.mark.parametrize("wording", [actuated.WORDING, WORDING, tuple(SHORT)])
def test_names_of_modes_have_no_figures_and_are_told_apart(wording: tuple[str, ...]):
    names = [mode_name(each) for each in wording]
    assert all(name and "{" not in name for name in names)
    assert len(set(names)) == len(names)


def test_shares_add_up_to_one_for_each_controller():
    cases = pd.DataFrame({"scenario": "a", "faults": "", "demand": 1.0, "controller": ["x", "y", "z"]}, index=[4, 5, 6])
    modes = pd.DataFrame(
        {"case": [4, 4, 5], "mode": ["m", "n", "m"], "time_s": [1.0, 3.0, 5.0], "green_s": [2.0, 0.0, 0.0]}
    )
    found = shares(modes, cases).set_index(["controller", "mode"])
    assert found["time_share"].to_dict() == {("x", "m"): 0.25, ("x", "n"): 0.75, ("y", "m"): 1.0}
    assert found["green_share"].to_dict() == {("x", "m"): 1.0, ("x", "n"): 0.0, ("y", "m"): 0.0}
    assert shares(pd.DataFrame({"case": []}), cases).empty


def test_every_second_of_the_window_is_in_one_mode(tmp_path: Path):
    """On a real street, as tick by tick; a controller that decides has more than one."""
    found = pd.DataFrame(run_case(Case("single", "adaptive", 0.3, 0), tmp_path)["tables"]["modes"])
    between_s = found[found["mode"] == "interstage"]["time_s"].sum()
    assert found["time_s"].sum() == pytest.approx(found["green_s"].sum() + between_s)
    assert found["time_s"].sum() % 900 == 0
    assert {"rate of service", "keeps green", "minimum green"} <= set(found["mode"])
