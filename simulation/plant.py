"""SUMO as a plant: asked for stages, it shows intervals, and tells what its loops and heads say.

The interval table of `signals.sequencer` is compiled into one SUMO program a junction: a long row for each stage and
a chain of rows for each pair of stages, so that one `setPhase` walks through yellow and clearance by itself. A
junction in local control runs the program that it brought. It is given back in a row of its own plan that shows what
stands, or, where that has none, after yellow and clearance when every head is red. The plan has then lost its offset;
where local control is what was wished for, rather than what the interlock forces, it finds it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signals.errors import PlantError
from signals.intersection import Aspect, Intersection
from signals.layout import Layout
from signals.sequencer import intervals_between, intervals_to_red
from signals.values import TRANSITION, Command, Mode, Snapshot
from simulation.buttons import Buttons
from simulation.coordination import Coordination
from simulation.loops import LoopReader
from simulation.program_changes import ProgramChanges
from simulation.programs import ASPECT_OF, LETTER_OF
from simulation.sumo import Sumo
from simulation.switching import Switching

OUR_PROGRAM = "adaptive-signals"
FOREVER_S = 1_000_000.0
UNKNOWN, GO, RELEASE = np.int8(Aspect.UNKNOWN), int(Mode.GO), int(Mode.RELEASE)


@dataclass(frozen=True)
class _Compiled:
    """One junction's program: rows of (duration, state, next row), and where the way from a stage to another begins.

    `rows_to_red` is where the way from each stage to red for every head begins, and `red` the row where it ends.
    """

    rows: tuple[tuple[float, str, int | None], ...]
    row_between: dict[tuple[int, int], int]
    rows_to_red: tuple[int, ...]
    red: int
    stage_states: dict[str, int]


def compile_program(
    intersection: Intersection, links: Sequence[Sequence[int]], always: Mapping[int, str] | None = None
) -> _Compiled:
    """Stages first (row k is stage k), then the interstage of each pair, then the ways to red."""
    stages, off = intersection.stages, dict(always or {})
    rows: list[tuple[float, str, int | None]] = [
        (FOREVER_S, _state(intersection.stage_aspects(stage), links, off), None) for stage in stages
    ]
    between: dict[tuple[int, int], int] = {}
    for a, start in enumerate(stages):
        for b, end in enumerate(stages):
            intervals = intervals_between(intersection, start, end) if a != b else ()
            between[a, b] = len(rows) if intervals else b
            for k, interval in enumerate(intervals):
                following = len(rows) + 1 if k + 1 < len(intervals) else b
                rows.append((interval.duration_s, _state(interval.aspects, links, off), following))
    red = len(rows)
    rows.append((FOREVER_S, _state([Aspect.RED] * len(intersection.signal_groups), links, off), None))
    to_red = []
    for stage in stages:
        intervals = intervals_to_red(intersection, stage)
        to_red.append(len(rows) if intervals else red)
        for k, interval in enumerate(intervals):
            following = len(rows) + 1 if k + 1 < len(intervals) else red
            rows.append((interval.duration_s, _state(interval.aspects, links, off), following))
    states = {rows[k][1]: k for k in reversed(range(len(stages)))}
    return _Compiled(tuple(rows), between, tuple(to_red), red, states)


def _state(aspects: Sequence[Aspect], links: Sequence[Sequence[int]], always: Mapping[int, str]) -> str:
    letters = {link: LETTER_OF[a] for a, group in zip(aspects, links, strict=True) for link in group} | dict(always)
    return "".join(letters[k] for k in range(len(letters)))


class SumoPlant:
    """All controlled junctions of one simulation. `read` follows each step of the clock, `apply` each decision."""

    def __init__(
        self,
        sumo: Sumo,
        layout: Layout,
        links: Mapping[str, Sequence[Sequence[int]]],
        always: Mapping[str, Mapping[int, str]] | None = None,
        switching: Mapping[str, Switching] | None = None,
    ) -> None:
        self.layout = layout
        self._sumo = sumo
        self._names = [i.id for i in layout.intersections]
        self._links = [links[name] for name in self._names]
        self._compiled = [compile_program(i, links[i.id], (always or {}).get(i.id)) for i in layout.intersections]
        self._loops = [name for _, name in layout.loops]
        self._check_loops()
        junctions, heads = layout.has_head.shape
        self._own_program, self._own_rows = [""] * junctions, [[""]] * junctions
        for row in range(junctions):
            self._note_own_program(row)
        self._changes = ProgramChanges(sumo, self._names, switching or {})
        self._coordination = Coordination(sumo, self._names, [self._least_green_s(row) for row in range(junctions)])
        self._installed = np.zeros(junctions, bool)
        self._local = np.ones(junctions, bool)  # as stage and aspects replaced, never changed: snapshots hold them
        self._shown = [""] * junctions
        self._stage = np.full(junctions, TRANSITION)
        self._aspects = np.full((junctions, heads), UNKNOWN, np.int8)
        self._decoded: list[dict[str, tuple[int, np.ndarray]]] = [{} for _ in self._names]
        self._leaving = [False] * junctions
        self._expires_s = np.inf
        self._buttons = Buttons(sumo, layout)
        self._reader = LoopReader(sumo, self._loops)
        self._all_healthy = np.ones(len(self._loops), bool)

    def _check_loops(self) -> None:
        missing = sorted(set(self._loops) - self._sumo.loops())
        if missing:
            raise PlantError(f"detector {missing[0]}: not in the simulation ({len(missing)} missing)")

    def read(self) -> Snapshot:
        """Loops and heads as they are now."""
        now_s = self._sumo.time_s
        volume, occupancy = self._reader.read(now_s)
        self._read_heads()
        if now_s > self._expires_s:
            self._release_all()
        for row in self._changes.due(now_s):
            self._leaving[row] = not self._local[row]
        if True in self._leaving:
            self._leave_where_confirmed()
        self._coordination.correct(now_s)
        presence = occupancy > 0
        return Snapshot(
            now_s,
            volume,
            occupancy,
            presence,
            self._all_healthy,
            self._stage,
            self._aspects,
            self._local,
            self._buttons.read(self._aspects, presence),
        )

    def _read_heads(self) -> None:
        before, self._shown = self._shown, [*map(self._sumo.state, self._names)]
        if self._shown == before:
            return
        self._stage, self._aspects = self._stage.copy(), self._aspects.copy()
        for row, text in enumerate(self._shown):
            if text != before[row]:
                self._stage[row], self._aspects[row] = self._decode(row, text)

    def _decode(self, row: int, text: str) -> tuple[int, np.ndarray]:
        known = self._decoded[row].get(text)
        if known is None:
            aspects = np.full(self._aspects.shape[1], Aspect.RED, np.int8)
            for k, group in enumerate(self._links[row]):
                aspects[k] = ASPECT_OF.get(text[group[0]], Aspect.UNKNOWN)
            known = self._compiled[row].stage_states.get(text, TRANSITION), aspects
            self._decoded[row][text] = known
        return known

    def apply(self, command: Command) -> None:
        """Leave for the stages asked for; a command that asks nothing new only renews the lease."""
        self._expires_s = command.expires_s
        modes, stages = command.mode.tolist(), command.stage.tolist()
        if self._coordination.out_of_step:
            self._coordination.wished = (command.mode == RELEASE) & (command.refusal == 0)
        shown = zip(self._stage.tolist(), self._local.tolist(), strict=True)
        for row, (current, local) in enumerate(shown):
            if modes[row] == GO and (local or stages[row] != current):
                self._go(row, current, stages[row], local)
            elif modes[row] == RELEASE and not local:
                self._leaving[row] = True

    def _go(self, row: int, current: int, stage: int, local: bool) -> None:
        if current == TRANSITION or row in self._changes.rows:
            return  # the junction's own interstage, or its change of program, ends before we take it over
        self._leaving[row] = False
        if local:
            self._take(row, current)
        if stage != current:
            self._sumo.show_row(self._names[row], self._compiled[row].row_between[current, stage])

    def _take(self, row: int, stage: int) -> None:
        name = self._names[row]
        self._note_own_program(row)
        self._coordination.leave(row)
        if not self._installed[row]:
            self._sumo.set_program(name, self._compiled[row].rows, OUR_PROGRAM)
            self._installed[row] = True
        else:
            self._sumo.trafficlight.setProgram(name, OUR_PROGRAM)
        self._sumo.trafficlight.setPhase(name, stage)
        self._set_local(row, False)

    def _least_green_s(self, row: int) -> dict[str, float]:
        """The minimum green of each stage, by what it shows."""
        least_s = self.layout.stage_minimum_green_s[row].tolist()
        return {state: least_s[stage] for state, stage in self._compiled[row].stage_states.items()}

    def _set_local(self, row: int, local: bool) -> None:
        self._local = self._local.copy()
        self._local[row] = local

    def _release_all(self) -> None:
        self._expires_s = np.inf
        self._coordination.wished = np.zeros(len(self._names), bool)
        for row in np.flatnonzero(~self._local):
            self._leaving[row] = True

    def _note_own_program(self, row: int) -> None:
        """The program to give the street back to, and the rows in which that is possible: rings choose their own."""
        name = self._names[row]
        self._own_program[row] = self._sumo.trafficlight.getProgram(name)
        self._own_rows[row] = [] if self._sumo.runs_in_rings(name) else self._sumo.program_rows(name)

    def _leave_where_confirmed(self) -> None:
        """Give the street back to its own plan, so that no head jumps."""
        for row, leaving in enumerate(self._leaving):
            if not leaving:
                continue
            stage, name = int(self._stage[row]), self._names[row]
            if stage == TRANSITION:
                if self._sumo.trafficlight.getPhase(name) == self._compiled[row].red:
                    self._give_back(row)
            elif self._shown[row] in self._own_rows[row]:
                self._give_back(row)
                self._sumo.trafficlight.setPhase(name, self._own_rows[row].index(self._shown[row]))
            else:
                self._sumo.trafficlight.setPhase(name, self._compiled[row].rows_to_red[stage])

    def _give_back(self, row: int) -> None:
        self._sumo.trafficlight.setProgram(self._names[row], self._own_program[row])
        self._coordination.rejoin(row)
        self._leaving[row] = False
        self._set_local(row, True)

    def release(self) -> None:
        """Ask for local control everywhere; it takes effect as each junction reaches a stage of its own plan."""
        self._release_all()
