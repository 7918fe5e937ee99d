"""Before and after by movement, junction by junction: delay, v/c, queue against storage, stops, longest wait."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.before_after import pairs
from reports.comparison import Arm, ScenarioComparison
from reports.measures import level_of_service
from reports.parts import Pair, of_arm, paired
from reports.periods import cell
from reports.table import Cell
from reports.wording import NONE, number
from reports.words import Words

WHERE = ["junction", "approach", "heading", "turns"]
FIGURES = {
    "vehicles": 0, "served": 0, "delay_s": 1, "degree_of_saturation": 2, "queue_p95_veh": 1, "queue_to_storage": 0,
    "stops_per_veh": 2, "wait_max_s": 0, "co2_kg_per_h": 1,
}  # fmt: skip
"""Measures and their decimals."""
SHARED = ("degree_of_saturation", "queue_p95_veh", "stops_per_veh", "wait_max_s", "co2_kg_per_h")
"""What turns that share lanes have in common, in the table's order."""
MOSTLY_YIELDING = 0.5
LEAST, ABOUT = "≥", "≈"
"""Before a v/c of who mostly yields: capacity without his yielding, or through the gaps of those he yields to."""
YIELDING = "capacity_yielding_veh_per_h"


@dataclass(frozen=True)
class MovementLine:
    """A movement group, or one of several turns of a group: `part`, without what is the lanes' own."""

    junction: str
    approach: str
    heading: str
    turns: str
    part: bool
    demand_veh_per_h: float
    storage_veh: float
    sign: str
    figures: dict[str, Pair]

    @property
    def is_full(self) -> bool:
        """Whether more want to pass after than can."""
        return self.figures["degree_of_saturation"].after > 1.0


def gaps_counted(movements: pd.DataFrame) -> bool:
    """Whether every case has kept what turns through the gaps; figures of one table are all by one definition."""
    if YIELDING not in movements:
        return False
    return bool(movements[YIELDING].notna().sum() == movements["capacity_veh_per_h"].notna().sum())


def with_ratios(movements: pd.DataFrame, gaps: bool) -> pd.DataFrame:
    """With v/c, of the demand, and the queue in per cent of the storage; CO2 is NaN where it was not kept yet."""
    movements = movements if "co2_kg_per_h" in movements else movements.assign(co2_kg_per_h=math.nan)
    return movements.assign(
        degree_of_saturation=movements["demand_veh_per_h"] / movements[YIELDING if gaps else "capacity_veh_per_h"],
        queue_to_storage=100.0 * movements["queue_p95_veh"] / movements["storage_veh"],
        not_judged=movements["not_judged_share" if gaps else "yielding_share"],
    )


def movement_lines(table: pd.DataFrame, arm: Arm, baseline: Arm) -> list[MovementLine]:
    """In the network's order, groups before their turns; each measure's p is corrected for all of them."""
    gaps = gaps_counted(table)
    after, before = (with_ratios(of_arm(table, each), gaps) for each in (arm, baseline))
    told = ["demand_veh_per_h", "storage_veh", "yielding_share", "not_judged"]
    own = before.groupby(WHERE, sort=False)[told].mean()
    found = paired(after, before, WHERE, list(FIGURES))
    return [_line(place, own.loc[place], figures) for place, figures in found.items()]


def _line(place: tuple[str, ...], own: "pd.Series[float]", figures: dict[str, Pair]) -> MovementLine:
    junction, approach, heading, turns = (str(name) for name in place)
    yields = own["yielding_share"] > MOSTLY_YIELDING
    return MovementLine(
        junction,
        approach,
        heading,
        turns,
        part=math.isnan(own["storage_veh"]),
        demand_veh_per_h=float(own["demand_veh_per_h"]),
        storage_veh=float(own["storage_veh"]),
        sign="" if not yields else LEAST if own["not_judged"] > MOSTLY_YIELDING else ABOUT,
        figures=figures,
    )


def movement_tables(comparisons: Sequence[ScenarioComparison], table: pd.DataFrame, say: Words) -> list[dict[str, Any]]:
    """For each scenario and controller its junctions, the busiest first, each with its movements' cells."""
    found = []
    for comparison, arm, baseline in pairs(comparisons) if len(table) else ():
        junctions: dict[str, list[MovementLine]] = {}
        for line in movement_lines(table, arm, baseline):
            junctions.setdefault(line.junction, []).append(line)
        in_order = sorted(junctions.items(), key=lambda each: -sum(line.demand_veh_per_h for line in each[1]))
        summary = say("before_after.summary", place=comparison.label, after=arm.controller, before=arm.baseline)
        if in_order:
            found.append({"summary": summary, "junctions": [_junction(*each, say) for each in in_order]})
    return found


def _junction(name: str, lines: Sequence[MovementLine], say: Words) -> dict[str, Any]:
    groups = [line for line in lines if not line.part]
    worst = max(groups, key=lambda line: line.figures["delay_s"].after)
    told = {"movement": movement_words(worst, say), "delay": worst.figures["delay_s"].text(1)}
    rows = [(movement_words(line, say), line.approach, line.part, _cells(line, say)) for line in lines]
    return {"junction": name, "worst": say("movements.worst", **told), "rows": rows}


def movement_words(line: MovementLine, say: Words) -> str:
    """'from the north: left + through'; of a part the turn alone."""
    turns = " + ".join(say(f"movements.{turn}") for turn in line.turns.split("+"))
    return turns if line.part else say("movements.from", heading=say(f"movements.{line.heading}"), turns=turns)


def _cells(line: MovementLine, say: Words) -> list[tuple[Cell, str]]:
    """Vehicles, delay and what the lanes have; each with its direction."""
    delay, direction = cell(line.figures["delay_s"], FIGURES["delay_s"], say)
    served = say("movements.served", served=line.figures["served"].text(0))
    cells = [(Cell(number(line.demand_veh_per_h, 0), served), ""), (delay, direction), (Cell(_levels(line)), "")]
    for measure in SHARED:
        figure, marked = cell(line.figures[measure], FIGURES[measure], say)
        if line.part:
            figure = Cell("")
        elif measure == "degree_of_saturation" and line.sign and figure.text != NONE:
            figure = Cell(f"{line.sign} {figure.text}", figure.note)
        elif measure == "queue_p95_veh":
            of_storage = say("movements.of_storage", share=line.figures["queue_to_storage"].text(0))
            figure = Cell(figure.text, f"{of_storage} {number(line.storage_veh, 0)}")
        cells.append((figure, "" if line.part else marked))
    return cells


def _levels(line: MovementLine) -> str:
    """HCM's letters before and after; F too where more want to pass than can, as far as that is no estimate."""
    delay, full = line.figures["delay_s"], line.figures["degree_of_saturation"]
    sides = [(delay.before, full.before), (delay.after, full.after)]
    sure = line.sign != ABOUT
    letters = ["F" if sure and ratio > 1.0 else level_of_service(delay_s) for delay_s, ratio in sides]
    return " → ".join(letters) if all(letters) else NONE
