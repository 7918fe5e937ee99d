"""Ring-and-barrier programs (NEMA): what one phase of each ring shows together."""

from __future__ import annotations

from collections.abc import Iterable

from simulation.heads import Heads
from simulation.programs import Program, Row

STRENGTH = "rsgG"
"""Of what two rings show a head, the stronger counts."""


def ring_states(program: Program, heads: Heads) -> list[tuple[str, tuple[Row, ...]]]:
    """(state, its phases) of each pair of compatible phases, or of one that has no partner, in the rings' order.

    Phases of two rings are compatible between the same barriers, if no two protected movements of theirs cross.
    """
    phase = {row.name: row for row in program.rows}
    sides = [_sides(program, ring) for ring in ("ring1", "ring2")]
    found: list[tuple[str, tuple[Row, ...]]] = []
    for k in range(max(len(side) for side in sides)):
        first, second = ([phase[n] for n in side[k] if n in phase] if k < len(side) else [] for side in sides)
        pairs = [(a, b) for a in first for b in second if not _conflict(a.state, b.state, heads)]
        paired = {row.number for pair in pairs for row in pair}
        alone = [(row,) for row in (*first, *second) if row.number not in paired]
        found += [(together(row.state for row in rows), rows) for rows in (*pairs, *alone)]
    return found


def _sides(program: Program, ring: str) -> list[list[str]]:
    """A ring's phases between one barrier and the next."""
    barriers = set(_names(program, "barrierPhases"))
    sides: list[list[str]] = [[]]
    for name in _names(program, ring):
        sides[-1].append(name)
        if name in barriers:
            sides.append([])
    return [side for side in sides if side]


def _names(program: Program, key: str) -> list[str]:
    """Phase names of a parameter; 0 stands for none."""
    listed = program.parameters.get(key, "").replace(",", " ").split()
    return [name for name in listed if name != "0"]


def _conflict(first: str, second: str, heads: Heads) -> bool:
    protected = [[k for k, c in enumerate(state) if c == "G"] for state in (first, second)]
    return any(b in heads.foes[a] for a in protected[0] for b in protected[1])


def together(states: Iterable[str]) -> str:
    """What several phases show at once."""
    return "".join(max(column, key=_strength) for column in zip(*states, strict=True))


def _strength(letter: str) -> int:
    return STRENGTH.find(letter)
