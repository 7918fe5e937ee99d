"""How long a phase of the cabinet's may be held, and may have to wait, at level hold."""

from __future__ import annotations

from field.ntcip.probe import Probed, members
from field.ntcip.stages import Stages
from field.site import PhaseLimit, Site

SHARE = 0.8
"""Of the time after which the cabinet itself calls it a fault."""
FAULT_CYCLES = 2
"""NTCIP 1202, unitAlarmStatus1: cycle fault and cycle fail are a serviceable call not served for two cycles."""


def cycle_fault_s(stages: Stages, probed: Probed) -> float:
    """Two cycles of a free cabinet: every stage at its phases' longest green and clearance; 0 where there are none."""
    longest = []
    for stage in stages.stages:
        tables = [probed.phases[n] for n in members(stage.asked) if n in probed.phases]
        longest.append(max((t.maximum_s + t.yellow_change_s + t.red_clear_s for t in tables), default=0.0))
    return FAULT_CYCLES * sum(longest)


def limits_of(site: Site, stages: Stages, probed: Probed) -> dict[int, PhaseLimit]:
    """The site's, by the cabinet's phase; nobody waits until the cabinet's own alarm of starvation goes off."""
    theirs = {site.cabinet.phases.get(p.number, p.number): p.number for p in stages.intersection.phases}
    fault_s = cycle_fault_s(stages, probed)
    limits = {}
    for number in probed.phases:
        limit = site.limit(theirs.get(number, number))
        longest_s = min(limit.max_red_s, SHARE * fault_s) if fault_s else limit.max_red_s
        limits[number] = limit.model_copy(update={"max_red_s": longest_s})
    return limits
