"""A history on disk: loaded where it is there, kept up to date while the street goes on."""

from __future__ import annotations

from pathlib import Path

from signals.errors import ConfigError
from signals.history import BIN_S, History, load
from signals.layout import Layout


class HistoryFile:
    """`failed`: why it could not be written last, empty where it could; the street does not wait for it."""

    def __init__(self, path: Path, layout: Layout, first_weekday: int = 0) -> None:
        self.path = path
        self.history = load(path, layout) if path.exists() else History(layout, first_weekday)
        self.failed = ""
        self._saved_s: float | None = None

    def keep(self, now_s: float) -> None:
        """Write it every quarter of an hour of the street."""
        if self._saved_s is None or now_s < self._saved_s:
            self._saved_s = now_s
        if now_s - self._saved_s >= BIN_S:
            self._saved_s = now_s
            self.save()

    def save(self) -> None:
        """Write it now."""
        try:
            self.history.save(self.path)
            self.failed = ""
        except ConfigError as error:
            self.failed = str(error)

    @property
    def words(self) -> str:
        """How it ended, in a line."""
        return f"history: {self.failed or self.path}"
