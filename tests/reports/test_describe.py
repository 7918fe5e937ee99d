"""`describe`: what an engineer can check against the street."""

import re

import pytest

from reports.describe import describe
from reports.plain_text import WIDTH, columns, facts
from scenarios.catalogue import find
from simulation.network import read


@pytest.fixture(scope="module")
def single() -> str:
    return describe("single")


def section(text: str, name: str) -> list[str]:
    """The lines of the first section whose title begins so."""
    return text.partition(f"\n{name}")[2].partition("\n\n")[0].splitlines()[1:]


def test_the_head_names_files_window_and_demand(single: str):
    """What was read, and the sha256 that results carry."""
    scenario = find("single")
    head = single.partition("\n\n")[0]
    for path in (scenario.net_file, *scenario.route_files):
        assert str(path) in head
    assert read(scenario.net_file).digest in head
    assert "counted from 00:10:00" in head
    assert re.search(r"demand +[\d,]+ vehicles in the window", head)
    assert "1 of 1 controlled" in head


def test_every_movement_stands_once_among_the_phases():
    """Approach, exit and turn, at the phase that times it."""
    text = describe("resco:cologne3")
    network = read(find("resco:cologne3").net_file)
    for junction in network.intersections:
        part = text.partition(f"junction {junction.id}\n")[2].partition("\njunction ")[0]
        said = "\n".join(section(part, "phases"))
        for movement in junction.movements:
            assert said.count(f"{movement.approach} > {movement.exit} {movement.turn}") == 1


def test_stages_and_conflicts_agree(single: str):
    """No two heads stand green in one row that another table never has green together."""
    never = {}
    for line in section(single, "conflicts"):
        if found := re.match(r" +(\d+)  ([\d ]+?)(  |$)", line):
            never[found[1]] = set(found[2].split())
    assert never
    for line in section(single, "stages")[1:]:
        green = set(re.split(r"  +", line.strip())[2].split())
        assert all(never.get(group, set()).isdisjoint(green) for group in green), line


def test_the_plan_is_told_with_greens_and_interstages(single: str):
    """Greens and interstages add up to the cycle."""
    rows = [line.split() for line in section(single, "existing plan")[1:]]
    cycle_s = float(single.partition("existing plan: cycle ")[2].split()[0])
    assert sum(float(green) + float(after) for _, _, _, green, after in rows) == cycle_s


def test_every_loop_is_listed(single: str):
    """Also those that serve several lane groups, once."""
    junction = read(find("single").net_file).intersections[0]
    said = section(single.partition("\n===")[2], "loops")[1:]
    assert [line.split()[0] for line in said] == [d.id for d in junction.detectors]


@pytest.mark.parametrize("name", ["single", "arterial", "resco:cologne3", "resco:cologne8"])
def test_no_line_is_wider_than_the_page(name: str):
    """But for file names, which are never broken."""
    lines = [line for line in describe(name).splitlines() if "/" not in line]
    assert max(map(len, lines)) <= WIDTH


def test_long_cells_are_folded_in_their_column():
    """Names keep whole while there is room; the widest column gives way."""
    rows = [("a-b" * 50, "1", " ".join(["word"] * 30)), ("short", "12", "x")]
    table = columns(("name", ">number", "words"), rows)
    assert max(map(len, table)) <= WIDTH
    assert "".join(line[2:].split("  ")[0].strip() for line in table[1:-1]).startswith("a-b" * 20)
    assert table[-1].split() == ["short", "12", "x"]
    assert facts([("a", "b\nc"), ("long", "d")]) == ["a     b", "      c", "long  d"]


def test_rules_without_a_warm_up_are_told_as_such():
    assert "counted from 07:00:00; steps" in describe("resco-rules:cologne1")
    assert "counted from 07:10:00, after the warm-up; steps" in describe("resco:cologne1")
