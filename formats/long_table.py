"""Any long table of counts, one row a detector and period, as CSV or Parquet; columns by mapping or by usual names."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from formats.clock import Clock
from formats.errors import FormatError
from formats.events import folded
from formats.mapping import SPEED_M_PER_S, Mapping
from formats.rows import Column, Rows, usual_step
from formats.source import Source, blocks

NAMES = {
    "time": ("timestamp", "time", "begin", "begins", "datetime", "date", "start", "intervalstart"),
    "volume": ("volume", "volumeveh", "total", "count", "vehicles", "vol"),
    "occupancy": ("occupancy", "occ"),
    "speed": ("speed", "speedmpers"),
    "period": ("period", "periods", "intervals"),
    "healthy": ("healthy",),
}
DETECTORS = ("detector", "detectorid", "detid", "sensor", "sensorid", "station", "stationid", "loop", "id")
NTCIP_HALF_PER_CENTS, NTCIP_FAULTS, NTCIP_VOLUME_OVERFLOW = 200.0, (210.0, 217.0), 255.0
TRUE, FALSE = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0")


def columns(header: Sequence[str], mapping: Mapping) -> Mapping | None:
    """The mapping with what it leaves open filled in, or nothing where time, detector or volume is not to be found."""
    theirs = {folded(name): name for name in header}
    usual = {ours: next((theirs[name] for name in names if name in theirs), "") for ours, names in NAMES.items()}
    detector = mapping.detector or tuple(theirs[name] for name in DETECTORS if name in theirs)[:1]
    full = replace(
        mapping,
        detector=detector,
        time=mapping.time or usual["time"],
        volume=mapping.volume or usual["volume"],
        occupancy=mapping.occupancy or usual["occupancy"],
        speed=mapping.speed or usual["speed"],
        period=mapping.period or usual["period"],
        healthy=mapping.healthy or usual["healthy"],
    )
    return full if full.time and full.volume and full.detector else None


def read(source: Source) -> Iterator[pd.DataFrame]:
    reader: _Reader | None = None
    for block in blocks(source):
        reader = reader or _Reader(source, list(block.columns))
        yield reader.table(block)


class _Reader:
    """Settles on columns and period by the first block."""

    def __init__(self, source: Source, header: list[str]) -> None:
        named = columns(header, source.mapping)
        wanted = [named.time, named.volume, *named.detector] if named else []
        optional = [name for name in (source.mapping.occupancy, source.mapping.speed, source.mapping.period) if name]
        for name in (*wanted, *optional):
            if name not in header:
                raise FormatError(f"{source.path}: no column {name}, must be one of {', '.join(header)}")
        if named is None:
            said = f"columns {', '.join(header)}: time, detector and volume must be named in --map"
            raise FormatError(f"{source.path}: {said}")
        self._source, self._named = source, named
        self._clock = Clock(source.findings, named.time_format)
        self._period_s = named.period_s

    def table(self, block: pd.DataFrame) -> pd.DataFrame:
        named, rows = self._named, Rows(block, self._source.findings)
        begin_s, detector = rows.time(named.time, self._clock), rows.text(*named.detector)
        period_s = self._period(rows, begin_s, detector)
        if named.healthy:
            states = block[named.healthy].astype(str).str.strip().str.lower()
            rows.reject(~states.isin(TRUE + FALSE).to_numpy(), f"{named.healthy} is neither true nor false")
            rows.doubt(states.isin(FALSE).to_numpy(), "marked as not healthy")
        speed = rows.number(named.speed, optional=True) if named.speed else np.full(len(rows), np.nan)
        return rows.counts(
            detector=detector,
            begin_s=begin_s,
            period_s=period_s,
            volume_veh=self._volume(rows, period_s),
            occupancy=self._occupancy(rows),
            speed_m_per_s=speed * SPEED_M_PER_S[named.speed_unit],
        )

    def _period(self, rows: Rows, begin_s: Column, detector: Column) -> Column:
        if self._named.period:
            period_s = rows.number(self._named.period)
            rows.reject(period_s <= 0, f"{self._named.period} is not above 0")
            return period_s
        if not self._period_s:
            step_s = usual_step(begin_s, detector)
            self._period_s = step_s if step_s > 0 else 900.0
            found = "the usual step from row to row" if step_s > 0 else "assumed, as no detector appears twice"
            self._source.findings.notice(f"period {self._period_s:g} s: {found}; period_s in --map says otherwise")
        return np.full(len(rows), self._period_s)

    def _volume(self, rows: Rows, period_s: Column) -> Column:
        volume = rows.number(self._named.volume, optional=True)
        rows.doubt(np.isnan(volume), "no volume")
        if self._named.occupancy_unit == "ntcip":
            rows.doubt(volume == NTCIP_VOLUME_OVERFLOW, "volume 255: overflow or missing (NTCIP 1202)")
        return volume * period_s / 3600.0 if self._named.volume_unit == "veh/h" else volume

    def _occupancy(self, rows: Rows) -> Column:
        """0–1; of NTCIP's half per cents 210–217 are fault codes, never 105 %."""
        if not self._named.occupancy:
            return np.full(len(rows), np.nan)
        raw = rows.number(self._named.occupancy, optional=True)
        if self._named.occupancy_unit == "ntcip":
            coded = (raw >= NTCIP_FAULTS[0]) & (raw <= NTCIP_FAULTS[1])
            rows.doubt(coded, "occupancy 210–217: fault code (NTCIP 1202)")
            return np.where(coded, np.nan, raw / NTCIP_HALF_PER_CENTS)
        return raw / 100.0 if self._named.occupancy_unit == "per cent" else raw
