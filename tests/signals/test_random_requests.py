"""A million hostile requests through the interlock, and what was really shown judged by the separate checker."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios.catalogue import find
from signals.errors import ConfigError
from signals.intersection import Aspect, Intersection
from signals.safety import LIFETIME_S, TRIPS, Interlock
from signals.values import TRANSITION, Command, Decision, Mode, Snapshot
from simulation.network import read
from tests.signals.checker import Violation, check
from tests.signals.fakes import FakePlant, aspects, crossing, protected_left, turn_on_red
from tests.simulation.wheels import FOUND

SCENARIOS = ("resco:cologne1", "resco:cologne3", "arterial")
REQUESTS = 1_000_000
PARTS = 4
SEGMENT = 100
"""Rounds at one pace."""


@pytest.fixture(scope="module")
def junctions() -> list[Intersection]:
    return [junction for name in SCENARIOS for junction in read(find(name).net_file).intersections]


@pytest.fixture(scope="module")
def every_junction() -> list[Intersection]:
    """Of all networks in the wheels, by names of their own."""
    found: list[Intersection] = []
    for path in FOUND:
        with suppress(ConfigError):  # a network of rail alone, or one that is broken
            found += read(path).intersections
    return [junction.model_copy(update={"id": f"{k} {junction.id}"}) for k, junction in enumerate(found)]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_makes_the_street_unsafe(part: int, junctions: list[Intersection]) -> None:
    """Whatever is asked or lost, however the clock steps: no conflict, no short green, yellow or clearance."""
    hold_safe(junctions, part)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_makes_any_junction_of_the_wheels_unsafe(part: int, every_junction: list[Intersection]) -> None:
    """The same, with plans of all kinds: rings, seconds, pedestrians, bicycles, several junctions under one signal."""
    assert len(every_junction) > 100
    hold_safe(every_junction, PARTS + part)


def hold_safe(junctions: list[Intersection], part: int) -> None:
    """A part of the million."""
    street = Hostile(junctions, seed=part)
    for _ in range(REQUESTS // PARTS // len(junctions) // SEGMENT + 1):
        street.run(SEGMENT)
    said = street.said
    print(f"\n{said['asked']} requests, {said['changes']} for another stage, {said['granted']} of them granted; {said}")
    assert said["asked"] >= REQUESTS // PARTS
    assert said["granted"] >= said["changes"] / 5
    assert said["tripped"] == 0, "a truthful plant, however lossy, must not be tripped"
    assert street.violations() == []


def test_a_plant_that_lies_about_the_present_is_still_safe() -> None:
    """A read-back that stands still under a running clock, for less than a command lives, leads to no violation."""
    street = Hostile([crossing(), protected_left(), turn_on_red()], seed=99, lies=True)
    for _ in range(60):
        street.run(SEGMENT)
        street.interlock.acknowledge(np.inf)
    assert street.said["lies"] > 100
    assert street.said["granted"] > 1000
    assert street.violations() == []


class Hostile:
    """Asks anything of a `FakePlant` through the interlock, and comes between the two."""

    def __init__(self, junctions: list[Intersection], seed: int, lies: bool = False) -> None:
        self.random = np.random.default_rng([seed, 2])
        self.plant = FakePlant(junctions, time_s=25_200.0)
        self.interlock = Interlock(self.plant.layout)
        self.said: Counter[str] = Counter()
        self._lies = lies
        self._stages = np.array([len(j.stages) for j in junctions])
        self._last = self.plant.read()
        self._lost_until_s = np.full(len(junctions), -np.inf)
        self._lying: tuple[float, Snapshot] | None = None

    def run(self, rounds: int) -> None:
        """One pace throughout, or another each time; the clock may step by little only where the pace is even."""
        even, pace_s = self.random.random() < 0.7, float(self.random.choice([0.5, 1.0, 1.0, 2.0, 5.0, 8.0, 12.0]))
        spacings_s = np.full(rounds, pace_s) if even else self.random.integers(4, 49, rounds) / 4
        presence = self.random.random((rounds, self.plant.presence.size)) < 0.2
        self._chance = self.random.random((rounds, 4))
        self._losing = self.random.random((rounds, self._stages.size)) < 0.005
        mode, stage = self._anything(rounds)
        stood, refusal = np.zeros_like(stage), np.zeros_like(stage)
        nothing = np.zeros(self._stages.size)
        self._even_for = 0
        for k, spacing_s in enumerate(spacings_s.tolist()):
            self._even_for = self._even_for + 1 if even else 0
            self.plant.wait(spacing_s)
            self._step_the_clock(k, spacing_s)
            self.plant.presence = presence[k]
            true = self.plant.read()
            snapshot = self._spoiled(true, k, spacing_s)
            decision = Decision(snapshot.time_s, mode[k], stage[k], np.zeros_like(stage[k]), nothing, ("random",))
            command = self.interlock.permit(snapshot, decision)
            self.plant.apply(command._replace(expires_s=command.expires_s + true.time_s - snapshot.time_s))
            self._last, stood[k], refusal[k] = snapshot, snapshot.stage, command.refusal
        changes = (mode == Mode.GO) & (stage != stood)
        self.said["asked"] += changes.size
        self.said["changes"] += int(changes.sum())
        self.said["granted"] += int((changes & (refusal == 0)).sum())
        self.said["tripped"] += int(((refusal > 0) & (refusal <= len(TRIPS))).sum())

    def violations(self) -> list[tuple[str, Violation]]:
        intersections = enumerate(self.plant.layout.intersections)
        return [(i.id, v) for row, i in intersections for v in check(i, *self.plant.recorded(row))]

    def _anything(self, rounds: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Modes and stages: mostly such as there are, of any junction in any state."""
        shape = rounds, self._stages.size
        stage = self.random.integers(0, self._stages, shape)
        stage = np.where(self.random.random(shape) < 0.03, self.random.integers(-99, 99, shape), stage)
        mode = self.random.choice([Mode.GO, Mode.HOLD, Mode.RELEASE], shape, p=[0.95, 0.04, 0.01])
        mode = np.where(self.random.random(shape) < 0.01, self.random.integers(-128, 128, shape), mode)
        return mode.astype(np.int8), stage

    def _step_the_clock(self, k: int, spacing_s: float) -> None:
        """Ahead or back, far at any time; near only once while the pace is even, as a clock is set."""
        if self._chance[k, 0] > 0.01:
            return
        self.said["clock steps"] += 1
        steps_s = [float(self.random.integers(100, 4000)) * float(self.random.choice([-1.0, 1.0]))]
        if self._even_for > 2:
            steps_s += [float(self.random.integers(-12, 13)) / 4, -spacing_s]
        self.plant.offset_s += float(self.random.choice(steps_s))
        self._even_for = 0

    def _spoiled(self, true: Snapshot, k: int, spacing_s: float) -> Snapshot:
        if self._lies:
            return self._frozen(true, k, spacing_s)
        if self._chance[k, 1] < 0.01:
            self.said["stale"] += 1
            self._even_for = 0
            return self._last
        return self._lost(true, k)

    def _frozen(self, true: Snapshot, k: int, spacing_s: float) -> Snapshot:
        """What was shown before under the time of now; of junctions that follow us, since others move by themselves."""
        if self._lying is None and self._chance[k, 2] < 0.03 and spacing_s < 4.0 and not true.local.any():
            self._lying = self.plant.time_s + LIFETIME_S - 2 * spacing_s, true
        if self._lying is None:
            return true
        until_s, seen = self._lying
        if self.plant.time_s >= until_s or true.local.any():
            self._lying = None
            return true
        self.said["lies"] += 1
        return seen._replace(time_s=true.time_s)

    def _lost(self, true: Snapshot, k: int) -> Snapshot:
        if self._losing[k].any():
            self._lost_until_s[self._losing[k]] = self.plant.time_s + self.random.integers(0, 20)
        lost = self._lost_until_s >= self.plant.time_s
        if not lost.any():
            return true
        self.said["lost"] += int(lost.sum())
        unread = lost[:, None] & (self.random.random(true.aspects.shape) < self._chance[k, 3])
        misread = lost & (self.random.random(lost.size) < 0.3)
        unknown = self.random.choice([Aspect.UNKNOWN, Aspect.DARK])
        return true._replace(
            aspects=np.where(unread, np.int8(unknown), true.aspects),
            stage=np.where(misread, self.random.choice([TRANSITION, -7, 99]), true.stage),
        )


def test_without_the_interlock_the_checker_would_complain() -> None:
    """The same requests, granted as they come, make greens short: so the silence above means something."""
    street = Hostile([crossing(), protected_left(), turn_on_red()], seed=7)
    street.interlock.permit = _granted  # type: ignore[method-assign]
    street.run(SEGMENT)
    assert "short green" in {violation.kind for _, violation in street.violations()}


def _granted(snapshot: Snapshot, decision: Decision) -> Command:
    known = (decision.stage >= 0) & (decision.stage < 2)
    mode = np.where((decision.mode == Mode.GO) & known, Mode.GO, Mode.HOLD).astype(np.int8)
    none = np.zeros_like(decision.stage)
    return Command(snapshot.time_s, snapshot.time_s + LIFETIME_S, mode, decision.stage, none, ("granted",))


def test_the_checker_sees_what_it_is_for() -> None:
    """Each kind of violation, made by hand."""
    crossed = crossing()

    def seen(*rows: tuple[float, str]) -> list[tuple[float, str]]:
        times = np.array([time_s for time_s, _ in rows])
        shown = np.array([aspects(letters) for _, letters in rows], np.int8)
        return [(v.time_s, v.kind) for v in check(crossed, times, shown)]

    good = [(0.0, "rr"), (1.0, "Gr"), (8.0, "yr"), (12.0, "rr"), (14.0, "rG"), (19.0, "ry"), (22.0, "rr"), (23.0, "Gr")]
    assert seen(*good) == []
    for change, kind in [
        ({2: (7.9, "yr")}, "short green"),
        ({3: (11.9, "rr")}, "short yellow"),
        ({2: (8.0, "rr")}, "no yellow"),
        ({4: (13.9, "rG")}, "short clearance"),
        ({3: (12.0, "yG")}, "short clearance"),
        ({1: (1.0, "GG")}, "prohibited together"),
        ({3: (12.0, "sr")}, "turn on red"),
    ]:
        assert kind in [found for _, found in seen(*(change.get(k, row) for k, row in enumerate(good)))]


def test_the_checker_knows_how_a_turn_yields() -> None:
    """A pair that yields in a stage is violated by the same pair without yielding."""
    left = protected_left()
    times = np.array([0.0, 1.0])
    assert check(left, times, np.array([aspects("rrrr"), aspects("Ggrr")], np.int8)) == []
    wrong = check(left, times, np.array([aspects("rrrr"), aspects("GGrr")], np.int8))
    assert [(v.kind, v.groups) for v in wrong] == [("prohibited together", ("through", "left"))]
