"""Traffic counts: turns or links by interval, from a CSV table or SUMO's own XML.

The table's columns: `begin` and `end` of the interval (seconds, hh:mm or hh:mm:ss), `from` (an edge), `to` (the edge
that it turns into; empty or no such column: all that pass the edge `from`), and one of `count` (vehicles in the
interval) and `veh_per_h`. XML: `<interval>` with `<edgeRelation from to count>` or `<edge id entered>` (or `count`).
"""

import csv
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios.flows import parse_time_s
from scenarios.street_graph import StreetGraph
from scenarios.xml_files import open_packed, parse_starts
from signals.errors import ConfigError

COLUMNS = ("begin", "end", "from", "to", "count", "veh_per_h")
NEEDED = ("begin", "end", "from")
SEPARATORS = ",;\t"
XML_STARTS = (b"<", b"\xef\xbb\xbf<", b"\x1f\x8b", b"BZ")


@dataclass(frozen=True)
class Count:
    """Vehicles that passed a place in an interval: a turn from edge to edge, or a link where `edges` is one."""

    begin_s: float
    end_s: float
    edges: tuple[str, ...]
    vehicles: int
    where: str  # file and line, for messages

    @property
    def place(self) -> str:
        """The turn or link in words."""
        return " > ".join(self.edges)


def read_counts(path: Path, streets: StreetGraph) -> list[Count]:
    """All counts of a file, checked against the network and against each other."""
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    with path.open("rb") as stream:
        is_xml = stream.read(8).lstrip().startswith(XML_STARTS)
    counts = list(_from_xml(path) if is_xml else _from_table(path))
    if not counts:
        raise ConfigError(f"{path}: holds no counts")
    for count in counts:
        _check_place(count, streets)
    _check_once(counts)
    _check_intervals(counts)
    return counts


def _from_table(path: Path) -> Iterator[Count]:
    try:
        with open_packed(path) as stream:
            lines = stream.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is no UTF-8 text ({error.reason})") from error
    told = [(number, line) for number, line in enumerate(lines, start=1) if line.strip() and not line.startswith("#")]
    if not told:
        raise ConfigError(f"{path}: is empty; its first line must name the columns {', '.join(COLUMNS)}")
    first, heading = told[0]
    separator = max(SEPARATORS, key=heading.count)
    columns = [name.strip() for name in next(csv.reader([heading], delimiter=separator))]
    _check_columns(f"{path}: line {first}", columns)
    for number, line in told[1:]:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
        if len(cells) != len(columns):
            raise ConfigError(
                f"{path}: line {number}: has {len(cells)} cells, must be {len(columns)} as in line {first}"
            )
        yield _count(f"{path}: line {number}", dict(zip(columns, cells, strict=True)))


def _check_columns(where: str, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in COLUMNS:
            near = difflib.get_close_matches(column, COLUMNS, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{where}: column '{column}' is unknown; nearest: {near}, all: {', '.join(COLUMNS)}")
    missing = [column for column in NEEDED if column not in columns]
    if missing or len(set(columns)) < len(columns):
        wrong = f"lacks the column {missing[0]}" if missing else "names a column twice"
        raise ConfigError(f"{where}: {wrong}; all: {', '.join(COLUMNS)}")
    if ("count" in columns) == ("veh_per_h" in columns):
        raise ConfigError(f"{where}: must have one of the columns count and veh_per_h")


def _count(where: str, given: dict[str, str]) -> Count:
    begin_s, end_s = (_time_s(given[name], f"{where}: column {name}") for name in ("begin", "end"))
    if not end_s > begin_s:
        raise ConfigError(f"{where}: column end: {given['end']} must be after begin, {given['begin']}")
    column = "count" if "count" in given else "veh_per_h"
    number = _number(given[column], f"{where}: column {column}")
    vehicles = number if column == "count" else number * (end_s - begin_s) / 3600.0
    edges = (given["from"], given["to"]) if given.get("to") else (given["from"],)
    return Count(begin_s, end_s, edges, round(vehicles), where)


def _time_s(text: str, subject: str) -> float:
    return parse_time_s(f"{text}:00" if text.count(":") == 1 else text, subject)


def _number(text: str, subject: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise ConfigError(f"{subject}: {text!r} must be a number, 0 or above")
    return value


def _from_xml(path: Path) -> Iterator[Count]:
    counts: list[Count] = []
    interval: dict[str, str] = {}
    line = [0]

    def start(tag: str, given: dict[str, str]) -> None:
        where = f"{path}: line {line[0]}"
        if tag == "interval":
            interval.clear()
            interval.update(given)
        elif tag in ("edge", "edgeRelation") and not given.get("id", "").startswith(":"):
            told = {"begin": interval.get("begin", ""), "end": interval.get("end", "")}
            told |= {"from": given.get("from" if tag == "edgeRelation" else "id", ""), "to": given.get("to", "")}
            number = given.get("count", given.get("entered"))
            if number is None:
                raise ConfigError(f"{where}: a {tag} has no count{' and no entered' if tag == 'edge' else ''}")
            counts.append(_count(where, {**told, "count": number}))

    parse_starts(path, start, line)
    yield from counts


def _check_place(count: Count, streets: StreetGraph) -> None:
    for column, edge in zip(("from", "to"), count.edges, strict=False):
        if edge not in streets.travel_s:
            near = difflib.get_close_matches(edge, streets.travel_s, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{count.where}: column {column}: no car drives on an edge '{edge}'; nearest: {near}")
    if len(count.edges) > 1 and count.edges[1] not in streets.onward[count.edges[0]]:
        leads = ", ".join(streets.onward[count.edges[0]]) or "nowhere"
        wrong = f"no car turns from '{count.edges[0]}' into '{count.edges[1]}'"
        raise ConfigError(f"{count.where}: column to: {wrong}; it leads to: {leads}")


def _check_once(counts: Sequence[Count]) -> None:
    seen: dict[tuple[float, tuple[str, ...]], Count] = {}
    for count in counts:
        other = seen.setdefault((count.begin_s, count.edges), count)
        if other is not count:
            raise ConfigError(
                f"{count.where}: {count.place} is counted twice from {count.begin_s:g} s, also: {other.where}"
            )


def _check_intervals(counts: Sequence[Count]) -> None:
    """One length for all, side by side or with whole ones missing between."""
    first = min(counts, key=lambda count: count.begin_s)
    length_s = first.end_s - first.begin_s
    for count in counts:
        if count.end_s - count.begin_s != length_s or (count.begin_s - first.begin_s) % length_s:
            raise ConfigError(
                f"{count.where}: interval {count.begin_s:g} to {count.end_s:g} s, must be one of {length_s:g} s "
                f"counted on from {first.begin_s:g} s, as in {first.where}"
            )
