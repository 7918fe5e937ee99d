"""RESCO's own rules: the demand as its author wrote it, an hour whole, every vehicle, and its yellow."""

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.case import Case, place_of, run_case
from experiments.demand import draw_demand
from experiments.grid import grid
from scenarios.catalogue import Scenario, find
from signals.errors import ConfigError
from signals.intersection import Aspect
from signals.sequencer import intervals_between
from simulation.measures import Window, accounts, window_of
from tests.simulation.streets import RAW_SUMO

NAME = "resco-rules:cologne3"


def written(scenario: Scenario) -> dict[str, float]:
    """Departures of the file itself, within the hour."""
    (file,) = scenario.route_files
    found = {str(e.get("id")): float(e.get("depart", "nan")) for _, e in ET.iterparse(file) if e.get("depart")}
    return {name: at_s for name, at_s in found.items() if scenario.begin_s <= at_s < scenario.end_s}


def test_every_draw_is_the_file_itself(tmp_path: Path):
    scenario = find(NAME)
    drawn = [draw_demand(scenario, 1.0, draw, tmp_path) for draw in (0, 1)]
    assert drawn[0].digest == drawn[1].digest
    assert drawn[0].route_file == scenario.route_files[0], "SUMO routes its trips as it does for everybody else"
    vehicles = drawn[0].vehicles.set_index("id")["depart_s"].to_dict()
    assert vehicles == written(scenario)


def test_another_multiple_is_refused_before_the_first_case():
    with pytest.raises(ConfigError, match=r"resco-rules:cologne3: demand = 1\.2, must be 1"):
        grid([NAME], ["existing"], [1.2], draws=1).check_names()
    with pytest.raises(ConfigError, match="unknown"):
        find("resco-rules:cologne9")


def test_the_whole_hour_counts_and_nothing_after_it():
    scenario = find(NAME)
    window = window_of(scenario.begin_s, scenario.end_s, [scenario.begin_s], scenario.rules)
    assert window == Window(25200.0, 28800.0, 28800.0)


@pytest.mark.parametrize(("name", "yellow_s"), [("resco-rules:cologne1", 3.0), ("resco-rules:arterial4x4", 2.0)])
def test_stages_change_by_their_yellow_and_nothing_else(name: str, yellow_s: float):
    """Every head that loses its green shows it; the same street by our rules is as it was."""
    own = place_of(find(name.replace("resco-rules", "resco"))).network
    for before, built in zip(own.intersections, place_of(find(name)).network.intersections, strict=True):
        assert {phase.yellow_change_s for phase in built.phases} == {yellow_s}
        assert {phase.red_clearance_s for phase in built.phases} == {0.0}
        for start in built.stages:
            for end in built.stages:
                ending = set(built.green_groups(start)) - set(built.green_groups(end))
                intervals = intervals_between(built, start, end) if start != end else ()
                assert sum(interval.duration_s for interval in intervals) == (yellow_s if ending else 0.0) or not ending
                for interval in intervals if ending else ():
                    shown = dict(zip((g.id for g in built.signal_groups), interval.aspects, strict=True))
                    assert {shown[group] for group in ending} == {Aspect.YELLOW}
        assert built.stages == before.stages and built.detectors == before.detectors
    assert {p.yellow_change_s for i in own.intersections for p in i.phases} == {5.0 if "cologne1" in name else 3.0}


def raw_delay_s(scenario: Scenario, folder: Path, seed: int) -> tuple[int, float]:
    """Vehicles, and their mean of timeLoss + departDelay, as SUMO alone has them for the file itself."""
    trips = folder / "trips.xml"
    options = {
        "net-file": scenario.net_file, "route-files": scenario.route_files[0], "begin": scenario.begin_s,
        "end": scenario.end_s, "seed": seed, "time-to-teleport": -1, "tripinfo-output": trips,
        "tripinfo-output.write-unfinished": "true", "tripinfo-output.write-undeparted": "true",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    subprocess.run([str(RAW_SUMO), "--no-step-log", "--no-warnings", *words], check=True, capture_output=True)
    found = [e for _, e in ET.iterparse(trips) if e.tag == "tripinfo"]
    lost = [float(e.get("timeLoss", 0)) + float(e.get("departDelay", 0)) for e in found]
    return len(found), sum(lost) / len(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", [NAME, "resco-rules:ingolstadt7"], ids=["vehicles", "trips"])
def test_the_delay_is_what_sumo_says_of_the_file_itself(name: str, tmp_path: Path):
    """Under the network's own plan, with our loops in the street: the same vehicles, the same mean."""
    row = run_case(Case(name, "existing", 1.0, 7), tmp_path / "case")
    scheduled, delay_s = raw_delay_s(find(name), tmp_path, seed=7)
    assert row["scheduled"] == scheduled
    assert row["delay_s"] == pytest.approx(delay_s, rel=0.002)
    assert not row["gridlock"]


def test_gridlock_is_not_told_without_a_drain():
    """Who has just come is inside when the hour ends."""

    trips = pd.DataFrame(
        {
            "id": ["a", "b"], "depart_s": [0.0, 10.0], "entered_s": [0.0, 10.0], "arrival_s": [50.0, np.nan],
            "time_loss_s": [1.0, 3.0], "depart_delay_s": [0.0, 0.0], "waiting_s": [0.0, 0.0], "stops": [0.0, 0.0],
            "co2_mg": [0.0, 0.0], "v_class": ["", ""],
        }
    )  # fmt: skip
    assert not accounts(trips, Window(0.0, 100.0, 100.0))["gridlock"]
    assert accounts(trips, Window(0.0, 100.0, 200.0))["gridlock"]
