"""Between two snapshots nothing is counted twice, nothing that is no count is counted, and faults are told."""

from collections.abc import Iterator

import pytest

from field.ntcip import objects
from field.ntcip.detectors import Detectors
from field.ntcip.poller import Poller
from field.ntcip.probe import Asking, probe
from field.site import DetectorChannel
from signals.errors import PlantError
from tests.field.ntcip.unit import Memory, Unit

LOOPS = ("first", "second", "nowhere")


class Watched:
    """A unit whose channels 1 (by report) and 9 (by actuation) are watched; the third loop has no channel."""

    def __init__(self) -> None:
        self.unit, self.now_s = Unit(), 0.0
        asking = Asking(Memory(self.unit), "unit")
        channels = (DetectorChannel(id="first", channel=1), DetectorChannel(id="second", channel=9, counts="actuation"))
        self.detectors = Detectors(asking, probe(asking), LOOPS, channels)
        self.detectors.poll(0.0)
        self.take()

    def take(self) -> tuple[list[float], list[float], list[bool], list[bool]]:
        seen = self.detectors.take(self.now_s)
        return seen.volume_veh.tolist(), seen.occupancy.tolist(), seen.presence.tolist(), seen.healthy.tolist()

    def counted(self, seconds: int = 6) -> float:
        """Of the first loop, in so many snapshots."""
        return sum(self.take()[0][0] for _ in range(seconds))

    def report(self, volume: int, occupancy: int = 0, step: int = 1) -> None:
        self.unit.put(objects.DETECTOR_VOLUME, volume, 1)
        self.unit.put(objects.DETECTOR_OCCUPANCY, occupancy, 1)
        self.unit.put(objects.REPORT_SEQUENCE, (self.unit.of(objects.REPORT_SEQUENCE) + step) % 256)
        self.poll()

    def poll(self) -> None:
        self.now_s += 1
        self.detectors.poll(self.now_s)


def test_a_report_is_counted_once():
    """However often it is polled; two between snapshots are added. A vehicle a snapshot, as a lane passes them."""
    watched = Watched()
    watched.report(3, 100)
    watched.poll()
    volume, occupancy, _, _ = watched.take()
    assert (volume[0], occupancy[0]) == (1, 0.5)
    assert watched.counted() == 2
    watched.report(1)
    watched.report(2)
    assert watched.counted() == 3


def test_a_pulse_that_was_seen_counts_at_once_and_is_not_counted_again():
    """The report that comes later adds those alone that polling has missed."""
    watched = Watched()
    for active, counted in ((1, 1), (0, 0), (1, 1)):
        watched.unit.put(objects.DETECTOR_ACTIVE, active, 1)
        watched.poll()
        assert watched.take()[0][0] == counted
    watched.report(2)
    assert watched.counted() == 0
    watched.report(3)
    assert watched.counted() == 3


def test_pulses_that_no_report_tells_of_hide_no_later_ones():
    """Two may be early; a unit that reports fewer than its pulses show is not believed in that."""
    watched = Watched()
    for k in range(20):
        watched.unit.put(objects.DETECTOR_ACTIVE, k % 2, 1)
        watched.poll()
    assert watched.take()[0][0] == 10
    watched.report(10)
    assert watched.counted(20) == 8


@pytest.mark.parametrize(("step", "lost", "counted"), [(1, 0, 1), (2, 1, 2), (5, 4, 5), (6, 5, 1), (200, 0, 1)])
def test_lost_reports_are_known_by_their_sequence(step: int, lost: int, counted: int):
    """A few are made up for by the next; a step beyond half of the sequence is a cabinet that began anew."""
    watched = Watched()
    watched.report(1, step=step)
    assert watched.detectors.lost == lost
    assert watched.counted() == counted


def test_the_sequence_wraps():
    """255 is followed by 0, and nothing is lost."""
    watched = Watched()
    counted = 0.0
    for _ in range(300):
        watched.report(1)
        counted += watched.take()[0][0]
    assert (counted, watched.detectors.lost) == (300, 0)


def test_a_volume_of_255_is_an_overflow_and_no_count():
    """The loop is distrusted until its next report."""
    watched = Watched()
    watched.report(255)
    assert (watched.take()[0][0], watched.take()[3][0]) == (0, False)
    watched.report(254)
    assert watched.counted(300) == 254
    assert watched.take()[3][0]


@pytest.mark.parametrize(("occupancy", "healthy"), [(0, True), (200, True), *((k, False) for k in range(201, 256))])
def test_occupancies_above_200_are_faults(occupancy: int, healthy: bool):
    """210 to 217 by name, the others reserved; the loop's occupancy is then what polling shows."""
    watched = Watched()
    watched.report(0, occupancy)
    _, share, _, trusted = watched.take()
    assert trusted[0] == healthy
    assert share[0] == (occupancy / 200 if healthy else 0.0)


def test_pulses_between_snapshots_are_counted_where_a_site_says_so():
    """Rising edges; presence is the last look, occupancy the share of looks."""
    watched = Watched()
    for active in (1, 0, 1, 1, 0, 0, 1):
        watched.unit.put(objects.DETECTOR_ACTIVE, active, 2)
        watched.poll()
    volume, occupancy, presence, _ = watched.take()
    assert (volume[1], presence[1]) == (3, True)
    assert occupancy[1] == pytest.approx(4 / 7)


def test_reports_that_stop_are_distrusted():
    """Three periods and two seconds after the last one; a loop by actuation stays trusted."""
    watched = Watched()
    watched.report(1)
    for _ in range(5):
        watched.poll()
    assert watched.take()[3] == [True, True, False]
    watched.poll()
    assert watched.take()[3] == [False, True, False]


def test_a_first_report_is_waited_for():
    """Nobody is blind because he has just come; if none comes the loops are distrusted like any other's."""
    watched = Watched()
    asking = Asking(Memory(watched.unit), "unit")
    detectors = Detectors(asking, probe(asking), LOOPS, (DetectorChannel(id="first", channel=1),))
    assert detectors.take(100.0).healthy.tolist() == [True, False, False]
    assert detectors.take(105.0).healthy.tolist() == [True, False, False]
    assert detectors.take(105.1).healthy.tolist() == [False, False, False]


def test_an_alarm_of_the_cabinet_is_believed():
    """vehicleDetectorStatusGroupAlarms: one bit a channel."""
    watched = Watched()
    watched.unit.put(objects.DETECTOR_ALARMS, 1, 2)
    watched.poll()
    assert watched.take()[3][:2] == [True, False]


def test_a_loop_without_a_channel_is_never_trusted():
    """Nobody knows what it sees."""
    assert Watched().take()[3][2] is False


@pytest.mark.parametrize("value", [256, -1, b"\x01"])
def test_an_impossible_reading_is_an_error(value: int | bytes):
    """Of the object's range and kind."""
    watched = Watched()
    watched.unit.put(objects.DETECTOR_ACTIVE, value, 1)
    with pytest.raises(PlantError, match="vehicleDetectorStatusGroupActive"):
        watched.poll()


@pytest.fixture
def poller() -> Iterator[tuple[Poller, Watched]]:
    watched = Watched()
    polling = Poller(watched.detectors, Memory(watched.unit), lambda: watched.now_s, 0, 1.0)
    yield polling, watched
    polling.close()


def test_no_loop_is_trusted_once_polling_fails(poller: tuple[Poller, Watched]):
    """Five seconds after the last answer, until the next."""
    polling, watched = poller
    assert polling.take().healthy.tolist() == [True, True, False]

    def silent(*_: object) -> None:
        raise PlantError("no answer")

    watched.unit.fault = silent
    watched.now_s += 5.5
    assert polling.take().healthy.tolist() == [False, False, False]
    assert polling.failed == "no answer"
    watched.unit.fault = lambda *_: None
    assert polling.take().healthy[1]


def test_a_poller_ends_its_thread():
    """And lets its transport go."""
    watched = Watched()
    transport = Memory(watched.unit)
    polling = Poller(watched.detectors, transport, lambda: watched.now_s, 10, 100.0)
    polling.take()
    polling.close()
    assert transport.closed
