"""Where every vehicle was, second by second, and what each movement was shown, for some minutes of a run.

What a time-space diagram is drawn from. A lamp's time is the begin of the step in which vehicles first obeyed it, so
that who crosses a stop line between two looks did so under what is kept for the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd

from signals.intersection import Aspect
from simulation.event_log import RED, SHOWN
from simulation.measures import Window
from simulation.network import Network
from simulation.programs import ASPECT_OF
from simulation.sumo import Sumo

SPAN_S = 900.0
PATH_COLUMNS = ["vehicle", "time_s", "lane", "position_m", "lane_length_m"]
LAMP_COLUMNS = ["junction", "approach", "exit", "turn", "time_s", "shown"]
Turn = tuple[str, str, str, str]  # junction, approach, exit, turn


def middle(window: Window) -> tuple[float, float]:
    """The minutes that are kept: the middle of the accounted span."""
    centre_s, half_s = (window.begin_s + window.end_s) / 2, min(SPAN_S, window.end_s - window.begin_s) / 2
    return centre_s - half_s, centre_s + half_s


def lamps_of(paths: Path) -> Path:
    """The file beside the paths that says what was shown."""
    return paths.with_suffix(".lamps.parquet")


class Paths:
    """Look once a step, write at the end."""

    def __init__(self, sumo: Sumo, network: Network, window: Window) -> None:
        self._sumo, self._span_s = sumo, middle(window)
        self._links = {
            each.id: dict(zip((g.id for g in each.signal_groups), network.links[each.id], strict=True))
            for each in network.intersections
        }
        self._turns = _turns(network)
        self._shown: dict[Turn, int] = {}
        self._positions: list[tuple[str, float, str, float]] = []
        self._lamps: list[tuple[str, str, str, str, float, int]] = []
        self._seen_s = sumo.time_s

    def look(self, now_s: float) -> None:
        """After a step of SUMO."""
        if self._span_s[0] <= now_s <= self._span_s[1]:
            self._lamps += self._changes()
            vehicle = self._sumo.vehicle
            self._positions += [
                (name, now_s, vehicle.getLaneID(name), vehicle.getLanePosition(name)) for name in vehicle.getIDList()
            ]
        self._seen_s = now_s

    def _changes(self) -> Iterator[tuple[str, str, str, str, float, int]]:
        texts = {junction: self._sumo.state(junction) for junction in self._links}
        for turn, groups in self._turns.items():
            text, links = texts[turn[0]], self._links[turn[0]]
            letters = (text[links[group][0]] for group in groups)
            shown = max(SHOWN.get(ASPECT_OF.get(letter, Aspect.RED), RED) for letter in letters)
            if self._shown.get(turn) != shown:
                self._shown[turn] = shown
                yield *turn, self._seen_s, shown

    def lane_lengths_m(self) -> dict[str, float]:
        """Of every lane that a vehicle was on; while SUMO runs."""
        return {lane: float(self._sumo.lane.getLength(lane)) for lane in {row[2] for row in self._positions}}

    def write(self, file: Path, lengths_m: dict[str, float]) -> None:
        """Both tables as Parquet; the paths last, so that where they are the lamps are too."""
        paths = pd.DataFrame(self._positions, columns=PATH_COLUMNS[:-1]).sort_values(["vehicle", "time_s"])
        paths["lane_length_m"] = paths["lane"].map(lengths_m)
        types = {"time_s": "float32", "position_m": "float32", "lane_length_m": "float32"}
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(lamps_of(file), pd.DataFrame(self._lamps, columns=LAMP_COLUMNS))
        _write(file, paths.round(1).astype(types))


def _turns(network: Network) -> dict[Turn, tuple[str, ...]]:
    """The heads of every way for vehicles over a controlled junction."""
    found: dict[Turn, tuple[str, ...]] = {}
    for each in network.intersections:
        for movement in each.movements:
            if movement.turn != "crossing":
                turn = each.id, movement.approach, movement.exit, movement.turn
                found[turn] = (*found.get(turn, ()), movement.signal_group)
    return found


def _write(file: Path, table: pd.DataFrame) -> None:
    part = file.with_suffix(".part")
    try:
        with duckdb.connect() as database:
            database.from_df(table).write_parquet(str(part), compression="zstd")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
