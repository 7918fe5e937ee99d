"""How a demand fits its counts, as text."""

from collections import defaultdict
from collections.abc import Sequence

from reports.plain_text import columns, facts
from reports.wording import count
from scenarios.from_counts import CountedDemand
from scenarios.geh import GOOD_GEH, WANTED_SHARE, Fit, good_share

WORST_SHOWN = 5


def fit_report(made: CountedDemand) -> str:
    """GEH over all counts, by interval, and the worst of them by name."""
    sampled, fits = made.sampled, made.sampled.fits
    share, vehicles = good_share(fits), len(sampled.departures)
    verdict = "" if share >= WANTED_SHARE else f"; {WANTED_SHARE:.0%} are usually asked for"
    head = [
        ("routes", f"{made.route_file}: {count(vehicles, 'vehicle')}"),
        ("inside", f"{sampled.local / vehicles:.1%} of them begin or end inside, where counts do not balance"),
        ("GEH", f"below {GOOD_GEH:g} at {share:.1%} of {count(len(fits), 'count')}{verdict}; all in {made.fit_file}"),
    ]
    return "\n".join([*facts(head), "", *_by_interval(fits), *_worst(fits)])


def _by_interval(fits: Sequence[Fit]) -> list[str]:
    intervals: dict[float, list[Fit]] = defaultdict(list)
    for one in fits:
        intervals[one.count.begin_s].append(one)
    rows = [
        (
            f"{_clock(begin_s)} to {_clock(found[0].count.end_s)}",
            str(len(found)),
            str(sum(one.count.vehicles for one in found)),
            str(sum(one.modelled for one in found)),
            f"{good_share(found):.1%}",
            f"{max(one.geh for one in found):.1f}",
        )
        for begin_s, found in sorted(intervals.items())
    ]
    headers = ("interval", ">counts", ">counted_veh", ">routed_veh", f">GEH < {GOOD_GEH:g}", ">largest GEH")
    return columns(headers, rows, indent="")


def _worst(fits: Sequence[Fit]) -> list[str]:
    worst = [one for one in sorted(fits, key=lambda one: -one.geh)[:WORST_SHOWN] if one.modelled != one.count.vehicles]
    rows = [
        (one.count.place, _clock(one.count.begin_s), *(f"{volume:.0f}" for volume in one.per_hour), f"{one.geh:.1f}")
        for one in worst
    ]
    headers = ("worst", ">from", ">counted_veh_per_h", ">routed_veh_per_h", ">GEH")
    return ["", *columns(headers, rows, indent="")] if rows else []


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")
