"""The broker's end: paho's thread puts payloads into a mailbox of bounded size, the loop empties it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from field.mqtt.feed import MqttFeed
from field.mqtt.messages import LARGEST
from field.secrets import load_secrets
from field.site import Broker
from field.site import MqttFeed as FeedSettings
from signals.layout import Layout

MOST_WAITING = 4096
KEEP_ALIVE_S = 10


class Mailbox:
    """One connection. It comes back by itself; while it is away nothing arrives, which makes its loops stale."""

    def __init__(self, broker: Broker, topics: Iterable[str]) -> None:
        self._topics = list(topics)
        self._mail: deque[tuple[str, bytes]] = deque(maxlen=MOST_WAITING)
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._put
        self._client.max_queued_messages_set(64)
        self._client.reconnect_delay_set(1, 30)
        if broker.user:
            password = load_secrets(broker.secrets).password.get_secret_value()
            self._client.username_pw_set(broker.user, password)
        if broker.tls:
            self._client.tls_set()
        self._client.connect_async(broker.host, broker.port, keepalive=KEEP_ALIVE_S)
        self._client.loop_start()

    def take(self) -> Iterable[tuple[str, bytes]]:
        """What has come since the last call, oldest first."""
        for _ in range(len(self._mail)):
            yield self._mail.popleft()

    def send(self, topic: str, payload: bytes) -> None:
        """Without waiting; lost where the broker is away."""
        self._client.publish(topic, payload)

    def close(self) -> None:
        """Leave in good order."""
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: Client, *_: Any) -> None:
        for topic in self._topics:
            client.subscribe(topic)

    def _put(self, _: Client, __: Any, message: MQTTMessage) -> None:
        self._mail.append((message.topic, message.payload[: LARGEST + 1]))


def open_feed(settings: FeedSettings, layout: Layout, now: Callable[[], float] = time.time) -> MqttFeed:
    """A site's detector feed. Raises `ConfigError` for its secrets; a broker that is away is waited for."""
    box = Mailbox(settings, [settings.topic, f"{settings.topic}/status"])
    return MqttFeed(layout, settings.stale_s, box.take, now, box.close)


def secret_of(broker: Broker) -> list[str]:
    """What must never be in a log."""
    file: Path | None = broker.secrets
    return [load_secrets(file).password.get_secret_value()] if broker.user else []
