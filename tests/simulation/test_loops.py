"""What the reader of SUMO's loops leaves out, it need not ask for."""

from typing import Any

import numpy as np
import pytest

from simulation.loops import LoopReader
from simulation.street import Street
from simulation.sumo import Sumo
from tests.simulation.streets import SEED, loop_over, place_and_demand

SECONDS = 900.0


class AllAsked:
    """A simulation whose loops all seem to be covered, so that each is asked for everything."""

    def __init__(self, sumo: Sumo) -> None:
        self._sumo = sumo

    def loop_quiet_s(self, _: str) -> float:
        return 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sumo, name)


@pytest.mark.parametrize("name", ["resco:cologne1", "resco:cologne8", "resco:grid4x4"])
@pytest.mark.parametrize("every_s", [1.0, 5.0])
def test_readings_are_those_of_a_reader_that_asks_every_loop_for_everything(name: str, every_s: float):
    """Not a count or an occupancy differs, on streets under control, decision by decision."""
    place, demand = place_and_demand(name, SECONDS)
    with Street(place, demand, SEED, outputs=False) as street:
        loop, sumo = loop_over(street, "max-pressure"), street.sumo
        patient: Any = AllAsked(sumo)
        reader = LoopReader(patient, [loop_name for _, loop_name in street.layout.loops])
        counted_veh = covered = 0.0
        while sumo.time_s < place.end_s:
            volume, occupancy = reader.read(sumo.time_s)
            snapshot = loop.tick().snapshot
            np.testing.assert_array_equal(snapshot.volume_veh, volume)
            np.testing.assert_array_equal(snapshot.occupancy, occupancy)
            counted_veh, covered = counted_veh + volume.sum(), covered + (occupancy > 0).sum()
            sumo.step_to(sumo.time_s + every_s)
    assert counted_veh > 500
    assert covered > 500
