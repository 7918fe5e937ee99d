"""`max-pressure`: the stage whose green is worth most per second, lost time included.

The pressure of a lane group is its estimated queue and what arrives meanwhile, cut to what its exits can take
(Varaiya 2013, with queues from loops and finite exits). It counts more the fuller its lanes are, lest a turn bay spill
over into its neighbour, and the longer it has been red. A stage's worth is the pressure that it would serve per
second over all its green links, in the best of a few spans of green; a change of stage first loses its interstage and
start-up time, so it has to be worth more. Whoever has waited for the maximum red goes first.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from signals.controllers.common import interstages_s, stage_or_hold
from signals.intersection import Frozen
from signals.layout import VEHICLE_SPACE_M, Layout
from signals.values import Bools, Decision, Floats, TrafficState

WORDING = (
    "interstage",
    "minimum green, {number:.0f} s so far",
    "keeps green: serves {number:.2f} veh/s, no other clearly more",
    "stage {stage} would serve more, {number:.2f} veh/s with its lost time",
    "maximum red: stage {stage} waits {number:.0f} s",
)
GREENS_S = np.array([6.0, 12.0, 20.0, 35.0])
"""Spans of green that a stage is valued for."""
SHORTEST_REACH_VEH = 4.0
MINIMUM, KEEPS, BETTER, STARVED = range(1, 5)


class MaxPressureSettings(Frozen):
    """Parameters of `max-pressure`; one set for all junctions."""

    minimum_green_s: Annotated[
        float, Field(ge=0, le=60, description="Shortest green of a stage, if its own is less.")
    ] = 8.0
    waiting_s: Annotated[float, Field(ge=10, le=1e6, description="Red after which a vehicle counts double.")] = 120.0
    startup_lost_s: Annotated[float, Field(ge=0, le=5, description="Green that a queue loses in starting.")] = 2.0
    fullness: Annotated[float, Field(ge=0, le=50, description="Extra weight of a lane group whose reach is full.")] = (
        6.0
    )
    hysteresis: Annotated[float, Field(ge=1, le=3, description="How many times better another stage must be.")] = 1.2
    maximum_red_s: Annotated[float, Field(ge=30, le=240, description="Longest wait of a lane group with a call.")] = (
        100.0
    )
    exit_room_veh: Annotated[float, Field(ge=0, le=20, description="Room that an exit must have left.")] = 3.0


class MaxPressure:
    """Decides for all junctions at once; remembers nothing."""

    def __init__(self, layout: Layout, settings: MaxPressureSettings) -> None:
        self._layout, self._settings = layout, settings
        self._rows = np.arange(len(layout.intersections))
        lost_s = interstages_s(layout) + settings.startup_lost_s * ~np.eye(layout.stages, dtype=bool)
        self._span_s = lost_s[..., None] + GREENS_S
        rate = layout.serves * layout.saturation_flow_veh_per_h[:, None, :] / 3600.0
        self._capacity = rate[..., None] * GREENS_S
        self._minimum_s = np.maximum(layout.stage_minimum_green_s, settings.minimum_green_s)
        reach_veh = layout.lanes * layout.advance_distance_m / VEHICLE_SPACE_M
        self._weight_per_veh = settings.fullness / np.maximum(reach_veh, SHORTEST_REACH_VEH)
        self._padding = ~layout.has_stage

    def decide(self, traffic: TrafficState) -> Decision:
        """The worthiest stage; the current one within its minimum green, or when no other is clearly better."""
        rows, current, settings = self._rows, traffic.last_stage, self._settings
        worth = self._worth(traffic)
        best = worth.argmax(axis=1)
        own, other = worth[rows, current], worth[rows, best]
        better = (other > settings.hysteresis * own) & (best != current)
        stage = np.where(better, best, current)
        why = np.where(better, BETTER, KEEPS)
        number = np.where(better, other, own)
        starved = (traffic.red_s > settings.maximum_red_s) & traffic.calls
        if starved.any():
            stage, why, number = self._rescue(traffic, starved, worth, stage, why, number)
        young = traffic.elapsed_green_s < self._minimum_s[rows, current]
        stage = np.where(young, current, stage)
        why = np.where(young, MINIMUM, why)
        number = np.where(young, traffic.elapsed_green_s, number)
        return stage_or_hold(traffic, stage, why, number, WORDING)

    def _worth(self, traffic: TrafficState) -> Floats:
        """Weighed vehicles per second that each stage would serve, [J, S]."""
        settings, rows, current = self._settings, self._rows, traffic.last_stage
        span_s = self._span_s[rows, current]
        arriving = traffic.arrival_flow_veh_per_h * (1 / 3600.0)
        room = np.maximum(traffic.exit_room_veh - settings.exit_room_veh, 0.0)
        pressure = traffic.queue_veh[:, None, :, None] + arriving[:, None, :, None] * span_s[:, :, None, :]
        served = np.minimum(self._capacity, np.minimum(pressure, room[:, None, :, None]))
        if traffic.blocked.any():
            served[rows, current] *= ~traffic.blocked[:, :, None]
        weight = 1.0 + traffic.red_s * (1 / settings.waiting_s) + traffic.queue_veh * self._weight_per_veh
        worth: Floats = ((served * weight[:, None, :, None]).sum(axis=2) / span_s).max(axis=2)
        worth[self._padding] = -1.0
        return worth

    def _rescue(
        self, traffic: TrafficState, starved: Bools, worth: Floats, stage: np.ndarray, why: np.ndarray, number: Floats
    ) -> tuple[np.ndarray, np.ndarray, Floats]:
        """The stage that serves the longest wait, and among those the worthiest."""
        waits_s = np.where(starved, traffic.red_s, 0.0)
        longest = waits_s.argmax(axis=1)
        serves = self._layout.full_green[self._rows, :, longest]
        rescue = np.where(serves, worth, -2.0).argmax(axis=1)
        needed = waits_s.max(axis=1) > 0
        stage = np.where(needed, rescue, stage)
        return stage, np.where(needed, STARVED, why), np.where(needed, waits_s.max(axis=1), number)
