"""TrafficState → arrays: the one encoding, for training and field.

Every stage of every junction is described by the same numbers, whatever it serves, so that one set of weights scores
them all. Each number is scaled to about 1 in busy traffic and cut to 0-`LIMIT`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signals.errors import ConfigError
from signals.layout import Layout
from signals.loop import Controller
from signals.sequencer import interstages_s
from signals.values import TRANSITION, Floats, TrafficState

LIMIT = 5.0
SOON_S, LATER_S = 15.0, 40.0
STARTUP_LOST_S = 2.0
MANY_VEH, LONG_GREEN_S, LONG_RED_S, LONG_GAP_S, LONG_INTERSTAGE_S = 10.0, 30.0, 60.0, 10.0, 10.0
UNKNOWN_ROOM_VEH = 2 * MANY_VEH

FEATURES: dict[str, str] = {
    "exists": "1 for a stage that the junction has, 0 for padding",
    "current": "1 for the stage confirmed last",
    "in_transition": "1 while no stage is confirmed",
    "eligible": "1 where the stage may be asked for now",
    "elapsed_green": "green so far of the current stage, by 30 s",
    "interstage": "time that the change from the current stage takes, by 10 s",
    "queue": "vehicles queued and coming on the lane groups served, by 10",
    "queue_elsewhere": "vehicles queued and coming on the lane groups not served, by 10",
    "arrivals": "vehicles expected within 40 s on the lane groups served, by 10",
    "served_soon": "vehicles that it would let out within 15 s, the change paid for, by 10",
    "served_later": "the same within 40 s",
    "calls": "share of the lane groups served where somebody waits or comes",
    "occupancy": "mean occupancy of the stop lines served",
    "longest_queue": "longest queue a lane among the lane groups served, by 10 vehicles",
    "longest_red": "longest wait for green among the lane groups served that have a call, by 60 s",
    "shortest_gap": "time since the last detection among the lane groups served that have a call, by 10 s",
    "least_room": "room at the fullest exit of the lane groups served that have a call, by 10 vehicles",
    "blocked": "1 where a lane group served has green and discharges nothing",
    "rule": "1 for the stage that `adaptive` would ask for now",
}
"""What a policy may see of a stage, by name; a policy's manifest lists those that it was trained on, in its order."""


class Encoder:
    """Describes all stages of a layout's junctions, [J, S, F] with F in the order of `names`; remembers nothing.

    rule: the controller whose wish is a feature, `adaptive` wherever a policy is trained or run.
    """

    def __init__(self, layout: Layout, rule: Controller, names: Sequence[str] = tuple(FEATURES)) -> None:
        _check_names(names)
        _check_loops(layout)
        self._layout, self._rule, self._names = layout, rule, tuple(names)
        self._rows = np.arange(len(layout.intersections))
        self._stages = np.arange(layout.stages)
        self._interstage_s = interstages_s(layout)
        lost_s = self._interstage_s + STARTUP_LOST_S * ~np.eye(layout.stages, dtype=bool)
        rate_veh_per_s = layout.serves * (layout.saturation_flow_veh_per_h / 3600.0)[:, None, :]
        self._soon_veh = _let_out(rate_veh_per_s, SOON_S - lost_s)
        self._later_veh = _let_out(rate_veh_per_s, LATER_S - lost_s)
        self._served = layout.any_green & layout.has_group[:, None, :]
        self._groups = np.maximum(self._served.sum(axis=2), 1)
        self._by_lane = 1.0 / np.maximum(layout.lanes, 1.0)

    def encode(self, traffic: TrafficState) -> Floats:
        """What there is to know of each stage now; padding is all 0."""
        numbers = {**self._of_stage(traffic), **self._of_vehicles(traffic), **self._of_extremes(traffic)}
        encoded = np.stack([numbers[name] for name in self._names], axis=-1)
        np.clip(encoded, 0.0, LIMIT, out=encoded)
        encoded[~self._layout.has_stage] = 0.0
        return encoded

    def _of_stage(self, traffic: TrafficState) -> dict[str, Floats]:
        current = self._stages == traffic.last_stage[:, None]
        moving = np.broadcast_to((traffic.stage == TRANSITION)[:, None], current.shape)
        return {
            "exists": np.ones(current.shape),
            "current": current.astype(float),
            "in_transition": moving.astype(float),
            "eligible": traffic.eligible.astype(float),
            "elapsed_green": current * (traffic.elapsed_green_s / LONG_GREEN_S)[:, None],
            "interstage": self._interstage_s[self._rows, traffic.last_stage] / LONG_INTERSTAGE_S,
            "rule": (self._stages == self._rule.decide(traffic).stage[:, None]).astype(float),
        }

    def _of_vehicles(self, traffic: TrafficState) -> dict[str, Floats]:
        """Sums over the lane groups served; a green shared by several heads counts in part, as in `Layout.serves`."""
        coming_veh = traffic.arrival_flow_veh_per_h * (LATER_S / 3600.0)
        present_veh = traffic.queue_veh + traffic.approaching_veh
        queue_veh = _sum(self._layout.serves, present_veh)
        soon_veh = np.minimum(
            self._soon_veh[self._rows, traffic.last_stage],
            (present_veh + coming_veh * (SOON_S / LATER_S))[:, None, :],
        )
        later_veh = np.minimum(self._later_veh[self._rows, traffic.last_stage], (present_veh + coming_veh)[:, None, :])
        return {
            "queue": queue_veh / MANY_VEH,
            "queue_elsewhere": (present_veh.sum(axis=1)[:, None] - queue_veh) / MANY_VEH,
            "arrivals": _sum(self._layout.serves, coming_veh) / MANY_VEH,
            "served_soon": soon_veh.sum(axis=2) / MANY_VEH,
            "served_later": later_veh.sum(axis=2) / MANY_VEH,
            "calls": _sum(self._served, traffic.calls) / self._groups,
            "occupancy": _sum(self._served, traffic.occupancy) / self._groups,
        }

    def _of_extremes(self, traffic: TrafficState) -> dict[str, Floats]:
        called = self._served & traffic.calls[:, None, :]
        present_veh = traffic.queue_veh + traffic.approaching_veh
        longest_queue_veh = np.where(self._served, (present_veh * self._by_lane)[:, None, :], 0.0).max(axis=2)
        longest_red_s = np.where(called, traffic.red_s[:, None, :], 0.0).max(axis=2)
        shortest_gap_s = np.where(called, traffic.gap_s[:, None, :], LIMIT * LONG_GAP_S).min(axis=2)
        least_room_veh = np.where(called, traffic.exit_room_veh[:, None, :], UNKNOWN_ROOM_VEH).min(axis=2)
        return {
            "longest_queue": longest_queue_veh / MANY_VEH,
            "longest_red": longest_red_s / LONG_RED_S,
            "shortest_gap": shortest_gap_s / LONG_GAP_S,
            "least_room": np.minimum(least_room_veh, UNKNOWN_ROOM_VEH) / MANY_VEH,
            "blocked": (self._served & traffic.blocked[:, None, :]).any(axis=2).astype(float),
        }


def _check_names(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in FEATURES]
    if unknown:
        raise ConfigError(f"feature {unknown[0]}: unknown, must be one of {', '.join(FEATURES)}")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ConfigError(f"feature {twice[0]}: named twice, must be named once")


def _check_loops(layout: Layout) -> None:
    """An encoding of a junction that nobody watches would be a guess."""
    watched = {junction for junction, _ in layout.loops}
    for row, intersection in enumerate(layout.intersections):
        if row not in watched:
            raise ConfigError(f"intersection {intersection.id}: 0 loops, a policy needs at least 1")


def _let_out(rate_veh_per_s: Floats, green_s: Floats) -> Floats:
    """What each stage lets out after a change from each other, [J, S, S, N]."""
    made: Floats = rate_veh_per_s[:, None, :, :] * np.maximum(green_s, 0.0)[:, :, :, None]
    return made


def _sum(weights: np.ndarray, of: np.ndarray) -> Floats:
    """[J, S, N] and [J, N] → [J, S]."""
    total: Floats = (weights @ of[:, :, None].astype(float))[:, :, 0]
    return total
