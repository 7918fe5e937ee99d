"""Our signal performance measures against an independent tool's: `python benchmarks/signal_measures.py --json FILE`.

Agreement: on two hours of a real signal's events (in `atspm`) and on a log that our simulation wrote, every measure
that `atspm` has too is compared bin by bin. Speed: a month of ten signals, made by repeating the real events, is
measured by `evaluate.py measures`, with its page and tables, and by `atspm`, which writes nothing; each in a process
of its own, one after the other. `--quick` takes three days in place of thirty.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import duckdb  # noqa: E402

from benchmarks import detector_environment as real  # noqa: E402
from benchmarks.signal_agreement import PEER, agreement  # noqa: E402
from experiments.case import Case, run_case  # noqa: E402

SIGNALS, DAYS, QUICK_DAYS, SAMPLES_A_DAY = 10, 30, 3, 12
SHARED = "actuations,arrival_on_green,platoon_ratio,split_failures,terminations,yellow_red,ped"
"""What both measure. atspm's pedestrian delay needs its whole timeline, which costs more than the rest together."""
PEER_MEMORY = "8GB"
SIMULATED = Case("resco:cologne1", "actuated", 1.0, 0)
Figures = dict[str, Any]


def measure_agreement(environment: Path, folder: Path) -> Figures:
    """On the real log and on one that our simulation writes."""
    log, places = simulated(folder)
    return {
        "real": agreement(environment, real.data(environment, real.EVENTS), real.data(environment, real.PLACES)),
        "simulated": agreement(environment, log, places),
    }


def simulated(folder: Path) -> tuple[Path, Path]:
    case = Case(SIMULATED.scenario, SIMULATED.controller, SIMULATED.demand, SIMULATED.draw, event_logs=folder)
    (folder / "case").mkdir()
    run_case(case, folder / "case")
    assert case.event_log
    return case.event_log, case.event_log.with_suffix(".detectors.csv")


def month(environment: Path, folder: Path, days: int) -> tuple[Path, Path]:
    """The real two hours, one after the other, at ten signals; in order of time, as a central system collects them."""
    log, places = folder / "month.parquet", folder / "places.parquet"
    events, config = (str(real.data(environment, name)) for name in (real.EVENTS, real.PLACES))
    with duckdb.connect(str(folder / "month.duckdb")) as sql:
        sql.execute("set memory_limit = '1GB'; set enable_progress_bar = false")
        sql.execute("create table month (TimeStamp timestamp, DeviceId bigint, EventId bigint, Parameter bigint)")
        for place in range(days * SAMPLES_A_DAY):
            sql.execute(
                f"insert into month select TimeStamp + to_hours({24 // SAMPLES_A_DAY * place - 12}), DeviceId + signal,"
                f" EventId, Parameter from read_parquet(?), range({SIGNALS}) s(signal) order by 1, 2",
                [events],
            )
        sql.execute(f"copy month to '{log}' (format parquet)")
        sql.execute(
            f"copy (select DeviceId + signal as DeviceId, Phase, Parameter, Function from '{config}',"
            f" range({SIGNALS}) s(signal)) to '{places}' (format parquet)"
        )
    (folder / "month.duckdb").unlink()
    return log, places


def timed(command: list[str], folder: Path) -> Figures:
    """Wall time, processor time and the largest resident memory of one process."""
    began = time.perf_counter()
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=folder)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(
            process.returncode, command, stderr=(folder / "said.txt").read_text(encoding="utf-8")
        )
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "processor seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak memory, MB": round(used.ru_maxrss / 1024),
    }


def measure_speed(environment: Path, folder: Path, days: int) -> Figures:
    log, places = month(environment, folder, days)
    with duckdb.connect() as sql:
        rows = sql.execute(f"select count(*) from '{log}'").fetchall()[0][0]
    entry = [sys.executable, str(ROOT / "evaluate.py"), "measures", str(log), "--intersection", str(places)]
    ours = timed([*entry, "--out", str(folder / "measures")], folder)
    peer = [str(environment), str(PEER), str(log), str(places)]
    theirs = timed([*peer, SHARED, PEER_MEMORY], folder)
    return {
        "events": rows,
        "signals": SIGNALS,
        "days": days,
        "ours, all measures, tables and page": ours,
        f"atspm, {SHARED}": theirs | {"memory limit": PEER_MEMORY},
        "times faster": round(theirs["seconds"] / ours["seconds"], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="three days in place of thirty")
    arguments = parser.parse_args()
    try:
        environment = real.python()
        with tempfile.TemporaryDirectory(prefix="signal-measures-") as name:
            figures: Figures = {"packages": list(real.PACKAGES)}
            figures["agreement"] = measure_agreement(environment, Path(name))
            figures["speed"] = measure_speed(environment, Path(name), QUICK_DAYS if arguments.quick else DAYS)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(real.PACKAGES)} cannot be installed or run:\n{str(error.stderr).strip()}")
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
