"""Small files of each format, written by the tests, and the one way to read them whole."""

from pathlib import Path

import pandas as pd

from formats.findings import Findings
from formats.mapping import Mapping
from formats.recording import open_recording

NOON_S = pd.Timestamp("2024-04-15 12:00").timestamp()


def read(path: Path, format: str = "", mapping: Mapping | None = None) -> tuple[pd.DataFrame, Findings]:
    recording = open_recording(path, format, mapping)
    tables = list(recording.tables())
    return pd.concat(tables, ignore_index=True), recording.findings


def text(folder: Path, name: str, *lines: str) -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def made_up_events(count: int = 1000, device: str = "7") -> pd.DataFrame:
    """Detector 4 goes on and off every tenth of a second from noon."""
    places = pd.RangeIndex(count)
    return pd.DataFrame(
        {
            "time_s": [round(NOON_S + place / 10, 1) for place in places],
            "device": [device] * count,
            "code": [82 - place % 2 for place in places],
            "parameter": [4] * count,
        }
    )
