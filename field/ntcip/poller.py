"""Polls the detectors in the background of the second, so that no short pulse is missed between two snapshots."""

from __future__ import annotations

import threading
from collections.abc import Callable

from field.ntcip.detectors import Detectors, Seen
from field.ntcip.transport import SnmpTransport
from signals.errors import PlantError

LOST_S = 5.0
"""Without an answer for so long no loop is believed. By the wall in fast motion, as all that the line is judged by."""


class Poller:
    """A thread with a transport of its own; without one (`polls_per_s` = 0) `take` polls by itself.

    polls_per_s is of the street's time, which goes `speed` times as fast as ours. `failed`: the last error, or empty.
    """

    def __init__(
        self,
        detectors: Detectors,
        transport: SnmpTransport,
        now: Callable[[], float],
        polls_per_s: float,
        speed: float,
    ) -> None:
        self._detectors, self._transport, self._now = detectors, transport, now
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._every_s = 1.0 / (polls_per_s * speed) if polls_per_s else 0.0
        self._answered_s, self._lost_s = now(), LOST_S * max(1.0, speed)
        self.failed = ""
        self._thread = threading.Thread(target=self._run, name="detectors", daemon=True) if polls_per_s else None
        if self._thread:
            self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.poll()

    def poll(self) -> None:
        """One look; a failure is remembered, not raised. Who takes does not wait for the cabinet's answer."""
        try:
            look = self._detectors.look(self._now())
        except PlantError as error:
            self.failed = str(error)
            return
        with self._lock:
            self._detectors.note(look)
        self._answered_s, self.failed = self._now(), ""

    def take(self) -> Seen:
        """What was seen since it was last taken."""
        if self._thread is None:
            self.poll()
        with self._lock:
            seen = self._detectors.take(self._now())
        if self._now() - self._answered_s <= self._lost_s:
            return seen
        return Seen(seen.volume_veh, seen.occupancy, seen.presence, seen.healthy & False)

    def close(self) -> None:
        """End the thread, then its transport."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._transport.close()
