"""A file of any size is read in the memory of a few blocks, with progress that only goes forward."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from formats.recording import open_recording

ROOT = Path(__file__).resolve().parents[2]
ROWS = 400_000
EVENTS = (
    "select timestamp '2024-04-15 12:00' + interval 100 millisecond * i as TimeStamp, 7 as DeviceId, "
    f"81 + i % 2 as EventId, i % 60 as Parameter from range({ROWS}) t(i)"
)


READ = """
import resource, sys
from pathlib import Path
from formats.recording import open_recording
tables = open_recording(Path(sys.argv[1])).tables()
rows = len(next(tables))
first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows += sum(len(table) for table in tables)
print(rows, first, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_memory_does_not_grow_with_the_file(name: str, tmp_path: Path):
    """After the first of some tens of blocks the process takes little more, where the whole would take 60 MB."""
    file = tmp_path / name
    duckdb.sql(f"copy ({EVENTS}) to '{file}'")
    done = subprocess.run([sys.executable, "-c", READ, file], cwd=ROOT, capture_output=True, text=True, check=True)
    rows, first_kb, peak_kb = map(int, done.stdout.split())
    assert rows == ROWS
    assert peak_kb - first_kb < 20_000


def test_progress_goes_forward_to_the_end(tmp_path: Path):
    file = tmp_path / "log.csv"
    duckdb.sql(f"copy ({EVENTS} limit 100000) to '{file}'")
    seen: list[tuple[int, int]] = []
    for _ in open_recording(file).tables(lambda done, total: seen.append((done, total))):
        pass
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert seen[-1] == (file.stat().st_size,) * 2


def test_reading_is_lazy(tmp_path: Path):
    """The first table comes before the file has been read."""
    file = tmp_path / "log.csv"
    duckdb.sql(f"copy ({EVENTS} limit 200000) to '{file}'")
    recording = open_recording(file)
    tables = recording.tables()
    assert recording.findings.rows == 0
    next(tables)
    assert 0 < recording.findings.rows < 100_000
