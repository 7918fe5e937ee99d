"""What is learned at the stop line is what SUMO's vehicles do there."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from signals.flow import FlowEstimator
from signals.values import Floats, Known, TrafficState
from simulation.street import Street
from tests.simulation.streets import SEED, loop_over, place_and_demand

STANDING_M_PER_S = 5 / 3.6


@dataclass
class Discharge:
    """Follows the vehicles of some lanes: who stands at the start of green, and when each leaves the lane."""

    lanes: tuple[str, ...]
    standing: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    left_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    headways_s: list[float] = field(default_factory=list)
    _on: dict[str, str] = field(default_factory=dict)

    def look(self, street: Street) -> None:
        """Where everybody is."""
        vehicles = street.sumo.vehicle
        on = {str(v): str(vehicles.getLaneID(v)) for v in vehicles.getIDList()}
        for vehicle, lane in self._on.items():
            if lane in self.lanes and on.get(vehicle, "").startswith(":"):
                self.left_s[lane].append(street.sumo.time_s)
        stand = [on[v] for v in on if vehicles.getSpeed(v) < STANDING_M_PER_S]
        self.standing = {lane: stand.count(lane) for lane in self.lanes}
        self._on = on

    def begin(self) -> None:
        """The lanes have just got green."""
        self.left_s.clear()
        self._stood = dict(self.standing)

    def end(self) -> None:
        """The green is over: headways from the fourth vehicle to the last that stood when it began."""
        for lane, left_s in self.left_s.items():
            self.headways_s += np.diff(left_s[3 : self._stood[lane]]).tolist()


def greens(states: Iterator[TrafficState], stage: int, street: Street, discharge: Discharge) -> None:
    """Follow every green of a stage."""
    shown = False
    for state in states:
        discharge.look(street)
        if shown and state.stage[0] != stage:
            discharge.end()
        elif not shown and state.stage[0] == stage:
            discharge.begin()
        shown = state.stage[0] == stage


@pytest.mark.slow
def test_the_saturation_flow_learned_is_what_vehicles_do():
    """On `single`, told a third too little at first, it ends within 5 % of what the vehicles of the queues did."""
    with Street(*place_and_demand("single", 2400.0), SEED, outputs=False) as street:
        told: Floats = street.layout.saturation_flow_veh_per_h / 1.5
        estimator = FlowEstimator(replace(street.layout, saturation_flow_veh_per_h=told))
        column = next(
            k for k, g in enumerate(street.layout.intersections[0].lane_groups) if g.id == "N-J.bay_0+N-J.bay_1"
        )
        lanes = street.layout.intersections[0].lane_groups[column].lanes
        loop = loop_over(street, "existing")

        def states() -> Iterator[TrafficState]:
            while street.sumo.time_s < street.place.end_s:
                yield estimator.update(loop.tick().snapshot)
                street.sumo.step_to(street.sumo.time_s + 1)

        discharge = Discharge(lanes)
        greens(states(), 0, street, discharge)
        flow = estimator.saturation.flow
    true_veh_per_h = len(lanes) * 3600.0 / np.mean(discharge.headways_s)
    assert len(discharge.headways_s) > 50
    assert flow.known[0, column] == Known.MEASURED
    assert flow.value[0, column] == pytest.approx(true_veh_per_h, rel=0.05)
