"""A log → every measure's table, in a database on disk, so that neither the log nor the tables need be in memory."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from formats.event_log import EventLog
from formats.recording import open_recording
from formats.source import Progress, no_progress
from reports.detectors.diagnose_file import our_errors
from reports.performance.measure_piece import CODES, Table, measured, piece_of
from reports.performance.phase_cycles import TERMINATIONS
from reports.performance.places import Places, places
from signals.errors import ConfigError

ROWS_KEPT, SHEET_ROWS = 200_000, 1_000_000
MEMORY = "400MB"
MINUTES_A_DAY = 1440
RAW = {
    "detector_counts": "begin_ms bigint, detector integer, volume_veh integer, occupancy double, lost_ons integer,"
    " lost_offs integer",
    "arrivals_on_green": "begin_ms bigint, phase integer, arrivals integer, on_green integer, on_yellow integer,"
    " on_red integer, unknown integer, green_s double, known_s double",
    "terminations": "begin_ms bigint, phase integer, gap_outs integer, max_outs integer, force_offs integer,"
    " skips integer, greens integer, not_said integer",
    "cycles": "phase integer, begin_ms bigint, green_s double, yellow_s double, red_clearance_s double, split_s double,"
    " cycle_s double, ended_by integer, red_ms bigint, green_occupancy double, red_occupancy double,"
    " split_failure double, arrivals double, arrivals_on_green double, on_yellow double, on_red double,"
    " with_gap boolean",
    "lane_cycles": "begin_ms bigint, phase integer, detector integer, red_ms bigint, green_occupancy double,"
    " red_occupancy double, split_failure double, with_gap boolean",
    "pedestrians": "phase integer, begin_ms bigint, presses integer, delay_s double",
    "gaps": "begin_ms bigint, end_ms bigint",
    "repairs": "kind varchar, times bigint",
    "coordinated": "phase integer, times bigint",
}
OCCUPANCIES = (
    "avg(green_occupancy) green_occupancy, avg(red_occupancy) red_occupancy, sum(split_failure)::integer split_failures"
)
PHASES = """
with whole as (select device, phase, count(*) cycles, avg(cycle_s) cycle_s, avg(green_s) green_s, avg(split_s) split_s,
        quantile_cont(split_s, 0.85) split_85th_s, count(split_failure) judged_cycles,
        sum(split_failure)::integer split_failures, avg(green_occupancy) green_occupancy,
        avg(red_occupancy) red_occupancy, sum(on_yellow)::integer on_yellow, sum(on_red)::integer on_red
        from raw_cycles where not with_gap group by all),
    ended as (select device, phase, sum(gap_outs)::integer gap_outs, sum(max_outs)::integer max_outs,
        sum(force_offs)::integer force_offs, sum(not_said)::integer not_said, sum(skips)::integer skips
        from raw_terminations group by all),
    came as (select device, phase, sum(arrivals)::integer arrivals,
        sum(on_green) / nullif(sum(arrivals - unknown), 0) share_on_green,
        share_on_green / nullif(sum(green_s) / sum(known_s), 0) platoon_ratio from raw_arrivals_on_green group by all),
    walked as (select device, phase, count(*) walks, avg(delay_s) pedestrian_delay_s, max(delay_s) longest_wait_s
        from raw_pedestrians group by all)
select * from whole left join ended using (device, phase) left join came using (device, phase)
    left join walked using (device, phase)
"""
TABLES = {
    "phases": PHASES,
    "detector_counts": "select device, make_timestamp_ms(begin_ms) as begin, detector, phase, function, volume_veh,"
    " occupancy, lost_ons, lost_offs from raw_detector_counts left join places using (device, detector)",
    "arrivals_on_green": "select device, make_timestamp_ms(begin_ms) as begin, phase, arrivals, on_green, on_yellow,"
    " on_red, unknown, on_green / nullif(arrivals - unknown, 0) share_on_green, green_s, known_s,"
    " green_s / known_s green_ratio, share_on_green / nullif(green_ratio, 0) platoon_ratio from raw_arrivals_on_green",
    "split_failures": "select device, {bin:red_ms + 5000} as begin, phase, count(*) cycles, avg(green_s) green_s,"
    " {occupancies}"
    " from raw_cycles where split_failure is not null and not with_gap group by all",
    "lane_split_failures": "select device, {bin:red_ms + 5000} as begin, phase, detector, count(*) cycles,"
    " {occupancies}"
    " from raw_lane_cycles where split_failure is not null and not with_gap group by all",
    "terminations": "select device, make_timestamp_ms(begin_ms) as begin, * exclude (device, begin_ms)"
    " from raw_terminations",
    "splits": "select device, {bin:begin_ms} as begin, phase, count(*) services, avg(split_s) split_s,"
    " quantile_cont(split_s, 0.85) split_85th_s, avg(green_s) green_s, avg(yellow_s) yellow_s,"
    " avg(red_clearance_s) red_clearance_s, avg(cycle_s) cycle_s from raw_cycles"
    " where split_s is not null and not with_gap group by all",
    "yellow_red": "select device, {bin:red_ms} as begin, phase, count(*) cycles, sum(on_yellow)::integer on_yellow,"
    " sum(on_red)::integer on_red from raw_cycles where on_red is not null and on_yellow is not null group by all",
    "pedestrian_delay": "select device, {bin:begin_ms} as begin, phase, count(*) walks, sum(presses)::integer presses,"
    " count(delay_s) called_walks, avg(delay_s) delay_s, max(delay_s) longest_s from raw_pedestrians group by all",
    "cycles": "select device, make_timestamp_ms(begin_ms) as begin, * exclude (device, begin_ms, red_ms) replace"
    " (case ended_by {terminations} else '' end as ended_by, split_failure = 1 as split_failure) from raw_cycles",
    "repairs": "select device, kind, sum(times)::bigint times from raw_repairs group by all",
    "gaps": "select device, make_timestamp_ms(begin_ms) as begin, make_timestamp_ms(end_ms) as end,"
    " (end_ms - begin_ms) / 1000 duration_s from raw_gaps",
}
"""What is written, by name; {bin:…} is the beginning of the bin that a time in milliseconds lies in."""


SUMMED = ("phases", "split_failures", "lane_split_failures", "splits", "yellow_red", "pedestrian_delay", "repairs")
"""Made of many rows, and once; the others are rows as they were measured."""


@dataclass(frozen=True)
class Measures:
    """A measured log. Valid inside `measured_log` alone, as everything is asked of the database."""

    log: EventLog
    places: Places
    bin_ms: int
    sql: duckdb.DuckDBPyConnection

    def table(self, name: str, where: str = "true") -> pd.DataFrame:
        """One of `TABLES`."""
        return self.sql.execute(f"from {name} where {where} order by all").df()

    def query(self, text: str) -> pd.DataFrame:
        return self.sql.execute(text).df()


@contextmanager
def measured_log(
    file: Path,
    intersections: Sequence[str] = (),
    bin_min: int = 15,
    format: str = "",
    reading: Progress = no_progress,
    measuring: Progress = no_progress,
) -> Iterator[Measures]:
    """Raises `ConfigError` for a file, a place or a bin that cannot be used."""
    if bin_min < 1 or MINUTES_A_DAY % bin_min:
        raise ConfigError(f"bin_min = {bin_min}, must divide a day: 5, 10, 15, 30, 60, …")
    with our_errors(), tempfile.TemporaryDirectory(prefix="measures-") as folder:
        where = places(intersections)
        log = EventLog(open_recording(file, format), Path(folder), reading)
        sql = duckdb.connect(f"{folder}/measures.duckdb")
        try:
            sql.execute(f"set memory_limit = '{MEMORY}'; set enable_progress_bar = false")
            sql.execute(f"set temp_directory = '{folder}/spilled'")
            measures = Measures(log, where, bin_min * 60_000, sql)
            _fill(measures, measuring)
            yield measures
        finally:
            sql.close()
            log.close()


def _fill(measures: Measures, progress: Progress) -> None:
    sql, log = measures.sql, measures.log
    for name, columns in RAW.items():
        sql.execute(f"create table raw_{name} (device varchar, {columns})")
    known = {device.name: device for device in log.devices}
    waiting: dict[str, list[Table]] = {name: [] for name in RAW}
    sizes = dict.fromkeys(RAW, 0)
    for events in log.pieces(CODES, progress):
        for name, rows in measured(piece_of(events, known[events.device], measures.places, measures.bin_ms)):
            size = len(next(iter(rows.values())))
            if size:
                waiting[name].append(rows | {"device": np.full(size, events.device, dtype=object)})
                sizes[name] += size
            if sizes[name] > ROWS_KEPT:
                _insert(sql, name, waiting[name])
                sizes[name] = 0
    for name, tables in waiting.items():
        _insert(sql, name, tables)
    _name_places(measures)
    for name, query in TABLES.items():
        kind = "table" if name in SUMMED else "view"
        sql.execute(f"create {kind} {name} as {_filled(query, measures.bin_ms)}")


def _insert(sql: duckdb.DuckDBPyConnection, name: str, tables: list[Table]) -> None:
    if tables:
        rows = pd.DataFrame({column: np.concatenate([table[column] for table in tables]) for column in tables[0]})
        sql.register("rows", rows)
        sql.execute(f"insert into raw_{name} by name select * from rows")
        sql.unregister("rows")
        tables.clear()


def _name_places(measures: Measures) -> None:
    """Where each channel lies; the first function where it has several."""
    rows = [
        (device.name, each.channel, each.phase, each.function)
        for device in measures.log.devices
        for each in measures.places.of(device.name)
    ]
    frame = pd.DataFrame(rows, columns=["device", "detector", "phase", "function"])
    named = frame.drop_duplicates(["device", "detector"]).astype(
        {"device": "str", "detector": "int64", "phase": "int64", "function": "str"}
    )
    measures.sql.register("named", named)
    measures.sql.execute("create table places as select * from named")
    measures.sql.unregister("named")


def _filled(query: str, bin_ms: int) -> str:
    cases = " ".join(f"when {code} then '{name}'" for code, name in TERMINATIONS.items())
    binned = re.sub(r"\{bin:(.*?)\}", rf"make_timestamp_ms((\1) // {bin_ms} * {bin_ms})", query)
    return binned.replace("{terminations}", cases).replace("{occupancies}", OCCUPANCIES)


def write_tables(measures: Measures, out: Path) -> None:
    """Each of `TABLES` as Parquet and, as far as a spreadsheet opens it, as CSV."""
    out.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        keys = {"repairs": "device, kind", "phases": "device, phase"}.get(name, "device, begin")
        target = str(out / name).replace("'", "''")
        measures.sql.execute(f"copy (from {name} order by {keys}) to '{target}.parquet' (format parquet)")
        if int(measures.query(f"select count(*) as rows from {name}")["rows"].iloc[0]) <= SHEET_ROWS:
            measures.sql.execute(f"copy (from '{target}.parquet') to '{target}.csv' (format csv, header true)")
