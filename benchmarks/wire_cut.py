"""A wire to a cabinet that can be cut, both ways or one; it knows when the last SET went through."""

from __future__ import annotations

import select
import socket
import threading
import time

SET = 0xA3
"""Tag of an SNMP SetRequest (RFC 3416)."""


class Wire:
    """Forwards datagrams from `port` of loopback to the cabinet's. `cut`: none, both, or the answers only."""

    def __init__(self, cabinet_port: int) -> None:
        self._near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._near.bind(("127.0.0.1", 0))
        self.port = int(self._near.getsockname()[1])
        self._cabinet = ("127.0.0.1", cabinet_port)
        self._far: dict[socket.socket, tuple[str, int]] = {}
        self.cut = "none"
        self.set_s = 0.0
        """When the last SET was passed on, by the steady clock."""
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let all sockets go."""
        self._over = True
        self._thread.join()
        for each in (self._near, *self._far):
            each.close()

    def _run(self) -> None:
        while not self._over:
            ready, _, _ = select.select([self._near, *self._far], [], [], 0.1)
            for each in ready:
                if each is self._near:
                    self._there()
                else:
                    self._back(each)

    def _there(self) -> None:
        payload, client = self._near.recvfrom(65_536)
        if self.cut == "both":
            return
        upstream = next((far for far, of in self._far.items() if of == client), None)
        if upstream is None:
            upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._far[upstream] = client
        if pdu(payload) == SET:
            self.set_s = time.monotonic()
        upstream.sendto(payload, self._cabinet)

    def _back(self, upstream: socket.socket) -> None:
        try:
            payload = upstream.recv(65_536)
        except ConnectionError:
            return
        if self.cut == "none":
            self._near.sendto(payload, self._far[upstream])


def pdu(payload: bytes) -> int:
    """The tag of what a v1 or v2c message holds; 0 where it is none."""
    try:
        at = 2 + (payload[1] & 0x7F if payload[1] & 0x80 else 0)
        for _ in range(2):  # version, community
            at += 2 + payload[at + 1]
        return payload[at]
    except IndexError:
        return 0
