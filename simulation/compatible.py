"""Maximal sets of signal groups that may be green together, from the right-of-way matrix and what the rows show.

Groups whose paths cross are compatible only if some row has both green; who yields in that row then yields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from simulation.heads import Heads
from simulation.programs import Row

MOST_STAGES = 24
"""More sets than this are thinned to as few as serve every group."""


def maximal_states(rows: Sequence[Row], heads: Heads) -> list[str]:
    """State strings of the maximal sets, in the order of their first groups."""
    green = [k for k, group in enumerate(heads.groups) if any(group[0] in row.greens for row in rows)]
    friends = {a: {b for b in green if b != a and _compatible(rows, heads, a, b)} for a in green}
    sets = sorted(tuple(sorted(s)) for s in _cliques(set(), set(green), set(), friends))
    if len(sets) > MOST_STAGES:
        sets = _cover(sets, green)
    return list(dict.fromkeys(_state(rows, heads, chosen) for chosen in sets))


def _compatible(rows: Sequence[Row], heads: Heads, a: int, b: int) -> bool:
    return not heads.cross(a, b) or bool(_shown_together(rows, heads, a, b))


def _shown_together(rows: Sequence[Row], heads: Heads, a: int, b: int) -> list[Row]:
    links = {heads.groups[a][0], heads.groups[b][0]}
    return [row for row in rows if links <= row.greens]


def _cliques(chosen: set[int], open_: set[int], done: set[int], friends: Mapping[int, set[int]]) -> Iterator[set[int]]:
    """Maximal cliques by Bron and Kerbosch (1973), with a pivot."""
    if not open_ and not done:
        yield chosen
        return
    pivot = max(sorted(open_ | done), key=lambda k: len(friends[k] & open_))
    for k in sorted(open_ - friends[pivot]):
        yield from _cliques(chosen | {k}, open_ & friends[k], done & friends[k], friends)
        open_, done = open_ - {k}, done | {k}


def _cover(sets: Sequence[tuple[int, ...]], green: Sequence[int]) -> list[tuple[int, ...]]:
    """As few sets as serve every group: always the one that serves most of those left."""
    left, chosen = set(green), []
    while left:
        best = max(sets, key=lambda s: len(left & set(s)))
        chosen.append(best)
        left -= set(best)
    return sorted(chosen)


def _state(rows: Sequence[Row], heads: Heads, chosen: Sequence[int]) -> str:
    letters = dict(heads.always)
    for k, group in enumerate(heads.groups):
        letter = _green_letter(rows, heads, k, chosen) if k in chosen else _red_letter(rows, group[0])
        letters |= dict.fromkeys(group, letter)
    return "".join(letters[link] for link in range(len(letters)))


def _green_letter(rows: Sequence[Row], heads: Heads, k: int, chosen: Sequence[int]) -> str:
    """Protected unless a row has it yield to one of the others, or no row ever protects it."""
    link = heads.groups[k][0]
    foes = [m for m in chosen if m != k and heads.cross(k, m)]
    beside = [row for m in foes for row in _shown_together(rows, heads, k, m)]
    shown = {row.state[link] for row in (beside or rows)} & set("Gg")
    return "g" if (beside and "g" in shown) or shown == {"g"} else "G"


def _red_letter(rows: Sequence[Row], link: int) -> str:
    """Turn on red, where whoever is not green always has it."""
    waiting = {row.state[link] for row in rows} - set("GgyYu")
    return "s" if waiting == {"s"} else "r"
