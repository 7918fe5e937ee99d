"""The audit log: what was written to the cabinet, and why, in lines that each hold the digest of the line before.

One file a day, appended to, a line at a time, on the disk before anything goes on: a crash loses the last line at
most. Whoever changes, drops or adds a line within it breaks the chain. Lines cut off at its end are missed only by
somebody who noted the last digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from signals.errors import ConfigError

FIRST = "0" * 64
"""In place of a digest before the first line."""
START = "start"
"""Kind of the first entry of a process; only before it may a line be cut."""
HIDDEN = "(secret)"
MOST_WAITING = 10_000
"""Entries that wait in memory for a disk that is full."""
LONGEST_LINE = 2**20
NAME = re.compile(r"audit-(\d{4}-\d{2}-\d{2})\.jsonl")


def digest_of(before: str, row: dict[str, Any]) -> str:
    """sha256 over the digest before and the row without its own, keys sorted."""
    text = json.dumps({key: value for key, value in row.items() if key != "digest"}, sort_keys=True)
    return hashlib.sha256((before + text).encode()).hexdigest()


def files(folder: Path) -> list[Path]:
    """The log's files, oldest first."""
    return sorted(file for file in folder.glob("audit-*.jsonl") if NAME.fullmatch(file.name))


class AuditLog:
    """Appends. `failed`: why the last entry is not on the disk, empty where it is; what waits is written first.

    secrets: texts that are never written, whoever says them; now: the wall's time, for the lines' own time alone.
    """

    def __init__(
        self,
        folder: Path,
        keep_days: int = 90,
        secrets: Sequence[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder, self._keep_days, self._now = folder, keep_days, now
        self._secrets = [secret for secret in secrets if secret]
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST_WAITING)
        self.failed = ""
        self._file = -1
        self._day = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._number, self._digest = _last(folder)
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error

    def append(self, kind: str, **about: Any) -> None:
        """One entry, on the disk when this returns, or waiting where `failed` says why."""
        self._waiting.append({"time": self._now().isoformat(timespec="milliseconds"), "kind": kind, **about})
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        try:
            while self._waiting:
                self._write(self._waiting[0])
                self._waiting.popleft()
            self.failed = ""
        except OSError as error:
            self.failed = f"{self._folder}: the audit log cannot be written: {error.strerror}"

    def close(self) -> None:
        """Let the file go."""
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
            self._file = -1

    def _write(self, entry: dict[str, Any]) -> None:
        self._turn_over(entry["time"][:10])
        row = {"number": self._number + 1, "before": self._digest, **json.loads(self._hide(json.dumps(entry)))}
        row["digest"] = digest_of(self._digest, row)
        line = (json.dumps(row, sort_keys=True) + "\n").encode()
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(28, "No space left on device")
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, size)  # half a line of ours, no line of anybody's
            raise
        self._number, self._digest = row["number"], row["digest"]

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(json.dumps(secret)[1:-1], HIDDEN)
        return text

    def _turn_over(self, day: str) -> None:
        """The day's file; an earlier day's is left where the clock was set back."""
        if self._file >= 0 and day <= self._day:
            return
        self.close()
        newest = files(self._folder)
        self._day = max(day, NAME.fullmatch(newest[-1].name)[1] if newest else day)  # type: ignore[index]
        path = self._folder / f"audit-{self._day}.jsonl"
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        _end_line(self._file)
        self._drop_old()

    def _drop_old(self) -> None:
        """By number, not by date: a clock that leaps ahead must not empty the log."""
        for file in files(self._folder)[: -self._keep_days]:
            file.unlink()


def _end_line(file: int) -> None:
    """A line that a crash left half gets its end, so that the next one is a line of its own."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.write(file, b"\n")


def _last(folder: Path) -> tuple[int, str]:
    """Number and digest of the last whole line."""
    for file in reversed(files(folder)):
        for text in reversed(file.read_bytes().splitlines()):
            with suppress(ValueError, KeyError, TypeError):
                row = json.loads(text)
                return int(row["number"]), str(row["digest"])
    return 0, FIRST


@dataclass(frozen=True)
class Verdict:
    """What a check of the chain found: how many lines, the last digest, what is broken first, and lines cut by a crash.

    begins_at: the number of the first line; above 1 where older days are gone.
    """

    lines: int
    begins_at: int
    digest: str
    broken: str
    cut: tuple[str, ...]


def verify(path: Path) -> Verdict:
    """Check a file of the log, or a folder of them. Raises `ConfigError` where there is none."""
    found = files(path) if path.is_dir() else [path]
    if not found:
        raise ConfigError(f"{path}: has no audit log, must have audit-DATE.jsonl")
    lines, begins_at, number, digest = 0, 0, 0, ""
    cut: list[str] = []
    broken, doubtful = "", ""
    for where, text in _texts(found):
        row = _row(text)
        if row is None:
            cut.append(where)
            doubtful = doubtful or where
            continue
        broken = broken or _breach(row, number, digest, where)
        if doubtful and row["kind"] != START:
            broken = broken or f"{doubtful}: is no entry"
        begins_at, doubtful = begins_at or row["number"], ""
        lines, number, digest = lines + 1, row["number"], row["digest"]
    return Verdict(lines, begins_at, digest, broken, tuple(cut))


def _breach(row: dict[str, Any], number: int, digest: str, where: str) -> str:
    """What is wrong with an entry after that number and digest; the first of all may follow anything."""
    if digest and (row["before"] != digest or row["number"] != number + 1):
        return f"{where}: does not follow the line before: entry {row['number']} after {number}"
    if row["digest"] != digest_of(row["before"], row):
        return f"{where}: entry {row['number']} was changed: its digest differs"
    return ""


def _texts(found: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for file in found:
        try:
            texts = file.read_bytes().splitlines()
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
        for number, text in enumerate(texts, start=1):
            yield f"{file}: line {number}", text


def _row(text: bytes) -> dict[str, Any] | None:
    """An entry with what every entry has, or None."""
    try:
        row = json.loads(text) if len(text) < LONGEST_LINE else None
    except (ValueError, RecursionError):
        return None
    wanted = {"number": int, "before": str, "digest": str, "kind": str}
    if not isinstance(row, dict) or any(not isinstance(row.get(key), kind) for key, kind in wanted.items()):
        return None
    return row


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Whole entries of a file or folder, in order, unchecked."""
    for _, text in _texts(files(path) if path.is_dir() else [path]):
        row = _row(text)
        if row is not None:
            yield row
