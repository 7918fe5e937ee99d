"""Detector readings of a recorded log in place of the cabinet's own, at whatever speed the street's clock has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from signals.errors import ConfigError
from signals.layout import Layout
from signals.recording import LogReader, Tick
from signals.values import Snapshot


class ReplayedFeed:
    """Loops by their name; the log's first reading is the first that is asked for. At its end nothing is healthy."""

    def __init__(self, path: Path, layout: Layout) -> None:
        log = LogReader(path)
        theirs = {loop[1]: k for k, loop in enumerate(log.layout.loops)}
        both = [(k, theirs[name]) for k, (_, name) in enumerate(layout.loops) if name in theirs]
        if not both:
            raise ConfigError(f"{path}: has none of this junction's loops, must have some")
        self._ours, self._theirs = np.array(both).T
        self._path = path
        self._ticks = (row for row in log if isinstance(row, Tick))
        self._next: Tick | None = next(self._ticks, None)
        self._ahead_s: float | None = None
        self._read = 0

    def fill(self, snapshot: Snapshot) -> Snapshot:
        """All of the log's readings until now, as one."""
        if self._ahead_s is None and self._next:
            self._ahead_s = snapshot.time_s - self._next.snapshot.time_s
        found: list[Snapshot] = []
        while self._next and self._next.snapshot.time_s + (self._ahead_s or 0.0) <= snapshot.time_s + 1e-6:
            found.append(self._next.snapshot)
            self._next = next(self._ticks, None)
        self._read += len(found)
        volume, occupancy = snapshot.volume_veh.copy(), snapshot.occupancy.copy()
        presence, healthy = snapshot.presence.copy(), snapshot.healthy.copy()
        volume[self._ours] = sum(s.volume_veh[self._theirs] for s in found)
        if found:
            occupancy[self._ours] = np.mean([s.occupancy[self._theirs] for s in found], axis=0)
            presence[self._ours] = found[-1].presence[self._theirs]
            healthy[self._ours] = found[-1].healthy[self._theirs]
        elif self._next is None:
            occupancy[self._ours], presence[self._ours], healthy[self._ours] = 0.0, False, False
        return snapshot._replace(volume_veh=volume, occupancy=occupancy, presence=presence, healthy=healthy)

    def words(self) -> str:
        """How far it is."""
        return f"{self._path}: {self._read} readings{', at its end' if self._next is None else ''}"

    def close(self) -> None:
        """Nothing is held."""
