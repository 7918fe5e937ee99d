"""Each vehicle's delay over the edges of its route, and what that comes to by signal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from simulation.measures import Window, elements, in_window
from simulation.network import Network


@dataclass(frozen=True)
class Split:
    """Of a vehicle `delays_s` on the first of its route's `edges`, and when it left those that it left.

    Who never entered waits behind its first edge and has left none.
    """

    edges: list[str]
    delays_s: list[float]
    exits_s: list[float]
    entered: bool = True


def split_delays(trips: pd.DataFrame, routes: Path, network: Network, window: Window) -> Iterator[Split]:
    """Of the vehicles of the window; reads SUMO's routes once.

    A vehicle's time loss is split over its edges as each edge's travel time exceeds free flow at the vehicle's own
    speed; its wait to enter belongs to its first edge.
    """
    counted = in_window(trips, window)
    wanted = {v: k for k, v in enumerate(counted.id)}
    losses = counted.time_loss_s.to_numpy()
    factors = counted.speed_factor.to_numpy()
    outside = counted.depart_delay_s.to_numpy()
    for vehicle, edges, exits_s, entered_s in _routes(routes):
        row = wanted.pop(vehicle, None)
        if row is None:
            continue
        shares = _split_loss(edges, exits_s, entered_s, factors[row], network.edges, losses[row], window.cap_s)
        yield Split(edges, [shares[0] + outside[row], *shares[1:]], [x for x in exits_s if x >= 0])
    for row in wanted.values():
        yield Split(str(counted.edges.iloc[row]).split(), [outside[row]], [], entered=False)


class SignalDelays:
    """Adds up delay by signal: on the signals' own approaches, and at the worst junction.

    An edge belongs to a signal if it ends at the signal's stop line, or leads nowhere but to such an edge.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._delay_s: dict[str, float] = dict.fromkeys(network.approach_edges, 0.0)
        self._passing: dict[str, int] = dict.fromkeys(network.approach_edges, 0)

    def add(self, split: Split) -> None:
        """Credit a vehicle's delays; who never entered delays nobody's passing."""
        owner, met = self._network.edge_owner, set()
        for edge, delay_s in zip(split.edges, split.delays_s, strict=False):
            junction = owner.get(edge)
            if junction is not None:
                self._delay_s[junction] += delay_s
                met.add(junction)
        for junction in met if split.entered else ():
            self._passing[junction] += 1

    def measures(self, trips: pd.DataFrame, window: Window) -> dict[str, float | str]:
        """`delay_by_junction` is JSON: of each junction the delay in s per vehicle that passed it, and how many did."""
        counted = in_window(trips, window)
        lines, controlled = _passages(counted.edges, self._network)
        delay_s = (counted.time_loss_s + counted.depart_delay_s).sum()
        passed = {j: (self._delay_s[j] / n, n) for j, n in self._passing.items() if n}
        at_signals_s = sum(self._delay_s.values())
        return {
            "delay_per_signal_s": float(delay_s / lines) if lines else float("nan"),
            "delay_at_signals_s": float(at_signals_s / len(counted)) if len(counted) else float("nan"),
            "worst_junction_delay_s": float(max((delay_s for delay_s, _ in passed.values()), default=0.0)),
            "delay_by_junction": json.dumps({j: [round(delay_s, 2), n] for j, (delay_s, n) in passed.items()}),
            "vehicles_controlled_share": controlled / lines if lines else float("nan"),
        }


def _passages(routes: pd.Series, network: Network) -> tuple[int, int]:
    """How many signalised stop lines some vehicles are to pass, and how many of them at controlled signals."""
    ours = frozenset(edge for edges in network.approach_edges.values() for edge in edges)
    passed = [edge for text in routes for edge in text.split()[:-1] if edge in network.stop_line_edges]
    return len(passed), sum(edge in ours for edge in passed)


def _split_loss(
    edges: list[str],
    exits_s: list[float],
    entered_s: float,
    speed_factor: float,
    known: Mapping[str, tuple[float, float]],
    loss_s: float,
    cap_s: float,
) -> list[float]:
    """A vehicle's time loss over its edges, in proportion to the time each took beyond free flow."""
    beyond, since_s = [], entered_s
    for edge, exit_s in zip(edges, exits_s, strict=False):
        until_s = exit_s if exit_s >= 0 else cap_s
        length_m, speed = known.get(edge, (0.0, 13.9))
        beyond.append(max(0.0, until_s - since_s - length_m / (speed * speed_factor)))
        since_s = until_s
        if exit_s < 0:
            break
    total = sum(beyond)
    return [loss_s * b / total for b in beyond] if total > 0 else [0.0] * len(beyond)


def _routes(path: Path) -> Iterator[tuple[str, list[str], list[float], float]]:
    """(vehicle, edges, exit times, entry) of every vehicle that entered."""
    for element in elements(path, "vehicle"):
        route = element.find("route") if element.find("route") is not None else element.find("routeDistribution/route")
        if route is None or not route.get("exitTimes"):
            continue
        exits = [float(x) for x in str(route.get("exitTimes")).split()]
        yield str(element.get("id")), str(route.get("edges")).split(), exits, float(element.get("depart", 0))
