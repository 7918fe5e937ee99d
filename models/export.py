"""From torch to the street: arrays and a manifest, and the proof that both decide alike."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.network import StageScores
from signals.controllers.learned import FORMAT, MANIFEST_FILE, POLICY_FILE, Policy, load
from signals.features import FEATURES
from simulation.practice import Terms

PARITY = 1e-5
"""The largest difference of a score between torch and numpy that is put down to rounding."""


def export(scores: StageScores, folder: Path, terms: Terms, training: dict[str, Any]) -> Policy:
    """Write the policy's two files and read them back, as the street will."""
    content = _npz(weights(scores))
    manifest = {
        "format": FORMAT,
        "features": list(FEATURES),
        "hidden": scores.compare.out_features,
        "decision_s": terms.decision_s,
        "minimum_green_s": terms.minimum_green_s,
        "policy_sha256": hashlib.sha256(content).hexdigest(),
        "training": training,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / POLICY_FILE).write_bytes(content)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return load(folder)


def weights(scores: StageScores) -> dict[str, NDArray[np.float32]]:
    """The network's arrays under the names of `Policy`, in rows of inputs."""
    compare = scores.compare.weight.T
    hidden = scores.compare.out_features
    tensors = {
        "embed_weight": scores.embed.weight.T,
        "embed_bias": scores.embed.bias,
        "compare_own_weight": compare[:hidden],
        "compare_rivals_weight": compare[hidden:],
        "compare_bias": scores.compare.bias,
        "score_weight": scores.score.weight[0],
        "score_bias": scores.score.bias[0],
    }
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _npz(arrays: dict[str, NDArray[np.float32]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def largest_difference(scores: StageScores, policy: Policy, features: NDArray[np.float32]) -> float:
    """Between torch's and numpy's scores of recorded observations [B, S, F], over the stages that exist."""
    exists = features[:, :, list(FEATURES).index("exists")] > 0
    with torch.no_grad():
        theirs = scores(torch.as_tensor(features)).cpu().numpy()
    ours = policy.scores(features.astype(np.float64), exists)
    return float(np.abs(theirs - ours)[exists].max(initial=0.0))
