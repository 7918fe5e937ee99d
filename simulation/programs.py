"""A SUMO signal program read as a timing sheet: stages, interstages, times, and the plan that strings them together.

Here, and only in `simulation/`, a *row* is SUMO's phase: a state string and a duration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from signals.intersection import Aspect

ASPECT_OF = {
    "G": Aspect.GREEN,
    "g": Aspect.PERMISSIVE,
    "y": Aspect.YELLOW,
    "Y": Aspect.YELLOW,
    "r": Aspect.RED,
    "u": Aspect.RED_YELLOW,
    "s": Aspect.TURN_ON_RED,
    "o": Aspect.DARK,
    "O": Aspect.DARK,
}
LETTER_OF = {
    Aspect.GREEN: "G",
    Aspect.PERMISSIVE: "g",
    Aspect.YELLOW: "y",
    Aspect.RED: "r",
    Aspect.RED_YELLOW: "u",
    Aspect.TURN_ON_RED: "s",
    Aspect.DARK: "o",
}
SHORT_ROW_S = 5.0
MINIMUM_GREEN_S = 5.0


@dataclass(frozen=True)
class Row:
    """One row of a program; `minimum_s` is its own minDur, if it has one."""

    state: str
    duration_s: float
    minimum_s: float | None = None

    @property
    def changes(self) -> bool:
        """Some head is in a change interval."""
        return any(c in "yYu" for c in self.state)

    @property
    def greens(self) -> frozenset[int]:
        """The link indices that are green."""
        return frozenset(k for k, c in enumerate(self.state) if c in "Gg")


@dataclass(frozen=True)
class Sheet:
    """A program told in stages.

    `states` holds one state string a stage; `order` the plan's sequence as (stage, green_s, rows of the interstage
    after it); `shift_s` is how long after the program's own start its first stage's green begins.
    """

    states: tuple[str, ...]
    order: tuple[tuple[int, float, tuple[Row, ...]], ...]
    shift_s: float
    minimum_green_s: tuple[float, ...]

    @property
    def cycle_s(self) -> float:
        """Length of the program."""
        return sum(green + sum(r.duration_s for r in rows) for _, green, rows in self.order)


def is_stage(rows: Sequence[Row], index: int) -> bool:
    """Whether a row is a stage rather than a step of an interstage.

    A row with a change interval or without green is none; nor is a short one in which nothing begins (a red clearance
    through which other heads stay green).
    """
    row = rows[index]
    if row.changes or not row.greens:
        return False
    before = rows[index - 1]
    begins = row.greens - before.greens
    return bool(begins) or not before.changes or row.duration_s >= SHORT_ROW_S


def read_sheet(rows: Sequence[Row]) -> Sheet | None:
    """Tell a program in stages, or None where no row is one."""
    marks = [k for k in range(len(rows)) if is_stage(rows, k)]
    if not marks:
        return None
    states: list[str] = []
    minimum: list[float] = []
    order = []
    for mark, following in zip(marks, [*marks[1:], marks[0] + len(rows)], strict=True):
        row = rows[mark]
        if row.state not in states:
            states.append(row.state)
            minimum.append(float("inf"))
        stage = states.index(row.state)
        own = row.minimum_s if row.minimum_s is not None else min(MINIMUM_GREEN_S, row.duration_s)
        minimum[stage] = min(minimum[stage], own)
        between = tuple(rows[k % len(rows)] for k in range(mark + 1, following))
        order.append((stage, row.duration_s, between))
    shift_s = sum(r.duration_s for r in rows[: marks[0]])
    return Sheet(tuple(states), tuple(order), shift_s, tuple(minimum))


def yellow_changes_s(rows: Sequence[Row], link: int) -> list[float]:
    """How long a link shows yellow, each time that it loses its green."""
    return [sum(r.duration_s for r in _yellow_after(rows, k, link)) for k in _green_ends(rows, link)]


def red_clearances_s(rows: Sequence[Row], link: int, foes: Iterable[int]) -> list[float]:
    """Time from the end of a link's yellow to the green of a foe that begins with the very next stage."""
    found = []
    for end in _green_ends(rows, link):
        yellow = len(_yellow_after(rows, end, link))
        following = next(m for m in range(end + 1, end + len(rows) + 1) if is_stage(rows, m % len(rows)))
        begins = rows[following % len(rows)].greens - rows[end].greens
        if begins.intersection(foes):
            found.append(sum(rows[m % len(rows)].duration_s for m in range(end + 1 + yellow, following)))
    return found


def _green_ends(rows: Sequence[Row], link: int) -> list[int]:
    return [
        k for k, row in enumerate(rows) if row.state[link] in "Gg" and rows[(k + 1) % len(rows)].state[link] not in "Gg"
    ]


def _yellow_after(rows: Sequence[Row], end: int, link: int) -> list[Row]:
    following = [rows[(end + m) % len(rows)] for m in range(1, len(rows))]
    return list(takewhile(lambda row: row.state[link] in "yY", following))
