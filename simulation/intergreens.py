"""Intergreen times by pairs of heads, as the plan shows them, and the interstages that they make longer.

A phase's yellow change and red clearance are the least that the plan shows, so that the plan itself keeps them. Whoever
has a long way through the junction needs more before those begin whom he meets last, and the plan gives that pair more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

from signals.intersection import Aspect, Intersection, Interstage, Interval, Stage
from signals.sequencer import GREENS, intervals_between
from simulation.programs import Row
from simulation.sheets import is_stage

Pair = tuple[int, int]


def intergreens_s(rows: Sequence[Row], links: Sequence[int], prohibited: Sequence[Pair]) -> dict[Pair, float]:
    """The shortest time from the end of one head's green to the beginning of another's, where this begins no later
    than the stage that follows; heads by their place in `links`.
    """
    found: dict[Pair, float] = {}
    ends: dict[int, list[int]] = {}
    for a, b in prohibited:
        for end in ends.setdefault(a, _ends(rows, links[a])):
            begin = _begin(rows, end, links[b])
            if begin is not None:
                time_s = sum(rows[m % len(rows)].duration_s for m in range(end + 1, begin))
                found[a, b] = min(time_s, found.get((a, b), time_s))
    return found


def _ends(rows: Sequence[Row], link: int) -> list[int]:
    return [k for k, row in enumerate(rows) if link in row.greens and link not in rows[(k + 1) % len(rows)].greens]


def _begin(rows: Sequence[Row], end: int, link: int) -> int | None:
    """The row in which a link turns green, if that is one up to the next stage."""
    for m in range(end + 1, end + len(rows)):
        if link in rows[m % len(rows)].greens:
            return m
        if is_stage(rows, m % len(rows)):
            return None
    return None


def lengthened(intersection: Intersection, shown_s: Mapping[Pair, float]) -> list[tuple[Interstage, str]]:
    """The ways between stages that the sheet has no interstage for, where the derived one is shorter than a pair of
    heads has in the plan; each with the clause that says so. A pair that the plan never shows has the longest that it
    gives to the head that ends.
    """
    longest_s: dict[int, float] = {}
    for (ending, _), time_s in shown_s.items():
        longest_s[ending] = max(time_s, longest_s.get(ending, 0.0))
    own = {(i.start, i.end) for i in intersection.interstages}
    prohibited, found = prohibited_pairs(intersection), []
    for start, end in permutations(intersection.stages, 2):
        pairs = [] if (start.name, end.name) in own else _changing(intersection, start, end, prohibited)
        needed_s = {pair: shown_s.get(pair, longest_s.get(pair[0], 0.0)) for pair in pairs}
        intervals = intervals_between(intersection, start, end)
        missing_s = max(needed_s.values(), default=0.0) - sum(i.duration_s for i in intervals)
        if missing_s > 0:
            pair = max(pairs, key=needed_s.__getitem__)
            way = Interstage(start=start.name, end=end.name, intervals=_longer(intervals, missing_s))
            found.append((way, _source(intersection, pair, needed_s[pair], pair in shown_s)))
    return found


def _changing(intersection: Intersection, start: Stage, end: Stage, pairs: Sequence[Pair]) -> list[Pair]:
    """Those of which the first loses its green and the second gains it."""
    before, after = intersection.stage_aspects(start), intersection.stage_aspects(end)
    ends = {k for k, (a, b) in enumerate(zip(before, after, strict=True)) if a in GREENS and b not in GREENS}
    begins = {k for k, (a, b) in enumerate(zip(before, after, strict=True)) if a not in GREENS and b in GREENS}
    return [(a, b) for a, b in pairs if a in ends and b in begins]


def _source(intersection: Intersection, pair: Pair, time_s: float, shown: bool) -> str:
    first, second = (intersection.signal_groups[k].id for k in pair)
    if shown:
        return f"plan: {time_s:g} s from the green of group {first} to that of group {second}"
    return f"plan: {time_s:g} s from the green of group {first}, its longest; none is shown to group {second}"


def prohibited_pairs(intersection: Intersection) -> list[Pair]:
    """Heads that no stage has green together, both ways."""
    place = {g.id: k for k, g in enumerate(intersection.signal_groups)}
    pairs = [(place[c.first], place[c.second]) for c in intersection.conflicts if not c.yielding_in]
    return [*pairs, *((b, a) for a, b in pairs)]


def _longer(intervals: tuple[Interval, ...], missing_s: float) -> tuple[Interval, ...]:
    """With a clearance behind the last interval, in which who has ended is red and nobody has begun."""
    red = tuple(Aspect.RED if aspect == Aspect.YELLOW else aspect for aspect in intervals[-1].aspects)
    if red == intervals[-1].aspects:
        *intervals_before, last = intervals
        return (*intervals_before, Interval(duration_s=last.duration_s + missing_s, aspects=red))
    return (*intervals, Interval(duration_s=missing_s, aspects=red))
