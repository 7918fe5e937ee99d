"""What a cabinet has, found by asking: where its scalars are, and how many phases, groups, rings and detectors.

The standard puts a scalar at instance 0; some devices have single ones at 1, or without an instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from field.ntcip import objects
from field.ntcip.objects import Object, Value
from field.ntcip.transport import SnmpTransport
from signals.errors import PlantError

INSTANCES = (".0", ".1", "")
BITS = 8
LARGEST = 255
ENABLED = 1
"""Bit 0 of phaseOptions."""
SCALARS = (
    objects.SYS_DESCR, objects.SYS_UP_TIME, objects.GLOBAL_TIME, objects.MAX_PHASES, objects.MAX_PHASE_GROUPS,
    objects.MAX_DETECTORS, objects.MAX_DETECTOR_GROUPS, objects.REPORT_SEQUENCE, objects.REPORT_PERIOD,
    objects.UNIT_BACKUP_TIME, objects.UNIT_CONTROL_STATUS, objects.UNIT_FLASH_STATUS, objects.UNIT_ALARM_1,
    objects.UNIT_ALARM_2, objects.SHORT_ALARM, objects.COORD_OPERATIONAL_MODE, objects.MAX_PATTERNS,
    objects.COORD_PATTERN_STATUS, objects.SYSTEM_PATTERN_CONTROL, objects.MAX_PREEMPTS, objects.MAX_RINGS,
)  # fmt: skip
NEEDED = (
    objects.MAX_PHASES, objects.MAX_PHASE_GROUPS, objects.UNIT_BACKUP_TIME, objects.UNIT_CONTROL_STATUS,
    objects.UNIT_FLASH_STATUS, objects.COORD_PATTERN_STATUS, objects.SYSTEM_PATTERN_CONTROL,
)  # fmt: skip


@dataclass(frozen=True)
class PhaseTable:
    """One enabled phase of the cabinet's, as its tables have it; times in s, concurrency by phase number."""

    number: int
    ring: int
    concurrency: frozenset[int]
    minimum_green_s: float
    yellow_change_s: float
    red_clear_s: float
    walk_s: float
    pedestrian_clear_s: float
    maximum_s: float

    @property
    def least_green_s(self) -> float:
        """Green that it has before it can end: its minimum, or its pedestrians' walk and clearance."""
        return max(self.minimum_green_s, self.walk_s + self.pedestrian_clear_s)


@dataclass(frozen=True)
class Probed:
    """scalars: the OID of each one that is there; groups: of eight phases, as many as have enabled ones.

    raw: the tables to be approved.
    """

    scalars: dict[Object, str]
    phases: dict[int, PhaseTable]
    groups: int
    detector_groups: int
    detectors: int
    preempts: int
    raw: tuple[tuple[str, Value], ...]

    def mask(self, phases: Iterable[int]) -> int:
        """As bits, phase 1 the lowest."""
        return sum(1 << (number - 1) for number in set(phases))


def members(mask: int) -> list[int]:
    """The phases of a mask, in order."""
    return [bit + 1 for bit in range(mask.bit_length()) if mask >> bit & 1]


def octet(mask: int, group: int) -> int:
    """What of a mask is in one group, counted from 1."""
    return mask >> BITS * (group - 1) & 0xFF


class Asking:
    """GETs whose answers are checked against the standard's kinds and ranges before anybody sees them."""

    def __init__(self, transport: SnmpTransport, name: str) -> None:
        self._transport, self.name = transport, name

    def rows(self, wanted: Sequence[tuple[Object, str]]) -> list[Value]:
        """One value each, None where there is none such. Raises `PlantError` for one that cannot be."""
        values = self._transport.get([oid for _, oid in wanted])
        for (what, oid), value in zip(wanted, values, strict=True):
            if value is not None and not what.fits(value):
                raise PlantError(f"cabinet {self.name}: {oid.removeprefix(objects.ASC + '.')} {told(what, value)}")
        return list(values)

    def missing(self, what: Object, row: int) -> PlantError:
        """The error for an object that a cabinet has to have."""
        return PlantError(f"cabinet {self.name}: has no {what.name}.{row}, must have it (NTCIP 1202)")


def told(what: Object, value: Value) -> str:
    """An impossible answer in words."""
    kind = "octets" if what.kind == objects.Kind.OCTETS else ""
    given = f"{len(value)} octets" if isinstance(value, bytes) else repr(value)
    return f"{what.name} = {given}, must be {what.lowest} to {what.highest} {kind}".rstrip()


def probe(asking: Asking) -> Probed:
    """Read what does not change while we are there. Raises `PlantError` where it is no cabinet."""
    scalars, values = _scalars(asking)
    for what in NEEDED:
        if what not in scalars:
            raise PlantError(f"cabinet {asking.name}: has no {what.name}, must have one (NTCIP 1202)")

    def number(what: Object, otherwise: int = 0) -> int:
        value = values.get(what)
        return value if isinstance(value, int) else otherwise

    last = number(objects.MAX_PHASES)
    raw, phases = _phases(asking, last)
    detectors = number(objects.MAX_DETECTORS)
    return Probed(
        scalars=scalars,
        phases=phases,
        groups=min(number(objects.MAX_PHASE_GROUPS), -(-max(phases, default=1) // BITS)),
        detector_groups=number(objects.MAX_DETECTOR_GROUPS, -(-detectors // BITS)),
        detectors=detectors,
        preempts=number(objects.MAX_PREEMPTS),
        raw=(*raw, *_sequences(asking, number(objects.MAX_RINGS))),
    )


def _scalars(asking: Asking) -> tuple[dict[Object, str], dict[Object, Value]]:
    found: dict[Object, str] = {}
    values: dict[Object, Value] = {}
    for instance in INSTANCES:
        missing = [what for what in SCALARS if what not in found]
        for what, value in zip(missing, asking.rows([(w, w.oid + instance) for w in missing]), strict=True):
            if value is not None:
                found[what], values[what] = what.oid + instance, value
    return found, values


PHASE_COLUMNS = (
    objects.PHASE_OPTIONS, objects.PHASE_RING, objects.PHASE_CONCURRENCY, objects.PHASE_MINIMUM_GREEN,
    objects.PHASE_YELLOW_CHANGE, objects.PHASE_RED_CLEAR, objects.PHASE_WALK, objects.PHASE_PEDESTRIAN_CLEAR,
    objects.PHASE_PASSAGE, objects.PHASE_MAXIMUM_1,
)  # fmt: skip
TENTHS = 10.0


def _phases(asking: Asking, last: int) -> tuple[list[tuple[str, Value]], dict[int, PhaseTable]]:
    raw: list[tuple[str, Value]] = []
    phases: dict[int, PhaseTable] = {}
    for number in range(1, last + 1):
        row = asking.rows([(column, column.at(number)) for column in PHASE_COLUMNS])
        if not isinstance(row[0], int) or not row[0] & ENABLED:
            continue
        raw += [(f"{c.name}.{number}", value) for c, value in zip(PHASE_COLUMNS, row, strict=True)]
        phases[number] = _phase(asking.name, number, row)
    return raw, phases


def _phase(name: str, number: int, row: list[Value]) -> PhaseTable:
    _, ring, concurrency, minimum, yellow, red, walk, clear, _, maximum = row
    if not isinstance(concurrency, bytes):
        raise PlantError(f"cabinet {name}: phase {number} has no phaseConcurrency, must have one (NTCIP 1202)")
    if not (isinstance(ring, int) and isinstance(minimum, int) and isinstance(yellow, int) and isinstance(red, int)):
        raise PlantError(f"cabinet {name}: phase {number} has no ring or times, must have them (NTCIP 1202)")
    return PhaseTable(
        number=number,
        ring=ring,
        concurrency=frozenset(concurrency),
        minimum_green_s=float(minimum),
        yellow_change_s=yellow / TENTHS,
        red_clear_s=red / TENTHS,
        walk_s=float(walk) if isinstance(walk, int) else 0.0,
        pedestrian_clear_s=float(clear) if isinstance(clear, int) else 0.0,
        maximum_s=float(maximum) if isinstance(maximum, int) else 0.0,
    )


def _sequences(asking: Asking, rings: int) -> list[tuple[str, Value]]:
    column = objects.SEQUENCE_DATA
    asked = [(column, column.at(1, ring)) for ring in range(1, rings + 1)]
    values = asking.rows(asked) if asked else []
    return [(f"{column.name}.1.{ring}", value) for ring, value in enumerate(values, 1)]
