"""Ring-and-barrier programs (NEMA): what one phase of each ring shows together."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product, zip_longest

from simulation.heads import Heads
from simulation.programs import Program, Row

STRENGTH = "rsgG"
"""Of what two rings show a head, the stronger counts."""


def ring_states(program: Program, heads: Heads) -> list[tuple[str, tuple[Row, ...]]]:
    """(state, its phases) of each pair of compatible phases, or of one that has no partner, in the rings' order: first
    phases at the same place of both rings, then those that overlap where one ring is ahead.

    Phases of two rings are compatible between the same barriers, if no two protected movements of theirs cross.
    """
    phase = {row.name: row for row in program.rows}
    found: list[tuple[str, tuple[Row, ...]]] = []
    for side in _sides(program):
        first, second = ({k: phase[name] for k, name in enumerate(names) if name in phase} for names in side)
        places = sorted(product(first, second), key=lambda place: (abs(place[0] - place[1]), place))
        both = [(first[i], second[j]) for i, j in places]
        pairs = [(a, b) for a, b in both if not _conflict(a.state, b.state, heads)]
        paired = {row.number for pair in pairs for row in pair}
        alone = [(row,) for row in (*first.values(), *second.values()) if row.number not in paired]
        found += [(together(row.state for row in rows), rows) for rows in (*pairs, *alone)]
    return found


def _sides(program: Program) -> list[tuple[list[str], list[str]]]:
    """Both rings' phases between one barrier and the next; 0 keeps a place free.

    A barrier stands where both rings have a phase that the program names as such, or as a coordinated one, which ends
    its side in SUMO's usual order; what that leaves open the right of way decides.
    """
    rings = [_names(program, key) for key in ("ring1", "ring2")]
    marks = {name for key in ("barrierPhases", "barrier2Phases", "coordinatePhases") for name in _names(program, key)}
    sides: list[tuple[list[str], list[str]]] = [([], [])]
    for first, second in zip_longest(*rings, fillvalue="0"):
        sides[-1][0].append(first)
        sides[-1][1].append(second)
        if {first, second} <= marks | {"0"} and {first, second} != {"0"}:
            sides.append(([], []))
    return sides


def _names(program: Program, key: str) -> list[str]:
    return program.parameters.get(key, "").replace(",", " ").split()


def _conflict(first: str, second: str, heads: Heads) -> bool:
    protected = [[k for k, c in enumerate(state) if c == "G"] for state in (first, second)]
    return any(b in heads.foes[a] for a in protected[0] for b in protected[1])


def together(states: Iterable[str]) -> str:
    """What several phases show at once."""
    return "".join(max(column, key=_strength) for column in zip(*states, strict=True))


def _strength(letter: str) -> int:
    return STRENGTH.find(letter)
