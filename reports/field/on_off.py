"""Before and after, from two logs: flows, queues and delay by hour of the day, with an interval over days.

Delay is queue over flow (Little's law): vehicle seconds in the queues that the loops tell of, by vehicles that came.
Hours of the day that only one of the two has are left out, so that like is compared with like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reports.field.document import Document, Section, Table
from reports.field.logs import SiteLog
from reports.field.shadow import when
from reports.wording import count
from signals.errors import ConfigError

HOUR_S, DAY_H = 3600, 24
LEAST_WATCHED_S = 900.0
"""Of an hour; of less nothing is said."""
LEAST_DAYS = 3
"""On each side, for an interval."""
DRAWS, LOW, HIGH = 2000, 2.5, 97.5


@dataclass
class Cell:
    """One hour of one day."""

    watched_s: float = 0.0
    came_veh: float = 0.0
    waited_veh_s: float = 0.0
    occupied_s: float = 0.0

    @property
    def delay_s(self) -> float:
        """A vehicle."""
        return self.waited_veh_s / self.came_veh if self.came_veh else 0.0


Cells = Mapping[tuple[int, int], Cell]
"""By day and hour of the day."""


def cells_of(log: SiteLog) -> dict[tuple[int, int], Cell]:
    """All hours of which enough was watched."""
    found: dict[tuple[int, int], Cell] = {}
    before = None
    for moment in log.moments():
        snapshot, traffic, step_s = moment.tick.snapshot, moment.traffic, moment.step_s
        hour = int(snapshot.time_s // HOUR_S)
        cell = found.setdefault((hour // DAY_H, hour % DAY_H), Cell())
        if step_s and before is not None:
            cell.came_veh += float(np.maximum(traffic.arrived_veh - before, 0.0).sum())
        before = traffic.arrived_veh.copy()
        cell.watched_s += step_s
        cell.waited_veh_s += float(traffic.queue_veh.sum()) * step_s
        cell.occupied_s += float(snapshot.occupancy.mean()) * step_s if snapshot.occupancy.size else 0.0
    return {key: cell for key, cell in found.items() if cell.watched_s >= LEAST_WATCHED_S}


def change_s(before: Cells, after: Cells) -> float:
    """Mean change of the delay, s a vehicle, over the hours of the day that both have, by their flow before."""
    hours = {hour for _, hour in before} & {hour for _, hour in after}
    weights, changes = [], []
    for hour in sorted(hours):
        was, now = ([cell for (_, h), cell in cells.items() if h == hour] for cells in (before, after))
        weights.append(np.mean([c.came_veh / c.watched_s for c in was]))
        changes.append(np.mean([c.delay_s for c in now]) - np.mean([c.delay_s for c in was]))
    total = float(np.sum(weights))
    return float(np.dot(weights, changes) / total) if total > 0 else float("nan")


def interval_s(before: Cells, after: Cells) -> tuple[float, float] | None:
    """95 % by drawing days anew, on both sides; None where there are too few of them."""
    days = [sorted({day for day, _ in cells}) for cells in (before, after)]
    if min(len(each) for each in days) < LEAST_DAYS:
        return None
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        sides = []
        for cells, own in zip((before, after), days, strict=True):
            chosen = generator.choice(own, len(own))
            sides.append({(k, h): c for k, day in enumerate(chosen) for (d, h), c in cells.items() if d == day})
        drawn.append(change_s(*sides))
    low, high = np.nanpercentile(drawn, (LOW, HIGH))
    return float(low), float(high)


def document(before: SiteLog, after: SiteLog) -> Document:
    """The study. Raises `ConfigError` where the two are not of one street, or have no hour of the day in common."""
    if before.layout.loops != after.layout.loops:
        raise ConfigError("before and after: have other loops, must be of one junction")
    was, now = cells_of(before), cells_of(after)
    if not {hour for _, hour in was} & {hour for _, hour in now}:
        raise ConfigError("before and after: have no hour of the day in common of which a quarter was watched")
    delays = [_mean_delay_s(cells) for cells in (was, now)]
    change, interval = change_s(was, now), interval_s(was, now)
    if interval:
        sure = f"95 % interval over days {interval[0]:+.1f} to {interval[1]:+.1f}"
    else:
        sure = f"no interval: each side needs {LEAST_DAYS} days"
    return Document(
        f"Before and after: {before.header.street}",
        f"{before.header.controller.name}, {_span(before, was)} · {after.header.controller.name}, {_span(after, now)}",
        f"Delay as the loops tell it went from {delays[0]:.1f} to {delays[1]:.1f} s a vehicle; hour by hour of the "
        "day it "
        f"changed by {change:+.1f} s ({sure}).",
        (_by_hour(was, now), _by_day(was, now), _limits()),
    )


def _mean_delay_s(cells: Cells) -> float:
    came = sum(cell.came_veh for cell in cells.values())
    return sum(cell.waited_veh_s for cell in cells.values()) / came if came else 0.0


def _span(log: SiteLog, cells: Cells) -> str:
    days = sorted({day for day, _ in cells})
    first = when(days[0] * DAY_H * HOUR_S)[:10] if days else "never"
    return f"{count(len(days), 'day')} from {first}"


def _row(name: str, was: list[Cell], now: list[Cell]) -> tuple[str, ...]:
    cells: list[str] = []
    for side in (was, now):
        watched_h = sum(c.watched_s for c in side) / HOUR_S
        came = sum(c.came_veh for c in side)
        waited = sum(c.waited_veh_s for c in side)
        cells += (
            [
                f"{came / watched_h:.0f}",
                f"{waited / watched_h / HOUR_S:.1f}",
                f"{100 * sum(c.occupied_s for c in side) / watched_h / HOUR_S:.1f}",
                f"{waited / came:.1f}" if came else "–",
            ]
            if side
            else ["–"] * 4
        )
    return (name, *cells)


HEADERS = (">veh/h", ">queue, veh", ">occupancy, %", ">delay, s")


def _table(first: str, rows: list[tuple[str, ...]]) -> Table:
    sides = [f"{header} {side}" for side in ("before", "after") for header in HEADERS]
    return Table((first, *sides), rows)


def _by_hour(was: Cells, now: Cells) -> Section:
    hours = sorted({hour for _, hour in was} | {hour for _, hour in now})
    rows = [
        _row(f"{hour:02d}:00", *([c for (_, h), c in side.items() if h == hour] for side in (was, now)))
        for hour in hours
    ]
    return Section("By hour of the day", [], _table("hour", rows))


def _by_day(was: Cells, now: Cells) -> Section:
    rows = [
        _row(when(day * DAY_H * HOUR_S)[:10], *([c for (d, _), c in side.items() if d == day] for side in (was, now)))
        for day in sorted({day for day, _ in was} | {day for day, _ in now})
    ]
    return Section("By day", [], _table("day", rows))


def _limits() -> Section:
    said = [
        "Delay is the queue that the loops tell of, by the vehicles that came (Little's law): whoever queues beyond "
        "the "
        "furthest loop is estimated, whoever no loop sees is missing, and slowing down without queueing is not in it.",
        "Nothing but the hour of the day is matched. Weather, holidays and works on the way are for whoever chose the "
        "days to know; days before and after in turn are better than two blocks.",
    ]
    return Section("What this cannot tell", said)
