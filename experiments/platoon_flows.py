"""Who passes which stop line: the flows that a platoon model moves, counted from the vehicles of some draws.

Only lane groups that somebody uses are here; L counts them, not the layout's cells.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from signals.intersection import Aspect
from signals.layout import Layout
from signals.values import Floats, Ints

FAR_S = 180.0
"""Platoons that have travelled for longer arrive as if at random."""
YIELDING_EQUIVALENT = 2.0
"""What a turn in gaps counts in the choice of lanes (HCM's through-car equivalents begin at 1.4 and grow)."""

Turn = tuple[str, str]  # approach, exit
Stream = tuple[int, int]  # lane group (flat junction * N + column) and signal group (flat junction * P + number)
Edges = Mapping[str, tuple[float, float]]  # length and speed limit


@dataclass(frozen=True)
class Flows:
    """Arrays over used lane groups [L], streams (the vehicles of a lane group under one signal group) [M], ways [E].

    Streams stand in the order of their lane groups, each of which has one at least. A way leads from one lane group to
    the next on somebody's route, in the order of where they lead; `way_share` is of those that leave the first.
    """

    cell: Ints  # [L] flat junction * N + column
    flow_veh_per_s: Floats  # [L]
    entering_veh_per_s: Floats  # [L] of those, who comes from no stop line nearby
    stream_group: Ints  # [M] position in [L]
    stream_head: Ints  # [M] flat junction * P + signal group
    stream_share: Floats  # [M] of its lane group
    way_from: Ints  # [E]
    way_to: Ints  # [E]
    way_share: Floats  # [E]
    way_time_s: Floats  # [E] at the speed limit
    vehicles_per_s: float


def count_flows(layout: Layout, edges: Edges, draws: Sequence[pd.DataFrame], span_s: float) -> Flows:
    """From the vehicles (edges: blank between them) of draws that last `span_s` each."""
    routes = pd.concat([draw["edges"] for draw in draws]).value_counts()
    followed = [(str(route).split(), int(count)) for route, count in sorted(routes.items(), key=lambda r: str(r[0]))]
    ways_to_turn = _streams_of_turns(layout)
    turns: Counter[Turn] = Counter()
    for route, count in followed:
        for turn in pairwise(route):
            if turn in ways_to_turn:
                turns[turn] += count
    shares = _lane_choice(layout, ways_to_turn, turns)
    streams: dict[Stream, float] = defaultdict(float)
    ways: dict[tuple[int, int, float], float] = defaultdict(float)
    for route, count in followed:
        _follow(route, count, shares, edges, streams, ways)
    return _arrays(layout, streams, ways, len(draws) * span_s, float(routes.sum()))


def _streams_of_turns(layout: Layout) -> dict[Turn, tuple[Stream, ...]]:
    """The lane groups, and the signal group in each, from which a turn is made."""
    found: dict[Turn, dict[Stream, None]] = defaultdict(dict)
    groups, heads = layout.has_group.shape[1], layout.has_head.shape[1]
    for row, intersection in enumerate(layout.intersections):
        head_of = {g.id: k for k, g in enumerate(intersection.signal_groups)}
        for movement in (m for m in intersection.movements if m.turn != "crossing"):
            for column, group in enumerate(intersection.lane_groups):
                here = group.approach == movement.approach and movement.exit in group.exits
                if here and movement.signal_group in group.signal_groups:
                    stream = row * groups + column, row * heads + head_of[movement.signal_group]
                    found[movement.approach, movement.exit][stream] = None
    return {turn: tuple(streams) for turn, streams in found.items()}


def _lane_choice(
    layout: Layout, ways_to_turn: Mapping[Turn, Sequence[Stream]], turns: Mapping[Turn, int]
) -> dict[Turn, list[tuple[Stream, float]]]:
    """Who may take several lane groups evens out what each has to carry, those with the least choice first."""
    yields = (layout.stage_aspects == Aspect.PERMISSIVE).any(axis=1).ravel()
    saturation = layout.saturation_flow_veh_per_h.ravel()
    load = np.zeros(layout.has_group.size)
    shares: dict[Turn, list[tuple[Stream, float]]] = {}
    for turn in sorted(turns, key=lambda t: (len(ways_to_turn[t]), t)):
        streams = ways_to_turn[turn]
        cells = np.array([cell for cell, _ in streams])
        burden = turns[turn] * (YIELDING_EQUIVALENT if yields[streams[0][1]] else 1.0)
        taken = _levelled(load[cells], saturation[cells], burden)
        load[cells] += taken
        shares[turn] = [(s, t) for s, t in zip(streams, (taken / burden).tolist(), strict=True) if t > 0]
    return shares


def _levelled(load: Floats, capacity: Floats, more: float) -> Floats:
    """What each takes of `more` so that load / capacity is level among those that take any."""
    order = np.argsort(load / capacity, kind="stable")
    for count in range(1, len(order) + 1):
        chosen = order[:count]
        level = (load[chosen].sum() + more) / capacity[chosen].sum()
        if count == len(order) or level <= load[order[count]] / capacity[order[count]]:
            break
    taken = np.zeros(len(load))
    taken[chosen] = level * capacity[chosen] - load[chosen]
    return taken


def _follow(
    route: Sequence[str],
    count: int,
    shares: Mapping[Turn, Sequence[tuple[Stream, float]]],
    edges: Edges,
    streams: dict[Stream, float],
    ways: dict[tuple[int, int, float], float],
) -> None:
    """Add one route's vehicles to the streams that they pass and the ways between them."""
    before: Sequence[tuple[Stream, float]] = ()
    since_s = 0.0
    for edge, following in pairwise(route):
        length_m, speed = edges.get(edge, (0.0, 13.9))
        since_s += length_m / speed
        passed = shares.get((edge, following))
        if passed is None:
            continue
        for (cell, head), share in passed:
            streams[cell, head] += count * share
            for (earlier, _), earlier_share in before if since_s <= FAR_S else ():
                ways[cell, earlier, round(since_s, 1)] += count * share * earlier_share
        before, since_s = passed, 0.0


def _arrays(
    layout: Layout,
    streams: Mapping[Stream, float],
    ways: Mapping[tuple[int, int, float], float],
    span_s: float,
    vehicles: float,
) -> Flows:
    kept, paths = sorted(streams), sorted(ways)
    cell, group = np.unique(np.array([c for c, _ in kept], dtype=np.int64), return_inverse=True)
    counts = np.array([streams[s] for s in kept])
    moved = np.array([ways[p] for p in paths])
    passed = np.bincount(group, counts)
    way_to = np.searchsorted(cell, np.array([p[0] for p in paths], dtype=np.int64))
    way_from = np.searchsorted(cell, np.array([p[1] for p in paths], dtype=np.int64))
    return Flows(
        cell=cell,
        flow_veh_per_s=passed / span_s,
        entering_veh_per_s=(passed - np.bincount(way_to, moved, len(cell))).clip(0.0) / span_s,
        stream_group=group,
        stream_head=np.array([h for _, h in kept], dtype=np.int64),
        stream_share=counts / passed[group],
        way_from=way_from,
        way_to=way_to,
        way_share=moved / passed[way_from],
        way_time_s=np.array([p[2] for p in paths]),
        vehicles_per_s=vehicles / span_s,
    )
