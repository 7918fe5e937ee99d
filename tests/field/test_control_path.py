"""What the measurement of the control path rests on."""

import numpy as np
import pytest

from benchmarks.control_path import WARM_UP, copies, lateness_s, measure, tiled
from tests.signals.fakes import FakePlant, crossing, protected_left


def test_a_tick_is_late_by_what_the_ones_before_took_too_long():
    """And catches up with the time that shorter ones leave."""
    assert lateness_s([0.5, 1.75, 1.5, 0.5, 0.25, 0.25]) == [0.0, 0.0, 0.75, 1.25, 0.75, 0.0]


def test_copies_are_junctions_of_their_own():
    """Each with the reading of the original, in the layout's order."""
    plant = FakePlant([crossing(), protected_left()])
    place, snapshot = copies(plant.layout.intersections, 3), tiled(plant.read(), 3)
    assert len({i.id for i in place.intersections}) == 6
    assert snapshot.aspects.shape == place.has_head.shape and snapshot.presence.shape == (len(place.loops),)
    assert snapshot.stage.tolist() == plant.read().stage.tolist() * 3


def test_every_tick_after_the_warm_up_is_timed():
    plant = FakePlant([crossing()])
    snapshots = []
    for _ in range(WARM_UP + 5):
        plant.wait(1)
        snapshots.append(plant.read())
    took_s = measure(copies(plant.layout.intersections, 2), snapshots, 2)
    assert len(took_s) == 5 and np.min(took_s) > 0
    assert sum(lateness_s(took_s)) == pytest.approx(0.0)
