"""Where built networks and computed routes are kept between runs, and the digests that name them."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from signals.errors import ConfigError


def cache_dir() -> Path:
    """$ADAPTIVE_SIGNALS_CACHE, else the user's cache folder as the XDG specification has it."""
    own = os.environ.get("ADAPTIVE_SIGNALS_CACHE")
    if own:
        return Path(own).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "adaptive-signals"


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def combined_digest(parts: Iterable[str]) -> str:
    """sha256 over an ordered list of texts; a part's end cannot be mistaken for the next one's beginning."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def kept_folder(name: str, build: Callable[[Path], None]) -> Path:
    """The cached folder of that name, built on first use; of several processes that build it at once the first wins."""
    folder = cache_dir() / name
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as work:
            built = Path(work) / "built"
            built.mkdir()
            build(built)
            _put(built, folder)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror} (the cache; ADAPTIVE_SIGNALS_CACHE moves it)") from error
    return folder


def _put(built: Path, folder: Path) -> None:
    try:
        built.replace(folder)
    except OSError:
        if not folder.is_dir():  # else another process was first, with the same content
            raise
