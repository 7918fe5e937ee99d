"""The unit's management information: NTCIP 1202 v2 objects (and a few of 1201 and of SNMP's system group) by OID.

Numbers, names, ranges and access are those of NTCIP 1202 v2 (1206.4.2.1) and NTCIP 1201 v2 (1206.4.2.6). Objects of
class P2 ("only inside a transaction") answer a SET with genErr, since this unit opens no transaction.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from field.virtual.alarms import alarm_1, alarm_2, mask_of, short_alarm
from field.virtual.controls import MASKS, RING_MASKS
from field.virtual.intervals import Interval, PhaseTimer, tenths
from field.virtual.machine import Machine
from field.virtual.tables import MOST_PATTERNS, MOST_PHASES

Oid = tuple[int, ...]
Value = int | bytes | str
NTCIP = (1, 3, 6, 1, 4, 1, 1206, 4, 2)
ASC, GLOBAL = (*NTCIP, 1), (*NTCIP, 6)
SYSTEM = (1, 3, 6, 1, 2, 1, 1)
GROUPS = 2
DESCRIPTION = "adaptive-signals virtual cabinet, NTCIP 1202 v2"
ENABLED, NON_LOCK, MAXIMUM_RECALL, DUAL_ENTRY = 1 << 0, 1 << 5, 1 << 7, 1 << 10
CALL_OPTION, PASSAGE_OPTION, OCCUPANCY_OPTION, VOLUME_OPTION = 1 << 7, 1 << 4, 1 << 1, 1 << 0
RING_CODES = {Interval.YELLOW: 4, Interval.RED_CLEAR: 5, Interval.PEDESTRIAN_CLEAR: 1}


class RefusedError(Exception):
    """A SET that the unit refuses; `word` is net-snmp's for it (snmpd.conf, pass_persist)."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True)
class Entry:
    """One object: its SMI type, how it is read, and, if it can be set, how and within which bounds."""

    kind: str
    read: Callable[[], Value]
    write: Callable[[int], None] | None = None
    least: int = 0
    most: int = 255
    refusal: str = "not-writable"


class Objects:
    """All objects of one unit, in the order of their OIDs."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        entries = [*_system(machine), *_phases(machine), *_detectors(machine), *_unit(machine), *_coord(machine)]
        entries += [*_preempts(machine), *_rings(machine), *_channels(machine), *_global(machine)]
        self._entries = dict(entries)
        self._order = sorted(self._entries)

    def get(self, oid: Oid) -> tuple[str, Value] | None:
        """Type and value, or None where there is no such object."""
        entry = self._entries.get(oid)
        return (entry.kind, entry.read()) if entry else None

    def after(self, oid: Oid) -> Oid | None:
        """The object that follows in a walk."""
        place = bisect_right(self._order, oid)
        return self._order[place] if place < len(self._order) else None

    def set(self, oid: Oid, kind: str, text: str) -> None:
        """Set one. Raises `RefusedError`: unknown, read only, of another type, out of range, or of class P2."""
        entry = self._entries.get(oid)
        if entry is None or (entry.write is None and entry.refusal == "not-writable"):
            raise RefusedError("not-writable")
        if entry.write is None:
            raise RefusedError(entry.refusal)
        if kind != "integer":
            raise RefusedError("wrong-type")
        value = int(text)
        if not entry.least <= value <= entry.most:
            raise RefusedError("wrong-value")
        entry.write(value)


Entries = Iterable[tuple[Oid, Entry]]


def _fixed(value: Value, kind: str = "integer", p2: bool = False) -> Entry:
    return Entry(kind, lambda: value, refusal="gen-error" if p2 else "not-writable")


def _told(read: Callable[[], Value], kind: str = "integer") -> Entry:
    return Entry(kind, read)


def _groups(root: Oid, columns: dict[int, Callable[[], int]]) -> Iterator[tuple[Oid, Entry]]:
    """A table of masks: column 1 is the group's number, the others eight bits each."""
    for g in range(1, GROUPS + 1):
        yield (*root, 1, g), _fixed(g)
        for column, mask in columns.items():
            yield (*root, column, g), _told(lambda mask=mask, g=g: mask() >> 8 * (g - 1) & 0xFF)  # type: ignore[misc]


def _system(m: Machine) -> Entries:
    yield (*SYSTEM, 1, 0), _fixed(DESCRIPTION, "string")
    yield (*SYSTEM, 2, 0), _fixed(".1.3.6.1.4.1.1206.4.2.1", "objectid")
    yield (*SYSTEM, 3, 0), _told(lambda: round(m.up_s * 100), "timeticks")
    yield (*SYSTEM, 5, 0), _fixed(m.tables.name, "string")


def _phases(m: Machine) -> Entries:
    root = (*ASC, 1)
    yield (*root, 1, 0), _fixed(MOST_PHASES)
    yield (*root, 3, 0), _fixed(GROUPS)
    for n in range(1, MOST_PHASES + 1):
        for column, value in enumerate(_phase_row(m, n), start=1):
            kind = "octet" if isinstance(value, bytes) else "integer"
            yield (*root, 2, 1, column, n), _fixed(value, kind, p2=column > 1)
    yield from _groups((*root, 4, 1), _phase_status(m))
    for g in range(1, GROUPS + 1):
        yield (*root, 5, 1, 1, g), _fixed(g)
        for column, name in enumerate(MASKS, start=2):
            yield (
                (*root, 5, 1, column, g),
                Entry(
                    "integer",
                    lambda name=name, g=g: m.controls.masks[name] >> 8 * (g - 1) & 0xFF,  # type: ignore[misc]
                    lambda value, name=name, g=g: m.set_control(name, g, value),  # type: ignore[misc]
                ),
            )


def _phase_row(m: Machine, n: int) -> list[int | bytes]:
    """phaseTable: walk 2, clearance 3, minimum 4, passage 5, maxima 6 7, yellow 8, red 9 and revert 10, options 21."""
    table = m.tables.phases.get(n)
    if table is None:
        return [n, *([0] * 18), 2, 0, 0, b""]
    walks = table.pedestrian
    options = ENABLED | DUAL_ENTRY | (0 if table.locking else NON_LOCK) | (MAXIMUM_RECALL if table.recall else 0)
    seconds = [
        round(table.minimum_green_s) if walks else 0,
        round(table.pedestrian_clear_s),
        round(table.minimum_green_s),
        tenths(table.passage_s),
        round(table.maximum_s),
        round(table.maximum_s),
        tenths(table.yellow_change_s),
        tenths(table.red_clearance_s),
        20,
    ]
    return [n, *seconds, *([0] * 9), 6, options, table.ring, bytes(sorted(table.concurrency))]


def _phase_status(m: Machine) -> dict[int, Callable[[], int]]:
    def where(test: Callable[[PhaseTimer], bool]) -> Callable[[], int]:
        return lambda: 0 if m.flash != 2 else mask_of(n for n, p in m.phases.items() if test(p))

    greens = (Interval.GREEN, Interval.PEDESTRIAN_CLEAR)
    reds = (Interval.RED, Interval.RED_CLEAR)
    return {
        2: where(lambda p: p.interval in reds),
        3: where(lambda p: p.interval is Interval.YELLOW),
        4: where(lambda p: p.interval in greens),
        5: where(lambda p: p.table.pedestrian and p.interval in reds),
        6: where(lambda p: p.interval is Interval.PEDESTRIAN_CLEAR),
        7: where(lambda p: p.table.pedestrian and p.green),
        8: lambda: mask_of(n for n in m.rings.calls if not m.phases[n].table.pedestrian),
        9: lambda: mask_of(n for n in m.rings.calls if m.phases[n].table.pedestrian),
        10: where(lambda p: p.on),
        11: lambda: mask_of(m.rings.next),
    }


def _detectors(m: Machine) -> Entries:
    root = (*ASC, 2)
    groups = -(-len(m.detectors) // 8)
    yield (*root, 1, 0), _fixed(len(m.detectors))
    yield (*root, 3, 0), _fixed(groups)
    for d in m.detectors:
        row, n = d.table, d.table.number
        options = (CALL_OPTION if row.calls else 0) | PASSAGE_OPTION | OCCUPANCY_OPTION | VOLUME_OPTION
        columns = {1: n, 2: options, 4: row.call_phase, 5: 0, 6: 0, 7: 0, 8: 0}
        columns |= {9: round(row.no_activity_min), 10: round(row.max_presence_min)}
        columns |= {11: round(row.erratic_counts_per_min), 12: round(row.fail_time_s)}
        for column, value in columns.items():
            yield (*root, 2, 1, column, n), _fixed(value, p2=column > 1)
        yield (*root, 2, 1, 13, n), _told(lambda d=d: d.alarms)  # type: ignore[misc]
        yield (*root, 2, 1, 14, n), _fixed(0)
        yield (*root, 5, 4, 1, 1, n), _told(lambda d=d: d.volume)  # type: ignore[misc]
        yield (*root, 5, 4, 1, 2, n), _told(lambda d=d: d.occupancy)  # type: ignore[misc]
    for g in range(1, groups + 1):
        some = m.detectors[8 * (g - 1) : 8 * g]
        yield (*root, 4, 1, 1, g), _fixed(g)
        yield (*root, 4, 1, 2, g), _told(lambda some=some: _octet(d.active for d in some))  # type: ignore[misc]
        yield (*root, 4, 1, 3, g), _told(lambda some=some: _octet(d.fault > 0 for d in some))  # type: ignore[misc]
    yield (*root, 5, 1, 0), _told(lambda: m.reports.sequence)

    def period(value: int) -> None:
        m.reports.period_s = value

    yield (*root, 5, 2, 0), Entry("integer", lambda: m.reports.period_s, period)
    yield (*root, 5, 3, 0), _fixed(len(m.detectors))


def _octet(bits: Iterable[bool]) -> int:
    return sum(1 << k for k, on in enumerate(bits) if on)


def _unit(m: Machine) -> Entries:
    root = (*ASC, 3)

    def backup(value: int) -> None:
        m.controls.backup_time_s = value

    def unit_control(value: int) -> None:
        m.controls.unit_control = value
        m.arm()

    yield (*root, 1, 0), _fixed(round(m.settings.start_up_flash_s), p2=True)
    yield (*root, 2, 0), _fixed(1, p2=True)
    yield (*root, 3, 0), Entry("integer", lambda: m.controls.backup_time_s, backup, most=65_535)
    yield (*root, 4, 0), _fixed(20, p2=True)
    yield (*root, 5, 0), _told(lambda: int(m.status))
    yield (*root, 6, 0), _told(lambda: int(m.flash))
    yield (*root, 7, 0), _told(lambda: alarm_2(m))
    yield (*root, 8, 0), _told(lambda: alarm_1(m))
    yield (*root, 9, 0), _told(lambda: short_alarm(m))
    yield (*root, 10, 0), Entry("integer", lambda: m.controls.unit_control, unit_control)
    yield (*root, 11, 0), _fixed(1)
    yield (*root, 12, 1, 1, 1), _fixed(1)
    yield (*root, 12, 1, 2, 1), _fixed(0)


def _coord(m: Machine) -> Entries:
    root, patterns, coordinator = (*ASC, 4), m.tables.patterns, m.coordinator

    def mode(value: int) -> None:
        coordinator.operational_mode = value

    yield (*root, 1, 0), Entry("integer", lambda: coordinator.operational_mode, mode)
    yield (*root, 2, 0), _fixed(2, p2=True)  # correction by dwelling
    yield (*root, 3, 0), _fixed(4, p2=True)  # maxima inhibited
    yield (*root, 4, 0), _fixed(3, p2=True)  # fixed force-offs
    yield (*root, 5, 0), _fixed(MOST_PATTERNS)
    yield (*root, 6, 0), _fixed(2)
    yield (*root, 8, 0), _fixed(MOST_PATTERNS)
    for p in patterns:
        row = (p.number, round(p.cycle_s), round(p.offset_s % p.cycle_s), p.number, 1)
        for column, value in enumerate(row, start=1):
            yield (*root, 7, 1, column, p.number), _fixed(value, p2=column > 1)
        for n in m.tables.phases:
            split = (p.number, n, round(p.splits_s.get(n, 0)), 4 if n in p.splits_s else 7, int(n in p.windows[0][1]))
            for column, value in enumerate(split, start=1):
                yield (*root, 9, 1, column, p.number, n), _fixed(value, p2=column > 2)
    yield (*root, 10, 0), _told(lambda: coordinator.status)
    yield (*root, 11, 0), _told(lambda: coordinator.free_status)
    yield (*root, 12, 0), _told(lambda: _remaining(m))
    yield (*root, 13, 0), _told(lambda: round(coordinator.position_s) if coordinator.pattern else 0)
    yield (*root, 14, 0), Entry("integer", lambda: m.controls.pattern, m.set_pattern)

    def sync(value: int) -> None:
        m.controls.sync = value
        m.arm()

    yield (*root, 15, 0), Entry("integer", lambda: m.controls.sync, sync)


def _remaining(m: Machine) -> int:
    """coordCycleStatus counts down."""
    pattern = m.coordinator.pattern
    return round(pattern.cycle_s - m.coordinator.position_s) if pattern else 0


def _preempts(m: Machine) -> Entries:
    root = (*ASC, 6)
    yield (*root, 1, 0), _fixed(len(m.tables.stages))
    for k in range(1, len(m.tables.stages) + 1):
        yield (*root, 2, 1, 1, k), _fixed(k)
        yield (*root, 2, 1, 16, k), _told(lambda k=k: int(m.preempt_state) if m.preempted == k else 2)  # type: ignore[misc]

        def ask(value: int, k: int = k) -> None:
            m.preempt_input = k if value else 0
            m.arm()

        yield (*root, 3, 1, 1, k), _fixed(k)
        yield (*root, 3, 1, 2, k), Entry("integer", lambda k=k: int(m.preempt_input == k), ask, most=1)  # type: ignore[misc]


def _rings(m: Machine) -> Entries:
    root, rings = (*ASC, 7), m.tables.rings
    yield (*root, 1, 0), _fixed(rings)
    yield (*root, 2, 0), _fixed(1)
    yield (*root, 4, 0), _fixed(1)
    for ring in range(1, rings + 1):
        order = bytes(n for n in m.tables.order if m.tables.phases[n].ring == ring)
        yield (*root, 3, 1, 3, 1, ring), _fixed(order, "octet", p2=True)
        yield (*root, 6, 1, 1, ring), _told(lambda ring=ring: _ring_status(m, ring))  # type: ignore[misc]
    for column, name in enumerate(RING_MASKS, start=2):

        def ask(value: int, name: str = name) -> None:
            m.controls.ring_masks[name] = value
            m.arm()

        yield (*root, 5, 1, column, 1), Entry("integer", lambda name=name: m.controls.ring_masks[name], ask)  # type: ignore[misc]


def _ring_status(m: Machine, ring: int) -> int:
    """ringStatus: 0 minimum green, 1 extension, 2 maximum, 3 green rest, 4 yellow, 5 red clearance, 6 red rest."""
    now = m.rings.run
    for p in m.phases.values():
        if p.table.ring == ring and p.on:
            if not p.green:
                return RING_CODES[p.interval]
            gap, most = p.gapped_out(now) << 3, p.maxed_out(now) << 4
            code = 0 if not p.minimum_over(now) else 2 if most else 3 if gap else 1
            return code | gap | most
    return 6


def _channels(m: Machine) -> Entries:
    """Heads as the monitor sees them: channel k is the k-th signal group; all are phases or overlaps (columns 2, 3)."""
    root, groups = (*ASC, 8), list(m.tables.group_of.items())
    yield (*root, 1, 0), _fixed(len(groups))
    for k, (_, n) in enumerate(groups, start=1):
        walks = n in m.tables.phases and m.tables.phases[n].pedestrian
        for column, value in enumerate((k, n, 3 if walks else 2 if n in m.tables.phases else 4), start=1):
            yield (*root, 2, 1, column, k), _fixed(value, p2=column > 1)


def _global(m: Machine) -> Entries:
    yield (*GLOBAL, 1, 1, 0), _fixed(1)
    yield (*GLOBAL, 2, 1, 0), _fixed(1, p2=True)
    yield (*GLOBAL, 3, 1, 0), _told(lambda: round(m.clock_s + m.midnight_s), "counter")
