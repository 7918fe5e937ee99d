"""A recorded log as a plant: the same loop over it must decide as it did, and what differs is told."""

from __future__ import annotations

import tempfile
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signals.controllers import build, check_controller, digest
from signals.controllers.releasing import Releasing
from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.history import History, parse
from signals.layout import Layout
from signals.loop import Controller, Loop
from signals.recording import Event, Header, LogReader, Tick
from signals.safety import Interlock
from signals.values import Command, Ints, Mode, Record, Snapshot


class RecordedPlant:
    """Says what was read when the log was written; what is asked of it goes nowhere."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._next: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Have this one read next."""
        self._next = snapshot

    def read(self) -> Snapshot:
        """The snapshot that was shown last."""
        if self._next is None:
            raise RuntimeError("read before show: a recorded plant has no reading of its own")
        return self._next

    def apply(self, command: Command) -> None:
        """Nothing: the street has already gone on."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A recorded tick beside what the loop makes of the same readings, and where the two differ."""

    recorded: Tick
    record: Record
    decisions: tuple[str, ...]
    commands: tuple[str, ...]


def logged_controller(header: Header, layout: Layout) -> Controller:
    """The controller that the log names, from the settings that the log holds. Raises `ConfigError`."""
    logged = header.controller
    check_controller(logged.name)
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        file = Path(folder) / "settings.toml" if logged.settings is not None else None
        if file is not None:
            file.write_text(logged.settings or "", encoding="utf-8")
        if digest(logged.name, file) != logged.digest:
            found = "not in the log, name them: --controller NAME:FILE" if file is None else "not those that decided"
            raise ConfigError(f"controller {logged.name}: its settings (by their digest) are {found}")
        return build(f"{logged.name}:{file}" if file else logged.name, layout, header.plans)


def logged_history(header: Header, layout: Layout) -> History | None:
    """What the estimator began with, from the log. Raises `ConfigError`."""
    if header.history is None:
        return None
    try:
        content = b64decode(header.history, validate=True)
    except ValueError as error:
        raise ConfigError(f"history: is not base64: {error}") from error
    return parse(content, layout, "history")


def replay(log: LogReader, controller: Controller) -> Iterator[Replayed]:
    """Play a log through a fresh estimator and interlock, and compare each tick."""
    plant = RecordedPlant(log.layout)
    releasing = Releasing(log.layout, controller)
    estimator = FlowEstimator(log.layout, logged_history(log.header, log.layout))
    interlock = Interlock(log.layout)
    loop = Loop(plant, estimator, releasing, interlock)
    in_force = True
    for row in log:
        if isinstance(row, Event):
            if row.in_force != in_force:
                interlock.forget()
            in_force = row.in_force
            if row.event == "release":
                releasing.let_go()
            continue
        if not in_force:
            interlock.forget()
        plant.show(row.snapshot)
        yield compare(row, loop.tick(), log.layout)


def compare(recorded: Tick, record: Record, layout: Layout) -> Replayed:
    """What differs, junction by junction, in words that name the line, the time and the junction."""
    decisions: list[str] = []
    commands: list[str] = []
    for row, intersection in enumerate(layout.intersections):
        where = f"line {recorded.line}, {recorded.snapshot.time_s:g} s, junction {intersection.id}"
        for kind, words, found in (("decision", _wish, decisions), ("command", _answer, commands)):
            before, now = words(recorded, row), words(record, row)
            if before != now:
                found.append(f"{where}: {kind} was {before}, is {now}")
    return Replayed(recorded, record, tuple(decisions), tuple(commands))


def _wish(tick: Tick | Record, row: int) -> str:
    decision = tick.decision
    return f"{_words(decision.mode, decision.stage, row)} ({decision.reason(row)})"


def _answer(tick: Tick | Record, row: int) -> str:
    command = tick.command
    asked = _words(command.mode, command.stage, row)
    return f"{asked} until {command.expires_s:g} s ({command.reason(row)})"


def _words(mode: NDArray[np.int8], stage: Ints, row: int) -> str:
    number = int(mode[row])
    name = Mode(number).name.lower() if number in set(Mode) else f"mode {number}"
    return f"{name} stage {int(stage[row])}"
