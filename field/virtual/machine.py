"""The controller unit: actuated phases in rings between barriers, told the time and what the street does.

No clock, no socket, no thread. It shares nothing with `signals.sequencer`, `signals.safety` or the adapters, so that a
misreading on one side meets another mind on the other. Where a rule comes from stands beside it: NTCIP 1202 v2 (the
objects' own descriptions), NEMA TS 2-2003, the Signal Timing Manual (2nd ed.), the Indiana event enumerations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from field.virtual.controls import Controls
from field.virtual.coordinator import FLASH, Coordinator
from field.virtual.detection import Detector, Reports
from field.virtual.intervals import Interval, OverlapTimer, PhaseTimer, tenths
from field.virtual.monitor import Monitor
from field.virtual.tables import Tables
from signals.intersection import Aspect

START_UP_RED_S = 6.0
"""All red before the first green after flash (TS 2, 3.9.1.2: the exit from flash through red)."""
CYCLE_FAULT_CYCLES = 2
"""NTCIP 1202 unitAlarmStatus1: a serviceable call was not served for two cycles."""
EVENT_OF = {
    Interval.GREEN: (1,),
    Interval.PEDESTRIAN_CLEAR: (22,),
    Interval.YELLOW: (8,),
    Interval.RED_CLEAR: (9, 10),
    Interval.RED: (11, 12),
}


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
        self.phases = {n: PhaseTimer(table) for n, table in tables.phases.items()}
        self.overlaps = {table.number: OverlapTimer(table) for table in tables.overlaps}
        self.stop_time = self.manual = self.flash_switch = False
        self.preempt_input = 0
        """The preemptor whose input is on; 0: none. Preemptor k dwells in the k-th stage of the plan."""
        self.preempt_state = PreemptState.NOT_ACTIVE
        self.stuck_lamps: dict[str, Aspect] = {}
        """Load switches that fail, so that the monitor has something to find."""
        self.flash = FlashStatus.NOT_FLASH
        self.status = ControlStatus.TIME_BASE
        self.cycle_fault = False
        self.next: list[int] = []
        """phaseStatusGroupPhaseNexts: what waits for the clearances that run."""
        self.calls: frozenset[int] = frozenset()
        self.lamps: Mapping[str, Aspect] = {}
        self.granted = 0
        """Greens that a force-off of the central ended."""
        self._rank = {n: k for k, n in enumerate(tables.order)}
        self._foes = {
            n: frozenset(m for m in self.phases if m != n and m not in p.concurrency) for n, p in tables.phases.items()
        }
        self._stages = [frozenset(stage) for stage in tables.stages]
        self._latched: set[int] = set()
        self._coming: set[int] = set()
        self._served: set[int] = set()
        self._side = 0
        self._waiting: dict[int, int] = {}
        self._advance = False
        self._preempted = 0
        self._now = self._run = self._red_until = 0
        self._flash_until = 0
        self._events: list[Event] = []
        self._restart(FlashStatus.STARTUP if settings.start_up_flash_s else None)

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
        """The button of manual control (TS 2, 3.5.4: interval advance)."""
        self._advance = True

    def reset_monitor(self) -> None:
        """Somebody stands at the cabinet and resets the monitor; the unit starts anew."""
        if self.monitor.fault:
            self.monitor.reset()
            self._restart(None)

    def power_up(self) -> None:
        """The mains were away: everything but the tables is forgotten."""
        self.controls = Controls(self.settings.backup_time_s)
        self.coordinator.operational_mode = 0
        self.monitor.reset()
        self.started_s = self.time_s
        self.reports.sequence = 0
        self.stop_time = self.manual = self.flash_switch = False
        self.preempt_input = 0
        self._event(184, 0)
        self._restart(FlashStatus.STARTUP if self.settings.start_up_flash_s else None)

    def step_clock(self, seconds: float) -> None:
        """Its clock of day is put forward, or back (event 181)."""
        self.clock_offset_s += seconds
        self._event(181, 0)

    def take_events(self) -> list[Event]:
        """What was logged since they were last taken."""
        self._events, taken = [], self._events
        return taken

    @property
    def clock_s(self) -> float:
        """Its clock of day, as seconds since midnight of the first day."""
        return self.time_s + self.clock_offset_s

    @property
    def stopped(self) -> bool:
        """Whether time stands still (TS 2, 3.5.5.5; NTCIP 1202 ringControlGroupStopTime, of any ring)."""
        return self.stop_time or self.controls.ring_masks["stop_time"] > 0

    @property
    def run(self) -> int:
        """Tenths of a second that its intervals have run, which stop time and flash hold."""
        return self._run

    @property
    def up_s(self) -> float:
        """Since it was powered up (sysUpTime)."""
        return self.time_s - self.started_s

    # The tick

    def tick(self, time_s: float, active: Sequence[bool] = (), pressed: Collection[int] = ()) -> None:
        """Go on to `time_s` of the mains, with detectors as they are now and the phases whose buttons are pressed."""
        length = tenths(time_s - self.time_s)
        if length <= 0:
            return
        self.time_s, self._now = time_s, self._now + length
        self._detect(length, active, pressed)
        if self.controls.tick(self._now):
            self._event(155, ControlStatus.BACKUP)
        if self.coordinator.tick(self.clock_s, self.controls.pattern):
            self._event(131, self.coordinator.status)
        self._tell_status()
        self._choose_flash()
        if self.flash == FlashStatus.NOT_FLASH and not self.stopped:
            self._run += length
            self._time_intervals()
            self._serve()
        self.lamps = self._show()
        if self.flash == FlashStatus.NOT_FLASH and self.monitor.tick(self._now, self.lamps):
            self._begin_flash(FlashStatus.MMU)
            self.lamps = self._show()

    def _detect(self, length: int, active: Sequence[bool], pressed: Collection[int]) -> None:
        for detector, on in zip(self.detectors, active, strict=False):
            fault = detector.fault
            code = detector.tick(self._now, length, on)
            if code:
                self._event(code, detector.table.number)
            if detector.fault != fault:
                self._event(84 if detector.fault else 83, detector.table.number)
            if detector.calling and detector.table.call_phase in self.phases:
                self.phases[detector.table.call_phase].actuated = self._run
        self.reports.tick(self._now)
        for n in pressed:
            if n in self.phases and not self.phases[n].green and n not in self._latched:
                self._latched.add(n)
                self._event(45, n)
        for code, n in self.controls.changed:
            self._event(code, n)
        self.controls.changed.clear()

    def _tell_status(self) -> None:
        before = self.status
        if self.manual:
            self.status = ControlStatus.MANUAL
        elif self.controls.backup:
            self.status = ControlStatus.BACKUP
        else:
            self.status = ControlStatus.SYSTEM if self.controls.pattern else ControlStatus.TIME_BASE
        if self.status != before:
            self._event(155, self.status)

    # Flash

    def _choose_flash(self) -> None:
        if self.flash == FlashStatus.STARTUP and self._now >= self._flash_until:
            self._restart(None)
        elif self.flash_switch and self.flash == FlashStatus.NOT_FLASH:
            self._begin_flash(FlashStatus.LOCAL_MANUAL)
        elif self.flash == FlashStatus.LOCAL_MANUAL and not self.flash_switch:
            self._restart(None)
        elif self._wants_flash and self.flash == FlashStatus.NOT_FLASH and not self._anything_on:
            self._begin_flash(FlashStatus.AUTOMATIC)
        elif self.flash == FlashStatus.AUTOMATIC and not self._wants_flash:
            self._restart(None)

    @property
    def _wants_flash(self) -> bool:
        return self.coordinator.status == FLASH

    @property
    def _anything_on(self) -> bool:
        return any(p.on for p in self.phases.values()) or any(o.on for o in self.overlaps.values())

    def _begin_flash(self, why: FlashStatus) -> None:
        self.flash = why
        self._event(173, why)

    def _restart(self, flash: FlashStatus | None) -> None:
        self.phases = {n: PhaseTimer(table) for n, table in self.tables.phases.items()}
        self.overlaps = {table.number: OverlapTimer(table) for table in self.tables.overlaps}
        self._waiting.clear()
        self._served.clear()
        self._coming.clear()
        self.next, self.cycle_fault, self._preempted = [], False, 0
        self.preempt_state = PreemptState.NOT_ACTIVE
        self._run += tenths(START_UP_RED_S)  # beyond every timer's start
        for phase in self.phases.values():
            phase.since = self._run - tenths(START_UP_RED_S)
        self._red_until = self._run + tenths(START_UP_RED_S)
        self._flash_until = self._now + tenths(self.settings.start_up_flash_s)
        self._begin_flash(flash or FlashStatus.NOT_FLASH)
        self.lamps = self._show()

    # Intervals

    def _time_intervals(self) -> None:
        for n, phase in self.phases.items():
            if phase.tick(self._run):
                self._tell(n)
        self._follow_hosts()

    def _follow_hosts(self) -> None:
        greens = self._vehicle_greens()
        for n, overlap in self.overlaps.items():
            hosted = greens in overlap.table.hosts and not (n in self.phases and self.phases[n].on)
            if overlap.tick(self._run, hosted) and overlap.interval in (Interval.GREEN, Interval.YELLOW):
                self._event(32 if overlap.interval is Interval.GREEN else 33, n)

    def _vehicle_greens(self) -> frozenset[int]:
        on = frozenset(n for n, p in self.phases.items() if p.green and not p.table.pedestrian)
        if any(p.on and not p.green and not p.table.pedestrian for p in self.phases.values()):
            return frozenset()
        return on or frozenset(n for n, p in self.phases.items() if p.green)

    def _tell(self, n: int) -> None:
        phase = self.phases[n]
        codes = EVENT_OF[phase.interval]
        if phase.table.pedestrian:
            codes = {Interval.GREEN: (1, 21), Interval.RED: (23, 12)}.get(phase.interval, codes)
        elif phase.interval is Interval.RED and not phase.table.red_clearance_s:
            codes = (9, 12)
        for code in codes:
            self._event(code, n)

    def _end(self, n: int, why: int) -> None:
        phase = self.phases[n]
        self._event(why, n)
        self._event(7, n)
        phase.end(self._run)
        if why == 6 and self.controls.mask("force_off", n):
            self.granted += 1
        self.controls.clear_bit("force_off", n)
        self._tell(n)

    def _begin(self, n: int) -> None:
        self.phases[n].begin(self._run)
        self._latched.discard(n)
        self._coming.discard(n)
        if self.tables.barrier_of[n] != self._side:
            self._side = self.tables.barrier_of[n]
            self._served.clear()
        self._served.add(n)
        self._tell(n)

    # Who is served

    def _serve(self) -> None:
        self._preempt()
        self._hear_calls()
        if self._run < self._red_until:
            return
        target = self._target()
        if target is not None:
            self._coming.clear()
        self.next = self._choose() if target is None else self._aim(target)
        for n, phase in self.phases.items():
            if not any(n in self._blocking(q) for q in self.next):
                phase.conflict_since = None
            elif phase.conflict_since is None:
                phase.conflict_since = self._run
        for q in self.next:
            self._make_way(q, target)
        if target is None:
            self._end_walks()
        else:
            self._end_all_but(target)
        self._follow_hosts()
        begun = [q for q in self.next if self._free(q)]
        for q in begun:
            self._begin(q)
        if begun:
            self._follow_hosts()
        self._advance = False

    def _target(self) -> frozenset[int] | None:
        """The phases that must be reached whatever was asked: a preemptor's, or none before flash."""
        if self._preempted:
            return self._stages[(self._preempted - 1) % len(self._stages)]
        return frozenset() if self._wants_flash else None

    def _hear_calls(self) -> None:
        calls = {n for n, p in self.phases.items() if self._called(n, p)}
        for n in sorted(calls ^ self.calls):
            if not self.phases[n].table.pedestrian:
                self._event(43 if n in calls else 44, n)
        self.calls = frozenset(calls)
        self._watch_starvation()

    def _called(self, n: int, phase: PhaseTimer) -> bool:
        """Recall, detector, button or central; in a pattern every phase of it is on maximum recall."""
        table, pattern = phase.table, self.coordinator.pattern
        mask = self.controls.mask
        if (n in pattern.splits_s) if pattern else table.recall:
            return True
        if n in self._latched or mask("vehicle_call", n) or mask("pedestrian_call", n):
            return True
        return any(d.calling and d.table.calls and d.table.call_phase == n for d in self.detectors)

    def _omitted(self, n: int) -> bool:
        if self.cycle_fault:
            return False
        mask = self.controls.mask
        return mask("omit", n) or (self.phases[n].table.pedestrian and mask("pedestrian_omit", n))

    def _held(self, n: int) -> bool:
        """TS 2, 3.5.3.3: a phase on hold keeps its green; so does any under manual control, until it is advanced."""
        if self.manual:
            return not self._advance
        return self.controls.mask("hold", n) and not self.cycle_fault

    def _watch_starvation(self) -> None:
        """A call that is not served for two cycles is a cycle fault. This unit then goes its own way until it is."""
        for n, phase in self.phases.items():
            if n not in self.calls or phase.on or self._preempted or self.manual or self._wants_flash:
                self._waiting.pop(n, None)
            else:
                self._waiting.setdefault(n, self._run)
        bound = tenths(CYCLE_FAULT_CYCLES * self._cycle_s())
        fault = any(self._run - since >= bound for since in self._waiting.values())
        if fault and not self.cycle_fault and self.controls.pattern + sum(self.controls.masks.values()):
            self.controls.fall_back()
        if fault != self.cycle_fault:
            self._event(174, self.alarm_1 ^ 1 if fault else self.alarm_1 & ~1)
        self.cycle_fault = fault

    def _cycle_s(self) -> float:
        if self.coordinator.pattern:
            return self.coordinator.pattern.cycle_s
        table = self.tables.phases
        return sum(max(table[n].maximum_s + table[n].clearance_s for n in stage) for stage in self.tables.stages)

    def _choose(self) -> list[int]:
        """What comes next, one phase a ring at most, in the order of the barriers and rings (TS 2, 3.5.2)."""
        chosen = sorted(self._coming)  # TS 2: phase next is decided as green ends
        wanted = [n for n in self.calls if n not in chosen and not self._omitted(n) and self._eligible(n)]
        for n in sorted(wanted, key=self._distance):
            if all(self._together(n, m) for m in chosen):
                chosen.append(n)
        return chosen + self._dual_entries(chosen)

    def _eligible(self, n: int) -> bool:
        return self.phases[n].rested(self._run) and self.coordinator.open(n)

    def _together(self, n: int, m: int) -> bool:
        return m in self.tables.phases[n].concurrency

    def _distance(self, n: int) -> tuple[int, int]:
        """Barriers to cross, then the place in the order; what was served on this side waits for the next turn."""
        barrier, sides = self.tables.barrier_of, len(set(self.tables.barrier_of.values()))
        on = [m for m, p in self.phases.items() if p.on]
        steps = (barrier[n] - self._side) % sides
        ring = self.tables.phases[n].ring
        passed = n in self._served or any(
            self.tables.phases[m].ring == ring and self._rank[m] > self._rank[n] for m in on
        )
        return (sides if steps == 0 and passed else steps), self._rank[n]

    def _dual_entries(self, chosen: list[int]) -> list[int]:
        """Dual entry (phaseOptions bit 10): a ring without a call goes along where the others go together."""
        if not chosen or self.coordinator.pattern:
            return []
        staying = [m for m, p in self.phases.items() if p.green and all(self._together(m, q) for q in chosen)]
        company = {*chosen, *staying}
        for stage in self._stages:
            if company <= stage:
                more = stage - company
                return sorted(
                    n
                    for n in more
                    if not self.tables.phases[n].pedestrian
                    and not self._omitted(n)
                    and self.phases[n].rested(self._run)
                )
        return []

    def _aim(self, target: frozenset[int]) -> list[int]:
        return sorted(n for n in target if not self.phases[n].on and self.phases[n].rested(self._run))

    def _blocking(self, q: int) -> frozenset[int]:
        """Phases that are on and must be red before `q` may be green."""
        return frozenset(m for m in self._foes[q] if self.phases[m].on)

    def _free(self, q: int) -> bool:
        clear = not any(o.on and q in o.table.blocks for o in self.overlaps.values())
        return clear and not self.phases[q].on and not self._blocking(q)

    def _make_way(self, q: int, target: frozenset[int] | None) -> None:
        """End the greens in the way of `q`, all at once, as soon as each may end."""
        greens = [m for m in self._blocking(q) if self.phases[m].green]
        reasons = {m: self._may_end(m, target) for m in greens}
        if all(reasons.values()):
            for m, why in reasons.items():
                self._end(m, why)
            if reasons:
                self._coming.add(q)

    def _may_end(self, n: int, target: frozenset[int] | None) -> int:
        """The event that would tell why its green ends, or 0 while it may not (Signal Timing Manual, 5.1)."""
        phase = self.phases[n]
        if not phase.minimum_over(self._run):
            return 0
        if target is not None:
            return 20
        if self._held(n):
            return 0
        if self._forced(n) or (self.manual and self._advance):
            return 6
        if self.coordinator.pattern:
            return 0 if self.coordinator.open(n) else 6
        if phase.maxed_out(self._run) and not self.controls.ring_masks["maximum_inhibit"] >> (phase.table.ring - 1) & 1:
            return 5
        return 4 if phase.table.pedestrian or phase.gapped_out(self._run) else 0

    def _forced(self, n: int) -> bool:
        """TS 2, 3.5.3.7: force-off ends the extension of green where a conflicting call can be served, not before."""
        ring = self.tables.phases[n].ring
        return self.controls.mask("force_off", n) or bool(self.controls.ring_masks["force_off"] >> (ring - 1) & 1)

    def _end_walks(self) -> None:
        """Walk gives way to its clearance by itself (TS 2, 3.5.3.2); held, or in its window, it rests."""
        for n, phase in self.phases.items():
            if phase.green and phase.table.pedestrian and self._may_end(n, None):
                self._end(n, 6 if self.coordinator.pattern else 4)

    def _end_all_but(self, target: frozenset[int]) -> None:
        for n, phase in self.phases.items():
            if phase.green and n not in target and self._may_end(n, target):
                self._end(n, 20)

    # Preemption

    def _preempt(self) -> None:
        """Entry, dwell, exit (NTCIP 1202, 2.7 preemptState). Minimum greens and clearances are served in full."""
        if self.preempt_input and self.preempt_input != self._preempted:
            self._preempted = self.preempt_input
            self.preempt_state = PreemptState.ENTRY_STARTED
            self._event(102, self._preempted)
            self._event(105, self._preempted)
        if not self._preempted:
            self.preempt_state = PreemptState.NOT_ACTIVE
            return
        target = self._target() or frozenset()
        greens = {n for n, p in self.phases.items() if p.on}
        if self.preempt_state == PreemptState.ENTRY_STARTED and greens == target:
            self.preempt_state = PreemptState.DWELL
            self._event(107, self._preempted)
        elif not self.preempt_input and self.preempt_state in (PreemptState.DWELL, PreemptState.EXIT_STARTED):
            self._leave_preempt()

    def _leave_preempt(self) -> None:
        if self.preempt_state == PreemptState.DWELL:
            self.preempt_state = PreemptState.EXIT_STARTED
            self._event(104, self._preempted)
            self._event(111, self._preempted)
        else:
            self._preempted = 0
            self.preempt_state = PreemptState.NOT_ACTIVE

    @property
    def preempted(self) -> int:
        """The preemptor that is served; 0: none."""
        return self._preempted

    # Lamps and alarms

    def _show(self) -> dict[str, Aspect]:
        if self.flash != FlashStatus.NOT_FLASH:
            return dict.fromkeys(self.tables.group_of, Aspect.DARK)
        yields, turns = self.tables.displays.get(self._vehicle_greens(), (None, frozenset[str]()))
        shown = {g: self._aspect(g, n, yields, turns) for g, n in self.tables.group_of.items()}
        return shown | self.stuck_lamps if self.stuck_lamps else shown

    def _aspect(self, group: str, n: int, yields: frozenset[str] | None, turns: frozenset[str]) -> Aspect:
        phase, overlap = self.phases.get(n), self.overlaps.get(n)
        if phase and phase.green:
            return Aspect.PERMISSIVE if yields and group in yields else Aspect.GREEN
        if phase and phase.interval is Interval.YELLOW:
            return Aspect.YELLOW
        if overlap and overlap.interval in (Interval.GREEN, Interval.YELLOW):
            return Aspect.PERMISSIVE if overlap.interval is Interval.GREEN else Aspect.YELLOW
        return Aspect.TURN_ON_RED if group in turns else Aspect.RED

    @property
    def alarm_1(self) -> int:
        """unitAlarmStatus1."""
        coordinated = self.coordinator.pattern is not None
        bits = {
            0: self.cycle_fault and coordinated,
            3: self.cycle_fault and not coordinated,
            4: self.flash == FlashStatus.MMU,
            5: self.flash == FlashStatus.LOCAL_MANUAL,
            6: not coordinated,
            7: coordinated,
        }
        return _bits(bits)

    @property
    def alarm_2(self) -> int:
        """unitAlarmStatus2."""
        transition = any(p.green and not self.coordinator.open(n) for n, p in self.phases.items())
        return _bits({4: self.stopped, 5: transition})

    @property
    def short_alarm(self) -> int:
        """shortAlarmStatus."""
        return _bits(
            {
                0: bool(self._preempted),
                1: self.flash != FlashStatus.NOT_FLASH,
                2: self.coordinator.pattern is not None and self.coordinator.position_s < 1,
                3: self.manual or self.coordinator.operational_mode != 0,
                4: self.cycle_fault,
                5: any(d.fault for d in self.detectors),
                7: self.stopped,
            }
        )

    def _event(self, code: int, parameter: int) -> None:
        self._events.append(Event(round(self.time_s, 1), code, int(parameter)))


def _bits(bits: Mapping[int, bool]) -> int:
    return sum(1 << bit for bit, on in bits.items() if on)


def mask_of(numbers: Iterable[int]) -> int:
    """Phases as bits, n - 1 for phase n."""
    return sum(1 << (n - 1) for n in numbers)
