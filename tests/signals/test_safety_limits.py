"""Limits of any size at any pace, with values dense near each, and any sequence of requests."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import signals.safety
from signals.values import Decision
from tests.signals.asking import (
    CLEARANCE,
    GRANTED,
    HOLD,
    NONE,
    YELLOW,
    A,
    B,
    Street,
)
from tests.signals.checker import check
from tests.signals.fakes import FakePlant, crossing, junction, protected_left, turn_on_red

near_ms = st.sampled_from([-1000, -2, -1, 0, 1, 2, 1000])
readings = st.integers(1, 20)
paces_ms = st.integers(200, 9_000)


@given(readings, paces_ms, near_ms)
def test_any_minimum_green_at_any_pace(count: int, pace_ms: int, off_ms: int) -> None:
    """Granted exactly when the green was seen for its minimum."""
    minimum_ms = max(count * pace_ms + off_ms, 0)
    made = junction("j", {"a": (minimum_ms / 1000, 3, 1), "b": (5, 3, 1)}, {"A": "Gr", "B": "rG"}, {("a", "b"): ()})
    street = Street(signals.safety, made)
    street.watch([k * pace_ms / 1000 for k in range(count)], "Gr", A)
    assert (street.ask(count * pace_ms / 1000, "Gr", A, B) == GRANTED) == (count * pace_ms >= minimum_ms)


@given(readings, paces_ms, near_ms)
def test_any_yellow_and_clearance_at_any_pace(count: int, pace_ms: int, off_ms: int) -> None:
    """Tripped exactly when what was seen cannot have been as long as it must be."""
    yellow_ms = max(count * pace_ms + off_ms, 0)
    for rows, said, times in (("yr", YELLOW, (yellow_ms / 1000, 0.0)), ("rr", CLEARANCE, (0.0, yellow_ms / 1000))):
        made = junction("j", {"a": (5, *times), "b": (5, 3, 1)}, {"A": "Gr", "B": "rG"}, {("a", "b"): ()})
        street = Street(signals.safety, made)
        street.watch([0.0, pace_ms / 1000], "Gr", A)
        street.watch([(k + 1) * pace_ms / 1000 for k in range(1, count)], rows, NONE)
        after = "rr" if said == YELLOW else "rG"
        tripped = street.ask((count + 1) * pace_ms / 1000, after, NONE, mode=HOLD) == said
        assert tripped == (count * pace_ms < yellow_ms)


@given(
    st.sampled_from([crossing, protected_left, turn_on_red]),
    st.lists(
        st.tuples(st.sampled_from([0.25, 1.0, 3.0, 5.0, 9.75]), st.integers(-1, 4), st.integers(0, 3)), max_size=60
    ),
)
def test_any_sequence_of_requests_is_safe(made: Any, requests: list[tuple[float, int, int]]) -> None:
    """Through a truthful plant: no violation, and no trip."""
    plant = FakePlant([made()])
    interlock = signals.safety.Interlock(plant.layout)
    none = np.zeros(1)
    for spacing_s, stage, mode in requests:
        plant.wait(spacing_s)
        snapshot = plant.read()
        decision = Decision(
            snapshot.time_s, np.array([mode], np.int8), np.array([stage]), none.astype(int), none, ("",)
        )
        command = interlock.permit(snapshot, decision)
        assert not command.reason(0).startswith("tripped")
        plant.apply(command)
    plant.wait(30.0)
    assert check(plant.layout.intersections[0], *plant.recorded(0)) == []
