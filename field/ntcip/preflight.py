"""What has to be so before anything may be written, found by reading only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from field.cabinet import Finding, Level
from field.ntcip import objects
from field.ntcip.objects import Object
from field.ntcip.probe import Asking, PhaseTable, Probed, members
from field.ntcip.stages import Stages
from field.ntcip.status import Raw, hands_off, lockout
from field.site import NtcipSettings, Site

MOST_PERIOD_S = 5
CLOCK_S = 2.0
TABLES = "tables' sha256"
"""The finding that shows their digest."""
YELLOW_S = (3.0, 6.0)
"""MUTCD 2009, 4D.26."""
COUNTED = 0b11
"""vehicleDetectorOptions: without both bits (volume, occupancy) a report is empty."""


def digest(probed: Probed) -> str:
    """sha256 of the phase, ring, concurrency and timing tables, as they were read."""
    return hashlib.sha256(repr(probed.raw).encode()).hexdigest()


def findings(
    asking: Asking, site: Site, stages: Stages, probed: Probed, raw: Raw, clock_offset_s: float | None
) -> tuple[Finding, ...]:
    """All of them, in the order in which somebody at the cabinet would look."""
    return (
        *_unit(asking, site, probed, raw, stages.green_conflict(raw.lamps(stages.pedestrians)), clock_offset_s),
        *_tables(site.cabinet, probed),
        *_phases(stages, probed, site.cabinet),
        *_detectors(asking, site.cabinet, probed, [d.id for d in stages.intersection.detectors]),
    )


def _unit(
    asking: Asking, site: Site, probed: Probed, raw: Raw, conflict: str, clock_offset_s: float | None
) -> Iterator[Finding]:
    descr = objects.SYS_DESCR
    what = asking.rows([(descr, probed.scalars[descr])])[0] if descr in probed.scalars else None
    yield Finding("identity", what.decode(errors="replace")[:80] if isinstance(what, bytes) else "none", "", False)
    locked, busy = lockout(raw, conflict), hands_off(raw)
    yield Finding("state", locked or busy or "normal", "normal", bool(locked or busy))
    backup_s, most_s = raw.units[objects.UNIT_BACKUP_TIME], site.cabinet.max_backup_s
    bad = not 0 < backup_s <= most_s
    yield Finding("unitBackupTime", f"{backup_s} s", f"1 to {most_s} s", bad)
    mode = objects.COORD_OPERATIONAL_MODE
    if mode in probed.scalars:
        (value,) = asking.rows([(mode, probed.scalars[mode])])
        yield Finding("coordOperationalMode", str(value), "0, automatic", value != 0)
    pattern = raw.units[objects.SYSTEM_PATTERN_CONTROL]
    yield Finding("systemPatternControl", str(pattern), "0, no other central", pattern != objects.STANDBY)
    if clock_offset_s is not None:
        late = abs(clock_offset_s) > CLOCK_S
        yield Finding("clock ahead of ours", f"{clock_offset_s:+.0f} s", f"within {CLOCK_S:g} s", late)
    if site.level == Level.PATTERN:
        yield from _patterns(asking, site, probed)


def _patterns(asking: Asking, site: Site, probed: Probed) -> Iterator[Finding]:
    what = objects.MAX_PATTERNS
    most = asking.rows([(what, probed.scalars[what])])[0] if what in probed.scalars else 0
    for pattern in site.patterns:
        known = isinstance(most, int) and pattern.number <= most
        yield Finding(f"pattern {pattern.number}", "there" if known else "missing", f"1 to {most!r}", not known)


def _tables(settings: NtcipSettings, probed: Probed) -> Iterator[Finding]:
    found = digest(probed)
    bound = settings.approved or "none is approved yet: copy the value to cabinet.approved"
    yield Finding(TABLES, found, bound, found != settings.approved)
    for phase in probed.phases.values():
        lonely = [
            n for n in phase.concurrency if n in probed.phases and phase.number not in probed.phases[n].concurrency
        ]
        same = [n for n in phase.concurrency if n in probed.phases and probed.phases[n].ring == phase.ring]
        if lonely or same:
            words = f"{' '.join(map(str, sorted(lonely or same)))} {'not in turn' if lonely else 'in its ring'}"
            yield Finding(f"phaseConcurrency.{phase.number}", words, "symmetric, of other rings", True)


def _phases(stages: Stages, probed: Probed, settings: NtcipSettings) -> Iterator[Finding]:
    asked = set(members(stages.all))
    missing, foreign = asked - set(probed.phases), set(probed.phases) - set(members(stages.known))
    enabled = " ".join(map(str, probed.phases)) or "none"
    yield Finding("phases enabled", enabled, " ".join(map(str, sorted(asked))), bool(missing or foreign))
    if missing:
        return
    for stage in stages.stages:
        numbers = members(stage.asked)
        apart = [(a, b) for a in numbers for b in numbers if a < b and b not in probed.phases[a].concurrency]
        said = f"{apart[0][0]} and {apart[0][1]} not concurrent" if apart else " ".join(map(str, numbers))
        yield Finding(f"stage {stage.name}", said, "concurrent phases", bool(apart))
    for phase in stages.intersection.phases:
        number = settings.phases.get(phase.number, phase.number)
        if number in asked and not stages.pedestrians >> (number - 1) & 1:
            table = probed.phases[number]
            yield from _times(table, phase.minimum_green_s, phase.yellow_change_s, phase.red_clearance_s)


def _times(table: PhaseTable, minimum_s: float, yellow_s: float, red_s: float) -> Iterator[Finding]:
    """The cabinet's own are in force; the interlock takes shorter ones than the junction's for a fault."""
    least = {"minimum green": minimum_s, "yellow change": yellow_s, "red clear": red_s}
    found = (table.minimum_green_s, table.yellow_change_s, table.red_clear_s)
    for (what, bound_s), value_s in zip(least.items(), found, strict=True):
        if value_s < bound_s:
            yield Finding(f"phase {table.number}: {what}", f"{value_s:g} s", f"at least {bound_s:g} s", True)
    if not YELLOW_S[0] <= table.yellow_change_s <= YELLOW_S[1]:
        bound = f"{YELLOW_S[0]:g} to {YELLOW_S[1]:g} s"
        yield Finding(f"phase {table.number}: yellow change", f"{table.yellow_change_s:g} s", bound, False)


def _detectors(asking: Asking, settings: NtcipSettings, probed: Probed, loops: list[str]) -> Iterator[Finding]:
    mapped = {c.id for c in settings.detectors}
    unmapped = [loop for loop in loops if loop not in mapped]
    yield Finding("loops with a channel", f"{len(loops) - len(unmapped)} of {len(loops)}", "all", not mapped)
    beyond = [c for c in settings.detectors if c.channel > probed.detectors]
    for c in beyond:
        yield Finding(f"channel {c.channel}", c.id, f"1 to {probed.detectors}", True)
    counted = [c for c in settings.detectors if c.counts == "report" and c not in beyond]
    if counted:
        yield from _reports(asking, probed, objects.REPORT_PERIOD)
        values = asking.rows([(objects.DETECTOR_OPTIONS, objects.DETECTOR_OPTIONS.at(c.channel)) for c in counted])
        for c, value in zip(counted, values, strict=True):
            if not isinstance(value, int) or value & COUNTED != COUNTED:
                yield Finding(f"channel {c.channel}: options", str(value), "volume and occupancy reported", True)


def _reports(asking: Asking, probed: Probed, period: Object) -> Iterator[Finding]:
    value = asking.rows([(period, probed.scalars[period])])[0] if period in probed.scalars else None
    late = not isinstance(value, int) or not 1 <= value <= MOST_PERIOD_S
    yield Finding("volumeOccupancyPeriod", f"{value!r} s", f"1 to {MOST_PERIOD_S} s, or counts = actuation", late)
