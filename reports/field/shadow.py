"""The shadow report: what a controller would have done beside a cabinet, in sentences that say what they rest on."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from statistics import median

from matplotlib.axes import Axes

from reports.field.document import Document, Section, Table
from reports.field.logs import SiteLog
from reports.field.watched import ABOUT_S, HOUR_S, Watched
from reports.svg import draw
from reports.wording import count

MOST_ROWS = 12
MOST_EVENTS = 40
LEAST_HOURS = 3
"""For a chart; of less the table says it all."""
CANNOT_KNOW = (
    "What it cannot know: nobody drove under these greens. The model's queues stand on a point and never spill back, "
    "turn off into another lane or street, or scare anybody away; pedestrians and whoever no loop sees are not in it; "
    "arrivals are taken as they were, though other greens upstream or here would have changed them. It is a reason to "
    "try, not a result: that is what the study of before and after is for."
)


def document(log: SiteLog, found: Watched, audit: str, files: str) -> Document:
    """The whole report. audit: what the check of the audit log says; files: where the records are."""
    header = log.header
    junctions = ", ".join(i.id for i in header.intersections)
    subtitle = f"{header.controller.name} beside {junctions} · {when(found.begin_s)} to {when(found.end_s)} · {files}"
    return Document(
        f"Shadow report: {header.street}",
        subtitle,
        headline(found),
        (
            _watched(found, log),
            _agreement(found),
            _benefit(found),
            _refusals(found),
            _detectors(found, log),
            _events(log, audit),
        ),
    )


def when(time_s: float) -> str:
    """The street's local time, or seconds where it is a simulation's."""
    if not abs(time_s) < 1e11:
        return "never"
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S}" if time_s > 1e9 else f"{time_s:g} s"


def span(seconds: float) -> str:
    """Hours, or minutes where there is no hour."""
    return f"{seconds / HOUR_S:.1f} h" if seconds >= HOUR_S else f"{seconds / 60:.0f} min"


def share(part: float, whole: float) -> str:
    """In per cent, or that there is nothing to tell."""
    return f"{100 * part / whole:.1f} %" if whole > 0 else "–"


def headline(found: Watched) -> str:
    """The answer in a sentence or two."""
    if not found.ticks:
        return "Nothing was recorded."
    agreed = share(found.agreed_s, found.compared_s) if found.compared_s else "none"
    said = f"In {span(found.watched_s)} of watching the controller wished for the stage that stood {agreed} of the time"
    shown, would = totals(found)
    if found.no_model or shown <= 0:
        return f"{said}. What that would have been worth is not estimated: {found.no_model or 'nobody waited'}."
    change = 100 * (would / shown - 1)
    return (
        f"{said}. In a model of the queues, with the arrivals that were measured, it would have changed the time that "
        f"vehicles wait at the stop lines by {change:+.0f} % ({per_vehicle(found)}); what that model leaves out is "
        "below."
    )


def totals(found: Watched) -> tuple[float, float]:
    """Vehicle seconds in the model: as shown, and as it would have been."""
    hours = found.hours.values()
    return sum(h.shown_veh_s for h in hours), sum(h.would_veh_s for h in hours)


def per_vehicle(found: Watched) -> str:
    shown, would = totals(found)
    came = sum(h.came_veh for h in found.hours.values())
    return f"{shown / came:.1f} to {would / came:.1f} s a vehicle, {came:.0f} vehicles" if came else "no vehicle came"


def _watched(found: Watched, log: SiteLog) -> Section:
    span_s = max(found.end_s - found.begin_s, 0.0) if found.ticks else 0.0
    rows = [
        (
            "watched",
            f"{found.watched_s / HOUR_S:.2f} h, {share(found.watched_s, span_s)} of the time from first to last",
        ),
        ("ticks", str(found.ticks)),
        ("wishes for a stage while one stood", str(found.wishes)),
        ("commands in force", f"{found.in_force_s / HOUR_S:.2f} h"),
        ("vehicles that came, as estimated", f"{sum(h.came_veh for h in found.hours.values()):.0f}"),
    ]
    said = [f"A record log is damaged: {each}" for each in log.broken]
    if found.in_force_s:
        said.append("For part of the time commands were in force: there, agreement is no news.")
    return Section("What was watched", said, Table(("", ">value"), rows))


def _agreement(found: Watched) -> Section:
    changes = found.changes
    earlier = len(changes.earlier_s)
    all_of = earlier + changes.same + changes.later
    said = [
        f"While a stage stood, the controller wished for that stage {share(found.agreed_s, found.compared_s)} of the "
        "time "
        f"({found.agreed_s / HOUR_S:.2f} of {found.compared_s / HOUR_S:.2f} h)."
    ]
    if all_of:
        by = f", by {median(changes.earlier_s):.0f} s in the median" if earlier else ""
        said.append(
            f"Of {count(all_of, 'green')} that the cabinet ended, the controller would have ended {earlier} "
            f"earlier{by}, "
            f"{changes.same} at about the same time (within {ABOUT_S:g} s), and {changes.later} not yet."
        )
    rows = [
        *(("earlier", why, str(n)) for why, n in changes.earlier_why.most_common(MOST_ROWS)),
        *(("not yet", why, str(n)) for why, n in changes.later_why.most_common(MOST_ROWS)),
    ]
    return Section("Where it agrees with the cabinet", said, Table(("would have ended it", "because", ">greens"), rows))


def _benefit(found: Watched) -> Section:
    shown, would = totals(found)
    estimated = sum(h.estimated_veh_s for h in found.hours.values())
    if found.no_model:
        return Section("What it might be worth", [f"Not estimated: {found.no_model}."])
    said = [
        f"Model: {shown / HOUR_S:.1f} vehicle hours waited at the stop lines under what was shown, "
        f"{would / HOUR_S:.1f} under "
        f"what the controller would have shown ({per_vehicle(found)}).",
        f"How good the model is: under what was shown, the estimator put the queues at {estimated / HOUR_S:.1f} "
        "vehicle "
        f"hours from the loops, {ratio(shown, estimated)} as many as the model. The further that is from 1, the less "
        "the "
        "change is worth.",
        "Assumptions: every vehicle that the loops tell of arrives when it did, drives freely to the stop line, and "
        "leaves a "
        "green at the saturation flow of its lanes; the controller sees loops made from these queues, its "
        "wishes "
        "go through the interlock, and clearances take their time.",
        CANNOT_KNOW,
    ]
    rows = [
        (
            when(hour * HOUR_S),
            f"{h.watched_s / 60:.0f}",
            f"{h.came_veh:.0f}",
            f"{h.shown_veh_s / HOUR_S:.2f}",
            f"{h.would_veh_s / HOUR_S:.2f}",
            f"{100 * (h.would_veh_s / h.shown_veh_s - 1):+.0f}" if h.shown_veh_s else "–",
        )
        for hour, h in sorted(found.hours.items())
    ]
    headers = ("hour", ">watched, min", ">vehicles", ">shown, veh·h", ">would, veh·h", ">change, %")
    return Section("What it might be worth", said, Table(headers, rows), _chart(found))


def ratio(first: float, second: float) -> str:
    """The second as a multiple of the first."""
    return f"{second / first:.2f} times" if first > 0 else "an unknown number of times"


def _chart(found: Watched) -> str:
    hours = sorted(found.hours.items())
    if len(hours) < LEAST_HOURS:
        return ""
    first = hours[0][0] if hours else 0

    def plot(axes: Axes) -> None:
        at = [hour - first for hour, _ in hours]
        watched = [max(h.watched_s, 1.0) for _, h in hours]
        axes.step(
            at, [h.shown_veh_s / w for (_, h), w in zip(hours, watched, strict=True)], where="mid", label="as shown"
        )
        axes.step(
            at,
            [h.would_veh_s / w for (_, h), w in zip(hours, watched, strict=True)],
            where="mid",
            label="under the controller",
            linestyle="--",
        )
        axes.set_xlabel("hours since the beginning")
        axes.set_ylabel("vehicles waiting, mean of the hour")
        axes.set_ylim(bottom=0)
        axes.legend()

    return draw(
        "waiting", "Vehicles waiting in the model, hour by hour, as shown and under the controller", 640, 240, plot
    )


def _refusals(found: Watched) -> Section:
    rows = [(reason, str(n), share(n, found.ticks)) for reason, n in found.refusals.most_common(MOST_ROWS)]
    said = ["The interlock refused nothing."] if not rows else []
    return Section("What the interlock refused", said, Table(("reason", ">ticks", ">of all"), rows))


def _detectors(found: Watched, log: SiteLog) -> Section:
    rows = []
    for loop, (_, name) in enumerate(log.layout.loops):
        why = found.disbelieved.get(loop, Counter())
        rows.append(
            (
                name,
                share(found.believed_s[loop], found.watched_s),
                share(found.healthy_s[loop], found.watched_s),
                f"{found.loop_veh[loop]:.0f}",
                why.most_common(1)[0][0] if why else "",
            )
        )
    rows.sort(key=lambda row: (not row[4], row[0]))
    doubted = sum(bool(row[4]) for row in rows)
    said = [f"{doubted} of {count(len(rows), 'loop')} could not be believed for some of the time, the first below."]
    headers = ("loop", ">believed", ">no fault reported", ">vehicles", "why not, mostly")
    return Section("Detectors", said, Table(headers, rows))


def _events(log: SiteLog, audit: str) -> Section:
    rows = [(when(event.time_s), event.state or event.event, event.why) for event in log.events]
    said = [audit] if audit else []
    if len(rows) > MOST_EVENTS:
        said.append(f"The last {MOST_EVENTS} of {len(rows)}; all are in the audit log.")
    return Section("States and faults", said, Table(("time", "state", "why"), rows[-MOST_EVENTS:]))
