"""The audit log: nothing in it can be changed unnoticed, and a crash costs its last line at most."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from field.audit import AuditLog, entries, files, verify
from signals.errors import ConfigError


def written(folder: Path, count: int = 5, **options: object) -> Path:
    log = AuditLog(folder, **options)  # type: ignore[arg-type]
    log.append("start")
    for number in range(count - 1):
        log.append("set", name="hold", value=str(number))
    log.close()
    return files(folder)[-1]


def test_a_chain_is_whole_across_processes_and_days(tmp_path: Path):
    """A file a day, each going on where the other ended."""
    day = datetime(2026, 3, 1, tzinfo=UTC)
    for k in range(3):
        written(tmp_path, now=lambda k=k: day + timedelta(days=k))
    verdict = verify(tmp_path)
    assert (verdict.lines, verdict.begins_at, verdict.broken, verdict.cut) == (15, 1, "", ())
    assert [file.name for file in files(tmp_path)] == [f"audit-2026-03-0{k}.jsonl" for k in (1, 2, 3)]


@pytest.mark.parametrize("line", range(5))
@pytest.mark.parametrize("how", ["change", "drop", "twice", "swap", "garbage"])
def test_whatever_is_done_to_a_line_is_found(tmp_path: Path, line: int, how: str):
    """Only lines cut off at the very end are not; whoever noted the last digest finds those too."""
    file = written(tmp_path)
    lines = file.read_text().splitlines()
    if how == "change":
        row = json.loads(lines[line])
        lines[line] = json.dumps({**row, "time": "2026-01-01T00:00:00"}, sort_keys=True)
    elif how == "drop":
        del lines[line]
    elif how == "twice":
        lines.insert(line, lines[line])
    elif how == "swap":
        lines[line], lines[line - 1] = lines[line - 1], lines[line]
    else:
        lines[line] = "{"
    before = verify(tmp_path).digest
    file.write_text("\n".join(lines) + "\n")
    verdict = verify(tmp_path)
    at_an_end = (how == "drop" and line in (0, 4)) or (how == "garbage" and line in (0, 4))
    noted = verdict.digest != before or verdict.begins_at != 1
    assert verdict.broken or (at_an_end and noted)


def test_a_crash_costs_the_last_line_at_most(tmp_path: Path):
    """However much of it came onto the disk; the next process goes on after it, and the check names it."""
    content = written(tmp_path).read_bytes()
    last = len(content.splitlines(keepends=True)[-1])
    for kept in range(0, last, 37):
        file = files(tmp_path)[0]
        file.write_bytes(content[: len(content) - last + kept])
        written(tmp_path)
        verdict = verify(tmp_path)
        assert verdict.broken == "" and verdict.lines == 9
        assert len(verdict.cut) == (1 if kept else 0)


def test_secrets_are_never_in_it(tmp_path: Path):
    """Whoever says them, in whatever field."""
    log = AuditLog(tmp_path, secrets=('p"ss wörd', ""))
    log.append("set", value='community p"ss wörd!', reason=['p"ss wörd'])
    content = files(tmp_path)[0].read_text()
    assert "ss w" not in content and content.count("(secret)") == 2
    assert verify(tmp_path).broken == ""


def test_a_full_disk_is_told_and_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Half a line is taken back; what could not be written is written first, in order, once there is room."""
    log = AuditLog(tmp_path)
    log.append("start")
    real = __import__("os").write

    def full(file: int, content: bytes) -> int:
        return real(file, content[:10])

    with monkeypatch.context() as patch:
        patch.setattr("field.audit.os.write", full)
        log.append("set", value="1")
        log.append("set", value="2")
        assert "No space left on device" in log.failed
        assert len(files(tmp_path)[0].read_bytes().splitlines()) == 1
    log.append("set", value="3")
    assert log.failed == "" and verify(tmp_path).broken == ""
    assert [row.get("value") for row in entries(tmp_path)] == [None, "1", "2", "3"]


def test_a_clock_that_leaps_neither_empties_nor_breaks_it(tmp_path: Path):
    """Old files go by their number, and time may go back."""
    times = [datetime(2026, 3, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)]
    for moment in times:
        written(tmp_path, keep_days=3, now=lambda moment=moment: moment)
    verdict = verify(tmp_path)
    assert verdict.lines == 15 and verdict.broken == ""


def test_old_days_go(tmp_path: Path):
    for k in range(6):
        written(tmp_path, keep_days=2, now=lambda k=k: datetime(2026, 3, 1 + k, tzinfo=UTC))
    verdict = verify(tmp_path)
    assert len(files(tmp_path)) == 2 and verdict.begins_at == 21 and verdict.broken == ""


def test_no_log_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="has no audit log"):
        verify(tmp_path)
