"""High-resolution events: what is written is read again, and what is broken is told with its line."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import FormatError
from formats.recording import open_recording
from formats.write_events import write_events
from tests.formats.samples import NOON_S, made_up_events, read, text

ANY_EVENTS = st.lists(
    st.tuples(st.integers(0, 3 * 36_000), st.sampled_from(["7", "10.0.0.3"]), st.integers(0, 255), st.integers(0, 255)),
    min_size=1,
    max_size=60,
)


def table(rows: list[tuple[int, str, int, int]]) -> pd.DataFrame:
    """Tenths of a second since noon, device, code, parameter; in order of time."""
    frame = pd.DataFrame(sorted(rows), columns=["time_s", "device", "code", "parameter"])
    return frame.assign(time_s=(NOON_S + frame["time_s"] / 10).round(1))


def in_order(frame: pd.DataFrame) -> list[tuple]:
    return sorted(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize("name", ["log.csv", "log.parquet", "log"])
def test_what_is_written_is_read_again(name: str, tmp_path: Path):
    """CSV, Parquet and .datZ, told from the file itself, give the very events."""
    events = made_up_events()
    write_events(tmp_path / name, [events.iloc[:300], events.iloc[300:]])
    again, findings = read(tmp_path / name)
    assert in_order(again) == in_order(events)
    assert findings.broken.total == 0
    assert findings.rows == len(events)


@given(ANY_EVENTS)
def test_any_log_survives_datz(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int, int]]):
    """Whatever codes, parameters, devices and times to a tenth of a second: nothing lost, changed or added."""
    folder = tmp_path_factory.mktemp("log") / "datz"
    written = write_events(folder, [table(rows)])
    again, findings = read(folder)
    assert in_order(again) == in_order(table(rows))
    assert (findings.broken.total, len({file.name for file in written})) == (0, len(written))


def test_vendor_codes_are_kept_in_csv_and_refused_in_datz(tmp_path: Path):
    """A code above 255 has no room in a byte; it is never cut to another code."""
    events = made_up_events(4).assign(code=[82, 305, 81, 503])
    write_events(tmp_path / "log.csv", [events])
    assert list(read(tmp_path / "log.csv")[0]["code"]) == [82, 305, 81, 503]
    with pytest.raises(FormatError, match="code = 305, must be 0 to 255"):
        write_events(tmp_path / "log", [events])


def test_broken_rows_are_told_by_line_and_left_out(tmp_path: Path):
    """The sound rows around them are read."""
    good = "2024-04-15 12:00:00.{0},7,82,4"
    lines = [good.format(1), "2024-04-15 12:00:00.2,7,82", "yesterday,7,82,4", "2024-04-15 12:00:00.3,7,on,4"]
    lines += ['2024-04-15 12:00:00.4,"7,82,4', "", "2024-04-15 12:00:00.5,7,-1,4", "2024-04-15 12:00:00.6,,82,4"]
    lines += [good.format(7)]
    file = text(tmp_path, "log.csv", "TimeStamp,DeviceId,EventId,Parameter", *lines)
    events, findings = read(file)
    assert list(events["time_s"]) == pytest.approx([NOON_S + 0.1, NOON_S + 0.7])
    assert findings.broken.lines == {
        "3 fields, must be 4": [3],
        "2 fields, must be 4": [6],
        "TimeStamp is not a time": [4],
        "EventId is not a number": [5],
        "EventId is not a whole number from 0": [8],
        "DeviceId is empty": [9],
    }
    assert findings.rows == len(events) + findings.broken.total


def test_only_the_first_lines_of_a_kind_are_kept(tmp_path: Path):
    lines = ["nonsense"] * 1000
    file = text(tmp_path, "log.csv", "TimeStamp,DeviceId,EventId,Parameter", *lines, "2024-04-15 12:00:00,7,82,4")
    _, findings = read(file)
    assert findings.broken.sentences() == ["1 fields, must be 4: 1,000 (lines 2, 3, 4, 5, 6, …)"]


@pytest.mark.parametrize(
    "header",
    ["Timestamp,SignalID,EventCode,EventParam", "time;device;code;parameter", "TIMESTAMP,DEVICE_ID,EVENT_ID,PARAMETER"],
)
def test_usual_names_and_delimiters_are_recognised(header: str, tmp_path: Path):
    row = "4/15/2024 12:00:00.5,7,82,4".replace(",", ";" if ";" in header else ",")
    events, _ = read(text(tmp_path, "log.csv", header, row))
    assert in_order(events) == [(NOON_S + 0.5, "7", 82, 4)]


def test_a_change_of_offset_neither_repeats_nor_skips_an_hour(tmp_path: Path):
    """In the night when summer time ends, half past one comes twice, an hour apart."""
    rows = ["2024-10-27T02:30:00+02:00,7,82,4", "2024-10-27T02:30:00+01:00,7,81,4"]
    events, findings = read(text(tmp_path, "log.csv", "TimeStamp,DeviceId,EventId,Parameter", *rows))
    assert np.diff(events["time_s"]) == [3600.0]
    assert any("offset from UTC changes" in notice for notice in findings.notices)


def test_ambiguous_dates_are_read_as_month_first_and_said(tmp_path: Path):
    _, findings = read(text(tmp_path, "a.csv", "TimeStamp,DeviceId,EventId,Parameter", "3/4/2024 12:00:00,7,82,4"))
    assert findings.notices == ["dates are read as month/day/year; time_format in --map says otherwise"]
    events, findings = read(
        text(tmp_path, "b.csv", "TimeStamp,DeviceId,EventId,Parameter", "15/4/2024 12:00:00,7,82,4")
    )
    assert list(events["time_s"]) == [NOON_S]
    assert not findings.notices


def datz_file(folder: Path, payload: bytes, marked: bool = True) -> Path:
    header = "04/15/2024 12:00:00.0,Version #:,3\n04/15/2024 12:00:00.0,Phases in use:,2,6\n" if marked else "nothing\n"
    file = folder / "ECON_10.1.2.3_2024_04_15_1200.datZ"
    file.write_bytes(zlib.compress(header.encode() + payload))
    return file


RECORDS = struct.pack(">BBHBBH", 82, 4, 1, 81, 4, 65_535)


def test_datz_takes_its_start_from_the_header_and_its_device_from_the_name(tmp_path: Path):
    events, findings = read(datz_file(tmp_path, RECORDS))
    assert in_order(events) == [(NOON_S + 0.1, "10.1.2.3", 82, 4), (NOON_S + 6553.5, "10.1.2.3", 81, 4)]
    assert findings.broken.total == 0


@pytest.mark.parametrize(
    ("damage", "events", "said"),
    [
        (lambda packed: packed[:-6], 999, "ends early"),
        (lambda packed: packed[: len(packed) // 2], 480, "ends early"),
        (lambda packed: packed[:-4] + b"\0\0\0\0", 900, "is damaged"),
    ],
)
def test_a_damaged_datz_gives_what_came_before_the_damage(damage, events: int, said: str, tmp_path: Path):
    noise = np.random.default_rng(1).integers(0, 256, 4000, dtype="uint8").tobytes()
    file = datz_file(tmp_path, noise)
    file.write_bytes(damage(file.read_bytes()))
    found, findings = read(file)
    assert events <= len(found) <= 1000
    assert said in "".join(findings.broken.sentences())


def test_a_datz_that_ends_within_a_record_or_has_no_header_is_told(tmp_path: Path):
    found, findings = read(datz_file(tmp_path, RECORDS + b"\x52"))
    assert (len(found), findings.broken.total) == (2, 1)
    recording = open_recording(datz_file(tmp_path, RECORDS, marked=False), "datz")
    assert list(recording.tables()) == []
    assert "no line with 'Phases in use:'" in recording.findings.broken.sentences()[0]


def test_events_out_of_order_by_hours_are_refused_in_datz(tmp_path: Path):
    late = made_up_events(1).assign(time_s=NOON_S + 3 * 3600)
    with pytest.raises(FormatError, match="must be in order"):
        write_events(tmp_path / "log", [made_up_events(1), late, made_up_events(1)])
