"""`max-pressure`: the stage whose green is worth most per second, lost time included.

The pressure of a lane group is its estimated queue and what arrives meanwhile, cut to what its exits can take
(Varaiya 2013, with queues from loops and finite exits). It counts more the fuller its lanes are, lest a turn bay spill
over into its neighbour, and the longer it has been red. See `worthiest` for what a stage is worth.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from signals.controllers.worthiest import Worthiest, WorthiestSettings, per_vehicle
from signals.layout import Layout
from signals.values import Bools, Floats, TrafficState


class MaxPressureSettings(WorthiestSettings):
    """Parameters of `max-pressure`; one set for all junctions."""

    waiting_s: Annotated[float, Field(ge=10, le=1e6, description="Red after which a vehicle counts double.")] = 120.0
    fullness: Annotated[float, Field(ge=0, le=50, description="Extra weight of a lane group whose reach is full.")] = (
        12.0
    )
    hysteresis: Annotated[float, Field(ge=1, le=3, description="How many times better another stage must be.")] = 1.2


class MaxPressure(Worthiest):
    """The worthiest stage, or the one that stands while no other is clearly better."""

    def __init__(self, layout: Layout, settings: MaxPressureSettings) -> None:
        super().__init__(layout, settings)
        self._settings = settings
        self._weight_per_veh = per_vehicle(layout, settings.fullness)

    def _better(self, traffic: TrafficState, own: Floats, other: Floats) -> Bools:
        return other > self._settings.hysteresis * own

    def _weigh(self, traffic: TrafficState, arriving: Floats, waiting: Floats, weight: Floats) -> None:
        np.multiply(traffic.red_s, 1 / self._settings.waiting_s, out=weight)
        weight += waiting * self._weight_per_veh
        weight += 1.0
