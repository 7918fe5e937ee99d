"""Exports what a training has learned, with where it comes from."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO

from experiments import provenance
from experiments.case import place_of
from models.export import PARITY, export, largest_difference
from models.settings import TRAINING_DRAWS, TrainingSettings, terms_of
from scenarios.catalogue import find
from simulation.street import detector_digest

PACKAGES = ("torch", "stable-baselines3", "sb3-contrib", "gymnasium")


class Exporter:
    """Writes a learner's policy; what does not change during a training is looked up once."""

    def __init__(self, settings: TrainingSettings, command: str) -> None:
        self._settings = settings
        networks = {name: place_of(find(name)).network for name in settings.scenarios}
        self._facts = {
            "command": command,
            "commit": provenance.commit(),
            "versions": provenance.versions() | {name: version(name) for name in PACKAGES},
            "settings": settings.model_dump(mode="json"),
            "draws": list(TRAINING_DRAWS),
            "network_digests": {name: network.digest for name, network in networks.items()},
            "detector_digests": {name: detector_digest(network) for name, network in networks.items()},
        }

    def write(self, model: MaskablePPO, folder: Path, recorded: NDArray[np.float32] | None = None) -> None:
        """Write the policy's files, and refuse to have written what numpy scores otherwise than torch."""
        scores, settings = model.policy.scores, self._settings
        facts = self._facts | {"steps": model.num_timesteps}
        policy = export(scores, folder, terms_of(settings), facts, settings.features)
        differs = 0.0 if recorded is None else largest_difference(scores, policy, recorded)
        if differs > PARITY:
            raise RuntimeError(
                f"export: scores of torch and numpy differ by {differs:.1e}, must be at most {PARITY:.0e}"
            )
