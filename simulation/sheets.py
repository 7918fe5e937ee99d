"""A signal program of fixed rows told as a timing sheet: stages, interstages, and the times that the plan shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from simulation.programs import Row

SHORT_ROW_S, HEAD_START_S = 5.0, 3.0
MINIMUM_GREEN_S = 5.0
LOOKING_S = 1.0
"""Who looks every second has seen a green of n seconds for n - 1 when it ends: a plan must not be barred by itself."""


def merged(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows that show the same one after the other as one."""
    found: list[Row] = []
    for row in rows:
        if found and found[-1].state == row.state:
            found[-1] = replace(found[-1], duration_s=found[-1].duration_s + row.duration_s)
        else:
            found.append(row)
    return tuple(found)


@dataclass(frozen=True)
class Passage:
    """From a stage's row through the rows of an interstage to the state of the next stage."""

    green: Row
    between: tuple[Row, ...]
    end: str


@dataclass(frozen=True)
class Sheet:
    """A program told in stages.

    `states` holds one state string a stage; `passages` the plan's sequence; `shift_s` is how long after the program's
    own start its first stage's green begins.
    """

    states: tuple[str, ...]
    passages: tuple[Passage, ...]
    shift_s: float

    @property
    def cycle_s(self) -> float:
        """Length of the program."""
        return sum(p.green.duration_s + sum(r.duration_s for r in p.between) for p in self.passages)


def is_stage(rows: Sequence[Row], index: int) -> bool:
    """Whether a row is a stage rather than a step of an interstage.

    A row with a change interval or without green is none; nor is a short one in which nothing begins (a red clearance
    through which other heads stay green), nor a very short one whose greens all go on in the next row (a head start).
    """
    row = rows[index]
    if row.changes or not row.greens:
        return False
    before, after = rows[index - 1], rows[(index + 1) % len(rows)]
    begins = row.greens - before.greens
    if row.duration_s < HEAD_START_S and (not begins or row.greens <= after.greens):
        return False
    return bool(begins) or not before.changes or row.duration_s >= SHORT_ROW_S


def read_sheet(rows: Sequence[Row]) -> Sheet | None:
    """Tell a program in stages, or None where no row is one."""
    marks = [k for k in range(len(rows)) if is_stage(rows, k)]
    if not marks:
        return None
    states = tuple(dict.fromkeys(rows[mark].state for mark in marks))
    passages = []
    for mark, following in zip(marks, [*marks[1:], marks[0] + len(rows)], strict=True):
        between = tuple(rows[k % len(rows)] for k in range(mark + 1, following))
        passages.append(Passage(rows[mark], between, rows[following % len(rows)].state))
    shift_s = sum(r.duration_s for r in rows[: marks[0]])
    return Sheet(states, tuple(passages), shift_s)


def green_s(row: Row) -> tuple[float, str]:
    """The minimum green of a row's stage, and where it comes from."""
    seen = seen_s(row.duration_s)
    if row.minimum_s is not None and row.minimum_s <= seen:
        return row.minimum_s, f"minDur of row {row.number}"
    if row.minimum_s is None and seen >= MINIMUM_GREEN_S:
        return MINIMUM_GREEN_S, f"{MINIMUM_GREEN_S:g} s: the plan has no minDur"
    return seen, f"plan: green of row {row.number}, less {LOOKING_S:g} s of looking"


def yellow_changes_s(rows: Sequence[Row], link: int) -> list[tuple[float, int]]:
    """How long a link shows yellow, each time that it loses its green, and after which row."""
    ends = _green_ends(rows, link)
    return [(sum(r.duration_s for r in _yellow_after(rows, k, link)), rows[k].number) for k in ends]


def yellows_within_s(rows: Sequence[Row], link: int) -> list[float]:
    """The same within some rows, the last of which is followed by nothing."""
    ends = [k for k, row in enumerate(rows[:-1]) if row.state[link] in "Gg" and rows[k + 1].state[link] not in "Gg"]
    return [sum(r.duration_s for r in takewhile(lambda row: row.state[link] in "yY", rows[k + 1 :])) for k in ends]


def clearances_within_s(rows: Sequence[Row], link: int, foe: int) -> list[float]:
    """Time from the end of a link's green to each beginning of a foe's within some rows."""
    found = []
    for begin in range(1, len(rows)):
        greens = [k for k in range(begin) if rows[k].state[link] in "Gg"]
        if rows[begin].state[foe] in "Gg" and rows[begin - 1].state[foe] not in "Gg" and greens:
            found.append(sum(row.duration_s for row in rows[greens[-1] + 1 : begin]))
    return found


def red_clearances_s(rows: Sequence[Row], link: int, foes: Iterable[int]) -> list[tuple[float, int]]:
    """Time from the end of a link's yellow to the green of a foe that begins before or with the very next stage, and
    after which row the link's green ended.

    A foe that begins within the yellow shows no clearance.
    """
    conflicting, found = set(foes), []
    for end in _green_ends(rows, link):
        yellow = len(_yellow_after(rows, end, link))
        stages = (m for m in range(end + 1, end + len(rows) + 1) if is_stage(rows, m % len(rows)))
        following = next(stages, end + len(rows))
        begins = (m for m in range(end + 1, following + 1) if _begin(rows[end], rows[m % len(rows)], conflicting))
        begin = next(begins, None)
        if begin is not None and begin > end + yellow:
            red_s = sum(rows[m % len(rows)].duration_s for m in range(end + 1 + yellow, begin))
            found.append((red_s, rows[end].number))
    return found


def _begin(before: Row, now: Row, links: set[int]) -> bool:
    return not links.isdisjoint(now.greens - before.greens)


def crossing_clearances_s(rows: Sequence[Row], link: int, foes: Iterable[int]) -> list[float]:
    """Time from each end of a crossing's green until a foe gets the right of way, or more of it than it had."""
    conflicting, found = set(foes), []
    for end in _green_ends(rows, link):
        following = [rows[(end + m) % len(rows)] for m in range(1, len(rows))]
        gained = [_gains(rows[end], row, conflicting) for row in following]
        if any(gained):
            found.append(sum(row.duration_s for row in following[: gained.index(True)]))
    return found


def _gains(before: Row, now: Row, links: Iterable[int]) -> bool:
    return any(now.state[k] in "Gg" and before.state[k] not in ("G", now.state[k]) for k in links)


def seen_s(green_s: float) -> float:
    """How long a green of the plan is sure to have been seen when it ends."""
    return max(0.0, green_s - LOOKING_S)


def shortest_green_s(rows: Sequence[Row], link: int) -> float:
    """The shortest unbroken green that a program gives a link; 0 where it is green always or never."""
    ends = _green_ends(rows, link)
    backwards = ([rows[(end - m) % len(rows)] for m in range(len(rows))] for end in ends)
    greens = (takewhile(lambda row: row.state[link] in "Gg", run) for run in backwards)
    return min((sum(row.duration_s for row in green) for green in greens), default=0.0)


def _green_ends(rows: Sequence[Row], link: int) -> list[int]:
    return [
        k for k, row in enumerate(rows) if row.state[link] in "Gg" and rows[(k + 1) % len(rows)].state[link] not in "Gg"
    ]


def _yellow_after(rows: Sequence[Row], end: int, link: int) -> list[Row]:
    following = [rows[(end + m) % len(rows)] for m in range(1, len(rows))]
    return list(takewhile(lambda row: row.state[link] in "yY", following))
