"""The unit's high-resolution log as a file: a .csv grows as it happens, a .parquet or .datZ is written at the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from field.virtual.machine import Event
from formats.errors import FormatError
from formats.write_events import EventCsv, write_events
from signals.errors import ConfigError

APPEND_EVERY = 200
"""Events between two writes of a .csv."""


class EventLog:
    """Takes events; `midnight_s` makes times since 1970 of the street's."""

    def __init__(self, path: Path, device: str, midnight_s: float) -> None:
        self._path, self._device, self._midnight_s = path, device, midnight_s
        self._events: list[Event] = []
        try:
            self._csv = EventCsv(path) if path.suffix.lower() == ".csv" else None
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error

    def take(self, events: Iterable[Event]) -> None:
        """Remember them, and write them when they are many."""
        self._events += events
        if self._csv and len(self._events) >= APPEND_EVERY:
            self._append()

    def _append(self) -> None:
        if self._csv and self._events:
            self._csv.append(table_of(self._events, self._device, self._midnight_s))
            self._events = []

    def close(self) -> None:
        """Write what is left."""
        if self._csv:
            self._append()
            self._csv.close()
            return
        try:
            write_events(self._path, [table_of(self._events, self._device, self._midnight_s)])
        except (FormatError, OSError) as error:
            raise ConfigError(f"{self._path}: {error}") from error


def table_of(events: Iterable[Event], device: str, midnight_s: float) -> pd.DataFrame:
    """A table of `formats.rows.EVENTS`."""
    table = pd.DataFrame(list(events), columns=["time_s", "code", "parameter"])
    table["time_s"] += midnight_s
    table.insert(1, "device", device)
    return table
