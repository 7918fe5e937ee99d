"""SNMP to one agent: a GET and a SET, with a timeout, retries, and as many objects a request as the agent takes.

pysnmp, because it alone has v1, v2c, v3 with SHA-256 and AES, and SET (40 objects: 5 ms of a core, v3 6 ms; puresnmp
1 ms, but no SHA-256). It matches answers to requests by their ids; a late or foreign one is dropped there. The timeout
is ours, on the monotonic clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    USM_AUTH_HMAC96_SHA,
    USM_AUTH_HMAC192_SHA256,
    USM_PRIV_CFB128_AES,
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    set_cmd,
)
from pysnmp.proto.rfc1902 import Integer32
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

from field.ntcip.objects import Value, may_write
from field.secrets import load_secrets, required
from field.site import Snmp
from signals.errors import PlantError

TOO_BIG, NO_SUCH_NAME = 1, 2
"""Error status of RFC 3416."""
ABSENT = (NoSuchObject, NoSuchInstance, EndOfMibView)
AUTHENTICATION = {"SHA-256": USM_AUTH_HMAC192_SHA256, "SHA-1": USM_AUTH_HMAC96_SHA}
MESSAGE_MODEL = {"v1": 0, "v2c": 1}


class SnmpTransport(Protocol):
    """What the adapter talks through."""

    def get(self, oids: Sequence[str]) -> tuple[Value, ...]:
        """One value an OID, in order; None where there is none such. Raises `PlantError`."""

    def set(self, oid: str, value: int) -> None:
        """Set one object of the allow-list. Raises `PlantError`."""

    def close(self) -> None:
        """Let the socket go."""


class RefusedError(PlantError):
    """The agent answered, and what it answered is an error."""

    def __init__(self, message: str, status: int, index: int) -> None:
        super().__init__(message)
        self.status, self.index = status, index


class UdpTransport:
    """One agent over UDP. Not to be shared between threads."""

    def __init__(self, host: str, port: int, settings: Snmp) -> None:
        self._name, self._settings = f"{host}:{port}", settings
        self.max_varbinds = settings.max_varbinds
        self.requests = self.unanswered = 0
        self._loop = asyncio.new_event_loop()
        self._who, self._context = _credentials(settings), ContextData()
        self._engine, self._known = SnmpEngine(), True
        """Whether the engine may still believe what it has learned of the agent: v3's engine id, boots and time."""
        try:
            self._target = self._loop.run_until_complete(
                UdpTransportTarget.create((host, port), timeout=settings.timeout_s, retries=0)
            )
        except (PySnmpError, OSError) as error:
            self._loop.close()
            raise PlantError(f"cabinet {self._name}: no such host") from error

    def get(self, oids: Sequence[str]) -> tuple[Value, ...]:
        """In as many requests as `max_varbinds` asks; that is halved, and stays so, where the agent says tooBig."""
        values: list[Value] = []
        while len(values) < len(oids):
            part = oids[len(values) : len(values) + self.max_varbinds]
            try:
                values += self._get(part)
            except RefusedError as refused:
                if refused.status != TOO_BIG or len(part) == 1:
                    raise
                self.max_varbinds = max(1, len(part) // 2)
        return tuple(values)

    def set(self, oid: str, value: int) -> None:
        """As INTEGER, which every device takes, and only what may be written at all."""
        if not may_write(oid, value):
            raise PlantError(f"cabinet {self._name}: {oid} = {value!r}: is not on the list of what may ever be written")
        (told,) = self._ask(set_cmd, [ObjectType(ObjectIdentity(oid), Integer32(value))])
        if _value(told) != value:
            raise PlantError(f"cabinet {self._name}: {oid} = {value}: was answered with {told.prettyPrint()[:40]}")

    def _get(self, oids: Sequence[str]) -> list[Value]:
        """v1 refuses the whole request for one object that is not there: it is left out then."""
        absent: set[str] = set()
        while wanted := [oid for oid in oids if oid not in absent]:
            try:
                told = self._ask(get_cmd, [ObjectType(ObjectIdentity(oid)) for oid in wanted])
            except RefusedError as refused:
                if refused.status != NO_SUCH_NAME or not 1 <= refused.index <= len(wanted):
                    raise
                absent.add(wanted[refused.index - 1])
                continue
            found = dict(zip(wanted, map(_value, told), strict=True))
            return [found.get(oid) for oid in oids]
        return [None] * len(oids)

    def _ask(self, command: Callable[..., Awaitable[Any]], objects: list[ObjectType]) -> list[Any]:
        """The values, after as many tries as it takes. Raises `PlantError`."""
        if not self._known:  # an agent that began anew under another engine id would never be understood again
            self._forget()
            self._engine, self._known = SnmpEngine(), True
        for _ in range(self._settings.retries + 1):
            self.requests += 1
            try:
                answer = self._loop.run_until_complete(self._once(command, objects))
            except TimeoutError:
                self.unanswered += 1
                continue
            except (PySnmpError, OSError) as error:
                raise PlantError(f"cabinet {self._name}: {type(error).__name__}: {_line(error)}") from error
            if answer is not None:
                return list(self._checked(objects, *answer))
            self.unanswered += 1
        self._known = self._settings.version != "v3"
        tries, timeout_s = self._settings.retries + 1, self._settings.timeout_s
        raise PlantError(f"cabinet {self._name}: no answer in {timeout_s:g} s, {tries} times")

    async def _once(self, command: Callable[..., Awaitable[Any]], objects: list[ObjectType]) -> Any:
        asked = command(self._engine, self._who, self._target, self._context, *objects, lookupMib=False)
        indication, status, index, told = await asyncio.wait_for(asked, self._settings.timeout_s)
        if indication is None:
            return int(status), int(index), told
        if type(indication).__name__ == "RequestTimedOut":
            return None
        self._known = self._settings.version != "v3"
        raise PlantError(f"cabinet {self._name}: {_line(indication)}")

    def _checked(self, objects: list[ObjectType], status: int, index: int, told: Sequence[Any]) -> Iterator[Any]:
        """The answer is to what was asked: as many objects, the same ones, in order."""
        if status:
            raise RefusedError(f"cabinet {self._name}: error status {status} at object {index}", status, index)
        asked = [tuple(part) for part in map(_oid, objects)]
        if [tuple(row[0]) for row in told] != asked:
            raise PlantError(f"cabinet {self._name}: answered {len(told)} objects, must be the {len(asked)} asked for")
        for row in told:
            yield row[1]

    def close(self) -> None:
        """Ends its event loop too."""
        if not self._loop.is_closed():
            self._forget()
            self._loop.close()

    def _forget(self) -> None:
        self._engine.close_dispatcher()
        if left := asyncio.all_tasks(self._loop):
            self._loop.run_until_complete(asyncio.wait(left))


def _oid(asked: ObjectType) -> tuple[int, ...]:
    return tuple(int(part) for part in asked[0].get_oid())


def _value(told: Any) -> Value:
    """Whatever it is called on the wire, a whole number or octets."""
    if isinstance(told, ABSENT):
        return None
    try:
        return int(told)
    except (TypeError, ValueError):
        pass
    try:
        return bytes(told)
    except (TypeError, ValueError):
        return b""


def _line(words: object) -> str:
    return " ".join(str(words).split())[:120]


def _credentials(settings: Snmp) -> CommunityData | UsmUserData:
    secrets, whence = load_secrets(settings.secrets), settings.secrets
    if settings.version != "v3":
        community = required(secrets, "community", whence)
        return CommunityData(community.decode(), mpModel=MESSAGE_MODEL[settings.version])
    return UsmUserData(
        settings.user,
        required(secrets, "authentication_key", whence).decode(),
        required(secrets, "privacy_key", whence).decode(),
        authProtocol=AUTHENTICATION[settings.authentication],
        privProtocol=USM_PRIV_CFB128_AES,
    )
