"""Many virtual cabinets in one process, so that a fleet has peers that cost little: `fleet_cabinets.py JUNCTION N`.

The units are the virtual cabinet's own, their streets are random arrivals instead of SUMO's, and they answer SNMPv2c by
themselves instead of through snmpd: a GET or a SET, nothing more. Prints their ports in a line of JSON, and at the end,
which SIGTERM brings, what they were asked. JUNCTION holds `junction.txt` and `plans.txt`.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

from benchmarks.soak import Traffic  # noqa: E402
from field.stop import StopRequest  # noqa: E402
from field.virtual.machine import Machine, Settings  # noqa: E402
from field.virtual.objects import Objects, Oid, RefusedError, Value  # noqa: E402
from field.virtual.tables import tables_of  # noqa: E402
from signals import intersection, plans  # noqa: E402

BACKUP_S, REPORT_S, TICK_S, TENTHS = 15, 1, 0.1, 10
GET, RESPONSE, SET = 0xA0, 0xA2, 0xA3
NO_SUCH_OBJECT, OCTETS, OBJECT_ID, NO_ERROR, REFUSED = 0x80, 0x04, 0x06, b"\x02\x01\x00", b"\x02\x01\x05"
TAGS = {"integer": 0x02, "counter": 0x41, "gauge": 0x42, "timeticks": 0x43}
"""Of RFC 2578's whole numbers."""


class Unit:
    """One cabinet and its socket."""

    def __init__(self, junction: intersection.Intersection, found: plans.PlanFile, seed: int) -> None:
        self._machine = Machine(tables_of(junction, found.of(junction.id)), Settings(BACKUP_S, 0.0, REPORT_S), 0.0)
        self._machine.midnight_s = round(time.time(), 1)
        self._traffic = Traffic(junction, self._machine, seed)
        self._objects = Objects(self._machine)
        self._seconds = self._covered()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.requests = 0

    def _covered(self) -> Iterator[list[bool]]:
        second = 12 * 3600  # of a busy noon
        while True:
            yield from self._traffic.second(second)
            second += 1

    def tick(self, number: int) -> None:
        """A tenth of a second."""
        self._machine.tick(round(number * TICK_S, 1), next(self._seconds))
        self._machine.take_events()

    def answer(self) -> None:
        """One datagram."""
        payload, central = self.socket.recvfrom(65_536)
        self.requests += 1
        self.socket.sendto(answered(payload, self._objects), central)


def answered(payload: bytes, objects: Objects) -> bytes:
    """The response to an SNMPv2c request (RFC 3416)."""
    (_, message), *_ = elements(payload)
    version, community, (verb, pdu) = elements(message)
    number, _, _, (_, bindings) = elements(pdu)
    told, status = [], NO_ERROR
    for _, binding in elements(bindings):
        (_, name), (_, asked) = elements(binding)
        oid = numbers(name)
        if verb == SET:
            try:
                objects.set(oid, "integer", str(int.from_bytes(asked, signed=True)))
            except RefusedError:
                status = REFUSED
        told.append(element(0x30, element(OBJECT_ID, name) + value_of(objects.get(oid))))
    body = element(*number) + status + NO_ERROR + element(0x30, b"".join(told))
    return element(0x30, element(*version) + element(*community) + element(RESPONSE, body))


def value_of(found: tuple[str, Value] | None) -> bytes:
    """As it goes over the wire."""
    if found is None:
        return element(NO_SUCH_OBJECT, b"")
    kind, value = found
    if isinstance(value, int):
        return element(TAGS.get(kind, TAGS["integer"]), value.to_bytes(value.bit_length() // 8 + 1, signed=True))
    return element(OCTETS, value.encode() if isinstance(value, str) else value)


def elements(content: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of all elements, one after another (X.690)."""
    found, at = [], 0
    while at < len(content):
        tag, length, at = content[at], content[at + 1], at + 2
        if length & 0x80:
            more = length & 0x7F
            length, at = int.from_bytes(content[at : at + more]), at + more
        found.append((tag, content[at : at + length]))
        at += length
    return found


def element(tag: int, content: bytes) -> bytes:
    """The other way round."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    return bytes((tag, 0x82)) + len(content).to_bytes(2) + content


def numbers(name: bytes) -> Oid:
    """An object's name, without the shortcut of its first two numbers."""
    found, value = [name[0] // 40, name[0] % 40], 0
    for octet in name[1:]:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            found.append(value)
            value = 0
    return tuple(found)


def serve(units: list[Unit], stop: StopRequest) -> int:
    """Tick and answer; how many ticks came more than one late."""
    by_socket = {unit.socket: unit for unit in units}
    began_s, number, late = time.monotonic(), 1, 0
    while not stop.asked:
        due_s = began_s + number * TICK_S
        if (wait_s := due_s - time.monotonic()) > 0:
            for ready in select.select(list(by_socket), [], [], wait_s)[0]:
                by_socket[ready].answer()
            continue
        for unit in units:
            unit.tick(number)
        late += wait_s < -TICK_S
        number += 1
    return late


def main() -> int:
    """Read the command line."""
    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    junction, found = intersection.load(folder / "junction.txt"), plans.load(folder / "plans.txt")
    units = [Unit(junction, found, seed) for seed in range(number)]
    with StopRequest() as stop:
        print(json.dumps([unit.port for unit in units]), flush=True)
        late = serve(units, stop)
    print(json.dumps({"requests": sum(unit.requests for unit in units), "late_ticks": late}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
