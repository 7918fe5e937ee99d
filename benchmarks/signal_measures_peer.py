"""Runs in the environment of `atspm` and imports nothing of ours: its measures of a log of events, as JSON."""

import json
import resource
import sys
import time
from importlib import import_module
from typing import Any

MEASURES = {
    "actuations": {"fill_in_missing": False},
    "arrival_on_green": {"latency_offset_seconds": 0},
    "platoon_ratio": {},
    "split_failures": {
        "red_time": 5,
        "red_occupancy_threshold": 0.80,
        "green_occupancy_threshold": 0.80,
        "by_approach": True,
        "by_cycle": False,
    },
    "terminations": {},
    "yellow_red": {"latency_offset_seconds": 0},
    "has_data": {"no_data_min": 5, "min_data_points": 3},
    "ped": {},
    "timeline": {"min_duration": 0.0, "cushion_time": 60},
    "ped_delay": {},
}


def main(events: str, places: str, chosen: str = "", memory: str = "") -> None:
    """Every measure chosen, in bins of 15 min; rows are told only of logs small enough for it. `memory` as 8GB."""
    wanted = chosen.split(",") if chosen else list(MEASURES)
    began = time.perf_counter()
    processor = import_module("atspm").SignalDataProcessor(
        raw_data=events,
        detector_config=places,
        bin_size=15,
        remove_incomplete=False,
        aggregations=[{"name": name, "params": MEASURES[name]} for name in wanted],
        verbose=0,
    )
    if memory:
        processor.conn.execute(f"set memory_limit = '{memory}'")
    processor.load()
    processor.aggregate()
    said: dict[str, Any] = {"seconds": time.perf_counter() - began}
    sizes = {name: processor.conn.query(f"select count(*) from {name}").fetchall()[0][0] for name in wanted}
    said |= {"rows": sizes, "events": processor.conn.query("select count(*) from raw_data").fetchall()[0][0]}
    said["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if said["events"] < 2_000_000:
        said["tables"] = {name: _rows(processor.conn, name) for name in wanted if name != "timeline"}
    processor.close()
    print(json.dumps(said))


def _rows(connection: Any, name: str) -> list[dict]:
    relation = connection.query(f"select * replace (epoch(TimeStamp) as TimeStamp) from {name}")
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


if __name__ == "__main__":
    main(*sys.argv[1:])
