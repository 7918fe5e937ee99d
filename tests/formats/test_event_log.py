"""A log taken day by day: every event once, in its own day, whatever the file's kind and order."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from formats.errors import FormatError
from formats.event_log import DAY_MS, MARGIN_MS, EventLog, Events
from formats.recording import open_recording
from formats.write_events import write_events

MIDNIGHT_S = 1_713_225_600.0  # 2024-04-16
CODES = (1, 81, 82)


def two_days(seed: int = 3) -> pd.DataFrame:
    """Two devices from 18:00 to 6:00, some rows twice, in no order."""
    random = np.random.default_rng(seed)
    rows = 600
    table = pd.DataFrame(
        {
            "time_s": MIDNIGHT_S + random.integers(-6 * 36_000, 6 * 36_000, rows) / 10.0,
            "device": random.choice(["7", "12"], rows),
            "code": random.choice([1, 43, 81, 82, 305], rows),
            "parameter": random.integers(1, 30, rows),
        }
    )
    return pd.concat([table, table.iloc[:50]], ignore_index=True)


def opened(path: Path, tmp_path: Path) -> EventLog:
    folder = tmp_path / "kept"
    folder.mkdir(exist_ok=True)
    return EventLog(open_recording(path), folder)


def owned(events: Events) -> set[tuple]:
    """(device, code, parameter, time) of the piece's own day."""
    own = (events.time_ms >= events.begin_ms) & (events.time_ms < events.end_ms)
    kinds, times = events.kind[own].tolist(), events.time_ms[own].tolist()
    return {(events.device, kind >> 16, kind & 65_535, time) for kind, time in zip(kinds, times, strict=True)}


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_every_event_is_in_its_own_day_once(name: str, tmp_path: Path):
    table = two_days()
    write_events(tmp_path / name, [table])
    log = opened(tmp_path / name, tmp_path)
    pieces = list(log.pieces(CODES))
    parts = [owned(piece) for piece in pieces]
    wanted = table[table["code"].isin(CODES)].drop_duplicates()
    rows = zip(wanted.device, wanted.code, wanted.parameter, (wanted.time_s * 1000).round().astype(int), strict=True)
    assert len(pieces) == 4
    assert set().union(*parts) == set(rows)
    assert sum(map(len, parts)) == len(wanted)
    log.close()


def test_a_piece_has_its_margins_in_order_without_repeats(tmp_path: Path):
    """An hour of the neighbouring days, each event once, ordered by code, parameter and time."""
    table = two_days()
    write_events(tmp_path / "log.parquet", [table])
    log = opened(tmp_path / "log.parquet", tmp_path)
    for piece in log.pieces(CODES):
        assert piece.time_ms.min() >= piece.begin_ms - MARGIN_MS
        assert piece.time_ms.max() < piece.end_ms + MARGIN_MS
        keys = list(zip(piece.kind.tolist(), piece.time_ms.tolist(), strict=True))
        assert keys == sorted(set(keys))
    assert sum(piece.repeated for piece in log.pieces(CODES)) >= 30
    log.close()


def test_vendor_codes_are_counted_and_rows_without_a_value_told(tmp_path: Path):
    write_events(tmp_path / "whole.parquet", [two_days()])
    target = tmp_path / "log.parquet"
    query = f"copy (from '{tmp_path / 'whole.parquet'}' union all select null, 7, 82, 3) to '{target}' (format parquet)"
    with duckdb.connect() as sql:
        sql.execute(query)
    log = opened(target, tmp_path)
    assert log.vendor_codes() == {305: int((two_days()["code"] == 305).sum())}
    assert log.recording.findings.notices == ["1 rows without time, device, code or parameter, left out"]
    assert [device.name for device in log.devices] == ["7", "12"]
    assert log.days_ms == (int(MIDNIGHT_S) * 1000 - DAY_MS, int(MIDNIGHT_S) * 1000)
    log.close()


def test_a_stray_date_costs_a_day_and_no_century(tmp_path: Path):
    """A controller whose clock was lost for a second logs 1970."""
    stray = two_days().iloc[:1].assign(time_s=5.0, code=82, parameter=70_000)
    write_events(tmp_path / "log.parquet", [two_days(), stray])
    log = opened(tmp_path / "log.parquet", tmp_path)
    assert len(log.days_ms) == 3 and len(list(log.pieces(CODES))) == 4
    assert log.recording.findings.notices == ["1 rows with a parameter above 65535, not read"]
    log.close()


def test_what_is_no_log_of_events_is_refused(tmp_path: Path):
    counts = tmp_path / "counts.csv"
    counts.write_text("timestamp,detector,volume\n2024-04-15 12:00:00,4,3\n", encoding="utf-8")
    with pytest.raises(FormatError, match="is long, must be a log of events"):
        opened(counts, tmp_path)
    empty = tmp_path / "empty.csv"
    empty.write_text("TimeStamp,DeviceId,EventId,Parameter\n", encoding="utf-8")
    with pytest.raises(FormatError, match="has no event that can be read"):
        opened(empty, tmp_path)
