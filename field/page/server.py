"""The page's servers: one thread and one event loop an address, whose failure is nobody else's."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from field.page.app import Page
from field.page.board import Board

MOST_CONNECTIONS = 48
IDLE_S = 10.0
"""A connection on which nothing is asked for so long is closed, half a request or not."""
LEAVES_S = 2.0


class Bounded(H11Protocol):
    """HTTP for so many at once, so that nobody can take the process's file handles by opening connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or close it."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self.loop.call_later(IDLE_S, self._close_if_idle, None)

    def _close_if_idle(self, before: object) -> None:
        """Nothing has begun since the look before, and nothing is being answered."""
        if self.transport.is_closing():
            return
        if self.cycle is before and (self.cycle is None or self.cycle.response_complete):
            self.transport.abort()
        else:
            self.loop.call_later(IDLE_S, self._close_if_idle, self.cycle)


class PageServer:
    """One address. `boards` may be added to from any thread."""

    def __init__(self, host: str, port: int, say: Callable[[str], None]) -> None:
        self._socket = listening(host, port)
        self._host, self._say = host, say
        self.boards: dict[str, Board] = {}
        self._over = threading.Event()
        page = Page(self.boards, is_loopback(host), self._over.is_set, say)
        self._server = uvicorn.Server(
            uvicorn.Config(
                page,
                http=Bounded,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())  # else every bad request is on the console
        self._thread = threading.Thread(target=self._serve, name="page", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """To type into a browser."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._socket.getsockname()[1]}/"

    def close(self) -> None:
        """No more; waits for no reader."""
        self._over.set()
        self._server.should_exit = True
        self._thread.join(LEAVES_S)
        self._socket.close()

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the top of this thread: no site may feel it
            self._say(f"page: ended: {type(error).__name__}: {error}")


def is_loopback(host: str) -> bool:
    """Whether nobody else's machine comes in there."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def listening(host: str, port: int) -> socket.socket:
    """Bound here, so that a taken port is known at once. Raises `OSError`."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    found = socket.socket(family, kind)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(MOST_CONNECTIONS)
    except OSError:
        found.close()
        raise
    return found
