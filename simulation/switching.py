"""When SUMO switches a signal from one program to another by the time of day (WAUT)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from xml.etree.ElementTree import Element

from scenarios.flows import parse_time_s
from signals.errors import ConfigError
from signals.plans import DAY_S

SCHEDULE, JUNCTION = TAGS = ("WAUT", "wautJunction")


@dataclass(frozen=True)
class Switching:
    """One signal's schedule: the program at the start, and (time, program) of each switch, repeated every period."""

    name: str
    file: Path
    start: str
    switches: tuple[tuple[float, str], ...]
    period_s: float = 0.0
    procedure: str = ""

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that it uses, in order."""
        return tuple(dict.fromkeys([self.start, *(program for _, program in self.switches)]))

    def following(self, now_s: float) -> tuple[float, str]:
        """When it switches next, now included, and to which program; at infinity where it never does again."""
        ahead = [(at_s, program) for at_s, program in self.switches if at_s >= now_s]
        if self.period_s:
            past = ((at_s, program) for at_s, program in self.switches if at_s < now_s)
            ahead += [(now_s + (at_s - now_s) % self.period_s, program) for at_s, program in past]
        return min(ahead, default=(inf, self.start))

    def by_day(self) -> list[tuple[float, str]]:
        """(time of day, program) of each beginning on the first day."""
        repeats_s = [self.period_s * k for k in range(int(DAY_S // self.period_s) + 1)] if self.period_s else [0.0]
        due = {at_s + more_s: program for more_s in repeats_s for at_s, program in self.switches}
        return sorted(({0.0: self.start} | {at_s: p for at_s, p in due.items() if 0 <= at_s < DAY_S}).items())


def read_switching(said: Iterable[tuple[Path, Element]]) -> dict[str, Switching]:
    """Each signal's schedule, from the elements of the network and its additional files."""
    schedules: dict[str, tuple[Path, Element]] = {}
    junctions: list[tuple[Path, Element]] = []
    for path, element in said:
        if element.tag == SCHEDULE:
            schedules[element.get("id", "")] = path, element
        elif element.tag == JUNCTION:
            junctions.append((path, element))
    found = {}
    for path, element in junctions:
        signal, name = element.get("junctionID", ""), element.get("wautID", "")
        if name not in schedules:
            raise ConfigError(f"{path}: wautJunction {signal}: there is no WAUT {name}; add it or correct wautID")
        found[signal] = _switching(name, *schedules[name], element.get("procedure", ""))
    return found


def _switching(name: str, path: Path, element: Element, procedure: str) -> Switching:
    subject = f"{path}: WAUT {name}"
    since_s = parse_time_s(element.get("refTime", "0"), f"{subject}: refTime")
    period_s = parse_time_s(element.get("period", "0"), f"{subject}: period")
    switches = [
        (since_s + parse_time_s(s.get("time", "0"), f"{subject}: time"), s.get("to", ""))
        for s in element.findall("wautSwitch")
    ]
    return Switching(name, path, element.get("startProg", ""), tuple(sorted(switches)), max(0.0, period_s), procedure)
