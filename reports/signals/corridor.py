"""A chain of controlled junctions along which vehicles drive on, and where along it each vehicle was.

The chain comes from the paths themselves: from each approach, by the through movement, to the approach that most of
its vehicles came to next; of all chains the one with most junctions, then with most vehicles.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from experiments.store import one_line
from signals.errors import ConfigError
from simulation.paths import lamps_of

LEAST_FLOW, LEAST_JUNCTIONS = 5, 2
Way = tuple[str, ...]
"""Edges from one approach to the next, both included."""


@dataclass(frozen=True)
class Recorded:
    """Paths and lamps as `simulation.paths` keeps them; `edge` is that of the lane."""

    paths: pd.DataFrame
    lamps: pd.DataFrame

    @cached_property
    def routes(self) -> list[Way]:
        """The edges of each vehicle in order, without those inside junctions."""
        own = self.paths[~self.paths["inside"]]
        changed = (own["vehicle"] != own["vehicle"].shift()) | (own["edge"] != own["edge"].shift())
        return [tuple(edges) for _, edges in own[changed].groupby("vehicle", sort=False)["edge"]]

    @cached_property
    def junction_of(self) -> dict[str, str]:
        """The junction at the end of each controlled approach."""
        return dict(zip(self.lamps["approach"], self.lamps["junction"], strict=True))


def read_recorded(paths: Path) -> Recorded:
    with one_line(paths), duckdb.connect() as database:
        found = database.read_parquet(str(paths)).df()
        lamps = database.read_parquet(str(lamps_of(paths))).df()
    found["edge"] = found["lane"].str.rpartition("_")[0]
    found["inside"] = found["lane"].str.startswith(":")
    return Recorded(found, lamps)


@dataclass(frozen=True)
class Corridor:
    """`edges` [E] in driving order with their lengths, and which of them end at a controlled stop line."""

    edges: Way
    begin_m: tuple[float, ...]
    length_m: tuple[float, ...]
    stops: tuple[int, ...]
    """Indices into `edges`: after each stands its exit."""
    junctions: tuple[str, ...]
    vehicles: int
    """Who drove on from one junction to the next, the least of the links."""

    def line_m(self, k: int) -> float:
        """Where the stop line of the k-th junction is."""
        return self.begin_m[self.stops[k]] + self.length_m[self.stops[k]]

    @property
    def end_m(self) -> float:
        return self.begin_m[-1] + self.length_m[-1]


def corridor(recorded: Recorded, named: Sequence[str] = ()) -> Corridor | None:
    """The one with most junctions, or along those that are named; None where no two junctions are driven on.

    Raises `ConfigError` where nobody drives on between two that are named.
    """
    links = _links(recorded, through=not named)
    chain = _named(recorded, links, named) if named else _longest(recorded, links)
    if len(chain) < LEAST_JUNCTIONS:
        return None
    ways = [links[pair].most_common(1)[0][0] for pair in pairwise(chain)]
    edges = [*_upstream(recorded, chain[0]), chain[0], *(edge for way in ways for edge in way[1:])]
    edges += _exit(recorded, chain[-1])
    flow = min(links[pair].total() for pair in pairwise(chain))
    begin_m, length_m = _placed(recorded, tuple(edges))
    stops = tuple(edges.index(edge) for edge in chain)
    names = tuple(recorded.junction_of[edge] for edge in chain)
    return Corridor(tuple(edges), begin_m, length_m, stops, names, flow)


def _links(recorded: Recorded, through: bool) -> dict[tuple[str, str], Counter[Way]]:
    """From approach to next approach, the ways that were driven and how often."""
    lamps = recorded.lamps[recorded.lamps["turn"] == "through"] if through else recorded.lamps
    allowed = set(zip(lamps["approach"], lamps["exit"], strict=True))
    found: dict[tuple[str, str], Counter[Way]] = {}
    for route in recorded.routes:
        met = [k for k, edge in enumerate(route) if edge in recorded.junction_of]
        for here, there in pairwise(met):
            if (route[here], route[here + 1]) in allowed:
                found.setdefault((route[here], route[there]), Counter())[route[here : there + 1]] += 1
    return found


def _longest(recorded: Recorded, links: dict[tuple[str, str], Counter[Way]]) -> list[str]:
    following: dict[str, tuple[int, str]] = {}
    for (here, there), ways in links.items():
        if ways.total() >= LEAST_FLOW:
            following[here] = max(following.get(here, (0, "")), (ways.total(), there))
    chains = []
    for start in sorted(following):
        chain, met = [start], {recorded.junction_of[start]}
        while chain[-1] in following and recorded.junction_of[following[chain[-1]][1]] not in met:
            chain.append(following[chain[-1]][1])
            met.add(recorded.junction_of[chain[-1]])
        flow = sum(following[edge][0] for edge in chain[:-1])
        chains.append((len(chain), flow, chain))
    return max(chains)[2] if chains else []


def _named(recorded: Recorded, links: dict[tuple[str, str], Counter[Way]], named: Sequence[str]) -> list[str]:
    """The approaches by which most drive along the junctions that are named, one link after the other."""
    known = dict.fromkeys(recorded.junction_of.values())
    for junction in named:
        if junction not in known:
            raise ConfigError(f"corridor: {junction} is not there, must be one of {', '.join(known)}")
    best: dict[str, tuple[int, list[str]]] = {
        edge: (0, [edge]) for edge, junction in recorded.junction_of.items() if junction == named[0]
    }
    for before, junction in pairwise(named):
        onward: dict[str, tuple[int, list[str]]] = {}
        for (here, there), ways in links.items():
            if here in best and recorded.junction_of[there] == junction:
                candidate = best[here][0] + ways.total(), [*best[here][1], there]
                onward[there] = max(onward.get(there, (0, [])), candidate)
        if not onward:
            raise ConfigError(
                f"corridor: nobody drove from {before} straight to {junction}, must be at least 1 vehicle"
            )
        best = onward
    return max(best.values())[1]


def _upstream(recorded: Recorded, approach: str) -> list[str]:
    """The edge from which most come onto the first approach, where no signal stands between them."""
    before = Counter(a for route in recorded.routes for a, b in pairwise(route) if b == approach)
    return [edge for edge, _ in before.most_common(1) if edge not in recorded.junction_of]


def _exit(recorded: Recorded, approach: str) -> list[str]:
    """Where most go straight on after the last stop line."""
    lamps = recorded.lamps[(recorded.lamps["approach"] == approach) & (recorded.lamps["turn"] == "through")]
    exits = set(lamps["exit"])
    onward = Counter(b for route in recorded.routes for a, b in pairwise(route) if a == approach and b in exits)
    return [onward.most_common(1)[0][0]] if onward else []


def _placed(recorded: Recorded, edges: Way) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Where each edge begins along the corridor and how long it is; the ways over junctions lie between."""
    paths = recorded.paths
    lengths = paths[paths["edge"].isin(edges)].groupby("edge")["lane_length_m"].max()
    length_m = tuple(float(lengths[edge]) for edge in edges)
    at, begin_m = 0.0, []
    over = _lengths_over(recorded, edges)
    for k, length in enumerate(length_m):
        begin_m.append(at)
        at += length + over[k]
    return tuple(begin_m), length_m


def _lengths_over(recorded: Recorded, edges: Way) -> list[float]:
    """The length of the lanes inside the junction after each edge, as most vehicles drove them; 0 after the last."""
    spots = _spots(recorded.paths, edges)
    inside = spots[spots["over"] & spots["inside"]].drop_duplicates(["vehicle", "k", "lane"])
    each = inside.groupby(["k", "vehicle"])["lane_length_m"].sum().groupby("k").max()
    return [float(each.get(k, 0.0)) for k in range(len(edges))]


def _spots(paths: pd.DataFrame, edges: Way) -> pd.DataFrame:
    """Rows on the corridor and inside its junctions: `k` is the edge's index, `over` that the next edge follows."""
    index = pd.Series(range(len(edges)), index=list(edges))
    spots = paths.assign(on=paths["edge"].map(index))
    other = spots["on"].isna() & ~spots["inside"]
    spots["on"] = spots["on"].mask(other, -9.0)
    by = spots.groupby("vehicle", sort=False)["on"]
    spots["k"], after = by.ffill(), by.bfill()
    spots["over"] = spots["inside"] & (after == spots["k"] + 1)
    return spots[(spots["k"] >= 0) & (~spots["inside"] | spots["over"])]


def traces(recorded: Recorded, along: Corridor) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(vehicle, seconds [N], metres along the corridor [N]) of each piece of a path that lies on it without a break."""
    spots = _spots(recorded.paths, along.edges)
    k = spots["k"].to_numpy().astype(int)
    begin_m, length_m = np.array(along.begin_m), np.array(along.length_m)
    since = spots["position_m"].where(~spots["inside"], spots["position_m"] + _driven_over(spots))
    place_m = begin_m[k] + np.where(spots["inside"], length_m[k], 0.0) + since.to_numpy()
    ends = np.append(begin_m[1:], along.end_m)
    spots = spots.assign(place_m=np.minimum(place_m, ends[k]))
    step_s = np.median(np.diff(np.unique(spots["time_s"]))) if len(spots) else 1.0
    new = (spots["vehicle"] != spots["vehicle"].shift()) | (spots["time_s"].diff() > 1.5 * step_s)
    new |= ~spots["k"].diff().isin([0, 1])
    for _, piece in spots.groupby(new.cumsum(), sort=False):
        if len(piece) > 1:
            yield str(piece["vehicle"].iloc[0]), piece["time_s"].to_numpy(float), piece["place_m"].to_numpy(float)


def _driven_over(spots: pd.DataFrame) -> pd.Series:
    """For who is inside a junction, the length of that junction's lanes that it has left behind."""
    changed = spots["inside"] & (spots["lane"] != spots["lane"].shift()) & spots["inside"].shift(fill_value=False)
    changed &= (spots["vehicle"] == spots["vehicle"].shift()) & (spots["k"] == spots["k"].shift())
    passed = spots["lane_length_m"].shift(fill_value=0.0).where(changed, 0.0)
    return passed.groupby([spots["vehicle"], spots["k"]], sort=False).cumsum()


def bands(recorded: Recorded, along: Corridor, k: int) -> list[tuple[float, float, int]]:
    """(begin, end, shown) of the movement by which the corridor leaves its k-th stop line, without a gap."""
    stop = along.stops[k]
    lamps = recorded.lamps[recorded.lamps["approach"] == along.edges[stop]]
    if stop + 1 < len(along.edges):
        lamps = lamps[lamps["exit"] == along.edges[stop + 1]]
    own = lamps[lamps["exit"] == lamps["exit"].iloc[0]].sort_values("time_s")
    times = [*own["time_s"].tolist(), float(recorded.paths["time_s"].max())]
    return [(begin, end, int(shown)) for (begin, end), shown in zip(pairwise(times), own["shown"], strict=True)]
