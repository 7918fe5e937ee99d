"""What is usual at this time of day, and what stop lines have been seen to pass: kept over days, saved and loaded.

Flows are kept per lane group, quarter hour and kind of day, as running means over days; memory is constant. A file
belongs to the lanes and loops that it was learned from; a street with others refuses it. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Annotated, Any, Literal
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from signals.errors import ConfigError
from signals.intersection import Frozen, Intersection, first_error
from signals.layout import Layout
from signals.plans import DAY_S
from signals.values import Bools, Floats

BIN_S = 900
BINS = DAY_S // BIN_S
KIND_OF_DAY = (0, 0, 0, 0, 0, 1, 2)
"""Monday to Friday, Saturday, Sunday."""
MOST_DAYS = 20.0
"""Of each kind; older ones fade."""
WHOLE_S = 0.8 * BIN_S
"""A quarter hour of which less was seen is not learned from."""
LONGEST_STEP_S = 120.0
LARGEST_ABOUT, LARGEST_HEAD = 2**20, 2**10
DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    RuntimeError,
    MemoryError,
    EOFError,
    SyntaxError,
    BadZipFile,
    TokenError,
    struct.error,
    zlib.error,
)
"""What numpy and zipfile raise where a file is not what it says."""
BOUNDS = {
    "flow_veh_per_h": (0.0, 20_000.0),
    "days": (0.0, MOST_DAYS),
    "headway_count": (0.0, 1000.0),
    "headway_s": (1.0, 10.0),
    "lost_count": (0.0, 1000.0),
    "lost_s": (-60.0, 60.0),
}


class About(Frozen):
    """What a file says of itself: the street that it was learned from, by junction."""

    format: Literal["adaptive-signals history"] = "adaptive-signals history"
    version: Literal[1] = 1
    first_weekday: Annotated[int, Field(ge=0, le=6)]
    digests: dict[str, str]


class History:
    """Usual flows, and learned saturation headways and lost times. `first_weekday`: that of time 0, Monday is 0.

    flow_veh_per_h, days [kind of day, quarter hour, J, N]: means, and over how many days; headway_s, lost_s [L] and
    how many measurements each is the mean of (`signals.saturation` keeps them).
    """

    def __init__(self, layout: Layout, first_weekday: int = 0) -> None:
        self._layout, self._first_weekday = layout, first_weekday
        shape = (max(KIND_OF_DAY) + 1, BINS, *layout.shape)
        self.flow_veh_per_h, self.days = np.zeros(shape), np.zeros(shape)
        loops = len(layout.loops)
        self.headway_count, self.headway_s = np.zeros(loops), np.full(loops, 2.0)
        self.lost_count, self.lost_s = np.zeros(loops), np.full(loops, 2.0)
        self._bin: tuple[int, int] | None = None
        self._at_s = -np.inf
        self._begin()

    def _begin(self) -> None:
        self._seen_veh_h, self._seen_s = np.zeros(self._layout.shape), np.zeros(self._layout.shape)

    def bin_at(self, now_s: float) -> tuple[int, int]:
        """Kind of day and quarter hour."""
        day, second = divmod(now_s, DAY_S)
        return KIND_OF_DAY[(int(day) + self._first_weekday) % 7], int(second // BIN_S)

    def take(self, now_s: float, flow_veh_per_h: Floats, told: Bools) -> None:
        """The flows [J, N] of the time since the last call, and which of them believed loops have told."""
        elapsed_s, self._at_s = now_s - self._at_s, now_s
        if not 0 < elapsed_s <= LONGEST_STEP_S:
            self._bin = None
        at = self.bin_at(now_s)
        if at != self._bin:
            if self._bin is not None:
                self._learn(self._bin)
            self._bin = at
            self._begin()
            return
        self._seen_veh_h += flow_veh_per_h * (elapsed_s * told)
        self._seen_s += elapsed_s * told

    def _learn(self, at: tuple[int, int]) -> None:
        whole = self._seen_s >= WHOLE_S
        days, flow = self.days[at], self.flow_veh_per_h[at]
        days[whole] = np.minimum(days[whole] + 1.0, MOST_DAYS)
        flow[whole] += (self._seen_veh_h[whole] / self._seen_s[whole] - flow[whole]) / days[whole]

    def usual_veh_per_h(self, now_s: float) -> Floats:
        """The flows [J, N] at this time of such a day; not a number where no day has told."""
        at = self.bin_at(now_s)
        return np.where(self.days[at] > 0, self.flow_veh_per_h[at], np.nan)

    def dump(self) -> bytes:
        """What a file holds."""
        about = About(first_weekday=self._first_weekday, digests=digests(self._layout))
        content = io.BytesIO()
        text = np.frombuffer(about.model_dump_json().encode(), np.uint8)
        np.savez_compressed(content, about=text, **{name: getattr(self, name) for name in BOUNDS})  # type: ignore[arg-type]
        return content.getvalue()

    def save(self, path: Path) -> None:
        """Write it whole or not at all. Raises `ConfigError`."""
        unfinished = path.with_name(f"{path.name}.part")
        try:
            unfinished.write_bytes(self.dump())
            unfinished.replace(path)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def load(path: Path, layout: Layout) -> History:
    """Read the history of a street. Raises `ConfigError` where the file is damaged, or another street's."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(content, layout, str(path))


def parse(content: bytes, layout: Layout, where: str) -> History:
    """What `dump` gave. Raises `ConfigError`, which begins with `where`."""
    about = _about(where, content)
    _check_street(where, about, layout)
    history = History(layout, about.first_weekday)
    for name in BOUNDS:
        own: Floats = getattr(history, name)
        own[:] = _read(where, content, name, own)
    return history


def _unpack(content: bytes, name: str, largest: int) -> NDArray[Any]:
    """One array of an archive, of which no more is unpacked than may be there."""
    with ZipFile(io.BytesIO(content)) as archive, archive.open(f"{name}.npy") as stream:
        unpacked = stream.read(largest + LARGEST_HEAD + 1)
    if len(unpacked) > largest + LARGEST_HEAD:
        raise ValueError(f"is larger than {largest} bytes")
    found: NDArray[Any] = np.lib.format.read_array(io.BytesIO(unpacked), allow_pickle=False)
    return found


def _about(where: str, content: bytes) -> About:
    try:
        return About.model_validate_json(_unpack(content, "about", LARGEST_ABOUT).tobytes())
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_error(error)}") from error
    except DAMAGED as error:
        raise ConfigError(f"{where}: is not a history: {error}") from error


def _check_street(where: str, about: About, layout: Layout) -> None:
    own = digests(layout)
    if list(about.digests) != list(own):
        theirs = ", ".join(about.digests) or "none"
        raise ConfigError(f"{where}: is of other intersections ({theirs}), must be of {', '.join(own) or 'none'}")
    for name, digest in own.items():
        if about.digests[name] != digest:
            raise ConfigError(f"{where}: intersection {name}: has other lanes or loops than this was learned from")


def digests(layout: Layout) -> dict[str, str]:
    """sha256 over the lanes and loops of each junction; its timing may change without a new history."""
    return {intersection.id: _digest(intersection) for intersection in layout.intersections}


def _digest(intersection: Intersection) -> str:
    parts = [part.model_dump_json() for part in (*intersection.lane_groups, *intersection.detectors)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read(where: str, content: bytes, name: str, own: Floats) -> Floats:
    """One array of the file, as large as ours and plausible."""
    try:
        found = _unpack(content, name, own.nbytes)
    except DAMAGED as error:
        raise ConfigError(f"{where}: {name}: {error}") from error
    if found.shape != own.shape or found.dtype != own.dtype:
        raise ConfigError(f"{where}: {name}: is {found.dtype} {found.shape}, must be {own.dtype} {own.shape}")
    least, most = BOUNDS[name]
    if not (np.isfinite(found).all() and (found >= least).all() and (found <= most).all()):
        raise ConfigError(f"{where}: {name}: has values that are not {least:g} to {most:g}")
    return found
