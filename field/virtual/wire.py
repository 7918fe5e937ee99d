"""A bad line in front of the agent: datagrams are lost, late, doubled, or answered with tooBig."""

from __future__ import annotations

import heapq
import select
import socket
import threading
import time
from contextlib import suppress
from itertools import count

SIZE = 65535
MOST_CENTRALS = 64
SEQUENCE, INTEGER, RESPONSE, TOO_BIG, V3 = 0x30, 0x02, 0xA2, 1, 3
Address = tuple[str, int]


class Wire:
    """Relays between a public port and the agent's. The faults are attributes, changed at any time."""

    def __init__(self, host: str, port: int, agent: Address) -> None:
        self.silent = False
        """Requests are lost."""
        self.deaf = False
        """Answers are lost: the unit has acted, and nobody hears."""
        self.delay_s = 0.0
        """How late answers come."""
        self.twice = False
        """Every answer comes twice."""
        self.most_varbinds = 0
        """Requests of more get tooBig, in v1 and v2c; 0: there is no such bound."""
        self._agent = agent
        self._public = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._public.bind((host, port))
        self.port = int(self._public.getsockname()[1])
        self._lines: dict[Address, socket.socket] = {}
        self._due: list[tuple[float, int, bytes, Address]] = []
        self._number, self._open = count(), True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self._open:
            wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else 0.1
            try:
                ready, _, _ = select.select([self._public, *self._lines.values()], [], [], min(wait_s, 0.1))
            except (OSError, ValueError):
                return
            for line in ready:
                with suppress(OSError):
                    self._hear(line)
            self._tell()

    def _hear(self, line: socket.socket) -> None:
        data, sender = line.recvfrom(SIZE)
        if line is not self._public:
            central = next(a for a, s in self._lines.items() if s is line)
            if not self.deaf:
                self._send_later(data, central)
        elif not self.silent:
            refusal = too_big(data, self.most_varbinds) if self.most_varbinds else None
            if refusal:
                self._send_later(refusal, sender)
            else:
                self._line_of(sender).sendto(data, self._agent)

    def _line_of(self, central: Address) -> socket.socket:
        if central not in self._lines:
            if len(self._lines) >= MOST_CENTRALS:
                self._lines.pop(next(iter(self._lines))).close()
            self._lines[central] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        return self._lines[central]

    def _send_later(self, data: bytes, central: Address) -> None:
        for _ in range(2 if self.twice else 1):
            heapq.heappush(self._due, (time.monotonic() + self.delay_s, next(self._number), data, central))

    def _tell(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, data, central = heapq.heappop(self._due)
            with suppress(OSError):
                self._public.sendto(data, central)

    def close(self) -> None:
        """Cut it."""
        self._open = False
        self._thread.join()
        for line in (self._public, *self._lines.values()):
            line.close()


def too_big(data: bytes, most: int) -> bytes | None:
    """The answer tooBig to a v1 or v2c request of more than `most` variables (RFC 3416, 4.2.1), else nothing."""
    try:
        at, _ = _inside(data, 0, SEQUENCE)
        version, at = _element(data, at)
        if version and version[-1] == V3:
            return None
        _, at = _element(data, at)  # the community
        pdu = at
        at, _ = _inside(data, at, data[at])
        _, at = _element(data, at)  # the request's number
        status = at
        _, at = _element(data, at)
        _, at = _element(data, at)
        at, end = _inside(data, at, SEQUENCE)
        variables = 0
        while at < end:
            _, at = _element(data, at)
            variables += 1
    except IndexError:
        return None
    if variables <= most or data[status : status + 2] != bytes((INTEGER, 1)):
        return None
    answer = bytearray(data)
    answer[pdu], answer[status + 2] = RESPONSE, TOO_BIG
    return bytes(answer)


def _inside(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends."""
    if data[at] != tag:
        raise IndexError
    length = data[at + 1]
    begin = at + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[at + 2 : begin])
    return begin, begin + length


def _element(data: bytes, at: int) -> tuple[bytes, int]:
    """The content of an element, and where the next begins."""
    begin, end = _inside(data, at, data[at])
    return data[begin:end], end
