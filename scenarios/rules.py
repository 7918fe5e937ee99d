"""By which rules a scenario is played: those of our comparison, or those that published figures were made by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """How demand becomes vehicles, which of them count until when, and how long yellow is."""

    as_written: bool = False
    """Every draw is the demand as its author wrote it: no copies, no shifts, and no other multiple than 1."""
    warm_up_s: float = 600.0
    drain_s: float = 3600.0
    yellow_s: float | None = None
    """Between all stages, and nothing after it; None leaves each network its own clearances."""


OURS = Rules()


def resco(name: str) -> Rules:
    """RESCO's own (Ault & Sharon 2021): an hour as it is written, all its vehicles, 3 s of yellow or, on one map, 2."""
    return Rules(as_written=True, warm_up_s=0.0, drain_s=0.0, yellow_s=2.0 if name == "arterial4x4" else 3.0)
