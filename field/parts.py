"""What a site's tick is made of, put together from its file as the one path has them."""

from __future__ import annotations

import platform
import time
from base64 import b64encode
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from field.audit import AuditLog
from field.cabinet import Cabinet
from field.causes import Limits
from field.deadline import Deadline
from field.gate import DetectorFeed, Gate
from field.history_file import HistoryFile
from field.lockout_file import LockoutFile
from field.record_log import RecordLog
from field.replayed_feed import ReplayedFeed
from field.secrets import load_secrets
from field.site import Feed, MqttFeed, ReplayFeed, Site
from field.states import Machine
from field.supervisor import Parts
from signals.controllers import build, digest, split_name
from signals.flow import FlowEstimator
from signals.layout import Layout
from signals.loop import Estimator
from signals.plans import PlanFile
from signals.recording import Header, LoggedController
from signals.safety import Interlock
from signals.values import Bools


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
    if site.page:
        files.add(site.page.secrets)
    found = [value for file in files for value in dict(load_secrets(file)).values()]
    return sorted({value.get_secret_value() for value in found} - {""}, key=len, reverse=True)


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
