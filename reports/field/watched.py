"""Days of shadow, measured: how often the controller agreed with the cabinet, what it would have changed, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from reports.field.logs import Moment, SiteLog
from reports.field.queue_street import Queues, QueueStreet
from signals.controllers import build
from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.loop import Controller, Loop
from signals.replay import logged_controller
from signals.safety import Interlock
from signals.values import TRANSITION, Floats, Mode

ABOUT_S = 2.0
"""A change within this of the cabinet's is the same change."""
HOUR_S = 3600.0


def kind_of(reason: str) -> str:
    """A reason without its figures, so that alike ones are counted together."""
    return re.sub(r"-?\d+(\.\d+)?", "…", reason)


@dataclass
class Changes:
    """The ends of greens: the cabinet's against the first second of that green in which another stage was wished."""

    earlier_s: list[float] = field(default_factory=list)
    same: int = 0
    later: int = 0
    earlier_why: Counter[str] = field(default_factory=Counter)
    later_why: Counter[str] = field(default_factory=Counter)


@dataclass
class Hour:
    """One hour of the street: what waited, as estimated and in the two models; vehicles that came."""

    watched_s: float = 0.0
    estimated_veh_s: float = 0.0
    shown_veh_s: float = 0.0
    would_veh_s: float = 0.0
    came_veh: float = 0.0


@dataclass
class Watched:
    """What the shadow report is made of. hours: by the hour of the street's clock; no_model: why there is none."""

    watched_s: float = 0.0
    ticks: int = 0
    wishes: int = 0
    compared_s: float = 0.0
    agreed_s: float = 0.0
    in_force_s: float = 0.0
    begin_s: float = float("inf")
    end_s: float = float("-inf")
    changes: Changes = field(default_factory=Changes)
    refusals: Counter[str] = field(default_factory=Counter)
    wished_why: Counter[str] = field(default_factory=Counter)
    believed_s: Floats = field(default_factory=lambda: np.zeros(0))
    healthy_s: Floats = field(default_factory=lambda: np.zeros(0))
    loop_veh: Floats = field(default_factory=lambda: np.zeros(0))
    disbelieved: dict[int, Counter[str]] = field(default_factory=dict)
    hours: dict[int, Hour] = field(default_factory=dict)
    no_model: str = ""


def watch(log: SiteLog, controller: str | None = None, told: Callable[[float], None] = lambda _: None) -> Watched:
    """Go through a log. `controller` stands in where the log does not hold its files; `told`: the time reached."""
    found = Watched()
    loops = len(log.layout.loops)
    found.believed_s, found.healthy_s, found.loop_veh = np.zeros(loops), np.zeros(loops), np.zeros(loops)
    greens = [_Green() for _ in log.layout.intersections]
    models = _Models(log, found, controller)
    for moment in log.moments():
        told(moment.tick.snapshot.time_s)
        _count(found, log, moment)
        for row, green in enumerate(greens):
            green.take(found, moment, row)
        models.take(moment)
    return found


def _count(found: Watched, log: SiteLog, moment: Moment) -> None:
    tick, step_s = moment.tick, moment.step_s
    snapshot, decision = tick.snapshot, tick.decision
    found.ticks += 1
    found.watched_s += step_s
    found.begin_s, found.end_s = min(found.begin_s, snapshot.time_s), max(found.end_s, snapshot.time_s)
    in_force = not log.events or log.events[-1].in_force
    found.in_force_s += step_s * in_force
    believed = log.estimator.believed
    found.believed_s += believed * step_s
    found.healthy_s += snapshot.healthy * step_s
    found.loop_veh += snapshot.volume_veh
    for loop in np.flatnonzero(~believed):
        found.disbelieved.setdefault(int(loop), Counter())[log.estimator.reason(int(loop))] += 1
    stands = snapshot.stage != TRANSITION
    wishes = (decision.mode == Mode.GO) & stands
    found.compared_s += step_s * float(wishes.mean())
    found.agreed_s += step_s * float((wishes & (decision.stage == snapshot.stage)).mean())
    found.wishes += int(wishes.sum())
    for at in np.flatnonzero(wishes & (decision.stage != snapshot.stage)):
        found.wished_why[kind_of(decision.reason(int(at)))] += 1
    for row in range(stands.size):
        if not tick.command.granted(row):
            found.refusals[tick.command.reason(row)] += 1


class _Green:
    """One junction's green that stands, and since when the controller has wished for another without a break."""

    def __init__(self) -> None:
        self._stage, self._wished_s, self._why, self._last = TRANSITION, float("nan"), "", ""

    def take(self, found: Watched, moment: Moment, row: int) -> None:
        tick = moment.tick
        stage, now_s = int(tick.snapshot.stage[row]), tick.snapshot.time_s
        if stage != self._stage or moment.step_s == 0:
            if self._stage != TRANSITION and moment.step_s:
                self._end(found.changes, now_s)
            self._stage, self._wished_s = stage, float("nan")
        other = tick.decision.mode[row] == Mode.GO and int(tick.decision.stage[row]) != stage
        self._last = kind_of(tick.decision.reason(row))
        if not other:
            self._wished_s = float("nan")
        elif np.isnan(self._wished_s):
            self._wished_s, self._why = now_s, self._last

    def _end(self, changes: Changes, now_s: float) -> None:
        ahead_s = now_s - self._wished_s
        if np.isnan(ahead_s):
            changes.later += 1
            changes.later_why[self._last] += 1
        elif ahead_s <= ABOUT_S:
            changes.same += 1
        else:
            changes.earlier_s.append(ahead_s)
            changes.earlier_why[self._why] += 1


class _Models:
    """One street of queues as it was shown, and the same under the controller, side by side."""

    def __init__(self, log: SiteLog, found: Watched, controller: str | None) -> None:
        self._log, self._found, self._name = log, found, controller
        self._before: Floats | None = None
        self._begin: tuple[Queues, QueueStreet, Loop] | None = None
        try:
            self._controller()
        except ConfigError as error:
            found.no_model = str(error)

    def _controller(self) -> Controller:
        log = self._log
        if self._name:
            return build(self._name, log.layout, log.header.plans)
        return logged_controller(log.header, log.layout)

    def take(self, moment: Moment) -> None:
        snapshot, traffic, step_s = moment.tick.snapshot, moment.traffic, moment.step_s
        if step_s == 0 or self._before is None:
            self._before, self._begin = traffic.arrived_veh.copy(), None
        came = np.maximum(traffic.arrived_veh - self._before, 0.0)
        self._before = traffic.arrived_veh.copy()
        hour = self._found.hours.setdefault(int(snapshot.time_s // HOUR_S), Hour())
        hour.watched_s += step_s
        hour.came_veh += float(came.sum())
        hour.estimated_veh_s += float(traffic.queue_veh.sum()) * step_s
        if not self._found.no_model:
            self._go_on(moment, came, hour)

    def _go_on(self, moment: Moment, came: Floats, hour: Hour) -> None:
        snapshot, layout = moment.tick.snapshot, self._log.layout
        if self._begin is None:
            street = QueueStreet(layout, snapshot.stage, snapshot.time_s)
            street.step(snapshot, came, 0.0)
            self._begin = (
                Queues(layout),
                street,
                Loop(street, FlowEstimator(layout), self._controller(), Interlock(layout)),
            )
        shown, street, loop = self._begin
        before = shown.waited_veh_s, street.queues.waited_veh_s
        shown.step(came, snapshot.stage, moment.step_s)
        street.step(snapshot, came, moment.step_s)
        loop.tick()
        hour.shown_veh_s += shown.waited_veh_s - before[0]
        hour.would_veh_s += street.queues.waited_veh_s - before[1]
