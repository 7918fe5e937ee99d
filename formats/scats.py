"""SCATS wide tables (Victoria): a row a detector and day, `V00` to `V95` its quarter-hours; below zero is a fault."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from formats.clock import Clock
from formats.errors import FormatError
from formats.events import folded
from formats.rows import COUNTS, Column, Rows, blank
from formats.source import Source, blocks

QUARTER_S = 900.0
VOLUMES = tuple(f"V{quarter:02d}" for quarter in range(96))
SITE, DAY = ("nbscatssite", "scatssite", "scatsnumber", "site"), ("qtintervalcount", "date", "day")
DETECTOR = ("nbdetector", "detector", "vrinternalloc")


def recognises(header: list[str]) -> bool:
    return set(VOLUMES) <= set(header)


def read(source: Source) -> Iterator[pd.DataFrame]:
    clock = Clock(source.findings, source.mapping.time_format)
    source.findings.notice("SCATS days have 96 quarter-hours, also on the days when the clocks change")
    for block in blocks(source):
        yield _table(block, clock, source)


def _table(block: pd.DataFrame, clock: Clock, source: Source) -> pd.DataFrame:
    theirs = {folded(name): name for name in block.columns}
    site, day, detector = (next((theirs[n] for n in names if n in theirs), "") for names in (SITE, DAY, DETECTOR))
    if not (day and detector):
        raise FormatError(f"{source.path}: columns {', '.join(theirs)}, must name a day and a detector")
    rows = Rows(block, source.findings)
    names = rows.text(*filter(None, (site, detector)))
    days = rows.time(day, clock)
    days = np.floor(days / 86_400.0) * 86_400.0
    sound = rows.table({"row": np.arange(len(rows)), "detector": names, "day_s": days}, ("row", "detector", "day_s"))
    lines = block.index.to_numpy()[sound["row"]]
    volumes = np.column_stack([_quarter(block[name].iloc[sound["row"]], name, lines, source) for name in VOLUMES])
    return _long(sound, volumes)


def _quarter(cells: pd.Series, name: str, lines: Column, source: Source) -> Column:
    """NaN for what is no count; the rest of the day stays."""
    volume = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    missing, negative = blank(cells), volume < 0
    faulty = source.findings.faulty
    faulty.add(f"{name} is not a number", lines[~np.isfinite(volume) & ~missing])
    faulty.add("negative quarter-hour (SCATS fault)", lines[negative])
    faulty.add("empty quarter-hour", lines[missing])
    return np.where(np.isfinite(volume) & ~negative, volume, np.nan)


def _long(sound: pd.DataFrame, volumes: Column) -> pd.DataFrame:
    flat, size = volumes.ravel(), volumes.shape[1]
    table = {
        "detector": np.repeat(sound["detector"].to_numpy(), size),
        "begin_s": np.repeat(sound["day_s"].to_numpy(), size) + np.tile(np.arange(size) * QUARTER_S, len(sound)),
        "period_s": QUARTER_S,
        "volume_veh": flat,
        "occupancy": np.nan,
        "speed_m_per_s": np.nan,
        "healthy": ~np.isnan(flat),
    }
    return pd.DataFrame(table, columns=list(COUNTS))
