"""A log's measures, from the file to the tables: known by hand, and the same wherever midnight falls."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.performance.measure_log import TABLES, measured_log, write_tables
from signals.errors import ConfigError
from tests.reports.performance.made_up import BEGIN_S, made_up_log, written

HALF_DAY_S = 43_200.0


def tables(log: Path, *names: str, bin_min: int = 15, places: tuple[str, ...] | None = None) -> list[pd.DataFrame]:
    given = [str(log.parent / "places.toml")] if places is None else places
    with measured_log(log, given, bin_min) as measures:
        return [measures.table(name) for name in names]


def of_phase(table: pd.DataFrame, phase: int) -> pd.DataFrame:
    return table[table["phase"] == phase].reset_index(drop=True)


def test_every_measure_is_what_it_is_by_hand(tmp_path: Path):
    """Half an hour of 60 s cycles: 15 a bin, of which every other one fails."""
    found = tables(written(tmp_path, made_up_log(31)), *TABLES)
    by_name = dict(zip(TABLES, found, strict=True))
    green = of_phase(by_name["arrivals_on_green"], 2).iloc[:2]
    assert green["arrivals"].tolist() == [45, 45]
    assert green["share_on_green"].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert green["green_s"].tolist() == pytest.approx([15 * 27.0, 15 * 27.0])
    assert green["platoon_ratio"].tolist() == pytest.approx([(2 / 3) / 0.45] * 2)
    failures = of_phase(by_name["split_failures"], 2).iloc[:2]
    assert (failures["cycles"].tolist(), failures["split_failures"].tolist()) == ([15, 15], [8, 7])
    occupancies = of_phase(by_name["cycles"], 2)["green_occupancy"].iloc[:2].tolist()
    assert occupancies == pytest.approx([26.9 / 27, 4.9 / 27])
    ends = of_phase(by_name["terminations"], 4).iloc[:2]
    assert (
        ends[["gap_outs", "max_outs", "force_offs", "greens", "not_said"]].to_numpy().tolist()
        == [[15, 0, 0, 15, 0]] * 2
    )
    splits = of_phase(by_name["splits"], 2).iloc[0]
    assert splits[["services", "split_s", "green_s", "yellow_s", "red_clearance_s", "cycle_s"]].tolist() == [
        15, 32.0, 27.0, 3.0, 2.0, 60.0,
    ]  # fmt: skip
    crossings = by_name["yellow_red"].iloc[0]
    assert (crossings["on_yellow"], crossings["on_red"]) == (15, 0)
    counts = by_name["detector_counts"]
    assert counts[counts["detector"] == 1]["volume_veh"].tolist()[:2] == [45, 45]
    assert counts[counts["detector"] == 3]["occupancy"].tolist()[:2] == pytest.approx([15 * 0.5 / 900] * 2)
    assert by_name["repairs"].empty and by_name["gaps"].empty
    assert by_name["phases"]["phase"].tolist() == [2, 4]


@pytest.mark.parametrize("shift_s", [HALF_DAY_S - 900.0, HALF_DAY_S - 913.4])
def test_midnight_makes_no_difference(tmp_path: Path, shift_s: float):
    """A day is a piece of work, not of the street: cycles across it, arrivals and failures are the same."""
    log = made_up_log(40)
    of = "cycles", "split_failures", "arrivals_on_green", "detector_counts"
    noon = tables(written(tmp_path, log), *of)
    moved = written(tmp_path, log.assign(time_s=log["time_s"] + shift_s), name="moved.parquet")
    night = tables(moved, *of)
    for table in night[:2]:
        table["begin"] -= pd.Timedelta(seconds=shift_s)
    pd.testing.assert_frame_equal(noon[0], night[0])
    if shift_s % 900 == 0:
        pd.testing.assert_frame_equal(noon[1], night[1])
    sums = ["arrivals", "on_green", "green_s"]
    assert noon[2][sums].sum().tolist() == pytest.approx(night[2][sums].sum().tolist())
    assert noon[3]["volume_veh"].sum() == night[3]["volume_veh"].sum()


@pytest.mark.parametrize("name", ["log.csv", "datz"])
def test_every_format_gives_the_same(name: str, tmp_path: Path):
    log, of = made_up_log(20), ("cycles", "arrivals_on_green", "split_failures", "detector_counts")
    parquet = tables(written(tmp_path, log), *of)
    written(tmp_path, log, name=name)
    for one, other in zip(parquet, tables(tmp_path / name, *of), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_several_signals_have_places_of_their_own(tmp_path: Path):
    """`DEVICE=SOURCE` is for one, a table names its devices."""
    log = written(tmp_path, made_up_log(16), made_up_log(16, device="8"))
    (tmp_path / "places.csv").write_text(
        "DeviceId,Phase,Parameter,Function\n8,2,1,Advance\n8,4,2,Presence\n", encoding="utf-8"
    )
    own = f"7={tmp_path / 'places.toml'}", str(tmp_path / "places.csv")
    arrivals, failures = tables(log, "arrivals_on_green", "split_failures", places=own)
    assert set(zip(arrivals["device"], arrivals["phase"], strict=True)) == {("7", 2), ("7", 4), ("8", 2)}
    assert set(zip(failures["device"], failures["phase"], strict=True)) == {("7", 2), ("8", 4)}


def test_a_silence_is_unknown_and_not_nothing(tmp_path: Path):
    """Bins within it are left out, cycles across it are not judged, and the page can say when."""
    log = made_up_log(90)
    heard = log[(log["time_s"] < BEGIN_S + 900) | (log["time_s"] >= BEGIN_S + 3600)]
    gaps, counts, failures = tables(written(tmp_path, heard), "gaps", "detector_counts", "split_failures")
    assert gaps["duration_s"].tolist() == pytest.approx([3600 - 896.0])
    assert len(counts[counts["detector"] == 1]) == 3
    assert failures["cycles"].sum() == 15 - 1 + 30


def test_lost_edges_and_events_are_counted(tmp_path: Path):
    log = made_up_log(20)
    lost = (log["code"] == 81) & (log["parameter"] == 1) & (log.index % 3 == 0) & (log["time_s"] < BEGIN_S + 1100)
    without_yellow = (log["code"] == 8) & (log["parameter"] == 2) & (log["time_s"] < BEGIN_S + 60)
    repairs, failures = tables(
        written(tmp_path, log[~lost & ~without_yellow], log.iloc[:1]), "repairs", "split_failures"
    )
    told = dict(zip(repairs["kind"], repairs["times"], strict=True))
    assert told == {"repeated": 1, "without_yellow": 1, "lost_offs": int(lost.sum())}
    assert failures["cycles"].sum() == 19


def test_a_pedestrian_waits_from_the_first_press_to_the_walk(tmp_path: Path):
    """Presses during the walk are for nobody's wait; calls stand in where a device logs no presses."""
    rows = [(100, 90, 2), (110, 90, 2), (130, 21, 2), (135, 90, 2), (140, 22, 2), (150, 23, 2), (170, 90, 2)]
    rows += [(190, 21, 2), (195, 22, 2), (300, 21, 2), (305, 22, 2), (120, 45, 4), (160, 21, 4)]
    events = pd.DataFrame(rows, columns=["time_s", "code", "parameter"]).assign(device="7")
    events["time_s"] += BEGIN_S
    (delays,) = tables(written(tmp_path, events, made_up_log(10)), "pedestrian_delay")
    assert delays[["phase", "walks", "presses", "called_walks"]].to_numpy().tolist() == [[2, 3, 3, 2], [4, 1, 1, 1]]
    assert delays["delay_s"].tolist() == [25.0, 40.0]


def test_tables_are_written_as_csv_and_parquet(tmp_path: Path):
    with measured_log(written(tmp_path, made_up_log(20)), [str(tmp_path / "places.toml")]) as measures:
        write_tables(measures, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        f"{name}.{suffix}" for name in TABLES for suffix in ("csv", "parquet")
    }
    again = pd.read_csv(tmp_path / "out" / "arrivals_on_green.csv")
    assert np.isclose(again["arrivals"].sum(), 80)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"bin_min": 7}, "bin_min = 7, must divide a day"),
        ({"places": ("nowhere:x",)}, "nowhere"),
        ({"places": ("junk",)}, "must be a .toml, .csv or .parquet file, or scenario:junction"),
        ({"places": ("arterial:x",)}, "junction x is not there, must be one of"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, arguments: dict, said: str):
    with pytest.raises(ConfigError, match=said):
        tables(written(tmp_path, made_up_log(2)), "cycles", **arguments)
