"""What systemd is told: that the loop runs, from the loop itself, so that one which hangs is ended and begun anew."""

from __future__ import annotations

import os
import socket


class Watchdog:
    """sd_notify(3) over its datagram socket; silent where systemd does not ask. Never raises, never waits."""

    def __init__(self, address: str | None = None) -> None:
        given = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._address = f"\0{given[1:]}" if given.startswith("@") else given
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def tell(self, *states: str) -> None:
        """As in `tell("READY=1", "STATUS=shadow")`."""
        if self._address:
            try:
                self._socket.sendto("\n".join(states).encode(), self._address)
            except OSError:  # systemd is gone or does not read: the street matters more
                return

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()
