"""What the cabinet's detectors saw between two snapshots: reports by their sequence, actuations by polling.

NTCIP 1202, 2.3: a volume of 255 is an overflow, not a count; occupancy is in half per cents up to 200, 210 and above
are faults, and everything between is reserved. A report is new when its sequence number has moved, modulo 256.

A report comes after its period, and polling misses short gaps. So a pulse that is seen counts at once, and the report
adds those that were not seen: one in a second without a pulse, as no lane passes two at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from field.ntcip import objects
from field.ntcip.objects import Object, Value
from field.ntcip.probe import BITS, Asking, Probed
from field.site import DetectorChannel
from signals.values import Bools, Floats

OVERFLOW, WHOLE, WRAP = 255, 200, 256
MOST_LOST = 128
"""A larger step of the sequence is a cabinet that began anew."""
MOST_IMPUTED = 5
"""Reports in a row that may be made up for by the next."""
STALE_PERIODS, STALE_S = 3.0, 2.0
MOST_EARLY_VEH_PER_S = 1.0
"""Pulses seen before the report that tells of them, in the period that runs; and one at its edge."""


@dataclass(frozen=True)
class Seen:
    """Of every loop since it was last taken: as in `Snapshot`."""

    volume_veh: Floats
    occupancy: Floats
    presence: Bools
    healthy: Bools


@dataclass(frozen=True)
class Look:
    """One answer of the cabinet's: a report where it is a new one, alarms where they were asked for."""

    time_s: float
    active: Bools
    alarmed: Bools | None
    sequence: int | None
    period_s: float
    report: tuple[Value, ...]


class Detectors:
    """`poll` asks, as often as the site says; `take` gives what came of it since the last time. One thread at a time.

    loops: the ids in the order of the layout; a loop without a channel is never healthy. lost: reports that nobody saw.
    """

    def __init__(
        self, asking: Asking, probed: Probed, loops: Sequence[str], channels: Sequence[DetectorChannel]
    ) -> None:
        self._asking = asking
        mapped = {c.id: c for c in channels}
        self._mapped = np.array([loop in mapped for loop in loops], bool)
        self._channel = np.array([mapped[loop].channel - 1 if loop in mapped else 0 for loop in loops], np.int64)
        self._by_report = np.array([loop in mapped and mapped[loop].counts == "report" for loop in loops], bool)
        self._numbers = sorted({c.channel for c in channels})
        self._polled: list[tuple[Object, str]] = []
        if objects.REPORT_SEQUENCE in probed.scalars and self._by_report.any():
            self._polled.append((objects.REPORT_SEQUENCE, probed.scalars[objects.REPORT_SEQUENCE]))
        self._reported = bool(self._polled)
        groups = sorted({-(-number // BITS) for number in self._numbers})
        self._polled += [(objects.DETECTOR_ACTIVE, objects.DETECTOR_ACTIVE.at(g)) for g in groups]
        self._alarms = [(objects.DETECTOR_ALARMS, objects.DETECTOR_ALARMS.at(g)) for g in groups]
        self._groups = groups
        reported = (objects.DETECTOR_VOLUME, objects.DETECTOR_OCCUPANCY)
        self._report = [(what, what.at(n)) for what in reported for n in self._numbers]
        self._period_s = 1.0
        self._period_oid = probed.scalars.get(objects.REPORT_PERIOD)
        self.lost = 0
        width = max([1, *self._numbers])
        self._volume, self._share, self._report_ok = np.zeros(width), np.zeros(width), np.ones(width, bool)
        self._active, self._alarmed = np.zeros(width, bool), np.zeros(width, bool)
        self._early, self._owed = np.zeros(width), np.zeros(width)
        """Vehicles counted that no report told of yet; vehicles reported that were not counted yet."""
        self._sequence: int | None = None
        self._reported_s = -np.inf
        self._clear()

    def _clear(self) -> None:
        width = len(self._volume)
        self._pulses, self._covered = np.zeros(width), np.zeros(width)
        self._reports = self._polls = 0

    def poll(self, now_s: float) -> None:
        """One look. Raises `PlantError`."""
        self.note(self.look(now_s))

    def look(self, now_s: float) -> Look:
        """Ask, and keep nothing of it yet, so that nobody has to wait meanwhile. Raises `PlantError`."""
        first = self._polls == 0  # alarms once between two snapshots
        values = self._asking.rows([*self._polled, *(self._alarms if first else [])])
        sequence = values.pop(0) if self._reported else None
        fresh = isinstance(sequence, int) and sequence != self._sequence
        groups = len(self._groups)
        return Look(
            time_s=now_s,
            active=self._bits(values[:groups]),
            alarmed=self._bits(values[groups:]) if first else None,
            sequence=sequence if fresh and isinstance(sequence, int) else None,
            period_s=self._period() if fresh and self._sequence is None else 0.0,
            report=tuple(self._asking.rows(self._report)) if fresh else (),
        )

    def note(self, look: Look) -> None:
        """Add it to what was seen."""
        if look.sequence is not None:
            self._note_report(look, look.sequence)
        if look.alarmed is not None:
            self._alarmed = look.alarmed
        came = look.active & ~self._active
        self._pulses += came
        self._early = np.minimum(self._early + came, 1.0 + MOST_EARLY_VEH_PER_S * self._period_s)
        self._covered += look.active
        self._polls += 1
        self._active = look.active

    def _bits(self, octets: Sequence[Value]) -> Bools:
        """Of every channel; a group that the cabinet has not is empty."""
        found = np.zeros(len(self._volume), bool)
        for group, octet in zip(self._groups, octets, strict=True):
            if isinstance(octet, int):
                first = BITS * (group - 1)
                for bit in range(min(BITS, len(found) - first)):
                    found[first + bit] = octet >> bit & 1
        return found

    def _note_report(self, look: Look, sequence: int) -> None:
        """The first was counted before we came; one that nobody saw is taken to have counted what this one has."""
        known = self._sequence is not None
        steps = (sequence - self._sequence) % WRAP if self._sequence is not None else 1
        self._period_s = look.period_s or self._period_s
        self.lost += steps - 1 if steps < MOST_LOST else 0
        self._sequence, self._reported_s = sequence, look.time_s
        half = len(self._numbers)
        weight = (steps if steps <= MOST_IMPUTED else 1) if known else 0
        for number, volume, occupancy in zip(self._numbers, look.report[:half], look.report[half:], strict=True):
            self._note(number - 1, volume, occupancy, weight)
        self._reports += 1

    def _period(self) -> float:
        if self._period_oid is None:
            return 1.0
        (period,) = self._asking.rows([(objects.REPORT_PERIOD, self._period_oid)])
        return float(period) if isinstance(period, int) else 1.0

    def _note(self, k: int, volume: Value, occupancy: Value, weight: int) -> None:
        counted = isinstance(volume, int) and volume != OVERFLOW
        covered = isinstance(occupancy, int) and occupancy <= WHOLE
        self._report_ok[k] = counted and covered
        if counted and isinstance(volume, int):
            reported = float(weight * volume)
            self._owed[k] += max(0.0, reported - self._early[k])
            self._early[k] = max(0.0, self._early[k] - reported)
        if isinstance(occupancy, int) and covered:
            self._share[k] = occupancy / WHOLE

    def take(self, now_s: float) -> Seen:
        """Since it was last taken; loops by report are distrusted once the reports have stopped, or if none comes."""
        if self._reported_s == -np.inf:
            self._reported_s = now_s  # as long as it takes for a first one to come
        pulses, polled = self._pulses, self._covered / max(1, self._polls)
        stale = now_s - self._reported_s > STALE_PERIODS * self._period_s + STALE_S
        by_report, channel = self._by_report, self._channel
        late = np.where((pulses == 0) & (self._owed >= 1), 1.0, 0.0)
        self._owed -= late
        volume = np.where(by_report, pulses[channel] + late[channel], pulses[channel])
        fresh = by_report & (self._reports > 0) & self._report_ok[channel]
        occupancy = np.where(fresh, self._share[channel], polled[channel])
        healthy = self._mapped & ~self._alarmed[channel] & (~by_report | (self._report_ok[channel] & (not stale)))
        presence = self._active[channel] & self._mapped
        self._clear()
        return Seen(np.where(self._mapped, volume, 0.0), np.where(self._mapped, occupancy, 0.0), presence, healthy)
