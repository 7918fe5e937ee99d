"""Our signal performance measures beside `atspm`'s, cell by cell, and why a cell differs."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from reports.performance.measure_log import Measures, measured_log

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / "benchmarks" / "signal_measures_peer.py"
BIN_S = 900.0
Key = tuple[Any, ...]
Cells = dict[Key, tuple[float, ...]]
ENDINGS = {"gap_outs": "GapOut", "max_outs": "MaxOut", "force_offs": "ForceOff"}
NO_GREEN = "nobody came on green: atspm has no row of the bin"
BEGIN = "the bin has the log's first event: atspm takes what was before for red, or leaves the cycle out"
END = "the bin has the log's last event: atspm judges a red that it has not seen, or divides by the whole bin"
LOST = "the begin of yellow was lost: atspm takes the phase for green until its next green"
UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Both:
    """One measure of one log, ours and theirs, by (second of the bin, what it is of)."""

    measure: str
    ours: Cells
    theirs: Cells

    def differing(self) -> list[Key]:
        keys = sorted(self.ours.keys() | self.theirs.keys())
        return [key for key in keys if not _equal(self.ours.get(key), self.theirs.get(key))]


def _equal(first: tuple[float, ...] | None, second: tuple[float, ...] | None) -> bool:
    """To a thousandth, since atspm keeps single precision."""
    if first is None or second is None:
        return False
    return all(abs(a - b) <= 1e-3 * max(1.0, abs(b)) for a, b in zip(first, second, strict=True))


def agreement(environment: Path, events: Path, places: Path) -> dict[str, dict[str, Any]]:
    """By measure: cells, how many differ, and why."""
    done = subprocess.run(
        [str(environment), str(PEER), str(events), str(places)], capture_output=True, text=True, check=True
    )
    tables = {name: pd.DataFrame(rows) for name, rows in json.loads(done.stdout.splitlines()[-1])["tables"].items()}
    with measured_log(events, [str(places)]) as measures:
        return {both.measure: _told(both, measures) for both in _both(measures, tables)}


def _told(both: Both, measures: Measures) -> dict[str, Any]:
    why = [_reason(both, key, measures) for key in both.differing()]
    return {
        "cells": len(both.ours.keys() | both.theirs.keys()),
        "differ": len(why),
        "because": {reason: why.count(reason) for reason in dict.fromkeys(why)},
    }


def _reason(both: Both, key: Key, measures: Measures) -> str:
    """A difference is explained where the log itself shows what atspm's query does not provide for."""
    begin_s, end_s = measures.log.begin_ms / 1000.0, measures.log.end_ms / 1000.0
    if both.measure == "arrivals on green" and key not in both.theirs and both.ours[key][1] == 0:
        return NO_GREEN
    if both.measure in ("arrivals on green", "split failures", "platoon ratio"):
        if key[0] <= begin_s < key[0] + BIN_S:
            return BEGIN
        if key[0] <= end_s < key[0] + BIN_S:
            return END
        if both.measure == "platoon ratio" and _lost_yellow(key, measures):
            return LOST
    return UNEXPLAINED


def _lost_yellow(key: Key, measures: Measures) -> bool:
    """Whether a green without a begin of yellow reaches into the bin."""
    from_ms, until_ms = key[0] * 1000, (key[0] + BIN_S) * 1000
    found = measures.query(
        f"select count(*) n from raw_cycles where phase = {key[1]} and yellow_s is null and cycle_s is not null"
        f" and begin_ms < {until_ms} and begin_ms + 1000 * cycle_s > {from_ms}"
    )
    return bool(found["n"].iloc[0])


def _both(measures: Measures, theirs: dict[str, pd.DataFrame]) -> Iterator[Both]:
    counts = _ours(measures, "detector_counts", "where volume_veh > 0", "detector", "volume_veh")
    yield Both("detector counts", counts, _theirs(theirs["actuations"], "Detector", "Total"))
    ended: Cells = {}
    for column, name in ENDINGS.items():
        found = _ours(measures, "terminations", f"where {column} > 0", "phase", column)
        ended |= {(second, phase, name): value for (second, phase), value in found.items()}
    table = theirs["terminations"]
    rows = zip(table["TimeStamp"], table["Phase"], table["PerformanceMeasure"], table["Total"], strict=True)
    yield Both("terminations", ended, {(second, phase, name): (total,) for second, phase, name, total in rows})
    arrivals = _ours(measures, "arrivals_on_green", "where arrivals > 0", "phase", "arrivals", "on_green")
    table = theirs["arrival_on_green"]
    table["green"] = table["Percent_AOG"] * table["Total_Actuations"]
    yield Both("arrivals on green", arrivals, _theirs(table, "Phase", "Total_Actuations", "green"))
    ratios = _ours(measures, "arrivals_on_green", "where on_green > 0 and green_s > 0", "phase", "platoon_ratio")
    yield Both("platoon ratio", ratios, _theirs(theirs["platoon_ratio"], "Phase", "Platoon_Ratio"))
    columns = "split_failures", "green_occupancy", "red_occupancy", "green_s"
    failures = _ours(measures, "split_failures", "", "phase", *columns)
    columns = "Split_Failure", "Green_Occupancy", "Red_Occupancy", "Green_Time"
    yield Both("split failures", failures, _theirs(theirs["split_failures"], "Phase", *columns))
    crossed = _ours(measures, "yellow_red", "where on_yellow + on_red > 0", "phase", "on_yellow", "on_red")
    yield Both("yellow and red", crossed, _crossed(theirs["yellow_red"]))
    walks = _ours(measures, "pedestrian_delay", "where called_walks > 0", "phase", "called_walks", "delay_s")
    yield Both("pedestrian delay", walks, _theirs(theirs["ped_delay"], "Phase", "Samples", "AvgPedDelay"))


def _ours(measures: Measures, table: str, where: str, of: str, *columns: str) -> Cells:
    found = measures.query(f"select epoch(begin) as second, {of}, {', '.join(columns)} from {table} {where}")
    return _theirs(found.rename(columns={"second": "TimeStamp"}), of, *columns)


def _theirs(table: pd.DataFrame, of: str, *columns: str) -> Cells:
    if table.empty:
        return {}
    rows = table[["TimeStamp", of, *columns]].itertuples(index=False, name=None)
    return {(float(second), int(what)): tuple(map(float, values)) for second, what, *values in rows}


def _crossed(table: pd.DataFrame) -> Cells:
    """Their histogram over the offset from red, summed: on yellow (8) and on red (10)."""
    if table.empty:
        return {}
    sums = table.pivot_table(index=["TimeStamp", "Phase"], columns="Signal_State", values="Count", aggfunc="sum")
    sums = sums.reindex(columns=[8, 10]).fillna(0.0)
    found = zip(sums.index, sums.to_numpy().tolist(), strict=True)
    return {(float(second), int(phase)): (yellow, red) for (second, phase), (yellow, red) in found if yellow + red > 0}
