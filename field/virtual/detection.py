"""Vehicle detectors: what they report, and what the unit makes of those that cannot be right.

Diagnostics and report codes are those of NTCIP 1202 v2, 2.3.2 (vehicleDetectorNoActivity, MaxPresence, ErraticCounts,
FailTime) and 2.3.5 (detectorVolume, detectorOccupancy).
"""

from __future__ import annotations

from field.virtual.intervals import tenths
from field.virtual.tables import DetectorTable

MAX_PRESENCE, NO_ACTIVITY, ERRATIC = 210, 211, 217
"""detectorOccupancy beyond 200 tells a fault."""
ALARM_BIT = {NO_ACTIVITY: 0, MAX_PRESENCE: 1, ERRATIC: 2}
"""vehicleDetectorAlarms."""
MOST_VOLUME, OCCUPANCY_STEPS = 254, 200
OVERFLOW = 255
MINUTE = 600


class Detector:
    """One detector; a tick is a tenth of a second, or what the unit is ticked by."""

    def __init__(self, table: DetectorTable) -> None:
        self.table = table
        self.active = False
        self.fault = 0
        self.volume, self.occupancy = 0, 0
        """The last report's."""
        self._since = self._minute = 0
        self._counted = self._covered = self._this_minute = 0

    def tick(self, now: int, length: int, active: bool) -> int:
        """Take what the loop says; 0, or the event that tells of it: 82 on, 81 off (Indiana enumerations)."""
        self._covered += length if active else 0
        if now - self._minute >= MINUTE:
            self._minute, self._this_minute = now, 0
        changed = active != self.active
        if changed:
            self.active, self._since = active, now
            self._counted += active
            self._this_minute += active
        self._diagnose(now, changed)
        return (82 if active else 81) if changed else 0

    def _diagnose(self, now: int, changed: bool) -> None:
        table, lasted = self.table, now - self._since
        if table.erratic_counts_per_min and self._this_minute > table.erratic_counts_per_min:
            self.fault = ERRATIC
        elif self.active and table.max_presence_min and lasted >= tenths(table.max_presence_min * 60):
            self.fault = MAX_PRESENCE
        elif not self.active and table.no_activity_min and lasted >= tenths(table.no_activity_min * 60):
            self.fault = NO_ACTIVITY
        elif self._recovered(changed):
            self.fault = 0

    def _recovered(self, changed: bool) -> bool:
        """A stuck one that moves, an erratic one that is quiet for a minute."""
        return self._this_minute == 0 if self.fault == ERRATIC else changed

    @property
    def calling(self) -> bool:
        """Whether it calls and extends its phase; a failed one calls for as long as FailTime says (255: for good)."""
        return self.table.fail_time_s > 0 if self.fault else self.active

    def report(self, period: int) -> None:
        """Close a period of `period` tenths: volume 0-254 (255 overflow), occupancy in half per cent, or the fault."""
        self.volume = min(self._counted, OVERFLOW)
        share = min(1.0, self._covered / period) if period else 0.0
        self.occupancy = self.fault or round(share * OCCUPANCY_STEPS)
        self._counted = self._covered = 0

    @property
    def alarms(self) -> int:
        """vehicleDetectorAlarms."""
        return 1 << ALARM_BIT[self.fault] if self.fault else 0


class Reports:
    """volumeOccupancySequence and volumeOccupancyPeriod: when reports close, and their number, which wraps at 256."""

    def __init__(self, detectors: list[Detector], period_s: int) -> None:
        self.period_s, self.sequence = period_s, 0
        self._detectors, self._since = detectors, 0

    def tick(self, now: int) -> None:
        """Close the period when it is over; a period of 0 s closes none."""
        period = tenths(self.period_s)
        if period and now - self._since >= period:
            for detector in self._detectors:
                detector.report(now - self._since)
            self.sequence, self._since = (self.sequence + 1) % 256, now
