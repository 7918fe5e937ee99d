"""A timing plan as SUMO's own program, for runs that need nothing of our path.

Rows and offset say what `fixed-time` does through the stage port, from the first second on.
"""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from signals.intersection import Intersection
from signals.plans import PlanFile, TimingPlan
from simulation.network import Network
from simulation.plant import compile_program

PROGRAM = "plan"


def plan_xml(network: Network, plans: PlanFile) -> str:
    """SUMO's additional file with a program of each intersection that has a plan; loaded last, they run."""
    junctions = [(i, plans.of(i.id)) for i in network.intersections]
    return "".join(["<additional>\n", *(_logic(network, i, own[0]) for i, own in junctions if own), "</additional>\n"])


def _logic(network: Network, intersection: Intersection, plan: TimingPlan) -> str:
    compiled = compile_program(intersection, network.links[intersection.id], network.always.get(intersection.id))
    number = {stage.name: k for k, stage in enumerate(intersection.stages)}
    order = [number[split.stage] for split in plan.splits]
    lines = []
    for split, stage, after in zip(plan.splits, order, [*order[1:], order[0]], strict=True):
        between, row = [], compiled.row_between[stage, after]
        while row != after:
            duration_s, state, following = compiled.rows[row]
            between.append(_row(duration_s, state))
            assert following is not None
            row, lost_s = following, duration_s
            split = split.model_copy(update={"split_s": split.split_s - lost_s})
        lines += [_row(split.split_s, compiled.rows[stage][1]), *between]
    name = f"id={quoteattr(intersection.id)} programID={quoteattr(PROGRAM)}"
    return f'<tlLogic {name} type="static" offset="{plan.offset_s:g}">\n{"".join(lines)}</tlLogic>\n'


def _row(duration_s: float, state: str) -> str:
    return f'<phase duration="{duration_s:g}" state="{state}"/>\n'
