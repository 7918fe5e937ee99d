"""Trials that cost nothing: a plan's delay by a formula whose best plan is known."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.case import Case, split_name
from signals import plans

HERE = "tests.experiments.cheap_trials"
BEST_CYCLE_S, BEST_SHARE = 70, 0.6
EXISTING_S = 100.0


def run(case: Case, work: Path) -> dict[str, Any]:
    """The further from a cycle of 70 s with 60 % for the first stage, the worse; each draw has its own noise."""
    file = split_name(case.controller)[1]
    if file is None:
        return {"delay_s": EXISTING_S, "gridlock": False}
    plan = plans.load(Path(file)).plan[0]
    off = abs(plan.cycle_s / BEST_CYCLE_S - 1) + abs(plan.splits[0].split_s / plan.cycle_s - BEST_SHARE)
    noise = np.random.default_rng([case.draw, round(plan.cycle_s), round(plan.splits[0].split_s)]).normal()
    return {"delay_s": 20.0 + 50.0 * off + 0.2 * noise, "gridlock": False}


def jam_on_draw_102(case: Case, work: Path) -> dict[str, Any]:
    """Every plan but the existing one: good on the first draws, and stuck on this one."""
    jams = case.draw == 102 and split_name(case.controller)[1] is not None
    return {"delay_s": 5000.0, "gridlock": True} if jams else run(case, work)


def fail(case: Case, work: Path) -> dict[str, Any]:
    raise ZeroDivisionError("division by zero")
