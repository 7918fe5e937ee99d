"""Broken loops on a working street: a plant whose readings are spoiled before anybody sees them.

`FaultyPlant` is itself a plant: estimator, controller and interlock cannot tell. Which loops are broken, and when a
reading is lost, follows from a seed alone, whatever the controller does.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from signals.errors import ConfigError
from signals.layout import Layout
from signals.loop import Plant
from signals.values import Bools, Command, Floats, Snapshot

CHATTER_PER_S = 1.0
"""Counts that a chattering loop adds, beside its vehicles (a controller's own erratic-count limit is 30 a minute)."""
SEED = 20_240_415


KINDS = {
    "dead": "share of loops that see nothing",
    "stuck-on": "share always covered",
    "chatter": "share counting vehicles that are not there",
    "over-count": "share counting 40 % more",
    "under-count": "share counting 40 % less",
    "lost-edges": "share of edges that no loop sees",
    "late": "share of readings that come with the next one",
    "dead-at": "name of a dead loop, or of a junction all of whose loops are dead; again for each more",
}


@dataclass(frozen=True)
class FaultRates:
    """Share of loops that are broken for good, or of readings that are spoiled, by kind, each 0-1; `KINDS` says how.

    A lost edge makes that a vehicle is not counted, or seems to stay. dead_at: names of loops, and of junctions all of
    whose loops are dead, whatever else befalls them.
    """

    dead: float = 0.0
    stuck_on: float = 0.0
    chatter: float = 0.0
    over_count: float = 0.0
    under_count: float = 0.0
    lost_edges: float = 0.0
    late: float = 0.0
    dead_at: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in self._shares():
            if not 0 <= value <= 1:
                raise ConfigError(f"faults: {name} = {value:g}, must be 0 to 1")
        if self.broken > 1:
            raise ConfigError(f"faults: shares of broken loops add up to {self.broken:g}, must be at most 1")

    @property
    def broken(self) -> float:
        """Share of loops that are broken for good; a loop has one fault at most."""
        return sum(getattr(self, name) for name in BROKEN)

    def __str__(self) -> str:
        """What `parse_faults` takes, one way for equal faults; empty where there are none."""
        shares = [f"{name}={value:g}" for name, value in self._shares() if value]
        return ",".join([*shares, *(f"dead-at={name}" for name in self.dead_at)])

    def _shares(self) -> Iterator[tuple[str, float]]:
        return ((kind, getattr(self, kind.replace("-", "_"))) for kind in KINDS if kind != "dead-at")


BROKEN = ("dead", "stuck_on", "chatter", "over_count", "under_count")
MISCOUNT = {"over_count": 0.4, "under_count": -0.4}


def parse_faults(words: str) -> FaultRates:
    """ "dead=0.2,lost-edges=0.05" as rates. Raises `ConfigError` naming what is unknown or out of bounds."""
    shares: dict[str, float] = {}
    dead_at: set[str] = set()
    for word in filter(None, (part.strip() for part in words.split(","))):
        kind, _, value = word.partition("=")
        if kind not in KINDS:
            raise ConfigError(f"faults: {kind} is unknown, must be one of {', '.join(KINDS)}")
        if kind == "dead-at":
            dead_at.add(value)
            continue
        try:
            shares[kind.replace("-", "_")] = float(value)
        except ValueError:
            raise ConfigError(f"faults: {word}, must be {kind}=SHARE with a share of 0 to 1") from None
    return FaultRates(**shares, dead_at=tuple(sorted(dead_at)))


class Faults:
    """Spoils snapshots, one after the other. `kind` [L] says what each loop suffers from, "" where nothing."""

    def __init__(self, layout: Layout, rates: FaultRates, seed: int, begins_s: float = -np.inf) -> None:
        self._rates, self._begins_s = rates, begins_s
        self._random = np.random.default_rng([SEED, seed])
        loops = len(layout.loops)
        self.kind = _broken_loops(self._random.permutation(loops), rates)
        self.kind[dead_loops(layout, rates.dead_at)] = "dead"
        self._is = {name: self.kind == name for name in BROKEN}
        self._factor = 1.0 + sum(share * self._is[name] for name, share in MISCOUNT.items())
        self._carried = np.zeros(loops)
        self._before_s: float | None = None
        self._true, self._seen = np.zeros(loops, bool), np.zeros(loops, bool)
        self._held: tuple[Floats, Floats, Bools] = np.zeros(loops), np.zeros(loops), np.zeros(loops, bool)

    def spoil(self, snapshot: Snapshot) -> Snapshot:
        """What is read instead."""
        elapsed_s = 0.0 if self._before_s is None else snapshot.time_s - self._before_s
        self._before_s = snapshot.time_s
        draws = self._random.random((3, self.kind.size))
        if snapshot.time_s < self._begins_s:
            return snapshot
        volume, occupancy, presence = snapshot.volume_veh.copy(), snapshot.occupancy.copy(), snapshot.presence.copy()
        self._break(volume, occupancy, presence, elapsed_s, draws[2])
        self._lose_edges(volume, occupancy, presence, draws[0])
        volume, occupancy, presence = self._delay(volume, occupancy, presence, draws[1])
        return snapshot._replace(volume_veh=volume, occupancy=occupancy, presence=presence)

    def _break(self, volume: Floats, occupancy: Floats, presence: Bools, elapsed_s: float, draws: Floats) -> None:
        dead, stuck, chatter = self._is["dead"], self._is["stuck_on"], self._is["chatter"]
        volume[dead | stuck] = 0.0
        occupancy[dead], presence[dead] = 0.0, False
        occupancy[stuck], presence[stuck] = 1.0, True
        volume[chatter] += np.round(2 * CHATTER_PER_S * elapsed_s * draws[chatter])
        presence[chatter] ^= draws[chatter] < 0.5
        whole = volume * self._factor + self._carried
        counted = np.where(self._factor == 1.0, volume, np.floor(whole + 1e-9))
        self._carried = np.where(self._factor == 1.0, 0.0, whole - counted)
        volume[:] = counted

    def _lose_edges(self, volume: Floats, occupancy: Floats, presence: Bools, draws: Floats) -> None:
        """Each count is an edge; a change of presence that is lost is made good by the next one."""
        if not self._rates.lost_edges:
            return
        lost = draws < self._rates.lost_edges
        volume[lost & (volume > 0)] -= 1.0
        changed = presence != self._true
        self._true = presence.copy()
        self._seen = np.where(changed & ~lost, presence, self._seen)
        occupancy[:] = np.where(self._seen, np.maximum(occupancy, 0.01), 0.0)
        presence[:] = self._seen

    def _delay(self, volume: Floats, occupancy: Floats, presence: Bools, draws: Floats) -> tuple[Floats, Floats, Bools]:
        """A late reading: nothing new is counted and the last presence stands, until the next reading brings both."""
        if not self._rates.late:
            return volume, occupancy, presence
        late = draws < self._rates.late
        owed, occupancy_before, presence_before = self._held
        told = np.where(late, 0.0, volume + owed)
        self._held = np.where(late, volume + owed, 0.0), occupancy, presence
        return (
            told,
            np.where(late, occupancy_before, occupancy),
            np.where(late, presence_before, presence),
        )


def _broken_loops(order: np.ndarray, rates: FaultRates) -> np.ndarray:
    """Loops in random order; the first share of them is dead, the next stuck on, and so forth."""
    kind = np.full(order.size, "", dtype="U12")
    begin = 0.0
    for name in BROKEN:
        end = begin + getattr(rates, name)
        kind[order[round(begin * order.size) : round(end * order.size)]] = name
        begin = end
    return kind


def dead_loops(layout: Layout, names: tuple[str, ...]) -> list[int]:
    """Positions of the loops of these names, and of all loops of junctions. Raises `ConfigError` for an unknown one."""
    named: dict[str, list[int]] = {}
    for k, (row, loop) in enumerate(layout.loops):
        for name in (loop, layout.intersections[row].id):
            named.setdefault(name, []).append(k)
    for name in names:
        if name not in named:
            near = difflib.get_close_matches(name, named, n=3, cutoff=0.3) or [i.id for i in layout.intersections][:3]
            raise ConfigError(f"faults: dead-at={name}: no loop or junction, nearest are {', '.join(near)}")
    return [k for name in names for k in named[name]]


class FaultyPlant:
    """A plant whose readings are spoiled; what is asked of it reaches the plant as it is."""

    def __init__(self, plant: Plant, faults: Faults) -> None:
        self.layout, self._plant, self._faults = plant.layout, plant, faults

    def read(self) -> Snapshot:
        """The plant's snapshot, spoiled."""
        return self._faults.spoil(self._plant.read())

    def apply(self, command: Command) -> None:
        """Unspoiled."""
        self._plant.apply(command)
