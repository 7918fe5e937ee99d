"""Our path adds nothing to the street and takes nothing away: SUMO alone gives the same trips."""

from pathlib import Path

import pytest

from benchmarks.any_network import configurations
from simulation.street import Street
from tests.simulation.streets import SEED, loop_over, place_and_demand, tripinfo_of_our_path, tripinfo_of_sumo

SECONDS = 1200.0
STREETS = ("resco:cologne1", "resco:cologne3", "arterial")
OTHERS = ("resco:cologne8", "resco:ingolstadt1", "resco:ingolstadt7", "resco:ingolstadt21", "resco:grid4x4")
CONFIGURATIONS = {Path(name).name: name for name in configurations()}
SHORT_S = 300.0


@pytest.mark.slow
@pytest.mark.parametrize("name", STREETS)
def test_the_existing_plan_is_what_sumo_does_alone(name: str, tmp_path: Path):
    """Observed, or driven through the stage port, the network's plan gives byte for byte the trips of raw SUMO."""
    alone = tripinfo_of_sumo(*place_and_demand(name, SECONDS), tmp_path)
    assert alone.count("<tripinfo ") > 100
    for controller in ("existing", "fixed-time"):
        assert tripinfo_of_our_path(name, SECONDS, controller) == alone, controller


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OTHERS, "resco:arterial4x4"])
def test_the_plan_read_from_any_resco_network_is_the_networks_own(name: str, tmp_path: Path):
    """`fixed-time` with it, through the stage port, and `existing` give the trips of raw SUMO."""
    alone = tripinfo_of_sumo(*place_and_demand(name, SHORT_S), tmp_path)
    assert "<tripinfo " in alone
    for controller in ("existing", "fixed-time"):
        assert tripinfo_of_our_path(name, SHORT_S, controller) == alone, controller


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_existing_is_raw_sumo_on_every_configuration_of_the_wheels(name: str, tmp_path: Path):
    """Whatever their signals are: rail, pedestrians, bicycles, actuated, none that we could control."""
    path = CONFIGURATIONS[name]
    alone = tripinfo_of_sumo(*place_and_demand(path, SHORT_S), tmp_path)
    assert tripinfo_of_our_path(path, SHORT_S, "existing") == alone


def test_fixed_time_really_drives():
    """The identity is not that of junctions that were never taken over."""
    with Street(*place_and_demand("resco:cologne3", 300.0), SEED, outputs=False) as street:
        loop = loop_over(street, "fixed-time")
        for _ in range(60):
            record = loop.tick()
            street.sumo.step_to(street.sumo.time_s + 1)
        assert not record.snapshot.local.any()


@pytest.mark.slow
def test_another_plan_gives_other_trips_and_a_run_repeats_itself(tmp_path: Path):
    """The comparison can tell two controllers apart; one controller twice gives the same trips."""
    alone = tripinfo_of_sumo(*place_and_demand("resco:cologne1", 600.0), tmp_path)
    first, again = (tripinfo_of_our_path("resco:cologne1", 600.0, "max-pressure", 5.0) for _ in range(2))
    assert first == again != alone
