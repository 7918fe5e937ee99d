"""What stages a signal has: its plan's green patterns in order, or the compatible sets of its phases.

A program of fixed rows is told row by row (`simulation.sheets`). Where there is no such order - ring-and-barrier
programs, branches, greens of a second - the stages are the pairs of phases that the rings allow, or the green rows
themselves; what these leave out is served by maximal sets of compatible signal groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation.compatible import maximal_states
from simulation.heads import Heads
from simulation.passages import passages_of
from simulation.programs import NEMA, Program, Row
from simulation.rings import ring_states
from simulation.sheets import MINIMUM_GREEN_S, SHORT_ROW_S, Passage, Sheet, green_s, merged, read_sheet

SHORTEST_STAGE_S = 3.0
"""Shorter greens are steps between stages that a plan does not tell apart from them."""
KINDS = ("static", "actuated", "delay_based", NEMA)


class KeepsOwnPlanError(Exception):
    """A signal that cannot be told in stages, with the reason."""


@dataclass
class Stages:
    """`states` are the stages; per program its `sheets`, or in `untold` why it has none."""

    states: list[str] = field(default_factory=list)
    minimum_green_s: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Per state the least of its minimum greens, and where that comes from."""
    planned_s: dict[str, float] = field(default_factory=dict)
    """Per state the shortest green that a plan gives it."""
    passages: list[Passage] = field(default_factory=list)
    sheets: dict[str, Sheet] = field(default_factory=dict)
    untold: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    """How the stages were found, in clauses."""

    def add(self, state: str, minimum_s: tuple[float, str], planned_s: float) -> None:
        """A green pattern; seen again, the shorter of its times count."""
        if state not in self.states:
            self.states.append(state)
        self.minimum_green_s[state] = min(minimum_s, self.minimum_green_s.get(state, minimum_s), key=lambda m: m[0])
        self.planned_s[state] = min(planned_s, self.planned_s.get(state, planned_s))


def find_stages(programs: Sequence[Program], heads: Heads) -> Stages:
    """The stages of all programs that run. Raises `KeepsOwnPlanError`."""
    found = Stages()
    for program in programs:
        if program.kind not in KINDS:
            raise KeepsOwnPlanError(f"a {program.kind} program cannot be told in stages")
        if program.kind == NEMA:
            _of_rings(found, program, heads)
        elif not _row_by_row(found, program, heads):
            _of_rows(found, program)
    _serve_the_rest(found, programs, heads)
    _check(found, heads)
    return found


def _row_by_row(found: Stages, program: Program, heads: Heads) -> bool:
    """Whether the plan can be told: its rows have an order, every green lasts, and nobody is left out."""
    rows = merged(program.rows)
    sheet = None if program.following else read_sheet(rows)
    reason = _why_untold(program, rows, sheet, heads)
    if sheet is None or reason:
        found.untold[program.name] = reason
        return False
    for passage in sheet.passages:
        found.add(passage.green.state, green_s(passage.green), passage.green.duration_s)
    found.passages += sheet.passages
    found.sheets[program.name] = sheet
    found.sources.append(f"plan: green rows {_numbers(p.green for p in sheet.passages)}")
    return True


def _why_untold(program: Program, rows: Sequence[Row], sheet: Sheet | None, heads: Heads) -> str:
    if program.following:
        branching = [r for r, after in zip(program.rows, program.following, strict=True) if len(after) > 1]
        jumps = (r for k, r in enumerate(program.rows) if program.following[k] != ((k + 1) % len(program.rows),))
        return f"rows {_numbers(branching or list(jumps))} have no fixed order (next)"
    if sheet is None:
        return "no row is a stage"
    short = [p.green for p in sheet.passages if p.green.duration_s < SHORTEST_STAGE_S]
    if short:
        return f"rows {_numbers(short)} are green for less than {SHORTEST_STAGE_S:g} s"
    told = {link for state in sheet.states for link in greens_of(state)}
    lost = sorted({link for row in rows for link in row.greens} - told - set(heads.always))
    if lost:
        only = [row for row in rows if lost[0] in row.greens]
        return f"link {lost[0]} is green only between stages, in rows {_numbers(only)}"
    return ""


def _of_rings(found: Stages, program: Program, heads: Heads) -> None:
    names = " ".join(row.name for row in program.rows)
    found.untold[program.name] = f"rows {_numbers(program.rows)} are NEMA phases {names} in rings, in no fixed order"
    for state, phases in ring_states(program, heads):
        minimum = max(((row.minimum_s or 0.0), f"minDur of row {row.number}") for row in phases)
        found.add(state, minimum, float("inf"))
    found.sources.append("compatible pairs of the NEMA phases of ring 1 and ring 2")


def _of_rows(found: Stages, program: Program) -> None:
    """Rows that stand for long enough and let somebody go, in the order of the file, whatever follows what."""
    rows = [r for r in merged(program.rows) if r.greens and not r.changes and r.duration_s >= SHORTEST_STAGE_S]
    wider = [r for r in rows if not _step_of_another(r, rows)]
    for row in wider:
        found.add(row.state, green_s(row), row.duration_s)
    if program.following:
        found.passages += passages_of(program, {row.state for row in wider})
    if wider:
        found.sources.append(f"green rows {_numbers(wider)}")


def _step_of_another(row: Row, rows: Sequence[Row]) -> bool:
    """A short row whose greens all go on in another: a clearance through which they stay green."""
    return row.duration_s < SHORT_ROW_S and any(row.greens < other.greens for other in rows)


def _serve_the_rest(found: Stages, programs: Sequence[Program], heads: Heads) -> None:
    """Maximal sets of compatible groups, where some are green in no stage so far."""
    rows = [row for p in programs if p.kind != NEMA for row in p.rows]
    served = {link for state in found.states for link in greens_of(state)}
    lost = {link for row in rows for link in row.greens} - served - set(heads.always)
    few = len(found.states) < 2
    if not rows or not (lost or few):
        return
    for state in maximal_states(rows, heads):
        if state not in found.states and (few or lost & greens_of(state)):
            found.add(state, (MINIMUM_GREEN_S, f"{MINIMUM_GREEN_S:g} s: no row shows this stage"), float("inf"))
    found.sources.append("maximal sets of compatible signal groups")


def greens_of(state: str) -> set[int]:
    """The links that a state has green."""
    return {link for link, letter in enumerate(state) if letter in "Gg"}


def _check(found: Stages, heads: Heads) -> None:
    if len(found.states) < 2:
        why = "; ".join(found.untold.values())
        count = f"{len(found.states)} stage{'' if len(found.states) == 1 else 's'}"
        raise KeepsOwnPlanError(f"its program has {count}" + (f": {why}" if why else ""))
    dark = {k for state in found.states for k, c in enumerate(state) if c in "oO"} - set(heads.always)
    if dark:
        raise KeepsOwnPlanError(f"link {min(dark)} is dark or blinks in a stage (o)")


def _numbers(rows: object) -> str:
    return ", ".join(str(n) for n in sorted({row.number for row in rows}))  # type: ignore[attr-defined]
