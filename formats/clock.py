"""Time stamps → seconds since 1970-01-01 on the file's own clock.

Nothing is converted that the file does not say: naive times stay as they are written. Where times carry an offset
from UTC, the first one met is the file's clock and other offsets are brought to it, so that a change to or from
summer time neither repeats nor skips an hour.
"""

import numpy as np
import pandas as pd

from formats.findings import Findings

FORMATS = (
    "ISO8601",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
)
FRACTION, OFFSET = r"(?<=:\d\d)[.,](\d+)", r"(?<=[\d.])\s*(Z|UTC|[+-]\d\d:?\d\d)$"
EPOCH_FROM_S, MILLISECONDS_FROM = 1e8, 1e11
Seconds = np.ndarray


class Clock:
    """Remembers which way of writing times the file has, and its offset from UTC."""

    def __init__(self, findings: Findings, written_as: str = "") -> None:
        self._findings, self._format = findings, written_as
        self._offset_s: float | None = None

    def seconds(self, times: pd.Series) -> Seconds:
        """NaN where there is no time to read."""
        if pd.api.types.is_datetime64_any_dtype(times):
            return self._typed(times)
        if pd.api.types.is_numeric_dtype(times):
            return numeric_seconds(times.to_numpy(dtype=float))
        return self._texts(times.astype(str).str.strip())

    def _typed(self, times: pd.Series) -> Seconds:
        if isinstance(times.dtype, pd.DatetimeTZDtype):
            self._findings.notice("times carry a zone; they are shown in UTC")
            times = times.dt.tz_convert("UTC").dt.tz_localize(None)
        return _since_epoch(times)

    def _texts(self, texts: pd.Series) -> Seconds:
        if self._format == "ISO8601" and not any(map(_has_offset, texts)):
            return _parse(texts, self._format)
        if self._are_numbers(texts):
            return numeric_seconds(pd.to_numeric(texts, errors="coerce").to_numpy(dtype=float))
        offsets = texts.str.extract(OFFSET)[0]
        bare = texts.str.replace(OFFSET, "", regex=True) if offsets.notna().any() else texts
        fraction = pd.to_numeric("0." + bare.str.extract(FRACTION)[0], errors="coerce").fillna(0.0).to_numpy()
        bare = bare.str.replace(FRACTION, "", regex=True)
        self._format = self._format or self._choose(bare)
        return _parse(bare, self._format) + fraction + self._shift(offsets)

    def _are_numbers(self, texts: pd.Series) -> bool:
        """Whether most are seconds or milliseconds since 1970, and none a date without strokes."""
        if not self._format:
            numbers = pd.to_numeric(texts, errors="coerce")
            epochs = (numbers >= EPOCH_FROM_S).mean() > 0.5 and not texts.str.fullmatch(r"[12]\d{7}|[12]\d{13}").any()
            self._format = "epoch" if epochs else ""
        return self._format == "epoch"

    def _choose(self, texts: pd.Series) -> str:
        """The way of writing that reads most of the first block; the earlier one where two do."""
        sample = texts.iloc[:2000]
        read = {each: int(np.isfinite(_parse(sample, each)).sum()) for each in FORMATS}
        best = max(read, key=lambda each: read[each])
        rivals = [each for each in FORMATS if each != best and read[each] == read[best] and each[:2] in ("%m", "%d")]
        if best.startswith("%m/%d") and rivals:
            self._findings.notice("dates are read as month/day/year; time_format in --map says otherwise")
        return best

    def _shift(self, offsets: pd.Series) -> Seconds:
        given = offsets.map(_offset_s, na_action="ignore")
        if self._offset_s is None:
            if not given.notna().any():
                return np.zeros(len(offsets))
            self._offset_s = float(given.dropna().iloc[0])
            self._findings.notice(f"times carry an offset; they are shown at UTC{_signed_hours(self._offset_s)}")
        if (given.dropna() != self._offset_s).any():
            self._findings.notice("the offset from UTC changes within the file; all times are brought to the first one")
        return (self._offset_s - given).fillna(0.0).to_numpy(dtype=float)


def numeric_seconds(numbers: Seconds) -> Seconds:
    """Seconds as they are; a number too large for seconds since 1970 is taken for milliseconds."""
    return np.where(np.abs(numbers) >= MILLISECONDS_FROM, numbers / 1000.0, numbers)


def _parse(texts: pd.Series, written_as: str) -> Seconds:
    return _since_epoch(pd.to_datetime(texts, format=written_as, errors="coerce"))


def _since_epoch(times: pd.Series) -> Seconds:
    return ((times - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy(dtype=float)


def _has_offset(text: str) -> bool:
    """`Z`, or a sign after the date."""
    return text[-1:] in ("Z", "C") or "+" in text or "-" in text[10:]


def _offset_s(text: str) -> float:
    if text in ("Z", "UTC"):
        return 0.0
    digits = text[1:].replace(":", "")
    return (-1 if text[0] == "-" else 1) * (int(digits[:2]) * 3600.0 + int(digits[2:]) * 60.0)


def _signed_hours(offset_s: float) -> str:
    return f"{'-' if offset_s < 0 else '+'}{abs(offset_s) // 3600:02.0f}:{abs(offset_s) % 3600 / 60:02.0f}"
