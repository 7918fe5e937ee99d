"""How a plan's search went, for a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table

from experiments.optimise import Found

SHOWN = 20
"""Improvements, the last ones, beside the first line."""


def plan_report(found: Found) -> list[Table | str]:
    """The convergence, and what the plan gains over the existing one."""
    table = Table("runs", "best delay s/veh", "by", box=box.SIMPLE_HEAD)
    steps = found.convergence
    shown = steps if len(steps) <= SHOWN else steps.iloc[[0, *range(len(steps) - SHOWN + 1, len(steps))]]
    for runs, delay_s, phase in shown.itertuples(index=False):
        table.add_row(str(runs), f"{delay_s:.1f}", str(phase))
    ratio = found.delay_ratio
    line = (
        f"on draws that the search did not see, driven as every case: {found.delay_s:.1f} s/veh, "
        f"existing {found.existing_delay_s:.1f} s/veh: {ratio.estimate - 1:+.1%} "
        f"[{ratio.low - 1:+.1%}, {ratio.high - 1:+.1%}], gridlock in {found.gridlocked}"
    )
    return [table, line]
