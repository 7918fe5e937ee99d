"""The unit with its street: a second of the street is ten ticks of the unit, whose lamps after the last light it.

So what a central asks within a second is seen on the street in that second, as early as SUMO's steps allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from field.virtual.machine import Machine
from field.virtual.street import CabinetStreet

TICKS = 10
Ask = Callable[[Callable[[], None]], None]


def at_once(work: Callable[[], None]) -> None:
    """Nobody else touches the unit."""
    work()


class Unit:
    """Time goes on as `ticks` is iterated, a tenth of a second each; `exclusively` keeps the wire out meanwhile."""

    def __init__(self, machine: Machine, street: CabinetStreet) -> None:
        self.machine, self._street = machine, street
        self.exclusively: Ask = at_once
        self.stuck: dict[int, bool] = {}
        """Detectors, by their place, that say this whatever passes."""

    def ticks(self) -> Iterator[float]:
        """The time before each tick. A second's ticks come with what the loops saw in the one before it."""
        pressed: frozenset[int] = frozenset()
        for second_s in self._street.seconds():
            covered = self._street.loops()
            for k in range(TICKS):
                time_s = round(second_s + k / TICKS, 1)
                yield time_s
                active = [ticks[k] for ticks in covered]
                self.exclusively(partial(self._tick, time_s, active, pressed))
            self._street.show(self.machine.lamps)
            pressed = self._street.pressed(covered)

    def _tick(self, time_s: float, active: list[bool], pressed: frozenset[int]) -> None:
        for place, on in self.stuck.items():
            active[place] = on
        self.machine.tick(time_s, active, pressed)
