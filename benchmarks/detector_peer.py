"""Runs in the environment of `atspm` and imports nothing of ours: its counts of a log of events, as JSON."""

import json
import sys
from importlib import import_module


def main(events: str, places: str) -> None:
    """Vehicles per detector and quarter-hour, as `atspm` aggregates them."""
    processor = import_module("atspm").SignalDataProcessor(
        raw_data=events,
        detector_config=places,
        bin_size=15,
        aggregations=[{"name": "actuations", "params": {"fill_in_missing": False}}],
        verbose=0,
    )
    processor.load()
    processor.aggregate()
    rows = processor.conn.query("select epoch(TimeStamp), Detector, Total from actuations").fetchall()
    processor.close()
    print(json.dumps([[float(second), int(detector), int(total)] for second, detector, total in rows]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
