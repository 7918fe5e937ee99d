"""Networks whose signals cannot be told in stages: described and run, each signal with its own plan and the reason."""

from pathlib import Path

import pytest
import sumo as sumo_wheel

from reports.describe import describe
from scenarios.catalogue import find
from simulation.network import Network, read
from tests.simulation.streets import drive, place_and_demand, tripinfo_of_sumo

GAMES = Path(sumo_wheel.__file__).parent / "tools" / "game"
NONE_CONTROLLED = {"rail": 10, "rail_demo": 16, "ramp": 1, "bs3d": 1}


def game(name: str) -> str:
    return str(GAMES / f"{name}.sumocfg")


def network(name: str) -> Network:
    scenario = find(game(name))
    return read(scenario.net_file, scenario.additional_files)


@pytest.mark.parametrize("name", NONE_CONTROLLED)
def test_a_network_without_controllable_signals_is_read(name: str):
    """None of its signals is controlled, and each has its line."""
    found = network(name)
    assert (found.signals, found.intersections) == (NONE_CONTROLLED[name], ())
    assert all(reason.startswith(f"signal {signal}: ") for signal, reason in found.left_alone.items())


def test_it_is_described_with_the_reasons():
    """An analyst is told how many are controlled, which are not, and why."""
    said = describe(game("ramp"))
    assert "0 of 1 controlled" in said
    assert "left to its own plan: signal gneJ16: its program has 1 stage" in said


@pytest.mark.parametrize("controller", ["existing", "fixed-time", "actuated", "max-pressure"])
def test_every_controller_runs_and_leaves_the_street_as_it_is(controller: str, tmp_path: Path):
    """There is nothing to decide: the trips are those of SUMO alone."""
    place, demand = place_and_demand(game("ramp"), 60.0)
    assert drive(place, demand, controller).count("<tripinfo ") > 20
    assert drive(place, demand, controller) == tripinfo_of_sumo(place, demand, tmp_path)


@pytest.mark.parametrize("controller", ["existing", "max-pressure"])
def test_rail_signals_run(controller: str):
    """Signals that set themselves for trains, with persons and containers about."""
    assert "<tripinfo " in drive(*place_and_demand(game("rail"), 60.0), controller)
