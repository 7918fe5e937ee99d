"""Figures by period, movement and link: they add up to the case's, and stop lines are watched as they are."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.case import Case, run_case
from scenarios.catalogue import find
from simulation.delay_split import Split
from simulation.link_means import Means
from simulation.measures import Window
from simulation.movement_watch import MovementWatch
from simulation.network import Network, read
from simulation.street import Street
from simulation.tables import Places, period_ends_s, periods
from tests.simulation.crossroads import crossroads, place

WINDOW = Window(begin_s=600.0, end_s=4200.0, cap_s=7800.0)


@pytest.fixture(scope="module")
def net_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crossroads(tmp_path_factory.mktemp("crossroads"))


@pytest.fixture(scope="module")
def network(net_file: Path) -> Network:
    return read(net_file)


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_case(Case("single", "existing", 0.5, 0), tmp_path_factory.mktemp("case"))


def test_turns_that_share_a_lane_are_one_group(network: Network):
    """A left turn with a lane of its own is another; both are told by where their vehicles come from."""
    found = {(g.heading, g.turns): set(g.storage_m) for g in network.movement_groups}
    assert len(found) == 8
    assert found["N", ("left",)] == {"ni_1"}
    assert found["N", ("through", "right")] == {"ni_0"}


def test_storage_goes_on_upstream_as_far_as_nobody_else_queues_there():
    """The lane before a fan of bays that feeds one of them alone is that one's; the other feeds two and is nobody's."""
    groups = {(g.approach, g.turns): g for g in read(find("single").net_file).movement_groups}
    through, left = groups["N-J.bay", ("through", "right")], groups["N-J.bay", ("left",)]
    assert set(through.storage_m) == {"N-J.bay_0", "N-J.bay_1", "N-J_0"}
    assert set(left.storage_m) == {"N-J.bay_2"}


def test_every_second_of_delay_is_in_one_period_and_on_one_link(row: dict[str, Any]):
    """Weighted by their vehicles they give the case's own delay."""
    by_period, links = (pd.DataFrame(row["tables"][name]) for name in ("periods", "links"))
    lost_s = row["delay_s"] * row["scheduled"]
    assert by_period.scheduled.sum() == row["scheduled"]
    assert (by_period.delay_s * by_period.scheduled).sum() == pytest.approx(lost_s, rel=0.001)
    assert (links.delay_s * links.vehicles).sum() == pytest.approx(lost_s, rel=0.002)
    assert (links.trip_delay_s * links.trips).sum() == pytest.approx(lost_s, rel=0.002)
    assert by_period.co2_kg.sum() == pytest.approx(row["co2_kg"], abs=0.1)


def test_links_have_their_traffic_as_flow_density_and_speed_belong_together(row: dict[str, Any]):
    """Flow is density times speed where lanes are one; who leaves a link in the window is mostly who came onto it."""
    links = pd.DataFrame(row["tables"]["links"]).set_index("link")
    one_lane = links.loc[["N-J", "E-J"]]
    lanes = one_lane.flow_veh_per_h / (one_lane.density_veh_per_km * one_lane.speed_km_per_h)
    assert ((lanes > 0.9) & (lanes < 2.2)).all()
    length_km = pd.Series({name: of[0] / 1000 for name, of in read(find("single").net_file).edges.items()})
    hours = row["completed"] / row["throughput_veh_per_h"]
    co2_kg = (links.co2_kg_per_km_h * length_km[links.index]).sum() * hours
    assert co2_kg == pytest.approx(row["co2_kg"], rel=0.15)
    assert (links.flow_veh_per_h * hours).sum() == pytest.approx(links.vehicles.sum(), rel=0.05)


def test_movement_groups_have_all_delay_at_signals_and_turns_that_of_their_group(row: dict[str, Any]):
    """What is lost on the way to a stop line is lost once."""
    movements = pd.DataFrame(row["tables"]["movements"])
    groups = movements.capacity_veh_per_h.notna()
    at_signals_s = (movements.delay_s * movements.vehicles)[groups].sum() / row["scheduled"]
    assert at_signals_s == pytest.approx(row["delay_at_signals_s"], rel=0.002)
    shared = movements[movements.turns == "through+right"]
    assert len(shared) == 4
    for _, group in shared.iterrows():
        turns = movements[(movements.approach == group.approach) & movements.turns.isin(["through", "right"])]
        assert turns.vehicles.sum() == group.vehicles
        assert turns.demand_veh_per_h.sum() == pytest.approx(group.demand_veh_per_h, abs=0.2)


def test_delay_is_that_of_the_movement_that_a_vehicle_is_to_take(network: Network):
    """Who never enters, or is stuck before the stop line, delays it too; who never enters does not come to it."""
    places = Places(network, WINDOW)
    for split in (
        Split(["ni", "eo"], [100.0], [], entered=False),
        Split(["ni", "eo"], [20.0, 1.0], [700.0, 720.0]),
        Split(["ni", "eo"], [30.0, 1.0], [4300.0, 4310.0]),
        Split(["ni", "eo"], [60.0], []),
        Split(["ni", "so"], [5.0, 0.0], [900.0, 910.0]),
    ):
        places.add(split)
    trips = pd.DataFrame({"depart_s": [700.0, 100.0], "edges": ["ni eo", "ni eo"]})
    found = pd.DataFrame(places.movements(trips, watched([], network), Means({}, {"ni_1": 0.5, "ni_0": 9.0})))
    left = found[(found.approach == "ni") & (found.turns == "left")].iloc[0]
    assert (left.vehicles, left.served, left.delay_s) == (3, 1, 70.0)
    assert left.demand_veh_per_h == 1.0
    assert left.co2_kg_per_h == 0.5


class Seen:
    """SUMO as the watch asks it: what the signal shows and how long each vehicle on `ni_1` has stood."""

    def __init__(self, steps: Sequence[tuple[str, list[float]]]) -> None:
        self._steps: Iterator[tuple[str, list[float]]] = iter(steps)
        self.shown, self.stood_s = "", [0.0]

    def step(self) -> None:
        self.shown, self.stood_s = next(self._steps)

    def state(self, _junction: str) -> str:
        return self.shown

    def halting(self, lane: str) -> int:
        return sum(stood_s > 0 for stood_s in self.stood_s) if lane == "ni_1" else 0

    def standing_s(self, _lane: str) -> list[float]:
        return self.stood_s


def watched(steps: Sequence[tuple[str, list[float]]], network: Network) -> MovementWatch:
    seen = Seen(steps)
    watch = MovementWatch(seen, network, WINDOW)  # type: ignore[arg-type]
    for second in range(len(steps)):
        seen.step()
        watch.sample(WINDOW.begin_s + 1.0 + second)
    return watch


RED, GREEN, YIELDING = "r" * 12, "GGGrrrGGGrrr", "GGgrrrGGgrrr"


def test_a_cycles_queue_is_its_longest_and_the_last_cycle_counts(network: Network):
    """From one beginning of green to the next; as a green begins the queue is looked at between two samples too."""
    cycle = [(RED, [float(k)] * 4) for k in range(1, 9)] + [(YIELDING, [9.0] * 6)] + [(YIELDING, [])] * 3
    watch = watched([*cycle, *cycle, (RED, [1.0]), (RED, [2.0])], network)
    left = next(each for each in watch.watched if each.of.approach == "ni" and each.of.turns == ("left",))
    assert left.queues_veh == [6, 6]
    figures = left.figures(watch.shown_s["C"], vehicles=4)
    assert figures["green_share"] == round(8 / 26, 4)
    assert figures["yielding_share"] == 1.0
    assert figures["capacity_veh_per_h"] == round(1800 * 8 / 26, 1)
    assert figures["queue_p95_veh"] == pytest.approx(np.quantile([6, 6, 1], 0.95))
    assert figures["wait_max_s"] == 9.0


def test_a_stop_is_counted_once_however_long_it_lasts(network: Network):
    """Who stood in the sample before does not stop again."""
    watch = watched([(RED, [k + 0.0, max(k - 7.0, 0.0)]) for k in range(1, 17)], network)
    left = next(each for each in watch.watched if each.of.approach == "ni" and each.of.turns == ("left",))
    assert left.figures(watch.shown_s["C"], vehicles=2)["stops_per_veh"] == 1.0


def test_a_green_of_its_own_is_no_yielding_one(network: Network):
    watch = watched([(GREEN, [0.0])] * 3 + [(YIELDING, [0.0])], network)
    left = next(each for each in watch.watched if each.of.approach == "ni" and each.of.turns == ("left",))
    assert left.figures(watch.shown_s["C"], 1)["yielding_share"] == 0.25


def test_green_is_counted_second_by_second_in_a_run(net_file: Path, tmp_path: Path):
    """The states that SUMO shows in the window, and none outside it."""
    where, demand = place(tmp_path, net_file)
    with Street(where, demand, seed=1) as street:
        green = [
            street.sumo.state("C")[2] in "Gg"
            for _ in street.clock(1.0)
            if street.window.begin_s < street.sumo.time_s <= street.window.end_s
        ]
        street.sumo.close()
        watch = street._movements
        left = next(each for each in watch.watched if each.of.approach == "ni" and each.of.turns == ("left",))
        assert sum(watch.shown_s["C"].values()) == street.window.end_s - street.window.begin_s
        assert left.figures(watch.shown_s["C"], 1)["green_share"] == pytest.approx(sum(green) / len(green), abs=0.005)


@pytest.mark.parametrize(
    ("end_s", "ends_s"), [(4200.0, [1500, 2400, 3300, 4200]), (3500.0, [1500, 2400, 3500]), (700.0, [700])]
)
def test_periods_are_quarters_of_an_hour_and_the_last_takes_a_short_rest(end_s: float, ends_s: list[float]):
    assert period_ends_s(Window(600.0, end_s, end_s + 3600)) == ends_s


def test_who_is_served_in_a_period_ends_his_trip_in_it_whenever_he_was_scheduled():
    """Delay is of those scheduled in it; who is not out at its end is counted until he is."""
    trips = pd.DataFrame(
        {
            "depart_s": [500.0, 700.0, 1400.0, 1600.0],
            "arrival_s": [800.0, 1600.0, np.nan, 1700.0],
            "time_loss_s": [9.0, 30.0, 50.0, 7.0],
            "depart_delay_s": 0.0, "stops": 1.0, "waiting_s": 3.0, "co2_mg": 1e6,
        }
    )  # fmt: skip
    walks = pd.DataFrame({"depart_s": [1600.0], "lost_s": [12.0]})
    found = pd.DataFrame(periods(trips, walks, Window(600.0, 2400.0, 6000.0)))
    assert found.delay_s.tolist() == [40.0, 7.0]
    assert found.served_veh_per_h.tolist() == [4.0, 8.0]
    assert found.not_out_veh.tolist() == [2, 1]
    assert found.persons.tolist() == [0, 1]
    assert found.person_delay_s.tolist()[1] == 12.0


@pytest.mark.parametrize(("name", "street", "junction"), [("single", "N-J", "J"), ("arterial", "J1-J2", "J2")])
def test_a_queue_beyond_the_bays_is_the_junctions_all_the_same(name: str, street: str, junction: str):
    """The street before a fan of bays leads nowhere but to them, whatever lies inside the node between."""
    assert read(find(name).net_file).edge_owner[street] == junction
