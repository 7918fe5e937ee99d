"""What lamps and loops do, as a cabinet would log it: high-resolution events for signal performance measures.

Lamps change at the begin of the step in which vehicles first obey them; when a vehicle comes onto a loop and leaves it
SUMO knows within the step. A loop that one vehicle leaves while another stands on it stays on, as in the street. The
end of red clearance is the phase's own time after red begins, since heads do not show it. How a green ended is logged
where a controller of ours ended it: gap-out or max-out if that was its reason, else force-off; where the street's own
plan ended it nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from formats.write_events import write_events
from signals.intersection import Aspect, Intersection
from signals.layout import Layout
from signals.values import TRANSITION, Mode, Record
from simulation.programs import ASPECT_OF
from simulation.sumo import Sumo

PHASE_ON, BEGIN_GREEN, GAP_OUT, MAX_OUT, FORCE_OFF, GREEN_TERMINATION = 0, 1, 4, 5, 6, 7
BEGIN_YELLOW, END_YELLOW, BEGIN_RED_CLEARANCE, END_RED_CLEARANCE, INACTIVE = 8, 9, 10, 11, 12
WALK, CLEARANCE, DONT_WALK, PEDESTRIAN_CALL, OFF, ON = 21, 22, 23, 45, 81, 82
REASONS = {"gap-out": GAP_OUT, "max-out": MAX_OUT}
GREEN, YELLOW, RED = 2, 1, 0
SHOWN = {Aspect.GREEN: GREEN, Aspect.PERMISSIVE: GREEN, Aspect.YELLOW: YELLOW}
FUNCTIONS = {"stop_line": "Presence", "advance": "Advance"}
Event = tuple[float, str, int, int]  # time_s, device, code, parameter


@dataclass
class _Lamps:
    """A junction's phases: the first link of each of their heads, and what they showed last."""

    intersection: Intersection
    links: dict[int, tuple[int, ...]]
    crossings: frozenset[int]
    shown: dict[int, int] = field(default_factory=dict)
    text: str = ""
    reason: int = 0


@dataclass
class _Loop:
    """A junction's detector: its channel, and whether it was on."""

    device: str
    channel: int
    on: bool = False


class EventLog:
    """Look once a step, tell of each tick, write at the end."""

    def __init__(self, sumo: Sumo, layout: Layout, links: Mapping[str, Sequence[Sequence[int]]]) -> None:
        self._sumo = sumo
        self._junctions = [_lamps(each, links[each.id]) for each in layout.intersections]
        self._loops = {
            detector.id: _Loop(each.id, channel)
            for each in layout.intersections
            for channel, detector in enumerate(each.detectors, 1)
        }
        self._calls = np.zeros(layout.has_head.shape, bool)
        self._events: list[Event] = []
        self._seen_s = sumo.time_s
        self.look(sumo.time_s)

    def look(self, now_s: float) -> None:
        """After a step of SUMO."""
        for lamps in self._junctions:
            text = self._sumo.state(lamps.intersection.id)
            if text != lamps.text:
                self._events += _changes(lamps, text, self._seen_s)
        elapsed_s = now_s - self._seen_s
        for name, loop in self._loops.items():
            if loop.on or self._sumo.loop_quiet_s(name) <= elapsed_s:
                vehicles = self._sumo.loop_vehicles(name)
                self._events += _edges(loop, vehicles, self._seen_s, now_s)
        self._seen_s = now_s

    def decided(self, record: Record) -> None:
        """After a tick: why a stage is left, and who calls now."""
        snapshot, command = record.snapshot, record.command
        self._events += self._called(snapshot.calls, snapshot.time_s)
        leaves = (command.mode == Mode.GO) & (command.stage != snapshot.stage) & (snapshot.stage != TRANSITION)
        for row in np.flatnonzero(leaves):
            why = record.decision.reason(int(row))
            found = (code for name, code in REASONS.items() if why.startswith(name))
            self._junctions[row].reason = next(found, FORCE_OFF)

    def _called(self, calls: np.ndarray, now_s: float) -> Iterator[Event]:
        for row, head in np.argwhere(calls & ~self._calls):
            intersection = self._junctions[row].intersection
            phase = intersection.phase_of(intersection.signal_groups[head].id)
            yield now_s, intersection.id, PEDESTRIAN_CALL, phase.number
        self._calls = calls.copy()

    def write(self, file: Path) -> list[Path]:
        """The log as Parquet, a device a junction, and beside it which phase each channel serves."""
        events = sorted(self._events)
        frame = pd.DataFrame(events, columns=["time_s", "device", "code", "parameter"])
        file.parent.mkdir(parents=True, exist_ok=True)
        places = file.with_suffix(".detectors.csv")
        rows = [row for lamps in self._junctions for row in _places(lamps.intersection)]
        pd.DataFrame(rows, columns=["DeviceId", "Phase", "Parameter", "Function"]).to_csv(places, index=False)
        part = file.with_suffix(".part.parquet")
        write_events(part, [frame])
        return [part.replace(file), places]


def _lamps(intersection: Intersection, links: Sequence[Sequence[int]]) -> _Lamps:
    first = {group.id: link[0] for group, link in zip(intersection.signal_groups, links, strict=True)}
    kinds = {group.id: group.kind for group in intersection.signal_groups}
    crossings = [
        phase.number
        for phase in intersection.phases
        if all(kinds[each] == "pedestrian" for each in phase.signal_groups)
    ]
    of_phase = {phase.number: tuple(first[each] for each in phase.signal_groups) for phase in intersection.phases}
    return _Lamps(intersection, of_phase, frozenset(crossings))


def _places(intersection: Intersection) -> Iterator[tuple[str, int, int, str]]:
    """As ATSPM tools ask for it; a detector's phase is that of the first signal group that its lanes serve."""
    groups = {group.id: group for group in intersection.lane_groups}
    for channel, detector in enumerate(intersection.detectors, 1):
        phase = intersection.phase_of(groups[detector.lane_groups[0]].signal_groups[0])
        yield intersection.id, phase.number, channel, FUNCTIONS[detector.kind]


def _changes(lamps: _Lamps, text: str, now_s: float) -> Iterator[Event]:
    """What phases log when the heads of their junction change; nothing of what stood when the log began."""
    device, lamps.text = lamps.intersection.id, text
    for phase in lamps.intersection.phases:
        shown = max(SHOWN.get(ASPECT_OF.get(text[link], Aspect.RED), RED) for link in lamps.links[phase.number])
        before = lamps.shown.get(phase.number)
        lamps.shown[phase.number] = shown
        if before is None or before == shown:
            continue
        codes = list(_codes(before, shown, lamps.reason, phase.number in lamps.crossings))
        yield from ((now_s, device, code, phase.number) for code in codes)
        if BEGIN_RED_CLEARANCE in codes:
            clear_s = now_s + phase.red_clearance_s
            yield from ((clear_s, device, code, phase.number) for code in (END_RED_CLEARANCE, INACTIVE))
    if GREEN not in lamps.shown.values():
        lamps.reason = 0


def _codes(before: int, shown: int, reason: int, crossing: bool) -> Iterable[int]:
    if shown == GREEN:
        yield from (PHASE_ON, BEGIN_GREEN)
        yield from [WALK] if crossing else []
        return
    if before == GREEN:
        yield from [reason] if reason else []
        yield from (GREEN_TERMINATION, BEGIN_YELLOW)
        yield from (CLEARANCE, DONT_WALK) if crossing else ()
    if shown == RED:
        yield from (END_YELLOW, BEGIN_RED_CLEARANCE)


def _edges(loop: _Loop, vehicles: Sequence[tuple[float, float]], from_s: float, now_s: float) -> Iterator[Event]:
    """Ons and offs of one step; a vehicle that is still there has left at a negative time."""
    known = ((max(entered_s, from_s), left_s if left_s >= 0 else np.inf) for entered_s, left_s in vehicles)
    spans = sorted((entered_s, left_s) for entered_s, left_s in known if left_s > entered_s)
    until_s = from_s if loop.on else -np.inf
    for entered_s, left_s in spans:
        if entered_s > until_s:
            if loop.on:
                yield until_s, loop.device, OFF, loop.channel
            yield entered_s, loop.device, ON, loop.channel
            loop.on = True
        until_s = max(until_s, left_s)
    if loop.on and until_s <= now_s:
        yield until_s, loop.device, OFF, loop.channel
        loop.on = False
