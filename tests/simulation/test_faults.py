"""Spoiled readings: each kind of fault does what it says, to the share of loops that was asked for."""

import numpy as np
import pytest

from signals.errors import ConfigError
from signals.layout import Layout, layout
from signals.values import Floats
from simulation.faults import FaultRates, Faults, FaultyPlant, parse_faults
from tests.signals.fakes import FakePlant, crossing, protected_left

ROUNDS = 4000


@pytest.fixture(scope="module")
def two() -> Layout:
    return layout([crossing(), protected_left()])


def told(rates: FaultRates, seed: int = 1) -> tuple[Faults, Floats, Floats, Floats]:
    """What was true and what was read over many seconds: vehicles counted [2, L], covered seconds [2, L]."""
    plant = FakePlant([crossing(), protected_left()], time_s=0.0)
    faults, dice = Faults(plant.layout, rates, seed), np.random.default_rng(0)
    counts, covered = np.zeros((2, faults.kind.size)), np.zeros((2, faults.kind.size))
    for _ in range(ROUNDS):
        plant.wait(1.0)
        plant.presence = dice.random(faults.kind.size) < 0.2
        true = plant.read()
        true.volume_veh[:] = plant.presence
        read = faults.spoil(true)
        for k, snapshot in enumerate((true, read)):
            counts[k] += snapshot.volume_veh
            covered[k] += snapshot.presence
    return faults, counts, covered, counts[1] / counts[0]


def test_without_faults_nothing_is_changed():
    _, counts, covered, _ = told(FaultRates())
    assert (counts[0] == counts[1]).all() and (covered[0] == covered[1]).all()


def test_each_broken_loop_has_one_fault_that_shows():
    """Dead: nothing; stuck on: always covered; chatter: far too much; miscounts: 40 % more or less."""
    faults, _, covered, ratio = told(FaultRates(dead=0.2, stuck_on=0.2, chatter=0.2, over_count=0.2, under_count=0.2))
    kind = faults.kind
    assert {"dead", "stuck_on", "chatter", "over_count", "under_count"} == set(kind)
    assert (ratio[kind == "dead"] == 0).all() and (covered[1][kind == "dead"] == 0).all()
    assert (covered[1][kind == "stuck_on"] == ROUNDS).all()
    assert (ratio[kind == "chatter"] > 3).all()
    assert ratio[kind == "over_count"] == pytest.approx(1.4, abs=0.02)
    assert ratio[kind == "under_count"] == pytest.approx(0.6, abs=0.02)


def test_lost_edges_lose_that_share_of_vehicles():
    _, _, _, ratio = told(FaultRates(lost_edges=0.05))
    assert ratio.mean() == pytest.approx(0.95, abs=0.01)


def test_a_late_reading_comes_with_the_next_one():
    """No vehicle is lost, but for the one that is under way at the end."""
    _, counts, _, _ = told(FaultRates(late=0.05))
    assert (np.abs(counts[0] - counts[1]) <= 1).all()


def test_a_seed_decides_and_the_share_is_kept(two: Layout):
    """The same loops whatever is read; another seed breaks others."""
    rates = FaultRates(dead=0.25)
    first, again, other = (Faults(two, rates, seed).kind for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
    assert (first == "dead").sum() == round(0.25 * len(two.loops))


def test_a_loop_or_a_whole_junction_is_dead_by_name(two: Layout):
    """Whatever else befalls it; the others are as they would be."""
    loop, junction = two.loops[0][1], two.intersections[1].id
    rates = parse_faults(f"chatter=1,dead-at={junction},dead-at={loop}")
    kind = Faults(two, rates, seed=1).kind
    assert [k == "dead" for k in kind] == [k == 0 or row == 1 for k, (row, _) in enumerate(two.loops)]
    with pytest.raises(ConfigError, match=f"dead-at=lefd: no loop or junction, nearest are .*{junction}"):
        Faults(two, parse_faults("dead-at=lefd"), seed=1)


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("", ""),
        ("dead=0", ""),
        (" late=0.05,dead=.20 ", "dead=0.2,late=0.05"),
        ("dead-at=b,dead-at=a", "dead-at=a,dead-at=b"),
    ],
)
def test_equal_faults_are_written_alike(words: str, written: str):
    assert str(parse_faults(words)) == written
    assert parse_faults(written) == parse_faults(words)


def test_a_faulty_plant_is_a_plant():
    """Commands go through as they are; readings are spoiled."""
    plant = FakePlant([crossing()], time_s=0.0)
    faulty = FaultyPlant(plant, Faults(plant.layout, FaultRates(stuck_on=1.0), seed=0))
    assert faulty.layout is plant.layout
    assert faulty.read().presence.all() and not plant.read().presence.any()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("daed=0.2", "daed is unknown, must be one of dead, stuck-on"),
        ("dead=much", "dead=much, must be dead=SHARE"),
        ("dead=1.2", "dead = 1.2, must be 0 to 1"),
        ("dead=0.6,chatter=0.6", "add up to 1.2, must be at most 1"),
    ],
)
def test_faults_that_cannot_be_are_told_in_one_line(words: str, line: str):
    with pytest.raises(ConfigError, match=line):
        parse_faults(words)


def test_faults_are_read_as_they_are_typed():
    assert parse_faults("dead=0.2, lost-edges=0.05") == FaultRates(dead=0.2, lost_edges=0.05)
    assert parse_faults("") == FaultRates()
