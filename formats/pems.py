"""PeMS five-minute station files: no header, twelve fields of the station, five more for each lane.

A lane that was not observed carries an imputed figure, which is no value. Detectors are `station/lane`; a station
without lanes is one detector, and its total is a value only where all of it was observed.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from formats.clock import Clock
from formats.mapping import SPEED_M_PER_S
from formats.rows import Rows, blank
from formats.source import Source, first_lines, text_blocks

PERIOD_S, STATION_FIELDS, WHOLLY_OBSERVED_PER_CENT = 300.0, 12, 100.0
STATION = (
    "Timestamp", "Station", "District", "Freeway", "Direction", "LaneType", "Length", "Samples", "%Observed",
    "TotalFlow", "AvgOcc", "AvgSpeed",
)  # fmt: skip
LANE = ("Samples", "Flow", "AvgOcc", "AvgSpeed", "Observed")


def recognises(fields: list[str]) -> bool:
    """A time first, and as many fields as some number of lanes makes."""
    lanes = len(fields) - STATION_FIELDS
    dated = bool(pd.Series(fields[:1]).str.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d").all())
    return dated and lanes >= 0 and lanes % len(LANE) == 0


def read(source: Source) -> Iterator[pd.DataFrame]:
    lines = first_lines(source.path)
    lanes = max(0, (len(lines[0].split(",")) - STATION_FIELDS) // len(LANE)) if lines else 0
    names = [f"Lane {lane} {name}" for lane in range(1, lanes + 1) for name in LANE]
    clock = Clock(source.findings, "%m/%d/%Y %H:%M:%S")
    for block in text_blocks(source, [*STATION, *names]):
        parts = [_lane(block, lane, clock, source) for lane in range(1, lanes + 1)]
        yield pd.concat([_station(block, lanes, clock, source), *parts], ignore_index=True)


def _lane(block: pd.DataFrame, lane: int, clock: Clock, source: Source) -> pd.DataFrame:
    flow = f"Lane {lane} Flow"
    rows = Rows(block[~blank(block[flow])].assign(lane=str(lane)), source.findings)
    observed = rows.number(f"Lane {lane} Observed", optional=True)
    rows.doubt(observed != 1, f"lane {lane} not observed: its figures are imputed")
    return _counts(
        rows, clock, ("Station", "lane"), f"Lane {lane} Flow", f"Lane {lane} AvgOcc", f"Lane {lane} AvgSpeed"
    )


def _station(block: pd.DataFrame, lanes: int, clock: Clock, source: Source) -> pd.DataFrame:
    """Only of rows without a lane, so that nothing is counted twice."""
    laned = np.zeros(len(block), bool)
    for lane in range(1, lanes + 1):
        laned |= ~blank(block[f"Lane {lane} Flow"])
    rows = Rows(block[~laned], source.findings)
    observed = rows.number("%Observed", optional=True)
    rows.doubt(~(observed >= WHOLLY_OBSERVED_PER_CENT), "station not wholly observed: its total is imputed in part")
    return _counts(rows, clock, ("Station",), "TotalFlow", "AvgOcc", "AvgSpeed")


def _counts(rows: Rows, clock: Clock, detector: tuple[str, ...], flow: str, occ: str, speed: str) -> pd.DataFrame:
    volume = rows.number(flow, optional=True)
    rows.doubt(np.isnan(volume), "no flow")
    return rows.counts(
        detector=rows.text(*detector),
        begin_s=rows.time("Timestamp", clock),
        period_s=np.full(len(rows), PERIOD_S),
        volume_veh=volume,
        occupancy=rows.number(occ, optional=True),
        speed_m_per_s=rows.number(speed, optional=True) * SPEED_M_PER_S["mph"],
    )
