"""A lost edge is put back and counted, and nothing else is changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.detectors.edges import OFF, ON, Edges, repair


def repaired(*events: tuple[float, int], until_s: float = 100.0) -> Edges:
    times, codes = zip(*events, strict=True)
    return repair(np.array(times), np.array(codes), 0.0, until_s)


def test_a_sound_log_is_taken_as_it_is():
    edges = repaired((10, ON), (11, OFF), (20, ON), (23, OFF))
    assert list(zip(edges.begin_s, edges.end_s, strict=True)) == [(10, 11), (20, 23)]
    assert (edges.lost_ons, edges.lost_offs) == (0, 0)
    assert edges.measured.all()
    assert list(edges.covered_s(np.array([0.0, 10.5, 21.0, 100.0]))) == [0.0, 0.5, 2.0, 4.0]


def test_a_lost_off_ends_after_the_median_actuation_and_before_the_next_on():
    edges = repaired((10, ON), (12, OFF), (20, ON), (30, ON), (32, OFF), (40, ON), (41, ON), (43, OFF))
    assert list(edges.end_s) == [12, 22, 32, pytest.approx(40.9), 43]
    assert (edges.lost_ons, edges.lost_offs) == (0, 2)
    assert edges.measured.sum() == 5


def test_a_lost_on_is_a_vehicle_that_was_not_measured():
    edges = repaired((10, ON), (12, OFF), (30, OFF), (31, ON), (33, OFF))
    assert list(edges.begin_s) == [10, 28, 31]
    assert (edges.lost_ons, edges.lost_offs) == (1, 0)
    assert list(edges.volume(np.array([0.0, 100.0]))) == [3]
    assert list(edges.measured_volume(np.array([0.0, 100.0]))) == [2]


def test_who_stands_there_at_the_beginning_or_the_end_covers_the_loop_up_to_there():
    """The first is counted for nobody, the last is a vehicle."""
    edges = repaired((5, OFF), (90, ON))
    assert list(zip(edges.begin_s, edges.end_s, strict=True)) == [(0, 5), (90, 100)]
    assert list(edges.volume(np.array([0.0, 100.0]))) == [1]
    assert (edges.lost_ons, edges.lost_offs) == (0, 0)


@given(st.lists(st.tuples(st.integers(1, 50), st.sampled_from([ON, OFF])), min_size=1, max_size=60))
def test_whatever_is_lost_actuations_never_overlap_and_every_on_counts(steps: list[tuple[int, int]]):
    """Any order of edges: repeats are counted as losses, occupancy stays within time."""
    times = np.cumsum([step for step, _ in steps]) / 10.0
    codes = np.array([code for _, code in steps])
    edges = repair(times, codes, 0.0, float(times[-1]))
    assert (edges.end_s >= edges.begin_s).all()
    assert (edges.begin_s[1:] >= edges.end_s[:-1] - 1e-9).all()
    assert edges.measured.sum() == (codes == ON).sum()
    assert edges.lost_ons + edges.lost_offs == (codes[1:] == codes[:-1]).sum()
    covered = edges.covered_s(np.linspace(0, times[-1], 50))
    assert (np.diff(covered) >= -1e-9).all()
    assert covered[-1] <= times[-1] + 1e-9
