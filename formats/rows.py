"""A block of rows on its way to the common table: cells checked, broken rows set aside, faults marked."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from formats.clock import Clock
from formats.findings import Findings

EVENTS = ("time_s", "device", "code", "parameter")
COUNTS = ("detector", "begin_s", "period_s", "volume_veh", "occupancy", "speed_m_per_s", "healthy")
BLANKS = ("", "NA", "NaN", "nan", "None", "null", "NULL", "-")
Column = np.ndarray


class Rows:
    """A row counts as broken once, for the first reason met; a faulty one stays, unhealthy."""

    def __init__(self, frame: pd.DataFrame, findings: Findings) -> None:
        self._frame, self._findings = frame, findings
        self._lines = frame.index.to_numpy()
        self._sound = np.ones(len(frame), bool)
        self.healthy = np.ones(len(frame), bool)

    def __len__(self) -> int:
        return len(self._frame)

    def reject(self, broken: Column, why: str) -> None:
        self._findings.broken.add(why, self._lines[broken & self._sound])
        self._sound &= ~broken

    def doubt(self, faulty: Column, why: str) -> None:
        """Not a value: the row stays, marked as a fault."""
        self._findings.faulty.add(why, self._lines[faulty & self._sound])
        self.healthy &= ~faulty

    def number(self, column: str, optional: bool = False) -> Column:
        """NaN where an optional cell is blank; a text, or a blank that may not be, breaks the row."""
        cells = self._frame[column]
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        missing = blank(cells)
        self.reject(~np.isfinite(numbers) & ~missing, f"{column} is not a number")
        if not optional:
            self.reject(missing, f"{column} is empty")
        return np.where(np.isfinite(numbers), numbers, np.nan)

    def whole(self, column: str) -> Column:
        numbers = self.number(column)
        self.reject((numbers != np.floor(numbers)) | (numbers < 0), f"{column} is not a whole number from 0")
        return numbers

    def time(self, column: str, clock: Clock) -> Column:
        seconds = clock.seconds(self._frame[column])
        self.reject(~np.isfinite(seconds), f"{column} is not a time")
        return seconds

    def text(self, *columns: str) -> Column:
        """Cells of several columns are joined by a stroke: `site/lane`."""
        for column in columns:
            self.reject(blank(self._frame[column]), f"{column} is empty")
        parts = [self._frame[column].map(_plain) for column in columns]
        if len(parts) == 1:
            return parts[0].to_numpy(dtype=object)
        return np.array(["/".join(cells) for cells in zip(*parts, strict=True)], dtype=object)

    def table(self, columns: dict[str, Column], order: Sequence[str]) -> pd.DataFrame:
        """The sound rows under the common names."""
        return pd.DataFrame(columns, columns=list(order)).loc[self._sound].reset_index(drop=True)

    def counts(self, **columns: Column) -> pd.DataFrame:
        """Volume, occupancy and speed of an unhealthy row are no values; impossible ones make it unhealthy."""
        nothing = np.full(len(self), np.nan)
        table = {name: columns.get(name, nothing) for name in COUNTS}
        self.doubt(table["volume_veh"] < 0, "negative volume")
        self.doubt((table["occupancy"] < 0) | (table["occupancy"] > 1), "occupancy beyond 0–1")
        self.doubt(table["speed_m_per_s"] < 0, "negative speed")
        table["healthy"] = self.healthy
        for name in ("volume_veh", "occupancy", "speed_m_per_s"):
            table[name] = np.where(self.healthy, table[name], np.nan)
        return self.table(table, COUNTS)


def blank(cells: pd.Series) -> Column:
    return (cells.isna() | cells.isin(BLANKS)).to_numpy(dtype=bool)


def _plain(cell: object) -> str:
    """`4.0` from a column of floats is detector 4."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def usual_step(begin_s: Column, of: Column) -> float:
    """The most frequent step from one time to the next of the same detector; NaN where nobody appears twice."""
    ordered = pd.DataFrame({"of": of, "begin_s": begin_s}).dropna().drop_duplicates().sort_values(["of", "begin_s"])
    steps = ordered.groupby("of")["begin_s"].diff()
    steps = steps[steps > 0].round(3)
    return float(steps.mode().iloc[0]) if len(steps) else float("nan")
