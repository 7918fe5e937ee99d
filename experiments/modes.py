"""What a controller did with its junctions' time: for which reason each second, and which reason brought each green."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from signals.controllers.adaptive import Adaptive
from signals.layout import Layout
from signals.values import TRANSITION, Bools, Ints, Record
from simulation.measures import Window

OWN_PLAN, INTERSTAGE = "own plan", "interstage"
COLUMNS = ("junction", "mode", "time_s", "green_s")
WHERE, SHARES = ("scenario", "faults", "demand", "controller"), ("time_share", "green_share")
NAMES = (
    INTERSTAGE, "minimum green", "keeps green", "rate of service", "maximum red", "clears who turns in gaps",
    "waits for who turns in gaps",
)  # fmt: skip
SHORT = dict(zip(Adaptive.wording, NAMES, strict=True))
CLAUSES = re.compile("[,:] ")


def mode_name(wording: str) -> str:
    """A reason without its figures: in a few words, or the clauses that have none."""
    clauses = CLAUSES.split(wording)
    plain = ", ".join(clause for clause in clauses if "{" not in clause)
    return SHORT.get(wording) or plain or clauses[0].partition(" {")[0].removesuffix(" at")


class Ticks(NamedTuple):
    """One tick's arrays [J], or those of all [T, J]."""

    why: Ints
    wished: Ints
    last: Ints
    stage: Ints
    local: Bools
    refusal: Ints


class Modes:
    """Keeps the window's records, and adds them up at its end; knows no controller but by its wording.

    A junction that follows its own plan is in that mode, whatever was wished. A green belongs to the reason for which
    its stage was asked for.
    """

    def __init__(self, layout: Layout, window: Window, tick_s: float) -> None:
        self._junctions, self._window, self._tick_s = [each.id for each in layout.intersections], window, tick_s
        self._times_s: list[float] = []
        self._wordings: list[tuple[str, ...]] = []
        self._ticks: list[Ticks] = []

    def look(self, record: Record) -> None:
        """Take the next tick. What travels is never changed, so that to keep it is enough."""
        snapshot, decision = record.snapshot, record.decision
        if snapshot.time_s < self._window.end_s:
            self._times_s.append(snapshot.time_s)
            self._wordings.append(decision.wording)
            wished, last = (decision.why, decision.stage), record.traffic.last_stage
            self._ticks.append(Ticks(*wished, last, snapshot.stage, snapshot.local, record.command.refusal))

    def table(self) -> dict[str, list[object]]:
        """A row a junction and mode: seconds for that reason, and seconds of green that it brought."""
        rows: list[tuple[object, ...]] = []
        if self._ticks:
            ticks = Ticks(*map(np.array, zip(*self._ticks, strict=True)))
            names, why = self._modes(ticks)
            asked = (ticks.wished != ticks.last) & (ticks.refusal == 0)
            chosen = np.where(ticks.local, 0, before(why, asked))
            inside = np.array(self._times_s) >= self._window.begin_s
            green = (ticks.stage != TRANSITION) & inside[:, None]
            for row, junction in enumerate(self._junctions):
                all_s = self._seconds(why[inside, row], names)
                green_s = self._seconds(chosen[green[:, row], row], names)
                rows += [(junction, *of) for of in zip(names, all_s, green_s, strict=True) if any(of[1:])]
        return {name: [of[place] for of in rows] for place, name in enumerate(COLUMNS)}

    def _modes(self, ticks: Ticks) -> tuple[list[str], Ints]:
        """The modes' names, `OWN_PLAN` first, and each tick's by place [T, J]."""
        met = {wording: list(map(mode_name, wording)) for wording in set(self._wordings)}
        names = list(dict.fromkeys([OWN_PLAN, *(name for of in met.values() for name in of)]))
        widest = max(map(len, met))
        places = {w: [names.index(n) for n in of] + [0] * (widest - len(of)) for w, of in met.items()}
        codes = np.array([places[wording] for wording in self._wordings])
        return names, np.where(ticks.local, 0, np.take_along_axis(codes, ticks.why, axis=1))

    def _seconds(self, modes: Ints, names: Sequence[str]) -> list[float]:
        counted: list[float] = (self._tick_s * np.bincount(modes, minlength=len(names))).tolist()
        return counted


def before(why: Ints, asked: Bools) -> Ints:
    """For each tick [T, J] the reason at the last tick before it that asked for another stage, 0 where none did."""
    ticks = np.arange(len(why))[:, None]
    last: Ints = np.maximum.accumulate(np.where(asked, ticks, -1), axis=0)
    earlier = np.vstack([np.full((1, why.shape[1]), -1), last[:-1]])
    found: Ints = np.where(earlier >= 0, np.take_along_axis(why, np.maximum(earlier, 0), axis=0), 0)
    return found


def shares(modes: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """Parts of time and of green, 0-1: a row for each scenario, faults, demand, controller and mode; most green first.

    modes: as `read_table` gives them for `cases`; those without any have no row.
    """
    if modes.empty:
        return pd.DataFrame(columns=[*WHERE, "mode", *SHARES])
    seconds = modes.merge(cases[list(WHERE)], left_on="case", right_index=True)
    found = seconds.groupby([*WHERE, "mode"], sort=False)[["time_s", "green_s"]].sum()
    whole = found.groupby(list(WHERE), sort=False).transform("sum")
    found = (found / whole.where(whole > 0)).fillna(0.0).reset_index()
    return found.rename(columns={"time_s": SHARES[0], "green_s": SHARES[1]}).sort_values(
        SHARES[1], ascending=False, kind="stable", ignore_index=True
    )
