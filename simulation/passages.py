"""The ways of a program that branches (`next`) from one of its stages to another."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simulation.programs import Program, Row
from simulation.sheets import Passage

LONGEST_WAY = 10
"""Rows between two stages; a longer chain is not followed."""


def passages_of(program: Program, stages: Collection[str]) -> list[Passage]:
    """Every way through rows that are no stage."""
    starts = [k for k, row in enumerate(program.rows) if row.state in stages]
    return [p for k in starts for after in program.following[k] for p in _ways(program, stages, k, after, ())]


def _ways(
    program: Program, stages: Collection[str], start: int, at: int, between: tuple[Row, ...]
) -> Iterator[Passage]:
    row = program.rows[at]
    if row.state in stages:
        yield Passage(program.rows[start], between, row.state)
    elif len(between) < LONGEST_WAY and row not in between:
        for after in program.following[at]:
            yield from _ways(program, stages, start, after, (*between, row))
