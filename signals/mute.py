"""Which junctions have gone mute: where all loops are dead, none is left to tell who is missed."""

from __future__ import annotations

import numpy as np

from signals.layout import Layout
from signals.values import Bools, Floats

MUTE_S = 300.0
"""A junction without a sign of life is mute no sooner: a few cycles."""
NEVER_SEEN_S = 300.0
"""The same where there was none since the beginning: its loops have yet to prove that they work."""
NONE_ANYWHERE_S = 180.0
"""The same where none of all junctions has shown any: not the street is quiet, but what is to tell of it."""
LIVELY_S = 120.0
"""A junction that has been silent for so long tells nothing of who left it: a network's loops may die at once."""
MUTE_COUNTS = 40.0
"""Counts, about two a vehicle, that its loops usually make in a time in which they made none."""
CAME_VEH = 20.0
"""Must have come from the junctions before in that time, where their loops tell: a locked street sends nobody."""
USUAL_SPAN_S = 3600.0
USUAL_NONE_S = 1800.0
"""What is usual is learned as if nobody had come for so long before."""


class MuteJunctions:
    """Which junctions have shown no sign of life for longer than can be by chance, or never any since the beginning.

    At night, where that is true of the street, it costs nothing: nobody is there to be seen, and the first who is ends
    it.
    """

    def __init__(self, layout: Layout) -> None:
        self._row = np.array([row for row, _ in layout.loops], np.int64)
        self._junctions = junctions = layout.shape[0]
        self._cell = (self._row + junctions * np.arange(3)[:, None]).ravel()
        self._told = np.zeros((3, self._row.size))
        self._loops = np.bincount(self._row, minlength=junctions)
        self._usual_per_s, self._known_s = np.zeros(junctions), np.zeros(junctions)
        self._silent_s, self._came_veh = np.zeros(junctions), np.zeros(junctions)

    def restart(self) -> None:
        """Nothing has lasted; what is usual stays so."""
        self._silent_s[:] = self._came_veh[:] = 0.0

    @property
    def lively(self) -> Bools:
        """Loops [L] of junctions that have shown a sign of life lately: the others' silence says nothing of anybody."""
        found: Bools = (self._silent_s < LIVELY_S)[self._row]
        return found

    def check(
        self, elapsed_s: float, alive: Bools, volume: Floats, quiet: Bools, came_veh: Floats, known_upstream: Bools
    ) -> Bools:
        """The loops [L] of mute junctions. alive: they told something, or somebody stands on one that was free before;
        quiet: neither counted nor covered.

        came_veh [J]: who left the junctions before for this one, where that is known_upstream; if nobody did, none is
        missed here.
        A junction where somebody stands, or most loops are covered, and none counts is locked rather than mute.
        """
        self._silent_s += elapsed_s
        self._came_veh += came_veh
        self._told[0], self._told[1], self._told[2] = alive, quiet, volume
        speaking, silent, counts = np.bincount(self._cell, self._told.ravel(), 3 * self._junctions).reshape(3, -1)
        speaks = (speaking > 0) | (2 * silent <= self._loops)
        self._learn(speaks, counts.astype(float))
        self._silent_s[speaks] = self._came_veh[speaks] = 0.0
        never, missed = self._usual_per_s == 0.0, self._silent_s * self._usual_per_s
        never_seen_s = NONE_ANYWHERE_S if never.all() else NEVER_SEEN_S
        expected = ~known_upstream | (self._came_veh >= CAME_VEH)
        mute = expected & np.where(
            never, self._silent_s >= never_seen_s, (self._silent_s >= MUTE_S) & (missed >= MUTE_COUNTS)
        )
        found: Bools = mute[self._row]
        return found

    def _learn(self, speaks: Bools, counts: Floats) -> None:
        """Silence is learned from when it ends: one that does not end must not become usual."""
        for_s = self._silent_s * speaks
        self._known_s = np.minimum(self._known_s + for_s, USUAL_SPAN_S)
        self._usual_per_s += (counts * speaks - for_s * self._usual_per_s) / (self._known_s + USUAL_NONE_S)
