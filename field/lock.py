"""One writer a cabinet: a lock that the system lets go by itself when its process dies, however that happens."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Self

from signals.errors import ConfigError

FOLDERS = (Path("/run/lock"), Path(tempfile.gettempdir()))


class CabinetLock:
    """Held while entered. `cabinet` is its address, so that two site files of one cabinet exclude each other."""

    def __init__(self, cabinet: str, folder: Path | None = None) -> None:
        self._cabinet = cabinet
        folder = folder or next(each for each in FOLDERS if os.access(each, os.W_OK))
        name = hashlib.sha256(cabinet.encode()).hexdigest()[:16]
        self.path = folder / f"adaptive-signals-{name}.lock"
        self._file = -1

    def __enter__(self) -> Self:
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise ConfigError(f"cabinet {self._cabinet}: process {holder} writes to it, must be one only") from error
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be locked: {error.strerror}") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
