"""What is learned at the stop line is what SUMO's vehicles do there."""

from dataclasses import replace

import pytest

from signals.flow import FlowEstimator
from signals.values import Floats, Known
from simulation.discharge import Discharges
from simulation.street import Street
from tests.simulation.streets import SEED, loop_over, place_and_demand

MAIN = "N-J.bay_0+N-J.bay_1"


@pytest.mark.slow
def test_the_saturation_flow_learned_is_what_vehicles_do():
    """On `single`, told a third too little at first, it ends within 5 % of what the vehicles of the queues did."""
    with Street(*place_and_demand("single", 2400.0), SEED, outputs=False) as street:
        told: Floats = street.layout.saturation_flow_veh_per_h / 1.5
        estimator = FlowEstimator(replace(street.layout, saturation_flow_veh_per_h=told))
        discharges, loop = Discharges(street.sumo, street.layout), loop_over(street, "existing")
        while street.sumo.time_s < street.place.end_s:
            snapshot = loop.tick().snapshot
            discharges.sample(street.sumo.time_s, snapshot.stage)
            estimator.update(snapshot)
            street.sumo.step_to(street.sumo.time_s + 1)
        groups = street.layout.intersections[0].lane_groups
    cell = 0, next(k for k, group in enumerate(groups) if group.id == MAIN)
    flow = estimator.outlook().saturation_flow_veh_per_h
    assert len(discharges.headways_s[cell]) > 50
    assert flow.known[cell] == Known.MEASURED
    assert flow.value[cell] == pytest.approx(discharges.veh_per_h(cell), rel=0.05)
