"""A street to practise on: the loop of the field, with decisions that are handed in and rewards that are paid out.

A decision stands for `decision_s`. The loop ticks every `tick_s` in between and holds, as `learned` does in the street,
so that a policy sees in training what it will see there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from signals.controllers.choices import Choices
from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.layout import Layout, layout
from signals.loop import Loop
from signals.safety import Interlock
from signals.values import TRANSITION, Decision, Floats, Ints, Mode, Record, TrafficState
from simulation.faults import FaultRates, Faults, FaultyPlant
from simulation.rewards import COSTS, Reward
from simulation.street import Demand, Place, Street

WORDING = ("interstage", "agent: stage {number:.0f}", "agent: stage {number:.0f} is not eligible, held", "held")
NO_FAULTS = FaultRates()
INTERSTAGE, ASKED, INELIGIBLE, HELD = range(4)


@dataclass(frozen=True)
class Terms:
    """What a decision is: how long it stands, how often the loop ticks, the shortest green, and what is paid for."""

    decision_s: float = 5.0
    tick_s: float = 1.0
    minimum_green_s: float = 8.0
    reward: str = "waiting"

    def __post_init__(self) -> None:
        if self.reward not in COSTS:
            raise ConfigError(f"reward = {self.reward}, must be one of {', '.join(COSTS)}")
        if not 0 < self.tick_s <= self.decision_s or self.decision_s % self.tick_s:
            raise ConfigError(f"decision_s = {self.decision_s:g}, must be a multiple of tick_s = {self.tick_s:g}")

    @property
    def ticks(self) -> int:
        """Ticks that a decision stands for."""
        return round(self.decision_s / self.tick_s)


class Practice:
    """All junctions of one place, one demand after another. `begin`, then `act` until it is over."""

    def __init__(self, place: Place, demand: Callable[[int], Demand], terms: Terms) -> None:
        self.layout: Layout = layout(place.network.intersections)
        if not self.layout.intersections:
            raise ConfigError(f"{place.net_file}: 0 junctions can be controlled, training needs at least 1")
        self._place, self._demand, self._terms = place, demand, terms
        self._choices = Choices(self.layout, terms.minimum_green_s)
        self._street: Street | None = None

    def begin(
        self,
        draw: int,
        begin_s: float | None = None,
        end_s: float | None = None,
        faults: FaultRates = NO_FAULTS,
    ) -> TrafficState:
        """Open the street under a draw of its demand, for a part of its window or for all of it, and look.

        Which loops have `faults` is the draw's.
        """
        self.close()
        demand, place = self._demand(draw), self._place
        self._end_s = place.end_s if end_s is None else end_s
        place = replace(place, begin_s=place.begin_s if begin_s is None else begin_s, end_s=self._end_s)
        self._street = street = Street(place, demand, seed=draw, outputs=False)
        estimator, interlock = FlowEstimator(self.layout), Interlock(self.layout)
        broken = FaultyPlant(street.plant, Faults(self.layout, faults, seed=draw)) if str(faults) else street.plant
        self._loop = Loop(broken, estimator, Hold(), interlock)
        self._reward = Reward(street.sumo, street.network, demand.vehicles.edges, self._terms.reward)
        return self._choices.narrow(self._loop.observe())

    def act(self, decision: Decision) -> tuple[TrafficState, Floats, bool, Record]:
        """Act on what was last seen and let it stand: what is seen then, the reward [J], whether it is over."""
        if self._street is None:
            raise RuntimeError("act before begin: there is no street")
        record = self._loop.act(decision)
        for _ in range(self._terms.ticks - 1):
            self._pass(self._street)
            self._loop.tick()
        self._pass(self._street)
        traffic = self._choices.narrow(self._loop.observe())
        return traffic, self._reward.settle(), traffic.time_s >= self._end_s, record

    def _pass(self, street: Street) -> None:
        street.sumo.step_to(street.sumo.time_s + self._terms.tick_s)
        self._reward.sample()

    def close(self) -> None:
        """Close the street, if one is open."""
        if self._street is not None:
            self._street.close()
            self._street = None


class Hold:
    """Keeps what stands; the controller between two decisions that are handed in."""

    def decide(self, traffic: TrafficState) -> Decision:
        """Hold."""
        junctions = traffic.stage.size
        mode, why = np.full(junctions, Mode.HOLD, np.int8), np.full(junctions, HELD)
        return Decision(traffic.time_s, mode, traffic.last_stage, why, np.zeros(junctions), WORDING)


def handed_in(traffic: TrafficState, stage: Ints) -> Decision:
    """An agent's wish [J] as a decision; what is not eligible is held, with the reason."""
    eligible = traffic.eligible[np.arange(stage.size), stage]
    confirmed = traffic.stage != TRANSITION
    why = np.where(eligible, ASKED, INELIGIBLE)
    why = np.where(confirmed, why, INTERSTAGE)
    asked = why == ASKED
    mode = np.where(asked, np.int8(Mode.GO), np.int8(Mode.HOLD))
    return Decision(traffic.time_s, mode, np.where(asked, stage, traffic.last_stage), why, stage.astype(float), WORDING)
