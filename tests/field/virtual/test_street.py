"""The cabinet on SUMO's street: the same lamps as the plan that it was keyed in from, and loops that count."""

import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from experiments.case import place_of
from field.virtual.checker import check
from field.virtual.command import UP_S, CabinetOptions, run_cabinet
from field.virtual.machine import Machine, Settings
from field.virtual.street import CabinetStreet, until
from field.virtual.tables import tables_of
from field.virtual.unit import Unit
from scenarios.catalogue import find
from signals.errors import ConfigError
from simulation.loops import LoopReader
from simulation.measures import Window
from simulation.street import Demand, Street

SECONDS = 160


def test_the_lamps_are_those_of_the_existing_plan_second_by_second():
    """Left to itself the cabinet shows what SUMO shows under the plan, so that it costs the same delay."""
    scenario = find("single")
    demand = Demand(scenario.route_files[0], pd.DataFrame())
    planned = []
    with Street(place_of(scenario), demand, seed=0, outputs=False) as street:
        for second in range(SECONDS):
            street.sumo.step_to(second + 1)
            planned.append(street.sumo.state("J"))
    shown, volume = [], 0.0
    with CabinetStreet("single", None) as street:
        machine = Machine(tables_of(street.intersection, street.plans), Settings(), -UP_S)
        sumo = street._street.sumo
        counted = LoopReader(sumo, [d.id for d in street.intersection.detectors])
        for time_s in Unit(machine, street).ticks():
            if time_s == int(time_s):
                volume += counted.read(time_s)[0].sum()
                shown += [sumo.state("J")] if time_s else []
            if len(shown) == SECONDS:
                break
    assert shown[1:] == planned[1:]
    pulses = sum(event.code == 82 for event in machine.take_events())
    assert volume > 200
    assert pulses == pytest.approx(volume, rel=0.02)


def test_the_command_runs_logs_and_accounts(needs_program, tmp_path: Path):
    needs_program("snmpd", package="snmpd")
    log, accounts = tmp_path / "events.csv", tmp_path / "accounts.json"
    options = CabinetOptions(
        "single",
        speed=1000,
        port=0,
        seconds=100,
        warm_up_s=50,
        demand=1.0,
        draw=3,
        event_log=log,
        json=accounts,
        secrets=tmp_path / "secrets.toml",
    )
    with (tmp_path / "said").open("w") as stream:
        assert run_cabinet(options, Console(file=stream, width=200)) == 0
    said = (tmp_path / "said").read_text()
    assert "J: phases 1 2 3 5 6 7, off: 4 8; 2 rings; stages 1 5, 2 6, 3 7" in said
    assert "delay " in said
    told = json.loads(accounts.read_text())
    assert told["scheduled"] > 80
    assert told["person_delay_s"] is None
    assert 0 < told["delay_s"] < 100
    events = pd.read_csv(log, parse_dates=["TimeStamp"])
    assert events.DeviceId.unique().tolist() == ["J"]
    times_s = events.TimeStamp.astype("datetime64[ms]").astype("int64") / 1000
    rows = zip(times_s, events.EventId, events.Parameter, strict=True)
    assert check(place_of(find("single")).network.intersections[0], rows) == []
    assert {1, 7, 8, 10, 32, 33, 43, 81, 82, 131, 173} <= set(events.EventId)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seconds": 0}, "seconds = 0, must be above 0"),
        ({"backup_time_s": 70_000}, "backup-time-s = 70000, must be 0 to 65535"),
        ({"report_period_s": 0}, "report-period-s = 0, must be 1 to 255"),
        ({"port": -1}, "port = -1, must be 0 to 65535"),
        ({"event_log": Path(__file__)}, "test_street.py: is there already, and a log is never written over"),
        ({"misbehave": ("sing",)}, "misbehave = sing, must be one of silent, "),
    ],
)
def test_what_cannot_be_is_refused(options: dict, said: str):
    with pytest.raises(ConfigError, match=said):
        CabinetOptions("single", **options)


def test_a_junction_must_be_named_where_there_are_several():
    with pytest.raises(ConfigError, match="needs --junction, one of J1, "):
        CabinetStreet("arterial", None)
    with pytest.raises(ConfigError, match="unknown junction Q, must be one of J1, "):
        CabinetStreet("arterial", "Q")


def test_an_ended_run_is_accounted_for_as_far_as_it_went():
    whole = Window(600, 4200, 6000)
    assert until(whole, 0, 300) == Window(0, 300, 300)
    assert until(whole, 0, 1000) == Window(600, 1000, 1000)
    assert until(whole, 0, 5000) == Window(600, 4200, 5000)
