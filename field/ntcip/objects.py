"""The objects of NTCIP 1202 v02 and 1201 that we know, as data, and which of them may ever be written.

Numbers, ranges and bits are those of NTCIP 1202 v02.19 (2005), sections 2.2 to 2.8; v03A (2019) keeps them. What is not
in `WRITABLE` cannot be set from here, whatever a site file, a controller or a caller says: no clearance, no minimum
green, no table, no preemption, no unit control.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

Value = int | bytes | None
"""What an agent says of an object; None: it has none such."""

ASC = "1.3.6.1.4.1.1206.4.2.1"
GLOBAL = "1.3.6.1.4.1.1206.4.2.6"
MIB2 = "1.3.6.1.2.1.1"


class Kind(Enum):
    """How an object's value travels."""

    INTEGER = "integer"
    OCTETS = "octets"


@dataclass(frozen=True)
class Object:
    """A scalar or a column: its name in the standard, its OID without instance, its range (length, for octets)."""

    name: str
    oid: str
    lowest: int = 0
    highest: int = 255
    kind: Kind = Kind.INTEGER

    def at(self, *instance: int) -> str:
        """The OID of one row of the column."""
        return ".".join([self.oid, *map(str, instance)])

    def fits(self, value: Value) -> bool:
        """Whether an answer is of the kind and within the range that the standard gives."""
        if self.kind == Kind.INTEGER:
            return isinstance(value, int) and self.lowest <= value <= self.highest
        return isinstance(value, bytes) and self.lowest <= len(value) <= self.highest


def _asc(name: str, suffix: str, lowest: int = 0, highest: int = 255, kind: Kind = Kind.INTEGER) -> Object:
    return Object(name, f"{ASC}.{suffix}", lowest, highest, kind)


SYS_DESCR = Object("sysDescr", f"{MIB2}.1", 0, 255, Kind.OCTETS)
SYS_UP_TIME = Object("sysUpTime", f"{MIB2}.3", 0, 2**32 - 1)
GLOBAL_TIME = Object("globalTime", f"{GLOBAL}.3.1", 0, 2**32 - 1)

MAX_PHASES = _asc("maxPhases", "1.1", 2)
PHASE_WALK = _asc("phaseWalk", "1.2.1.2")
PHASE_PEDESTRIAN_CLEAR = _asc("phasePedestrianClear", "1.2.1.3")
PHASE_MINIMUM_GREEN = _asc("phaseMinimumGreen", "1.2.1.4")
PHASE_PASSAGE = _asc("phasePassage", "1.2.1.5")
PHASE_MAXIMUM_1 = _asc("phaseMaximum1", "1.2.1.6")
PHASE_YELLOW_CHANGE = _asc("phaseYellowChange", "1.2.1.8")
PHASE_RED_CLEAR = _asc("phaseRedClear", "1.2.1.9")
PHASE_OPTIONS = _asc("phaseOptions", "1.2.1.21", 0, 65535)
PHASE_RING = _asc("phaseRing", "1.2.1.22")
PHASE_CONCURRENCY = _asc("phaseConcurrency", "1.2.1.23", kind=Kind.OCTETS)
MAX_PHASE_GROUPS = _asc("maxPhaseGroups", "1.3", 1)
REDS = _asc("phaseStatusGroupReds", "1.4.1.2")
YELLOWS = _asc("phaseStatusGroupYellows", "1.4.1.3")
GREENS = _asc("phaseStatusGroupGreens", "1.4.1.4")
DONT_WALKS = _asc("phaseStatusGroupDontWalks", "1.4.1.5")
PED_CLEARS = _asc("phaseStatusGroupPedClears", "1.4.1.6")
WALKS = _asc("phaseStatusGroupWalks", "1.4.1.7")
VEH_CALLS = _asc("phaseStatusGroupVehCalls", "1.4.1.8")
PED_CALLS = _asc("phaseStatusGroupPedCalls", "1.4.1.9")
PHASE_OMIT = _asc("phaseControlGroupPhaseOmit", "1.5.1.2")
PED_OMIT = _asc("phaseControlGroupPedOmit", "1.5.1.3")
HOLD = _asc("phaseControlGroupHold", "1.5.1.4")
FORCE_OFF = _asc("phaseControlGroupForceOff", "1.5.1.5")
VEH_CALL = _asc("phaseControlGroupVehCall", "1.5.1.6")
PED_CALL = _asc("phaseControlGroupPedCall", "1.5.1.7")

MAX_DETECTORS = _asc("maxVehicleDetectors", "2.1", 1)
DETECTOR_OPTIONS = _asc("vehicleDetectorOptions", "2.2.1.2")
MAX_DETECTOR_GROUPS = _asc("maxVehicleDetectorStatusGroups", "2.3", 1)
DETECTOR_ACTIVE = _asc("vehicleDetectorStatusGroupActive", "2.4.1.2")
DETECTOR_ALARMS = _asc("vehicleDetectorStatusGroupAlarms", "2.4.1.3")
REPORT_SEQUENCE = _asc("volumeOccupancySequence", "2.5.1")
REPORT_PERIOD = _asc("volumeOccupancyPeriod", "2.5.2")
DETECTOR_VOLUME = _asc("detectorVolume", "2.5.4.1.1")
DETECTOR_OCCUPANCY = _asc("detectorOccupancy", "2.5.4.1.2")

UNIT_BACKUP_TIME = _asc("unitBackupTime", "3.3", 0, 65535)
UNIT_CONTROL_STATUS = _asc("unitControlStatus", "3.5", 1, 10)
UNIT_FLASH_STATUS = _asc("unitFlashStatus", "3.6", 1, 8)
UNIT_ALARM_2 = _asc("unitAlarmStatus2", "3.7")
UNIT_ALARM_1 = _asc("unitAlarmStatus1", "3.8")
SHORT_ALARM = _asc("shortAlarmStatus", "3.9")

COORD_OPERATIONAL_MODE = _asc("coordOperationalMode", "4.1")
MAX_PATTERNS = _asc("maxPatterns", "4.5", 1)
COORD_PATTERN_STATUS = _asc("coordPatternStatus", "4.10")
SYSTEM_PATTERN_CONTROL = _asc("systemPatternControl", "4.14")
STANDBY, FREE, FLASH = 0, 254, 255

MAX_PREEMPTS = _asc("maxPreempts", "6.1")
PREEMPT_STATE = _asc("preemptState", "6.2.1.16", 1, 9)
MAX_RINGS = _asc("maxRings", "7.1", 1)
SEQUENCE_DATA = _asc("sequenceData", "7.3.1.3", kind=Kind.OCTETS)

MASKS = (PHASE_OMIT, PED_OMIT, HOLD, FORCE_OFF, VEH_CALL, PED_CALL)
_GROUPS = 32
_MASK = re.compile("|".join(re.escape(mask.oid) for mask in MASKS))
_INSTANCE = re.compile(r"(?:\.[01])?")
WRITABLE = (*MASKS, SYSTEM_PATTERN_CONTROL)


def may_write(oid: str, value: object) -> bool:
    """Whether this value may be set there: a mask of one octet, or a pattern, standby or free, but never flash."""
    if type(value) is not int or not oid.isascii():
        return False
    if oid.startswith(SYSTEM_PATTERN_CONTROL.oid):
        instance = oid.removeprefix(SYSTEM_PATTERN_CONTROL.oid)
        return _INSTANCE.fullmatch(instance) is not None and STANDBY <= value <= FREE
    column, _, group = oid.rpartition(".")
    groups = map(str, range(1, _GROUPS + 1))
    return _MASK.fullmatch(column) is not None and group in groups and 0 <= value <= 255
