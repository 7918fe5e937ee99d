import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from experiments.demand import draw_demand
from scenarios.build import FROM_PLACES, OWN_SCENARIOS, build
from scenarios.catalogue import find
from scenarios.place import Place, read_place
from scenarios.sumo_tools import package_folder
from signals.errors import ConfigError

SOURCES = Path(__file__).parents[2] / "scenarios"
MEAN_DELAY_S = {
    "single": (25, 45),
    "arterial": (50, 80),
    "district": (50, 90),
    "town": (40, 80),
}  # existing plan, draw 0, today's demand


@pytest.mark.parametrize("name", OWN_SCENARIOS)
def test_an_own_scenario_is_the_same_bytes_every_time(name, tmp_path):
    """Neither dates nor folders get into what is built."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        build(name, tmp_path / folder)
    for kind in ("net", "rou"):
        one, two = ((tmp_path / folder / f"{name}.{kind}.xml").read_bytes() for folder in ("one", "two"))
        assert one == two
        assert str(tmp_path).encode() not in one
        assert not re.search(rb"20\d\d-\d\d-\d\d", one)


def test_two_processes_may_build_at_once(tmp_path):
    """Both get whole files in one folder, and nothing is left behind."""
    command = [sys.executable, "-c", "from scenarios.catalogue import find; print(find('single').net_file)"]
    environment = {**os.environ, "ADAPTIVE_SIGNALS_CACHE": str(tmp_path)}
    root = Path(__file__).parents[2]
    both = [subprocess.Popen(command, env=environment, cwd=root, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    found = {process.communicate()[0].strip() for process in both}
    assert len(found) == 1
    assert Path(found.pop()).is_file()
    assert len(list((tmp_path / "scenarios").iterdir())) == 1


@pytest.mark.parametrize("name", FROM_PLACES)
def test_the_title_in_the_list_is_the_places_own(name):
    """One sentence, in both places."""
    assert read_place(SOURCES / name / "place.toml").title == OWN_SCENARIOS[name] == find(name).title


@pytest.mark.parametrize("name", FROM_PLACES)
def test_every_movement_gets_green_and_yellow_of_three_seconds(name):
    """What a traffic engineer would check first; all junctions of a place share one cycle."""
    programs = ElementTree.parse(find(name).net_file).getroot().findall("tlLogic")
    cycles = set()
    for program in programs:
        rows = [(float(row.attrib["duration"]), row.attrib["state"]) for row in program.findall("phase")]
        cycles.add(sum(duration for duration, _state in rows))
        for link in range(len(rows[0][1])):
            shown = [(duration, state[link]) for duration, state in rows]
            assert any(aspect in "Gg" for _duration, aspect in shown)
            assert all(duration >= 3 for duration, aspect in shown if aspect == "y")
            following = zip(shown, shown[1:] + shown[:1], strict=True)
            assert all(after in "yGg" for (_, before), (_, after) in following if before in "Gg")
    assert len(cycles) == 1


def test_the_arterials_demand_is_tidal():
    """Inbound is the stronger direction in the first half, outbound in the second."""
    totals: dict[tuple[str, str], float] = {}
    for flow in ElementTree.parse(find("arterial").route_files[0]).getroot().findall("flow"):
        ends = (flow.attrib["from"], flow.attrib["begin"])
        totals[ends] = totals.get(ends, 0.0) + float(flow.attrib["vehsPerHour"])
    assert totals["W-J1", "900"] > 1.6 * totals["E-J5", "900"]
    assert totals["E-J5", "2700"] > 1.6 * totals["W-J1", "2700"]


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN_SCENARIOS)
def test_the_existing_plan_is_busy_and_healthy(name, tmp_path):
    """Raw SUMO at today's demand: queues, everybody gets in, everybody is out soon after the end."""
    scenario = find(name)
    demand = draw_demand(scenario, 1.0, 0, tmp_path)
    trips = tmp_path / "tripinfo.xml"
    sumo = package_folder("sumo", "eclipse-sumo") / "bin" / "sumo"
    options = ["--seed", "0", "--time-to-teleport", "-1", "--no-step-log", "--end", str(scenario.end_s + 600)]
    files = ["--net-file", scenario.net_file, "--route-files", demand.route_file, "--tripinfo-output", trips]
    subprocess.run([sumo, *files, *options], check=True, capture_output=True)
    finished = [trip.attrib for trip in ElementTree.parse(trips).getroot()]
    assert {trip["id"] for trip in finished} == set(demand.vehicles["id"])
    delay_s = np.array([float(trip["timeLoss"]) + float(trip["departDelay"]) for trip in finished])
    low, high = MEAN_DELAY_S[name]
    assert low < delay_s.mean() < high
    assert np.mean([float(trip["departDelay"]) for trip in finished]) < 1.0


def place(**changes) -> Place:
    """Two streets that cross at one junction, with something changed."""
    source = {
        "title": "A crossing.",
        "begin_s": 0,
        "end_s": 60,
        "speed_m_per_s": 14,
        "nodes": {"J": (0, 0), "N": (0, 100), "E": (100, 0), "S": (0, -100), "W": (-100, 0)},
        "streets": [
            *({"start": arm, "end": "J", "lanes": ["srl"]} for arm in "NESW"),
            *({"start": "J", "end": arm, "lanes": 1} for arm in "NESW"),
        ],
        "signals": {
            "J": {
                "offset_s": 0,
                "stages": [{"green": "N:srl S:srl", "green_s": 20}, {"green": "E:srl W:srl", "green_s": 20}],
            }
        },
    }
    return Place.model_validate({**source, **changes})


def test_turns_follow_from_the_map():
    """Nobody writes down which street is to the right of which."""
    crossing = place()
    from_south = next(street for street in crossing.streets if street.start == "S")
    assert {turn: out.end for turn, out in crossing.exits(from_south).items()} == {"s": "N", "r": "E", "l": "W"}
    assert [street.start for street in crossing.arriving("J")] == ["N", "E", "S", "W"]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ('title = "A"', "begin_s: Field required"),
        ("title = ", "Invalid value"),
        ('title = "A"\ncolour = 3', "begin_s: Field required|colour"),
    ],
)
def test_a_broken_source_is_one_line(tmp_path, wrong, line):
    """The line names the file and the first thing that is wrong."""
    (tmp_path / "place.toml").write_text(wrong)
    with pytest.raises(ConfigError, match=rf"place\.toml: .*({line})") as caught:
        read_place(tmp_path / "place.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"nodes": {"J": (0, 0)}}, "street N-J: node 'N' is not in nodes"),
        ({"signals": {}}, "street N-J: lanes must be turns before a signal and a count elsewhere"),
        (
            {"signals": {"J": {"offset_s": 0, "stages": [{"green": "N:srl S:srl E:srl W:sr", "green_s": 20}]}}},
            "signal J: W:l stands in its lanes or in its stages, must stand in both",
        ),
        ({"signals": {"J": {"offset_s": 0, "stages": [{"green": "N:s", "green_s": 2}]}}}, "greater than or equal to 5"),
    ],
)
def test_a_place_that_does_not_fit_together_cannot_be_built(changes, line):
    """Checked in the constructor, then trusted."""
    with pytest.raises(ValueError, match=line):
        place(**changes)
