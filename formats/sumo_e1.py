"""SUMO's induction loop (E1) output: one `<interval>` a loop and period; times are the simulation's."""

from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

import numpy as np
import pandas as pd

from formats.errors import FormatError
from formats.rows import Rows
from formats.source import BLOCK_BYTES, Source, open_bytes

NEEDED = ("id", "begin", "end", "nVehContrib", "occupancy", "speed")


class _Parser:
    """Collects the attributes of each interval with its line; a document type is refused, as E1 output has none."""

    def __init__(self, source: Source) -> None:
        self.found: list[tuple[str, ...]] = []
        self.lines: list[int] = []
        self._source = source
        self._expat = expat.ParserCreate()
        self._expat.StartElementHandler = self._start
        self._expat.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_rest: Any) -> None:
        raise FormatError(f"{self._source.path}: has a document type declaration, which detector output does not have")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name != "interval":
            return
        self._source.findings.rows += 1
        line = self._expat.CurrentLineNumber
        missing = [needed for needed in NEEDED if needed not in attributes]
        if missing:
            self._source.findings.broken.add(f"interval without {', '.join(missing)}", [line])
        else:
            self.found.append(tuple(attributes[needed] for needed in NEEDED))
            self.lines.append(line)

    def feed(self, data: bytes) -> bool:
        """Whether there may be more; a document that breaks off ends the reading and is told."""
        try:
            self._expat.Parse(data, not data)
        except expat.ExpatError as error:
            why = f"not well-formed from here on ({expat.ErrorString(error.code)})"
            self._source.findings.broken.add(why, [error.lineno])
            return False
        return bool(data)

    def take(self) -> pd.DataFrame:
        index = pd.Index(self.lines, dtype="int64")
        frame = pd.DataFrame(self.found, columns=list(NEEDED), index=index, dtype=object)
        self.found, self.lines = [], []
        return frame


def read(source: Source) -> Iterator[pd.DataFrame]:
    parser, total, more = _Parser(source), source.path.stat().st_size, True
    with source.path.open("rb") as raw, open_bytes(source.path, raw) as stream:
        while more:
            more = parser.feed(stream.read(BLOCK_BYTES))
            if parser.found:
                yield _table(parser.take(), source)
            source.progress(min(raw.tell(), total), total)


def _table(block: pd.DataFrame, source: Source) -> pd.DataFrame:
    for name in ("begin", "end"):
        block[name] = block[name].map(_seconds)
    rows = Rows(block, source.findings)
    begin_s, end_s, speed = rows.number("begin"), rows.number("end"), rows.number("speed")
    rows.reject(end_s <= begin_s, "end is not after begin")
    return rows.counts(
        detector=rows.text("id"),
        begin_s=begin_s,
        period_s=end_s - begin_s,
        volume_veh=rows.number("nVehContrib"),
        occupancy=rows.number("occupancy") / 100.0,
        speed_m_per_s=np.where(speed == -1, np.nan, speed),  # -1: nobody passed
    )


def _seconds(text: str) -> str:
    """`--human-readable-time` writes [days:]hours:minutes:seconds."""
    parts = text.split(":")
    if len(parts) == 1 or not all(part.replace(".", "", 1).isdigit() for part in parts):
        return text
    units = (1.0, 60.0, 3600.0, 86_400.0)
    return str(sum(float(part) * unit for part, unit in zip(reversed(parts), units, strict=False)))
