"""Networks are read as the street has them: every movement served, no prohibited pair, times as the plan shows them."""

from pathlib import Path

import pytest

from scenarios.catalogue import find
from signals.errors import ConfigError
from signals.intersection import Aspect
from simulation.network import Network, read

RESCO = ["cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21", "grid4x4", "arterial4x4"]


def network(name: str) -> Network:
    scenario = find(name)
    return read(scenario.net_file, scenario.additional_files)


@pytest.mark.parametrize("name", [f"resco:{n}" for n in RESCO])
def test_every_signal_of_resco_is_controlled(name: str):
    """Nothing is left to its own plan, and nothing is edited by hand."""
    found = network(name)
    assert found.left_alone == {}
    assert len(found.intersections) == found.signals > 0


@pytest.mark.parametrize("name", [*(f"resco:{n}" for n in RESCO), "single", "arterial", "district"])
def test_no_stage_shows_a_prohibited_pair_and_every_movement_has_a_stage(name: str):
    """Judged here from the conflicts and the aspects alone; a movement never green in the plan has turn on red."""
    for junction in network(name).intersections:
        index = {g.id: k for k, g in enumerate(junction.signal_groups)}
        shown = {s.name: junction.stage_aspects(s) for s in junction.stages}
        for conflict in junction.conflicts:
            pair = index[conflict.first], index[conflict.second]
            together = {n for n, a in shown.items() if all(a[k] in (Aspect.GREEN, Aspect.PERMISSIVE) for k in pair)}
            assert together == set(conflict.yielding_in)
        for movement in junction.movements:
            ways = {a[index[movement.signal_group]] for a in shown.values()}
            assert ways & {Aspect.GREEN, Aspect.PERMISSIVE, Aspect.TURN_ON_RED}, movement.id


def test_the_timing_sheet_of_cologne1_is_the_plan_row_by_row():
    """29 s, 5 s yellow, 6 s, 5 s yellow, and the same for the cross street: a cycle of 90 s."""
    found = network("resco:cologne1")
    plan, junction = found.plans.plan[0], found.intersections[0]
    assert [(s.stage, s.split_s) for s in plan.splits] == [("A", 34.0), ("B", 11.0), ("C", 34.0), ("D", 11.0)]
    assert plan.cycle_s == 90.0
    assert {p.yellow_change_s for p in junction.phases} == {5.0}
    assert {p.red_clearance_s for p in junction.phases} == {0.0}
    assert {p.minimum_green_s for p in junction.phases} == {5.0}
    assert [len(i.intervals) for i in junction.interstages] == [1, 1, 1, 1]


def test_a_partial_yellow_keeps_who_goes_on_green():
    """ingolstadt7: one approach ends while another stays green through the interstage."""
    junction = next(i for i in network("resco:ingolstadt7").intersections if i.id.startswith("cluster_306484187"))
    first = junction.interstages[0].intervals[0]
    assert first.duration_s == 3.0
    assert {Aspect.GREEN, Aspect.YELLOW, Aspect.RED} == set(first.aspects)


def test_all_red_rows_are_red_clearance():
    """The own arterial has all-red rows of one and two seconds, which are nobody's stage."""
    phases = [p for i in network("arterial").intersections for p in i.phases]
    assert {p.red_clearance_s for p in phases} == {1.0, 2.0}


def test_every_signalled_lane_has_a_stop_line_loop():
    """And no detector lies twice on one lane at one place."""
    for junction in network("arterial").intersections:
        lanes = {lane for g in junction.lane_groups for lane in g.lanes}
        assert lanes == {d.lane for d in junction.detectors if d.kind == "stop_line"}
        places = [(d.lane, d.position_m) for d in junction.detectors]
        assert len(places) == len(set(places))
        assert not [d for d in junction.detectors if d.lane.startswith(":")]


def test_where_nobody_can_stand_the_stop_line_loop_lies_before_it():
    """Whoever waits at the end of a lane of 0.9 m stands on the lane before it, which leads nowhere else."""
    junction = next(i for i in network("resco:ingolstadt7").intersections if i.id == "gneJ143")
    stub = next(g for g in junction.lane_groups if g.lanes[0] == "10425609#1_1")
    loops = [d for d in junction.detectors if d.kind == "stop_line" and stub.id in d.lane_groups]
    assert stub.length_m < 2.5
    assert sorted(d.lane for d in loops) == ["10425609#0_1", "10425609#0_2", "10425609#0_3"]
    assert all(d.length_m == 6.0 and d.setback_m == pytest.approx(stub.length_m + 0.5, abs=0.1) for d in loops)


def test_neighbours_are_the_next_junctions_downstream():
    """On the arterial J2 leads to J1 and J3, at their distances."""
    junction = next(i for i in network("arterial").intersections if i.id == "J2")
    assert {n.intersection for n in junction.neighbours} == {"J1", "J3"}
    assert all(100 < n.distance_m < 500 for n in junction.neighbours)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "no such network file"),
        ("<net><edge", "not a readable SUMO network"),
        ('<net version="1.20"/>', "has no traffic light"),
    ],
)
def test_a_net_that_cannot_be_read_is_named_in_one_line(tmp_path: Path, content: str | None, line: str):
    """Missing, cut, or without a signal."""
    file = tmp_path / "their.net.xml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=line) as refusal:
        read(file)
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_link_index_beyond_the_state_is_named(tmp_path: Path):
    """The file, the signal, the index and the bound."""
    text = find("resco:cologne1").net_file.read_text().replace('linkIndex="19"', 'linkIndex="99"')
    file = tmp_path / "cut.net.xml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="link index 99, must be below"):
        read(file)
