"""The record log of a site, a file a day and a process: each begins with a header, so that each can be replayed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from signals.errors import ConfigError
from signals.recording import Event, Header, LogWriter
from signals.values import Record

AGAIN_S = 60.0
"""After a failure a new file is tried so often."""


class RecordLog:
    """Appends records. Never raises: `failed` says why the last one is not in the file, empty where it is.

    now: the wall's local time, for file names alone.
    """

    def __init__(
        self, folder: Path, header: Header, keep_days: int, now: Callable[[], datetime] = datetime.now
    ) -> None:
        self._folder, self._header, self._keep, self._now = folder, header, keep_days, now
        self._stream: TextIO | None = None
        self._log: LogWriter | None = None
        self._day, self._failed_s = "", float("-inf")
        self._standing: Event | None = None
        self.failed = ""

    def append(self, record: Record, time_s: float) -> None:
        """One tick."""
        self._write(time_s, lambda log: log.append(record))

    def note(self, event: Event, time_s: float) -> None:
        """One event; it is repeated at the head of each later file, since it stands until the next."""
        self._standing = event
        self._write(time_s, lambda log: log.note(event))

    def close(self) -> None:
        """Let the file go."""
        if self._stream:
            with suppress(OSError):
                self._stream.close()
        self._stream = self._log = None

    def _write(self, time_s: float, write: Callable[[LogWriter], None]) -> None:
        if self.failed and time_s - self._failed_s < AGAIN_S:
            return
        try:
            write(self._open())
            self.failed = ""
        except (ConfigError, OSError) as error:
            self.failed, self._failed_s = f"record log: {error}", time_s
            self.close()

    def _open(self) -> LogWriter:
        now = self._now()
        day = f"{now:%Y%m%d}"
        if self._log is None or day != self._day:
            self.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"records-{now:%Y%m%d-%H%M%S-%f}.jsonl"
            self._stream = path.open("x", encoding="utf-8")
            self._log, self._day = LogWriter(self._stream, self._header), day
            if self._standing:
                self._log.note(self._standing)
            self._drop_old()
        return self._log

    def _drop_old(self) -> None:
        """By days that have a file, not by date: a clock that leaps ahead must not empty the log."""
        found = sorted(self._folder.glob("records-*.jsonl"))
        kept = sorted({file.name[8:16] for file in found})[-self._keep :]
        for file in found:
            if file.name[8:16] < kept[0]:
                file.unlink()
