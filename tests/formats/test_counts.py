"""Each format of counts becomes the one table, in our units; a fault is never a value."""

import gzip
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from formats.errors import FormatError
from formats.mapping import Mapping, mapping_from, typed
from formats.recording import open_recording
from formats.rows import COUNTS
from tests.formats.samples import NOON_S, read, text

DAY_S = 86_400.0


def row(table: pd.DataFrame, place: int) -> tuple:
    found = table.loc[place]
    return tuple(None if isinstance(value, float) and np.isnan(value) else value for value in found)


def test_scats_days_become_quarter_hours_and_negatives_faults(tmp_path: Path):
    """A negative, empty or broken cell spoils its quarter-hour, not its day; a broken date the row."""
    volumes = [str(quarter) for quarter in range(96)]
    header = ",".join(["NB_SCATS_SITE", "QT_INTERVAL_COUNT", "NB_DETECTOR", *(f"V{q:02d}" for q in range(96))])
    broken = [*volumes[:3], "-1", "x", "", *volumes[6:]]
    rows = [f"100,2024-04-15,1,{','.join(volumes)}", f"100,2024-04-15 00:00:00,2,{','.join(broken)}"]
    file = text(tmp_path, "VSDATA_20240415.csv", header, *rows, f"100,soon,3,{','.join(volumes)}", "100,2024-04-15")
    table, findings = read(file)
    assert tuple(table.columns) == COUNTS
    assert list(table["detector"].unique()) == ["100/1", "100/2"]
    assert row(table, 95) == ("100/1", NOON_S - 43_200 + 95 * 900, 900.0, 95.0, None, None, True)
    faulty = table[~table["healthy"]]
    assert list(faulty["begin_s"] - (NOON_S - 43_200)) == [2700.0, 3600.0, 4500.0]
    assert faulty["volume_veh"].isna().all()
    assert findings.faulty.lines == {
        "negative quarter-hour (SCATS fault)": [3], "V04 is not a number": [3], "empty quarter-hour": [3],
    }  # fmt: skip
    assert findings.broken.lines == {"2 fields, must be 99": [5], "QT_INTERVAL_COUNT is not a time": [4]}


PEMS = [
    "04/15/2024 12:00:00,715898,7,5,N,ML,.43,20,100,50,.05,60,10,30,.06,65,1,10,20,.04,55,1",
    "04/15/2024 12:05:00,715898,7,5,N,ML,.43,20,50,50,.05,60,10,30,.06,65,1,0,20,.04,55,0",
    "04/15/2024 12:00:00,715900,7,5,N,OR,,10,100,12,,,,,,,,,,,,",
    "04/15/2024 12:05:00,715900,7,5,N,OR,,10,0,12,,,,,,,,,,,,",
    "04/15/2024 12:05:00,715900,7",
]


@pytest.mark.parametrize("packed", [False, True])
def test_pems_lanes_are_detectors_and_imputed_figures_no_values(packed: bool, tmp_path: Path):
    """Plain or .gz; what was not observed is a fault."""
    file = text(tmp_path, "d07_text_station_5min_2024_04_15.txt", *PEMS)
    if packed:
        file = tmp_path / "d07.txt.gz"
        file.write_bytes(gzip.compress("\n".join(PEMS).encode()))
    table, findings = read(file)
    by = {(each.detector, each.begin_s): each for each in table.itertuples()}
    assert set(table["detector"]) == {"715898/1", "715898/2", "715900"}
    assert (by["715898/2", NOON_S].volume_veh, by["715898/2", NOON_S].occupancy) == (20.0, 0.04)
    assert by["715898/1", NOON_S].speed_m_per_s == pytest.approx(65 * 1609.344 / 3600)
    assert table[~table["healthy"]]["volume_veh"].isna().all()
    assert list(table[~table["healthy"]]["detector"]) == ["715900", "715898/2"]
    assert (table["period_s"] == 300).all()
    assert findings.broken.lines == {"3 fields, must be 22": [5]}


def test_utd19_gives_vehicles_per_period_and_flags_no_values(tmp_path: Path):
    """Flow is veh/h there; each city has its own step."""
    file = text(
        tmp_path, "utd19_u.csv", "day,interval,detid,flow,occ,error,city,speed",
        "2024-04-15,0,a1,120,0.1,,augsburg,36", "2024-04-15,300,a1,240,0.2,0,augsburg,NA",
        "2024-04-15,600,a1,60,0.2,1,augsburg,",
        "2024-04-15,0,b,60,0.1,,basel,", "2024-04-15,180,b,60,1.5,,basel,", "2024-04-15,90000,b,60,0.1,,basel,",
    )  # fmt: skip
    table, findings = read(file)
    assert row(table, 0) == ("augsburg/a1", NOON_S - 43_200, 300.0, 10.0, 0.1, 10.0, True)
    assert row(table, 3)[:4] == ("basel/b", NOON_S - 43_200, 180.0, 3.0)
    assert list(table["healthy"]) == [True, True, False, True, False]
    assert findings.faulty.lines == {"error flag": [4], "occupancy beyond 0–1": [6]}
    assert findings.broken.lines == {"interval is not a second of the day": [7]}


E1 = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<detector xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
    '  <interval begin="0.00" end="60.00" id="e1_0" nVehContrib="5" occupancy="12.50" speed="10.00" length="5"/>',
    '  <interval begin="60.00" end="120.00" id="e1_0" nVehContrib="0" occupancy="0.00" speed="-1.00" length="-1"/>',
    '  <interval begin="60.00" end="120.00" nVehContrib="0" occupancy="0.00" speed="-1.00"/>',
    '  <interval begin="00:02:00" end="00:03:00" id="e1_0" nVehContrib="2" occupancy="many" speed="3"/>',
    '  <interval begin="00:03:00" end="00:04:00" id="e1_0" nVehContrib="2" occupancy="1" speed="3"/>',
]


def test_sumo_e1_occupancy_is_a_share_and_no_speed_is_none(tmp_path: Path):
    table, findings = read(text(tmp_path, "e1.xml", *E1, "</detector>"))
    assert row(table, 0) == ("e1_0", 0.0, 60.0, 5.0, 0.125, 10.0, True)
    assert row(table, 1) == ("e1_0", 60.0, 60.0, 0.0, 0.0, None, True)
    assert list(table["begin_s"]) == [0.0, 60.0, 180.0]
    assert findings.broken.lines == {"interval without id": [5], "occupancy is not a number": [6]}


def test_a_sumo_output_that_breaks_off_gives_what_it_has(tmp_path: Path):
    """As after a crashed simulation."""
    table, findings = read(text(tmp_path, "e1.xml", *E1, '  <interval begin="18'))
    assert len(table) == 3
    assert any("not well-formed from here on" in sentence for sentence in findings.broken.sentences())


def test_flow_csv_adds_heavy_vehicles_and_has_minutes(tmp_path: Path):
    rows = ["d1;0;8;2;36;18", "d1;5;4;0;36;0", "d1;10;-1;0;36;0", "d1;ten;4;0;36;0"]
    file = text(tmp_path, "flows.txt", "Detector;Time;qPKW;qLKW;vPKW;vLKW", *rows)
    table, findings = read(file)
    assert row(table, 0) == ("d1", 0.0, 300.0, 10.0, None, pytest.approx(9.0), True)
    assert list(table["healthy"]) == [True, True, False]
    assert findings.broken.lines == {"Time is not a number": [5]}
    short, _ = read(text(tmp_path, "short.txt", "Detector;Time;qPKW;vPKW", "d1;0;8;36", "d1;1;8;36"))
    assert list(short["volume_veh"]) == [8.0, 8.0]


LONG = (
    "when,site,lane,n,occ,v",
    "2024-04-15 12:00,9,1,30,12.5,36",
    "2024-04-15 12:05,9,1,many,1,36",
    "2024-04-15 12:05,9,2,60,210,-3",
)


def test_a_long_table_is_read_by_its_mapping(tmp_path: Path):
    """As typed: two columns name the detector, per cent and km/h become ours."""
    words = "time=when,detector=site+lane,volume=n,occupancy=occ,speed=v,period_s=300"
    words += ",occupancy_unit=per cent,speed_unit=km/h"
    table, findings = read(text(tmp_path, "own.csv", *LONG), "", mapping_from(typed(words), "--map"))
    assert row(table, 0) == ("9/1", NOON_S, 300.0, 30.0, 0.125, pytest.approx(10.0), True)
    assert row(table, 1) == ("9/2", NOON_S + 300, 300.0, None, None, None, False)
    assert findings.broken.lines == {"n is not a number": [3]}


def test_a_long_table_with_usual_names_needs_no_mapping(tmp_path: Path):
    """CSV or Parquet; the period is the usual step, and that is said."""
    file = tmp_path / "counts.parquet"
    duckdb.sql(
        "copy (select timestamp '2024-04-15 12:00' + interval 15 minute * i as timestamp, 7 as detector, i as total "
        f"from range(3) t(i)) to '{file}' (format parquet)"
    )
    table, findings = read(file)
    assert list(table["detector"]) == ["7"] * 3
    assert list(table["period_s"]) == [900.0] * 3
    assert findings.notices == ["period 900 s: the usual step from row to row; period_s in --map says otherwise"]


def test_ntcip_fault_codes_are_faults_and_half_per_cents_shares(tmp_path: Path):
    """Occupancy 210 to 217 is never 105 %; 201 to 209 is nothing at all; volume 255 is an overflow."""
    reported = [(5, 100), (5, 200), (5, 210), (5, 217), (5, 205), (255, 10)]
    rows = [f"2024-04-15 12:0{place},1,{volume},{raw}" for place, (volume, raw) in enumerate(reported)]
    file = text(tmp_path, "ntcip.csv", "time,detector,volume,occupancy", *rows)
    table, findings = read(file, mapping=Mapping(occupancy_unit="ntcip", period_s=60.0))
    assert list(table["occupancy"].dropna()) == [0.5, 1.0]
    assert list(table["healthy"]) == [True, True, False, False, False, False]
    assert findings.faulty.counts["occupancy 210–217: fault code (NTCIP 1202)"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("tme=when", "tme is unknown"),
        ("time", "must be name=column"),
        ("period_s=0", "period_s = 0, must be above 0"),
        ("speed_unit=knots", "speed_unit = 'knots', must be one of m/s"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(words: str, said: str):
    with pytest.raises(FormatError, match=said):
        mapping_from(typed(words), "--map")


def test_a_mapped_column_that_is_not_there_is_named(tmp_path: Path):
    file = text(tmp_path, "own.csv", *LONG)
    with pytest.raises(FormatError, match="no column count, must be one of when, site, lane"):
        read(file, mapping=Mapping(time="when", detector=("site",), volume="count"))


@pytest.mark.parametrize("content", ["", "a,b,c\n1,2,3\n", "\x00\x01\x02"])
def test_a_file_of_no_known_format_is_one_line_with_the_formats(content: str, tmp_path: Path):
    file = tmp_path / "something"
    file.write_text(content)
    with pytest.raises(FormatError, match=r"is in no format known.*--format.*scats"):
        open_recording(file)


def test_missing_files_and_unknown_formats_are_named(tmp_path: Path):
    with pytest.raises(FormatError, match="does not exist"):
        open_recording(tmp_path / "none.csv")
    with pytest.raises(FormatError, match=r"format = xls, must be one of events, datz"):
        open_recording(text(tmp_path, "a.csv", "a"), "xls")


def test_a_cut_off_gz_gives_what_it_has(tmp_path: Path):
    lines = [f"04/15/2024 12:00:00,{station},7,5,N,ML,.43,20,100,50,.05,60" for station in range(60_000)]
    file = tmp_path / "d07.txt.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode())[:-5000])
    table, findings = read(file)
    assert 0 < len(table) < 60_000
    assert "ends early or is damaged" in findings.broken.sentences()[0]
