"""A recording → a database on disk, without repeated rows, from which one detector or group is taken at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from formats.recording import Recording
from formats.source import Progress
from reports.detectors.edges import OFF, ON, Edges, repair
from signals.errors import ConfigError
from signals.values import Floats

MEMORY, GROUP, EVENT_PERIOD_S, SILENT_LOG_S = "256MB", 200, 300.0, 60.0
FAULT_CODES = (85, 86, 87, 88)  # watchdog, open, short, excessive change
KEYS = {"events": "device, time_s, code, parameter", "counts": "detector, begin_s"}
MAKE = {
    "events": "create table raw (seq bigint, time_s double, device varchar, code integer, parameter integer)",
    "counts": "create table raw (seq bigint, detector varchar, begin_s double, period_s double, volume_veh double,"
    " occupancy double, speed_m_per_s double, healthy boolean)",
}


def natural(name: str) -> list[tuple[int, str]]:
    """Sorts detector 9 before detector 10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


@dataclass(frozen=True)
class Group:
    """Detectors of one period on one grid of times [T]; tables are [T, detector], NaN where nothing is known."""

    names: tuple[str, ...]
    begin_s: Floats
    period_s: float
    volume_veh: Floats
    measured_veh: Floats
    occupancy: Floats
    speed_m_per_s: Floats
    faulty: np.ndarray
    edges: dict[str, Edges]

    @property
    def end_s(self) -> float:
        return float(self.begin_s[-1] + self.period_s)


def event_group(
    edges: dict[str, Edges], grid: Floats, reported: np.ndarray, log_gaps: list[tuple[float, float]]
) -> Group:
    """Counts and occupancy of actuations on the grid; periods in which nothing was logged are unknown."""
    limits = np.append(grid, grid[-1] + EVENT_PERIOD_S)

    def table(of: str) -> Floats:
        return np.column_stack([getattr(each, of)(limits) for each in edges.values()])

    volume, measured = table("volume"), table("measured_volume")
    covered = np.diff(table("covered_s"), axis=0) / EVENT_PERIOD_S
    for start_s, end_s in log_gaps:
        lost = (grid < end_s) & (grid + EVENT_PERIOD_S > start_s)
        for each in (volume, measured, covered):
            each[lost] = np.nan
    nothing = np.full(volume.shape, np.nan)
    return Group(tuple(edges), grid, EVENT_PERIOD_S, volume, measured, covered, nothing, reported, edges)


class Collection:
    """What a recording holds, on disk. Repeated rows are dropped and counted; the first of them counts."""

    def __init__(self, recording: Recording, folder: Path, progress: Progress) -> None:
        self.kind, self.findings = recording.kind, recording.findings
        self._sql = duckdb.connect(str(folder / "detectors.duckdb"))
        self._sql.execute(f"set memory_limit = '{MEMORY}'; set threads = 1; set enable_progress_bar = false")
        self._sql.execute(MAKE[self.kind])
        rows = self._fill(recording, progress)
        if not rows:
            raise ConfigError(f"{recording.path}: has no row that can be read as {recording.format}")
        keys = KEYS[self.kind]
        self._sql.execute(
            f"create table data as select * from raw qualify row_number() over (partition by {keys} order by seq) = 1"
        )
        kept = self._number("select count(*) from data")
        self.repeated, self.rows = rows - int(kept), int(kept)
        self._sql.execute("drop table raw")
        begin, end = ("time_s", "time_s") if self.kind == "events" else ("begin_s", "begin_s + period_s")
        self.start_s = self._number(f"select min({begin}) from data")
        self.end_s = self._number(f"select max({end}) from data")

    def _fill(self, recording: Recording, progress: Progress) -> int:
        rows = 0
        for table in recording.tables(progress):
            numbered = table.assign(seq=np.arange(rows, rows + len(table)))
            columns = ", ".join(numbered.columns)
            self._sql.register("block", numbered)
            self._sql.execute(f"insert into raw ({columns}) select * from block")
            self._sql.unregister("block")
            rows += len(table)
        return rows

    def _number(self, query: str) -> float:
        found = self._sql.execute(query).fetchone()
        return float(found[0]) if found and found[0] is not None else 0.0

    def close(self) -> None:
        self._sql.close()

    def groups(self) -> Iterator[Group]:
        """All detectors, some hundreds at a time: those of one device, or of one period in the order of names."""
        yield from (self._event_groups() if self.kind == "events" else self._count_groups())

    @property
    def devices(self) -> list[str]:
        return [str(row[0]) for row in self._sql.execute("select distinct device from data order by 1").fetchall()]

    def detector_name(self, device: str, channel: int) -> str:
        """The channel alone where the log has one device."""
        return f"{channel}" if len(self.devices) == 1 else f"{device}/{channel}"

    def events(self, device: str, codes: tuple[int, ...]) -> pd.DataFrame:
        """In order of time, and of the file where times are equal."""
        marks = ", ".join("?" for _ in codes)
        query = f"select time_s, code, parameter from data where device = ? and code in ({marks}) order by time_s, seq"
        return self._sql.execute(query, [device, *codes]).df()

    def log_gaps(self, device: str) -> list[tuple[float, float]]:
        """Times in which a device logged nothing at all, of no kind."""
        query = (
            "select before, time_s from (select time_s, lag(time_s) over (order by time_s) before from data"
            " where device = ?) where time_s - before > ? order by 1"
        )
        return [(float(a), float(b)) for a, b in self._sql.execute(query, [device, SILENT_LOG_S]).fetchall()]

    def _event_groups(self) -> Iterator[Group]:
        grid = np.arange(np.floor(self.start_s / EVENT_PERIOD_S) * EVENT_PERIOD_S, self.end_s, EVENT_PERIOD_S)
        for device in self.devices:
            edges = {
                self.detector_name(device, int(str(channel))): repair(
                    own["time_s"].to_numpy(), own["code"].to_numpy(), self.start_s, self.end_s
                )
                for channel, own in self.events(device, (ON, OFF)).groupby("parameter")
            }
            if edges:
                yield event_group(edges, grid, self._reported(device, grid, tuple(edges)), self.log_gaps(device))

    def _reported(self, device: str, grid: Floats, names: tuple[str, ...]) -> np.ndarray:
        """Periods in which the controller itself reported a detector as failed."""
        reported = np.zeros((len(grid), len(names)), bool)
        for event in self.events(device, FAULT_CODES).itertuples():
            name = self.detector_name(device, int(str(event.parameter)))
            if name in names:
                reported[np.searchsorted(grid, float(str(event.time_s)), "right") - 1, names.index(name)] = True
        return reported

    def _count_groups(self) -> Iterator[Group]:
        query = "select detector, mode(period_s) period_s from data group by 1 order by 2, 1"
        for period_s, own in self._sql.execute(query).df().groupby("period_s"):
            names = sorted(own["detector"], key=natural)
            for first in range(0, len(names), GROUP):
                yield self._count_group(tuple(names[first : first + GROUP]), float(str(period_s)))

    def _count_group(self, names: tuple[str, ...], period_s: float) -> Group:
        query = "select * exclude (seq) from data where detector in (select unnest(?))"
        rows = self._sql.execute(query, [list(names)]).df()
        start_s = np.floor(self.start_s / period_s) * period_s
        grid = np.arange(start_s, self.end_s, period_s)
        place = np.floor((rows["begin_s"].to_numpy() - start_s) / period_s).astype(int)
        column = pd.Index(names).get_indexer(pd.Index(rows["detector"]))

        def table(of: str) -> Floats:
            filled = np.full((len(grid), len(names)), np.nan)
            filled[place, column] = rows[of].to_numpy(dtype=float)
            return filled

        volume, faulty = table("volume_veh"), table("healthy") == 0.0
        return Group(names, grid, period_s, volume, volume, table("occupancy"), table("speed_m_per_s"), faulty, {})
