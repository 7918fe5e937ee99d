"""Detectors: reports, their codes, and what a failed one does to its phase."""

import pytest

from field.virtual.detection import ERRATIC, MAX_PRESENCE, NO_ACTIVITY, OVERFLOW, Detector, Reports
from field.virtual.tables import DetectorTable


def detector(**diagnostics: float) -> Detector:
    limits = {"no_activity_min": 0, "max_presence_min": 0, "erratic_counts_per_min": 0, "fail_time_s": 255}
    return Detector(DetectorTable(1, "loop", 1, True, **limits | diagnostics))


def drive(one: Detector, pattern: list[bool], start: int = 0) -> int:
    for k, active in enumerate(pattern, start=start):
        one.tick(k, 1, active)
    return start + len(pattern)


def test_a_report_counts_arrivals_and_halves_of_a_per_cent():
    one = detector()
    drive(one, ([True] * 3 + [False] * 7) * 5)
    one.report(50)
    assert (one.volume, one.occupancy) == (5, 60)
    one.report(50)
    assert (one.volume, one.occupancy) == (0, 0)


def test_more_than_254_vehicles_are_an_overflow():
    one = detector()
    drive(one, [True, False] * 300)
    one.report(600)
    assert one.volume == OVERFLOW


def test_the_sequence_goes_on_with_each_period_and_wraps():
    reports = Reports([detector()], period_s=1)
    for now in range(2571):
        reports.tick(now)
    assert reports.sequence == 257 % 256


@pytest.mark.parametrize(
    ("limit", "pattern", "code", "alarm"),
    [
        ({"max_presence_min": 1}, [True] * 601, MAX_PRESENCE, 0b10),
        ({"no_activity_min": 1}, [False] * 601, NO_ACTIVITY, 0b1),
        ({"erratic_counts_per_min": 30}, [True, False] * 40, ERRATIC, 0b100),
    ],
)
def test_a_detector_that_cannot_be_right_reports_its_fault_and_calls(limit, pattern, code, alarm):
    """Occupancy tells why, the alarm bit is set, and with a FailTime of 255 its phase is called for good."""
    one = detector(**limit)
    now = drive(one, pattern[:-1] if code != ERRATIC else pattern[:20])
    assert one.fault == 0
    now = drive(one, pattern, start=now)
    one.report(600)
    assert (one.occupancy, one.alarms, one.calling) == (code, alarm, True)


def test_a_stuck_detector_that_moves_is_believed_again():
    one = detector(max_presence_min=1)
    now = drive(one, [True] * 700)
    drive(one, [False] * 5, start=now)
    assert (one.fault, one.alarms, one.calling) == (0, 0, False)
