"""A log of high-resolution events of any size, taken piece by piece: a day of a device, ordered by what happened.

A Parquet file of whole numbers and times without a zone is queried where it lies; every other kind is brought into
one first, which tells what was broken in it. A device's day and its margins are all that is in memory at once.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from formats.errors import FormatError
from formats.events import columns
from formats.recording import Recording
from formats.source import PARQUET, Progress, no_progress, starts_with
from formats.write_events import write_events

DAY_MS, MARGIN_MS = 86_400_000, 3_600_000
ROWS_AT_ONCE, DEVICES_AT_ONCE = 4_000_000, 4096
STANDARD = 255
"""The highest code and parameter of the Indiana enumerations; codes above are a vendor's own."""
LARGEST_PARAMETER = 65_535
MEMORY = "600MB"
TIMES = ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S")
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
DEVICE_SHIFT, CODE_SHIFT, PARAMETER_SHIFT = 51, 43, 27  # 27 bits hold a day and its margins in milliseconds
TIME_BITS = (1 << PARAMETER_SHIFT) - 1
Whole = np.ndarray  # of int64


@dataclass(frozen=True)
class Events:
    """One device's day: events [N], each once, in order of code, parameter and time.

    `kind` is code · 65536 + parameter, `time_ms` milliseconds since 1970. What lies from `begin_ms` to `end_ms` is
    the day's own; an hour before and after belongs to its neighbours.
    """

    device: str
    begin_ms: int
    end_ms: int
    kind: Whole
    time_ms: Whole
    repeated: int

    def times(self, code: int, parameter: int) -> Whole:
        """When an event came, in order."""
        kind = code << 16 | parameter
        first, last = np.searchsorted(self.kind, [kind, kind + 1])
        return self.time_ms[first:last]

    def parameters(self, *codes: int) -> list[int]:
        """The different ones with which some codes came."""
        found: set[int] = set()
        for code in codes:
            first, last = np.searchsorted(self.kind, [code << 16, code + 1 << 16])
            kinds = self.kind[first:last]
            found |= set(kinds[np.append(True, kinds[1:] != kinds[:-1])[: len(kinds)]].tolist())
        return sorted({kind & LARGEST_PARAMETER for kind in found})


@dataclass(frozen=True)
class Device:
    """What one device has logged, from the first event to the last."""

    name: str
    rows: int
    begin_ms: int
    end_ms: int


class EventLog:
    """One log, queried on disk. Close it at the end; `folder` is for what it keeps there meanwhile.

    `days_ms`: the beginnings of the days that have events, so that one stray date costs one day.
    """

    def __init__(self, recording: Recording, folder: Path, progress: Progress = no_progress) -> None:
        if recording.kind != "events":
            raise FormatError(f"{recording.path}: is {recording.format}, must be a log of events")
        self.recording = recording
        path = recording.path
        if not _is_plain(path):
            path = write_events(folder / "log.parquet", recording.tables(progress))[0]
        self._sql = duckdb.connect()
        self._sql.execute(f"set memory_limit = '{MEMORY}'; set enable_progress_bar = false; set TimeZone = 'UTC'")
        self._sql.execute(f"set temp_directory = '{_quoted(str(folder))}'; set preserve_insertion_order = false")
        self._names = columns(_names(path)) or {}
        self._from = f"read_parquet('{_quoted(str(path))}')"
        self._summarise(path)

    def _summarise(self, path: Path) -> None:
        time, device, code, parameter = (f'"{self._names[each]}"' for each in ("time", "device", "code", "parameter"))
        sound = f"{time} is not null and {device} is not null and {code} >= 0 and {parameter} >= 0"
        self._sql.execute(
            f"create table counted as select {device} device, {code}::integer code,"
            f" epoch_ms({time}::timestamp) // {DAY_MS} * {DAY_MS} day_ms, count(*) rows,"
            f" count(*) filter ({parameter} > {LARGEST_PARAMETER}) beyond, min({time}) first, max({time}) last"
            f" from {self._from} where {sound} group by all"
        )
        self._sql.execute(
            "create table devices as select device, device::varchar name, sum(rows)::bigint rows,"
            " epoch_ms(min(first)::timestamp) begin_ms, epoch_ms(max(last)::timestamp) end_ms from counted group by all"
        )
        found = self._sql.execute(
            "select name, rows, begin_ms, end_ms from devices order by try_cast(name as bigint), name"
        ).fetchall()
        if not found:
            raise FormatError(f"{self.recording.path}: has no event that can be read")
        self.devices = tuple(Device(*row) for row in found)
        self.rows = sum(device.rows for device in self.devices)
        days = self._sql.execute("select distinct day_ms from counted order by 1").fetchall()
        self.days_ms = tuple(int(row[0]) for row in days)
        total = self._number(f"select count(*) from {self._from}")
        findings = self.recording.findings
        beyond = self._number("select sum(beyond)::bigint from counted")
        if beyond:
            findings.notice(f"{beyond:,} rows with a parameter above {LARGEST_PARAMETER}, not read")
        if path == self.recording.path:
            findings.rows = total
            if total > self.rows:
                findings.notice(f"{total - self.rows:,} rows without time, device, code or parameter, left out")

    def vendor_codes(self) -> dict[int, int]:
        """Events by code above 255: kept in the file, and none of ours to read."""
        query = f"select code, sum(rows)::bigint from counted where code > {STANDARD} group by 1 order by 1"
        return dict(self._sql.execute(query).fetchall())

    def _number(self, query: str) -> int:
        return int(self._sql.execute(query).fetchall()[0][0])

    @property
    def begin_ms(self) -> int:
        return min(device.begin_ms for device in self.devices)

    @property
    def end_ms(self) -> int:
        """Just after the last event."""
        return max(device.end_ms for device in self.devices) + 1

    def pieces(self, codes: Sequence[int], progress: Progress = no_progress) -> Iterator[Events]:
        """Every device's every day, with the events of the codes wanted."""
        days = self.days_ms
        a_day = max(1, self.rows // (len(days) * len(self.devices)))
        at_once = min(DEVICES_AT_ONCE, max(1, ROWS_AT_ONCE // a_day))
        groups = [self.devices[k : k + at_once] for k in range(0, len(self.devices), at_once)]
        parts = [(group, begin_ms) for group in groups for begin_ms in days]
        with ThreadPoolExecutor(1) as reader:  # the next part is read while this one is measured
            following = reader.submit(self._packed, *parts[0], codes)
            for done, (group, begin_ms) in enumerate(parts, 1):
                packed = following.result()
                if done < len(parts):
                    following = reader.submit(self._packed, *parts[done], codes)
                yield from _unpacked(packed, group, begin_ms)
                progress(done, len(parts))

    def day(self, devices: Sequence[Device], begin_ms: int, codes: Sequence[int]) -> Iterator[Events]:
        """One day of some devices; those without an event in it are left out."""
        yield from _unpacked(self._packed(devices, begin_ms, codes), devices, begin_ms)

    def _packed(self, devices: Sequence[Device], begin_ms: int, codes: Sequence[int]) -> Whole:
        """An event as one whole number, sorted: their order is that of device, code, parameter and time."""
        first_ms, after_ms = begin_ms - MARGIN_MS, begin_ms + DAY_MS + MARGIN_MS
        time, device, code, parameter = (f'"{self._names[each]}"' for each in ("time", "device", "code", "parameter"))
        places = pd.DataFrame({"name": [each.name for each in devices], "place": np.arange(len(devices))})
        self._sql.register("places", places)
        query = (
            f"select (place << {DEVICE_SHIFT}) + ({code}::bigint << {CODE_SHIFT})"
            f" + ({parameter}::bigint << {PARAMETER_SHIFT}) + epoch_ms({time}::timestamp) - {first_ms} packed"
            f" from {self._from} log"
            f" join (select device, place from devices join places using (name)) d on log.{device} = d.device"
            f" where {time} >= make_timestamp_ms({first_ms}) and {time} < make_timestamp_ms({after_ms})"
            f" and {code} in ({', '.join(map(str, codes))}) and {parameter} between 0 and {LARGEST_PARAMETER}"
        )
        packed = np.array(self._sql.execute(query).fetchnumpy()["packed"], dtype=np.int64)
        self._sql.unregister("places")
        packed.sort()
        return packed

    def close(self) -> None:
        self._sql.close()


def _unpacked(packed: Whole, devices: Sequence[Device], begin_ms: int) -> Iterator[Events]:
    fresh = np.append(True, packed[1:] != packed[:-1]) if len(packed) else np.zeros(0, bool)
    limits = np.searchsorted(packed, np.arange(len(devices) + 1) << DEVICE_SHIFT)
    for place, (device, first, last) in enumerate(zip(devices, limits[:-1], limits[1:], strict=True)):
        if first < last:
            own = packed[first:last][fresh[first:last]] - (place << DEVICE_SHIFT)
            time_ms = (own & TIME_BITS) + (begin_ms - MARGIN_MS)
            repeated = int(last - first - len(own))
            yield Events(device.name, begin_ms, begin_ms + DAY_MS, own >> PARAMETER_SHIFT, time_ms, repeated)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _described(path: Path) -> list[tuple[str, str]]:
    with closing(duckdb.connect()) as connection:
        try:
            rows = connection.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
        except duckdb.Error as error:
            raise FormatError(f"{path}: is not readable as Parquet: {str(error).splitlines()[0]}") from error
    return [(str(row[0]), str(row[1])) for row in rows]


def _names(path: Path) -> list[str]:
    return [name for name, _ in _described(path)]


def _is_plain(path: Path) -> bool:
    """Whether a query can take it as it is."""
    if path.is_dir() or not starts_with(path, PARQUET):
        return False
    kinds = dict(_described(path))
    named = columns(list(kinds))
    return (
        named is not None
        and kinds[named["time"]] in TIMES
        and all(kinds[named[each]] in WHOLE for each in ("code", "parameter"))
    )
