"""What a training does beside learning: show how far it is, save and evaluate, and heed Ctrl-C."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from typing import Self

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from experiments.console import bar
from models.checkpoints import TrainingFolder

SHOWN_EVERY = 20
RECENT = 500

Evaluate = Callable[[], str]


class Watch(BaseCallback):
    """Ends the training early when `stops` has something; as a context manager it shows the bar.

    evaluate: told of each checkpoint, says in words what it is worth.
    """

    def __init__(
        self,
        folder: TrainingFolder,
        checkpoint_steps: int,
        begun: int,
        steps: int,
        stops: list[int],
        evaluate: Evaluate | None = None,
    ) -> None:
        super().__init__()
        self._folder, self._every, self._steps, self._stops = folder, checkpoint_steps, steps, stops
        self._evaluate = evaluate
        self._paid: deque[float] = deque(maxlen=RECENT)
        self._saved = begun if begun or evaluate is None else -checkpoint_steps  # what it begins with is evaluated too
        self._progress = bar(speed_over_s=600.0)
        self._task = self._progress.add_task("decisions", total=steps, completed=begun)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _on_rollout_start(self) -> None:
        """Between two updates the learner is whole."""
        if self.num_timesteps - self._saved >= self._every:
            self.save()

    def _on_step(self) -> bool:
        self._paid.append(float(np.mean(self.locals["rewards"])))
        if self.n_calls % SHOWN_EVERY == 0:
            self._show()
        return not self._stops

    def _show(self) -> str:
        done = f"decisions {self.num_timesteps}/{self._steps}, reward {np.mean(self._paid or [0.0]):.3f}"
        self._progress.update(self._task, completed=self.num_timesteps, description=done)
        return done

    def save(self) -> None:
        """Keep a checkpoint, evaluate it unless we are to stop, and say so."""
        path = self._folder.save(self.model)
        self._saved = self.num_timesteps
        said = f"{self._show()}: saved {path.name}"
        if self._evaluate and not self._stops:
            try:
                said += f", {self._evaluate()}"
            except KeyboardInterrupt:
                self._stops.append(signal.SIGINT)
        self._progress.console.print(said, markup=False)
