import subprocess

import numpy as np
import pytest

from scenarios.flows import flow_departures_s, parse_time_s
from scenarios.sumo_tools import package_folder
from scenarios.xml_files import top_level_elements
from signals.errors import ConfigError

FLOWS = {
    "rate": 'begin="0" end="100" vehsPerHour="124"',
    "slow": 'begin="10" end="100" vehsPerHour="10"',
    "number": 'begin="0" end="100" number="3"',
    "period": 'begin="10" end="100" period="40"',
    "edge": 'begin="0" end="90" period="30"',
    "over": 'begin="0" end="91" period="30"',
    "counted": 'begin="10" period="7" number="3"',
}


def departures(seed=0, **flow):
    return flow_departures_s({key: str(value) for key, value in flow.items()}, "flow 'f'", 0.0, 3600.0, seed)


def test_flows_depart_as_in_sumo(single, tmp_path):
    """Number and times of a flow's vehicles are those that SUMO's own duarouter makes of it."""
    asked, found = tmp_path / "flows.xml", tmp_path / "routes.xml"
    for name, attributes in FLOWS.items():
        flow = f'<flow id="{name}" {attributes} from="N-J" to="J-S"/>'
        asked.write_text(f"<routes>{flow}</routes>")
        tool = package_folder("sumo", "eclipse-sumo") / "bin" / "duarouter"
        subprocess.run([tool, "-n", single.net_file, "-r", asked, "-o", found, "--no-step-log"], check=True)
        theirs = [float(vehicle.attrib["depart"]) for vehicle in top_level_elements(found)]
        ours = departures(**dict(part.replace('"', "").split("=") for part in attributes.split()))
        assert np.round(ours, 2).tolist() == theirs, name


def test_random_flows_are_the_same_every_time_and_near_their_rate():
    """A Poisson or Bernoulli flow is expanded once and for all from its own stream."""
    poisson = departures(begin=0, end=3600, period="exp(0.2)")
    assert np.array_equal(poisson, departures(begin=0, end=3600, period="exp(0.2)"))
    assert not np.array_equal(poisson[:50], departures(seed=1, begin=0, end=3600, period="exp(0.2)")[:50])
    assert 600 < len(poisson) < 840
    assert 600 < len(departures(begin=0, end=3600, probability=0.2)) < 840
    assert poisson.max() < 3600


def test_a_flow_without_an_end_lasts_until_the_window_does():
    """SUMO's own meaning; a rate of 0 is an empty flow."""
    assert departures(begin=3000, period=100).tolist() == [3000, 3100, 3200, 3300, 3400, 3500]
    assert len(departures(begin=0, vehsPerHour=0)) == 0


@pytest.mark.parametrize(
    ("flow", "line"),
    [
        ({"begin": 0, "end": 9}, "flow 'f': a flow needs a number, period, vehsPerHour or probability"),
        ({"period": "-3"}, "flow 'f': period = '-3', must be a number above 0"),
        ({"vehsPerHour": "many"}, "flow 'f': vehsPerHour = 'many', must be a number and not below 0"),
        ({"begin": "noon", "period": 3}, "flow 'f': time = 'noon', must be seconds or hh:mm:ss"),
    ],
)
def test_a_flow_that_says_nothing_is_one_line(flow, line):
    """The line names the flow, the value and what it must be."""
    with pytest.raises(ConfigError) as caught:
        departures(**flow)
    assert str(caught.value) == line


def test_times_may_be_clock_times():
    """SUMO writes hh:mm:ss and d:hh:mm:ss; no time is infinite."""
    assert parse_time_s("07:30:15.5", "x") == 27015.5
    assert parse_time_s("1:00:00:01", "x") == 86401.0
    for wrong in ("nan", "inf", "", "1:2"):
        with pytest.raises(ConfigError):
            parse_time_s(wrong, "x")
