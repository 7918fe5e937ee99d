"""SUMO's own controllers: the existing plan's stages and interstages, with greens that SUMO chooses within bounds."""

from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from experiments.case import place_of
from experiments.demand import draw_demand
from experiments.grid import grid
from scenarios.catalogue import find
from signals.errors import ConfigError
from signals.sequencer import intervals_between
from signals.values import TRANSITION
from simulation.network import Network
from simulation.own_control import LONGEST_GREEN_S, OWN_CONTROL, kept_plans, own_control_xml
from simulation.programs import read_programs
from simulation.street import Demand, Street
from simulation.switching import Switching

SCENARIO = find("resco:cologne3")
SPAN_S = 900.0


def network() -> Network:
    return place_of(SCENARIO).network


def shown(controller: str, folder: Path) -> list[list[tuple[int, float]]]:
    """Of each junction, (stage, how long it stood) one after the other over a quarter of an hour; the ends are cut."""
    drawn = draw_demand(SCENARIO, 1.0, 100, folder)
    demand = Demand(drawn.route_file, drawn.vehicles)
    with Street(place_of(SCENARIO), demand, seed=100, outputs=False, own_control=controller) as street:
        stages = [street.plant.read().stage for now_s in street.clock(1.0) if now_s < SCENARIO.begin_s + SPAN_S]
    return [
        [(int(stage), float(len(list(run)))) for stage, run in groupby(of)][1:-1] for of in zip(*stages, strict=True)
    ]


@pytest.mark.parametrize("controller", OWN_CONTROL)
def test_stages_and_interstages_are_the_plans_and_greens_are_not(controller: str, tmp_path: Path):
    """Every interstage lasts as it does under every other controller."""
    for row, spans in enumerate(shown(controller, tmp_path)):
        built = network().intersections[row]
        order = [stage for stage, _ in spans if stage != TRANSITION]
        splits = [split.stage for split in network().plans.of(built.id)[0].splits]
        following = dict(zip(splits, [*splits[1:], splits[0]], strict=True))
        names = [built.stages[stage].name for stage in order]
        assert all(following[a] == b for a, b in pairwise(names))
        for (before, _), (between, lasts_s), (after, _) in zip(spans, spans[1:], spans[2:], strict=False):
            if between == TRANSITION:
                intervals = intervals_between(built, built.stages[before], built.stages[after])
                assert lasts_s == sum(interval.duration_s for interval in intervals)
        greens_s = [(lasts_s, built.stages[stage].minimum_green_s) for stage, lasts_s in spans if stage != TRANSITION]
        assert all(max(5.0, least_s) <= green_s <= LONGEST_GREEN_S for green_s, least_s in greens_s)
        assert len({green_s for green_s, _ in greens_s}) > 4, "the traffic decides"


def test_a_signal_that_has_no_order_of_stages_keeps_its_plan():
    """As does one whose program SUMO changes itself; where that is all of them, nothing is left to compare."""
    three = network()
    first, second, third = (intersection.id for intersection in three.intersections)
    some = replace(
        three,
        plans=three.plans.model_copy(update={"untold": {first: "rows 1 have no fixed order"}}),
        switching={second: Switching("W", Path("w.xml"), "0", ())},
    )
    assert list(kept_plans(some)) == [first, second]
    text = own_control_xml(some, "sumo-actuated")
    assert third in text and first not in text and second not in text
    none = replace(some, switching={name: Switching("W", Path("w.xml"), "0", ()) for name in (second, third)})
    with pytest.raises(ConfigError, match=r"at 0 of 3 signals, must be at least 1; signal .* no fixed order"):
        own_control_xml(none, "sumo-actuated")


def branching(folder: Path, *signals: str) -> str:
    """cologne3 as a file list in which some signals have a program without an order."""
    programs = read_programs(SCENARIO.net_file, signals, ())
    text = ""
    for name in signals:
        rows = programs[name].running[0].rows
        ways = [f'next="{(k + 1) % len(rows)} {(k + 3) % len(rows)}"' for k in range(len(rows))]
        phases = [f'<phase duration="9" state="{row.state}" {way}/>' for row, way in zip(rows, ways, strict=True)]
        text += f'<tlLogic id="{name}" programID="b" type="static" offset="0">{"".join(phases)}</tlLogic>'
    (folder / "b.add.xml").write_text(f"<additional>{text}</additional>")
    span = f'<begin value="{SCENARIO.begin_s}"/><end value="{SCENARIO.end_s}"/>'
    files = f'<net-file value="{SCENARIO.net_file}"/><route-files value="{SCENARIO.route_files[0]}"/>'
    configuration = folder / "three.sumocfg"
    configuration.write_text(
        f'<configuration><input>{files}<additional-files value="b.add.xml"/></input><time>{span}</time></configuration>'
    )
    return str(configuration)


def test_what_keeps_its_plan_is_told_before_the_first_case(tmp_path: Path):
    """As a warning where another signal can be run, else as an error."""
    names = [intersection.id for intersection in network().intersections]
    some = grid([branching(tmp_path, names[0])], ["existing", "sumo-actuated"], [1.0], draws=1)
    (warning,) = some.warnings()
    assert f"sumo-actuated leaves to its own plan signal {names[0]}: its plan has no order of stages: rows" in warning
    some.check_names()
    (tmp_path / "none").mkdir()
    none = grid([branching(tmp_path / "none", *names)], ["sumo-actuated"], [1.0], draws=1)
    with pytest.raises(ConfigError, match=r"scenario .*three.sumocfg: sumo-actuated: can be run at 0 of 3 signals"):
        none.check_names()
    with pytest.raises(ConfigError, match="controller sumo-nema: unknown"):
        grid(["single"], ["sumo-nema"], [1.0], draws=1).check_names()
