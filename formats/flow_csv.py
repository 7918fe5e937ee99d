"""Measures for SUMO's dfrouter and flowrouter: `Detector;Time;qPKW;vPKW`, with `qLKW;vLKW` for heavy vehicles.

Time is in minutes, volumes are vehicles in the interval, speeds km/h.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from formats.errors import FormatError
from formats.mapping import SPEED_M_PER_S
from formats.rows import Column, Rows, usual_step
from formats.source import Source, text_blocks

NEEDED = ("Detector", "Time", "qPKW")
ASSUMED_PERIOD_S = 60.0


def recognises(header: list[str]) -> bool:
    return set(NEEDED) <= set(header)


def read(source: Source) -> Iterator[pd.DataFrame]:
    period_s = source.mapping.period_s
    for block in text_blocks(source):
        if not recognises(list(block.columns)):
            raise FormatError(f"{source.path}: columns {', '.join(block.columns)}, must include {', '.join(NEEDED)}")
        rows = Rows(block, source.findings)
        begin_s, detector = rows.number("Time") * 60.0, rows.text("Detector")
        if not period_s:
            step_s = usual_step(begin_s, detector)
            period_s = step_s if step_s > 0 else ASSUMED_PERIOD_S
            source.findings.notice(f"period {period_s:g} s: the usual step; period_s in --map says otherwise")
        yield _counts(rows, block, begin_s, detector, period_s)


def _counts(rows: Rows, block: pd.DataFrame, begin_s: Column, detector: Column, period_s: float) -> pd.DataFrame:
    cars, lorries = _optional(rows, block, "qPKW"), np.nan_to_num(_optional(rows, block, "qLKW"))
    rows.doubt(np.isnan(cars), "no qPKW")
    rows.doubt((cars < 0) | (lorries < 0), "negative volume")
    volume = cars + lorries
    speed = _optional(rows, block, "vPKW") * cars + np.nan_to_num(_optional(rows, block, "vLKW")) * lorries
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_speed = np.where(volume > 0, speed / volume, np.nan) * SPEED_M_PER_S["km/h"]
    return rows.counts(
        detector=detector,
        begin_s=begin_s,
        period_s=np.full(len(rows), period_s),
        volume_veh=volume,
        speed_m_per_s=mean_speed,
    )


def _optional(rows: Rows, block: pd.DataFrame, column: str) -> Column:
    return rows.number(column, optional=True) if column in block.columns else np.full(len(rows), np.nan)
