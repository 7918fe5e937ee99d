"""Timing sheets read from networks, compared row by row with the programs in their files."""

import gzip
import xml.etree.ElementTree as ET
from itertools import pairwise, permutations
from pathlib import Path

import pytest
import sumo as sumo_wheel

from scenarios.sumo_tools import package_folder
from signals.intersection import Aspect, Intersection
from signals.sequencer import intervals_between
from simulation.network import Network, read

SUMO = Path(sumo_wheel.__file__).parent / "tools"
SHEETS = {
    "RESCO cologne1": package_folder("sumo_rl", "sumo-rl") / "nets/RESCO/cologne1/cologne1.net.xml",
    "Braunschweig": SUMO / "game/fokr_bs_demo/fokr_bs.net.xml.gz",
    "RiLSA 1": SUMO / "sumolib/scenario/scenarios/RealWorld/RiLSA_example1/rilsa1.net.xml",
    "RiLSA 4": SUMO / "sumolib/scenario/scenarios/RealWorld/RiLSA_example4/rilsa4.net.xml",
}
LETTERS = {
    Aspect.GREEN: "G",
    Aspect.PERMISSIVE: "g",
    Aspect.YELLOW: "y",
    Aspect.RED: "r",
    Aspect.RED_YELLOW: "u",
    Aspect.TURN_ON_RED: "s",
}


def program(file: Path, signal: str) -> ET.Element:
    """Straight from the file: the last of its programs."""
    said = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [e for e in ET.fromstring(said).iter("tlLogic") if e.get("id") == signal][-1]


def seconds_of_the_file(logic: ET.Element) -> list[str]:
    rows = [(p.get("state", ""), float(p.get("duration", 0))) for p in logic.iter("phase")]
    return [state.replace("Y", "y") for state, duration_s in rows for _ in range(round(duration_s))]


def seconds_of_the_sheet(network: Network, junction: Intersection) -> list[str]:
    """Stages and interstages strung together as the plan says."""
    plan = network.plans.of(junction.id)[0]
    stages = {s.name: s for s in junction.stages}
    between = {(i.start, i.end): i.intervals for i in junction.interstages}
    order = [s.stage for s in plan.splits]
    shown: list[str] = []
    for split, pair in zip(plan.splits, pairwise([*order, order[0]]), strict=True):
        intervals = between[pair] if pair[0] != pair[1] else ()
        green_s = split.split_s - sum(i.duration_s for i in intervals)
        shown += [text(network, junction, junction.stage_aspects(stages[split.stage]))] * round(green_s)
        for interval in intervals:
            shown += [text(network, junction, interval.aspects)] * round(interval.duration_s)
    return shown


def text(network: Network, junction: Intersection, aspects: tuple[Aspect, ...]) -> str:
    links = network.links[junction.id]
    letters = {k: LETTERS[a] for a, group in zip(aspects, links, strict=True) for k in group}
    letters |= network.always.get(junction.id, {})
    return "".join(letters[k] for k in range(len(letters)))


@pytest.mark.parametrize("name", SHEETS)
def test_the_sheet_is_the_plan_row_by_row(name: str):
    """Every second of the cycle, every head; the offset says where the cycle begins."""
    network = read(SHEETS[name])
    for junction in network.intersections:
        logic, plan = program(SHEETS[name], junction.id), network.plans.of(junction.id)[0]
        in_file, told = seconds_of_the_file(logic), seconds_of_the_sheet(network, junction)
        shift = round(plan.offset_s - float(logic.get("offset", 0))) % len(in_file)
        assert len(in_file) == len(told) == plan.cycle_s
        assert told == in_file[shift:] + in_file[:shift]


def test_the_real_braunschweig_plan_has_its_lasting_rows_as_stages():
    """46 rows, most of a second: six rows that last are stages as they stand, a seventh serves who has none of them."""
    folder = SHEETS["Braunschweig"].parent
    network = read(SHEETS["Braunschweig"], (folder / "signalPlan.add.xml",))
    junction, rows = network.intersections[0], list(program(folder / "signalPlan.add.xml", "38").iter("phase"))
    assert len(rows) == 46
    stages = [text(network, junction, junction.stage_aspects(s)) for s in junction.stages]
    assert stages[:6] == [rows[k].get("state") for k in (4, 9, 11, 26, 30, 39)]
    assert {k for s in stages for k, c in enumerate(s) if c in "Gg"} == set(range(46))
    assert network.plans.untold == {"38": "rows 21, 28, 29 are green for less than 3 s"}


def test_pedestrians_keep_walk_and_clearance():
    """Braunschweig: as the network's plan has them; bicycles have heads of their own."""
    junction = read(SHEETS["Braunschweig"]).intersections[0]
    kinds = [g.kind for g in junction.signal_groups]
    assert (kinds.count("pedestrian"), kinds.count("bicycle")) == (8, 8)
    walking = [p for p in junction.phases if kinds[p.number - 1] == "pedestrian"]
    assert all(p.minimum_green_s >= 18 and p.red_clearance_s >= 8 for p in walking)


def test_whoever_has_a_long_way_clears_between_any_stages_as_in_the_plan():
    """Braunschweig, 59 m across: a change that the plan never makes leaves two heads the time that the plan has."""
    folder = SHEETS["Braunschweig"].parent
    network = read(SHEETS["Braunschweig"], (folder / "signalPlan.add.xml",))
    junction = network.intersections[0]
    at = {g.id: (k, network.links["38"][k][0]) for k, g in enumerate(junction.signal_groups)}
    seconds = seconds_of_the_file(program(folder / "signalPlan.add.xml", "38"))
    shown = {pair: seconds_between(seconds, at[pair[0]][1], at[pair[1]][1]) for pair in (("6", "2"), ("6", "22"))}
    assert shown == {("6", "2"): 9, ("6", "22"): 10}
    for start, end in permutations(junction.stages, 2):
        for (first, second), least_s in shown.items():
            if first in junction.green_groups(start) and second in junction.green_groups(end):
                intervals = intervals_between(junction, start, end)
                left = [
                    i.duration_s for i in intervals if i.aspects[at[first][0]] not in (Aspect.GREEN, Aspect.PERMISSIVE)
                ]
                assert sum(left) >= least_s, (start.name, end.name)


def test_a_pair_that_no_plan_shows_has_the_longest_of_the_head_that_ends():
    """Braunschweig: from F (6, 7) the plan goes to A alone; on the way to C nobody begins sooner than on that to A."""
    folder = SHEETS["Braunschweig"].parent
    junction = read(SHEETS["Braunschweig"], (folder / "signalPlan.add.xml",)).intersections[0]
    stage = {s.name: s for s in junction.stages}
    to_a, to_c = (sum(i.duration_s for i in intervals_between(junction, stage["F"], stage[k])) for k in "AC")
    assert to_c >= to_a == 12


def seconds_between(seconds: list[str], ends: int, begins: int) -> int:
    """From the end of one link's green to the other's."""
    round_twice = seconds * 2
    end = next(k for k, state in enumerate(seconds) if state[ends] in "Gg" and round_twice[k + 1][ends] not in "Gg")
    return next(k for k in range(end, len(round_twice)) if round_twice[k][begins] in "Gg") - end - 1
