"""One junction as a gymnasium environment, over the same `observe` and `act` as the street.

`reset` and `step` return what `observe` sees, `step` calls `act`: the action acts on the state that was seen. Where the
place has more junctions, the others are driven by a controller of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from signals.controllers.adaptive import Adaptive, AdaptiveSettings
from signals.errors import ConfigError
from signals.features import FEATURES, LIMIT, Encoder
from signals.layout import Layout
from signals.loop import Controller
from signals.values import Decision
from simulation.practice import WORDING, Practice, Terms, handed_in
from simulation.street import Demand, Place

Observation = NDArray[np.float32]


def adaptive(layout: Layout) -> Controller:
    """Who drives the other junctions unless somebody else is named."""
    return Adaptive(layout, AdaptiveSettings())


class JunctionEnv(gymnasium.Env[Observation, np.int64]):
    """Observation: all stages' features [S, F]; action: a stage; reward: see `simulation.rewards`.

    demand: makes the traffic of a draw; draws: those that episodes choose from; junction: its id, the first where none
    is named. An episode is the scenario's window, and is cut off, never lost or won. The action mask is in
    `action_masks()` and in `info`.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - gymnasium declares it so

    def __init__(
        self,
        place: Place,
        demand: Callable[[int], Demand],
        draws: Sequence[int],
        junction: str | None = None,
        terms: Terms | None = None,
        others: Callable[[Layout], Controller] = adaptive,
    ) -> None:
        self._practice = Practice(place, demand, terms or Terms())
        self._draws = tuple(draws)
        self._row = _row_of(self._practice.layout, junction)
        self._others = others(self._practice.layout)
        self._encoder = Encoder(self._practice.layout, adaptive(self._practice.layout))
        self._stages = len(self._practice.layout.intersections[self._row].stages)
        self.observation_space = spaces.Box(0.0, LIMIT, (self._stages, len(FEATURES)), np.float32)
        self.action_space = spaces.Discrete(self._stages)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Open the street under a draw; `options={"draw": n}` names it."""
        super().reset(seed=seed)
        draw = int((options or {}).get("draw", self.np_random.choice(self._draws)))
        self._traffic = self._practice.begin(draw)
        return self._observation(), self._info() | {"draw": draw}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Ask for a stage; one that is not eligible is held, and `info["reason"]` says so."""
        decision = self._decision(int(action))
        self._traffic, reward, over, record = self._practice.act(decision)
        refusal = {"reason": decision.reason(self._row), "command": record.command.reason(self._row)}
        return self._observation(), float(reward[self._row]), False, over, self._info() | refusal

    def action_masks(self) -> NDArray[np.bool_]:
        """The stages that are eligible now."""
        mask: NDArray[np.bool_] = self._traffic.eligible[self._row, : self._stages].copy()
        return mask

    def close(self) -> None:
        """Close the street."""
        self._practice.close()

    def _decision(self, stage: int) -> Decision:
        """Ours at our junction, the other controller's elsewhere."""
        others = self._others.decide(self._traffic)
        wish = self._traffic.last_stage.copy()
        wish[self._row] = stage
        ours, own = handed_in(self._traffic, wish), np.arange(wish.size) == self._row
        return Decision(
            ours.time_s,
            np.where(own, ours.mode, others.mode),
            np.where(own, ours.stage, others.stage),
            np.where(own, ours.why, others.why + len(WORDING)),
            np.where(own, ours.number, others.number),
            WORDING + others.wording,
        )

    def _observation(self) -> Observation:
        return self._encoder.encode(self._traffic)[self._row, : self._stages].astype(np.float32)

    def _info(self) -> dict[str, Any]:
        return {"time_s": self._traffic.time_s, "action_mask": self.action_masks()}


def _row_of(layout: Layout, junction: str | None) -> int:
    names = [i.id for i in layout.intersections]
    if junction is None:
        return 0
    if junction not in names:
        raise ConfigError(f"junction {junction}: not in the network, must be one of {', '.join(names)}")
    return names.index(junction)
