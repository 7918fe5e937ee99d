"""From torch to the street: arrays and a manifest, and the proof that both decide alike."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.network import EXISTS, StageScores
from signals.controllers.learned import FORMAT, MANIFEST_FILE, POLICY_FILE, RULE, Policy, load
from signals.controllers.rule import rule_digest
from signals.features import FEATURES
from simulation.practice import Terms

PARITY = 1e-5
"""The largest difference of a score between torch and numpy that is put down to rounding."""


def export(
    scores: StageScores, folder: Path, terms: Terms, training: dict[str, Any], features: Sequence[str] = tuple(FEATURES)
) -> Policy:
    """Write the policy's two files and read them back, as the street will."""
    content = _npz(weights(scores))
    manifest = {
        "format": FORMAT,
        "features": list(features),
        "hidden": scores.compare.out_features,
        "decision_s": terms.decision_s,
        "minimum_green_s": terms.minimum_green_s,
        "policy_sha256": hashlib.sha256(content).hexdigest(),
        "rule_sha256": rule_digest() if RULE in features else "",
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


def start_from(scores: StageScores, policy: Policy) -> None:
    """Give the network a policy's weights, the other way round than `weights`."""
    arrays = {
        "embed.weight": policy.embed_weight.T,
        "embed.bias": policy.embed_bias,
        "compare.weight": np.concatenate([policy.compare_own_weight, policy.compare_rivals_weight]).T,
        "compare.bias": policy.compare_bias,
        "score.weight": policy.score_weight[None],
        "score.bias": policy.score_bias[None],
    }
    scores.load_state_dict({name: torch.tensor(array, dtype=torch.float32) for name, array in arrays.items()})


def _npz(arrays: dict[str, NDArray[np.float32]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def largest_difference(scores: StageScores, policy: Policy, features: NDArray[np.float32]) -> float:
    """Between torch's and numpy's scores of recorded observations [B, S, F], over the stages that exist.

    Relative to the largest score where that is above 1: torch reckons in single precision.
    """
    exists = features[:, :, EXISTS] > 0
    with torch.no_grad():
        theirs = scores(torch.as_tensor(features)).cpu().numpy()
    ours = policy.scores(features.astype(np.float64), exists)
    largest = np.abs(ours)[exists].max(initial=1.0)
    return float(np.abs(theirs - ours)[exists].max(initial=0.0) / largest)
