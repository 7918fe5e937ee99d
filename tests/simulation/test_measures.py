"""The accounting: every vehicle scheduled in the window counts, wherever it is at the end."""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from scenarios.catalogue import find
from signals.errors import PlantError
from simulation.delay_split import SignalDelays
from simulation.measures import Window, accounts, check_anybody, read_trips, window_of
from simulation.network import read

WINDOW = Window(begin_s=600.0, end_s=4200.0, cap_s=7800.0)
OUT = '<tripinfo id="{}" depart="{}" arrival="{}" timeLoss="{}" departDelay="{}" waitingTime="10" waitingCount="1"/>'
NEVER = '<tripinfo id="{}" depart="-1" arrival="-1" timeLoss="0" departDelay="-1"/>'


def measured(tmp_path: Path, vehicles: dict[str, float], rows: list[str]) -> dict[str, float]:
    file = tmp_path / "tripinfo.xml"
    file.write_text("<tripinfos>" + "".join(rows) + "</tripinfos>")
    frame = pd.DataFrame({"id": list(vehicles), "depart_s": list(vehicles.values()), "edges": "a b"})
    return accounts(read_trips(file, frame, WINDOW), WINDOW)


def test_scheduled_is_completed_inside_and_never_entered(tmp_path: Path):
    """One of each, one of the warm-up that does not count, and one that was out only after the window."""
    vehicles = {"warm-up": 500.0, "done": 700.0, "late": 4000.0, "inside": 4100.0, "outside": 4150.0}
    rows = [
        OUT.format("warm-up", 500, 800, 30, 0),
        OUT.format("done", 700, 900, 20, 5),
        OUT.format("late", 4000, 4300, 100, 0),
        OUT.format("inside", 4100, -1, 3000, 0),
        NEVER.format("outside"),
    ]
    found = measured(tmp_path, vehicles, rows)
    assert (found["scheduled"], found["completed"], found["inside"], found["never_entered"]) == (4, 1, 2, 1)
    assert (found["inside_at_cap"], found["never_entered_at_cap"]) == (1, 1)
    assert found["delay_s"] == pytest.approx((25 + 100 + 3000 + (7800 - 4150)) / 4)
    assert found["throughput_veh_per_h"] == 1.0
    assert found["clear_time_s"] == WINDOW.cap_s - WINDOW.begin_s
    assert found["gridlock"]


def test_locking_vehicles_out_does_not_pay(tmp_path: Path):
    """A vehicle that never entered costs all the time until the cap; one that was let in and delayed costs less."""
    vehicles = {"a": 700.0}
    outside = measured(tmp_path, vehicles, [NEVER.format("a")])
    inside = measured(tmp_path, vehicles, [OUT.format("a", 700, 2000, 1200, 0)])
    assert outside["delay_s"] == WINDOW.cap_s - 700.0
    assert outside["delay_s"] > inside["delay_s"]


def test_a_vehicle_that_sumo_does_not_mention_never_entered(tmp_path: Path):
    """What was scheduled counts, whether or not the simulator wrote a line about it."""
    found = measured(tmp_path, {"a": 700.0, "b": 800.0}, [OUT.format("a", 700, 900, 20, 0)])
    assert found["never_entered"] == 1


def test_clear_time_is_until_the_last_vehicle_of_the_window_is_out(tmp_path: Path):
    """Measured from the window's begin; an arrival at its very end is not in it."""
    vehicles = {"a": 700.0, "b": 4199.0}
    found = measured(tmp_path, vehicles, [OUT.format("a", 700, 4200, 20, 0), OUT.format("b", 4199, 4500, 9, 0)])
    assert found["clear_time_s"] == 3900.0
    assert found["completed"] == 0
    assert not found["gridlock"]


def test_an_empty_window_is_refused(tmp_path: Path):
    """A mean over nobody would be a number without a meaning; where persons alone move, theirs is one."""
    frame, nobody = pd.DataFrame({"id": ["a"], "depart_s": [100.0]}), pd.DataFrame({"id": [], "depart_s": []})
    with pytest.raises(PlantError, match="no vehicle and no person is scheduled"):
        check_anybody(frame, nobody, WINDOW)
    check_anybody(frame, pd.DataFrame({"id": ["p"], "depart_s": [WINDOW.begin_s]}), WINDOW)
    found = measured(tmp_path, {"a": 100.0}, [OUT.format("a", 100, 200, 1, 0)])
    assert (found["scheduled"], found["gridlock"]) == (0, False)
    assert math.isnan(found["delay_s"])


def test_cut_output_is_named(tmp_path: Path):
    """A tripinfo file that ends in the middle is SUMO's failure, not a short list."""
    file = tmp_path / "tripinfo.xml"
    file.write_text('<tripinfos><tripinfo id="a"')
    frame = pd.DataFrame({"id": ["a"], "depart_s": [700.0], "edges": ["a b"]})
    with pytest.raises(PlantError, match=r"tripinfo\.xml: SUMO's output is not whole"):
        read_trips(file, frame, WINDOW)


@pytest.mark.parametrize(("end_s", "begin_s"), [(3600.0, 600.0), (1200.0, 600.0), (600.0, 300.0)])
def test_the_warm_up_is_ten_minutes_or_half_of_a_short_run(end_s: float, begin_s: float):
    """The first 600 s are not counted."""
    assert window_of(0.0, end_s) == Window(begin_s, end_s, end_s + 3600.0)


def test_vehicles_that_all_depart_in_the_warm_up_are_counted():
    """Three trains of a demonstration, all of the first ten minutes, are its traffic."""
    assert window_of(0.0, 4200.0, [0.0, 300.0]) == Window(0.0, 4200.0, 7800.0)
    assert window_of(0.0, 4200.0, [0.0, 700.0]) == window_of(0.0, 4200.0)


def test_the_share_under_control_is_of_passages_not_of_signals():
    """A signal that nobody passes weighs nothing; the edge where a trip ends is not passed."""
    whole = read(find("arterial").net_file)
    ours, others = whole.approach_edges["J1"][0], whole.approach_edges["J3"][0]
    partly = replace(whole, approach_edges={k: v for k, v in whole.approach_edges.items() if k != "J3"})
    trips = pd.DataFrame(
        {"id": ["a", "b"], "depart_s": 700.0, "edges": [f"{ours} {others} out", f"{ours} {ours} {others}"]}
    )
    trips = trips.assign(time_loss_s=1.0, depart_delay_s=0.0, speed_factor=1.0)
    shares = [SignalDelays(network).measures(trips, WINDOW)["vehicles_controlled_share"] for network in (whole, partly)]
    assert shares == [1.0, 0.75]
