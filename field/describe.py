"""What would be written to a site's cabinet, in words; needs no connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from field.cabinet import Level
from field.fleet import sites_in
from field.ntcip import objects
from field.ntcip.patterns import EVERY_S, OVER_S
from field.ntcip.probe import members
from field.ntcip.stages import Stages
from field.site import Hours, Site
from field.site_file import built, load
from signals.intersection import Intersection

RENEWED = "min(unitBackupTime / 3, 5 s)"
WRITTEN = {
    Level.SHADOW: (),
    Level.PATTERN: (
        f"systemPatternControl = the number of one of the site's patterns, at most every {EVERY_S / 60:g} min: "
        f"the one whose shares are nearest to what the controller wished for in the last {OVER_S / 60:g} min",
    ),
    Level.CALLS: (
        "systemPatternControl = 254 (free) while engaged",
        "phaseControlGroupVehCall: a call for each phase of the wanted stage that is not green",
    ),
    Level.HOLD: (
        "systemPatternControl = 254 (free) while engaged",
        "phaseControlGroupVehCall: a call for each phase of the wanted stage that is not green",
        "phaseControlGroupPhaseOmit: the other phases, until the wanted stage is green; never all of a ring, never one "
        "whose call is older than its max_red_s",
        "phaseControlGroupHold: the phases of the wanted stage while green, for max_green_s at most if others wait",
        "phaseControlGroupForceOff: each phase that has to end, once a green, never while its pedestrians walk",
    ),
}
NEVER = (
    "yellow change, red clearance, minimum green, walk, pedestrian clearance, concurrency, sequence, any other table",
    "preemption, unit control, stop time, flash, ring control, special functions, detector tables, its clock",
)


def describe_sites(path: Path) -> Iterator[str]:
    """Lines of one site, or of all in a folder. Raises `ConfigError`."""
    for k, file in enumerate(sites_in(path)[0] if path.is_dir() else [path]):
        site = load(file)
        yield from [""] * (k > 0)
        yield from describe(site, built(site)[0])


def describe(site: Site, intersection: Intersection) -> Iterator[str]:
    """Lines."""
    cabinet, snmp = site.cabinet, site.cabinet.snmp
    secured = (
        "authenticated and encrypted" if snmp.version == "v3" else "in the clear: anybody on its network may write"
    )
    yield f"site {site.name}: junction {intersection.id}, controller {site.controller}, level {site.level}"
    yield f"cabinet: NTCIP 1202 at {cabinet.host}:{cabinet.port} by SNMP {snmp.version}, {secured}"
    yield ""
    yield from _written(site)
    yield ""
    yield "never written, at any level:"
    yield from (f"  {line}" for line in NEVER)
    yield f"  the code can set nothing but {', '.join(what.name for what in objects.WRITABLE)}"
    yield ""
    yield "stages, as phases of the cabinet:"
    stages = Stages(intersection, cabinet.phases)
    for stage in stages.stages:
        yield f"  {stage.name}: {' '.join(map(str, members(stage.asked)))}"
    if site.level == Level.HOLD:
        yield from _limits(site, stages)
    yield f"loops: {len(cabinet.detectors)} of {len(intersection.detectors)} have a channel"


def _written(site: Site) -> Iterator[str]:
    if site.level == Level.SHADOW:
        yield "written: nothing; it is read, and what would be done is logged"
        return
    yield f"written, {_hours(site.hours)}, while the state is active or degraded:"
    yield from (f"  {line}" for line in WRITTEN[site.level])
    yield f"  the same values again every {RENEWED}, so that the cabinet's backup timer does not run out"
    release = site.release_pattern
    back = "0 (standby: its own plan)" if release == objects.STANDBY else f"{release} (the site's release_pattern)"
    yield f"on release: zeros in all masks and systemPatternControl = {back}, once; then nothing"
    yield f"if we die: its backup timer, {site.cabinet.max_backup_s} s at most, gives it back to its own plan"
    if not site.cabinet.approved:
        yield "until cabinet.approved holds the tables' sha256 that `control.py check` shows, nothing is written"


def _hours(hours: tuple[Hours, ...]) -> str:
    if any(h == Hours() for h in hours):
        return "at all hours"
    return " and ".join(f"{' '.join(h.days)} {h.begin:%H:%M} to {h.end:%H:%M}" for h in hours) or "at no hour"


def _limits(site: Site, stages: Stages) -> Iterator[str]:
    for phase in stages.intersection.phases:
        limit, theirs = site.limit(phase.number), site.cabinet.phases.get(phase.number, phase.number)
        if theirs in members(stages.all):
            yield f"phase {theirs}: held for {limit.max_green_s:g} s at most, omitted for {limit.max_red_s:g} s at most"
