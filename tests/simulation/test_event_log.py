"""The log that a simulation writes: what lamps and loops did, in a cabinet's words, and nothing changed by it."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evaluate import app
from experiments.case import Case, run_case
from formats.recording import open_recording
from reports.performance.measure_log import measured_log
from signals.values import Record
from simulation.event_log import EventLog, _edges, _Loop

SINGLE: dict[str, Any] = {"scenario": "single", "demand": 0.1, "draw": 0}
ORDER = {1: {4, 5, 6, 7}, 4: {7}, 5: {7}, 6: {7}, 7: {8}, 8: {9}, 9: {10}, 10: {11}, 11: {1, 12}}


@dataclass(frozen=True)
class Logged:
    """A case's row, its events, their file, and what the plant counted by channel (from 1)."""

    row: dict
    events: pd.DataFrame
    file: Path
    volume_veh: np.ndarray


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    folder = tmp_path_factory.mktemp("logged")
    case = Case(controller="actuated", event_logs=folder / "logs", **SINGLE)
    (folder / "work").mkdir()
    volumes: list[np.ndarray] = []
    decided = EventLog.decided

    def counting(log: EventLog, record: Record) -> None:
        volumes.append(record.snapshot.volume_veh)
        decided(log, record)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventLog, "decided", counting)
        row = run_case(case, folder / "work")
    assert case.event_log
    events = pd.concat(list(open_recording(case.event_log).tables()))
    return Logged(row, events, case.event_log, np.sum(volumes, axis=0))


def test_a_case_is_the_same_with_and_without_a_log(logged: Logged, tmp_path: Path):
    """Looking changes nothing, and the case keeps its key."""
    case = Case(controller="actuated", **SINGLE)
    assert run_case(case, tmp_path) == logged.row
    assert case.key == Case(controller="actuated", event_logs=tmp_path, **SINGLE).key


def test_every_phase_goes_through_its_intervals_in_order(logged: Logged):
    """Green, termination with its reason, yellow change, red clearance: no event missing, none twice."""
    events = logged.events
    phases = events[events["code"].isin(ORDER)].sort_values(["time_s", "code"], kind="stable")
    for _, own in phases.groupby("parameter"):
        codes = own["code"].tolist()
        codes = codes[codes.index(1) :]
        assert len(codes) > 20
        wrong = [(a, b) for a, b in pairwise(codes) if b not in ORDER[a]]
        assert wrong == []
    assert {4, 5} & set(events["code"]) and 6 not in set(events["code"])


def test_loops_alternate_and_count_the_vehicles(logged: Logged):
    """On and off in turn, never two of a kind; ons are vehicles, but for lane changes and followers without a gap."""
    edges = logged.events[logged.events["code"].isin([81, 82])].sort_values(["time_s", "code"], kind="stable")
    for _, own in edges.groupby("parameter"):
        assert all(a != b for a, b in pairwise(own["code"].tolist()))
    ons = edges[edges["code"] == 82]
    counts = np.bincount(ons["parameter"], minlength=len(logged.volume_veh) + 1)[1:]
    assert (abs(counts - logged.volume_veh) <= np.maximum(2, 0.05 * logged.volume_veh)).all()
    assert counts.sum() == pytest.approx(logged.volume_veh.sum(), rel=0.02)
    assert (ons["time_s"] % 1.0 > 0.01).mean() > 0.5  # SUMO knows when within the step


def test_a_log_is_measured_as_a_street_s_is(logged: Logged):
    """By the file of channels beside it, or by the scenario's junction."""
    log = logged.file
    device = str(logged.events["device"].iloc[0])
    tables = []
    for source in (str(log.with_suffix(".detectors.csv")), f"single:{device}"):
        with measured_log(log, [source]) as measures:
            tables.append(measures.table("phases"))
            assert measures.table("repairs").empty
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert tables[0]["arrivals"].sum() > 100 and tables[0]["judged_cycles"].sum() > 20


@pytest.mark.parametrize(
    ("steps", "events"),
    [
        ([[(0.3, 0.7)]], [(0.3, 82), (0.7, 81)]),
        ([[(0.3, -1)], [(0.3, -1)], [(0.3, 2.5)]], [(0.3, 82), (2.5, 81)]),
        ([[(0.3, -1)], [(0.3, 1.2), (1.5, -1)], [(1.5, 2.1)]], [(0.3, 82), (1.2, 81), (1.5, 82), (2.1, 81)]),
        ([[(0.3, -1)], [(0.3, 1.5), (1.4, -1)], [(1.4, 2.1)]], [(0.3, 82), (2.1, 81)]),
        ([[(0.3, 1.0)], [(0.3, 1.0)], []], [(0.3, 82), (1.0, 81)]),
        ([[(0.3, -1)], []], [(0.3, 82), (1.0, 81)]),
    ],
    ids=["passes", "stands", "followed", "bumper to bumper", "leaves at a step", "vanishes"],
)
def test_a_loop_is_on_while_anything_covers_it(steps: list, events: list):
    loop = _Loop("J", 4)
    found = [event for k, step in enumerate(steps) for event in _edges(loop, step, float(k), k + 1.0)]
    assert found == [(time_s, "J", code, 4) for time_s, code in events]


@pytest.mark.slow
def test_the_command_keeps_logs_beside_the_results(tmp_path: Path):
    """A finished case is run again for the log that it lacks."""
    command = ["run", "--scenario", "single", "--controller", "existing", "--draws", "1", "--demand", "0.02"]
    command += ["--workers", "1", "--out", str(tmp_path / "out")]
    for flags, logs in ((), 0), (("--event-log",), 1):
        done = CliRunner().invoke(app, [*command, *flags])
        assert done.exit_code == 0, done.output
        assert len(list((tmp_path / "out").glob("event-logs/*.parquet"))) == logs
