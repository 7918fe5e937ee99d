import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.demand import SHIFT_S, draw_demand
from scenarios.catalogue import Scenario, find
from scenarios.sumo_tools import run_tool
from signals.errors import ConfigError

ROUTE = '<route edges="W-J W-J.bay J-E"/>'
STOP = '<stop lane="J-E_0" duration="20"/>'


@pytest.fixture(scope="module")
def cologne1():
    return find("resco:cologne1")


def vehicles(scenario, multiple, draw, folder) -> pd.Series:
    """Departures by id."""
    return draw_demand(scenario, multiple, draw, folder).vehicles.set_index("id")["depart_s"]


def own_scenario(folder: Path, text: str, begin_s=0.0, end_s=3600.0, step_length_s=1.0) -> Scenario:
    single = find("single")
    (folder / "own.rou.xml").write_text(f"<routes>{text}</routes>")
    return Scenario("own", "Own.", single.net_file, (folder / "own.rou.xml",), (), begin_s, end_s, step_length_s)


def test_a_higher_multiple_holds_every_lower_one(cologne1, tmp_path):
    """Same ids at the same seconds, so that a sweep over demand adds vehicles and moves none."""
    last = pd.Series(dtype=float)
    for multiple in (0.2, 0.3, 0.9, 1.0, 1.1, 1.7, 2.0, 2.05, 3.0):
        drawn = vehicles(cologne1, multiple, 3, tmp_path)
        assert last.equals(drawn[last.index])
        assert len(drawn) > len(last)
        last = drawn


@settings(max_examples=25, deadline=None)
@given(low=st.floats(0.05, 3), high=st.floats(0.05, 3), draw=st.integers(0, 299))
def test_any_two_multiples_of_a_draw_are_nested(tmp_path_factory, low, high, draw):
    """Whatever the multiples and the draw."""
    folder = tmp_path_factory.mktemp("nested")
    text = "".join(f'<vehicle id="v{i}" depart="{10 * i}">{ROUTE}</vehicle>' for i in range(40))
    scenario = own_scenario(folder, text, end_s=400)
    fewer, more = (vehicles(scenario, multiple, draw, folder) for multiple in sorted((low, high)))
    assert set(fewer.items()) <= set(more.items())


def test_the_volume_is_the_multiple(cologne1, tmp_path):
    """Within what the shift moves over the window's edges."""
    today = len(vehicles(cologne1, 1.0, 0, tmp_path))
    for multiple in (0.25, 0.5, 1.5, 2.0):
        assert len(vehicles(cologne1, multiple, 0, tmp_path)) == pytest.approx(multiple * today, rel=0.03)


def test_every_copy_is_shifted_by_up_to_two_minutes_and_not_alike(tmp_path):
    """Also at today's demand; evenly over the four minutes, on whole steps."""
    text = "".join(f'<vehicle id="v{i}" depart="600">{ROUTE}</vehicle>' for i in range(500))
    scenario = own_scenario(tmp_path, text)
    drawn = vehicles(scenario, 2.0, 5, tmp_path)
    shifts = drawn - 600
    first, second = shifts[[f"v{i}" for i in range(500)]], shifts[[f"v{i}#1" for i in range(500)]]
    assert shifts.abs().max() <= SHIFT_S
    assert np.abs(np.corrcoef(first, second)[0, 1]) < 0.15
    assert np.percentile(shifts, [25, 50, 75]) == pytest.approx([-60, 0, 60], abs=12)
    assert (drawn % 1 == 0).all()


def test_draws_differ(cologne1, tmp_path):
    """Nearly nobody departs at the same second in two draws."""
    one, other = vehicles(cologne1, 1.0, 0, tmp_path), vehicles(cologne1, 1.0, 1, tmp_path)
    both = one.index.intersection(other.index)
    assert (one[both] == other[both]).mean() < 0.02


def test_membership_of_the_window_is_decided_after_the_shift(tmp_path):
    """Who is shifted in belongs to it, who is shifted out does not."""
    text = "".join(f'<vehicle id="v{i}" depart="{i}">{ROUTE}</vehicle>' for i in range(0, 2000, 2))
    drawn = vehicles(own_scenario(tmp_path, text, 500.0, 1500.0), 1.0, 0, tmp_path)
    assert drawn.between(500, 1500, inclusive="left").all()
    numbers = drawn.index.str[1:].astype(int)
    assert numbers.min() < 500
    assert numbers.max() > 1500
    assert {f"v{i}" for i in range(500, 600, 2)} - set(drawn.index)
    narrow = vehicles(own_scenario(tmp_path, text, 400.0, 1600.0), 1.0, 0, tmp_path)
    assert drawn.equals(narrow[drawn.index])


def test_a_draw_is_the_same_in_every_process(cologne1, tmp_path):
    """Python's hash seed, the folder and the order of draws do not matter."""
    code = (
        "import sys; from pathlib import Path; from scenarios.catalogue import find; "
        "from experiments.demand import draw_demand; "
        "print(draw_demand(find('resco:cologne1'), 1.3, 7, Path(sys.argv[1])).digest)"
    )
    digests = {draw_demand(cologne1, 1.3, 7, tmp_path / "here").digest}
    for seed in ("1", "2"):
        command = [sys.executable, "-c", code, str(tmp_path / seed)]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        root = Path(__file__).parents[2]
        done = subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True, text=True)
        digests.add(done.stdout.strip())
    assert len(digests) == 1


def test_the_file_is_what_the_table_says(cologne1, tmp_path):
    """Ids, departures and routes, sorted by departure; the digest is the file's."""
    drawn = draw_demand(cologne1, 1.2, 0, tmp_path)
    text = drawn.route_file.read_text()
    written = re.findall(r'<vehicle id="([^"]*)" depart="([^"]*)"[^>]*><route edges="([^"]*)"', text)
    table = drawn.vehicles
    assert [row[0] for row in written] == table["id"].tolist()
    assert [float(row[1]) for row in written] == table["depart_s"].tolist()
    assert [row[2] for row in written] == table["edges"].tolist()
    assert table["depart_s"].is_monotonic_increasing
    assert hashlib.sha256(text.encode()).hexdigest() == drawn.digest
    assert '<vType id="pkw"' in text


def test_buses_keep_their_timetable_at_any_multiple(tmp_path):
    """Once, at their own second, with their stops."""
    text = f'<vehicle id="bus" depart="300.5">{ROUTE}{STOP}</vehicle><vehicle id="car" depart="300">{ROUTE}</vehicle>'
    scenario = own_scenario(tmp_path, text)
    for multiple in (0.01, 1.0, 3.0):
        drawn = vehicles(scenario, multiple, 0, tmp_path)
        assert drawn.filter(like="bus").to_dict() == {"bus": 300.5}
    assert sorted(drawn.index) == ["bus", "car", "car#1", "car#2"]


def test_walkers_follow_the_demand_and_are_no_vehicles(tmp_path):
    """They are in the file and in a table of their own; riders stay as they are."""
    text = (
        '<personFlow id="p" begin="600" end="1800" number="100"><walk edges="W-J W-J.bay J-E"/></personFlow>'
        '<person id="rider" depart="700"><ride from="W-J" to="J-E" lines="bus"/></person>'
        f'<vehicle id="bus" depart="650">{ROUTE}{STOP}</vehicle>'
    )
    drawn = draw_demand(own_scenario(tmp_path, text), 2.0, 0, tmp_path)
    assert drawn.vehicles["id"].tolist() == ["bus"]
    written = drawn.route_file.read_text()
    assert written.count("<walk") == 200
    assert len(drawn.persons) == 201
    assert drawn.persons.set_index("id")["depart_s"]["rider"] == 700.0
    assert '<person id="rider" depart="700.00">' in written


def test_sumo_runs_what_was_drawn(tmp_path):
    """Trips, flows, buses, walkers and vehicles that wait for a driver, in one file."""
    text = (
        f'<vType id="van" length="7"/><trip id="t" type="van" depart="9" from="N-J" to="J-W"/>'
        f'<flow id="f" begin="0" end="300" vehsPerHour="300" from="W-J" to="J-E" departLane="best"/>'
        f'<vehicle id="bus" depart="30">{ROUTE}{STOP}</vehicle><vehicle id="own" depart="triggered">{ROUTE}</vehicle>'
        '<person id="p" depart="20"><ride from="W-J" to="J-E" lines="own"/></person>'
    )
    drawn = draw_demand(own_scenario(tmp_path, text, end_s=400.0), 1.5, 0, tmp_path)
    trips = tmp_path / "trips.xml"
    options = ["--end", "1500", "--no-step-log", "--no-warnings", "--tripinfo-output", trips]
    run_tool("sumo", "--net-file", find("single").net_file, "--route-files", drawn.route_file, *options, subject="test")
    finished = set(re.findall(r'<tripinfo id="([^"]*)"', trips.read_text()))
    assert finished == {*drawn.vehicles["id"], "own"}


@pytest.mark.parametrize("multiple", [0, -1, float("nan"), float("inf")])
def test_no_demand_is_one_line(cologne1, tmp_path, multiple):
    """The line names the value and the bound."""
    with pytest.raises(ConfigError) as caught:
        draw_demand(cologne1, multiple, 0, tmp_path)
    assert str(caught.value) == f"demand = {multiple:g}, must be above 0"


def test_what_cannot_be_drawn_is_one_line(cologne1, tmp_path):
    """A negative draw, an id that is there twice, a window in which nobody departs, a folder that cannot be written."""
    twice = f'<vehicle id="v" depart="300">{ROUTE}</vehicle>' * 2
    late = f'<vehicle id="v" depart="9000">{ROUTE}</vehicle>'
    with pytest.raises(ConfigError, match="draw = -1, must be 0 or above"):
        draw_demand(cologne1, 1.0, -1, tmp_path)
    with pytest.raises(ConfigError, match="own: vehicle id 'v' is there twice"):
        draw_demand(own_scenario(tmp_path, twice), 1.0, 0, tmp_path)
    with pytest.raises(ConfigError, match="own: nobody departs in 0 to 3600 s"):
        draw_demand(own_scenario(tmp_path, late), 1.0, 0, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"Not a directory|File exists"):
        draw_demand(cologne1, 1.0, 0, tmp_path / "file")
