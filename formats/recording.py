"""A file of detector data: what it is, told from itself, and its rows in the common tables.

Events are rows of `formats.rows.EVENTS`, counts rows of `formats.rows.COUNTS`; times are seconds since 1970-01-01 on
the file's own clock, or since the start of a simulation. Rows come in the file's order, repeated ones too.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from formats import datz, events, flow_csv, long_table, pems, scats, sumo_e1, utd19
from formats.errors import FormatError
from formats.findings import Findings
from formats.mapping import Mapping
from formats.source import DELIMITERS, PARQUET, Progress, Source, head, no_progress, parquet_columns, split, starts_with

Kind = Literal["events", "counts"]
Reader = Callable[[Source], Iterator[pd.DataFrame]]
FORMATS: dict[str, tuple[Kind, Reader, str]] = {
    "events": ("events", events.read, "high-resolution events, CSV or Parquet"),
    "datz": ("events", datz.read, "high-resolution events, Econolite .datZ, a file or a folder"),
    "long": ("counts", long_table.read, "a row a detector and period, CSV or Parquet, columns by --map"),
    "scats": ("counts", scats.read, "SCATS wide, V00 to V95"),
    "pems": ("counts", pems.read, "PeMS five-minute stations, .txt or .gz"),
    "utd19": ("counts", utd19.read, "UTD19"),
    "sumo-e1": ("counts", sumo_e1.read, "SUMO induction loop output, XML"),
    "flow-csv": ("counts", flow_csv.read, "dfrouter and flowrouter measures"),
}


@dataclass(frozen=True)
class Recording:
    """One file, not yet read. `findings` fill while `tables` is iterated."""

    path: Path
    format: str
    mapping: Mapping = field(default_factory=Mapping)
    findings: Findings = field(default_factory=Findings)

    @property
    def kind(self) -> Kind:
        return FORMATS[self.format][0]

    def tables(self, progress: Progress = no_progress) -> Iterator[pd.DataFrame]:
        """Block after block; `progress(done, total)` is in bytes, or rows of a Parquet file."""
        source = Source(self.path, self.mapping, self.findings, progress)
        try:
            yield from FORMATS[self.format][1](source)
        except OSError as error:
            raise FormatError(f"{self.path}: cannot be read: {error.strerror or error}") from error


def open_recording(path: Path, format: str = "", mapping: Mapping | None = None) -> Recording:
    """The format is the one asked for, else told from the file's name and first lines."""
    mapping = mapping or Mapping()
    if format and format not in FORMATS:
        raise FormatError(f"format = {format}, must be one of {', '.join(FORMATS)}")
    if not path.exists():
        raise FormatError(f"{path}: does not exist")
    return replace(Recording(path, format or recognise(path, mapping)), mapping=mapping)


def recognise(path: Path, mapping: Mapping) -> str:
    """Raises `FormatError` with the formats there are where the file is none of them."""
    found = _recognised(path, mapping)
    if not found:
        known = "; ".join(f"{name} ({line})" for name, (_, _, line) in FORMATS.items())
        raise FormatError(f"{path}: is in no format known; --format names one, --map the columns of a table: {known}")
    return found


def _recognised(path: Path, mapping: Mapping) -> str:
    if path.is_dir():
        return "datz" if datz.files(path) else ""
    if starts_with(path, PARQUET):
        return _by_columns(parquet_columns(path), mapping)
    beginning = head(path)
    if datz.MARK in _unzipped(beginning):
        return "datz"
    text = beginning.decode("utf-8-sig", "replace")
    if "<interval" in text or "<detector" in text:
        return "sumo-e1"
    first = text.splitlines()[0] if text.strip() else ""
    fields = [name.strip() for name in split(first, mapping.delimiter or max(DELIMITERS, key=first.count))]
    return "pems" if pems.recognises(fields) else _by_columns(fields, mapping)


def _by_columns(header: list[str], mapping: Mapping) -> str:
    """The special before the general; columns that were mapped settle it."""
    tests: tuple[tuple[str, bool], ...] = (
        ("long", mapping.names_columns),
        ("scats", scats.recognises(header)),
        ("flow-csv", flow_csv.recognises(header)),
        ("utd19", utd19.recognises(header)),
        ("events", events.columns(header) is not None),
        ("long", long_table.columns(header, mapping) is not None),
    )
    return next((name for name, yes in tests if yes), "")


def _unzipped(beginning: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(beginning, datz.HEADER_LIMIT)
    except zlib.error:
        return beginning
