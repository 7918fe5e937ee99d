"""Is a message the next one of its source, and of now? Sequence and time, against replay and clocks that leap."""

from __future__ import annotations

from field.mqtt.messages import Refusal, Refused

AHEAD_S = 2.0
"""A source's clock may be ahead of ours by so much."""
RESTART_BELOW = 16
"""A source that began anew numbers from the beginning; its time must have gone on."""


class Order:
    """Of one source. `gaps`: messages that never came; old_s: from which age a message is none of now."""

    def __init__(self, old_s: float) -> None:
        self._old_s = old_s
        self._sequence, self._time_s = -1, float("-inf")
        self.gaps = 0

    def take(self, sequence: int, time_s: float, now_s: float) -> None:
        """Take note of the next message. Raises `Refused`. Times are the wall's."""
        if time_s > now_s + AHEAD_S:
            raise Refused(Refusal.FUTURE)
        if time_s < now_s - self._old_s:
            raise Refused(Refusal.OLD)
        began_anew = sequence < min(self._sequence, RESTART_BELOW) and time_s > self._time_s
        if not began_anew:
            if sequence == self._sequence:
                raise Refused(Refusal.DUPLICATE)
            if sequence < self._sequence or time_s < self._time_s:
                raise Refused(Refusal.OUT_OF_ORDER)
            self.gaps += max(0, sequence - self._sequence - 1) if self._sequence >= 0 else 0
        self._sequence, self._time_s = sequence, time_s

    def step_back(self, now_s: float) -> None:
        """Our own clock was set back behind what we took: begin anew rather than refuse until it has caught up."""
        if self._time_s > now_s + AHEAD_S:
            self._sequence, self._time_s = -1, float("-inf")
