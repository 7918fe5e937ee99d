"""Who stands in where loops of a lane group are lost: the others of its kind, and the lane groups like it."""

import numpy as np
import pytest

from signals.flow import DISCHARGING_VEH, UNSEEN_RED_S, FlowEstimator
from signals.intersection import Aspect, Intersection
from signals.layout import VEHICLE_SPACE_M, Layout, layout
from signals.values import Snapshot, TrafficState
from tests.signals.fakes import crossing, protected_left


def with_two_lanes(of: Intersection, head: str) -> Intersection:
    """The same junction, where a lane group has another lane with loops like the first one's."""
    own = [d for d in of.detectors if f".{head}." in d.id]
    second = [d.model_copy(update={"id": f"{d.id}.second", "lane": "second"}) for d in own]
    groups = [
        g.model_copy(update={"lanes": (*g.lanes, "second")}) if g.id == own[0].lane_groups[0] else g
        for g in of.lane_groups
    ]
    return of.model_copy(update={"detectors": (*of.detectors, *second), "lane_groups": tuple(groups)})


class Street:
    """An estimator of one junction some of whose loops the plant calls faulty."""

    def __init__(self, of: Intersection, faulty: tuple[str, ...] = ()) -> None:
        self.layout: Layout = layout([of])
        self.loops = {name: k for k, (_, name) in enumerate(self.layout.loops)}
        self.groups = {g.id: k for k, g in enumerate(of.lane_groups)}
        self._estimator, self._time_s = FlowEstimator(self.layout), 0.0
        self._healthy = np.array([name not in faulty for name in self.loops])

    def reach_veh(self, group: str) -> float:
        """How many have room between its advance loops and its stop line, as many as it has lanes on that."""
        at = 0, self.groups[group]
        return float((self.layout.advance_distance_m[at] / VEHICLE_SPACE_M + 1.0) * self.layout.lanes[at])

    def second(self, stage: int, covered: tuple[str, ...] = (), counted: tuple[str, ...] = ()) -> TrafficState:
        """One reading; loops that are faulty tell nothing."""
        self._time_s += 1.0
        presence, volume = (np.array([name in seen for name in self.loops]) for seen in (covered, counted))
        presence, volume = presence & self._healthy, (volume & self._healthy).astype(float)
        heads = self.layout.has_head.shape
        aspects, nobody = np.full(heads, Aspect.RED, np.int8), np.zeros(heads, bool)
        told = volume, presence.astype(float), presence, self._healthy
        return self._estimator.update(
            Snapshot(self._time_s, *told, np.array([stage]), aspects, np.zeros(1, bool), nobody)
        )


@pytest.mark.parametrize("faulty", [(), ("crossing.main.stop_line.second",)])
def test_a_covered_stop_line_stands_for_the_lane_beside_it(faulty: tuple[str, ...]):
    """Two lanes with one vehicle each on their stop lines: two stand there, one loop dead or not."""
    street = Street(with_two_lanes(crossing(), "main"), faulty)
    stops = tuple(name for name in street.loops if "main.stop_line" in name)
    street.second(1)
    state = street.second(1, covered=stops)
    assert state.queue_veh[0, street.groups["crossing.main"]] == pytest.approx(2.0, abs=0.1)


def believed_veh(street: Street, state: TrafficState) -> float:
    """Queued and approaching on the main street."""
    group = street.groups["crossing.main"]
    return float(state.queue_veh[0, group] + state.approaching_veh[0, group])


def green_without_a_gap(street: Street) -> TrafficState:
    """The main street has green for half a minute, and one vehicle in two seconds all the while."""
    stop: tuple[str, ...] = ("crossing.main.stop_line",)
    for second in range(30):
        seen = stop if second % 2 else ()
        state = street.second(0, seen, seen)
    return state


def test_who_is_left_over_stands_there_until_a_gap_shows_that_none_is():
    """Each green in a row that ends without a gap leaves as many more behind where the advance loop is lost."""
    street = Street(crossing(), ("crossing.main.advance",))
    for _ in range(100):
        street.second(1)
    for greens in (1, 2):
        assert believed_veh(street, green_without_a_gap(street)) >= DISCHARGING_VEH
        left = min(DISCHARGING_VEH * greens, street.reach_veh("crossing.main"))
        assert believed_veh(street, street.second(1)) == pytest.approx(left, abs=0.5)
        for _ in range(5):
            street.second(1, covered=("crossing.main.stop_line",))
    for _ in range(20):
        state = street.second(0)
    assert believed_veh(street, state) < 2.0
    green_without_a_gap(street)
    assert believed_veh(street, street.second(1)) == pytest.approx(DISCHARGING_VEH, abs=0.5)


def test_no_more_are_left_over_than_have_room():
    """However many greens in a row do not suffice, the queue ends where the lost advance loop lies."""
    street = Street(crossing(), ("crossing.main.advance",))
    for _ in range(100):
        street.second(1)
    for _ in range(30):
        green_without_a_gap(street)
        state = street.second(1, covered=("crossing.main.stop_line",))
    assert believed_veh(street, state) <= 1.0 + street.reach_veh("crossing.main")


@pytest.mark.parametrize(("red_s", "calls"), [(UNSEEN_RED_S - 5, False), (UNSEEN_RED_S + 5, True)])
def test_whose_stop_line_is_lost_is_called_within_a_cycle(red_s: float, calls: bool):
    """Nobody has come over the advance loop, but who came by another way cannot be seen."""
    street = Street(crossing(), ("crossing.main.stop_line",))
    for _ in range(100):
        street.second(0)
    for _ in range(int(red_s)):
        state = street.second(1)
    assert bool(state.calls[0, street.groups["crossing.main"]]) == calls


def test_a_lane_group_without_a_loop_is_taken_for_one_of_as_many_lanes():
    """Two busy lanes straight on, a quiet side street: the left turn's one lane is as quiet as that."""
    faulty = ("left.left.advance", "left.left.stop_line", "left.right.advance", "left.right.stop_line")
    street = Street(with_two_lanes(protected_left(), "through"), faulty)
    busy = tuple(name for name in street.loops if ".through." in name)
    quiet = tuple(name for name in street.loops if ".side." in name)
    for second in range(3600):
        seen = (*(busy if second % 5 == 0 else ()), *(quiet if second % 60 == 0 else ()))
        state = street.second(second // 30 % 4, seen, seen)
    flow = {name: state.arrival_flow_veh_per_h[0, k] for name, k in street.groups.items()}
    assert flow["left.left"] == pytest.approx(flow["left.side"], rel=0.05)
    assert flow["left.through"] == pytest.approx(1440.0, rel=0.1)


def test_what_comes_in_goes_out_where_both_kinds_of_loop_have_lost_one():
    """A lane of 900 veh/h has its advance loop left, one of 300 its stop line: 1,200 come, and nobody is left over."""
    street = Street(with_two_lanes(crossing(), "main"), ("crossing.main.advance", "crossing.main.stop_line.second"))
    for second in range(3600):
        passing = [name for name in street.loops if "main" in name and second % (4 if "second" in name else 12) == 0]
        state = street.second(0, tuple(passing), tuple(passing))
    group = street.groups["crossing.main"]
    assert state.arrival_flow_veh_per_h[0, group] == pytest.approx(1200.0, rel=0.1)
    assert state.queue_veh[0, group] < 2.0
