"""`control.py run`: one site's loop on the wall clock, until somebody stops it; then its cabinet is given back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from rich.console import Console

from field.cabinet import Cabinet
from field.cabinets import connect
from field.clock import StreetClock, WallClock
from field.history_file import HistoryFile
from field.lock import CabinetLock
from field.lockout_file import LockoutFile
from field.parts import open_feed, parts_of
from field.site import Feed, MqttFeed, ReplayFeed, Site
from field.site_file import built, load
from field.stop import Stop, StopRequest
from field.supervisor import Supervisor
from field.tally import Tally
from field.view import View
from field.watchdog import Watchdog
from signals.errors import ConfigError, PlantError
from signals.layout import Layout, layout
from signals.plans import PlanFile
from signals.values import Record

FIRST_WEEKDAY = 3
"""Of the street's clock, which counts local seconds from 1970-01-01, a Thursday."""
OpenCabinet = Callable[[Site, Layout, Callable[[], float], float, Callable[[], float] | None], Cabinet]
"""A site's cabinet, for its junction, by the street's clock and its speed. Raises `PlantError`."""
CONNECT_AGAIN_S = 5.0


@dataclass(frozen=True)
class Run:
    """What is asked for. site: a file, or a folder of them; feed: in place of its own, `replay:FILE` or `mqtt:…`."""

    site: Path
    speed: float = 1.0
    seconds: float | None = None
    feed: str | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds > 0:
            raise ConfigError(f"seconds = {self.seconds:g}, must be above 0")


@dataclass(frozen=True)
class Job:
    """One site, read once: what is done to its file afterwards changes nothing."""

    site: Site
    place: Layout
    plans: PlanFile
    feeds: tuple[Feed, ...]
    speed: float
    seconds: float | None


def prepare(run: Run) -> Job:
    """Read the site and its junction. Raises `ConfigError`."""
    site = load(run.site)
    check_speed(run.speed, site.cabinet.host)
    intersection, plans = built(site)
    feeds = (read_feed(run.feed),) if run.feed else tuple(site.feeds)
    return Job(site, layout([intersection]), plans, feeds, run.speed, run.seconds)


class Witness(Protocol):
    """Who is told how a site fares."""

    def say(self, line: str) -> None:
        """Something has happened."""

    def begins(self, job: Job, clock: WallClock) -> None:
        """Its cabinet has answered, and the ticks begin."""

    def ticked(self, record: Record | None, supervisor: Supervisor, tally: Tally) -> None:
        """A tick is over; it has no record where the cabinet did not answer."""

    def ends(self) -> None:
        """No tick will follow."""


class AtTheConsole:
    """One site on the console, and its watchdog fed by its loop."""

    def __init__(self, console: Console) -> None:
        self._console, self._held = console, ExitStack()

    def say(self, line: str) -> None:
        """With its time."""
        say(self._console, line)

    def begins(self, job: Job, clock: WallClock) -> None:
        """Open the picture."""
        site = job.site
        self._view = self._held.enter_context(View(self._console, job.place, site.name, site.controller, clock))
        self._watchdog = Watchdog()
        self._held.callback(self._watchdog.close)
        self._watchdog.tell("READY=1")

    def ticked(self, record: Record | None, supervisor: Supervisor, tally: Tally) -> None:
        """The loop runs."""
        self._watchdog.tell("WATCHDOG=1", f"STATUS={supervisor.words[:200]}")
        if record:
            self._view.show(record, supervisor.words, tally)

    def ends(self) -> None:
        """Close the picture."""
        self._watchdog.tell("STOPPING=1")
        self._held.close()


def run_site(run: Run, console: Console, open_cabinet: OpenCabinet = connect) -> int:
    """Run it until it is stopped or the time is over, give the cabinet back, say what it came to; the exit status."""
    from field.page.pages import Pages  # which knows this module

    job = prepare(run)
    with StopRequest() as stop, Pages(lambda line: say(console, line)) as pages:
        for line in drive(job, stop, pages.beside(AtTheConsole(console), job), open_cabinet):
            console.print(line, markup=False, soft_wrap=True)
    return stop.exit_status


def drive(job: Job, stop: Stop, witness: Witness, open_cabinet: OpenCabinet) -> list[str]:
    """One site from its lock to its release, whatever ends it; what it came to, in lines."""
    site, place, street_clock = job.site, job.place, StreetClock(job.speed)
    with ExitStack() as held:
        held.enter_context(CabinetLock(f"{site.cabinet.host}:{site.cabinet.port}"))
        utc = time.time if job.speed == 1.0 else None  # a street in fast motion has no time to compare with
        cabinet = patiently(lambda: open_cabinet(site, place, street_clock, job.speed, utc), stop, witness)
        if cabinet is None:
            return []
        held.callback(cabinet.close)
        opened = [open_feed(feed, place) for feed in job.feeds]
        for feed in opened:
            held.callback(feed.close)
        clock = WallClock(itertools.count(0.0), job.speed, stop.wait)
        witness.begins(job, clock)
        held.callback(witness.ends)
        kept = HistoryFile(site.history, place, FIRST_WEEKDAY) if site.history else None
        parts = parts_of(site, job.plans, place, cabinet, opened, kept, held)
        held.callback(lambda: parts.gate.open and cabinet.release())  # whatever else ends us
        supervisor, tally = Supervisor(parts, street_clock, job.speed, witness.say), Tally()
        for second_s in clock:
            record = None if stop.asked else supervisor.tick()
            if record:
                tally.update(record)
                if kept:
                    kept.keep(record.snapshot.time_s)
            witness.ticked(record, supervisor, tally)
            if stop.asked or (job.seconds is not None and second_s + 1 >= job.seconds):
                break
        supervisor.stop(stop.words or "end of the run")
        if kept:
            kept.save()
    return [*summary(supervisor, tally, clock), *(f.words() for f in opened), f"logs: {site.logging.folder}"]


def check_speed(speed: float, host: str) -> None:
    """Raises `ConfigError`: a street outside of this machine goes by the same clock as everybody."""
    try:
        here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        here = False
    if speed != 1.0 and not here:
        raise ConfigError(f"speed = {speed:g}, must be 1: only a virtual cabinet on this machine goes faster")


def patiently(connect: Callable[[], Cabinet], stop: Stop, witness: Witness) -> Cabinet | None:
    """The cabinet as soon as it answers, None where somebody stops us before."""
    said = ""
    while not stop.asked:
        try:
            return connect()
        except PlantError as error:
            if str(error) != said:
                said = str(error)
                witness.say(f"boot: {said}; asked again every {CONNECT_AGAIN_S:g} s")
            stop.wait(CONNECT_AGAIN_S)
    return None


def read_feed(text: str) -> Feed:
    """`mqtt:HOST:PORT:TOPIC` or `replay:FILE`. Raises `ConfigError`."""
    kind, _, rest = text.partition(":")
    if kind == "replay" and rest:
        return ReplayFeed(kind="replay", file=Path(rest))
    host, _, port_topic = rest.partition(":")
    port, _, topic = port_topic.partition(":")
    if kind == "mqtt" and host and port.isdigit() and topic:
        return MqttFeed(kind="mqtt", host=host, port=int(port), topic=topic)
    raise ConfigError(f"feed = {text}, must be mqtt:HOST:PORT:TOPIC or replay:FILE")


def say(console: Console, line: str) -> None:
    """One line with its time."""
    console.print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}  {line}", markup=False, soft_wrap=True)


def summary(supervisor: Supervisor, tally: Tally, clock: WallClock) -> list[str]:
    """What the run came to."""
    return [
        f"{tally.ticks} ticks, {tally.changes} changes of stage wished for and granted, ended in {supervisor.words}",
        f"refused by the interlock: {tally.refusals.total()}",
        f"late ticks: {clock.late}, lateness p99 {clock.lateness_p99_s * 1000:.1f} ms, "
        f"done p99 {clock.done_p99_s * 1000:.0f} ms after it was due",
        *(f"alarm: {alarm}" for alarm in supervisor.alarms),
    ]


def acknowledge(site_file: Path, who: str, console: Console) -> int:
    """An operator has been at the cabinet; the running process sees it in its next tick."""
    site = load(site_file)
    reason = LockoutFile(site.logging.folder).acknowledge(who, datetime.now(UTC).isoformat(timespec="seconds"))
    console.print(f"{site.name}: acknowledged by {who}: {reason}", markup=False)
    return 0
