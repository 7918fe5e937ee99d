"""What each controller's greens were given for, and where the rest of its time went, in a line each."""

from collections.abc import Iterator

import pandas as pd

from experiments.modes import INTERSTAGE, OWN_PLAN, WHERE, shares
from experiments.tables import percentage
from experiments.together import Together
from reports.wording import demand


def mode_lines(found: Together) -> list[str]:
    """Of every controller that decided anything; none where the results have kept no modes."""
    of = shares(found.table("modes"), found.cases)
    parts = [each for _, each in of.groupby(list(WHERE))]
    return [
        f"{_place(each.iloc[0].to_dict())}: {_line(each)}"
        for each in parts
        if each[each["mode"] == OWN_PLAN]["time_share"].sum() < 1
    ]


def _place(of: dict) -> str:
    broken = f", {of['faults']}" if of["faults"] else ""
    return f"{of['scenario']} {demand(of['demand'])}{broken}, {of['controller']}"


def _line(of: pd.DataFrame) -> str:
    time = of.set_index("mode")["time_share"]
    greens = ", ".join(_parts(of))
    own, between = (percentage(float(time.get(name, 0.0))) for name in (OWN_PLAN, INTERSTAGE))
    return f"green by {greens}; {between} % of the time in interstages, {own} % under its own plan"


def _parts(of: pd.DataFrame) -> Iterator[str]:
    for name, share in zip(of["mode"], of["green_share"], strict=True):
        if share > 0:
            yield f"{name} {percentage(float(share))} %"
