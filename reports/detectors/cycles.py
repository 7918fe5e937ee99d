"""What a log of events says of each phase and cycle: greens, volume, queue served, degree of saturation.

A lane's queue is counted as it leaves: actuations from the start of green until the stop-line loop stays empty for
three seconds (five before the first, who has to start). Where green ends before that, and not by gap-out, the queue
is at least that, and the cycle counts as not cleared. The degree of saturation is SCATS': (GT − S + n·SMF) / GT, with
GT the green, S the time in it in which the loop was empty, n the spaces, and SMF the space at maximum flow, here the
median space behind the fourth queued vehicle and later (Austroads AGTM09). A phase's is that of its fullest lane.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from reports.detectors.collect import Collection
from reports.detectors.edges import Edges
from reports.detectors.sites import Places
from signals.values import Floats

GREEN, GREEN_ENDS = 1, (7, 8, 9, 10, 11, 12)
TERMINATIONS = {4: "gap-out", 5: "max-out", 6: "force-off"}
PHASE_CODES = (GREEN, *TERMINATIONS, *GREEN_ENDS)
QUEUE_GAP_S, FIRST_GAP_S, SETTLED = 3.0, 5.0, 4
SPACES_NEEDED, ASSUMED_SPACE_S, TERMINATION_S = 20, 1.0, 0.5
COLUMNS = (
    "device", "phase", "begin_s", "green_s", "cycle_s", "ended_by", "volume_veh", "queue_veh", "cleared",
    "degree_of_saturation",
)  # fmt: skip


@dataclass(frozen=True)
class Green:
    begin_s: float
    end_s: float
    ended_by: str


@dataclass(frozen=True)
class Phase:
    """One phase's greens in order, how many ends were missing, and the loops at its stop line."""

    device: str
    number: int
    greens: tuple[Green, ...]
    lost_ends: int
    lanes: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"phase {self.number}"


def phases(collection: Collection, places: Places) -> list[Phase]:
    """Every phase that shows a green; counting loops before presence loops where it has both."""
    if collection.kind != "events":
        return []
    found = []
    for device in collection.devices:
        for number, events in collection.events(device, PHASE_CODES).groupby("parameter"):
            greens, lost = _greens(events)
            if greens:
                found.append(Phase(device, int(str(number)), greens, lost, _lanes(places, int(str(number)))))
    return found


def _lanes(places: Places, phase: int) -> tuple[str, ...]:
    for function in ("count", "stop_line"):
        lanes = tuple(name for name, place in places.items() if place == type(place)(phase, function))
        if lanes:
            return lanes
    return ()


def _greens(events: pd.DataFrame) -> tuple[tuple[Green, ...], int]:
    """From each begin of green to the first sign of its end; one without such a sign is left out and counted."""
    times, codes = events["time_s"].to_numpy(dtype=float), events["code"].to_numpy()
    starts = np.flatnonzero(codes == GREEN)
    greens, lost = [], 0
    for start, following in pairwise([*starts, len(codes)]):
        ends = np.flatnonzero(np.isin(codes[start:following], GREEN_ENDS))
        if len(ends):
            end_s = float(times[start + ends[0]])
            signs = codes[start:following][times[start:following] <= end_s + TERMINATION_S]
            ended_by = next((word for code, word in TERMINATIONS.items() if code in signs), "")
            greens.append(Green(float(times[start]), end_s, ended_by))
        else:
            lost += following < len(codes)
    return tuple(greens), lost


def cycles(phase: Phase, edges: dict[str, Edges]) -> pd.DataFrame:
    """A row a cycle, from the start of green to the next; the last, unfinished one is left out."""
    lanes = [edges[name] for name in phase.lanes if name in edges]
    spaces_s = [_space_at_maximum_flow_s(lane, phase.greens) for lane in lanes]
    rows = []
    for green, following in pairwise(phase.greens):
        queues = [queue_served(lane, green) for lane in lanes]
        saturations = [_saturation(lane, space_s, green) for lane, space_s in zip(lanes, spaces_s, strict=True)]
        volume = sum(_between(lane.begin_s, green.begin_s, following.begin_s) for lane in lanes)
        volume_veh, queue_veh = (float(volume), float(sum(n for n, _ in queues))) if lanes else (np.nan, np.nan)
        cleared = green.ended_by == "gap-out" or all(ran_out for _, ran_out in queues)
        times = (green.begin_s, green.end_s - green.begin_s, following.begin_s - green.begin_s, green.ended_by)
        measures = (volume_veh, queue_veh, cleared, max(saturations, default=np.nan))
        rows.append((phase.device, phase.number, *times, *measures))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _between(times: Floats, begin_s: float, end_s: float) -> int:
    return int(np.searchsorted(times, end_s) - np.searchsorted(times, begin_s))


def _discharging(lane: Edges, green: Green) -> tuple[int, int, bool]:
    """Places of the first queued actuation and of the one after the last, and whether the queue ran out."""
    first = int(np.searchsorted(lane.end_s, green.begin_s, "right"))
    place, gap_s, empty_since_s = first, FIRST_GAP_S, green.begin_s
    while place < len(lane.begin_s) and lane.begin_s[place] < green.end_s:
        if lane.begin_s[place] - empty_since_s > gap_s:
            return first, place, True
        empty_since_s, gap_s, place = max(float(lane.end_s[place]), green.begin_s), QUEUE_GAP_S, place + 1
    return first, place, green.end_s - empty_since_s > gap_s


def queue_served(lane: Edges, green: Green) -> tuple[int, bool]:
    """Vehicles that left from a standing queue, and whether it cleared."""
    first, after, cleared = _discharging(lane, green)
    return after - first, cleared


def _space_at_maximum_flow_s(lane: Edges, greens: tuple[Green, ...]) -> float:
    """Median space behind the fourth vehicle of a queue and later; an assumption where too few were seen."""
    spaces = [space for green in greens for space in _spaces(lane, green)]
    return float(np.median(spaces)) if len(spaces) >= SPACES_NEEDED else ASSUMED_SPACE_S


def _spaces(lane: Edges, green: Green) -> Iterator[float]:
    first, after, _ = _discharging(lane, green)
    settled = np.arange(first + SETTLED, after)
    yield from lane.begin_s[settled] - lane.end_s[settled - 1]


def _saturation(lane: Edges, space_s: float, green: Green) -> float:
    green_s = green.end_s - green.begin_s
    if green_s <= 0:
        return np.nan
    covered_s = float(np.diff(lane.covered_s(np.array([green.begin_s, green.end_s])))[0])
    return (covered_s + _between(lane.begin_s, green.begin_s, green.end_s) * space_s) / green_s
