"""Each fault is found for what it is, and a sound detector, also under a queue, is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from reports.detectors.collect import Group
from reports.detectors.diagnosis import diagnose
from reports.detectors.edges import OFF, ON, repair
from tests.reports.detectors.made_up import HOURS_S, group, judged, kinds, log, logs

QUARTER_S, DAY_S = 900.0, 86_400.0


@pytest.mark.parametrize("seed", range(20))
def test_sound_detectors_are_good(seed: int):
    """Twenty draws of five sound loops: no false alarm."""
    assert {name: health.verdict for name, health in judged(logs(seed)).items()} == dict.fromkeys("ABCDE", "good")


def test_neighbours_are_those_that_see_the_same_vehicles():
    assert set(judged(logs())["A"].neighbours) == {"B", "C"}


def without(times: np.ndarray, codes: np.ndarray, begin_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray]:
    begins = times[codes == ON]
    return log(begins[(begins < begin_s) | (begins >= end_s)])


def test_a_detector_that_sees_nothing_for_a_while_is_stuck_off_and_to_the_end_silent():
    of = logs()
    off = judged(of | {"A": without(*of["A"], 3000, 5400)})
    assert kinds(off["A"]) == {"stuck off"}
    assert (off["A"].reasons[0].begin_s, off["A"].reasons[0].end_s) == (3000, 5400)
    assert off["B"].verdict == "good"
    assert kinds(judged(of | {"A": without(*of["A"], 4800, HOURS_S)})["A"]) == {"silent"}
    assert judged(of | {"A": (np.array([1.0, 2.0]), np.array([OFF, OFF]))})["A"].verdict != "good"


def covered_between(begin_s: float, end_s: float, of: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    times, codes = without(*of, begin_s - 2.0, end_s)
    order = np.argsort(np.append(times, [begin_s, end_s - 1.0]))
    return np.append(times, [begin_s, end_s - 1.0])[order], np.append(codes, [ON, OFF])[order]


def test_covered_for_long_is_stuck_on_unless_nothing_moved():
    """The same half hour of presence is a fault where other loops count, and a standing queue where nobody does."""
    of = logs()
    stuck = judged(of | {"A": covered_between(3000, 5000, of["A"])})
    assert "stuck on" in kinds(stuck["A"])
    standing = {name: covered_between(3000, 5000, each) for name, each in of.items()}
    assert all("stuck on" not in kinds(health) for health in judged(standing).values())


def test_a_queue_over_red_is_not_stuck_where_its_phase_is_known():
    """With fewer than three greens of its own in the time, presence is a queue's."""
    of = logs()
    queued = group(of | {"A": covered_between(3000, 5000, of["A"])})
    few = {health.detector: health for health in diagnose(queued, lambda *_: 2)}
    many = {health.detector: health for health in diagnose(queued, lambda *_: 25)}
    assert "stuck on" not in kinds(few["A"])
    assert "stuck on" in kinds(many["A"])


def test_bursts_faster_than_vehicles_are_chatter():
    of = logs()
    bursts = (np.array([4000.0, 5000.0, 6000.0])[:, None] + np.arange(8) * 0.4).ravel()
    times = np.append(of["A"][0], np.column_stack([bursts, bursts + 0.2]).ravel())
    order = np.argsort(times, kind="stable")
    codes = np.append(of["A"][1], np.tile([ON, OFF], len(bursts)))
    assert "chatter" in kinds(judged(of | {"A": (times[order], codes[order])})["A"])


@pytest.mark.parametrize(("factor", "kind"), [(0.65, "under-counting"), (1.4, "over-counting")])
def test_a_miscount_of_a_third_in_the_second_hour_is_found_and_dated(factor: float, kind: str):
    of, random = logs(), np.random.default_rng(3)
    begins = of["A"][0][::2]
    late = begins > 3600
    if factor < 1:
        begins = begins[~late | (random.random(len(begins)) < factor)]
    else:
        begins = np.sort(np.append(begins, begins[late & (random.random(len(begins)) < factor - 1)] + 1.5))
    found = judged(of | {"A": log(begins)})["A"]
    assert kind in kinds(found)
    reason = next(reason for reason in found.reasons if reason.kind == kind)
    assert 3000 <= reason.begin_s <= 4200 or reason.end_s <= 4200


def test_lost_edges_are_repaired_below_a_twentieth_and_suspect_above():
    of = logs()
    times, codes = of["A"]
    few, many = np.ones(len(times), bool), np.ones(len(times), bool)
    few[201:221:2] = False
    many[1:401:2] = False
    assert judged(of | {"A": (times[few], codes[few])})["A"].verdict == "repaired"
    assert judged(of | {"A": (times[many], codes[many])})["A"].verdict == "suspect"


def counts(days: int = 8, seed: int = 5) -> Group:
    """Quarter-hours of three detectors on one road."""
    random = np.random.default_rng(seed)
    begin_s = np.arange(0, days * DAY_S, QUARTER_S)
    demand = random.poisson(60 + 50 * np.sin(begin_s / DAY_S * 2 * np.pi) ** 2)
    volume = np.column_stack([random.binomial(demand, share) for share in (0.95, 0.9, 0.92)]).astype(float)
    nothing, none = np.full(volume.shape, np.nan), np.zeros(volume.shape, bool)
    occupancy = volume / 400.0
    return Group(("1", "2", "3"), begin_s, QUARTER_S, volume, volume, occupancy, nothing, none, {})


def changed(of: Group, first: int, last: int, **values: float) -> Group:
    """Detector 1 has these values from one period until another."""
    tables = {name: getattr(of, name).copy() for name in values}
    for name, value in values.items():
        tables[name][first:last, 0] = value
    return replace(of, **tables)


@pytest.mark.parametrize(
    ("first", "last", "values", "kind"),
    [
        (200, 230, {"volume_veh": 70.0}, "flat"),
        (200, 230, {"volume_veh": 0.0}, "stuck off"),
        (200, 230, {"volume_veh": 0.0, "occupancy": 1.0}, "stuck on"),
        (200, 230, {"volume_veh": np.nan}, "gap"),
        (700, 768, {"volume_veh": np.nan}, "silent"),
        (700, 768, {"volume_veh": 0.0}, "silent"),
        (200, 300, {"volume_veh": np.nan, "faulty": True}, "reported faults"),
    ],
)
def test_faults_of_counts_are_told_apart(first: int, last: int, values: dict, kind: str):
    healths = diagnose(changed(counts(), first, last, **values))
    assert kinds(healths[0]) == {kind}
    assert [health.verdict for health in healths[1:]] == ["good", "good"]


def test_a_gap_of_the_whole_file_is_nobodys_fault():
    of = counts()
    volume = of.volume_veh.copy()
    volume[300:320] = np.nan
    assert {health.verdict for health in diagnose(replace(of, volume_veh=volume))} == {"good"}


def test_a_count_off_by_a_third_for_days_is_found():
    of = counts()
    volume = of.volume_veh.copy()
    volume[-288:, 0] = np.round(volume[-288:, 0] * 0.7)
    healths = diagnose(replace(of, volume_veh=volume))
    assert kinds(healths[0]) == {"under-counting"}
    assert [health.verdict for health in healths[1:]] == ["good", "good"]


def test_repair_of_a_whole_log_keeps_every_vehicle():
    of = logs()
    assert repair(*of["A"], 0.0, HOURS_S).measured.sum() == len(of["A"][0]) / 2
