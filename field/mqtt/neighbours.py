"""Neighbours' messages over the broker: what this process believes of its junctions goes out, theirs comes in.

A message that is missing or stale is a normal case and means "unknown": no number for what leaves, any room beyond.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from field.mqtt.messages import JunctionMessage, Refusal, Refused, parse
from field.mqtt.order import Order
from signals.flow import FlowEstimator
from signals.layout import Layout
from signals.values import NeighbourMessage, Snapshot, TrafficState


class Exchange:
    """What others told last, and what goes out. `own`: ids that this process serves. Times are the wall's."""

    def __init__(self, layout: Layout, own: Iterable[str], stale_s: float) -> None:
        self._layout, self._stale_s = layout, stale_s
        self._rows = {i.id: row for row, i in enumerate(layout.intersections)}
        self._own = {name: self._rows[name] for name in own}
        self._columns = [{g.id: k for k, g in enumerate(i.lane_groups)} for i in layout.intersections]
        self._orders = {name: Order(stale_s) for name in self._rows if name not in self._own}
        self._heard: dict[str, tuple[float, JunctionMessage]] = {}
        self._sequence = 0
        self.refused: Counter[Refusal] = Counter()

    def accept(self, junction: str, payload: bytes, now_s: float) -> None:
        """Take one neighbour's message, or count why not."""
        order = self._orders.get(junction)
        if order is None:
            self.refused[Refusal.UNKNOWN] += junction not in self._own
            return
        try:
            message = parse(JunctionMessage, payload)
            order.step_back(now_s)
            order.take(message.sequence, message.time, now_s)
        except Refused as refused:
            self.refused[refused.reason] += 1
            return
        self._heard[junction] = now_s, message

    def heard(self, own: NeighbourMessage, now_s: float) -> NeighbourMessage:
        """All junctions of the layout: ours as we believe, the others as they told, unknown where that is stale."""
        discharge, queue = np.full(self._layout.shape, np.nan), np.full(self._layout.shape, np.nan)
        room = np.full(self._layout.shape, np.inf)
        for row in self._own.values():
            discharge[row], queue[row] = own.discharge_veh_per_h[row], own.queue_veh[row]
            room[row] = own.room_veh[row]
        for junction, (heard_s, message) in self._heard.items():
            if not 0 <= now_s - heard_s <= self._stale_s:
                continue
            row = self._rows[junction]
            for name, told in message.lane_groups.items():
                column = self._columns[row].get(name)
                if column is not None:
                    cell = row, column
                    discharge[cell], queue[cell] = told.discharge_veh_per_h, told.queue_veh
                    room[cell] = told.room_veh
        return NeighbourMessage(own.time_s, discharge, queue, room)

    def say(self, own: NeighbourMessage, now_s: float) -> dict[str, bytes]:
        """A payload for each junction that we serve."""
        self._sequence += 1
        return {name: self._payload(row, own, now_s) for name, row in self._own.items()}

    def _payload(self, row: int, own: NeighbourMessage, now_s: float) -> bytes:
        groups = {
            name: {
                "discharge_veh_per_h": _bounded(own.discharge_veh_per_h[row, k], 20_000.0),
                "queue_veh": _bounded(own.queue_veh[row, k], 10_000.0),
                "room_veh": _bounded(own.room_veh[row, k], 10_000.0),
            }
            for name, k in self._columns[row].items()
        }
        return json.dumps({"time": now_s, "sequence": self._sequence, "lane_groups": groups}).encode()


def _bounded(value: float, most: float) -> float:
    return round(float(np.clip(np.nan_to_num(value), 0.0, most)), 3)


class Hearing:
    """An estimator that hears its neighbours and tells them in turn, every few seconds."""

    def __init__(
        self,
        estimator: FlowEstimator,
        exchange: Exchange,
        mail: Callable[[], Iterable[tuple[str, bytes]]],
        send: Callable[[str, bytes], None],
        now: Callable[[], float],
        every_s: float = 3.0,
    ) -> None:
        self._estimator, self._exchange = estimator, exchange
        self._mail, self._send, self._now, self._every_s = mail, send, now, every_s
        self._heard: NeighbourMessage | None = None
        self._said_s = float("-inf")

    def update(self, snapshot: Snapshot) -> TrafficState:
        """What is believed, with what was heard until now."""
        now_s = self._now()
        for topic, payload in self._mail():
            self._exchange.accept(topic.rpartition("/")[2], payload, now_s)
        traffic = self._estimator.update(snapshot, self._heard)
        own = self._estimator.publish()
        self._heard = self._exchange.heard(own, now_s)
        if not 0 <= now_s - self._said_s < self._every_s:
            self._said_s = now_s
            for junction, said in self._exchange.say(own, now_s).items():
                self._send(junction, said)
        return traffic
