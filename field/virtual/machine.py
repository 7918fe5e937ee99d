"""The controller unit: told the time and what the street does, it tells what its lamps show.

No clock, no socket, no thread. It shares nothing with `signals.sequencer`, `signals.safety` or the adapters, so that a
misreading on one side meets another mind on the other. Where a rule comes from stands beside it: NTCIP 1202 v2 (the
objects' own descriptions), NEMA TS 2-2003, the Signal Timing Manual (2nd ed.), the Indiana event enumerations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from field.virtual.controls import Controls
from field.virtual.coordinator import FLASH, Coordinator
from field.virtual.detection import Detector, Reports
from field.virtual.intervals import Interval, OverlapTimer, PhaseTimer, tenths
from field.virtual.monitor import Monitor
from field.virtual.rings import Rings
from field.virtual.tables import Tables
from signals.intersection import Aspect


class FlashStatus(IntEnum):
    """unitFlashStatus."""

    NOT_FLASH = 2
    AUTOMATIC = 3
    LOCAL_MANUAL = 4
    FAULT_MONITOR = 5
    MMU = 6
    STARTUP = 7
    PREEMPT = 8


class ControlStatus(IntEnum):
    """unitControlStatus."""

    SYSTEM = 2
    STANDBY = 3
    BACKUP = 4
    MANUAL = 5
    TIME_BASE = 6


class PreemptState(IntEnum):
    """preemptState."""

    NOT_ACTIVE = 2
    ENTRY_STARTED = 4
    DWELL = 6
    EXIT_STARTED = 8


class Event(NamedTuple):
    """One row of the high-resolution log."""

    time_s: float
    code: int
    parameter: int


@dataclass(frozen=True)
class Settings:
    """What is keyed in beside the tables."""

    backup_time_s: int = 15
    start_up_flash_s: float = 0.0
    report_period_s: int = 5


class Machine:
    """One unit. `tick` it, then look at `lamps`; whatever a hand or a wire may do to it is an attribute or a method."""

    def __init__(self, tables: Tables, settings: Settings, time_s: float) -> None:
        self.tables, self.settings = tables, settings
        self.time_s = self.started_s = time_s
        self.midnight_s = 0.0
        """When the street's first day began, as seconds since 1970 (NTCIP 1201 globalTime)."""
        self.clock_offset_s = 0.0
        """What its clock of day is ahead of the street's."""
        self.controls = Controls(settings.backup_time_s)
        self.coordinator = Coordinator(tables)
        self.detectors = [Detector(row) for row in tables.detectors]
        self.reports = Reports(self.detectors, settings.report_period_s)
        self.monitor = Monitor(tables)
        self.rings = Rings(tables, self.controls, self.coordinator, self._note)
        self.stop_time = self.manual = self.flash_switch = False
        self.preempt_input = self.preempted = 0
        """The preemptor whose input is on, and the one that is served; 0: none. Preemptor k dwells in stage k."""
        self.preempt_state = PreemptState.NOT_ACTIVE
        self.stuck_lamps: dict[str, Aspect] = {}
        """Load switches that fail, so that the monitor has something to find."""
        self.flash = FlashStatus.NOT_FLASH
        self.status = ControlStatus.TIME_BASE
        self.lamps: Mapping[str, Aspect] = {}
        self._lit_at = -1
        self._latched: set[int] = set()
        self._now = self._flash_until = 0
        self._told: dict[int, int] = {}
        self._events: list[Event] = []
        self._start()

    @property
    def phases(self) -> Mapping[int, PhaseTimer]:
        """By number."""
        return self.rings.phases

    @property
    def overlaps(self) -> Mapping[int, OverlapTimer]:
        """Permissive displays, by the number of the phase whose heads they light."""
        return self.rings.overlaps

    @property
    def clock_s(self) -> float:
        """Its clock of day, as seconds since midnight of the first day."""
        return self.time_s + self.clock_offset_s

    @property
    def up_s(self) -> float:
        """Since it was powered up (sysUpTime)."""
        return self.time_s - self.started_s

    @property
    def stopped(self) -> bool:
        """Whether time stands still (TS 2 ch. 3, stop timing; NTCIP 1202 ringControlGroupStopTime, of any ring)."""
        return self.stop_time or self.controls.ring_masks["stop_time"] > 0

    def take_events(self) -> list[Event]:
        """What was logged since they were last taken."""
        self._events, taken = [], self._events
        return taken

    # What hands and wires do to it

    def set_control(self, name: str, group: int, value: int) -> None:
        """A SET of one octet of phaseControlGroupTable; re-arms the backup timer, as every SET of a control does."""
        self.controls.set_group(name, group, value)
        self.controls.arm(self._now)

    def set_pattern(self, value: int) -> None:
        """A SET of systemPatternControl."""
        self.controls.pattern = value
        self.controls.arm(self._now)

    def arm(self) -> None:
        """A SET of another control object came."""
        self.controls.arm(self._now)

    def advance(self) -> None:
        """The button of manual control (TS 2 ch. 3, interval advance)."""
        self.rings.advance = True
        self._note(179, 0)

    def reset_monitor(self) -> None:
        """Somebody stands at the cabinet and resets the monitor; the unit starts anew."""
        if self.monitor.fault:
            self.monitor.reset()
            self._start()

    def power_up(self) -> None:
        """The mains were away: everything but the tables is forgotten."""
        self.controls.forget()
        self.coordinator.operational_mode = 0
        self.monitor.reset()
        self.started_s = self.time_s
        self.reports.sequence = 0
        self.stop_time = self.manual = self.flash_switch = False
        self.preempt_input = 0
        self._note(184, 0)
        self._start()

    def step_clock(self, seconds: float) -> None:
        """Its clock of day is put forward, or back."""
        self.clock_offset_s += seconds
        self._note(181, 0)

    # The tick

    def tick(self, time_s: float, active: Sequence[bool] = (), pressed: Collection[int] = ()) -> None:
        """Go on to `time_s` of the mains, with detectors as they are now and the phases whose buttons are pressed."""
        length = tenths(time_s - self.time_s)
        if length <= 0:
            return
        self.time_s, self._now = time_s, self._now + length
        demanded = self._detect(length, active, pressed)
        self.controls.tick(self._now)
        self.coordinator.tick(self.clock_s, self.controls.pattern)
        self._choose_flash()
        if self.flash == FlashStatus.NOT_FLASH and not self.stopped:
            self._preempt()
            self.rings.manual = self.manual
            self.rings.tick(length, demanded, self._target())
            self._latched -= {n for n in self._latched if self.phases[n].green}
        self._tell_changes()
        if self._lit_at != self.rings.changes or self.stuck_lamps:
            self.lamps, self._lit_at = self._show(), -1 if self.stuck_lamps else self.rings.changes
        if self.flash == FlashStatus.NOT_FLASH and self.monitor.tick(self._now, self.lamps):
            self._begin_flash(FlashStatus.MMU)

    def _detect(self, length: int, active: Sequence[bool], pressed: Collection[int]) -> set[int]:
        """The phases that detectors and buttons call."""
        called = set()
        for detector, on in zip(self.detectors, active, strict=False):
            row, fault = detector.table, detector.fault
            code = detector.tick(self._now, length, on)
            if code:
                self._note(code, row.number)
            if detector.fault != fault:
                self._note(84 if detector.fault else 83, row.number)
            if detector.calling and row.call_phase:
                self.phases[row.call_phase].actuated = self.rings.run
                if row.calls:
                    called.add(row.call_phase)
        self.reports.tick(self._now)
        for n in pressed:
            if n in self.phases and not self.phases[n].green and n not in self._latched:
                self._latched.add(n)
                self._note(45, n)
        return called | self._latched

    def _tell_changes(self) -> None:
        for code, n in self.controls.take_changes():
            self._note(code, n)
        self.status = self._status()
        states = {131: self.coordinator.status, 155: self.status, 178: self.manual, 180: self.stopped}
        states[174] = self.rings.cycle_fault
        for code, value in states.items():
            if self._told.get(code, 0) != value:
                self._told[code] = value
                self._note(code, value)

    def _status(self) -> ControlStatus:
        if self.manual:
            return ControlStatus.MANUAL
        if self.controls.backup:
            return ControlStatus.BACKUP
        return ControlStatus.SYSTEM if self.controls.pattern else ControlStatus.TIME_BASE

    # Flash

    def _choose_flash(self) -> None:
        """TS 2 ch. 3, flash: a local one comes at once, an automatic one when every head is red; both leave anew."""
        automatic = self.coordinator.status == FLASH
        if self.flash == FlashStatus.NOT_FLASH:
            if self.flash_switch:
                self._begin_flash(FlashStatus.LOCAL_MANUAL)
            elif automatic and not self.rings.anything_on:
                self._begin_flash(FlashStatus.AUTOMATIC)
        elif (
            (self.flash == FlashStatus.STARTUP and self._now >= self._flash_until)
            or (self.flash == FlashStatus.LOCAL_MANUAL and not self.flash_switch)
            or (self.flash == FlashStatus.AUTOMATIC and not automatic)
        ):
            self._begin_flash(FlashStatus.NOT_FLASH)

    def _start(self) -> None:
        flash_s = self.settings.start_up_flash_s
        self._flash_until = self._now + tenths(flash_s)
        self._begin_flash(FlashStatus.STARTUP if flash_s else FlashStatus.NOT_FLASH)

    def _begin_flash(self, status: FlashStatus) -> None:
        """Flash, or leave it; either way no phase goes on where it was."""
        self.flash = status
        self.rings.restart()
        self.preempted, self.preempt_state = 0, PreemptState.NOT_ACTIVE
        self._note(173, status)
        self.lamps = self._show()

    # Preemption

    def _target(self) -> frozenset[int] | None:
        """The phases that must be reached whatever was asked: a preemptor's, or none before automatic flash."""
        if self.preempted:
            return self.tables.stages[(self.preempted - 1) % len(self.tables.stages)]
        return frozenset() if self.coordinator.status == FLASH else None

    def _preempt(self) -> None:
        """Entry, dwell, exit (NTCIP 1202, 2.7 preemptState). Minimum greens and clearances are served in full."""
        if self.preempt_state == PreemptState.EXIT_STARTED:
            self.preempted, self.preempt_state = 0, PreemptState.NOT_ACTIVE
        if self.preempt_input and self.preempt_input != self.preempted:
            self.preempted, self.preempt_state = self.preempt_input, PreemptState.ENTRY_STARTED
            self._note(102, self.preempted)
            self._note(105, self.preempted)
        elif self.preempt_state == PreemptState.ENTRY_STARTED and self._dwells():
            self.preempt_state = PreemptState.DWELL
            self._note(107, self.preempted)
        elif self.preempt_state == PreemptState.DWELL and not self.preempt_input:
            self.preempt_state = PreemptState.EXIT_STARTED
            self._note(104, self.preempted)
            self._note(111, self.preempted)

    def _dwells(self) -> bool:
        return frozenset(n for n, p in self.phases.items() if p.on) == self._target()

    # Lamps

    def _show(self) -> Mapping[str, Aspect]:
        if self.flash != FlashStatus.NOT_FLASH:
            return dict.fromkeys(self.tables.group_of, Aspect.DARK)
        yields, turns = self.tables.displays.get(self.rings.vehicle_greens, (frozenset[str](), frozenset[str]()))
        shown = {g: self._aspect(g, n, yields, turns) for g, n in self.tables.group_of.items()}
        return shown | self.stuck_lamps if self.stuck_lamps else shown

    def _aspect(self, group: str, n: int, yields: frozenset[str], turns: frozenset[str]) -> Aspect:
        phase, overlap = self.phases.get(n), self.overlaps.get(n)
        if phase and phase.on:
            if phase.green:
                return Aspect.PERMISSIVE if group in yields else Aspect.GREEN
            return Aspect.YELLOW if phase.interval is Interval.YELLOW else Aspect.RED
        if overlap and overlap.interval in (Interval.GREEN, Interval.YELLOW):
            return Aspect.PERMISSIVE if overlap.interval is Interval.GREEN else Aspect.YELLOW
        return Aspect.TURN_ON_RED if group in turns else Aspect.RED

    def _note(self, code: int, parameter: int) -> None:
        self._events.append(Event(round(self.time_s, 1), code, int(parameter)))
