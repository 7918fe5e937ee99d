"""`evaluate.py detectors`: any format in, verdicts on the terminal, tables and one offline page in the folder."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import evaluate
from formats.write_events import write_events
from tests.formats.samples import NOON_S
from tests.reports.detectors.made_up import logs, without_vehicles

CHANNELS = dict(zip("ABCDE", range(1, 6), strict=True))


PLACES = """
[detectors]
2 = { phase = 2, function = "stop_line" }
9 = { phase = 2, function = "advance" }
"""


def typed(*words: object) -> Result:
    return CliRunner().invoke(evaluate.app, ["detectors", *map(str, words)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Five loops for two hours, the first dead from 80 min on, and the greens of phase 2."""
    of = logs()
    of["A"] = without_vehicles(of["A"], 4800.0)
    parts = [
        pd.DataFrame({"time_s": NOON_S + times, "device": "7", "code": codes, "parameter": CHANNELS[name]})
        for name, (times, codes) in of.items()
    ]
    greens = [(NOON_S + 60 * cycle + at, code) for cycle in range(120) for at, code in ((0, 1), (30, 8))]
    signal = pd.DataFrame(greens, columns=["time_s", "code"]).assign(device="7", parameter=2)
    return write_events(tmp_path / "log.csv", [pd.concat([*parts, signal]).sort_values("time_s", kind="stable")])[0]


def test_a_log_becomes_verdicts_tables_and_a_page(log: Path, tmp_path: Path):
    """The dead loop is named with its reason; the page opens offline."""
    places = tmp_path / "places.toml"
    places.write_text(
        '[detectors]\n2 = { phase = 2, function = "stop_line" }\n9 = { phase = 2, function = "advance" }\n'
    )
    out = tmp_path / "out"
    done = typed(log, "--map", places, "--out", out)
    assert done.exit_code == 0, done.output
    assert "4 of 6 detectors can be believed; 2 are distrusted. Found: silent (2)." in done.stdout
    detectors = pd.read_csv(out / "detectors.csv", dtype={"detector": str}).set_index("detector")
    assert list(detectors.loc[["1", "9"], "verdict"]) == ["distrusted", "distrusted"]
    assert "is in no row of the file" in str(detectors.loc["9", "reasons"])
    cycles = pd.read_csv(out / "cycles.csv")
    assert len(cycles) == 119
    assert cycles["queue_veh"].notna().all()
    assert {file.name for file in out.iterdir()} >= {"counts.parquet", "cycles.parquet", "detectors.parquet"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page


def test_counts_in_the_tables_are_the_vehicles_of_the_log(log: Path, tmp_path: Path):
    typed(log, "--out", tmp_path / "out")
    counts = pd.read_csv(tmp_path / "out" / "counts.csv", dtype={"detector": str})
    assert counts[counts["detector"] == "3"]["volume_veh"].sum() == len(logs()["C"][0]) / 2


def test_broken_rows_are_said_with_their_lines_and_repeats_are_counted(log: Path, tmp_path: Path):
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:10], "broken", *lines[10:], lines[50]]) + "\n")
    done = typed(log, "--out", tmp_path / "out")
    assert "broken row: 1 fields, must be 4: 1 (line 11)" in done.stdout
    assert "repeated rows, dropped: 1" in done.stdout


def test_names_in_a_file_are_no_markup(log: Path, tmp_path: Path):
    """A device called <script> is shown, not run."""
    log.write_text(log.read_text().replace(",7,", ",<script>alert(1)</script>,"))
    assert typed(log, "--out", tmp_path / "out").exit_code == 0
    assert "<script" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_two_equal_files_give_equal_pages(log: Path, tmp_path: Path):
    typed(log, "--out", tmp_path / "first")
    typed(log, "--out", tmp_path / "second")
    assert (tmp_path / "first" / "report.html").read_bytes() == (tmp_path / "second" / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (None, [], "does not exist"),
        ("nothing,of,use\n1,2,3\n", [], "is in no format known"),
        ("TimeStamp,DeviceId,EventId,Parameter\nbroken\n", [], "has no row that can be read as events"),
        ("a,b\n1,2\n", ["--format", "xls"], "format = xls, must be one of events"),
        ("time,detector,volume\n", ["--map", "tme=a"], "tme is unknown"),
        ("time,detector,volume\n", ["--map", "none.toml"], "none.toml: cannot be read"),
        ("time,detector,volume\n", ["--intersection", "none.toml"], "none.toml: cannot be read"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_no_folder(
    content: str | None, words: list[str], said: str, tmp_path: Path
):
    file, out = tmp_path / "file.csv", tmp_path / "out"
    if content is not None:
        file.write_text(content)
    done = typed(file, "--out", out, *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not out.exists()
