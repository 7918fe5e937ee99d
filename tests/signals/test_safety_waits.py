"""What the interlock promises to those who wait."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from tests.signals.asking import (
    AWAITED,
    CLOCK,
    GO,
    GRANTED,
    HOLD,
    NONE,
    RELEASE,
    STARVED,
    A,
    B,
    Shown,
    Street,
)
from tests.signals.fakes import crossing, junction, protected_left


def waiting(safety: ModuleType, *loops: str, **settings: Any) -> Street:
    """The crossing in A, watched from 0 s, with some loops occupied from 5 s on."""
    street = Street(safety, **settings)
    street.watch([0.0], "Gr", A)
    street.occupied = set(loops)
    street.watch([5.0], "Gr", A)
    return street


def test_nobody_waits_longer_than_the_maximum_red(safety: ModuleType) -> None:
    """240 s after its loop was first occupied a head's junction is left to its own plan, for 120 s."""
    for seen_s, said in ((244.999, GRANTED), (245.001, STARVED), (245.0, STARVED)):
        street = waiting(safety, "crossing.side.stop_line")
        street.watch(range(10, 245, 5), "Gr", A)
        assert street.ask(seen_s, "Gr", A, A) == said
    street.occupied = set()
    street.watch(range(250, 365, 5), "Gr", A, local=True)
    assert street.ask(364.999, "Gr", A, A, local=True) == STARVED
    assert street.ask(365.998, "Gr", A, A, local=True) == GRANTED


def test_a_starved_junction_may_be_asked_again(safety: ModuleType) -> None:
    """After `release_s`, to the millisecond; its own release is granted meanwhile."""
    for seen_s, said in ((54.999, STARVED), (55.0, GRANTED), (55.001, GRANTED)):
        street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0, release_s=30.0)
        street.watch([10, 15, 20], "Gr", A)
        assert street.ask(25, "Gr", A, A) == STARVED
        assert street.ask(30, "Gr", A, mode=RELEASE, local=True) == GRANTED
        street.occupied = set()
        assert [street.ask(time_s, "Gr", A, A, local=True) for time_s in range(35, 55, 5)] == [STARVED] * 4
        assert street.ask(seen_s, "Gr", A, A, local=True) == said


def test_a_junction_is_released_until_somebody_is_served(safety: ModuleType) -> None:
    """While it does not follow, the time of its release does not begin."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0, release_s=10.0)
    street.watch([10, 15, 20], "Gr", A)
    for time_s in (25, 30, 35, 40):
        assert street.ask(time_s, "Gr", A, A) == STARVED
    street.occupied = set()
    assert street.ask(45, "Gr", A, A) == STARVED
    assert street.ask(50, "Gr", A, A, local=True) == GRANTED


def test_who_has_gone_is_not_waited_for(safety: ModuleType) -> None:
    """Nobody is released for an empty loop; one that was empty for a while has waited all the same."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0)
    street.watch([10, 15], "Gr", A)
    street.occupied = set()
    assert [street.ask(time_s, "Gr", A, A) for time_s in (20, 25, 30)] == [GRANTED] * 3
    street.occupied = {"crossing.side.stop_line"}
    assert street.ask(35, "Gr", A, A) == STARVED


def test_who_has_gone_is_not_mistaken_for_others(safety: ModuleType) -> None:
    """A wait that is over is nobody's whose own loops are empty, whoever stands at another head's."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0)
    street.watch([10, 15], "Gr", A)
    street.occupied = {"crossing.main.stop_line", "crossing.main.advance"}
    street.calls = {(0, 0)}
    assert [street.ask(time_s, "Gr", A, A) for time_s in (20, 25, 30)] == [GRANTED] * 3
    street.calls = {(0, 1)}
    assert street.ask(35, "Gr", A, A) == STARVED


def test_who_is_served_waits_no_longer(safety: ModuleType) -> None:
    """Each wait begins after a green; a green head keeps nobody waiting."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0)
    street.watch([10, 15, 20], "Gr", A)
    street.watch([24], "rG", B, local=True)
    street.watch([28], "rG", B)
    street.watch([32], "ry", NONE)
    for time_s in (36, 40, 44, 48):
        assert street.ask(time_s, "Gr", A, A) == GRANTED, "waits since 32 s, when it was no longer green"
    assert street.ask(52, "Gr", A, A) == STARVED
    street = Street(safety, maximum_red_s=20.0)
    street.occupied = {"crossing.side.stop_line"}
    street.watch([0], "rr", NONE)
    for time_s in range(5, 60, 5):
        assert street.ask(time_s, "rG", B, B) == GRANTED


def test_only_believed_stop_line_loops_and_calls_wait(safety: ModuleType) -> None:
    """An advance loop says that somebody comes, a faulty one says nothing; a latched call waits like a vehicle."""
    for occupied, unhealthy, call, said in (
        ("crossing.side.advance", "", False, GRANTED),
        ("crossing.side.stop_line", "crossing.side.stop_line", False, GRANTED),
        ("crossing.side.stop_line", "crossing.main.stop_line", False, STARVED),
        ("", "", True, STARVED),
    ):
        street = Street(safety, maximum_red_s=20.0)
        street.occupied, street.unhealthy = {occupied}, {unhealthy}
        street.calls = {(0, 1)} if call else set()
        street.watch([0, 5, 10, 15], "Gr", A)
        assert street.ask(20, "Gr", A, A) == said


def test_every_loop_of_a_head_counts(safety: ModuleType) -> None:
    """A head with several stop-line loops is waited for at each, and one without loops at none."""
    made = crossing()
    more = tuple(d.model_copy(update={"id": f"{d.id}.2"}) for d in made.detectors if d.kind == "stop_line")
    for detectors, loop, said in (
        ((*made.detectors, *more), "crossing.side.stop_line", STARVED),
        ((*made.detectors, *more), "crossing.side.stop_line.2", STARVED),
        ((*made.detectors, *more), "crossing.main.stop_line.2", GRANTED),
        (made.detectors[:2], "crossing.main.stop_line", GRANTED),
        ((*made.detectors[:2], more[0], more[0].model_copy(update={"id": "x"})), "x", GRANTED),
    ):
        street = Street(safety, made.model_copy(update={"detectors": detectors}), maximum_red_s=20.0)
        street.occupied = {loop}
        street.watch([0, 5, 10, 15, 19], "Gr", A)
        assert street.ask(20, "Gr", A, A) == said


def test_a_head_that_no_stage_serves_is_not_waited_for(safety: ModuleType) -> None:
    """Nothing that the interlock could do would serve it; a permissive green does serve."""
    made = junction("odd", {"a": (5, 3, 1), "b": (5, 3, 1), "never": (5, 3, 1)}, {"A": "Grr", "B": "rgr"}, {})
    for head, said in (("never", GRANTED), ("b", STARVED)):
        street = Street(safety, made, maximum_red_s=20.0)
        street.occupied = {f"odd.{head}.stop_line"}
        street.watch([0, 5, 10, 15], "Grr", A)
        assert street.ask(20, "Grr", A, A) == said


def test_under_its_own_plan_nobody_is_starved_by_us(safety: ModuleType) -> None:
    """Local control is what starvation leads to; who waited through it waits on."""
    street = Street(safety, maximum_red_s=20.0)
    street.occupied = {"crossing.side.stop_line"}
    street.watch([0, 5, 10, 15], "Gr", A, local=True)
    assert street.ask(20, "Gr", A, A, local=True) == GRANTED
    assert street.ask(25, "Gr", A, A) == STARVED


def test_each_junction_has_its_own_maximum_red(safety: ModuleType) -> None:
    """Never below its own plan's longest red, so that it may be one each; the other is left alone."""
    both = Street(safety, crossing(), protected_left(), maximum_red_s=[40.0, 20.0])
    both.occupied = {"crossing.side.stop_line", "left.side.stop_line"}
    said = []
    for time_s in range(0, 45, 5):
        command = both.permit(both.snapshot(time_s, Shown("Gr", A), Shown("Ggrr", A)), [GO, GO], [A, A])
        said.append((command.reason(0) == STARVED, command.reason(1) == STARVED))
    assert said == [(False, False)] * 4 + [(False, True)] * 4 + [(True, True)]


def test_waits_that_cannot_be_read_starve_nobody(safety: ModuleType) -> None:
    """Loops or calls of a wrong shape or kind say nothing, not even what they said before, nor of the first head."""
    for letters, standing, head in (("Gr", A, "side"), ("rG", B, "main")):
        for field, wrong in (
            ("presence", np.array([math.nan] * 4)),
            ("presence", np.array([True])),
            ("presence", np.ones((2, 2), bool)),
            ("presence", np.ones(4, np.int8)),
            ("healthy", np.ones(4)),
            ("healthy", np.array([True])),
            ("healthy", np.ones((2, 2), bool)),
            ("calls", np.ones((1, 2))),
            ("calls", np.ones((2, 1), bool)),
        ):
            street = Street(safety, maximum_red_s=20.0)
            street.calls = {(0, ["main", "side"].index(head))} if field == "calls" else set()
            street.occupied = set() if field == "calls" else {f"crossing.{head}.stop_line"}
            street.watch([0, 5, 10, 15], letters, standing)
            spoiled: Any = {field: wrong}
            snapshot = street.snapshot(20.0, Shown(letters, standing))._replace(**spoiled)
            assert street.permit(snapshot, [GO], [standing]).reason(0) == GRANTED
            assert street.ask(25, letters, standing, standing) == STARVED


def test_who_comes_to_a_green_head_does_not_wait(safety: ModuleType) -> None:
    """Though it had been red for long, with nobody there; his wait begins when it is red again."""
    street = Street(safety, maximum_red_s=20.0)
    street.watch([0, 5], "Gr", A, local=True)
    street.watch([10], "rG", B, local=True)
    street.occupied = {"crossing.side.stop_line"}
    assert [street.ask(time_s, "rG", B, B) for time_s in range(15, 60, 5)] == [GRANTED] * 9
    street.watch([64], "ry", NONE)
    assert [street.ask(time_s, "ry", NONE, B) for time_s in (68, 72, 76, 80)] == [AWAITED] * 4
    assert street.ask(84, "ry", NONE, B) == STARVED


def test_a_wait_goes_on_while_another_head_of_the_same_loop_is_served(safety: ModuleType) -> None:
    """A lane with a head for each turn has one loop; neither of them counts anew for the other."""
    made = junction("fork", {"a": (5, 3, 1), "b": (5, 3, 1)}, {"A": "Gr", "B": "rG"}, {("a", "b"): ()})
    lane = made.lane_groups[0].model_copy(update={"signal_groups": ("a", "b")})
    forked = made.model_copy(update={"lane_groups": (lane, *made.lane_groups[1:])})
    street = Street(safety, forked, maximum_red_s=30.0)
    street.occupied = {"fork.a.stop_line"}
    street.watch([0, 5, 10], "Gr", A)
    street.watch([15], "yr", NONE)
    assert [street.ask(time_s, "yr", NONE, mode=HOLD) for time_s in (20, 25)] == [GRANTED] * 2
    assert street.ask(30, "yr", NONE, mode=HOLD) == STARVED


def test_each_wait_ends_when_it_is_due(safety: ModuleType) -> None:
    """Whoever waited first and went for a while is as overdue when he is back, whoever waits beside him."""
    street = Street(safety, protected_left(), maximum_red_s=20.0)
    street.occupied = {"left.side.stop_line"}
    street.watch([0, 5], "Ggrr", A)
    street.occupied = {"left.right.stop_line"}
    street.watch([10, 15, 20, 25], "Ggrr", A)
    street.occupied = {"left.side.stop_line"}
    assert street.ask(26, "Ggrr", A, A) == STARVED


def test_a_wait_counts_only_what_was_seen(safety: ModuleType) -> None:
    """Not the leap of a clock."""
    street = waiting(safety, "crossing.side.stop_line", maximum_red_s=20.0)
    assert street.ask(500, "Gr", A, A) == CLOCK
    assert [street.ask(time_s, "Gr", A, A) for time_s in (505, 510, 515, 520)] == [GRANTED] * 4
    assert street.ask(525, "Gr", A, A) == STARVED
