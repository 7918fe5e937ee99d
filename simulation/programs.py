"""A SUMO signal program read as a timing sheet: stages, interstages, times, and the plan that strings them together.

Here, and only in `simulation/`, a *row* is SUMO's phase: a state string and a duration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from scenarios.flows import parse_time_s
from scenarios.xml_files import elements
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
SHORT_ROW_S, HEAD_START_S = 5.0, 3.0
MINIMUM_GREEN_S = 5.0
LOOKING_S = 1.0
"""Who looks every second has seen a green of n seconds for n - 1 when it ends: a plan must not be barred by itself."""


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
class Program:
    """A signal's program; `branches` says that its rows do not simply follow each other."""

    kind: str
    offset_s: float
    rows: tuple[Row, ...]
    branches: bool


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


def read_programs(signals: Iterable[Any], additional_files: Sequence[Path]) -> dict[str, Program]:
    """Per signal the program loaded last, which is the one SUMO starts with."""
    found = {str(tls.getID()): _of_network(p) for tls in signals for p in tls.getPrograms().values()}
    for path in additional_files:
        for element in elements(path, "tlLogic"):
            name = element.get("id", "")
            if name in found and element.find("phase") is not None:
                found[name] = _of_element(element, f"{path}: tlLogic {name}")
    return found


def _of_network(program: Any) -> Program:
    phases = program.getPhases()
    rows = tuple(Row(p.state, float(p.duration), float(p.minDur) if p.minDur >= 0 else None) for p in phases)
    return Program(program.getType(), float(program.getOffset()), rows, _branch([p.next for p in phases]))


def _of_element(element: Element, subject: str) -> Program:
    phases = element.findall("phase")
    rows = tuple(
        Row(
            p.get("state", ""),
            parse_time_s(p.get("duration", "0"), subject),
            parse_time_s(p.attrib["minDur"], subject) if "minDur" in p.attrib else None,
        )
        for p in phases
    )
    offset_s = parse_time_s(element.get("offset", "0"), subject)
    return Program(element.get("type", "static"), offset_s, rows, _branch([p.get("next", "").split() for p in phases]))


def _branch(following: Sequence[Sequence[int | str]]) -> bool:
    """Whether some row is followed by another one than the next."""
    return any(n and [int(x) for x in n] != [(k + 1) % len(following)] for k, n in enumerate(following))


def merged(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows that show the same one after the other as one."""
    found: list[Row] = []
    for row in rows:
        if found and found[-1].state == row.state:
            found[-1] = replace(found[-1], duration_s=found[-1].duration_s + row.duration_s)
        else:
            found.append(row)
    return tuple(found)


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
    states: list[str] = []
    minimum: list[float] = []
    order = []
    for mark, following in zip(marks, [*marks[1:], marks[0] + len(rows)], strict=True):
        row = rows[mark]
        if row.state not in states:
            states.append(row.state)
            minimum.append(float("inf"))
        stage = states.index(row.state)
        own = min(row.minimum_s if row.minimum_s is not None else MINIMUM_GREEN_S, seen_s(row.duration_s))
        minimum[stage] = min(minimum[stage], own)
        between = tuple(rows[k % len(rows)] for k in range(mark + 1, following))
        order.append((stage, row.duration_s, between))
    shift_s = sum(r.duration_s for r in rows[: marks[0]])
    return Sheet(tuple(states), tuple(order), shift_s, tuple(minimum))


def yellow_changes_s(rows: Sequence[Row], link: int) -> list[float]:
    """How long a link shows yellow, each time that it loses its green."""
    return [sum(r.duration_s for r in _yellow_after(rows, k, link)) for k in _green_ends(rows, link)]


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


def red_clearances_s(rows: Sequence[Row], link: int, foes: Iterable[int]) -> list[float]:
    """Time from the end of a link's yellow to the green of a foe that begins before or with the very next stage.

    A foe that begins within the yellow shows no clearance.
    """
    conflicting, found = set(foes), []
    for end in _green_ends(rows, link):
        yellow = len(_yellow_after(rows, end, link))
        following = next(m for m in range(end + 1, end + len(rows) + 1) if is_stage(rows, m % len(rows)))
        begins = (m for m in range(end + 1, following + 1) if _begin(rows[end], rows[m % len(rows)], conflicting))
        begin = next(begins, None)
        if begin is not None and begin > end + yellow:
            found.append(sum(rows[m % len(rows)].duration_s for m in range(end + 1 + yellow, begin)))
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
