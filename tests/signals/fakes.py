"""Small junctions made by hand, and a plant of sequencers that shows and tells the truth.

The faults that a plant may have are put between it and the interlock by the tests that want them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.intersection import (
    Aspect,
    Conflict,
    Detector,
    Intersection,
    Interstage,
    Interval,
    LaneGroup,
    Movement,
    Phase,
    SignalGroup,
    Stage,
)
from signals.layout import Layout, layout
from signals.sequencer import Sequencer, intervals_between
from signals.values import TRANSITION, Command, Mode, Snapshot

ASPECT = {
    "G": Aspect.GREEN,
    "g": Aspect.PERMISSIVE,
    "y": Aspect.YELLOW,
    "u": Aspect.RED_YELLOW,
    "r": Aspect.RED,
    "s": Aspect.TURN_ON_RED,
    "o": Aspect.DARK,
    "?": Aspect.UNKNOWN,
}
LOCAL_GREEN_S = 20.0


def aspects(letters: str) -> tuple[Aspect, ...]:
    """Aspects by letter, as in "Gr"."""
    return tuple(ASPECT[letter] for letter in letters)


def junction(
    name: str,
    heads: Mapping[str, tuple[float, float, float]],
    stages: Mapping[str, str],
    conflicts: Mapping[tuple[str, str], tuple[str, ...]],
    interstages: Mapping[tuple[str, str], Sequence[tuple[float, str]]] | None = None,
    minimum_green_s: float = 5.0,
) -> Intersection:
    """A junction of one lane, one loop and one phase a head.

    heads: (minimum green, yellow change, red clearance) by name; stages and interstages: letters in the order of the
    heads; conflicts: the stages in which a pair may be green together.
    """
    phase_of = {head: number for number, head in enumerate(heads, 1)}
    return Intersection(
        id=name,
        lane_groups=tuple(_lane(name, head) for head in heads),
        movements=tuple(
            Movement(
                id=head,
                approach=f"{name}.{head}",
                exit=f"{name}.out",
                turn="through",
                lane_group=f"{name}.{head}",
                signal_group=head,
            )
            for head in heads
        ),
        signal_groups=tuple(SignalGroup(id=head) for head in heads),
        phases=tuple(
            Phase(
                number=phase_of[head],
                signal_groups=(head,),
                minimum_green_s=green,
                yellow_change_s=yellow,
                red_clearance_s=red,
            )
            for head, (green, yellow, red) in heads.items()
        ),
        stages=tuple(_stage(stage, letters, phase_of, minimum_green_s) for stage, letters in stages.items()),
        conflicts=tuple(Conflict(first=a, second=b, yielding_in=y) for (a, b), y in conflicts.items()),
        interstages=tuple(
            Interstage(
                start=start,
                end=end,
                intervals=tuple(Interval(duration_s=s, aspects=aspects(letters)) for s, letters in rows),
            )
            for (start, end), rows in (interstages or {}).items()
        ),
        detectors=tuple(
            Detector(
                id=f"{name}.{head}.{kind}",
                kind=kind,  # type: ignore[arg-type]
                lane=f"{name}.{head}_0",
                lane_groups=(f"{name}.{head}",),
                position_m=94.0 - setback_m,
                setback_m=setback_m,
                length_m=6.0,
            )
            for head in heads
            for kind, setback_m in (("advance", 40.0), ("stop_line", 0.0))
        ),
    )


def _lane(name: str, head: str) -> LaneGroup:
    return LaneGroup(
        id=f"{name}.{head}",
        approach=f"{name}.{head}",
        lanes=(f"{name}.{head}_0",),
        signal_groups=(head,),
        exits=(f"{name}.out",),
        length_m=100.0,
        speed_m_per_s=13.9,
        saturation_flow_veh_per_h=1800.0,
    )


def _stage(name: str, letters: str, phase_of: Mapping[str, int], minimum_green_s: float) -> Stage:
    shown = dict(zip(phase_of, letters, strict=True))
    return Stage(
        name=name,
        phases=tuple(phase_of[head] for head, letter in shown.items() if letter in "Gg"),
        minimum_green_s=minimum_green_s,
        permissive=tuple(head for head, letter in shown.items() if letter == "g"),
        turn_on_red=tuple(head for head, letter in shown.items() if letter == "s"),
    )


@cache
def crossing(name: str = "crossing") -> Intersection:
    """Two streets, two stages; no two times are the same."""
    return junction(
        name,
        heads={"main": (7.0, 4.0, 2.0), "side": (5.0, 3.0, 1.0)},
        stages={"A": "Gr", "B": "rG"},
        conflicts={("main", "side"): ()},
    )


@cache
def protected_left(name: str = "left") -> Intersection:
    """A left turn that yields in A, is protected in B, and in D has a right turn beside it.

    The sheet's own way from A to B takes no longer than the yellow change, since nobody who enters in B has to wait
    for the red clearance of the through street; the right turn does.
    """
    return junction(
        name,
        heads={"through": (8.0, 4.0, 2.0), "left": (6.0, 3.0, 1.0), "side": (5.0, 3.0, 1.5), "right": (4.0, 3.0, 0.0)},
        stages={"A": "Ggrr", "B": "rGrr", "C": "rrGr", "D": "rGrG"},
        conflicts={
            ("through", "left"): ("A",),
            ("through", "side"): (),
            ("left", "side"): (),
            ("side", "right"): (),
            ("through", "right"): (),
        },
        interstages={("A", "B"): ((4.0, "ygrr"),)},
    )


@cache
def turn_on_red(name: str = "red") -> Intersection:
    """A right turn that may go on red beside the main street, and is green with the side street."""
    return junction(
        name,
        heads={"main": (7.0, 4.0, 2.0), "side": (5.0, 3.0, 1.0), "right": (5.0, 3.0, 1.0)},
        stages={"A": "Grs", "B": "rGG"},
        conflicts={("main", "side"): (), ("main", "right"): ()},
    )


def local_green_s(intersection: Intersection, stage: Stage) -> float:
    """How long a junction's own plan holds a stage: long enough for all its heads."""
    least_s = [intersection.phase_of(head).minimum_green_s for head in intersection.green_groups(stage)]
    return max([LOCAL_GREEN_S, *least_s])


class Shown(NamedTuple):
    """What a junction shows from a time on; `stage` is `TRANSITION` in an interstage."""

    time_s: float
    stage: int
    aspects: NDArray[np.int8]


class FakePlant:
    """Sequencers under one clock, which the test moves. Truthful: what is granted is done, and what is done is shown.

    A junction that is released, or whose command has died, follows its own plan: each stage in turn. `offset_s` is how
    far the clock that it tells is from the true one. `history` is what was really shown, by true time; in an
    interstage it runs ahead to the stage that will stand.
    """

    def __init__(self, intersections: Sequence[Intersection], time_s: float = 0.0) -> None:
        self.layout: Layout = layout(intersections)
        self.time_s, self.offset_s = time_s, 0.0
        self.local = np.ones(len(intersections), bool)
        self.presence = np.zeros(len(self.layout.loops), bool)
        self.calls = np.zeros(self.layout.has_head.shape, bool)
        self._local_since_s = [time_s] * len(intersections)
        self._local_green_s = [[local_green_s(i, stage) for stage in i.stages] for i in intersections]
        self._expires_s = np.inf
        self._leaving: set[int] = set()
        self._sequencers = [Sequencer(i, 0, time_s) for i in intersections]
        self._rows: dict[tuple[Aspect, ...], NDArray[np.int8]] = {}
        self._durations_s: dict[tuple[int, int, int], tuple[float, ...]] = {}
        self.history = [[Shown(time_s, 0, self._row(s.aspects(time_s)))] for s in self._sequencers]

    def wait(self, seconds: float) -> None:
        """Let the true time pass; commands die and own plans go on meanwhile."""
        until_s = self.time_s + seconds
        if self._expires_s < until_s:
            self._leaving.update(np.flatnonzero(~self.local).tolist())
            self._leave(self._expires_s)
            self._expires_s = np.inf
        self._leave(until_s)
        for row in np.flatnonzero(self.local).tolist():
            self._follow_own_plan(row, until_s)
        self.time_s = until_s

    def read(self) -> Snapshot:
        """What is shown now, under the clock that the plant tells."""
        now = [self._now(row, self.time_s) for row in range(len(self.history))]
        aspects = np.zeros(self.layout.has_head.shape, np.int8)
        for row, shown in enumerate(now):
            aspects[row, : shown.aspects.size] = shown.aspects
        nothing = np.zeros(len(self.layout.loops))
        return Snapshot(
            time_s=self.time_s + self.offset_s,
            volume_veh=nothing,
            occupancy=nothing,
            presence=self.presence.copy(),
            healthy=nothing == 0,
            stage=np.array([shown.stage for shown in now]),
            aspects=aspects,
            local=self.local.copy(),
            calls=self.calls.copy(),
        )

    def apply(self, command: Command) -> None:
        """Do what is granted."""
        self._expires_s = command.expires_s - self.offset_s
        for row, (mode, stage) in enumerate(zip(command.mode.tolist(), command.stage.tolist(), strict=True)):
            if mode == Mode.GO:
                self._leaving.discard(row)
                if self._now(row, self.time_s).stage != TRANSITION:
                    self.local[row] = False
                    self._request(row, stage, self.time_s)
            elif mode == Mode.RELEASE and not self.local[row]:
                self._leaving.add(row)
        self._leave(self.time_s)

    def recorded(self, row: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """What a junction really showed until now: times, and the aspects [time, head] that each begins."""
        history = self.history[row]
        past = history[: bisect_right(history, self.time_s, key=lambda shown: shown.time_s)]
        return np.array([shown.time_s for shown in past]), np.array([shown.aspects for shown in past])

    def _leave(self, time_s: float) -> None:
        """Local control begins where a stage stands."""
        for row in [row for row in self._leaving if self._now(row, time_s).stage != TRANSITION]:
            self._leaving.discard(row)
            self.local[row], self._local_since_s[row] = True, time_s

    def _follow_own_plan(self, row: int, until_s: float) -> None:
        stages = len(self.layout.intersections[row].stages)
        while True:
            last = self.history[row][-1]
            due_s = max(last.time_s + self._local_green_s[row][last.stage], self._local_since_s[row])
            if due_s > until_s:
                return
            self._request(row, (last.stage + 1) % stages, due_s)

    def _request(self, row: int, stage: int, time_s: float) -> None:
        """Ask the sequencer, and write down what it shows from now until it confirms."""
        sequencer, before = self._sequencers[row], self.history[row][-1].stage
        sequencer.request(stage, time_s)
        if stage == before:
            return
        for duration_s in self._interstage_s(row, before, stage):
            self.history[row].append(Shown(time_s, TRANSITION, self._row(sequencer.aspects(time_s))))
            time_s += duration_s
        assert sequencer.confirmed(time_s) == stage
        self.history[row].append(Shown(time_s, stage, self._row(sequencer.aspects(time_s))))

    def _interstage_s(self, row: int, start: int, end: int) -> tuple[float, ...]:
        if (row, start, end) not in self._durations_s:
            intersection = self.layout.intersections[row]
            intervals = intervals_between(intersection, intersection.stages[start], intersection.stages[end])
            self._durations_s[row, start, end] = tuple(interval.duration_s for interval in intervals)
        return self._durations_s[row, start, end]

    def _row(self, shown: tuple[Aspect, ...]) -> NDArray[np.int8]:
        return self._rows.setdefault(shown, np.array(shown, np.int8))

    def _now(self, row: int, time_s: float) -> Shown:
        return next(shown for shown in reversed(self.history[row]) if shown.time_s <= time_s)
