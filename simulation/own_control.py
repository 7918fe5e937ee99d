"""SUMO's own controllers, to compare with: a junction left to itself, its plan's stages under another program type.

The stages follow each other as in the existing plan, over the interstages that every controller has; only how long a
green lasts is SUMO's to say, from detectors of its own: gaps at loops that it lays itself (`actuated`), or the time
that vehicles within 100 m have lost, which it knows from the simulation (`delay_based`).
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from signals.errors import ConfigError
from signals.intersection import Intersection
from signals.plans import TimingPlan
from simulation.network import Network
from simulation.plant import compile_program

OWN_CONTROL = {
    "sumo-actuated": ("SUMO's gap-based control of the existing stages, with its own loops", "actuated"),
    "sumo-delay-based": ("SUMO's control by lost time, which it takes from the simulation itself", "delay_based"),
}
LEAST_GREEN_S, LONGEST_GREEN_S = 5.0, 60.0


def kept_plans(network: Network) -> dict[str, str]:
    """The junctions that keep their own plan whatever SUMO's controller, and why. Raises `ConfigError` if all do."""
    kept = dict(network.left_alone)
    for intersection in network.intersections:
        name = intersection.id
        if name in network.plans.untold:
            kept[name] = f"signal {name}: its plan has no order of stages: {network.plans.untold[name]}"
        elif name in network.switching:
            kept[name] = f"signal {name}: SUMO changes its program by the time of day"
    if len(kept) == network.signals:
        first = next(iter(kept.values()))
        raise ConfigError(f"can be run at 0 of {network.signals} signals, must be at least 1; {first}")
    return kept


def own_control_xml(network: Network, controller: str) -> str:
    """An additional file in which each junction that can has a program of that controller's type."""
    _, kind = OWN_CONTROL[controller]
    kept = kept_plans(network)
    programs = (
        _program(network, intersection, network.plans.of(intersection.id)[0], kind)
        for intersection in network.intersections
        if intersection.id not in kept
    )
    return "<additional>\n" + "".join(programs) + "</additional>\n"


def _program(network: Network, intersection: Intersection, plan: TimingPlan, kind: str) -> str:
    head = f'id={quoteattr(intersection.id)} programID={quoteattr(kind)} type="{kind}" offset="{plan.offset_s:g}"'
    return f"  <tlLogic {head}>\n" + "".join(_rows(network, intersection, plan)) + "  </tlLogic>\n"


def _rows(network: Network, intersection: Intersection, plan: TimingPlan) -> Iterator[str]:
    """Each stage with bounds to its green, and the rows that lead to the next."""
    name = intersection.id
    compiled = compile_program(intersection, network.links[name], network.always.get(name))
    numbers = {stage.name: number for number, stage in enumerate(intersection.stages)}
    order = [numbers[split.stage] for split in plan.splits]
    for stage, following in zip(order, [*order[1:], order[0]], strict=True):
        least_s = max(LEAST_GREEN_S, intersection.stages[stage].minimum_green_s)
        longest_s = max(LONGEST_GREEN_S, least_s)
        yield _row(least_s, compiled.rows[stage][1], f' minDur="{least_s:g}" maxDur="{longest_s:g}"')
        row = compiled.row_between[stage, following]
        while row != following:
            duration_s, state, then = compiled.rows[row]
            yield _row(duration_s, state)
            row = following if then is None else then


def _row(duration_s: float, state: str, bounds: str = "") -> str:
    return f'    <phase duration="{duration_s:g}" state="{state}"{bounds}/>\n'
