"""UTD19 (urban traffic data of 40 cities): day, second of the day, detector, flow in veh/h, occupancy, error flag."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from formats.clock import Clock
from formats.errors import FormatError
from formats.mapping import SPEED_M_PER_S
from formats.rows import Column, Rows, usual_step
from formats.source import Source, blocks

NAMES = ("day", "interval", "detid", "flow", "occ", "error", "city", "speed")
NEEDED = NAMES[:4]
ASSUMED_PERIOD_S = 300.0


def recognises(header: list[str]) -> bool:
    return set(NEEDED) <= set(header)


def read(source: Source) -> Iterator[pd.DataFrame]:
    clock, periods_s = Clock(source.findings, source.mapping.time_format), dict[str, float]()
    for block in blocks(source):
        if not recognises(list(block.columns)):
            raise FormatError(f"{source.path}: columns {', '.join(block.columns)}, must include {', '.join(NEEDED)}")
        yield _table(block, clock, periods_s, source)


def _table(block: pd.DataFrame, clock: Clock, periods_s: dict[str, float], source: Source) -> pd.DataFrame:
    """Cities report at different steps, so each city has its own, settled by the first block that shows it."""
    block = block.assign(**{name: "" for name in NAMES if name not in block.columns})
    rows = Rows(block, source.findings)
    detector = rows.text("city", "detid") if (block["city"] != "").any() else rows.text("detid")
    interval_s = rows.number("interval")
    rows.reject((interval_s < 0) | (interval_s >= 86_400), "interval is not a second of the day")
    begin_s = rows.time("day", clock) + interval_s
    period_s = _periods(block["city"].astype(str).to_numpy(), begin_s, detector, periods_s, source)
    error, flow = rows.number("error", optional=True), rows.number("flow", optional=True)
    rows.doubt(error > 0, "error flag")
    rows.doubt(np.isnan(flow), "no flow")
    return rows.counts(
        detector=detector,
        begin_s=begin_s,
        period_s=period_s,
        volume_veh=flow * period_s / 3600.0,
        occupancy=rows.number("occ", optional=True),
        speed_m_per_s=rows.number("speed", optional=True) * SPEED_M_PER_S["km/h"],
    )


def _periods(city: Column, begin_s: Column, detector: Column, known: dict[str, float], source: Source) -> Column:
    for each in dict.fromkeys(city):
        if each not in known:
            step_s = usual_step(begin_s[city == each], detector[city == each])
            known[each] = step_s if step_s > 0 else ASSUMED_PERIOD_S
            found = "the usual step" if step_s > 0 else "assumed"
            source.findings.notice(f"{each or 'all detectors'}: period {known[each]:g} s ({found})")
    return np.array([known[each] for each in city], dtype=float)
