"""Tables for a terminal: columns as wide as what is in them, long cells folded, no line beyond the width."""

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

WIDTH = 120
NARROWEST_LAST = 16
GAP, INDENT, TO_THE_RIGHT = "  ", "  ", ">"


def columns(headers: Sequence[str], rows: Sequence[Sequence[str]], indent: str = INDENT) -> list[str]:
    """The table's lines. A header that begins with `>` has its column to the right; the last takes what is left."""
    right = [header.startswith(TO_THE_RIGHT) for header in headers]
    table = [[header.removeprefix(TO_THE_RIGHT) for header in headers], *rows]
    widths = _widths(table, WIDTH - len(indent))
    return [indent + line for row in table for line in _lines(row, widths, right)]


def _widths(table: Sequence[Sequence[str]], room: int) -> list[int]:
    """What the cells take; where that is too much, the widest columns give way."""
    widths = [max(len(line) for cell in column for line in cell.split("\n")) for column in zip(*table, strict=True)]
    room -= len(GAP) * (len(widths) - 1)
    widths[-1] = min(widths[-1], max(NARROWEST_LAST, room - sum(widths[:-1])))
    while sum(widths) > room:
        widths[widths.index(max(widths))] -= 1
    return widths


def _lines(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    folded = [fold(cell, width) for cell, width in zip(row, widths, strict=True)]
    return [
        GAP.join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in zip_longest(*folded, fillvalue="")
    ]


def fold(text: str, width: int) -> list[str]:
    """Lines of at most that width; a name is broken only where it is longer than a line."""
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, width, break_on_hyphens=False)]
    return lines or [""]


def facts(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """A name and its value a line, the value's further lines below its first."""
    return columns(("", ""), pairs, indent="")[1:]
