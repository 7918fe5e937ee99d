"""Who stands behind a stop line where the advance loops that say who comes are lost.

A stop line that goes on discharging tells that somebody follows, not how many. Where its green ends before it has had a
gap, somebody is left over: more of them the more greens in a row have not sufficed, until a gap shows that none is.
"""

from __future__ import annotations

import numpy as np

from signals.values import Bools, Floats, some

DISCHARGING_VEH = 4.0
"""At least so many follow while a stop line in green has no gap; and more are left over each time that it ends so."""


class Following:
    """veh [J, N]: as many at least are taken to come in this green."""

    def __init__(self, most_veh: Floats) -> None:
        """most_veh [J, N]: more than there is room for is never left over."""
        self.veh: Floats = np.zeros_like(most_veh)
        self._most_veh, self._left_veh = most_veh, np.zeros_like(most_veh)
        self._was_green = np.zeros(most_veh.shape, bool)

    def update(self, lost: Bools, green: Bools, quiet: Bools, inside_veh: Floats) -> None:
        """One reading. lost [J, N]: no advance loop is believed; green: some of its heads are; quiet: the stop line has
        been free for longer than within a queue.

        Raises the queue, inside_veh [J, N], in place to who is left over where a green has ended.
        """
        follows = lost & ~quiet
        self._left_veh *= follows
        ended = follows & self._was_green & ~green
        if some(ended):
            np.minimum(self._left_veh + DISCHARGING_VEH * ended, self._most_veh, out=self._left_veh)
            np.maximum(inside_veh, self._left_veh, out=inside_veh, where=ended)
        self._was_green = green
        self.veh = np.where(follows & green, DISCHARGING_VEH, 0.0)
