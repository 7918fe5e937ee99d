"""Queue and degree of saturation of a cycle, by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from formats.recording import open_recording
from formats.source import no_progress
from formats.write_events import write_events
from reports.detectors.collect import Collection
from reports.detectors.cycles import Green, cycles, phases, queue_served
from reports.detectors.edges import OFF, ON, repair
from reports.detectors.sites import Place
from tests.formats.samples import NOON_S

HEADWAY_S, COVER_S = 2.0, 0.5


def departures(*begins: float) -> list[tuple[float, int, int]]:
    """Time, code, channel of actuations of half a second at the stop line."""
    return [event for begin in begins for event in ((begin, ON, 1), (begin + COVER_S, OFF, 1))]


def lane(*begins: float):
    events = departures(*begins)
    return repair(np.array([time for time, *_ in events]), np.array([code for _, code, _ in events]), 0.0, 200.0)


def test_the_queue_ends_with_the_first_gap_of_three_seconds():
    """Five leave two seconds apart, one more comes later: a queue of five."""
    assert queue_served(lane(4, 6, 8, 10, 12, 20), Green(2.0, 40.0, "")) == (5, True)


def test_a_queue_that_lasts_to_the_end_of_green_is_not_cleared():
    assert queue_served(lane(*np.arange(4, 40, 2.0)), Green(2.0, 20.0, "")) == (8, False)


def test_nobody_within_five_seconds_of_green_is_no_queue():
    assert queue_served(lane(9, 11), Green(2.0, 40.0, "")) == (0, True)


def test_who_waits_on_the_loop_is_the_first_of_the_queue():
    times, codes = np.array([0.5, 4.0, 6.0, 6.5]), np.array([ON, OFF, ON, OFF])
    assert queue_served(repair(times, codes, 0.0, 100.0), Green(2.0, 40.0, "")) == (2, True)


@pytest.fixture
def recorded(tmp_path: Path) -> Collection:
    """Thirty cycles of a minute: twenty seconds of green, of which ten vehicles use every second from its start."""
    events: list[tuple[float, int, int]] = []
    for cycle in range(30):
        start = 60.0 * cycle
        events += [(start, 1, 2), (start + 19.8, 4, 2), (start + 20.0, 8, 2), (start + 24.0, 11, 2)]
        events += departures(*(start + HEADWAY_S * np.arange(10)))
    events += [(1800.0, 1, 2), (1800.0, 1, 6), (1830.0, 1, 6), (1850.0, 7, 6)]
    frame = pd.DataFrame(sorted(events), columns=["time_s", "code", "parameter"])
    frame = frame.assign(time_s=NOON_S + frame["time_s"], device="7")
    file = write_events(tmp_path / "log.parquet", [frame])[0]
    return Collection(open_recording(file), tmp_path, no_progress)


def test_a_green_in_full_use_has_a_degree_of_saturation_of_one(recorded: Collection):
    """Ten headways of two seconds fill twenty seconds: (GT − S + n·SMF) / GT = 1, the space learned from it."""
    phase = next(phase for phase in phases(recorded, {"1": Place(2, "stop_line")}) if phase.number == 2)
    edges = next(iter(recorded.groups())).edges
    table = cycles(phase, edges)
    assert len(table) == 29
    assert table["degree_of_saturation"].to_numpy() == pytest.approx(1.0, abs=1e-6)
    assert set(table["volume_veh"]) == {10.0}
    assert set(table["queue_veh"]) == {10.0}
    assert set(table["green_s"].round(3)) == {20.0}
    assert set(table["ended_by"]) == {"gap-out"}
    assert table["cleared"].all()


def test_a_green_without_an_end_is_left_out_and_counted(recorded: Collection):
    phase = next(phase for phase in phases(recorded, {}) if phase.number == 6)
    assert (len(phase.greens), phase.lost_ends) == (1, 1)
    assert cycles(phase, {}).empty
