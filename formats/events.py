"""High-resolution controller events (Indiana enumerations, August 2020) as CSV or Parquet.

One row is a time, a device, a code and a parameter. Codes above 255 are a vendor's own and are kept.
"""

from collections.abc import Iterator, Sequence

import pandas as pd

from formats.clock import Clock
from formats.errors import FormatError
from formats.rows import EVENTS, Rows
from formats.source import Source, blocks

NAMES = {
    "time": ("timestamp", "time", "datetime"),
    "device": ("deviceid", "device", "signalid", "signal", "locationidentifier", "intersectionid"),
    "code": ("eventid", "eventcode", "code", "event", "eventcodeid"),
    "parameter": ("parameter", "eventparam", "param", "eventparameter"),
}


def folded(name: str) -> str:
    """Without case, spaces and underscores, in which exports differ."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def columns(header: Sequence[str]) -> dict[str, str] | None:
    """Ours → theirs, or nothing where one of the four is missing."""
    theirs = {folded(name): name for name in header}
    found = {ours: next((theirs[name] for name in names if name in theirs), "") for ours, names in NAMES.items()}
    return found if all(found.values()) else None


def read(source: Source) -> Iterator[pd.DataFrame]:
    clock = Clock(source.findings, source.mapping.time_format)
    for block in blocks(source):
        named = columns(list(block.columns))
        if named is None:
            wanted = "; ".join(f"{ours}: {', '.join(names)}" for ours, names in NAMES.items())
            raise FormatError(f"{source.path}: columns {', '.join(block.columns)}, must have one of each: {wanted}")
        rows = Rows(block, source.findings)
        table = {
            "time_s": rows.time(named["time"], clock),
            "device": rows.text(named["device"]),
            "code": rows.whole(named["code"]),
            "parameter": rows.whole(named["parameter"]),
        }
        yield rows.table(table, EVENTS).astype({"code": "int64", "parameter": "int64"})
