"""Persons at crossings: served by whoever controls the junction, never cut short, accounted for, and SUMO's own."""

import math
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd
import pytest

from experiments.case import Case, run_case
from scenarios.sumo_tools import package_folder, run_tool
from signals.flow import FlowEstimator
from signals.intersection import Aspect, Intersection
from signals.loop import Loop
from signals.safety import Interlock
from signals.values import Decision, Mode, Record, TrafficState
from simulation.persons import CrossingWaits
from simulation.starvation import Starvation
from simulation.street import Street
from tests.simulation.crossings import cars, crossings_street, scenario_file, ticks, walk
from tests.simulation.streets import SEED, loop_over, place_and_demand, tripinfo_of_our_path, tripinfo_of_sumo

CONTROLLERS = ("actuated", "max-pressure")
SPAN_S = 900
MAXIMUM_RED_S = {"actuated": 240.0, "max-pressure": 100.0 + 40.0}
"""For max-pressure its setting, and what stands or has waited longer; for actuated a round of maximum greens."""
WAYS = [("NC", "CN"), ("EC", "CW"), ("SC", "CS"), ("WC", "CE"), ("NC", "CE"), ("EC", "CS")]
PERSONS = "".join(walk(f"p{k}", 23 * k, *WAYS[k % len(WAYS)]) for k in range(36))
BUSY = (PERSONS, cars("NC", "CS", 3, SPAN_S), cars("SC", "CN", 3, SPAN_S), cars("EC", "CW", 11, SPAN_S))
GREENS = (Aspect.GREEN, Aspect.PERMISSIVE)


@cache
def busy(controller: str) -> tuple[Intersection, Sequence[Record]]:
    """A quarter of an hour with traffic on both streets, and persons on all crossings."""
    with crossings_street(BUSY, SPAN_S) as street:
        return street.network.intersections[0], list(ticks(street, controller, SPAN_S))


def walkers(intersection: Intersection) -> list[int]:
    """The heads of crossings."""
    return [k for k, group in enumerate(intersection.signal_groups) if group.kind == "pedestrian"]


def spans_s(flags: Sequence[bool]) -> list[int]:
    """How long a flag was up each time, the last of which may not be over."""
    return [len(list(run)) for up, run in groupby(flags) if up]


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_whoever_has_called_is_served_within_the_maximum_red(controller: str):
    """On all four crossings, beside the main street and across it."""
    intersection, records = busy(controller)
    waits_s = [
        span_s
        for head in walkers(intersection)
        for span_s in spans_s([bool(r.snapshot.calls[0, head]) for r in records])
    ]
    assert len(waits_s) >= 10
    assert max(waits_s) <= MAXIMUM_RED_S[controller]
    assert all(record.command.granted(0) for record in records)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_walk_and_clearance_are_never_cut(controller: str):
    """As the heads were read back: green for the minimum green, then nobody who crosses until the clearance is over."""
    intersection, records = busy(controller)
    aspects = np.array([record.snapshot.aspects[0] for record in records])
    green = np.isin(aspects, GREENS)
    index = {group.id: k for k, group in enumerate(intersection.signal_groups)}
    prohibited = {(index[c.first], index[c.second]) for c in intersection.conflicts if not c.yielding_in}
    checked = 0
    for head in walkers(intersection):
        phase = intersection.phase_of(intersection.signal_groups[head].id)
        assert phase.minimum_green_s >= 4
        assert phase.red_clearance_s >= 4
        ends = [t for t in range(1, SPAN_S) if green[t - 1, head] and not green[t, head]]
        assert min(spans_s(green[: ends[-1], head].tolist())) >= phase.minimum_green_s
        foes = [a if b == head else b for a, b in prohibited if head in (a, b)]
        for end in ends:
            within = aspects[end : end + round(phase.yellow_change_s + phase.red_clearance_s)]
            assert not np.isin(within[:, foes], GREENS).any()
            checked += bool(foes)
    assert checked > 10


class Stubborn:
    """Never leaves the stage that stands."""

    def decide(self, traffic: TrafficState) -> Decision:
        one = np.zeros(1, np.int64)
        return Decision(traffic.time_s, np.full(1, Mode.GO, np.int8), traffic.last_stage, one, np.zeros(1), ("stays",))


def test_a_call_that_is_never_served_releases_the_junction_to_its_own_plan():
    """The interlock's maximum red counts from the latch; the plan then lets the person walk."""
    with crossings_street([walk("a", 0, "NC", "CN")], 600) as street:
        loop = Loop(
            street.plant, FlowEstimator(street.layout), Stubborn(), Interlock(street.layout, maximum_red_s=60.0)
        )
        first_s = released_s = None
        while street.sumo.time_s < 400:
            record = loop.tick()
            called = record.snapshot.calls.any()
            first_s = record.snapshot.time_s if called and first_s is None else first_s
            if released_s is None and first_s is not None and not record.command.granted(0):
                released_s, why = record.snapshot.time_s, record.command.reason(0)
            street.sumo.step_to(street.sumo.time_s + 1)
        assert first_s is not None
        assert released_s == first_s + 60
        assert "maximum red" in why
        assert street.sumo.persons() == 0
        assert not record.snapshot.calls.any()


@cache
def braunschweig() -> str:
    """SUMO's demo of a real junction in two-part crossings, its plan rebuilt by netconvert, in coarser steps."""
    demo = package_folder("sumo", "eclipse-sumo") / "tools" / "game" / "fokr_bs_demo"
    folder = Path(mkdtemp(prefix="tests-braunschweig-"))
    words = ("--sumo-net-file", demo / "fokr_bs.net.xml.gz", "--tls.rebuild", "--tls.default-type", "static")
    run_tool("netconvert", *words, "--output-file", folder / "net.xml", subject="braunschweig")
    routes = ",".join(
        str(demo / f"15_16_{kind}") for kind in ("bicycle.trips.xml", "ped.trips.xml", "veh.trips.xml.gz")
    )
    files = f'<net-file value="net.xml"/><route-files value="{routes}"/>'
    types = f'<additional-files value="{demo / "vtypes_default.add.xml"}"/>'
    times = '<begin value="54300"/><end value="55500"/><step-length value="0.5"/>'
    (folder / "braunschweig.sumocfg").write_text(f"<configuration>{files}{types}{times}</configuration>")
    return str(folder / "braunschweig.sumocfg")


@pytest.mark.slow
@pytest.mark.parametrize("controller", CONTROLLERS)
def test_nobody_is_starved_where_many_walk_and_cycle(controller: str):
    """Eight half crossings with refuges: nobody waited for a green for four minutes, as the street itself saw it."""
    place, demand = place_and_demand(braunschweig(), 900.0)
    with Street(place, demand, SEED, outputs=False) as street:
        loop, starvation, waits = loop_over(street, controller), *watchers(street)
        while street.sumo.time_s < place.end_s:
            loop.tick()
            street.sumo.step_to(street.sumo.time_s + 1.0)
            starvation.sample(street.sumo.time_s)
            waits.sample(street.sumo.time_s)
    assert len(waits.longest_s) > 50
    assert max(waits.longest_s.values()) < 240.0
    assert starvation.longest_s < 240.0


def watchers(street: Street) -> tuple[Starvation, CrossingWaits]:
    return Starvation(street.sumo, street.network), CrossingWaits(street.sumo, street.network)


def test_calls_do_not_touch_the_street(tmp_path: Path):
    """Asking who waits changes nothing: with the existing plan all trips and walks are byte for byte raw SUMO's."""
    name = str(scenario_file(tmp_path, BUSY, 600))
    alone = tripinfo_of_sumo(*place_and_demand(name, 600.0), tmp_path)
    assert alone.count("<personinfo ") > 15
    assert tripinfo_of_our_path(name, 600.0, "existing") == alone


def test_a_case_accounts_for_persons(tmp_path: Path):
    """Those of the window: how many, what they lost, and how much of it before crossings."""
    scenario = str(scenario_file(tmp_path, BUSY, 600))
    row = run_case(Case(scenario, "existing", 1.0, 0), tmp_path)
    assert 5 <= row["persons"] <= 20
    assert 0 < row["person_wait_s"] < row["person_delay_s"] < 200
    assert row["person_wait_s"] <= row["person_wait_max_s"] < 90
    assert row["starve_max_s"] < 90
    assert row["vehicles_controlled_share"] == 1.0
    assert math.isnan(row["bicycle_delay_s"])


def test_persons_alone_are_a_scenario(tmp_path: Path):
    """A case without vehicles has the persons' measures; a mean over no vehicles is no number."""
    street = scenario_file(tmp_path, (walk("p", 10, "NC", "CN"),), 120)
    row = run_case(Case(str(street), "max-pressure", 1.0, 0), tmp_path)
    assert (row["scheduled"], row["persons"], row["gridlock"]) == (0, 1, False)
    assert row["person_delay_s"] >= 0
    assert math.isnan(row["delay_s"])


def test_waits_are_told_by_crossing_and_by_the_arm_that_it_leads_over(tmp_path: Path):
    """All waits of the window's persons are at one crossing or another; who walks over without a wait counts too."""
    walkers = [walk(f"w{k}", 700.0 + 40.0 * k, *WAYS[k % len(WAYS)]) for k in range(30)]
    case = Case(str(scenario_file(tmp_path, ["".join(walkers)], 3600.0)), "existing", 1.0, 0)
    row = run_case(case, tmp_path)
    found = pd.DataFrame(row["tables"]["crossings"])
    assert set(found.heading) <= set("NESW") and (found.persons <= 30).all() and found.persons.sum() >= 30
    stood_s = (found.persons * found.crossing_wait_s).sum()
    assert stood_s == pytest.approx(30 * row["person_wait_s"], abs=1.0) and stood_s > 0
    assert found.crossing_wait_max_s.max() == row["person_wait_max_s"]
