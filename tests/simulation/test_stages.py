"""Stages of programs without a fixed order of lasting rows, and of several programs by the time of day."""

from pathlib import Path

import pytest

from signals.controllers import build
from signals.errors import ConfigError
from signals.intersection import Aspect
from signals.layout import layout
from simulation.network import Network, read
from simulation.street import Street
from tests.simulation.crossroads import PLAN, crossroads, jumps, place, static, watched
from tests.simulation.streets import SEED, drive, tripinfo_of_sumo

EVENING = (
    ("GGgrrrGGgrrr", 40),
    ("yyyrrryyyrrr", 3),
    ("rrrrrrrrrrrr", 1),
    ("rrrGGrrrrGGr", 20),
    ("rrryyrrrryyr", 3),
    ("rrrrrrrrrrrr", 1),
    ("rrrrrGrrrrrG", 8),
    ("rrrrryrrrrry", 3),
    ("rrrrrrrrrrrr", 1),
)
SCHEDULE = (
    '<WAUT id="day" refTime="100" startProg="morning"><wautSwitch time="0:2:20" to="evening"/></WAUT>'
    '<wautJunction wautID="day" junctionID="C"{}/>'
)
BY_DAY = static(program="morning") + static(EVENING, program="evening")
BRANCHES = (
    '<tlLogic id="C" type="actuated" programID="b" offset="0">'
    '<phase duration="30" minDur="7" maxDur="40" state="GGrrrrGGrrrr" next="1 3"/>'
    '<phase duration="3" state="yyrrrryyrrrr" next="2"/>'
    '<phase duration="8" minDur="5" maxDur="15" state="rrGrrrrrGrrr" next="5"/>'
    '<phase duration="3" state="yyrrrryyrrrr" next="4"/>'
    '<phase duration="20" minDur="6" maxDur="30" state="rrrGGgrrrGGg" next="6"/>'
    '<phase duration="3" state="rryrrrrryrrr" next="4"/>'
    '<phase duration="4" state="rrryyyrrryyy" next="0"/>'
    "</tlLogic>"
)
SECONDS = (
    ("GGgrrrGGgrrr", 1),
    ("GGgrrrrrrrrr", 2),
    ("rrrGGgrrrrrr", 2),
    ("rrrGGgrrrGGg", 1),
    ("rrryyyrrryyy", 2),
    ("rrrrrrGGgrrr", 1),
)


@pytest.fixture(scope="module")
def net_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crossroads(tmp_path_factory.mktemp("crossroads"))


def network(net_file: Path, folder: Path, additional: str) -> Network:
    file = folder / "more.add.xml"
    file.write_text(f"<additional>{additional}</additional>")
    return read(net_file, (file,))


def states(found: Network) -> list[str]:
    """Each stage as a state string."""
    junction, links = found.intersections[0], found.links["C"]
    letters = {Aspect.GREEN: "G", Aspect.PERMISSIVE: "g", Aspect.TURN_ON_RED: "s", Aspect.RED: "r"}
    rows = []
    for stage in junction.stages:
        shown = {x: letters[a] for a, g in zip(junction.stage_aspects(stage), links, strict=True) for x in g}
        rows.append("".join(shown[k] for k in range(len(shown))))
    return rows


def test_a_program_that_branches_has_its_green_rows_as_stages(tmp_path: Path, net_file: Path):
    """Whatever follows what; the interstages are those of its branches, minimum greens its rows'."""
    found = network(net_file, tmp_path, BRANCHES)
    junction = found.intersections[0]
    assert states(found) == ["GGrrrrGGrrrr", "rrGrrrrrGrrr", "rrrGGgrrrGGg"]
    assert {(i.start, i.end) for i in junction.interstages} == {("A", "B"), ("A", "C"), ("B", "C"), ("C", "A")}
    assert [s.minimum_green_s for s in junction.stages] == [7.0, 5.0, 6.0]
    assert {p.yellow_change_s for p in junction.phases} == {3.0, 4.0}
    with pytest.raises(ConfigError, match=r"intersection C: .* rows 0 have no fixed order \(next\)"):
        build("fixed-time", layout(found.intersections), found.plans)


def test_rows_that_follow_each_other_in_another_order_are_told_in_it(tmp_path: Path, net_file: Path):
    """With one successor each they have an order, whatever the file's; a row that nothing leads to is left out."""
    rows = "".join(
        f'<phase duration="{span}" state="{state}" next="{after}"/>'
        for state, span, after in (
            ("GGgrrrGGgrrr", 30, 3),
            ("rrrGGgrrrGGg", 25, 2),
            ("rrryyyrrryyy", 3, 0),
            ("yyyrrryyyrrr", 3, 1),
            ("rrrrrGrrrrrG", 10, 0),
        )
    )
    found = network(net_file, tmp_path, f'<tlLogic id="C" type="static" programID="j" offset="0">{rows}</tlLogic>')
    assert states(found) == ["GGgrrrGGgrrr", "rrrGGgrrrGGg"]
    assert [s.split_s for s in found.plans.of("C")[0].splits] == [33.0, 28.0]
    where = place(tmp_path, net_file, f'<tlLogic id="C" type="static" programID="j" offset="0">{rows}</tlLogic>')
    with Street(*where, SEED, outputs=False) as street:
        own = watched(street, "existing", 200.0)
    with Street(*where, SEED, outputs=False) as street:
        assert watched(street, "fixed-time", 200.0)[70:] == own[70:]


def test_greens_of_a_second_become_maximal_sets_of_compatible_groups(tmp_path: Path, net_file: Path):
    """Every movement that the plan serves is in a stage, and each set is as large as the right of way allows."""
    found = network(net_file, tmp_path, static(SECONDS, program="fast"))
    shown = states(found)
    assert {"GGgrrrGGgrrr", "rrrGGgrrrGGg"} <= set(shown)
    assert {k for s in shown for k, c in enumerate(s) if c in "Gg"} == set(range(12))
    assert found.sources["C"]["stages"] == "maximal sets of compatible signal groups"
    assert found.plans.untold == {"C": "rows 0, 3 are green for less than 3 s"}


def test_stages_are_those_of_all_programs_of_the_day(tmp_path: Path, net_file: Path):
    """Each program is a plan from its time on; links are one group only if they are in every program."""
    found = network(net_file, tmp_path, BY_DAY + SCHEDULE.format(""))
    assert states(found) == ["GGgrrrGGgrrr", "rrrGGgrrrGGg", "rrrGGrrrrGGr", "rrrrrGrrrrrG"]
    plans = found.plans.of("C")
    assert [(p.from_s, p.cycle_s, len(p.splits)) for p in plans] == [(0.0, 63.0, 2), (240.0, 80.0, 3)]


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        (SCHEDULE.format(' procedure="Stretch"'), "WAUT day switches by Stretch, which shifts the plans' offsets"),
        (SCHEDULE.format("").replace('"evening"', '"off"'), "WAUT day switches to program off"),
    ],
)
def test_a_day_that_cannot_be_told_says_why(tmp_path: Path, net_file: Path, schedule: str, why: str):
    assert network(net_file, tmp_path, BY_DAY + schedule).plans.untold == {"C": why}


def test_a_schedule_of_an_unknown_program_is_named(tmp_path: Path, net_file: Path):
    with pytest.raises(ConfigError, match=r"more.add.xml: WAUT day: signal C has no program evening; add it"):
        network(net_file, tmp_path, static(program="morning") + SCHEDULE.format(""))


@pytest.mark.parametrize("procedure", ["", ' procedure="Stretch"', ' procedure="GSP"'])
def test_left_to_itself_it_switches_as_sumo_does_alone(tmp_path: Path, net_file: Path, procedure: str):
    where = place(tmp_path, net_file, BY_DAY + SCHEDULE.format(procedure), 400.0)
    assert drive(*where, "existing") == tripinfo_of_sumo(*where, tmp_path)


def test_fixed_time_switches_when_the_day_does(tmp_path: Path, net_file: Path):
    """But for a cycle around the switch, it shows every second what SUMO's program shows."""
    alone = place(tmp_path, net_file, BY_DAY + SCHEDULE.format(""), 600.0)
    with Street(*alone, SEED, outputs=False) as street:
        own = watched(street, "existing", 600.0)
    with Street(*alone, SEED, outputs=False) as street:
        driven = watched(street, "fixed-time", 600.0)
        assert not street.plant.read().local.any()
    assert own[10:195] == driven[10:195]
    assert own[330:] == driven[330:]


@pytest.mark.parametrize("procedure", ["", ' procedure="Stretch"'])
@pytest.mark.parametrize("begin_s", [220.0, 231.0, 237.0])
def test_a_controlled_junction_is_on_its_own_plan_when_the_program_changes(
    tmp_path: Path, net_file: Path, procedure: str, begin_s: float
):
    """It is given back before, and taken again after; no head jumps but where the own plan itself does."""
    where = place(tmp_path, net_file, BY_DAY + SCHEDULE.format(procedure), begin_s + 400.0)
    with Street(*where, SEED, outputs=False) as street:
        before = watched(street, "max-pressure", 240.0)
        assert street.plant.read().local.all()
        after = watched(street, "max-pressure", 600.0)
        assert not street.plant.read().local.any()
    assert jumps(before) == jumps(after[2:]) == []


@pytest.mark.parametrize("program", [BRANCHES, static(SECONDS, program="fast"), static(PLAN, program="x")])
def test_every_kind_is_taken_over_and_given_back_without_a_jump(tmp_path: Path, net_file: Path, program: str):
    """Also where the own plan has no row for the stage that stands."""
    where = place(tmp_path, net_file, program)
    with Street(*where, SEED, outputs=False) as street:
        shown = watched(street, "max-pressure", 200.0)
        assert not street.plant.read().local.any()
        shown = shown[60:] + watched(street, "max-pressure", 230.0, let_go_s=200.0)
        assert street.plant.read().local.all()
    assert jumps(shown[: 140 + 6]) == []
