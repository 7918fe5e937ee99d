"""A network whose stages change by one yellow and nothing else: other people's rules, to set figures beside theirs."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from signals.intersection import Aspect, Intersection, Interstage, Interval
from simulation.network import Network

GREENS = (Aspect.GREEN, Aspect.PERMISSIVE)


def retimed(network: Network, yellow_s: float) -> Network:
    """The network with this yellow and no red clearance, whatever its plans have; these themselves stay as they are."""
    return replace(network, intersections=tuple(_retimed(i, yellow_s) for i in network.intersections))


def _retimed(before: Intersection, yellow_s: float) -> Intersection:
    times = {"yellow_change_s": yellow_s, "red_clearance_s": 0.0}
    ways = []
    for start, end in permutations(before.stages, 2):
        pairs = list(zip(before.stage_aspects(start), before.stage_aspects(end), strict=True))
        aspects = tuple(Aspect.YELLOW if _ends(*pair) else _stays(*pair) for pair in pairs)
        intervals = (Interval(duration_s=yellow_s, aspects=aspects),) if Aspect.YELLOW in aspects else ()
        ways.append(Interstage(start=start.name, end=end.name, intervals=intervals))
    phases = tuple(phase.model_copy(update=times) for phase in before.phases)
    return before.model_copy(update={"phases": phases, "interstages": tuple(ways)})


def _ends(before: Aspect, after: Aspect) -> bool:
    """It loses its green, or what protects it."""
    return before in GREENS and (after not in GREENS or (before, after) == GREENS)


def _stays(before: Aspect, after: Aspect) -> Aspect:
    return before if before in GREENS or before == after else Aspect.RED
