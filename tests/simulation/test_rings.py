"""Ring-and-barrier (NEMA) programs: told as compatible pairs of phases, taken over and given back without a jump."""

from pathlib import Path

import pytest

from signals.controllers import build
from signals.errors import ConfigError
from signals.layout import layout
from simulation.network import Network, read
from simulation.street import Street
from tests.simulation.crossroads import NEMA_PHASES, crossroads, jumps, nema, place, watched
from tests.simulation.streets import SEED, drive, tripinfo_of_sumo


@pytest.fixture(scope="module")
def net_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crossroads(tmp_path_factory.mktemp("crossroads"))


def network(net_file: Path, folder: Path, **parameters: str) -> Network:
    file = folder / "nema.add.xml"
    file.write_text(f"<additional>{nema(**parameters)}</additional>")
    return read(net_file, (file,))


def shown_by(found: Network) -> set[frozenset[int]]:
    """The links that each stage has green."""
    junction, links = found.intersections[0], found.links["C"]
    return {frozenset(x for g in junction.green_groups(s) for x in links[int(g) - 1]) for s in junction.stages}


def green(*phases: str) -> frozenset[int]:
    return frozenset(k for p in phases for k, c in enumerate(NEMA_PHASES[p]) if c in "Gg")


def test_stages_are_the_pairs_that_the_rings_and_barriers_allow(tmp_path: Path, net_file: Path):
    """One phase of each ring, on one side of the barrier."""
    pairs = [(a, b) for a, b in (("1", "5"), ("1", "6"), ("2", "5"), ("2", "6"))]
    pairs += [("3", "7"), ("3", "8"), ("4", "7"), ("4", "8")]
    assert shown_by(network(net_file, tmp_path)) == {green(*pair) for pair in pairs}


def test_phases_at_one_place_of_both_rings_come_before_those_that_overlap(tmp_path: Path, net_file: Path):
    """So that a controller which takes stages in order serves both left turns, then both streams."""
    found = network(net_file, tmp_path)
    junction, links = found.intersections[0], found.links["C"]
    first = [{x for g in junction.green_groups(s) for x in links[int(g) - 1]} for s in junction.stages[:2]]
    assert first == [green("1", "5"), green("2", "6")]


def test_phases_that_no_ring_names_and_free_places_are_left_out(tmp_path: Path, net_file: Path):
    """0 in a ring is nobody's place."""
    found = network(net_file, tmp_path, ring1="0,2,0,4", ring2="0,6,0,8")
    assert shown_by(found) == {green("2", "6"), green("4", "8")}


def test_times_are_those_of_the_phases(tmp_path: Path, net_file: Path):
    """Minimum green, yellow change and red clearance, with the rows that they come from."""
    found = network(net_file, tmp_path)
    phases = found.intersections[0].phases
    assert {(p.minimum_green_s, p.yellow_change_s, p.red_clearance_s) for p in phases} == {(6.0, 4.0, 2.0)}
    assert found.sources["C"]["phases.1.yellow_change_s"] == "plan: yellow after row 1"
    assert found.sources["C"]["stages"] == "compatible pairs of the NEMA phases of ring 1 and ring 2"
    assert found.kinds == {"C": "NEMA"}


def test_a_left_turn_is_protected_in_its_own_phase_and_yields_in_the_other(tmp_path: Path, net_file: Path):
    found = network(net_file, tmp_path)
    junction, links = found.intersections[0], found.links["C"]
    left = str(links.index((2,)) + 1)
    ways = {s.name: left in s.permissive for s in junction.stages if left in junction.green_groups(s)}
    assert sorted(ways.values()) == [False, False, True]


def test_fixed_time_names_junction_and_rows(tmp_path: Path, net_file: Path):
    """A plan in rings has no fixed order; in one line, with the way out."""
    found = network(net_file, tmp_path)
    with pytest.raises(ConfigError, match=r"intersection C: its existing plan .* rows 0, 1, .* rings.*fixed-time:FILE"):
        build("fixed-time", layout(found.intersections), found.plans)


def test_left_to_itself_it_is_what_sumo_does_alone(tmp_path: Path, net_file: Path):
    where = place(tmp_path, net_file, nema(), 400.0)
    assert drive(*where, "existing") == tripinfo_of_sumo(*where, tmp_path)


@pytest.mark.parametrize("let_go_s", [200.0, 203.0, 207.0, 211.0, 216.0])
@pytest.mark.parametrize("controller", ["actuated", "max-pressure"])
def test_it_is_taken_over_and_given_back_without_a_jump(
    tmp_path: Path, net_file: Path, controller: str, let_go_s: float
):
    """Every head that loses its green shows yellow for its time, also into and out of the rings' own plan."""
    with Street(*place(tmp_path, net_file, nema()), SEED, outputs=False) as street:
        shown = watched(street, controller, 150.0)
        assert not street.plant.read().local.any()
        shown += watched(street, controller, 400.0, let_go_s=let_go_s)
        assert street.plant.read().local.all()
        assert street.sumo.trafficlight.getProgram("C") == "N"
    assert jumps(shown) == []
    assert len(set(shown[-150:])) > 4
