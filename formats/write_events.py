"""High-resolution events out, so that any tool for signal performance measures reads ours."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TextIO

import duckdb
import numpy as np
import pandas as pd

from formats import datz
from formats.errors import FormatError

HOUR_S = 3600.0
HEADER = ("TimeStamp", "DeviceId", "EventId", "Parameter")
DEVICE = re.compile(r"[A-Za-z0-9.\-]+")


def write_events(path: Path, tables: Iterable[pd.DataFrame]) -> list[Path]:
    """Tables of `formats.rows.EVENTS` → a .csv, a .parquet, or .datZ files in the folder that PATH names.

    Times are kept to a tenth of a second in .datZ, to a millisecond else. In .datZ no event may come more than an
    hour after a later one.
    """
    if path.suffix.lower() == ".csv":
        return _write_csv(path, tables)
    if path.suffix.lower() == ".parquet":
        return _write_parquet(path, tables)
    if path.suffix:
        raise FormatError(f"{path}: must end in .csv or .parquet, or be a folder for .datZ files")
    path.mkdir(parents=True, exist_ok=True)
    return list(_write_datz(path, tables))


class EventCsv:
    """A .csv that grows while the events happen; whatever ends the process, only what was not yet appended is lost."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("w", encoding="utf-8", newline="")
        self._stream.write(",".join(HEADER) + "\n")

    def append(self, table: pd.DataFrame) -> None:
        """Add the rows of a table of `formats.rows.EVENTS`."""
        _append_csv(self._stream, table)
        self._stream.flush()

    def close(self) -> None:
        """No more rows."""
        self._stream.close()


def _named(table: pd.DataFrame) -> pd.DataFrame:
    devices = table["device"].astype(str)
    numeric = bool(devices.str.fullmatch(r"\d{1,18}").all())
    columns = {
        "TimeStamp": pd.to_datetime((table["time_s"] * 1000.0).round().astype("int64"), unit="ms"),
        "DeviceId": devices.astype("int64") if numeric else devices,
        "EventId": table["code"],
        "Parameter": table["parameter"],
    }
    return pd.DataFrame(columns, columns=list(HEADER))


def _write_csv(path: Path, tables: Iterable[pd.DataFrame]) -> list[Path]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(HEADER) + "\n")
        for table in tables:
            _append_csv(stream, table)
    return [path]


def _append_csv(stream: TextIO, table: pd.DataFrame) -> None:
    named = _named(table)
    named["TimeStamp"] = named["TimeStamp"].dt.strftime("%Y-%m-%d %H:%M:%S.%f").str[:-3]
    named.to_csv(stream, header=False, index=False, lineterminator="\n")


def _write_parquet(path: Path, tables: Iterable[pd.DataFrame]) -> list[Path]:
    """By way of a database on disk, so that the whole never is in memory; `DeviceId` is a number if all are."""
    with tempfile.TemporaryDirectory() as folder, closing(duckdb.connect(f"{folder}/events.duckdb")) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("create table events (t timestamp, device varchar, code integer, parameter integer)")
        for table in tables:
            named = _named(table)
            connection.register("named", named)
            connection.execute("insert into events select TimeStamp, DeviceId, EventId, Parameter from named")
            connection.unregister("named")
        texts = connection.execute("select count(*) from events where try_cast(device as bigint) is null").fetchone()
        kind = "varchar" if texts and texts[0] else "bigint"
        target = str(path).replace("'", "''")
        connection.execute(
            f"copy (select t as TimeStamp, device::{kind} as DeviceId, code as EventId, parameter as Parameter "
            f"from events order by rowid) to '{target}' (format parquet)"
        )
    return [path]


def _write_datz(folder: Path, tables: Iterable[pd.DataFrame]) -> Iterator[Path]:
    """One file a device and hour; an hour is written when the log is a whole hour beyond it."""
    opened: dict[tuple[str, float], list[pd.DataFrame]] = {}
    closed: set[tuple[str, float]] = set()
    for table in tables:
        hours = np.floor(np.round(table["time_s"], 1) / HOUR_S) * HOUR_S
        for (device, hour), part in table.groupby([table["device"].astype(str), hours], sort=True):
            of = (str(device), float(str(hour)))
            if of in closed:
                raise FormatError(
                    f"{folder}: device {of[0]}: events an hour and more behind later ones, must be in order"
                )
            opened.setdefault(of, []).append(part)
        newest = max((hour for _, hour in opened), default=0.0)
        for of in [of for of in opened if of[1] < newest - HOUR_S]:
            closed.add(of)
            yield _write_hour(folder, *of, opened.pop(of))
    for of in sorted(opened):
        yield _write_hour(folder, *of, opened[of])


def _write_hour(folder: Path, device: str, hour_s: float, parts: list[pd.DataFrame]) -> Path:
    if not DEVICE.fullmatch(device):
        raise FormatError(f"{folder}: device {device!r}, must be of letters, digits, '.' and '-' in a .datZ name")
    hour = pd.concat(parts)
    columns = (hour[name].to_numpy() for name in ("code", "parameter", "time_s"))
    file = folder / datz.file_name(device, hour_s)
    file.write_bytes(datz.packed(device, hour_s, *columns))
    return file
