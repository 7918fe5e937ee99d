"""What real networks bring, each in a crossroads of its own: read as the street has it, and driven without a jump."""

from pathlib import Path

import pytest

from scenarios.sumo_tools import run_tool
from signals.controllers import build
from signals.errors import ConfigError
from signals.intersection import Aspect, Intersection
from signals.layout import layout
from simulation.network import Network, read
from simulation.street import Street
from tests.simulation.crossroads import PLAN, crossroads, jumps, place, static, watched
from tests.simulation.streets import SEED, drive, tripinfo_of_sumo

TURN_ON_RED = (
    ("GGgsrrGGgsrr", 30),
    ("yyysrryyysrr", 3),
    ("srrGGgsrrGGg", 25),
    ("srryyysrryyy", 3),
)
RED_YELLOW = (
    ("GGgrrrGGgrrr", 30),
    ("yyyrrryyyrrr", 3),
    ("rrruuurrruuu", 2),
    ("rrrGGgrrrGGg", 25),
    ("rrryyyrrryyy", 3),
    ("uuurrruuurrr", 2),
)
RIGHT_GOES_ON = (
    ("GGgrrrGGgrrr", 30),
    ("GyyrrrGyyrrr", 3),
    ("GrrGGgGrrGGg", 25),
    ("GrryyyGrryyy", 3),
)
NO_YELLOW = (("GGgrrrGGgrrr", 30), ("rrrGGgrrrGGg", 25))
OFF = tuple((state[:11] + "o", span) for state, span in PLAN)
BLINKS = (*PLAN[:3], ("rrrGGorrrGGo", 25), *PLAN[4:])
LONGER = tuple((f"{state}rr", span) for state, span in PLAN)


def network(folder: Path, rows: tuple[tuple[str, float], ...] = PLAN, **options: str) -> Network:
    return read(crossroads(folder, static(rows), **options))  # type: ignore[arg-type]


def group_of(found: Network, link: int) -> int:
    return next(k for k, group in enumerate(found.links["C"]) if link in group)


def aspects_of(found: Network, link: int) -> list[Aspect]:
    """What a link shows, stage by stage."""
    junction: Intersection = found.intersections[0]
    return [junction.stage_aspects(stage)[group_of(found, link)] for stage in junction.stages]


def test_turn_on_red_is_red_with_leave_to_turn(tmp_path: Path):
    found = network(tmp_path, TURN_ON_RED)
    assert aspects_of(found, 0) == [Aspect.GREEN, Aspect.TURN_ON_RED]
    assert aspects_of(found, 3) == [Aspect.TURN_ON_RED, Aspect.GREEN]


def test_red_yellow_is_kept_in_the_interstages(tmp_path: Path):
    found = network(tmp_path, RED_YELLOW)
    shown = [[set(i.aspects) for i in step.intervals] for step in found.intersections[0].interstages]
    assert shown == [[{Aspect.YELLOW, Aspect.RED}, {Aspect.RED_YELLOW, Aspect.RED}]] * 2
    assert found.intersections[0].phases[0].red_clearance_s == 2.0


def test_a_head_that_is_always_off_is_no_head_and_stays_off(tmp_path: Path):
    """The other heads are controlled."""
    found = network(tmp_path, OFF)
    assert found.always == {"C": {11: "o"}}
    assert all(11 not in group for group in found.links["C"])
    assert not [m for m in found.intersections[0].movements if (m.approach, m.exit) == ("wi", "no")]
    with Street(*place(tmp_path, tmp_path / "crossroads.net.xml"), SEED, outputs=False) as street:
        shown = watched(street, "max-pressure", 200.0)
        assert not street.plant.read().local.any()
    assert {state[11] for state in shown} == {"o"}
    assert jumps(shown) == []


def test_a_head_that_blinks_in_a_stage_keeps_its_plan(tmp_path: Path):
    found = network(tmp_path, BLINKS)
    assert found.left_alone == {"C": "signal C: link 5 is dark or blinks in a stage (o)"}


def test_a_plan_without_yellow_has_that_of_the_ite_formula(tmp_path: Path):
    """13.89 m/s take 3.3 s, and the source says so; fixed-time has no room for it and names the stage."""
    found = network(tmp_path, NO_YELLOW)
    assert {p.yellow_change_s for p in found.intersections[0].phases} == {3.3}
    assert found.sources["C"]["phases.1.yellow_change_s"] == "ITE formula, 13.9 m/s: the plan has no yellow"
    assert found.intersections[0].interstages == ()
    assert "cut the yellow of group 1" in found.sources["C"]["interstages.A.B"]
    with Street(*place(tmp_path, tmp_path / "crossroads.net.xml"), SEED, outputs=False) as street:
        shown = watched(street, "max-pressure", 200.0)
    assert jumps(shown[60:]) == []


def test_a_right_turn_that_goes_on_shares_its_lane(tmp_path: Path):
    """Lane 0 serves two signal groups; the one that ends shows yellow while the other stays green."""
    found = network(tmp_path, RIGHT_GOES_ON)
    junction = found.intersections[0]
    lane = next(g for g in junction.lane_groups if g.id == "ni_0")
    assert len(lane.signal_groups) == 2
    first = junction.interstages[0].intervals[0].aspects
    assert (first[group_of(found, 0)], first[group_of(found, 1)]) == (Aspect.GREEN, Aspect.YELLOW)


@pytest.mark.parametrize("rows", [RED_YELLOW, RIGHT_GOES_ON, PLAN])
@pytest.mark.parametrize("offset_s", [0.0, 17.0])
def test_fixed_time_shows_what_the_plan_shows(tmp_path: Path, rows: tuple[tuple[str, float], ...], offset_s: float):
    """Second by second from the second cycle on, whatever its offset."""
    net_file = crossroads(tmp_path, static(rows, offset=offset_s))
    where = place(tmp_path, net_file)
    with Street(*where, SEED, outputs=False) as street:
        own = watched(street, "existing", 300.0)
    with Street(*where, SEED, outputs=False) as street:
        driven = watched(street, "fixed-time", 300.0)
        assert not street.plant.read().local.any()
    assert driven[90:] == own[90:]


def test_letters_without_a_link_are_nobody_s(tmp_path: Path):
    """A state may be longer than there are links."""
    found = network(tmp_path, LONGER)
    assert len(found.intersections[0].movements) == 12
    assert sum(len(g) for g in found.links["C"]) == 14


def test_links_may_share_an_index(tmp_path: Path):
    """Every movement is there, whichever head it has."""
    net_file = crossroads(tmp_path, options=("--tls.group-signals", "true"))
    found = read(net_file)
    junction = found.intersections[0]
    assert max(link for g in found.links["C"] for link in g) < 11
    assert len({(m.approach, m.exit) for m in junction.movements}) == 12
    assert {lane for g in junction.lane_groups for lane in g.lanes} == {f"{leg}i_{n}" for leg in "nesw" for n in (0, 1)}


def test_a_crossing_may_have_two_heads(tmp_path: Path):
    """One for each direction (linkIndex2), with walk and clearance of its own."""
    rows = tuple((f"{state}{'GG' if 'GGg' in state[3:6] else 'rr'}", span) for state, span in PLAN)
    crossing = '<crossing node="C" edges="ni no" linkIndex="12" linkIndex2="13"/>'
    net_file = crossroads(tmp_path, static(rows), crossings=crossing, options=("--sidewalks.guess", "true"))
    junction = read(net_file).intersections[0]
    walking = [g.id for g in junction.signal_groups if g.kind == "pedestrian"]
    served = {x for g in junction.lane_groups if g.button for x in g.signal_groups}
    assert served == set(walking)
    assert {13, 12} <= {x for k in walking for x in read(net_file).links["C"][int(k) - 1]}


@pytest.mark.parametrize(
    ("allowed", "kind", "button"), [("bicycle", "bicycle", True), ("tram", "tram", False), ("bus", "vehicle", False)]
)
def test_lanes_of_their_own_are_lane_groups_of_their_own(tmp_path: Path, allowed: str, kind: str, button: bool):
    """Bicycles and trams have heads of their own kind; buses share those of the street."""
    junction = network(tmp_path, lanes=f'<lane index="0" allow="{allowed}"/>').intersections[0]
    kinds = {g.id: g.kind for g in junction.signal_groups}
    for group in junction.lane_groups:
        outer = group.lanes[0].endswith("_0")
        assert len(group.lanes) == 1
        assert {kinds[g] for g in group.signal_groups} == {kind if outer else "vehicle"}
        assert group.button == (button and outer)


def test_a_signal_for_rail_alone_keeps_its_plan(tmp_path: Path):
    lanes = '<lane index="0" allow="tram"/><lane index="1" allow="tram rail_urban"/>'
    assert network(tmp_path, lanes=lanes).left_alone == {"C": "signal C: serves rail only"}


def test_a_zipped_network_is_the_same(tmp_path: Path):
    plain, zipped = crossroads(tmp_path), crossroads(tmp_path, ending=".net.xml.gz")
    assert read(plain).intersections == read(zipped).intersections


@pytest.mark.parametrize("name", ["Würzburger-Straße#2.3", "a+b(c)=d/e", "J 1, north"])
def test_a_signal_may_be_called_anything(tmp_path: Path, name: str):
    """It is read, driven and given back under its name."""
    net_file = crossroads(tmp_path)
    text = net_file.read_text().replace('tl="C"', f'tl="{name}"').replace('<tlLogic id="C"', f'<tlLogic id="{name}"')
    net_file.write_text(text)
    with Street(*place(tmp_path, net_file), SEED, outputs=False) as street:
        assert [i.id for i in street.network.intersections] == [name]
        shown = watched(street, "max-pressure", 150.0)
        assert not street.plant.read().local.any()
        shown += watched(street, "max-pressure", 190.0, let_go_s=150.0)
        assert street.plant.read().local.all()
    assert jumps(shown) == []


@pytest.mark.parametrize("step_length_s", [0.1, 0.25, 0.5])
def test_steps_may_be_shorter_than_a_second(tmp_path: Path, step_length_s: float):
    """Decisions each second or each step: yellow and clearance are whole, and fixed-time follows the plan."""
    where = place(tmp_path, crossroads(tmp_path), step_length_s=step_length_s)
    with Street(*where, SEED, outputs=False) as street:
        own = watched(street, "existing", 200.0)
    with Street(*where, SEED, outputs=False) as street:
        assert watched(street, "fixed-time", 200.0)[70:] == own[70:]
    for every_s in (1.0, step_length_s):
        with Street(*where, SEED, outputs=False) as street:
            shown = watched(street, "max-pressure", 200.0, every_s=every_s)
            assert not street.plant.read().local.any()
        assert jumps(shown) == []
        if every_s == step_length_s:
            assert shortest_yellow_s(shown, every_s) == pytest.approx(3.0)


def shortest_yellow_s(shown: list[str], every_s: float) -> float:
    column = "".join(state[1] for state in shown).strip("y")
    return min(len(run) for run in column.replace("r", "G").split("G") if run) * every_s


@pytest.mark.parametrize("step_length_s", [0.25, 1.0])
def test_the_existing_plan_is_what_sumo_does_alone(tmp_path: Path, step_length_s: float):
    where = place(tmp_path, crossroads(tmp_path), end_s=120.0, step_length_s=step_length_s)
    assert drive(*where, "existing", decision_s=step_length_s) == tripinfo_of_sumo(*where, tmp_path)


def test_several_junctions_may_have_one_signal(tmp_path: Path):
    """Two nodes under one program: all movements of both, no conflict between them."""
    nodes = (
        '<nodes><node id="A" x="0" y="0" type="traffic_light" tl="T"/><node id="B" x="60" y="0" type="traffic_light" '
        'tl="T"/><node id="w" x="-200" y="0"/><node id="e" x="260" y="0"/><node id="n" x="0" y="200"/>'
        '<node id="s" x="60" y="-200"/></nodes>'
    )
    edges = "".join(
        f'<edge id="{a}{b}" from="{a}" to="{b}" numLanes="1" speed="13.89"/>'
        for a, b in ("wA", "Aw", "AB", "BA", "eB", "Be", "nA", "An", "sB", "Bs")
    )
    for kind, text in (("node", nodes), ("edge", f"<edges>{edges}</edges>")):
        (tmp_path / f"{kind}.xml").write_text(text)
    found = read(built(tmp_path))
    junction = found.intersections[0]
    assert (junction.id, found.signals) == ("T", 1)
    assert {m.approach for m in junction.movements} == {"wA", "BA", "nA", "AB", "eB", "sB"}
    ends = {
        g.id: {m.approach[-1] for m in junction.movements if m.signal_group == g.id} for g in junction.signal_groups
    }
    assert all(ends[c.first] & ends[c.second] for c in junction.conflicts)


def built(folder: Path) -> Path:
    files: list[str | Path] = ["--node-files", folder / "node.xml", "--edge-files", folder / "edge.xml"]
    run_tool("netconvert", *files, "--no-turnarounds", "-o", folder / "two.net.xml", subject="two")
    return folder / "two.net.xml"


def test_fixed_time_without_room_for_the_yellow_says_so(tmp_path: Path):
    """A green of the plan that its own times do not fit into is named with the bound."""
    rows = (("GGgrrrGGgrrr", 4), ("rrrGGgrrrGGg", 25))
    found = network(tmp_path, rows)
    with pytest.raises(ConfigError, match=r"stage A: split_s = 4, must be at least"):
        build("fixed-time", layout(found.intersections), found.plans)
