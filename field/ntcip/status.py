"""What the cabinet says of itself, from raw objects to a `CabinetStatus`; pure functions, and one reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from field.ntcip import objects
from field.ntcip.objects import Object, Value
from field.ntcip.probe import Asking, Probed
from field.ntcip.stages import Lamps

SYSTEM_CONTROL, BACKUP = 2, 4
MANUAL = {5: "manual control", 9: "remote manual control", 10: "local manual control"}
"""unitControlStatus."""
NOT_FLASH, STARTUP, PREEMPT_FLASH = 2, 7, 8
FLASH = {1: "other", 3: "automatic", 4: "local manual", 5: "fault monitor", 6: "MMU"}
"""unitFlashStatus: those that an operator has to see to."""
STOP_TIME, CYCLE_FAIL, MMU_FLASH, LOCAL_FLASH, PREEMPT = 1 << 4, 1 << 3, 1 << 4, 1 << 5, 1 << 0
"""Bits of unitAlarmStatus2, unitAlarmStatus1 (three of them) and shortAlarmStatus."""
WAITING = 3
"""preemptState: from here on a preemption has the junction, or waits for it."""
UNITS = (
    objects.UNIT_CONTROL_STATUS, objects.UNIT_FLASH_STATUS, objects.UNIT_ALARM_1, objects.UNIT_ALARM_2,
    objects.SHORT_ALARM, objects.COORD_PATTERN_STATUS, objects.SYSTEM_PATTERN_CONTROL, objects.SYS_UP_TIME,
)  # fmt: skip
SLOW = (objects.UNIT_BACKUP_TIME, objects.GLOBAL_TIME)
SLOW_EVERY = 10
"""Readings between two of what changes seldom."""
WALKED = (objects.DONT_WALKS, objects.PED_CLEARS, objects.WALKS, objects.PED_CALLS)
"""Asked for only where some phase has pedestrians."""
GROUPS = (
    objects.REDS, objects.YELLOWS, objects.GREENS, objects.DONT_WALKS, objects.PED_CLEARS, objects.WALKS,
    objects.VEH_CALLS, objects.PED_CALLS, objects.PHASE_OMIT, objects.HOLD, objects.VEH_CALL,
)  # fmt: skip
NEEDED = (objects.REDS, objects.YELLOWS, objects.GREENS)


@dataclass(frozen=True)
class Raw:
    """One reading: masks of all groups together, scalars, and the states of the preemptions."""

    masks: Mapping[Object, int]
    units: Mapping[Object, int]
    preempts: tuple[int, ...]
    whole: bool
    """Also what is read seldom is of this reading."""

    def lamps(self, pedestrians: int) -> Lamps:
        """The vehicle heads, and the crossings' of those phases that have nothing else."""
        masks = self.masks

        def of(vehicle: Object, pedestrian: Object) -> int:
            return masks[vehicle] & ~pedestrians | masks.get(pedestrian, 0) & pedestrians

        return Lamps(
            reds=of(objects.REDS, objects.DONT_WALKS),
            yellows=of(objects.YELLOWS, objects.PED_CLEARS),
            greens=of(objects.GREENS, objects.WALKS),
        )

    def walking(self) -> int:
        """Phases whose pedestrians have walk or clearance, which no force-off may cut."""
        return self.masks.get(objects.WALKS, 0) | self.masks.get(objects.PED_CLEARS, 0)


class StatusReader:
    """Reads all of it in as few requests as may be."""

    def __init__(self, asking: Asking, probed: Probed, pedestrians: int) -> None:
        """pedestrians: the phases that have nothing but a crossing."""
        self._asking, self._groups = asking, probed.groups
        walked = pedestrians or any(phase.walk_s for phase in probed.phases.values())
        self._columns = [what for what in GROUPS if walked or what not in WALKED]
        self._asked = [(what, probed.scalars[what]) for what in UNITS if what in probed.scalars]
        self._asked += [(what, what.at(group)) for what in self._columns for group in range(1, self._groups + 1)]
        self._asked += [(objects.PREEMPT_STATE, objects.PREEMPT_STATE.at(n + 1)) for n in range(probed.preempts)]
        self._slow = [(what, probed.scalars[what]) for what in SLOW if what in probed.scalars]
        self._slowly: dict[Object, int] = {}
        self._readings = 0

    def read(self) -> Raw:
        """Raises `PlantError` where it does not answer, or impossibly."""
        slow = self._slow if self._readings % SLOW_EVERY == 0 else []
        asked = [*slow, *self._asked]
        found = dict(zip((oid for _, oid in asked), self._asking.rows(asked), strict=True))
        self._readings += 1
        values = {what: found[oid] for what, oid in asked if what in (*UNITS, *SLOW)}
        units = {what: value for what, value in values.items() if isinstance(value, int)}
        self._slowly |= {what: units.pop(what) for what in SLOW if what in units}
        masks: dict[Object, int] = {}
        for what in self._columns:
            parts = [found[what.at(group)] for group in range(1, self._groups + 1)]
            if what in NEEDED or all(isinstance(part, int) for part in parts):
                masks[what] = self._joined(what, parts)
        preempts = [found[oid] for what, oid in self._asked if what == objects.PREEMPT_STATE]
        return Raw(
            masks, units | self._slowly, tuple(state for state in preempts if isinstance(state, int)), bool(slow)
        )

    def _joined(self, what: Object, parts: list[Value]) -> int:
        """The groups' octets as one mask; the lamps' have to be there."""
        mask = 0
        for group, part in enumerate(parts):
            if not isinstance(part, int):
                raise self._asking.missing(what, group + 1)
            mask |= part << 8 * group
        return mask


def lockout(raw: Raw, conflict: str) -> str:
    """Why nobody may touch it until an operator has been there, or empty."""
    units = raw.units
    flash = units.get(objects.UNIT_FLASH_STATUS, NOT_FLASH)
    if flash in FLASH:
        return f"flash: {FLASH[flash]}"
    if units.get(objects.UNIT_CONTROL_STATUS, 0) in MANUAL:
        return MANUAL[units[objects.UNIT_CONTROL_STATUS]]
    if units.get(objects.UNIT_ALARM_2, 0) & STOP_TIME:
        return "stop time"
    alarms = units.get(objects.UNIT_ALARM_1, 0)
    for bit, words in ((MMU_FLASH, "MMU flash"), (LOCAL_FLASH, "local flash"), (CYCLE_FAIL, "cycle fail")):
        if alarms & bit:
            return f"alarm: {words}"
    return f"conflict: {conflict}" if conflict and flash == NOT_FLASH else ""


def hands_off(raw: Raw) -> str:
    """Why it must be left alone though that will pass by itself, or empty."""
    for number, state in enumerate(raw.preempts, 1):
        if state >= WAITING:
            return f"preemption {number}"
    if raw.units.get(objects.SHORT_ALARM, 0) & PREEMPT:
        return "preemption"
    flash = raw.units.get(objects.UNIT_FLASH_STATUS, NOT_FLASH)
    return {STARTUP: "start-up flash", PREEMPT_FLASH: "preemption flash"}.get(flash, "")
