"""Which detectors of a file can be believed, and every reason why not.

Offline rules: flat for five hours and impossible headways after the practice of state agencies, presence and absence
after the controller's own diagnostics (NTCIP 1202), counts by the neighbours. Each names the time it is about.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from reports.detectors.collect import Group
from reports.detectors.neighbours import Shift, expected, related, shift
from signals.detectors import MAXIMUM_PRESENCE_S
from signals.values import Floats

NO_ACTIVITY_S, BUSY_VEH = 1800.0, 60.0
STUCK_OFF_S, STUCK_OFF_PERIODS, STUCK_OFF_VEH = 900.0, 2, 30.0
FLAT_S, FLAT_PERIODS, COVERED = 5 * 3600.0, 12, 0.99
BURSTS, LOST_SUSPECT, FAULTY_DISTRUSTED, MOST = 3, 0.05, 0.05, 0.8
GREENS_UNDER_COVER = 3
SILENT = "silent"
DISTRUSTED = ("stuck on", "stuck off", SILENT, "chatter", "flat", "over-counting", "under-counting", "reported faults")
SUSPECT = ("lost edges", "gap", "count changed")
VERDICTS = ("distrusted", "suspect", "repaired", "good")


@dataclass(frozen=True)
class Reason:
    """One kind of fault, in words, and when."""

    kind: str
    words: str
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Health:
    detector: str
    reasons: tuple[Reason, ...]
    neighbours: tuple[str, ...]

    @classmethod
    def silent(cls, detector: str, begin_s: float, end_s: float) -> "Health":
        """One that ought to be there and is in no row."""
        return cls(detector, (Reason(SILENT, "is in no row of the file", begin_s, end_s),), ())

    @property
    def verdict(self) -> str:
        kinds = {reason.kind for reason in self.reasons}
        if kinds & set(DISTRUSTED):
            return "distrusted"
        if kinds & set(SUSPECT):
            return "suspect"
        return "repaired" if kinds else "good"


GreensBetween = Callable[[str, float, float], int | None]


def diagnose(group: Group, greens: GreensBetween = lambda *_: None) -> list[Health]:
    """Every detector of a group; `greens` says how often a detector's phase turned green in a time, where known."""
    close = related(group.volume_veh)
    subjects = [_Subject(group, place, near, greens) for place, near in enumerate(close)]
    reasons = [_own_reasons(subject) for subject in subjects]
    for place, reason in _miscounts(group, close, reasons):
        reasons[place].append(reason)
    return [
        Health(subject.name, tuple(found), subject.neighbours) for subject, found in zip(subjects, reasons, strict=True)
    ]


class _Subject:
    """One detector against its group."""

    def __init__(self, group: Group, place: int, near: np.ndarray, greens: GreensBetween) -> None:
        self.group, self.name, self.greens = group, group.names[place], greens
        self.volume, self.occupancy = group.volume_veh[:, place], group.occupancy[:, place]
        self.faulty, self.edges = group.faulty[:, place], group.edges.get(group.names[place])
        self.others = np.delete(group.volume_veh, place, axis=1)
        self.neighbours = tuple(group.names[each] for each in near) if len(near) >= 2 else ()
        self.reference = expected(group.volume_veh, place, near)

    def reason(self, kind: str, words: str, first: int, last: int) -> Reason:
        begin_s = self.group.begin_s
        return Reason(kind, words, float(begin_s[first]), float(begin_s[last - 1] + self.group.period_s))

    def meant(self, inside: np.ndarray) -> float:
        """Vehicles expected inside, by the share that the detector has outside."""
        known = ~inside & np.isfinite(self.volume) & np.isfinite(self.reference)
        base = self.reference[known].sum()
        share = self.volume[known].sum() / base if base > 0 else 0.0
        return float(share * np.nansum(self.reference[inside]))


def _own_reasons(subject: _Subject) -> list[Reason]:
    """All but miscounts, which are judged together."""
    if not np.nansum(subject.volume) and not subject.faulty.any():
        whole = subject.reason(SILENT, "saw no vehicle in the whole file", 0, len(subject.volume))
        return list(_stuck_on(subject)) or [whole]
    stuck = [*_stuck_on(subject), *_stuck_off(subject), *_missing(subject)]
    return [*stuck, *_chatter(subject), *_flat(subject), *_reported(subject), *_lost(subject)]


def runs(mask: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and one after the last place of each unbroken run."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    yield from ((int(first), int(last)) for first, last in zip(steps[::2], steps[1::2], strict=True))


def _stuck_on(subject: _Subject) -> Iterator[Reason]:
    """Covered longer than any queue stands, while traffic moved: its own greens came, or others counted."""
    if subject.edges is not None:
        for begin, end in zip(subject.edges.begin_s, subject.edges.end_s, strict=True):
            if end - begin >= MAXIMUM_PRESENCE_S and _moved(subject, float(begin), float(end)):
                yield Reason(
                    "stuck on", f"covered for {_minutes(end - begin)} without a break", float(begin), float(end)
                )
        return
    calm = subject.volume * 3600.0 / subject.group.period_s <= BUSY_VEH
    for first, last in runs((subject.occupancy >= COVERED) & calm):
        lasted_s = (last - first) * subject.group.period_s
        if lasted_s >= MAXIMUM_PRESENCE_S:
            yield subject.reason(
                "stuck on", f"occupancy 100 % for {_minutes(lasted_s)}, and nobody counted", first, last
            )


def _moved(subject: _Subject, begin: float, end: float) -> bool:
    greens = subject.greens(subject.name, begin, end)
    if greens is not None:
        return greens >= GREENS_UNDER_COVER
    within = (subject.group.begin_s >= begin) & (subject.group.begin_s < end)
    return float(np.nansum(subject.others[within])) >= BUSY_VEH


def _stuck_off(subject: _Subject) -> Iterator[Reason]:
    period_s, end = subject.group.period_s, len(subject.volume)
    covered = np.nan_to_num(subject.occupancy) >= COVERED
    for first, last in runs((subject.volume == 0) & ~covered):
        inside = np.zeros(end, bool)
        inside[first:last] = True
        meant = subject.meant(inside)
        long = last - first >= STUCK_OFF_PERIODS and (last - first) * period_s >= STUCK_OFF_S
        if long and meant >= STUCK_OFF_VEH:
            to_the_end = last == end
            words = f"nothing {'from then on' if to_the_end else 'for ' + _minutes((last - first) * period_s)}"
            expectation = f"{words}, where about {meant:.0f} vehicles were to be expected"
            yield subject.reason(SILENT if to_the_end else "stuck off", expectation, first, last)


def _missing(subject: _Subject) -> Iterator[Reason]:
    """Rows that are missing while most others have theirs; what all miss is the log's gap, not the detector's."""
    missing = np.isnan(subject.volume) & ~subject.faulty
    others = np.isfinite(subject.others)
    alone = missing & (others.mean(axis=1) >= 1 - MOST) if others.shape[1] else missing
    for first, last in runs(alone):
        lasted_s = (last - first) * subject.group.period_s
        if last == len(missing) and lasted_s >= NO_ACTIVITY_S:
            yield subject.reason(SILENT, "no rows from then on, while others have theirs", first, last)
        elif lasted_s >= NO_ACTIVITY_S:
            yield subject.reason("gap", f"no rows for {_minutes(lasted_s)}, while others have theirs", first, last)


def _chatter(subject: _Subject) -> Iterator[Reason]:
    if subject.edges is not None:
        times = subject.edges.chatter_s()
        if len(times) >= BURSTS:
            words = f"{len(times)} times four actuations and more within two seconds"
            yield Reason("chatter", words, float(times[0]), float(times[-1]))


def _flat(subject: _Subject) -> Iterator[Reason]:
    """The very same count, not zero, for hours: a value that is repeated, not measured."""
    volume = subject.volume
    same = np.append(False, (np.diff(volume) == 0) & (volume[1:] > 0))
    for first, last in runs(same):
        periods = last - first + 1
        if periods >= FLAT_PERIODS and periods * subject.group.period_s >= FLAT_S:
            words = f"{volume[first]:g} vehicles in each of {periods} periods in a row"
            yield subject.reason("flat", words, first - 1, last)


def _reported(subject: _Subject) -> Iterator[Reason]:
    faulty = np.flatnonzero(subject.faulty)
    known = max(1, int((np.isfinite(subject.volume) | subject.faulty).sum()))
    if len(faulty) / known > FAULTY_DISTRUSTED:
        words = f"faulty or marked as such in {len(faulty):,} of {known:,} periods"
        yield subject.reason("reported faults", words, int(faulty[0]), int(faulty[-1]) + 1)
    elif len(faulty):
        words = f"{len(faulty):,} of {known:,} periods faulty, left out"
        yield subject.reason("some faults", words, int(faulty[0]), int(faulty[-1]) + 1)


def _lost(subject: _Subject) -> Iterator[Reason]:
    edges = subject.edges
    if edges is not None and edges.lost_ons + edges.lost_offs:
        kind = "lost edges" if edges.lost_share >= LOST_SUSPECT else "some lost edges"
        words = f"{edges.lost_ons} on and {edges.lost_offs} off events lost and put back ({edges.lost_share:.1%})"
        yield subject.reason(kind, words.replace("%", " %"), 0, len(subject.volume))


def _miscounts(group: Group, close: list[np.ndarray], known: list[list[Reason]]) -> Iterator[tuple[int, Reason]]:
    """One after the other, the most telling first, and each left out before the next: its neighbours are not to blame.

    What other rules explain is left out from the start, so that one fault has one name.
    """
    volume = group.volume_veh.copy()
    for place, reasons in enumerate(known):
        volume[_during(reasons, DISTRUSTED, group.begin_s, group.period_s), place] = np.nan
    suspects = list(range(len(close)))
    while suspects:
        found = {place: _shift(group, volume, place, close[place]) for place in suspects}
        clear = {place: each for place, each in found.items() if each is not None}
        if not clear:
            return
        worst = max(clear, key=lambda place: clear[place].gain)
        yield worst, _miscount(group, worst, close[worst], clear[worst])
        volume[clear[worst].first : clear[worst].last, worst] = np.nan
        suspects = [place for place in clear if place != worst]


def _shift(group: Group, volume_veh: Floats, place: int, near: np.ndarray) -> Shift | None:
    return shift(volume_veh[:, place], expected(volume_veh, place, near), group.period_s, group.begin_s)


def _miscount(group: Group, place: int, near: np.ndarray, found: Shift) -> Reason:
    change = f"{found.ratio - 1:+.0%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")
    begin_s, end_s = float(group.begin_s[found.first]), float(group.begin_s[found.last - 1] + group.period_s)
    if len(near) >= 2:
        kind = "over-counting" if found.ratio > 1 else "under-counting"
        beside = ", ".join(group.names[each] for each in near)
        return Reason(kind, f"{change} against detectors {beside}, compared with the rest of the file", begin_s, end_s)
    words = f"{change} against all others, compared with the rest of the file: itself, or traffic that no other sees"
    return Reason("count changed", words, begin_s, end_s)


def _minutes(seconds: float) -> str:
    return f"{seconds / 3600.0:.1f} h" if seconds >= 7200.0 else f"{seconds / 60.0:.0f} min"


def state_of(health: Health, begin_s: Floats, period_s: float, kinds: tuple[str, ...] = DISTRUSTED) -> np.ndarray:
    """Per period whether the detector is distrusted then, or has another of these kinds of faults."""
    return _during(list(health.reasons), kinds, begin_s, period_s)


def _during(reasons: list[Reason], kinds: tuple[str, ...], begin_s: Floats, period_s: float) -> np.ndarray:
    bad = np.zeros(len(begin_s), bool)
    for reason in reasons:
        if reason.kind in kinds:
            bad |= (begin_s + period_s > reason.begin_s) & (begin_s < reason.end_s)
    return bad
