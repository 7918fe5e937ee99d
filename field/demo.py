"""The demo: the loop of the street, on the wall clock, with SUMO as the street."""

from __future__ import annotations

import platform
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np
from rich.console import Console

from field.clock import WallClock
from field.history_file import HistoryFile
from field.session import Session
from field.stop import StopRequest
from field.street import VirtualStreet
from field.tally import Tally
from field.view import View
from signals.controllers import build, check_controller, digest, split_name
from signals.errors import ConfigError
from signals.recording import Header, LoggedController, LogWriter

DECISION_S = 1.0


@dataclass(frozen=True)
class Demo:
    """What is shown; `seconds` of the street, at `speed` times the wall clock."""

    scenario: str
    controller: str
    speed: float
    seconds: float
    log: Path | None = None
    gui: bool = False
    history: Path | None = None
    page: bool = False

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ConfigError(f"seconds = {self.seconds:g}, must be above 0")
        check_controller(self.controller)


def run_demo(demo: Demo, console: Console) -> int:
    """Run it, give the street back, say what it came to; the exit status."""
    started = datetime.now(UTC)
    path = demo.log or Path("recordings") / f"demo-{started.astimezone():%Y%m%d-%H%M%S}.jsonl"
    from field.page.pages import Pages  # which knows what runs a site

    pages = Pages(lambda line: console.print(line, markup=False))
    with VirtualStreet(demo.scenario, demo.gui) as street, StopRequest() as stop, pages:
        clock = WallClock(street.seconds(DECISION_S), demo.speed, stop.wait)
        controller = build(demo.controller, street.layout, street.plans)
        kept = HistoryFile(demo.history, street.layout) if demo.history else None
        with new_log(path) as stream, View(console, street.layout, demo.scenario, demo.controller, clock) as view:
            log = LogWriter(stream, header_of(demo, street, started, kept))
            shown = pages.of_district(view, "demo", demo.controller, street.layout, clock) if demo.page else view
            session = Session(street.layout, street.plant, controller, clock, log, shown, kept)
            released_s = drive(session, street, stop, demo.seconds)
    if kept:
        kept.save()
    released = f"{stop.words or 'end'}: every junction was back on its own plan within {released_s:.0f} s"
    history = (kept.words,) if kept else ()
    for line in (
        *summary(session.tally, clock),
        released,
        *history,
        f"log: {path}",
        f"again: control.py replay {path}",
    ):
        console.print(line, markup=False, soft_wrap=True)
    return stop.exit_status


def drive(session: Session, street: VirtualStreet, stop: StopRequest, seconds: float) -> float:
    """Tick until somebody stops it, the time is over or nobody is left, then give the street back."""
    last_s = street.time_s + seconds - DECISION_S
    try:
        session.run(lambda now_s: stop.asked or now_s >= last_s or street.empty)
        return session.give_back(stop.words or "end of the demo")
    except ConfigError:  # the log cannot be written any more: the street does not wait for it
        street.plant.release()
        raise


def header_of(demo: Demo, street: VirtualStreet, started: datetime, kept: HistoryFile | None) -> Header:
    """What replay needs to know."""
    name, file = split_name(demo.controller)
    settings = Path(file) if file else None
    return Header(
        started=started.isoformat(timespec="seconds"),
        street=demo.scenario,
        controller=LoggedController(
            name=name,
            settings=settings.read_text(encoding="utf-8") if settings and settings.is_file() else None,
            digest=digest(name, settings),
        ),
        versions={"python": platform.python_version(), "numpy": np.__version__, **street.versions},
        plans=street.plans,
        intersections=street.layout.intersections,
        history=b64encode(kept.history.dump()).decode() if kept else None,
    )


@contextmanager
def new_log(path: Path) -> Iterator[TextIO]:
    """A file that was not there before; a log is never written over."""
    if path.exists():
        raise ConfigError(f"{path}: is there already, and a log is never written over")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("x", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        yield stream
    finally:
        with suppress(OSError):  # a full disk was told when the line was written
            stream.close()


def summary(tally: Tally, clock: WallClock) -> list[str]:
    """What the run came to, in a few lines."""
    refusals = ", ".join(f"{reason} {count}" for reason, count in tally.refusals.most_common())
    moved = f"; the schedule was moved by {clock.moved_s:.1f} s, for want of speed" if clock.moved_s else ""
    return [
        f"{tally.ticks} ticks, {tally.changes} changes of stage",
        f"refused by the interlock: {tally.refusals.total()}{f' ({refusals})' if refusals else ''}",
        f"late ticks: {clock.late}, lateness p99 {clock.lateness_p99_s * 1000:.1f} ms{moved}",
    ]
