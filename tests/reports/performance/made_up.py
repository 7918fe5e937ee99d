"""A signal of 60 s cycles whose measures are known by hand."""

from pathlib import Path

import pandas as pd

from formats.write_events import write_events

BEGIN_S = 1_713_182_400.0  # 2024-04-15 12:00
CYCLE_S = 60.0
PLACES = """
[detectors]
1 = { phase = 2, function = "advance" }
2 = { phase = 2, function = "stop_line" }
3 = { phase = 4, function = "advance" }
5 = { phase = 2, function = "yellow_red" }
"""


def cycle_events(begin_s: float, full: bool) -> list[tuple[float, int, int]]:
    """Phase 2 is green for 27 s, phase 4 for 19 s; a full cycle's stop-line loop is covered until 6 s of red.

    Three come on phase 2's advance loop, at 10, 20 and 40 s; one at 50 s on phase 4's. Somebody crosses at 28 s.
    """
    phase_2 = [(0, 1), (27, 6), (27, 7), (27, 8), (30, 9), (30, 10), (32, 11)]
    phase_4 = [(32, 1), (51, 4), (51, 8), (54, 9), (54, 10), (56, 11)]
    timed = [*((second, code, 2) for second, code in phase_2), *((second, code, 4) for second, code in phase_4)]
    events: list[tuple[float, int, int]] = [*timed]
    for second, channel in ((10, 1), (20, 1), (40, 1), (50, 3), (28, 5)):
        events += [(second, 82, channel), (second + 0.5, 81, channel)]
    events += [(0.1, 82, 2), (36.0 if full else 5.0, 81, 2)]
    return [(begin_s + second, code, parameter) for second, code, parameter in events]


def made_up_log(cycles: int, begin_s: float = BEGIN_S, device: str = "7") -> pd.DataFrame:
    """Every other cycle is full. It begins with the begin of a green."""
    rows = [event for k in range(cycles) for event in cycle_events(begin_s + k * CYCLE_S, k % 2 == 0)]
    frame = pd.DataFrame(rows, columns=["time_s", "code", "parameter"]).sort_values(["time_s", "code"])
    return frame.assign(device=device).reset_index(drop=True)


def written(folder: Path, *logs: pd.DataFrame, name: str = "log.parquet") -> Path:
    """The log on disk, and `places.toml` beside it."""
    (folder / "places.toml").write_text(PLACES, encoding="utf-8")
    return write_events(folder / name, [pd.concat(logs, ignore_index=True)])[0]
