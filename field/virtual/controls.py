"""What a central has asked of the unit, and the timer that forgets it.

NTCIP 1202 v2, 2.4.3 unitBackupTime: "If the interval expires without a SET to any system control parameter the CU shall
revert to Backup Mode"; 2.2.5 phaseControlGroupTable: every such object is zeroed in backup.
"""

from __future__ import annotations

from field.virtual.intervals import tenths

MASKS = ("omit", "pedestrian_omit", "hold", "force_off", "vehicle_call", "pedestrian_call")
"""phaseControlGroupTable, columns 2 to 7."""
RING_MASKS = ("stop_time", "force_off", "maximum_2", "maximum_inhibit", "pedestrian_recycle", "red_rest", "omit_red")
"""ringControlGroupTable, columns 2 to 8. `omit_red` and the three before it are held and not acted upon here."""
EVENTS = {
    "hold": (41, 42),
    "omit": (46, 47),
    "pedestrian_omit": (48, 49),
}
"""Set and cleared, in the Indiana enumerations; calls show with those of detectors, force-off as it ends a green."""


class Controls:
    """Masks have bit n - 1 for phase n. Times are tenths of a second."""

    def __init__(self, backup_time_s: int) -> None:
        self.backup_time_s = self._keyed_in_s = backup_time_s
        self.masks = dict.fromkeys(MASKS, 0)
        self.ring_masks = dict.fromkeys(RING_MASKS, 0)
        self.pattern = 0
        """systemPatternControl: 0 standby, 254 free, 255 flash."""
        self.sync = 255
        self.preempts = 0
        self.unit_control = 0
        self.backup = False
        self._changed: list[tuple[int, int]] = []
        self._armed_at: int | None = None

    def mask(self, name: str, number: int) -> bool:
        """Whether the bit of a phase is set."""
        return bool(self.masks[name] >> (number - 1) & 1)

    def arm(self, now: int) -> None:
        """A SET of a control object came: backup ends, and its timer starts again."""
        self.backup, self._armed_at = False, now

    def set_group(self, name: str, group: int, value: int) -> None:
        """Set the eight bits of one group; group 1 holds phases 1 to 8."""
        shift = 8 * (group - 1)
        self._set(name, self.masks[name] & ~(0xFF << shift) | value << shift)

    def clear_bit(self, name: str, number: int) -> None:
        """Spend one bit (NTCIP 1202 phaseControlGroupForceOff: reset to 0 when the green terminates)."""
        self._set(name, self.masks[name] & ~(1 << (number - 1)))

    def _set(self, name: str, after: int) -> None:
        before, self.masks[name] = self.masks[name], after
        came, went = EVENTS.get(name, (0, 0))
        changed, number = before ^ after, 1
        while changed:
            code = came if after >> (number - 1) & 1 else went
            if changed & 1 and code:
                self._changed.append((code, number))
            changed, number = changed >> 1, number + 1

    def take_changes(self) -> list[tuple[int, int]]:
        """Events of the masks since they were last taken."""
        self._changed, taken = [], self._changed
        return taken

    @property
    def anything(self) -> bool:
        """Whether the central has asked for anything."""
        return any((self.pattern, *self.masks.values(), *self.ring_masks.values()))

    def tick(self, now: int) -> None:
        """Fall back when the backup timer runs out."""
        if self._armed_at is not None and 0 < tenths(self.backup_time_s) <= now - self._armed_at:
            self.fall_back()

    def fall_back(self) -> None:
        """Backup mode: forget all that the central asked for."""
        self._armed_at, self.backup = None, True
        for name in MASKS:
            self._set(name, 0)
        self.ring_masks = dict.fromkeys(RING_MASKS, 0)
        self.pattern, self.sync, self.preempts = 0, 255, 0

    def forget(self) -> None:
        """Power-up: nothing was asked for, and no backup timer runs."""
        self.fall_back()
        self.backup, self.backup_time_s, self.unit_control = False, self._keyed_in_s, 0
