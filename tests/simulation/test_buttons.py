"""Buttons: who waits at a crossing has called it until it is green, and nobody else has."""

from collections.abc import Iterator

import numpy as np
import pytest

from signals.flow import FlowEstimator
from signals.values import Snapshot
from simulation.street import Street
from tests.simulation.crossings import cars, crossings_street, net_file, walk

ARRIVED_S, GONE_S = 45.0, 20.0
"""By then whoever set out at 0 s stands at the curb, or has walked over a crossing of two lanes."""


def states(street: Street, *green: str) -> str:
    """All heads red but those of some crossings."""
    links = street.network.links["C"]
    (intersection,) = street.network.intersections
    heads = {head for g in intersection.lane_groups if g.id in green for head in g.signal_groups}
    letters = ["r"] * sum(len(group) for group in links)
    for group, known in zip(links, intersection.signal_groups, strict=True):
        for link in group:
            letters[link] = "G" if known.id in heads else "r"
    return "".join(letters)


def show(street: Street, seconds: float, *green: str) -> Iterator[Snapshot]:
    """What the plant reads each second while these crossings alone are green."""
    street.sumo.trafficlight.setRedYellowGreenState("C", states(street, *green))
    for _ in range(round(seconds)):
        street.sumo.step_to(street.sumo.time_s + 1.0)
        yield street.plant.read()


def called(street: Street, snapshot: Snapshot) -> set[str]:
    """The lane groups with a latched call."""
    (intersection,) = street.network.intersections
    column = {g.id: k for k, g in enumerate(intersection.signal_groups)}
    return {
        g.id
        for g in intersection.lane_groups
        if g.button and all(snapshot.calls[0, column[h]] for h in g.signal_groups)
    }


def all_called(street: Street, seconds: float, *green: str) -> set[str]:
    """Whatever was called at any time."""
    return set().union(*(called(street, snapshot) for snapshot in show(street, seconds, *green)))


@pytest.mark.parametrize(("start", "end"), [("NC", "CN"), ("EC", "CW")], ids=["from the west", "from the east"])
@pytest.mark.parametrize("step_s", [1.0, 0.25])
def test_who_stands_before_a_crossing_has_called_it_until_it_is_green(start: str, end: str, step_s: float):
    """From either side, in steps of any length: this crossing, not the other one at his corner; then never again."""
    with crossings_street([walk("a", 0, start, end)], 200, step_s) as street:
        assert all_called(street, 5) == set()
        *_, last = show(street, ARRIVED_S)
        assert called(street, last) == {":C_c0"}
        assert all_called(street, GONE_S, ":C_c0") == set()
        assert all_called(street, 10) == set()


def test_the_call_stays_when_its_maker_is_not_there_any_more():
    """A button does not know that somebody has given up."""
    with crossings_street([walk("a", 0, "NC", "CN")], 200) as street:
        assert all_called(street, ARRIVED_S) == {":C_c0"}
        street.sumo.person.remove("a")
        *_, last = show(street, 60)
        assert called(street, last) == {":C_c0"}


def test_who_goes_round_the_corner_calls_nobody():
    """He is on the same walking area, but crosses no street."""
    with crossings_street([walk("a", 0, "NC", "CW")], 200) as street:
        assert all_called(street, 60) == set()


def test_who_is_left_on_a_refuge_calls_the_second_half():
    """And not the half that he has behind him."""
    with crossings_street([walk("a", 0, "NC", "CN")], 300, net=net_file(refuge=True)) as street:
        *_, last = show(street, ARRIVED_S)
        assert called(street, last) == {":C_c0"}
        assert all_called(street, GONE_S, ":C_c0") == {":C_c1"}
        assert all_called(street, GONE_S, ":C_c1") == set()


def test_where_nobody_walks_sumo_is_not_asked_who_waits(monkeypatch: pytest.MonkeyPatch):
    """Crossings cost nothing where there are none but vehicles."""
    with crossings_street([cars("NC", "CS", 10, 60)], 200) as street:
        monkeypatch.setattr(street.sumo, "standing_on", lambda *_: pytest.fail("asked"))
        assert all_called(street, 60) == set()


def test_a_bicycle_on_the_loop_of_its_lane_latches_a_call():
    """It calls its own lane, and not the lane of cars beside it, and stays latched when the loop is free."""
    net = net_file(bicycle_lane=True)
    with crossings_street([cars("SC", "CN", 500, 400, "DEFAULT_BIKETYPE")], 200, net=net) as street:
        assert all_called(street, 5) == set()
        estimator = FlowEstimator(street.layout)
        for snapshot in show(street, 60):
            traffic = estimator.update(snapshot)
        (intersection,) = street.network.intersections
        bicycles = next(k for k, g in enumerate(intersection.lane_groups) if g.button and g.approach == "SC")
        beside = next(k for k, g in enumerate(intersection.lane_groups) if not g.button and g.approach == "SC")
        assert called(street, snapshot) == {intersection.lane_groups[bicycles].id}
        assert traffic.calls[0, bicycles]
        assert not traffic.calls[0, beside]
        street.sumo.vehicle.remove("SC.0")
        *_, last = show(street, 20)
        assert not last.presence.any()
        assert np.array_equal(last.calls, snapshot.calls)
