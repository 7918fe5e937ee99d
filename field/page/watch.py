"""Boards turned into frames, a look 20 times a second, and streamed to who looks; who does not read is dropped."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from field.page.board import Board
from field.page.frame import Strip, frame

LOOK_S = 0.05
SLOW_S = 5.0
"""A reader that has not taken a frame for so long is let go."""
MOST_READERS = 16
"""Of all sites together."""
ALIVE_S = 10.0
"""A frame is sent again where nothing happens, so that both ends notice a dead line."""
SILENT_S = 10.0
"""Without a tick for so long a site does not live."""


class Watched:
    """One site: its newest frame as bytes, and its last minutes."""

    def __init__(self, board: Board) -> None:
        self.board, self.strip = board, Strip()
        self.told: dict[str, Any] = {}
        self.number = 0
        self._seen: object = self
        self._seen_s = time.monotonic()
        self.look()

    def look(self) -> None:
        """Take what is new."""
        reading = self.board.latest
        key = (id(reading), self.board.ended, *self.board.lines)
        silent = self.board.latest is not None and time.monotonic() - self._seen_s > SILENT_S
        if key == self._seen and silent == self.told.get("silent"):
            return
        if reading is not None and (not isinstance(self._seen, tuple) or key[0] != self._seen[0]):
            self._seen_s, silent = time.monotonic(), False
        self._seen, self._held = key, reading  # held, so that its id is nobody else's
        self.told = frame(self.board, reading) | {"silent": silent}
        self.strip.add(self.told)
        self.number += 1

    @property
    def event(self) -> bytes:
        """The newest frame."""
        return _event("frame", self.told)

    @property
    def past(self) -> bytes:
        """The last minutes, once."""
        return _event("past", self.strip.rows)


def _event(name: str, value: Any) -> bytes:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"event: {name}\ndata: {data}\n\n".encode()


class Stream:
    """An ASGI answer: server-sent events of one site until the reader leaves, is too slow, or `over`."""

    def __init__(self, watched: Callable[[], Watched | None], over: Callable[[], bool]) -> None:
        self._watched, self._over = watched, over

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Write, and let go as soon as the reader does."""
        left = asyncio.create_task(self._leaves(receive))
        try:
            await self._tell(send, left)
        except TimeoutError:
            pass
        finally:
            left.cancel()

    async def _tell(self, send: Send, left: asyncio.Task[None]) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        number, sent_s, site = -1, 0.0, None
        while not (left.done() or self._over()):
            found, now_s = self._watched(), time.monotonic()
            if found is None:
                break
            if found is not site:
                site, number = found, -1
                await _send(send, found.past)
            if found.number != number or now_s - sent_s > ALIVE_S:
                number, sent_s = found.number, now_s
                await _send(send, found.event)
            await asyncio.sleep(LOOK_S)
        if not left.done():
            await send({"type": "http.response.body", "body": b""})

    @staticmethod
    async def _leaves(receive: Receive) -> None:
        await receive()  # the request's end, which has no body: whoever sends one after all is let go with the next
        await receive()


async def _send(send: Send, body: bytes) -> None:
    async with asyncio.timeout(SLOW_S):
        await send({"type": "http.response.body", "body": body, "more_body": True})
