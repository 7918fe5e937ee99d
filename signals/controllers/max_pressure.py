"""`max-pressure`: the stage whose green is worth most, changes paid for.

The pressure of a lane group is its estimated queue, cut to what its exits can take (Varaiya 2013, with queues from
loops and finite exits). A stage's worth is the pressure that it serves over all its green links within a horizon; a
change of stage first loses its interstage and start-up time, so a longer change has to be worth more. Whoever has
waited for the maximum red goes first.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from signals.controllers.common import interstages_s, stage_or_hold
from signals.intersection import Frozen
from signals.layout import Layout
from signals.values import Bools, Decision, Floats, TrafficState

WORDING = (
    "interstage",
    "minimum green, {number:.0f} s so far",
    "keeps green: worth {number:.1f} veh, none better",
    "more to serve on stage {stage}: {number:.1f} veh",
    "maximum red: stage {stage} waits {number:.0f} s",
    "rest: no call",
)
MINIMUM, KEEPS, BETTER, STARVED, REST = range(1, 6)


class MaxPressureSettings(Frozen):
    """Parameters of `max-pressure`; one set for all junctions."""

    minimum_green_s: Annotated[
        float, Field(ge=0, le=60, description="Shortest green of a stage, if its own is less.")
    ] = 8.0
    horizon_s: Annotated[float, Field(ge=5, le=120, description="Span over which green is valued.")] = 30.0
    startup_lost_s: Annotated[float, Field(ge=0, le=5, description="Green that a queue loses in starting.")] = 2.0
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
        rate = layout.saturation_flow_veh_per_h / 3600.0
        self._rate = layout.serves * rate[:, None, :]
        lost_s = interstages_s(layout)
        stages = layout.stages
        lost_s += settings.startup_lost_s * ~np.eye(stages, dtype=bool)
        self._green_s = np.maximum(settings.horizon_s - lost_s, 1.0)
        self._capacity = self._rate[:, None, :, :] * self._green_s[:, :, :, None]
        self._minimum_s = np.maximum(layout.stage_minimum_green_s, settings.minimum_green_s)
        self._padding = ~layout.has_stage

    def decide(self, traffic: TrafficState) -> Decision:
        """The worthiest stage; the current one within its minimum green, or when no other is clearly better."""
        rows, current, settings = self._rows, traffic.last_stage, self._settings
        worth = self._worth(traffic)
        best = worth.argmax(axis=1)
        own, other = worth[rows, current], worth[rows, best]
        better = (other > settings.hysteresis * own) & (other > 0.5)
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
        """Vehicles that each stage would serve within the horizon, [J, S]."""
        settings = self._settings
        coming = traffic.arrival_flow_veh_per_h * (settings.horizon_s / 3600.0)
        pressure = traffic.queue_veh + coming
        room = np.maximum(traffic.exit_room_veh - settings.exit_room_veh, 0.0)
        pressure = np.minimum(pressure, room)
        pressure[traffic.blocked] *= 0.2
        served = np.minimum(self._capacity[self._rows, traffic.last_stage], pressure[:, None, :])
        worth: Floats = served.sum(axis=2)
        worth[self._padding] = -1.0
        return worth

    def _rescue(
        self, traffic: TrafficState, starved: Bools, worth: Floats, stage: np.ndarray, why: np.ndarray, number: Floats
    ) -> tuple[np.ndarray, np.ndarray, Floats]:
        """The stage that serves the longest wait, and among those the worthiest."""
        waits_s = np.where(starved, traffic.red_s, 0.0)
        longest = waits_s.argmax(axis=1)
        serves = self._layout.any_green[self._rows, :, longest]
        rescue = np.where(serves, worth, -2.0).argmax(axis=1)
        needed = waits_s.max(axis=1) > 0
        stage = np.where(needed, rescue, stage)
        return stage, np.where(needed, STARVED, why), np.where(needed, waits_s.max(axis=1), number)
