"""What the figure of the loop through a cabinet rests on; the loop itself is a command of its own."""

import argparse
import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cabinet_in_the_loop as benchmark
from benchmarks.cabinet_in_the_loop import EXISTING, Loop, Pair, kept, mean, verdicts, write_secrets, write_site
from benchmarks.stepped_cabinet import Centre, InMemory, patient
from field.cabinet import Level
from field.ntcip import objects
from field.ntcip.objects import FREE
from field.site_file import built, load
from field.street import scenario_junction
from field.virtual.agent import Agent, access_from
from field.virtual.answers import Answers
from field.virtual.machine import Machine, Settings
from field.virtual.objects import Objects
from field.virtual.tables import tables_of
from signals.errors import PlantError
from tests.conftest import NeedsProgram

PAIR = Pair("single", "J", "adaptive", "hold", 150, 10.0, "actuation", 540.0, None)
SECONDS = 15


@pytest.mark.parametrize(("through_s", "share"), [(20.0, 1.0), (30.0, 0.5), (40.0, 0.0), (44.0, -0.2), (18.0, 1.1)])
def test_kept_is_the_share_of_the_reduction(through_s: float, share: float):
    """Of 40 s by the plan and 20 s in SUMO directly; worse than the plan is below nothing."""
    assert kept(40.0, 20.0, through_s) == pytest.approx(share)


def test_where_nothing_was_gained_nothing_is_kept():
    """A ratio to no gain at all would be any number."""
    assert kept(36.0, 36.0, 30.0) is None
    assert kept(36.0, 37.0, 30.0) is None


def test_the_mean_is_that_of_the_delays_and_not_of_the_shares():
    """A draw with hardly any gain has no weight beyond its seconds."""
    direct = {(EXISTING, 1): 40.0, ("adaptive", 1): 20.0, (EXISTING, 2): 30.0, ("adaptive", 2): 29.0}
    rows = [
        {"draw": 1, "controller": "adaptive", "delay_s": 22.0},
        {"draw": 2, "controller": "adaptive", "delay_s": 33},
    ]
    told = verdicts(rows, direct)
    assert [row["kept"] for row in told] == [pytest.approx(0.9), pytest.approx(-3.0)]
    assert mean(told)["kept"] == pytest.approx((35.0 - 27.5) / (35.0 - 24.5))


def test_the_site_is_one_that_control_py_takes(tmp_path: Path):
    """Every loop of the junction on a channel of its own, over SNMP v3."""
    intersection, _ = scenario_junction("single", "J")
    site = load(write_site(tmp_path, PAIR, intersection, 6053, "0" * 64))
    built(site)
    assert site.level == Level.HOLD
    assert site.cabinet.snmp.version == "v3"
    assert [d.id for d in site.cabinet.detectors] == [d.id for d in intersection.detectors]


def test_what_is_other_is_kept_apart():
    """A figure by one clock, or of a cabinet whose loops call nobody, is not taken for another."""
    other = [
        replace(PAIR, stepped="wire"),
        replace(PAIR, stepped="memory"),
        replace(PAIR, local_calls=False),
        replace(PAIR, speed=20.0),
    ]
    assert len({pair.name for pair in [PAIR, *other]}) == 5


def shown(folder: Path, wire: bool) -> list[tuple[int, int, int]]:
    """Pattern, holds and greens of the unit by tenths, with a centre that takes it over the wire or in memory."""
    access = access_from(write_secrets(folder))
    intersection, plans = scenario_junction("single", "J")
    machine = Machine(tables_of(intersection, plans.of("J")), Settings(report_period_s=5), 0.0)
    answers, site = Answers(Objects(machine)), load(write_site(folder, PAIR, intersection, 6053, ""))
    told = []
    with ExitStack() as held:
        if wire:
            agent = held.enter_context(Agent(answers, access))
            centre = Centre(patient(site, agent.port), machine, held)
        else:
            centre = Centre(patient(site), machine, held, lambda: InMemory(answers))
        for tenths in range(1, 10 * SECONDS):
            machine.tick(tenths / 10, [False] * len(machine.detectors))
            centre.look(tenths)
            told.append((machine.controls.pattern, machine.controls.masks["hold"], len(machine.rings.vehicle_greens)))
        assert (centre.taken, centre.released) == (1, [])
    return told


def test_the_centre_takes_the_cabinet_by_its_clock_and_keeps_it(tmp_path: Path):
    """It watches, approves what it sees, holds, and is not let go of afterwards."""
    told = shown(tmp_path, wire=False)
    assert told[0][:2] == (0, 0)
    assert told[-1][0] == FREE
    assert told[-1][1]


def test_the_figures_without_the_wire_are_those_with_it(tmp_path: Path, needs_program: NeedsProgram):
    """The unit does the same at the same tenth, however long an answer takes."""
    needs_program("snmpd", package="snmpd")
    for name in ("wire", "memory"):
        (tmp_path / name).mkdir()
    assert shown(tmp_path / "wire", wire=True) == shown(tmp_path / "memory", wire=False)


def test_in_memory_too_nothing_is_written_but_what_may_be():
    """The allow-list is asked before the unit."""
    intersection, plans = scenario_junction("single", "J")
    machine = Machine(tables_of(intersection, plans.of("J")), Settings(), 0.0)
    with pytest.raises(PlantError, match="may be written"):
        InMemory(Answers(Objects(machine))).set(objects.UNIT_BACKUP_TIME.at(0), 60)
    assert machine.controls.backup_time_s == Settings().backup_time_s


def test_what_is_finished_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stopped after the first draw, the same command goes on with the second."""
    driven: list[int] = []

    def drive(pair: Pair, *_: object) -> dict[str, Any]:
        if driven == [150]:
            raise KeyboardInterrupt
        driven.append(pair.draw)
        return {"draw": pair.draw, "delay_s": 1.0, "wall_s": 1, "late_ticks": 0, "ticks": 1, "released": [], "taken": 1}

    monkeypatch.setattr(benchmark, "approved_tables", lambda *_: "")
    monkeypatch.setattr(benchmark, "drive", drive)
    asked = argparse.Namespace(
        scenario="single", junction="J", controller="adaptive", level=["hold"], first_draw=150, draws=2, speed=10.0,
        counts="actuation", warm_up_s=540.0, seconds=None, parallel=1, out=tmp_path,
        stepped="", no_local_calls=False, timing=[5],
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        Loop(asked).run()
    driven.append(0)
    assert [row["draw"] for row in Loop(asked).run()] == [150, 151]
    assert driven == [150, 0, 151]
    assert [json.loads(f.read_text())["draw"] for f in sorted(tmp_path.glob("*/pair.json"))] == [150, 151]
