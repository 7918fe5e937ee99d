"""One junction whose lamps somebody else drives: a cabinet that is told what its loops and buttons see."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signals.errors import ConfigError
from signals.intersection import Aspect, Intersection
from signals.layout import layout
from simulation.buttons import Buttons
from simulation.programs import LETTER_OF
from simulation.street import Street
from simulation.sumo import Sumo

TICKS = 10
"""Tenths of a second in a step."""


class Lamps:
    """Shows aspects, and tells what was seen in the step before. The other junctions of the street keep their plans."""

    def __init__(self, street: Street, junction: str) -> None:
        network, self._sumo = street.network, street.sumo
        found = {i.id: i for i in network.intersections}
        if junction not in found:
            raise ConfigError(f"unknown junction {junction}, must be one of {', '.join(found)}")
        self.intersection: Intersection = found[junction]
        self._links, self._always = network.links[junction], dict(network.always.get(junction, {}))
        self._groups = [group.id for group in self.intersection.signal_groups]
        self._loops = [Loop(self._sumo, detector.id) for detector in self.intersection.detectors]
        self._buttons = Buttons(self._sumo, layout([self.intersection]))
        self._shown: dict[tuple[Aspect, ...], str] = {}

    def show(self, aspects: Mapping[str, Aspect]) -> None:
        """Light the lamps until the next call."""
        self._aspects = tuple(aspects[group] for group in self._groups)
        letters = self._shown.get(self._aspects)
        if letters is None:
            letters = self._shown[self._aspects] = self._state(self._aspects)
        self._sumo.trafficlight.setRedYellowGreenState(self.intersection.id, letters)

    def _state(self, aspects: tuple[Aspect, ...]) -> str:
        letters = {k: LETTER_OF[a] for a, links in zip(aspects, self._links, strict=True) for k in links} | self._always
        return "".join(letters[k] for k in range(len(letters)))

    def loops(self) -> list[list[bool]]:
        """Of each loop, whether it was covered in each tenth of the last step."""
        return [loop.read() for loop in self._loops]

    def pressed(self, covered: list[list[bool]]) -> frozenset[int]:
        """The phases whose buttons have been pressed, or whose loops latch as buttons do, and that were not green."""
        shown = np.array([self._aspects], np.int8)
        calls = self._buttons.read(shown, np.array([any(ticks) for ticks in covered], bool))
        groups = (self._groups[k] for k in np.flatnonzero(calls[0]))
        return frozenset(self.intersection.phase_of(group).number for group in groups)


class Loop:
    """One loop's pulses, as a detector card of a tenth of a second sees them: a vehicle is one, and a gap parts two."""

    def __init__(self, sumo: Sumo, name: str) -> None:
        self._sumo, self._name = sumo, name
        self._last = ""

    def read(self) -> list[bool]:
        """Covered or not, in each tenth of the last step."""
        covered = [False] * TICKS
        if self._sumo.loop_quiet_s(self._name) > 1.0:
            return covered
        since_s = self._sumo.time_s - 1.0
        for vehicle, entered_s, left_s in sorted(self._sumo.loop_passages(self._name), key=lambda row: row[1]):
            first = max(0, int((entered_s - since_s) * TICKS))
            last = TICKS if left_s < 0 else max(first + 1, int((left_s - since_s) * TICKS))
            for k in range(first, min(last, TICKS)):
                covered[k] = True
            if first > 0 and vehicle != self._last:
                covered[first - 1] = False
            self._last = vehicle
        return covered
