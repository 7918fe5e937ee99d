"""What an engineer knows better than the network: laid over it, checked against it, and never silently less safe."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.catalogue import find, overrides_beside
from signals.overrides import schema_of
from signals.sequencer import intervals_between
from simulation.network import read
from simulation.override_text import dump
from simulation.overrides import read_network
from tests.simulation.overriding import junction, overridden, refused
from tests.simulation.streets import drive, place_and_demand, tripinfo_of_sumo

NETWORKS = ["single", "arterial", "resco:cologne3", "resco:ingolstadt21", "resco:grid4x4"]


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_written_reads_back_as_it_was(name: str, tmp_path: Path):
    """A file of present values changes nothing: equal junctions, plans and sources, and no digest of its own."""
    scenario = find(name)
    network = read(scenario.net_file, scenario.additional_files)
    again = overridden(tmp_path, dump(network, "x.toml"), name)
    assert again.intersections == network.intersections
    assert again.plans == network.plans
    assert again.overrides.digest == "" and again.overrides.warnings == []
    assert not [source for of in again.sources.values() for source in of.values() if "override" in source]


def test_a_time_that_is_given_is_taken_and_says_where_it_is_from(tmp_path: Path):
    """The rest stays as it was read."""
    before = read(find("single").net_file)
    network = overridden(tmp_path, "[J.phases.1]\nyellow_change_s = 4\n")
    phase, *others = network.intersections[0].phases
    assert (phase.yellow_change_s, phase.red_clearance_s) == (4.0, before.intersections[0].phases[0].red_clearance_s)
    assert tuple(others) == before.intersections[0].phases[1:]
    assert network.sources["J"]["phases.1.yellow_change_s"] == "override in street.toml"
    assert network.overrides.digest != ""


def test_a_changed_yellow_is_shown_in_every_interstage_of_its_group(tmp_path: Path):
    """The plan's own rows, which know nothing of it, give way to the times."""
    found = junction(tmp_path, "[J.phases.1]\nyellow_change_s = 4.5\n")
    a, b, _ = found.stages
    assert ("A", "B") not in {(i.start, i.end) for i in found.interstages}
    assert ("B", "C") in {(i.start, i.end) for i in found.interstages}  # group 1 is not in it
    yellow_s = sum(i.duration_s for i in intervals_between(found, a, b) if i.aspects[0].name == "YELLOW")
    assert yellow_s == 4.5


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[J.phases.1]\nyellow_change_s = 2.9", "phases.1.yellow_change_s: 2.9, must be at least 3"),
        ("[J.phases.1]\nred_clearance_s = 0.5", "phases.1.red_clearance_s: 0.5, must be at least 1"),
        ('[[J.conflicts]]\ngroups = ["1", "3"]\nvalue = "compatible"', "conflicts.1.3: compatible, must be prohibited"),
        ('[[J.conflicts]]\ngroups = ["1", "6"]\nvalue = "compatible"', "conflicts.1.6: compatible, must be yielding"),
    ],
)
def test_what_is_less_safe_than_the_plan_needs_a_reason(table: str, said: str, tmp_path: Path):
    """Refused without one; with one it is kept and told."""
    assert said in refused(tmp_path, table)
    network = overridden(tmp_path, f'{table}\nbecause = "measured in June"')
    (warning,) = network.overrides.warnings
    assert warning.startswith("J: ") and warning.endswith("measured in June")


def test_a_later_file_may_take_a_less_safe_value_back(tmp_path: Path):
    """Files are laid over each other; what remains is what is told."""
    first, second = tmp_path / "1.toml", tmp_path / "2.toml"
    first.write_text('[J.phases.1]\nyellow_change_s = 2.5\nbecause = "slow street"')
    second.write_text("[J.phases.1]\nyellow_change_s = 3")
    net_file = find("single").net_file
    assert len(read_network(net_file, (), (first,)).overrides.warnings) == 1
    both = read_network(net_file, (), (first, second))
    assert both.overrides.warnings == []
    assert both.intersections[0].phases == read(net_file).intersections[0].phases


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[K.phases.1]\nyellow_change_s = 4", "unknown junction K, known: J"),
        ("[J.phases.9]\nyellow_change_s = 4", "J: unknown phase 9, known: 1, 2, 3"),
        ("[J.phases.1]\nyelow_change_s = 4", "J.phases.1: unknown key yelow_change_s, nearest: yellow_change_s"),
        ("[J]\nphase = 4", "J: unknown key phase, nearest: phases"),
        ("[J.phases.1]\nred_clearance_s = -1", "J.phases.1.red_clearance_s: .*greater than or equal to 0 .*-1"),
        ('[J.stages.A]\ngreen = ["1", "55"]', "stage A: signal group 55, nearest: 5"),
        ('[J.stages.A]\ngreen = ["1", "3", "5"]', "J: stage A: groups 1 and 3 conflict"),
        ('[J.stages.A]\ngreen = ["1"]\npermissive = ["1"]', "signal group 1 is named twice"),
        ("[J.stages.D]\nminimum_green_s = 5", r"unknown stage \(a new one needs green\) D, known: A, B, C"),
        ("[J.stages.C]\nremove = true", "signal group 3 is green in 0 stages, must be in at least 1"),
        ('[J.stages.A]\nname = "B"', "stage B appears twice"),
        ('[[J.conflicts]]\ngroups = ["1", "5"]\nvalue = "prohibited"', "stage A: groups 1 and 5 conflict"),
        ('[[J.conflicts]]\ngroups = ["1", "6"]\nvalue = "yielding"', "must be given where yielding"),
        ('[J.lane_groups."N-J.bay_3"]\nsaturation_flow_veh_per_h = 1', "unknown lane group N-J.bay_3, nearest: "),
        ('[J.detectors."x"]\nlength_m = 3', r"unknown detector \(a new one needs kind and lane\) x"),
        (
            '[J.detectors."x"]\nkind = "advance"\nlane = "N-J.bay_7"\nsetback_m = 9',
            "unknown lane N-J.bay_7, nearest",
        ),
        ('[J.detectors."N-J.bay_0.stop"]\nsetback_m = 900', "must lie within its lane of"),
        ('[J.neighbours."J-N"]\nintersection = "L"', "exit J-N: intersection L, known: J"),
        ("[J.phases.1", "is not TOML"),
    ],
)
def test_what_does_not_fit_is_one_line_with_the_nearest_known(text: str, said: str, tmp_path: Path):
    """File, thing, value and bound."""
    assert re.search(said, refused(tmp_path, text))


def test_a_stage_may_come_where_it_says(tmp_path: Path):
    """By its green groups; a pair that crosses needs its conflict to say that it yields there."""
    text = '[J.stages.West]\ngreen = ["7", "8"]\nminimum_green_s = 6\nafter = "B"\n'
    found = junction(tmp_path, text)
    assert [s.name for s in found.stages] == ["A", "B", "West", "C"]
    west = found.stages[2]
    assert found.green_groups(west) == ("7", "8") and west.minimum_green_s == 6.0
    assert overridden(tmp_path, text).sources["J"]["stages.West"] == "override in street.toml"


def test_a_stage_has_its_new_name_everywhere(tmp_path: Path):
    """In the plan, the conflicts and the interstages; its times stay the plan's."""
    before = read(find("single").net_file)
    network = overridden(tmp_path, '[J.stages.A]\nname = "north and south"\n')
    found = network.intersections[0]
    assert [s.stage for s in network.plans.of("J")[0].splits] == ["north and south", "B", "C"]
    assert {n for c in found.conflicts for n in c.yielding_in} == {"north and south", "C"}
    assert len(found.interstages) == len(before.intersections[0].interstages)
    assert found.interstages[0].start == "north and south"


def test_who_yields_in_a_stage_can_be_said(tmp_path: Path):
    """Groups that are named leave the list in which they were."""
    found = junction(tmp_path, '[J.stages.B]\npermissive = ["6"]\n')
    stage = found.stages[1]
    assert found.green_groups(stage) == ("2", "6") and stage.permissive == ("6",)


def test_loops_move_come_and_go(tmp_path: Path):
    """Position follows from the setback, across the lanes between loop and stop line."""
    text = """
    [J.detectors."N-J.bay_0.advance"]
    setback_m = 60.0
    [J.detectors."E-J.bay_0.stop"]
    remove = true
    [J.detectors."new"]
    kind = "advance"
    lane = "S-J.bay_1"
    setback_m = 20
    """
    before = {d.id: d for d in read(find("single").net_file).intersections[0].detectors}
    network = overridden(tmp_path, text)
    after = {d.id: d for d in network.intersections[0].detectors}
    moved, was = after["N-J.bay_0.advance"], before["N-J.bay_0.advance"]
    assert moved.position_m - was.position_m == pytest.approx(was.setback_m - 60.0)
    assert "E-J.bay_0.stop" not in after
    assert after["new"].lane_groups == after["S-J.bay_1.stop"].lane_groups
    stop = after["S-J.bay_1.stop"]
    end_m = stop.position_m + stop.length_m + stop.setback_m
    assert after["new"].position_m + after["new"].length_m + 20.0 == pytest.approx(end_m, abs=0.01)
    assert network.sources["J"]["detectors.new"] == "override in street.toml"


def test_saturation_flows_and_neighbours_are_taken(tmp_path: Path):
    """As measured in the street."""
    name = next(g.id for g in read(find("arterial").net_file).intersections[0].lane_groups)
    text = f'[J1.lane_groups."{name}"]\nsaturation_flow_veh_per_h = 1650\n[J1.neighbours."J1-J2"]\ntravel_time_s = 33\n'
    found = overridden(tmp_path, text, "arterial").intersections[0]
    assert found.lane_groups[0].saturation_flow_veh_per_h == 1650.0
    assert next(n for n in found.neighbours if n.exit == "J1-J2").travel_time_s == 33.0


def test_the_street_has_the_overridden_times(tmp_path: Path):
    """From the file to SUMO's heads: under max-pressure another yellow gives another run, under existing the same."""
    file = tmp_path / "street.toml"
    file.write_text("[J.phases.1]\nyellow_change_s = 6\n[J.phases.3]\nyellow_change_s = 6\n")
    place, demand = place_and_demand("single", 600.0)
    other = replace(place, override_files=(file,))
    assert drive(other, demand, "existing") == tripinfo_of_sumo(other, demand, tmp_path)
    assert drive(other, demand, "existing") == drive(place, demand, "existing")
    assert drive(other, demand, "max-pressure") != drive(place, demand, "max-pressure")


def test_a_file_beside_the_users_network_is_found(tmp_path: Path):
    """By the network's name, whatever its ending."""
    single = find("single")
    (tmp_path / "town.net.xml").write_bytes(single.net_file.read_bytes())
    (tmp_path / "town.rou.xml").write_bytes(single.route_files[0].read_bytes())
    typed = f"{tmp_path}/town.net.xml,{tmp_path}/town.rou.xml"
    assert find(typed).override_files == ()
    beside = tmp_path / "town.intersections.toml"
    beside.write_text("[J.phases.1]\nyellow_change_s = 4\n")
    assert find(typed).override_files == (beside,)
    assert overrides_beside(tmp_path / "town.net.xml.gz") == beside


def test_editors_get_a_schema():
    """With every table and key that is known, and no other."""
    schema = json.loads(schema_of("intersection"))
    phase = schema["$defs"]["PhaseOverride"]
    assert set(phase["properties"]) == {"minimum_green_s", "yellow_change_s", "red_clearance_s", "because"}
    assert phase["additionalProperties"] is False
