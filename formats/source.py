"""A file as blocks of rows: text line by line, Parquet by duckdb; never more than one block in memory."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import duckdb
import numpy as np
import pandas as pd

from formats.errors import FormatError
from formats.findings import Findings
from formats.mapping import Mapping

BLOCK_BYTES = 1 << 20
DELIMITERS = ",;\t|"
GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
VECTORS = 20  # of duckdb's 2,048 rows
Progress = Callable[[int, int], None]


def no_progress(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Source:
    """Where a reader reads from, how its columns are called, and whom it tells of progress and findings."""

    path: Path
    mapping: Mapping = field(default_factory=Mapping)
    findings: Findings = field(default_factory=Findings)
    progress: Progress = no_progress


def starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def open_bytes(path: Path, raw: IO[bytes]) -> IO[bytes] | gzip.GzipFile:
    """Uncompressed, whatever the name says."""
    return gzip.open(raw) if starts_with(path, GZIP) else raw


def byte_blocks(source: Source) -> Iterator[list[bytes]]:
    """Whole lines, about a megabyte at a time; a cut-off .gz ends with what there was."""
    total = source.path.stat().st_size
    with source.path.open("rb") as raw, open_bytes(source.path, raw) as stream:
        line = 0
        while True:
            try:
                lines = stream.readlines(BLOCK_BYTES)
            except (EOFError, gzip.BadGzipFile, OSError) as error:
                source.findings.broken.add(f"the compressed file ends early or is damaged ({error})", [line + 1])
                return
            if not lines:
                source.progress(total, total)
                return
            line += len(lines)
            yield lines
            source.progress(min(raw.tell(), total), total)


def text_blocks(source: Source, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """Text cells, the index being the line's number; the names are the first line's unless given.

    Each line is taken for itself, so that a quote that never ends spoils one row, not the rest of the file.
    """
    delimiter, before = "", 0
    for lines in byte_blocks(source):
        texts = [line.decode("utf-8", "replace").rstrip("\r\n") for line in lines]
        first, before = before + 1, before + len(texts)
        if not delimiter:
            texts[0] = texts[0].removeprefix("\ufeff")
            delimiter = source.mapping.delimiter or max(DELIMITERS, key=texts[0].count)
            if columns is None:
                columns = [name.strip() for name in split(texts[0], delimiter)]
                texts, first = texts[1:], first + 1
        assert columns is not None
        yield _frame(texts, first, columns, delimiter, source.findings)


def split(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter)) if '"' in text else text.split(delimiter)


def _frame(texts: list[str], first: int, columns: list[str], delimiter: str, findings: Findings) -> pd.DataFrame:
    rows, lines = list[list[str]](), list[int]()
    wrong: dict[str, list[int]] = {}
    for number, text in enumerate(texts, first):
        if not text.strip():
            continue
        findings.rows += 1
        cells = split(text, delimiter)
        if len(cells) == len(columns):
            rows.append(cells)
            lines.append(number)
        else:
            wrong.setdefault(f"{len(cells)} fields, must be {len(columns)}", []).append(number)
    for kind, where in wrong.items():
        findings.broken.add(kind, where)
    cells_by_column = zip(*rows, strict=True) if rows else ((),) * len(columns)
    named = {name: np.array(cells, dtype=object) for name, cells in zip(columns, cells_by_column, strict=True)}
    return pd.DataFrame(named, index=pd.Index(lines, dtype="int64"), dtype=object)


def parquet_blocks(source: Source) -> Iterator[pd.DataFrame]:
    """Typed cells, the index being the row's number from 1; times with a zone come as UTC."""
    with closing(duckdb.connect()) as connection:
        try:
            connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
            name = [str(source.path)]
            found = connection.execute("select count(*) from read_parquet(?)", name).fetchone()
            total, done = (found[0] if found else 0), 0
            connection.execute("select * from read_parquet(?)", name)
            while len(block := connection.fetch_df_chunk(VECTORS)):
                block.index = pd.RangeIndex(done + 1, done + len(block) + 1)
                done += len(block)
                source.findings.rows += len(block)
                yield block
                source.progress(done, total)
        except duckdb.Error as error:
            raise FormatError(f"{source.path}: is not readable as Parquet: {str(error).splitlines()[0]}") from error


def blocks(source: Source) -> Iterator[pd.DataFrame]:
    """A table with a header, in either kind of file."""
    return parquet_blocks(source) if starts_with(source.path, PARQUET) else text_blocks(source)


def head(path: Path, size: int = 1 << 16) -> bytes:
    """The file's first bytes, uncompressed."""
    try:
        with path.open("rb") as raw, open_bytes(path, raw) as stream:
            return stream.read(size)
    except (EOFError, gzip.BadGzipFile):
        return b""
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from error


def parquet_columns(path: Path) -> list[str]:
    with closing(duckdb.connect()) as connection:
        try:
            described = connection.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
        except duckdb.Error as error:
            raise FormatError(f"{path}: is not readable as Parquet: {str(error).splitlines()[0]}") from error
    return [str(row[0]) for row in described]


def first_lines(path: Path) -> list[str]:
    return io.StringIO(head(path).decode("utf-8-sig", "replace")).read().splitlines()[:20]
