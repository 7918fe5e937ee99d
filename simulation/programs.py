"""SUMO's signal programs as the network's files have them, and which of them run.

Here, and only in `simulation/`, a *row* is SUMO's phase: a state string and a duration.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from scenarios.flows import parse_time_s
from scenarios.xml_files import elements, top_level_elements
from signals.errors import ConfigError
from signals.intersection import Aspect
from simulation.switching import TAGS, Switching, read_switching

ASPECT_OF = {
    "G": Aspect.GREEN,
    "g": Aspect.PERMISSIVE,
    "y": Aspect.YELLOW,
    "Y": Aspect.YELLOW,
    "r": Aspect.RED,
    "u": Aspect.RED_YELLOW,
    "s": Aspect.TURN_ON_RED,
    "o": Aspect.DARK,
    "O": Aspect.DARK,
}
LETTER_OF = {
    Aspect.GREEN: "G",
    Aspect.PERMISSIVE: "g",
    Aspect.YELLOW: "y",
    Aspect.RED: "r",
    Aspect.RED_YELLOW: "u",
    Aspect.TURN_ON_RED: "s",
    Aspect.DARK: "o",
}
NEMA, LOGIC = "NEMA", "tlLogic"


@dataclass(frozen=True)
class Row:
    """One row of a program, by its number in the file; `minimum_s` is its own minDur, if it has one.

    `yellow_s` and `red_s` are what a NEMA phase brings of its own, and `name` is its number in the rings.
    """

    state: str
    duration_s: float
    minimum_s: float | None = None
    number: int = 0
    name: str = ""
    yellow_s: float | None = None
    red_s: float | None = None

    @property
    def changes(self) -> bool:
        """Some head is in a change interval."""
        return any(c in "yYu" for c in self.state)

    @property
    def greens(self) -> frozenset[int]:
        """The link indices that are green."""
        return frozenset(k for k, c in enumerate(self.state) if c in "Gg")


@dataclass(frozen=True)
class Program:
    """A signal's program: rows in the order in which they run, or as they stand with those `following` each."""

    name: str
    kind: str
    offset_s: float
    rows: tuple[Row, ...]
    file: Path
    following: tuple[tuple[int, ...], ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Programs:
    """What a signal runs, the first one first; with `switching`, those that it names and that are there."""

    running: tuple[Program, ...]
    switching: Switching | None = None

    @property
    def kind(self) -> str:
        """The first program's type."""
        return self.running[0].kind


def read_programs(net_file: Path, signals: Iterable[str], additional_files: Sequence[Path]) -> dict[str, Programs]:
    """Per signal what runs: what its WAUT names, else the program loaded last, which is the one SUMO starts with."""
    known, found = set(signals), defaultdict[str, dict[str, Program]](dict)
    said = list(_elements(net_file, additional_files))
    for path, element in (each for each in said if each[1].tag == LOGIC):
        signal = element.get("id", "")
        if signal not in known:
            if path != net_file:
                raise ConfigError(f"{path}: tlLogic {signal}: {net_file.name} has no such signal; correct its id")
            continue
        name = element.get("programID", "0")
        if element.find("phase") is None and name in found[signal]:
            continue  # only parameters or an offset for a program that is there
        found[signal].pop(name, None)
        found[signal][name] = _program(element, path, f"{path}: signal {signal}")
    switching = read_switching(said)
    return {signal: _running(signal, programs, switching) for signal, programs in found.items()}


def _elements(net_file: Path, additional_files: Sequence[Path]) -> Iterator[tuple[Path, Element]]:
    """All that says how signals are timed. A file may be a single element."""
    wanted, lanes = {LOGIC, *TAGS}, set[str]()
    for element in top_level_elements(net_file, ("net",)):
        for lane in (child.get("id", "") for child in element if child.tag == "lane"):
            if lane in lanes:
                raise ConfigError(f"{net_file}: lane {lane}: is there twice; remove one or give it another id")
            lanes.add(lane)
        if element.tag in wanted:
            yield net_file, element
    for path in additional_files:
        for tag in (LOGIC, *TAGS):
            yield from ((path, e) for e in elements(path, tag))


def _running(signal: str, programs: Mapping[str, Program], switching: Mapping[str, Switching]) -> Programs:
    schedule = switching.get(signal)
    last = list(programs.values())[-1]
    if schedule is None:
        return Programs((last,))
    for name in schedule.programs:
        if name not in programs and name != "off":
            raise ConfigError(f"{schedule.file}: WAUT {schedule.name}: signal {signal} has no program {name}; add it")
    return Programs(tuple(programs[n] for n in schedule.programs if n in programs) or (last,), schedule)


def _program(element: Element, path: Path, subject: str) -> Program:
    phases = element.findall("phase")
    rows = tuple(_row(p, k, f"{subject}: row {k}") for k, p in enumerate(phases))
    following = tuple(tuple(int(x) for x in p.get("next", "").split()) for p in phases)
    beyond = [k for of in following for k in of if not 0 <= k < len(rows)]
    if beyond:
        raise ConfigError(f"{subject}: next = {beyond[0]}, must be a row from 0 to {len(rows) - 1}")
    straight = tuple(((k + 1) % len(rows),) for k in range(len(rows)))
    following = tuple(own or usual for own, usual in zip(following, straight, strict=True))
    order = _order(following)
    return Program(
        name=element.get("programID", "0"),
        kind=element.get("type", "static"),
        offset_s=_offset_s(element.get("offset", "0"), subject),
        rows=tuple(rows[k] for k in order) if order else rows,
        file=path,
        following=() if order else following,
        parameters={p.get("key", ""): p.get("value", "") for p in element.findall("param")},
    )


def _order(following: Sequence[Sequence[int]]) -> list[int]:
    """The rows from the first one round to it again, where each has but one to follow; else nothing."""
    order = [0] if following else []
    while all(len(after) == 1 for after in following) and len(order) <= len(following):
        after = following[order[-1]][0]
        if after == 0:
            return order
        order.append(after)
    return []


def _offset_s(text: str, subject: str) -> float:
    return 0.0 if text == "begin" else parse_time_s(text, f"{subject}: offset")


def _row(phase: Element, number: int, subject: str) -> Row:
    def time_s(key: str) -> float | None:
        return parse_time_s(phase.attrib[key], f"{subject}: {key}") if key in phase.attrib else None

    state = phase.get("state", "")
    odd = [c for c in state if c not in ASPECT_OF]
    if odd:
        raise ConfigError(f"{subject}: letter {odd[0]} in its state, must be one of {' '.join(ASPECT_OF)}")
    return Row(
        state=state,
        duration_s=time_s("duration") or time_s("minDur") or 0.0,
        minimum_s=time_s("minDur"),
        number=number,
        name=phase.get("name", ""),
        yellow_s=time_s("yellow"),
        red_s=time_s("red"),
    )
