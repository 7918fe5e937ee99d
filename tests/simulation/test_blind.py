"""The whole path without eyes: all loops are dead, and the junction ends on its own plan."""

from experiments.case import Case, build_controller, faulty
from signals.flow import FlowEstimator
from signals.loop import Loop
from signals.mute import NONE_ANYWHERE_S
from signals.safety import Interlock
from simulation.street import Street
from tests.simulation.streets import SEED, place_and_demand

SLACK_S = 60.0
"""For a check every minute, and an interstage."""


def test_a_junction_whose_loops_are_all_dead_ends_on_its_own_plan():
    """It says why, and stays there."""
    case = Case("single", "max-pressure", 1.0, SEED, faults="dead=1")
    with Street(*place_and_demand("single", 400), SEED, outputs=False) as street:
        loop = Loop(
            faulty(street, case),
            FlowEstimator(street.layout),
            build_controller(case.controller, street),
            Interlock(street.layout),
        )
        begin_s = street.sumo.time_s
        local = []
        for _ in range(400):
            record = loop.tick()
            local.append(bool(record.snapshot.local.all()))
            street.sumo.step_to(street.sumo.time_s + 1.0)
    assert record.decision.reason(0) == "no loop is believed: own plan"
    assert not any(local[60 : int(NONE_ANYWHERE_S)])
    assert all(local[int(NONE_ANYWHERE_S + SLACK_S) :])
    assert begin_s + 400 == street.place.end_s
