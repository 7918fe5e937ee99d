"""A junction whose loops are all dead is found, although none is left to tell who is missed."""

import numpy as np

from signals.detectors import CHECK_EVERY_S, LoopHealth
from signals.intersection import Neighbour
from signals.layout import Layout, layout
from signals.mute import LIVELY_S, MUTE_S, NEVER_SEEN_S, NONE_ANYWHERE_S
from signals.values import Floats
from tests.signals.fakes import crossing
from tests.signals.streets import in_a_row

BACK = Neighbour(exit="b.out", intersection="a", approach="a.main", distance_m=350.0, travel_time_s=25.0)
FACING = layout([in_a_row()[0], in_a_row()[1].model_copy(update={"neighbours": (BACK,)})])
TWO = layout([crossing("first"), crossing("second")])
LOOPS = len(TWO.loops)
FIRST = np.array([row == 0 for row, _ in TWO.loops])
NOBODY = np.zeros(LOOPS)


class Hours:
    """Loops that are looked at once a second."""

    def __init__(self, of: Layout = TWO) -> None:
        self.health, self.counted = LoopHealth(of), np.zeros((4, LOOPS))
        self.healthy, self.second = np.ones(LOOPS, bool), 0

    def go(self, seconds: float, every_s: int, counts: Floats, covered: Floats = NOBODY) -> np.ndarray:
        """Some count one vehicle every few seconds, some are covered throughout; which are believed at the end."""
        for _ in range(int(seconds)):
            if self.second % every_s == 0:
                self.counted[0] += counts
                self.counted[1] += counts
            self.counted[1] += covered
            believed = self.health.update(float(self.second), self.healthy, self.counted, self.second + 1)
            self.second += 1
        return believed


def test_a_junction_that_never_saw_anybody_is_mute_after_a_few_cycles():
    """The other junction, with traffic, is believed."""
    hours = Hours()
    assert hours.go(NEVER_SEEN_S - 1, 6, 1.0 * ~FIRST).all()
    believed = hours.go(2 * CHECK_EVERY_S, 6, 1.0 * ~FIRST)
    assert (believed == ~FIRST).all()
    assert "mute" in hours.health.reason(int(FIRST.argmax()))


def test_a_junction_that_dies_is_mute_when_its_usual_traffic_is_missed():
    """For a busy one that is after a few cycles, and it stays so for hours."""
    hours = Hours()
    assert hours.go(3600, 6, NOBODY + 1.0).all()
    assert hours.go(MUTE_S - CHECK_EVERY_S, 6, 1.0 * ~FIRST).all()
    assert (hours.go(2 * CHECK_EVERY_S, 6, 1.0 * ~FIRST) == ~FIRST).all()
    assert (hours.go(3 * 3600, 6, 1.0 * ~FIRST) == ~FIRST).all()


def test_a_quiet_street_is_not_mute():
    """A few vehicles at first, then one in ten minutes: none of these silences is long enough to be unusual."""
    hours = Hours()
    hours.go(60, 20, NOBODY + 1.0)
    for _ in range(36):
        assert hours.go(600, 600, NOBODY + 1.0).all()


def test_the_first_who_is_seen_ends_it():
    hours = Hours()
    assert not hours.go(900, 6, NOBODY).any()
    assert hours.go(2 * CHECK_EVERY_S, 6, NOBODY + 1.0).all()


def test_a_locked_junction_is_not_mute():
    """Everything stands on its loops, and none counts."""
    hours = Hours()
    hours.go(3600, 6, NOBODY + 1.0)
    assert hours.go(800, 6, NOBODY, covered=NOBODY + 1.0).all()


def test_a_junction_that_nobody_reaches_any_more_is_not_mute():
    """One stands on its loop and cannot leave; the street is locked, for who came here too."""
    hours = Hours()
    hours.go(3600, 6, NOBODY + 1.0)
    assert hours.go(1800, 6, 1.0 * ~FIRST, covered=1.0 * (np.arange(LOOPS) == 0)).all()


def test_a_loop_that_is_stuck_on_speaks_for_nobody():
    """All others are dead: the junction is mute all the same."""
    hours, stuck = Hours(), np.zeros(LOOPS)
    stuck[0] = 1.0
    assert not hours.go(MUTE_S + 2 * CHECK_EVERY_S, 6, NOBODY, covered=stuck).any()


def test_what_a_chattering_loop_counts_is_not_what_is_usual():
    """Beside it come a vehicle a minute, then none for a while, which is no more than forty are missed in."""
    hours, chatter = Hours(), 1.0 * (np.arange(LOOPS) == 0)
    for _ in range(30):
        hours.go(59, 1, chatter)
        hours.go(1, 1, NOBODY + 1.0)
    assert hours.go(400, 1, chatter)[1:].all()


def test_where_nobody_is_seen_anywhere_it_is_not_the_street():
    """Sooner than one junction among others; neighbours that are as silent do not say that nobody comes."""
    hours = Hours(FACING)
    assert hours.go(NONE_ANYWHERE_S - 1, 6, NOBODY).all()
    assert not hours.go(2 * CHECK_EVERY_S, 6, NOBODY).any()


def test_when_all_die_at_once_none_vouches_for_another():
    """Each was the other's word on who comes."""
    hours = Hours(FACING)
    assert hours.go(1800, 6, np.ones(LOOPS)).all()
    assert hours.go(LIVELY_S, 6, NOBODY).all()
    assert not hours.go(MUTE_S - LIVELY_S + 2 * CHECK_EVERY_S, 6, NOBODY).any()
