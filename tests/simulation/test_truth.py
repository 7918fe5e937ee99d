"""The truth that the estimator is judged by is SUMO's own."""

import pytest

from simulation.street import Street
from simulation.truth import Truth
from tests.simulation.streets import SEED, loop_over, place_and_demand


@pytest.mark.slow
def test_every_vehicle_that_leaves_a_stop_line_had_arrived_once():
    """On `single`, with one junction, crossings of all sections are the vehicles that entered its approaches."""
    with Street(*place_and_demand("single", 900.0), SEED, outputs=False) as street:
        truth, loop = Truth(street.sumo, street.network, street.layout), loop_over(street, "existing")
        longest = 0.0
        seen: set[str] = set()
        while street.sumo.time_s < street.place.end_s:
            seen.update(street.sumo.vehicle.getIDList())
            truth.sample(street.sumo.time_s)
            longest = max(longest, truth.queue_veh.max())
            loop.tick()
            street.sumo.step_to(street.sumo.time_s + 1)
        truth.sample(street.sumo.time_s)
        truth.finish()
        crossed = [at_s for times in truth.crossings.values() for at_s in times]
        ahead = (street.sumo.vehicle.getNextTLS(vehicle)[:1] for vehicle in street.sumo.vehicle.getIDList())
        places = [(truth.cell_of[signal, link], distance_m) for [(signal, link, distance_m, _)] in filter(None, ahead)]
        upstream = sum(distance_m > truth.section_m[cell] for cell, distance_m in places)
    due = len(seen) - upstream
    assert due <= len(crossed) <= due + 2  # one who has since chosen a bay is upstream of its nearer section again
    assert longest > 3
