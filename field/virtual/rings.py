"""Rings and barriers: which phase is served when, which green ends and why.

The order of service is NEMA TS 2-2003 ch. 3 (rings, barriers, dual entry), the ends of green are those of the Signal
Timing Manual (2nd ed., ch. 6), what a central may do to them is NTCIP 1202 v2, 2.2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from field.virtual.controls import Controls
from field.virtual.coordinator import Coordinator
from field.virtual.intervals import Interval, OverlapTimer, PhaseTimer, tenths
from field.virtual.tables import Tables

START_UP_RED_S = 6.0
"""All red before the first green after flash (TS 2 ch. 3: its exit leads through red), or the longest clearance if that
is longer: nobody knows who is still inside."""
CYCLE_FAULT_CYCLES = 2
"""NTCIP 1202 unitAlarmStatus1: a serviceable call was not served for two cycles."""
GAPPED_OUT, MAXED_OUT, FORCED_OFF, TERMINATED, PREEMPTED = 4, 5, 6, 7, 20
EVENTS_OF = {
    Interval.GREEN: (1,),
    Interval.YELLOW: (8,),
    Interval.RED_CLEAR: (9, 10),
    Interval.RED: (11, 12),
}
WALK_EVENTS_OF = {Interval.GREEN: (1, 21), Interval.PEDESTRIAN_CLEAR: (22,), Interval.RED: (23, 12)}
Note = Callable[[int, int], None]
"""Takes an event of the Indiana enumerations: code and parameter."""


class Rings:
    """The phases of one unit. `run` counts the tenths of a second that they were timed; stop time and flash hold it.

    `changes` counts what may have changed the lamps.
    """

    def __init__(self, tables: Tables, controls: Controls, coordinator: Coordinator, note: Note) -> None:
        self.phases: dict[int, PhaseTimer] = {}
        self.overlaps: dict[int, OverlapTimer] = {}
        self.next: list[int] = []
        """phaseStatusGroupPhaseNexts."""
        self.calls: frozenset[int] = frozenset()
        self.cycle_fault = False
        self.manual = self.advance = False
        self.run = self.changes = 0
        self._tables, self._controls, self._coordinator, self._note = tables, controls, coordinator, note
        self._rank = {n: k for k, n in enumerate(tables.order)}
        self._sides = len(set(tables.barrier_of.values()))
        self._foes = {
            n: frozenset(m for m in tables.phases if m != n and m not in p.concurrency)
            for n, p in tables.phases.items()
        }
        self.restart()

    def restart(self) -> None:
        """Every head red, nothing remembered, and red for a while."""
        tables = self._tables
        self.phases = {n: PhaseTimer(table, self.run) for n, table in tables.phases.items()}
        self.overlaps = {table.number: OverlapTimer(table) for table in tables.overlaps}
        self.next, self.cycle_fault, self.advance = [], False, False
        self._coming: set[int] = set()
        self._served: set[int] = set()
        self._waiting: dict[int, int] = {}
        self._side = 0
        clearances_s = [row.clearance_s for row in tables.phases.values()]
        self._red_until = self.run + tenths(max(START_UP_RED_S, *clearances_s))
        self.changes += 1

    @property
    def anything_on(self) -> bool:
        """Whether some head is not red."""
        return any(p.on for p in self.phases.values()) or any(o.on for o in self.overlaps.values())

    @property
    def vehicle_greens(self) -> frozenset[int]:
        """The vehicle phases that are green, none while one of them clears; pedestrian ones where there is no other."""
        on = [(n, p) for n, p in self.phases.items() if p.on]
        vehicles = [(n, p.green) for n, p in on if not p.table.pedestrian]
        if not all(green for _, green in vehicles):
            return frozenset()
        return frozenset(n for n, _ in vehicles) or frozenset(n for n, p in on if p.green)

    def tick(self, length: int, demanded: Collection[int], target: frozenset[int] | None) -> None:
        """Let `length` tenths pass. demanded: by detectors and buttons; target: phases to reach whatever is asked."""
        self.run += length
        for n, phase in self.phases.items():
            if phase.tick(self.run):
                self._tell(n)
        self._follow_hosts()
        self._hear(demanded, target)
        if self.run >= self._red_until:
            self._serve(target)
        self.advance = False

    # Calls

    def _hear(self, demanded: Collection[int], target: frozenset[int] | None) -> None:
        calls = frozenset(n for n in self.phases if n in demanded or self._called(n))
        for n in sorted(calls ^ self.calls):
            if not self.phases[n].table.pedestrian:
                self._note(43 if n in calls else 44, n)
        self.calls = calls
        self._watch_starvation(held_up=self.manual or target is not None)

    def _called(self, n: int) -> bool:
        """By recall or by the central; in a pattern every phase of it is on maximum recall."""
        pattern, mask = self._coordinator.pattern, self._controls.mask
        recall = n in pattern.splits_s if pattern else self._tables.phases[n].recall
        return recall or mask("vehicle_call", n) or mask("pedestrian_call", n)

    def _watch_starvation(self, held_up: bool) -> None:
        """A call that is not served for two cycles is a cycle fault; hold and omit are void until it is served.

        What follows a cycle fault NTCIP 1202 leaves to the maker; this unit also falls back from the central.
        """
        for n, phase in self.phases.items():
            if n not in self.calls or phase.on or held_up:
                self._waiting.pop(n, None)
            else:
                self._waiting.setdefault(n, self.run)
        bound = tenths(CYCLE_FAULT_CYCLES * self.cycle_s)
        fault = any(self.run - since >= bound for since in self._waiting.values())
        if fault and not self.cycle_fault and self._controls.anything:
            self._controls.fall_back()
        self.cycle_fault = fault

    @property
    def cycle_s(self) -> float:
        """The pattern's cycle, or all stages at their maximum."""
        if self._coordinator.pattern:
            return self._coordinator.pattern.cycle_s
        phases = self._tables.phases
        return sum(max(phases[n].maximum_s + phases[n].clearance_s for n in stage) for stage in self._tables.stages)

    def _omitted(self, n: int) -> bool:
        mask = self._controls.mask
        omitted = mask("omit", n) or (self._tables.phases[n].pedestrian and mask("pedestrian_omit", n))
        return omitted and not self.cycle_fault

    def _held(self, n: int) -> bool:
        """TS 2 ch. 3, hold: a phase on hold keeps its green; so does any under manual control, until it is advanced."""
        if self.manual:
            return not self.advance
        return self._controls.mask("hold", n) and not self.cycle_fault

    # Service

    def _serve(self, target: frozenset[int] | None) -> None:
        if target is None:
            self.next = self._choose()
        else:
            self._coming.clear()
            self.next = sorted(n for n in target if not self.phases[n].on and self.phases[n].rested(self.run))
        self._time_maxima()
        for q in self.next:
            self._make_way(q, target)
        self._end_by_themselves(target)
        self._follow_hosts()
        begun = [q for q in self.next if self._free(q)]
        for q in begun:
            self._begin(q)
        if begun:
            self._follow_hosts()

    def _choose(self) -> list[int]:
        """What comes next, at most one phase a ring, in the order of barriers and rings."""
        chosen = sorted(self._coming)  # TS 2 ch. 3: phase next is decided as green ends
        wanted = [n for n in self.calls if n not in self._coming and self._eligible(n)]
        for n in sorted(wanted, key=self._distance):
            if all(self._together(n, m) for m in chosen):
                chosen.append(n)
        return chosen + self._dual_entries(chosen) if chosen else chosen

    def _eligible(self, n: int) -> bool:
        return self.phases[n].rested(self.run) and self._coordinator.open(n) and not self._omitted(n)

    def _together(self, n: int, m: int) -> bool:
        return m in self._tables.phases[n].concurrency

    def _distance(self, n: int) -> tuple[int, int]:
        """Barriers to cross, then the place in the order; what this side has served waits for the next turn."""
        steps = (self._tables.barrier_of[n] - self._side) % self._sides
        ring, phases = self._tables.phases[n].ring, self.phases.items()
        later = (p.on and p.table.ring == ring and self._rank[m] > self._rank[n] for m, p in phases)
        passed = steps == 0 and (n in self._served or any(later))
        return self._sides if passed else steps, self._rank[n]

    def _dual_entries(self, chosen: list[int]) -> list[int]:
        """Dual entry (phaseOptions bit 10): a ring without a call goes along where a stage has its phase."""
        if self._coordinator.pattern:
            return []
        staying = {m for m, p in self.phases.items() if p.green and all(self._together(m, q) for q in chosen)}
        company = staying.union(chosen)
        stage = next((stage for stage in self._tables.stages if company <= stage), company)
        return sorted(n for n in stage - company if not self._tables.phases[n].pedestrian and self._eligible(n))

    def _blocking(self, q: int) -> list[int]:
        """Phases that are on and must be red before `q` may be green."""
        return [m for m in self._foes[q] if self.phases[m].on]

    def _free(self, q: int) -> bool:
        others = (o for n, o in self.overlaps.items() if not (n == q and self._goes_over(n)))
        displayed = any(o.on and q in o.table.blocks for o in others)
        return not displayed and not self.phases[q].on and not self._blocking(q)

    def _time_maxima(self) -> None:
        """Maximum green runs while a call waits that conflicts (Signal Timing Manual, ch. 6)."""
        blocking = {m for q in self.next for m in self._blocking(q)}
        for n, phase in self.phases.items():
            if n not in blocking:
                phase.conflict_since = None
            elif phase.conflict_since is None:
                phase.conflict_since = self.run

    def _make_way(self, q: int, target: frozenset[int] | None) -> None:
        """End the greens in the way of `q`, all at once, as soon as each may end."""
        reasons = {m: self._may_end(m, target) for m in self._blocking(q) if self.phases[m].green}
        if reasons and all(reasons.values()):
            for m, why in reasons.items():
                self._end(m, why)
            self._coming.add(q)

    def _may_end(self, n: int, target: frozenset[int] | None) -> int:
        """The event that would tell why its green ends, or 0 while it may not."""
        phase = self.phases[n]
        if not phase.minimum_over(self.run):
            return 0
        if target is not None:
            return PREEMPTED
        if self._held(n):
            return 0
        if self._forced(n) or self.manual:
            return FORCED_OFF
        if self._coordinator.pattern:
            return 0 if self._coordinator.open(n) else FORCED_OFF
        if phase.maxed_out(self.run) and not self._in_ring("maximum_inhibit", n):
            return MAXED_OUT
        return GAPPED_OUT if phase.table.pedestrian or phase.gapped_out(self.run) else 0

    def _forced(self, n: int) -> bool:
        """TS 2 ch. 3, force-off: it ends the extension of green where a conflicting call can be served, not before."""
        return self._controls.mask("force_off", n) or self._in_ring("force_off", n)

    def _in_ring(self, name: str, n: int) -> bool:
        return bool(self._controls.ring_masks[name] >> (self._tables.phases[n].ring - 1) & 1)

    def _end_by_themselves(self, target: frozenset[int] | None) -> None:
        """Walk gives way to its clearance by itself (TS 2 ch. 3): held, or in its window, it rests."""
        for n, phase in self.phases.items():
            stays = n in target if target is not None else not phase.table.pedestrian
            if phase.green and not stays:
                why = self._may_end(n, target)
                if why:
                    self._end(n, why)

    # Intervals

    def _follow_hosts(self) -> None:
        if not self.overlaps:
            return
        greens = self.vehicle_greens
        for n, overlap in self.overlaps.items():
            hosted = greens in overlap.table.hosts and not (n in self.phases and self.phases[n].on)
            if not overlap.tick(self.run, hosted or self._goes_over(n)):
                continue
            self.changes += 1
            if overlap.interval in (Interval.GREEN, Interval.YELLOW):
                self._note(32 if overlap.interval is Interval.GREEN else 33, n)

    def _goes_over(self, n: int) -> bool:
        """Whether a permissive display waits for its own phase to turn green in its place."""
        overlap = self.overlaps.get(n)
        return bool(overlap and overlap.table.direct and overlap.interval is Interval.GREEN and n in self._coming)

    def _begin(self, n: int) -> None:
        if self._goes_over(n):
            self.overlaps[n].absorb(self.run)
            self._note(33, n)
        self.phases[n].begin(self.run)
        self._coming.discard(n)
        if self._tables.barrier_of[n] != self._side:
            self._side = self._tables.barrier_of[n]
            self._served.clear()
        self._served.add(n)
        self._tell(n)

    def _end(self, n: int, why: int) -> None:
        self._note(why, n)
        self._note(TERMINATED, n)
        self.phases[n].end(self.run)
        self._controls.clear_bit("force_off", n)
        self._tell(n)

    def _tell(self, n: int) -> None:
        self.changes += 1
        phase = self.phases[n]
        if phase.table.pedestrian:
            codes = WALK_EVENTS_OF[phase.interval]
        elif phase.interval is Interval.RED and not phase.table.red_clearance_s:
            codes = (9, 12)
        else:
            codes = EVENTS_OF[phase.interval]
        for code in codes:
            self._note(code, n)
