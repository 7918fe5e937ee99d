"""The promise, point by point: what is asked of `adaptive`, what was measured, and whether that is met."""

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from experiments import headline
from experiments.headline import ADAPTIVE
from experiments.headline_summary import Summary
from reports.wording import NONE, number, signed

REAL = ("cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21")
NETWORKS = (*REAL, "grid4x4", "arterial4x4")
FEW_DRAWS = ("ingolstadt21", "arterial4x4")
PROTOCOL_DRAWS, PROTOCOL_FEW = 20, 5
PUBLISHED_S = {
    "cologne1": 26.1, "cologne3": 22.0, "cologne8": 21.6, "ingolstadt1": 20.9, "ingolstadt7": 31.2,
    "ingolstadt21": 59.6, "grid4x4": 33.0, "arterial4x4": 654.0,
}  # fmt: skip
"""The best published mean delay by RESCO's own rules, s/veh, of any controller there."""
RATIO_MOST, DRAW_MOST = 1.05, 1.25
STARVED_S, STARVED_ABOVE_S = 180.0, 300.0
KEPT_LEAST, DECISION_US, TICK_US, MANY_JUNCTIONS = 0.8, 60.0, 1000.0, 8
CELL_COUNT, BROKEN_CELL_COUNT = 6, 3
MET, MISSED = "met", "missed"
Values = Mapping[str, float]
Found = Mapping[str, Summary]


@dataclass(frozen=True)
class Target:
    """`state` is met, missed, or how far it is from being known."""

    point: str
    asked: str
    measured: str
    state: str

    @property
    def line(self) -> str:
        return f"{self.point}: {self.asked}: {self.measured}: {self.state}"


def draws_of(summary: Summary) -> int:
    return int(summary.origin.get("draws", "0").split()[0])


def enough_draws(summary: Summary) -> bool:
    """As many as the protocol wants of a headline."""
    return draws_of(summary) >= (PROTOCOL_FEW if summary.network in FEW_DRAWS else PROTOCOL_DRAWS)


def value(summary: Summary, part: str, measure: str, end: str = "value", **where: object) -> float | None:
    """One figure of `adaptive`; None where it was not run, NaN where it is unknown."""
    rows = summary.part(part, controller=ADAPTIVE, measure=measure, **where)
    return float(rows[end].iloc[0]) if len(rows) else None


def values(found: Found, names: Sequence[str], part: str, measure: str, end: str = "value", **where: object) -> Values:
    """By network, in order, where it was run."""
    each = {name: value(found[name], part, measure, end, **where) for name in names if name in found}
    return {name: of for name, of in each.items() if of is not None}


def cells(summary: Summary, broken: bool = False) -> pd.DataFrame:
    """A row a demand: against, faults, and a column for each measure; `limit` is the ratio's one-sided upper one."""
    rows = summary.part(headline.CELL)
    rows = rows[(rows["faults"] != "") == broken]
    if rows.empty:
        return pd.DataFrame()
    index = ["demand", "faults", "against", "draws"]
    table = rows.pivot(index=index, columns="measure", values="value")
    limits = rows[rows["measure"] == "delay_ratio"].set_index(index)["high"]
    return table.assign(limit=limits).reset_index()


def failings(cell: Mapping) -> str:
    """Letters: L the limit, D a single draw, G gridlock, S starvation; what is unknown fails."""
    starved_s = STARVED_S if cell["demand"] <= 1.0 else STARVED_ABOVE_S
    holds = {
        "L": cell["limit"] <= RATIO_MOST,
        "D": cell["largest_delay_ratio"] <= DRAW_MOST,
        "G": cell["new_gridlocks"] == 0,
        "S": cell["starve_max_s"] <= starved_s,
    }
    return "".join(letter for letter, held in holds.items() if not held)


def state(found: Found, has: Container[str], needed: Sequence[str], holds: bool, begun: bool = False) -> str:
    """Met or missed once all networks that it needs are there, on draws enough; `begun`: there is some of it."""
    there = [name for name in needed if name in has]
    sound = [name for name in there if enough_draws(found[name])]
    if len(sound) == len(needed):
        return MET if holds else MISSED
    if not there and not begun:
        return "not run"
    return f"open: {len(sound)} of {len(needed)} networks run" + (" on draws enough" if len(sound) < len(there) else "")


def per_cent(share: float) -> str:
    return NONE if math.isnan(share) else f"{signed(100 * share)} %"


def middle(has: Values) -> float:
    """Unknown where one is: left out, it would flatter."""
    return median(has.values()) if has and not any(math.isnan(v) for v in has.values()) else math.nan


def least(has: Values) -> tuple[str, float]:
    """The network behind all others; an unknown one is behind."""
    return min(has.items(), key=lambda item: -math.inf if math.isnan(item[1]) else item[1])


def gain_target(found: Found, point: str, asked: str, has: Values, holds: Callable[[Values], bool]) -> Target:
    """Of gains on the six real networks."""
    if not has:
        return Target(point, asked, NONE, "not run")
    name, low = least(has)
    told = f"median {per_cent(middle(has))}, least {per_cent(low)} ({name})"
    return Target(point, asked, told, state(found, has, REAL, holds(has)))


def gain_targets(found: Found) -> list[Target]:
    over = values(found, REAL, headline.GAIN, "capacity_gain")
    ends = values(found, REAL, headline.GAIN, "capacity_gain", "low")
    better = values(found, REAL, headline.BETTER, "capacity_gain")
    served = values(found, REAL, headline.BETTER, "served_gain")
    above = [name for name, low in ends.items() if low > 0]
    first = gain_target(found, "2", "capacity over existing: median ≥ +20 %, interval above zero on each", over,
                        lambda has: middle(has) >= 0.20 and len(above) == len(has))  # fmt: skip
    if ends:
        told = f"{first.measured}; interval above zero on {len(above)} of {len(ends)}"
        first = Target(first.point, first.asked, told, first.state)
    rest: list[tuple[str, str, Values, Callable[[Values], bool]]] = [
        ("2", "capacity over the better of optimised-fixed and actuated: median ≥ +5 %, nowhere below −2 %", better,
         lambda has: middle(has) >= 0.05 and min(has.values()) >= -0.02),
        ("2", "served at overload, median above that better one", served, lambda has: middle(has) > 0),
        ("moonshot", "capacity over existing ≥ +20 % on each", over, lambda has: all(v >= 0.2 for v in has.values())),
        ("moonshot", "capacity over existing: median ≥ +40 %", over, lambda has: middle(has) >= 0.4),
        ("moonshot", "capacity over that better one: median ≥ +20 %", better, lambda has: middle(has) >= 0.2),
    ]  # fmt: skip
    return [first, *(gain_target(found, *each) for each in rest)]


def cell_targets(found: Found, broken: bool) -> list[Target]:
    """The gate (gridlock, starvation), and never worse."""
    tables = {name: table for name in NETWORKS if name in found and len(table := cells(found[name], broken))}
    count = BROKEN_CELL_COUNT if broken else CELL_COUNT
    whole = {name: table for name, table in tables.items() if len(table) >= count}
    told = [failings(cell) for table in tables.values() for cell in table.to_dict("records")]
    after = " with a fifth of the loops dead" if broken else ""
    made = []
    for point, letters, asked in (
        ("5" if broken else "1", "GS", f"no gridlock of its own, nobody starved (180 s, above 1.0 300 s){after}"),
        ("5" if broken else "4", "LDG", f"never worse than 1.05 × the better fixed plan, no draw above 1.25{after}"),
    ):
        held = sum(not set(letters) & set(each) for each in told)
        ways = ", ".join(f"{sum(letter in each for each in told)} {letter}" for letter in letters)
        measured = f"{held} of {len(told)} cells hold ({ways})" if told else NONE
        made.append(Target(point, asked, measured, state(found, whole, NETWORKS, held == len(told), bool(told))))
    return made


def other_targets(found: Found) -> list[Target]:
    rules = values(found, NETWORKS, headline.RULES, "delay_s")
    below = [name for name, delay_s in rules.items() if delay_s < PUBLISHED_S[name]]
    kept = values(found, NETWORKS, headline.KEPT, "gain_kept", demand=1.0)
    enough = [name for name, share in kept.items() if share >= KEPT_LEAST]
    junctions = values(found, NETWORKS, headline.COST, "junctions")
    cost = values(found, NETWORKS, headline.COST, "decision_us")
    large = {name: us for name, us in cost.items() if junctions[name] >= MANY_JUNCTIONS}
    ticks = values(found, NETWORKS, headline.COST, "tick_us")
    single = {name: us for name, us in ticks.items() if junctions[name] == 1}
    worst = f"least {number(100 * least(kept)[1])} % ({least(kept)[0]})" if kept else NONE
    of_large = f"most {number(max(large.values()))} µs" if large else NONE
    of_single = f"most {number(max(single.values()))} µs, estimation and interlock included" if single else NONE
    return [
        Target("3", "RESCO's own rules: below the best published on all eight",
               f"{len(below)} of {len(rules)} below" if rules else NONE,
               state(found, rules, NETWORKS, len(below) == len(rules))),
        Target("5", "a fifth of the loops dead: at least 80 % of the gain at 1.0 kept", worst,
               state(found, kept, NETWORKS, len(enough) == len(kept))),
        Target("6", "decision at most 60 µs a junction and second, from eight junctions on", of_large,
               cost_state(large, 4, DECISION_US)),
        Target("6", "one junction at most 1 ms a second", of_single, cost_state(single, 2, TICK_US)),
    ]  # fmt: skip


def cost_state(has: Values, needed: int, most: float) -> str:
    """No matter of draws."""
    if len(has) < needed:
        return f"open: {len(has)} of {needed} networks run" if has else "not run"
    return MET if max(has.values()) <= most else MISSED


def targets(found: Found) -> list[Target]:
    """In the order of the points."""
    sound, broken, other = cell_targets(found, False), cell_targets(found, True), other_targets(found)
    return [sound[0], *gain_targets(found), other[0], sound[1], other[1], *broken, *other[2:]]
