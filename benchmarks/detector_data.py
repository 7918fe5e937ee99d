"""Our reading of real detector data against an independent reader's: `python benchmarks/detector_data.py --json FILE`.

Two hours of high-resolution events of a signal in Oregon (in `atspm`) and 26 days of quarter-hour counts (in
`traffic-anomaly`), which are installed into an environment of their own. Counts must equal `atspm`'s cell by cell,
also of what we write; every lost edge must be found that a plain look at neighbouring rows finds; faults that are
planted, one detector at a time, must be found for what they are. `--chart FILE` draws the four phases' cycles.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import duckdb  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from benchmarks import detector_environment as real  # noqa: E402
from benchmarks.planted_faults import Log, plant_in_counts, plant_in_events  # noqa: E402
from formats.recording import open_recording  # noqa: E402
from formats.source import no_progress  # noqa: E402
from formats.write_events import write_events  # noqa: E402
from reports import svg  # noqa: E402
from reports.detectors.charts import plot_queue, plot_saturation  # noqa: E402
from reports.detectors.collect import Collection  # noqa: E402
from reports.detectors.diagnose_file import Diagnosis, judge  # noqa: E402
from reports.detectors.diagnosis import DISTRUSTED  # noqa: E402
from reports.detectors.edges import OFF, ON  # noqa: E402
from reports.detectors.sites import Place, Places  # noqa: E402

QUARTER_S = 900.0
FUNCTIONS = {"Presence": "stop_line", "Advance": "advance", "stop bar count": "count", "Yellow_Red": "other"}
COLOURS = {svg.INK: "#1a1d21", svg.MUTED: "#575e67", svg.GRID: "#d5d9de", svg.PAPER: "#ffffff"}
Figures = dict[str, Any]
Cells = dict[tuple[float, str], int]


def peer_cells(environment: Path, events: Path) -> Cells:
    """Vehicles per quarter-hour and detector as `atspm` has them."""
    places = real.data(environment, real.PLACES)
    command = [str(environment), str(ROOT / "benchmarks" / "detector_peer.py"), str(events), str(places)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {(second, str(name)): total for second, name, total in json.loads(done.stdout.splitlines()[-1])}


def our_cells(diagnosis: Diagnosis) -> Cells:
    start_s = np.floor(diagnosis.collection.start_s / QUARTER_S) * QUARTER_S
    limits = np.arange(start_s, diagnosis.collection.end_s + QUARTER_S, QUARTER_S)
    return {
        (float(second), name): int(total)
        for judged in diagnosis.groups
        for name, edges in judged.group.edges.items()
        for second, total in zip(limits, edges.measured_volume(limits), strict=False)
        if total
    }


def differing(first: Cells, second: Cells) -> int:
    return sum(first.get(key) != second.get(key) for key in first.keys() | second.keys())


def repeated_states(file: Path) -> int:
    """On and off events that repeat their detector's state, told by a query that shares nothing with our repair."""
    query = (
        "select count(*) from (select EventId, lag(EventId) over (partition by Parameter order by TimeStamp) before"
        " from read_parquet(?) where EventId in (81, 82)) where EventId = before"
    )
    with closing(duckdb.connect()) as connection:
        found = connection.execute(query, [str(file)]).fetchone()
    return int(found[0]) if found else 0


def places_of(file: Path) -> Places:
    with closing(duckdb.connect()) as connection:
        rows = connection.execute("select Parameter, Phase, Function from read_parquet(?)", [str(file)]).fetchall()
    return {str(channel): Place(int(phase), FUNCTIONS[function]) for channel, phase, function in rows}


def diagnosis_of(file: Path, places: Places, folder: Path) -> Diagnosis:
    folder.mkdir()
    recording = open_recording(file)
    return judge(recording, places, Collection(recording, folder, no_progress))


def logs_of(diagnosis: Diagnosis) -> dict[str, Log]:
    events = diagnosis.collection.events(diagnosis.collection.devices[0], (ON, OFF))
    return {
        str(channel): (own["time_s"].to_numpy(), own["code"].to_numpy()) for channel, own in events.groupby("parameter")
    }


def measure_events(environment: Path, folder: Path, chart: Path | None) -> Figures:
    file = real.data(environment, real.EVENTS)
    diagnosis = diagnosis_of(file, places_of(real.data(environment, real.PLACES)), folder / "events")
    cells, group = our_cells(diagnosis), diagnosis.groups[0].group
    written = write_events(folder / "ours.parquet", open_recording(file).tables())[0]
    lost = sum(edges.lost_ons + edges.lost_offs for edges in group.edges.values())
    kept = diagnosis.collection
    if chart:
        chart.write_text(drawn(diagnosis), encoding="utf-8")
    return {
        "events": kept.rows + kept.repeated,
        "detectors": len(group.names),
        "vehicles": sum(cells.values()),
        "cells": len(cells),
        "cells that differ from atspm's": differing(cells, peer_cells(environment, file)),
        "cells that differ when atspm reads our Parquet": differing(cells, peer_cells(environment, written)),
        "lost edges put back": lost,
        "repeated states in the file": repeated_states(file),
        "distrusted without a planted fault": _distrusted(diagnosis),
        "planted": plant_in_events(group, logs_of(diagnosis), kept.start_s, kept.end_s),
        "phases": {phase.number: _phase(cycles) for phase, cycles in diagnosis.phases},
    }


def _phase(cycles: Any) -> Figures:
    return {
        "cycles": len(cycles),
        "mean green, s": round(float(cycles["green_s"].mean()), 1),
        "median queue, veh": float(cycles["queue_veh"].median()),
        "95th percentile of queue, veh": round(float(cycles["queue_veh"].quantile(0.95)), 1),
        "median degree of saturation": round(float(cycles["degree_of_saturation"].median()), 2),
        "cycles not cleared": int((~cycles["cleared"]).sum()),
    }


def _distrusted(diagnosis: Diagnosis) -> list[str]:
    found = [(health, reason) for health in diagnosis.healths for reason in health.reasons if reason.kind in DISTRUSTED]
    return [f"{health.detector}: {reason.kind}, {reason.words}" for health, reason in found]


def measure_counts(environment: Path, folder: Path) -> Figures:
    file = real.data(environment, real.COUNTS)
    diagnosis = diagnosis_of(file, {}, folder / "counts")
    group, kept = diagnosis.groups[0].group, diagnosis.collection
    query = "select detector::varchar, sum(total) from read_parquet(?) group by 1"
    with closing(duckdb.connect()) as connection:
        totals = dict(connection.execute(query, [str(file)]).fetchall())
    ours = dict(zip(group.names, np.nansum(group.volume_veh, axis=0), strict=True))
    return {
        "rows": kept.rows + kept.repeated,
        "detectors": len(group.names),
        "totals that differ from a query's": sum(float(totals[name]) != float(ours[name]) for name in totals),
        "distrusted without a planted fault": _distrusted(diagnosis),
        "planted": plant_in_counts(group),
    }


def drawn(diagnosis: Diagnosis) -> str:
    """Queue and degree of saturation per cycle, a row a phase, as an SVG of its own."""
    measured = [(phase, cycles) for phase, cycles in diagnosis.phases if cycles["queue_veh"].notna().any()]
    with svg.drawing("detector-data"):
        figure = Figure(figsize=(11, 2.1 * len(measured)), layout="constrained", facecolor=svg.PAPER)
        for row, (phase, cycles) in zip(figure.subplots(len(measured), 2), measured, strict=True):
            plot_queue(row[0], cycles)
            plot_saturation(row[1], cycles)
            row[0].set_title(f"phase {phase.number}", loc="left", fontsize=11, weight="bold")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=svg.NO_METADATA)
    page = re.sub(r'="[^"]*"', lambda attribute: re.sub(r"(\.\d\d)\d+", r"\1", attribute[0]), text.getvalue())
    for stand_in, colour in COLOURS.items():
        page = page.replace(stand_in, colour)
    return page


def measure(chart: Path | None = None) -> Figures:
    """Everything; raises `CalledProcessError` where the packages cannot be installed."""
    environment = real.python()
    with tempfile.TemporaryDirectory() as folder:
        events = measure_events(environment, Path(folder), chart)
        return {"packages": list(real.PACKAGES), "events": events, "counts": measure_counts(environment, Path(folder))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--chart", type=Path, help="write the chart of the phases' cycles there, as SVG")
    arguments = parser.parse_args()
    try:
        figures = measure(arguments.chart)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(real.PACKAGES)} cannot be installed or run:\n{error.stderr.strip()}")
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
