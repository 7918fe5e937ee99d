"""A small obedient unit behind a transport in memory, for what needs no wire, with faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from field.ntcip import objects
from field.ntcip.objects import Object, Value, may_write
from signals.errors import PlantError

YELLOW_S, RED_S, MINIMUM_S = 3, 2, 5
PAIRS = ((1, 5), (2, 6), (3, 7))
DETECTORS = 18


def bits(*phases: int) -> int:
    return sum(1 << (n - 1) for n in phases)


class Unit:
    """Objects by OID; `step` is one second. It serves pairs of phases, its own in turn unless it is commanded."""

    def __init__(self, groups: int = 1) -> None:
        self.groups, self.time_s = groups, 0
        self.values: dict[str, Value] = {}
        self.sets: list[tuple[str, int]] = []
        self.gets = 0
        self.fault: Callable[[str, Sequence[str]], None] = lambda _verb, _oids: None
        self.ignores: set[str] = set()
        self.serving, self.since_s, self.interval = 0, 0, "green"
        self.armed_s: int | None = None
        self._tables()
        self._lamps()

    def put(self, what: Object, value: Value, *instance: int) -> None:
        self.values[what.at(*(instance or (0,)))] = value

    def of(self, what: Object, *instance: int) -> int:
        value = self.values[what.at(*(instance or (0,)))]
        assert isinstance(value, int)
        return value

    def _tables(self) -> None:
        scalars: dict[Object, Value] = {
            objects.SYS_DESCR: b"a unit", objects.SYS_UP_TIME: 0, objects.GLOBAL_TIME: 0,
            objects.MAX_PHASES: 8 * self.groups, objects.MAX_PHASE_GROUPS: self.groups,
            objects.MAX_DETECTORS: DETECTORS, objects.MAX_DETECTOR_GROUPS: 3,
            objects.REPORT_SEQUENCE: 0, objects.REPORT_PERIOD: 1, objects.UNIT_BACKUP_TIME: 15,
            objects.UNIT_CONTROL_STATUS: 6, objects.UNIT_FLASH_STATUS: 2, objects.UNIT_ALARM_1: 0,
            objects.UNIT_ALARM_2: 0, objects.SHORT_ALARM: 0, objects.COORD_OPERATIONAL_MODE: 0,
            objects.MAX_PATTERNS: 16, objects.COORD_PATTERN_STATUS: 1, objects.SYSTEM_PATTERN_CONTROL: 0,
            objects.MAX_PREEMPTS: 1, objects.MAX_RINGS: 2,
        }  # fmt: skip
        for what, value in scalars.items():
            self.put(what, value)
        self.put(objects.PREEMPT_STATE, 2, 1)
        for ring, order in ((1, bytes((1, 2, 3))), (2, bytes((5, 6, 7)))):
            self.put(objects.SEQUENCE_DATA, order, 1, ring)
        for n in range(1, 8 * self.groups + 1):
            enabled = n in (1, 2, 3, 5, 6, 7, 9)
            row: dict[Object, Value] = {
                objects.PHASE_OPTIONS: int(enabled), objects.PHASE_RING: 1 if n < 5 else 2,
                objects.PHASE_CONCURRENCY: next((bytes(m for m in p if m != n) for p in PAIRS if n in p), b""),
                objects.PHASE_MINIMUM_GREEN: MINIMUM_S, objects.PHASE_YELLOW_CHANGE: 10 * YELLOW_S,
                objects.PHASE_RED_CLEAR: 10 * RED_S, objects.PHASE_WALK: int(n == 1),
                objects.PHASE_PEDESTRIAN_CLEAR: 0,
                objects.PHASE_PASSAGE: 25, objects.PHASE_MAXIMUM_1: 40,
            }  # fmt: skip
            for column, value in row.items():
                self.put(column, value, n)
        for group in range(1, self.groups + 1):
            for column in (*objects.MASKS, objects.DONT_WALKS, objects.PED_CLEARS, objects.WALKS, objects.PED_CALLS):
                self.put(column, 0, group)
            for column in (
                objects.REDS,
                objects.YELLOWS,
                objects.GREENS,
            ):
                self.put(column, 0, group)
            self.put(objects.VEH_CALLS, 0, group)
        for k in range(1, DETECTORS + 1):
            self.put(objects.DETECTOR_OPTIONS, 0b11, k)
            self.put(objects.DETECTOR_VOLUME, 0, k)
            self.put(objects.DETECTOR_OCCUPANCY, 0, k)
        for group in (1, 2, 3):
            self.put(objects.DETECTOR_ACTIVE, 0, group)
            self.put(objects.DETECTOR_ALARMS, 0, group)

    def _lamps(self) -> None:
        on = bits(*PAIRS[self.serving])
        known = bits(1, 2, 3, 5, 6, 7)
        green = on if self.interval == "green" else 0
        yellow = on if self.interval == "yellow" else 0
        for what, mask in (
            (objects.GREENS, green), (objects.YELLOWS, yellow), (objects.REDS, known & ~green & ~yellow),
        ):  # fmt: skip
            self.put(what, mask, 1)

    def step(self) -> None:
        """One second of its street."""
        self.time_s += 1
        self.put(objects.SYS_UP_TIME, 100 * self.time_s)
        backup_s = self.of(objects.UNIT_BACKUP_TIME)
        if self.armed_s is not None and backup_s and self.time_s - self.armed_s > backup_s:
            self.armed_s = None
            for mask in objects.MASKS:
                self.put(mask, 0, 1)
            self.put(objects.SYSTEM_PATTERN_CONTROL, 0)
            self.put(objects.UNIT_CONTROL_STATUS, 4)
        pattern = self.of(objects.SYSTEM_PATTERN_CONTROL)
        self.put(objects.COORD_PATTERN_STATUS, pattern or 1)
        self._serve()
        self._lamps()

    def _serve(self) -> None:
        lasted_s = self.time_s - self.since_s
        on = bits(*PAIRS[self.serving])
        if self.interval == "green" and lasted_s >= MINIMUM_S:
            held, forced = self.of(objects.HOLD, 1) & on, self.of(objects.FORCE_OFF, 1) & on
            if not held and (forced or lasted_s >= 20) and self._next() != self.serving:
                self._enter("yellow")
                self.put(objects.FORCE_OFF, self.of(objects.FORCE_OFF, 1) & ~on, 1)
        elif self.interval == "yellow" and lasted_s >= YELLOW_S:
            self._enter("red")
        elif self.interval == "red" and lasted_s >= RED_S:
            self.serving = self._next()
            self._enter("green")

    def _next(self) -> int:
        omitted, called = self.of(objects.PHASE_OMIT, 1), self.of(objects.VEH_CALL, 1)
        free = [k for k in (1, 2, 0) for k in [(self.serving + k) % 3] if not bits(*PAIRS[k]) & omitted]
        wanted = [k for k in free if bits(*PAIRS[k]) & called]
        return (wanted or free or [self.serving])[0]

    def _enter(self, interval: str) -> None:
        self.interval, self.since_s = interval, self.time_s


class Memory:
    """A transport to a unit in the same process, as strict as the real one about what is set."""

    def __init__(self, unit: Unit) -> None:
        self.unit, self.closed = unit, False

    def get(self, oids: Sequence[str]) -> tuple[Value, ...]:
        self.unit.gets += 1
        self.unit.fault("get", oids)
        return tuple(self.unit.values.get(oid) for oid in oids)

    def set(self, oid: str, value: int) -> None:
        assert may_write(oid, value), (oid, value)
        self.unit.fault("set", [oid])
        self.unit.sets.append((oid, value))
        self.unit.armed_s = self.unit.time_s
        if self.unit.of(objects.UNIT_CONTROL_STATUS) == 4:
            self.unit.put(objects.UNIT_CONTROL_STATUS, 2)
        if oid not in self.unit.ignores:
            self.unit.values[oid] = value

    def close(self) -> None:
        self.closed = True


def refuse(*_: object) -> None:
    raise PlantError("cabinet: no answer")
