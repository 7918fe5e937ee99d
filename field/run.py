"""`control.py run`: one site's loop on the wall clock, until somebody stops it; then its cabinet is given back."""

from __future__ import annotations

import itertools
import platform
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import numpy as np
from rich.console import Console

from field.audit import AuditLog
from field.cabinet import Cabinet
from field.cabinets import connect
from field.causes import Limits
from field.clock import StreetClock, WallClock
from field.deadline import Deadline
from field.gate import DetectorFeed, Gate
from field.history_file import HistoryFile
from field.lock import CabinetLock
from field.lockout_file import LockoutFile
from field.record_log import RecordLog
from field.replayed_feed import ReplayedFeed
from field.secrets import load_secrets
from field.site import Feed, MqttFeed, ReplayFeed, Site
from field.site_file import built, load
from field.states import Machine
from field.stop import StopRequest
from field.supervisor import Parts, Supervisor
from field.tally import Tally
from field.view import View
from field.watchdog import Watchdog
from signals.controllers import build, digest, split_name
from signals.errors import ConfigError, PlantError
from signals.flow import FlowEstimator
from signals.layout import Layout, layout
from signals.loop import Estimator
from signals.plans import PlanFile
from signals.recording import Header, LoggedController
from signals.safety import Interlock
from signals.values import Bools

FIRST_WEEKDAY = 3
"""Of the street's clock, which counts local seconds from 1970-01-01, a Thursday."""
OpenCabinet = Callable[[Site, Layout, Callable[[], float], float, Callable[[], float] | None], Cabinet]
"""A site's cabinet, for its junction, by the street's clock and its speed. Raises `PlantError`."""
CONNECT_AGAIN_S = 5.0


@dataclass(frozen=True)
class Run:
    """What is asked for. feed: in place of the site's, as `mqtt:HOST:PORT:TOPIC` or `replay:FILE`."""

    site: Path
    speed: float = 1.0
    seconds: float | None = None
    feed: str | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds > 0:
            raise ConfigError(f"seconds = {self.seconds:g}, must be above 0")


def run_site(run: Run, console: Console, open_cabinet: OpenCabinet = connect) -> int:
    """Run it until it is stopped or the time is over, give the cabinet back, say what it came to; the exit status."""
    site = load(run.site)
    check_speed(run.speed, site.cabinet.host)
    intersection, plans = built(site)
    place, street_clock = layout([intersection]), StreetClock(run.speed)
    feeds = [read_feed(run.feed)] if run.feed else site.feeds
    with ExitStack() as held:
        held.enter_context(CabinetLock(f"{site.cabinet.host}:{site.cabinet.port}"))
        stop = held.enter_context(StopRequest())
        utc = time.time if run.speed == 1.0 else None  # a street in fast motion has no time to compare with
        cabinet = patiently(lambda: open_cabinet(site, place, street_clock, run.speed, utc), stop, console)
        if cabinet is None:
            return stop.exit_status
        held.callback(cabinet.close)
        opened = [open_feed(feed, place) for feed in feeds]
        for feed in opened:
            held.callback(feed.close)
        clock = WallClock(itertools.count(0.0), run.speed, stop.wait)
        view = held.enter_context(View(console, place, site.name, site.controller, clock))
        kept = HistoryFile(site.history, place, FIRST_WEEKDAY) if site.history else None
        parts = parts_of(site, plans, place, cabinet, opened, kept, held)
        held.callback(lambda: parts.gate.open and cabinet.release())  # whatever else ends us
        supervisor = Supervisor(parts, street_clock, run.speed, lambda line: say(console, line))
        watchdog = Watchdog()
        held.callback(watchdog.close)
        tally = Tally()
        for second_s in clock:
            record = None if stop.asked else supervisor.tick()
            watchdog.tell(*(["READY=1"] * (second_s == 0)), "WATCHDOG=1", f"STATUS={supervisor.words[:200]}")
            if record:
                tally.update(record)
                view.show(record, supervisor.words, tally)
                if kept:
                    kept.keep(record.snapshot.time_s)
            if stop.asked or (run.seconds is not None and second_s + 1 >= run.seconds):
                break
        watchdog.tell("STOPPING=1")
        supervisor.stop(stop.words or "end of the run")
        if kept:
            kept.save()
    for line in (
        *summary(supervisor, tally, clock),
        *(feed.words() for feed in opened),
        f"logs: {site.logging.folder}",
    ):
        console.print(line, markup=False, soft_wrap=True)
    return stop.exit_status


def check_speed(speed: float, host: str) -> None:
    """Raises `ConfigError`: a street outside of this machine goes by the same clock as everybody."""
    try:
        here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        here = False
    if speed != 1.0 and not here:
        raise ConfigError(f"speed = {speed:g}, must be 1: only a virtual cabinet on this machine goes faster")


def patiently(connect: Callable[[], Cabinet], stop: StopRequest, console: Console) -> Cabinet | None:
    """The cabinet as soon as it answers, None where somebody stops us before."""
    said = ""
    while not stop.asked:
        try:
            return connect()
        except PlantError as error:
            if str(error) != said:
                said = str(error)
                say(console, f"boot: {said}; asked again every {CONNECT_AGAIN_S:g} s")
            stop.wait(CONNECT_AGAIN_S)
    return None


def parts_of(
    site: Site,
    plans: PlanFile,
    place: Layout,
    cabinet: Cabinet,
    feeds: list[DetectorFeed],
    kept: HistoryFile | None,
    held: ExitStack,
) -> Parts:
    """A site's parts, put together as the one path has them."""
    folder = site.logging.folder
    flow = FlowEstimator(place, kept.history if kept else None)
    name, file = split_name(site.controller)
    policy = digest(name, Path(file) if file else None)
    audit = AuditLog(folder / "audit", site.logging.keep_days, secrets_of(site))
    held.callback(audit.close)
    records = RecordLog(folder / "records", header_of(site, plans, place, policy, kept), site.logging.keep_days)
    held.callback(records.close)
    lockout = LockoutFile(folder)
    return Parts(
        cabinet=cabinet,
        gate=Gate(cabinet, feeds),
        flow=flow,
        estimator=neighbourly(site, place, flow, held),
        controller=Deadline(place, build(site.controller, place, plans), build(rule_beside(name), place, plans)),
        interlock=Interlock(place, maximum_red_s=max((x.max_red_s for x in site.phase_limits), default=240.0)),
        machine=Machine(site.level, Limits(cycle_s=longest_cycle_s(plans, place)), lockout.reason),
        audit=audit,
        records=records,
        lockout=lockout,
        by=f"{site.controller} {policy[:12]}",
        open=lambda: site.open_at(datetime.now()),
        critical=critical_loops(place),
    )


def longest_cycle_s(plans: PlanFile, place: Layout) -> float:
    """Of the cabinet's own plans, as far as they are known: so long it is left to itself after a preemption."""
    own = {i.id for i in place.intersections}
    return max((plan.cycle_s for plan in plans.plan if plan.intersection in own), default=Limits.cycle_s)


def rule_beside(controller: str) -> str:
    """What decides where the controller does not: the best rule that it is not itself."""
    return "max-pressure" if controller == "adaptive" else "adaptive"


def critical_loops(place: Layout) -> Bools:
    """The stop-line loops, or all where there is none."""
    critical = np.zeros(len(place.loops), bool)
    critical[place.stop_loop] = True
    return critical if critical.any() else ~critical


def secrets_of(site: Site) -> list[str]:
    """All that must never be in a log, as far as it is there."""
    files = {site.cabinet.snmp.secrets, *(feed.secrets for feed in site.feeds if isinstance(feed, MqttFeed))}
    if site.neighbours:
        files.add(site.neighbours.secrets)
    found = [value for file in files for value in dict(load_secrets(file)).values()]
    return sorted({value.get_secret_value() for value in found} - {""}, key=len, reverse=True)


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


def open_feed(feed: Feed, place: Layout) -> DetectorFeed:
    """Listen to it. The broker's library is loaded where a site asks for a broker only."""
    if isinstance(feed, ReplayFeed):
        return ReplayedFeed(feed.file, place)
    from field.mqtt.client import open_feed as open_mqtt

    return open_mqtt(feed, place)


def neighbourly(site: Site, place: Layout, flow: FlowEstimator, held: ExitStack) -> Estimator:
    """The estimator, in talk with the neighbours where the site has any."""
    if site.neighbours is None:
        return flow
    from field.mqtt.client import Mailbox
    from field.mqtt.neighbours import Exchange, Hearing

    topic = site.neighbours.topic
    box = Mailbox(site.neighbours, [f"{topic}/+"])
    held.callback(box.close)
    exchange = Exchange(place, [i.id for i in place.intersections], site.neighbours.stale_s)
    return Hearing(flow, exchange, box.take, lambda junction, said: box.send(f"{topic}/{junction}", said), time.time)


def header_of(site: Site, plans: PlanFile, place: Layout, policy: str, kept: HistoryFile | None) -> Header:
    """What replay needs to know."""
    name, file = split_name(site.controller)
    settings = Path(file) if file else None
    return Header(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        street=site.name,
        controller=LoggedController(
            name=name,
            settings=settings.read_text(encoding="utf-8") if settings and settings.is_file() else None,
            digest=policy,
        ),
        versions={"python": platform.python_version(), "numpy": np.__version__},
        plans=plans,
        intersections=place.intersections,
        history=b64encode(kept.history.dump()).decode() if kept else None,
    )


def say(console: Console, line: str) -> None:
    """One line with its time."""
    console.print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}  {line}", markup=False, soft_wrap=True)


def summary(supervisor: Supervisor, tally: Tally, clock: WallClock) -> list[str]:
    """What the run came to."""
    return [
        f"{tally.ticks} ticks, {tally.changes} changes of stage wished for and granted, ended in {supervisor.words}",
        f"refused by the interlock: {tally.refusals.total()}",
        f"late ticks: {clock.late}, lateness p99 {clock.lateness_p99_s * 1000:.1f} ms",
        *(f"alarm: {alarm}" for alarm in supervisor.alarms),
    ]


def acknowledge(site_file: Path, who: str, console: Console) -> int:
    """An operator has been at the cabinet; the running process sees it in its next tick."""
    site = load(site_file)
    reason = LockoutFile(site.logging.folder).acknowledge(who, datetime.now(UTC).isoformat(timespec="seconds"))
    console.print(f"{site.name}: acknowledged by {who}: {reason}", markup=False)
    return 0
