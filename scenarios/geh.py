"""How well a demand fits its counts: GEH by place and interval."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from scenarios.candidates import Route, places_of
from scenarios.counts import Count

GOOD_GEH = 5.0
WANTED_SHARE = 0.85  # of all counts below 5: the usual criterion (FHWA Traffic Analysis Toolbox III, 2004, table 4)


def geh(counted_veh_per_h: float, modelled_veh_per_h: float) -> float:
    """Geoffrey E. Havers' statistic of two hourly volumes."""
    total = counted_veh_per_h + modelled_veh_per_h
    return sqrt(2.0 * (modelled_veh_per_h - counted_veh_per_h) ** 2 / total) if total > 0 else 0.0


@dataclass(frozen=True)
class Fit:
    """One count and the vehicles of the demand that depart in its interval and pass its place."""

    count: Count
    modelled: int

    @property
    def per_hour(self) -> tuple[float, float]:
        """Counted and modelled vehicles per hour."""
        hours = (self.count.end_s - self.count.begin_s) / 3600.0
        return self.count.vehicles / hours, self.modelled / hours

    @property
    def geh(self) -> float:
        """GEH of the hourly volumes."""
        return geh(*self.per_hour)


def fit(counts: Sequence[Count], departures: Iterable[tuple[float, Route]]) -> list[Fit]:
    """Each count beside what the departures of its interval make of it."""
    intervals = sorted({(count.begin_s, count.end_s) for count in counts})
    passing: Counter[tuple[float, Route]] = Counter()
    for depart_s, route in departures:
        begins = [begin_s for begin_s, end_s in intervals if begin_s <= depart_s < end_s]
        passing.update((begin_s, place) for begin_s in begins for place in places_of(route))
    return [Fit(count, passing[count.begin_s, count.edges]) for count in counts]


def good_share(fits: Sequence[Fit]) -> float:
    """Share of counts with a GEH below 5."""
    return sum(one.geh < GOOD_GEH for one in fits) / len(fits)


def fits_csv(fits: Sequence[Fit]) -> str:
    """One row a count, with its interval in seconds."""
    lines = ["begin_s,end_s,from,to,counted_veh,modelled_veh,geh"]
    for one in fits:
        start, end = (*one.count.edges, "")[:2]
        interval = f"{one.count.begin_s:g},{one.count.end_s:g}"
        lines.append(f"{interval},{start},{end},{one.count.vehicles},{one.modelled},{one.geh:.2f}")
    return "\n".join([*lines, ""])
