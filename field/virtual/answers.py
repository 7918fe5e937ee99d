"""snmpd's pass_persist protocol (snmpd.conf(5)): lines of a request in, lines of an answer out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from field.virtual.objects import Objects, Oid, RefusedError, Value

NONE = "NONE"
ARGUMENTS = {"PING": 0, "get": 1, "getnext": 1, "set": 2}
"""Lines that follow each verb."""


class Responder(Protocol):
    """Answers by the words of one request, or not at all."""

    def __call__(self, verb: str, arguments: list[str]) -> list[str]: ...


class Answers:
    """Answers from the objects of a unit."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def __call__(self, verb: str, arguments: list[str]) -> list[str]:
        """The lines of one answer."""
        if verb == "PING":
            return ["PONG"]
        oid = _oid(arguments[0])
        if verb == "set":
            return [self._set(oid, arguments[1])]
        found = self.objects.after(oid) if verb == "getnext" else oid
        value = self.objects.get(found) if found is not None else None
        if found is None or value is None:
            return [NONE]
        return ["." + ".".join(map(str, found)), value[0], _text(value[1])]

    def _set(self, oid: Oid, words: str) -> str:
        kind, _, text = words.partition(" ")
        try:
            self.objects.set(oid, kind, text)
        except RefusedError as refused:
            return refused.word
        return "DONE"


def requests(lines: Iterator[str]) -> Iterator[tuple[str, list[str]]]:
    """Verbs with their arguments; net-snmp ends a set with an empty line, and an unknown verb ends the conversation."""
    for line in lines:
        verb = line.strip()
        if not verb:
            continue
        if verb not in ARGUMENTS:
            return
        yield verb, [next(lines).strip() for _ in range(ARGUMENTS[verb])]


def _oid(text: str) -> Oid:
    return tuple(int(part) for part in text.strip(".").split(".") if part)


def _text(value: Value) -> str:
    return value.hex(" ") if isinstance(value, bytes) else str(value)


Answer = Callable[[str, list[str]], list[str]]
