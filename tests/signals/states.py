"""Traffic states and policies written by hand."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from signals.layout import Layout
from signals.values import Known, TrafficState


def calm(layout: Layout, **changes: Any) -> TrafficState:
    """An empty street: everywhere the first stage, long past its minimum green; `changes` are fields of the state."""
    (j, n), s = layout.shape, layout.stages
    quiet = TrafficState(
        time_s=1000.0,
        stage=np.zeros(j, int),
        last_stage=np.zeros(j, int),
        elapsed_green_s=np.full(j, 30.0),
        red_s=np.zeros((j, n)),
        eligible=np.broadcast_to(layout.has_stage, (j, s)).copy(),
        calls=np.zeros((j, n), bool),
        gap_s=np.full((j, n), 60.0),
        queue_veh=np.zeros((j, n)),
        known=np.full((j, n), Known.MEASURED, np.int8),
        arrival_flow_veh_per_h=np.zeros((j, n)),
        occupancy=np.zeros((j, n)),
        exit_room_veh=np.full((j, n), np.inf),
        blocked=np.zeros((j, n), bool),
        approaching_veh=np.zeros((j, n)),
        arrived_veh=np.zeros((j, n)),
    )
    return quiet._replace(**changes)


def waiting(layout: Layout, queue_veh: list[list[float]], **changes: Any) -> TrafficState:
    """The same with queues, and calls where there is one."""
    queue = np.zeros(layout.shape)
    for row, of in enumerate(queue_veh):
        queue[row, : len(of)] = of
    return calm(layout, queue_veh=queue, calls=queue > 0, **changes)


def write_policy(folder: Path, names: tuple[str, ...], **changes: Any) -> Path:
    """A small policy that scores by its first feature alone; `changes` are arrays, or keys of the manifest."""
    hidden, features = 4, len(names)
    arrays: dict[str, Any] = {
        "embed_weight": np.zeros((features, hidden)),
        "embed_bias": np.zeros(hidden),
        "compare_own_weight": np.eye(hidden),
        "compare_rivals_weight": np.zeros((hidden, hidden)),
        "compare_bias": np.zeros(hidden),
        "score_weight": np.ones(hidden),
        "score_bias": np.zeros(()),
    }
    arrays["embed_weight"][0, 0] = 1.0
    arrays |= {name: array for name, array in changes.items() if isinstance(array, np.ndarray)}
    folder.mkdir(exist_ok=True)
    np.savez(folder / "policy.npz", **{name: array for name, array in arrays.items() if array.size})
    manifest = {
        "format": 1,
        "features": names,
        "hidden": hidden,
        "decision_s": 5.0,
        "minimum_green_s": 8.0,
        "policy_sha256": hashlib.sha256((folder / "policy.npz").read_bytes()).hexdigest(),
    }
    manifest |= {key: value for key, value in changes.items() if not isinstance(value, np.ndarray)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
