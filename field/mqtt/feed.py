"""Detector messages → readings in a snapshot. Without I/O: payloads go in with their time, snapshots come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from field.mqtt.messages import DetectorMessage, LoopMessage, Refusal, Refused, parse
from field.mqtt.order import Order
from signals.layout import Layout
from signals.values import Snapshot

OFFLINE = b"offline"
"""A source's last will on `TOPIC/status`: its loops tell nothing from now on."""
HEADWAY_S = 1.2
BUNCH_VEH = 2.0
"""A lane passes one vehicle in so many seconds on the whole, and a bunch of two at once."""


@dataclass
class _Loop:
    """What one loop has told since the last snapshot. on_since_s: by the source's clock; None while free.

    room_veh: so many may have passed it since `told_s`, when it was last told of.
    """

    place: int
    volume_veh: float = 0.0
    occupancy: float = 0.0
    on_s: float = 0.0
    on_since_s: float | None = None
    present: bool = False
    pulsed: bool = False
    told_s: float | None = None
    room_veh: float = BUNCH_VEH

    def passes(self, told: LoopMessage, time_s: float) -> bool:
        """Whether a lane can pass what is told; many messages can tell no more than one."""
        elapsed_s = max(0.0, time_s - self.told_s) if self.told_s is not None else 0.0
        room_veh = min(self.room_veh, BUNCH_VEH) + elapsed_s / HEADWAY_S
        came_veh = told.volume if told.volume is not None else float(bool(told.on) and not self.present)
        possible = came_veh <= room_veh
        self.told_s, self.room_veh = time_s, room_veh - came_veh * possible
        return possible


class FeedState:
    """What a feed's loops have told. Times are the wall's, handed in; stale_s: after so long without a message."""

    def __init__(self, layout: Layout, stale_s: float) -> None:
        self._loops = {name: _Loop(place) for place, (_, name) in enumerate(layout.loops)}
        self._told: set[str] = set()
        self._order, self._stale_s = Order(stale_s), stale_s
        self._heard_s, self._filled_s = float("-inf"), float("-inf")
        self._offline = False
        self.refused: Counter[Refusal] = Counter()
        self.taken = 0

    @property
    def gaps(self) -> int:
        """Messages that never came."""
        return self._order.gaps

    def accept(self, payload: bytes, now_s: float) -> None:
        """Take one message, or count why not."""
        self._order.step_back(now_s)
        try:
            message = parse(DetectorMessage, payload)
            self._order.take(message.sequence, message.time, now_s)
        except Refused as refused:
            self.refused[refused.reason] += 1
            return
        self.taken, self._heard_s, self._offline = self.taken + 1, now_s, False
        for name, told in message.detectors.items():
            if name not in self._loops:
                self.refused[Refusal.UNKNOWN] += 1
            elif not self._loops[name].passes(told, message.time):
                self.refused[Refusal.IMPOSSIBLE] += 1
            else:
                self._told.add(name)
                self._take(self._loops[name], told, message.time)

    def status(self, payload: bytes) -> None:
        """The source's word on itself, or its last will."""
        self._offline = payload == OFFLINE

    def stale(self, now_s: float) -> bool:
        """Whether its loops tell nothing now."""
        return self._offline or not 0.0 <= now_s - self._heard_s <= self._stale_s

    def fill(self, snapshot: Snapshot, now_s: float) -> Snapshot:
        """Its loops in place of the cabinet's; those that it has never told of stay as they are."""
        volume, occupancy = snapshot.volume_veh.copy(), snapshot.occupancy.copy()
        presence, healthy = snapshot.presence.copy(), snapshot.healthy.copy()
        stale, elapsed_s = self.stale(now_s), now_s - self._filled_s
        self._filled_s = now_s
        for name in self._told:
            loop = self._loops[name]
            share = self._covered(loop, now_s, elapsed_s)
            volume[loop.place] = 0.0 if stale else loop.volume_veh
            occupancy[loop.place], presence[loop.place] = (0.0, False) if stale else (share, loop.present)
            healthy[loop.place] = not stale
            loop.volume_veh, loop.on_s = 0.0, 0.0
        return snapshot._replace(volume_veh=volume, occupancy=occupancy, presence=presence, healthy=healthy)

    def _take(self, loop: _Loop, told: LoopMessage, time_s: float) -> None:
        if told.on is None:
            loop.volume_veh += told.volume or 0.0
            loop.occupancy = told.occupancy or 0.0
            loop.present, loop.pulsed = loop.occupancy > 0.5, False
            return
        if told.on and not loop.present:
            loop.volume_veh += 1.0
            loop.on_since_s = time_s
        elif not told.on and loop.on_since_s is not None:
            loop.on_s += max(0.0, time_s - loop.on_since_s)
            loop.on_since_s = None
        loop.present, loop.pulsed = told.on, True

    def _covered(self, loop: _Loop, now_s: float, elapsed_s: float) -> float:
        """Share of the time since the last snapshot, 0-1."""
        if not loop.pulsed:
            return loop.occupancy
        if loop.on_since_s is not None:
            loop.on_s += max(0.0, now_s - loop.on_since_s)
            loop.on_since_s = now_s
        return float(np.clip(loop.on_s / elapsed_s, 0.0, 1.0)) if 0 < elapsed_s < np.inf else float(loop.present)


class MqttFeed:
    """A `FeedState` behind a mailbox: what the broker's thread has put there is taken in the loop's own time."""

    def __init__(
        self,
        layout: Layout,
        stale_s: float,
        mail: Callable[[], Iterable[tuple[str, bytes]]],
        now: Callable[[], float],
        close: Callable[[], None],
    ) -> None:
        self.state = FeedState(layout, stale_s)
        self._mail, self._now, self._close = mail, now, close

    def fill(self, snapshot: Snapshot) -> Snapshot:
        """Read the mail, then fill."""
        now_s = self._now()
        for topic, payload in self._mail():
            if topic.endswith("/status"):
                self.state.status(payload)
            else:
                self.state.accept(payload, now_s)
        return self.state.fill(snapshot, now_s)

    def words(self) -> str:
        """How it fares."""
        refused = ", ".join(f"{reason} {count}" for reason, count in self.state.refused.most_common())
        state = "stale" if self.state.stale(self._now()) else "live"
        said = f"mqtt: {state}, {self.state.taken} messages, {self.state.gaps} lost"
        return f"{said}, refused: {refused}" if refused else said

    def close(self) -> None:
        """Leave the broker."""
        self._close()
