"""Record ↔ rows on disk, as JSON lines: a header, then a line a tick, or an event that changes who decides.

A `Record`'s `TrafficState` is not stored: replay rebuilds it from the snapshots. Reasons are stored as they read, so
that a log can be searched by eye. Arrays that are mostly nothing are stored as their entries. Nothing read from a log
is believed: every size and range is checked against the header before use, and text must be printable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, TextIO

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, ValidationError

from signals.errors import ConfigError
from signals.intersection import Aspect, Frozen, Intersection, first_error
from signals.layout import Layout, layout
from signals.plans import PlanFile
from signals.values import TRANSITION, Bools, Command, Decision, Floats, Ints, Record, Snapshot

FORMAT = "adaptive-signals record log"
VERSION = 1
GRANTED = "granted"
LONGEST_LINE = 64 * 2**20
LARGEST_LAYOUT = 5_000_000
"""Cells of the largest array, junctions x stages x heads, that a header may ask for."""


def _printable(text: str) -> str:
    """A log may be shown in a terminal, and must not command it."""
    if not text.isprintable():
        raise ValueError("has characters that cannot be printed")
    return text


Time = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Place = Annotated[int, Field(ge=0, le=10**9)]
Small = Annotated[int, Field(ge=-128, le=127)]
Wide = Annotated[int, Field(ge=-(2**31), le=2**31)]
Shown = Annotated[int, Field(ge=int(min(Aspect)), le=int(max(Aspect)))]
Reason = Annotated[str, Field(max_length=500), AfterValidator(_printable)]


class LoggedController(Frozen):
    """Which controller decided: its name, and its settings file's text where it had one."""

    name: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    settings: str | None = None
    digest: str


class Header(Frozen):
    """A log's first line: all that replay needs beside the rows. `history`, base64: what the estimator began with."""

    format: Literal["adaptive-signals record log"] = "adaptive-signals record log"
    version: Literal[1] = 1
    started: str
    street: str
    controller: LoggedController
    versions: dict[str, str]
    plans: PlanFile
    intersections: tuple[Intersection, ...]
    history: str | None = None


class _DecisionRow(Frozen):
    time_s: Time
    mode: list[Small]
    stage: list[Wide]
    why: list[Reason]


class _CommandRow(Frozen):
    time_s: Time
    expires_s: Time
    mode: list[Small]
    stage: list[Wide]
    refused: list[tuple[Place, Reason]]


class _TickRow(Frozen):
    time_s: Time
    stage: list[Wide]
    local: list[Place]
    aspects: list[tuple[Place, list[Shown]]]  # of junctions where one has changed
    volume_veh: list[tuple[Place, Amount]]
    occupancy: list[tuple[Place, Amount]]
    presence: list[Place]
    faulty: list[Place]
    calls: list[Place]
    decision: _DecisionRow
    command: _CommandRow


class Event(Frozen):
    """Something beside the loop that changes who decides; `release` gives the street back to its own plan.

    `state`: the site's state machine has gone to `state`; while `in_force` is false, commands go nowhere.
    """

    event: Literal["release", "state"]
    time_s: Time
    why: Reason
    state: Annotated[str, Field(pattern="^[a-z]{0,20}$")] = ""
    in_force: bool = True


@dataclass(frozen=True, slots=True)
class Tick:
    """A `Record` without its belief, and the line of the log that it stands in."""

    line: int
    snapshot: Snapshot
    decision: Decision
    command: Command


class LogWriter:
    """Appends to a text stream, a line at a time; a crash loses the last line at most."""

    def __init__(self, stream: TextIO, header: Header) -> None:
        self._stream = stream
        self._aspects: NDArray[np.int8] | None = None
        self._write(header.model_dump(mode="json"))

    def append(self, record: Record) -> None:
        """One tick."""
        snapshot, decision, command = record.snapshot, record.decision, record.command
        junctions = range(len(snapshot.stage))
        self._write(
            {
                "time_s": snapshot.time_s,
                "stage": snapshot.stage.tolist(),
                "local": _where(snapshot.local),
                "aspects": self._changed(snapshot.aspects),
                "volume_veh": _entries(snapshot.volume_veh),
                "occupancy": _entries(snapshot.occupancy),
                "presence": _where(snapshot.presence),
                "faulty": _where(~snapshot.healthy),
                "calls": _where(snapshot.calls.ravel()),
                "decision": {
                    "time_s": decision.time_s,
                    "mode": decision.mode.tolist(),
                    "stage": decision.stage.tolist(),
                    "why": [decision.reason(j) for j in junctions],
                },
                "command": {
                    "time_s": command.time_s,
                    "expires_s": command.expires_s,
                    "mode": command.mode.tolist(),
                    "stage": command.stage.tolist(),
                    "refused": [[j, command.reason(j)] for j in junctions if not command.granted(j)],
                },
            }
        )

    def note(self, event: Event) -> None:
        """One event, in force from the next tick on."""
        self._write(event.model_dump(mode="json"))

    def _changed(self, aspects: NDArray[np.int8]) -> list[list[Any]]:
        before, self._aspects = self._aspects, aspects.copy()
        return [[j, row.tolist()] for j, row in enumerate(aspects) if before is None or (row != before[j]).any()]

    def _write(self, row: dict[str, Any]) -> None:
        try:
            self._stream.write(json.dumps(row, separators=(",", ":")) + "\n")
            self._stream.flush()
        except OSError as error:
            name = getattr(self._stream, "name", "record log")
            raise ConfigError(f"{name}: cannot be written: {error.strerror}") from error


def _where(flags: Bools) -> list[int]:
    return [int(k) for k in np.flatnonzero(flags)]


def _entries(values: Floats) -> list[tuple[int, float]]:
    return [(int(k), float(values[k])) for k in np.flatnonzero(values)]


class LogReader:
    """A log on disk. Iterate over its ticks and events, in order; afterwards `cut` says if the last line was not whole.

    Raises `ConfigError` naming the file, the line and what is wrong with it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.cut = path, False
        self.header = self._header()
        try:
            self.layout: Layout = layout(self.header.intersections)
        except ConfigError as error:
            raise self._broken(1, str(error)) from error

    def __iter__(self) -> Iterator[Tick | Event]:
        decoder = _Decoder(self.layout)
        for line, row in self._rows():
            if line == 1:
                continue
            try:
                decoded = (
                    Event.model_validate(row) if "event" in row else decoder.tick(line, _TickRow.model_validate(row))
                )
            except ValidationError as error:
                raise self._broken(line, first_error(error)) from error
            except ValueError as error:
                raise self._broken(line, str(error)) from error
            yield decoded

    def _header(self) -> Header:
        _, row = next(self._rows(), (1, None))
        if row is None:
            raise ConfigError(f"{self.path}: has no whole line, must begin with a header")
        if row.get("format") != FORMAT:
            raise self._broken(1, f"is no header of a record log: format must be '{FORMAT}'")
        if row.get("version") != VERSION:
            raise self._broken(1, f"version = {row.get('version')!r}, must be {VERSION}")
        try:
            _check_text(row)
            header = Header.model_validate(row)
            _check_size(header.intersections)
        except ValidationError as error:
            raise self._broken(1, first_error(error)) from error
        except ValueError as error:
            raise self._broken(1, str(error)) from error
        return header

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with self.path.open("rb") as stream:
                yield from self._lines(stream)
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be read: {error.strerror}") from error

    def _lines(self, stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, text in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), start=1):
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                self.cut = not text.endswith(b"\n") and len(text) < LONGEST_LINE
                if self.cut:
                    return
                raise self._broken(number, "is not JSON") from error
            if not isinstance(row, dict):
                raise self._broken(number, "is no JSON object")
            yield number, row

    def _broken(self, line: int, finding: str) -> ConfigError:
        text = "".join(c if c.isprintable() else "?" for c in finding)
        return ConfigError(f"{self.path}: line {line}: {text[:300]}")


def _check_text(row: dict[str, Any]) -> None:
    """Only a settings file's text may have line breaks."""
    rest: list[Any] = [row]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest += [*value, *(part for key, part in value.items() if key != "settings")]
        elif isinstance(value, list):
            rest += value
        elif isinstance(value, str):
            _printable(value)


def _check_size(intersections: Sequence[Intersection]) -> None:
    stages = max((len(i.stages) for i in intersections), default=0)
    heads = max((len(i.signal_groups) for i in intersections), default=0)
    cells = len(intersections) * stages * max(stages, heads)
    if cells > LARGEST_LAYOUT:
        raise ValueError(f"intersections: {cells} junctions x stages x heads, must be at most {LARGEST_LAYOUT}")


class _Decoder:
    """Rows of one layout → values; `ValueError` where a row does not fit it. Remembers what heads showed last."""

    def __init__(self, layout: Layout) -> None:
        self._shape = layout.has_head.shape
        self._loops = len(layout.loops)
        self._stages = layout.has_stage.sum(axis=1)
        self._aspects = np.full(self._shape, Aspect.UNKNOWN, np.int8)

    def tick(self, line: int, row: _TickRow) -> Tick:
        return Tick(line, self._snapshot(row), self._decision(row.decision), self._command(row.command))

    def _snapshot(self, row: _TickRow) -> Snapshot:
        stage = self._per_junction("stage", row.stage)
        if ((stage < TRANSITION) | (stage >= self._stages)).any():
            raise ValueError(f"stage: {row.stage} is not among the junctions' stages")
        for junction, shown in row.aspects:
            _check_place("aspects", [junction], self._shape[0])
            self._aspects[junction] = _sized("aspects", shown, self._shape[1])
        return Snapshot(
            row.time_s,
            _filled("volume_veh", row.volume_veh, self._loops),
            _filled("occupancy", row.occupancy, self._loops),
            _flags("presence", row.presence, self._loops),
            ~_flags("faulty", row.faulty, self._loops),
            stage,
            self._aspects.copy(),
            _flags("local", row.local, self._shape[0]),
            _flags("calls", row.calls, self._shape[0] * self._shape[1]).reshape(self._shape),
        )

    def _decision(self, row: _DecisionRow) -> Decision:
        mode = self._per_junction("decision.mode", row.mode).astype(np.int8)
        why = _sized("decision.why", row.why, self._shape[0])
        wording = tuple(dict.fromkeys(why))
        return Decision(
            row.time_s,
            mode,
            self._per_junction("decision.stage", row.stage),
            np.array([wording.index(text) for text in why]),
            np.zeros(self._shape[0]),
            tuple(text.replace("{", "{{").replace("}", "}}") for text in wording),
        )

    def _command(self, row: _CommandRow) -> Command:
        _check_place("command.refused", [junction for junction, _ in row.refused], self._shape[0])
        wording = tuple(dict.fromkeys((GRANTED, *(text for _, text in row.refused))))
        refusal = np.zeros(self._shape[0], np.int64)
        for junction, text in row.refused:
            refusal[junction] = wording.index(text)
        mode = self._per_junction("command.mode", row.mode).astype(np.int8)
        stage = self._per_junction("command.stage", row.stage)
        return Command(row.time_s, row.expires_s, mode, stage, refusal, wording)

    def _per_junction(self, name: str, values: Sequence[int]) -> Ints:
        return np.array(_sized(name, values, self._shape[0]), np.int64)


def _sized(name: str, values: Sequence[Any], size: int) -> Sequence[Any]:
    if len(values) != size:
        raise ValueError(f"{name}: {len(values)} values, must be {size}")
    return values


def _check_place(name: str, places: Sequence[int], size: int) -> None:
    if places and max(places) >= size:
        raise ValueError(f"{name}: place {max(places)}, must be below {size}")


def _flags(name: str, places: Sequence[int], size: int) -> Bools:
    _check_place(name, places, size)
    flags = np.zeros(size, bool)
    flags[places] = True
    return flags


def _filled(name: str, entries: Sequence[tuple[int, float]], size: int) -> Floats:
    _check_place(name, [place for place, _ in entries], size)
    values = np.zeros(size)
    for place, value in entries:
        values[place] = value
    return values
