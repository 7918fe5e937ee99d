"""Sets control objects, reads them back, and keeps the account of both for the audit log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from field.cabinet import Write
from field.ntcip import objects
from field.ntcip.objects import Object
from field.ntcip.probe import Asking, Probed, octet
from field.ntcip.transport import RefusedError, SnmpTransport
from signals.errors import PlantError


@dataclass(frozen=True)
class Target:
    """One object that we may set: its name with its group, and its OID."""

    what: Object
    name: str
    oid: str


class Writer:
    """`in_force`: what we have set and seen set, by OID."""

    def __init__(self, transport: SnmpTransport, asking: Asking, probed: Probed, now: Callable[[], float]) -> None:
        self._transport, self._asking, self._probed, self._now = transport, asking, probed, now
        self._pattern = Target(
            objects.SYSTEM_PATTERN_CONTROL,
            objects.SYSTEM_PATTERN_CONTROL.name,
            probed.scalars[objects.SYSTEM_PATTERN_CONTROL],
        )
        self._groups = range(1, probed.groups + 1)
        self.in_force: dict[str, int] = {}
        self.masks: dict[Object, int] = {}
        self._writes: list[Write] = []
        self._by_effect: list[Write] = []

    def targets(self, masks: Mapping[Object, int]) -> list[tuple[Target, int]]:
        """Group by group, in the order given."""
        return [
            (Target(what, f"{what.name}.{group}", what.at(group)), octet(mask, group))
            for what, mask in masks.items()
            for group in self._groups
        ]

    def set_masks(self, masks: Mapping[Object, int], again: bool = False) -> None:
        """Those that are not in force yet, or all of them. Raises `PlantError` where one was not taken twice."""
        self._set([x for x in self.targets(masks) if again or self.in_force.get(x[0].oid) != x[1]])
        self.masks |= masks

    def set_pattern(self, number: int, again: bool = False) -> None:
        """systemPatternControl."""
        if again or self.in_force.get(self._pattern.oid) != number:
            self._set([(self._pattern, number)])

    @property
    def pattern_in_force(self) -> int:
        """What systemPatternControl was set to."""
        return self.in_force.get(self._pattern.oid, objects.STANDBY)

    def _set(self, wanted: list[tuple[Target, int]]) -> None:
        if not wanted:
            return
        for attempt in range(2):
            for target, value in wanted:
                self._send(target, value)
            wanted = self._unlike(wanted)
            if not wanted:
                return
            if attempt:
                target, value = wanted[0]
                self.in_force.pop(target.oid, None)
                raise PlantError(f"cabinet {self._asking.name}: {target.name} = {value} was not taken, twice")

    def _send(self, target: Target, value: int) -> None:
        before = self.in_force.get(target.oid)
        write = Write(self._now(), target.name, target.oid, "" if before is None else str(before), str(value), None)
        try:
            self._transport.set(target.oid, value)
        except PlantError:
            self._writes.append(replace(write, confirmed=False))
            raise
        self.in_force[target.oid] = value
        self._writes.append(write)
        if target.what == objects.FORCE_OFF and value:
            self._by_effect.append(write)

    def _unlike(self, wanted: list[tuple[Target, int]]) -> list[tuple[Target, int]]:
        """Those whose read-back is not what was set; a force-off clears itself, and is judged by its effect."""
        read = [(t, v) for t, v in wanted if t.what != objects.FORCE_OFF or not v]
        values = self._asking.rows([(t.what, t.oid) for t, _ in read])
        wrong = [(t, v) for (t, v), told in zip(read, values, strict=True) if told != v]
        for target, _ in read:
            self._settle(target.oid, not any(target.oid == t.oid for t, _ in wrong))
        return wrong

    def _settle(self, oid: str, confirmed: bool) -> None:
        for k in range(len(self._writes) - 1, -1, -1):
            if self._writes[k].oid == oid and self._writes[k].confirmed is None:
                self._writes[k] = replace(self._writes[k], confirmed=confirmed)
                return

    def had_effect(self, phases: int) -> None:
        """Phases that were forced off have left green: told as a confirmed write, once more."""
        left = []
        for write in self._by_effect:
            group = int(write.oid.rpartition(".")[2])
            if int(write.value) & octet(phases, group):
                self._writes.append(replace(write, confirmed=True))
            else:
                left.append(write)
        self._by_effect = left

    def renew(self) -> None:
        """Set again what is in force, so that the backup timer starts anew; never a force-off, which is spent."""
        standing = {what: mask for what, mask in self.masks.items() if mask and what != objects.FORCE_OFF}
        self.set_masks(standing, again=True)
        self.set_pattern(self.pattern_in_force, again=True)

    def clear(self, release_pattern: int) -> bool:
        """Set zeros, then the release pattern, once; whether all were taken. A silent cabinet is not asked further."""
        wanted = [*self.targets(dict.fromkeys(objects.MASKS, 0)), (self._pattern, release_pattern)]
        taken = True
        for target, value in wanted:
            try:
                self._send(target, value)
            except RefusedError:
                taken = False
            except PlantError:
                taken = False
                break
        self.masks, self.in_force, self._by_effect = {}, {}, []
        return taken

    def taken(self) -> tuple[Write, ...]:
        """The account since it was last taken."""
        writes, self._writes = tuple(self._writes), []
        return writes
