"""A lockout that outlives the process: kept in a file until an operator has acknowledged it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from signals.errors import ConfigError

LOCKOUT, ACKNOWLEDGEMENT = "lockout.json", "acknowledged.json"


class LockoutFile:
    """`lockout.json` says why; `acknowledged.json` beside it says who has been there. The running process removes both.

    A file that cannot be read counts as a lockout: it takes a person to say otherwise.
    """

    def __init__(self, folder: Path) -> None:
        self._lockout, self._acknowledged = folder / LOCKOUT, folder / ACKNOWLEDGEMENT

    @property
    def reason(self) -> str:
        """Why it is locked; empty where it is not."""
        return self._text(self._lockout, "reason")

    @property
    def acknowledged(self) -> str:
        """Who acknowledged it; empty where nobody has."""
        return self._text(self._acknowledged, "who") if self._lockout.exists() else ""

    def lock(self, reason: str, time: str) -> str:
        """Keep it; why that failed, or empty. An acknowledgement of an earlier one is void."""
        try:
            self._acknowledged.unlink(missing_ok=True)
            _write(self._lockout, {"reason": reason, "time": time})
        except OSError as error:
            return f"{self._lockout}: cannot be written: {error.strerror}"
        return ""

    def acknowledge(self, who: str, time: str) -> str:
        """What is acknowledged. Raises `ConfigError` where nothing is locked or it cannot be written."""
        reason = self.reason
        if not reason:
            raise ConfigError(f"{self._lockout}: is not there: nothing is locked out")
        if not (who.strip() and who.isprintable() and len(who) <= 100):
            raise ConfigError(f"who = {who[:100]!r}, must be a name of 1 to 100 printable characters")
        try:
            _write(self._acknowledged, {"who": who, "time": time, "reason": reason})
        except OSError as error:
            raise ConfigError(f"{self._acknowledged}: cannot be written: {error.strerror}") from error
        return reason

    def clear(self) -> None:
        """The acknowledgement was seen."""
        with suppress(OSError):
            self._lockout.unlink(missing_ok=True)
            self._acknowledged.unlink(missing_ok=True)

    def _text(self, path: Path, key: str) -> str:
        try:
            row: Any = json.loads(path.read_text(encoding="utf-8"))
            return str(row[key]) or "unknown"
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, KeyError, TypeError):
            return f"{path.name} cannot be read" if path == self._lockout else ""


def _write(path: Path, row: dict[str, str]) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("w", encoding="utf-8") as stream:
        json.dump(row, stream)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(path)
