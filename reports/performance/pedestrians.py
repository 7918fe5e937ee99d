"""Pedestrians' waits: from the first press of a button since the last flashing don't walk to the next walk."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reports.performance.measure_piece import Piece, Table

WALK, CLEARANCE, CALL, PRESS = 21, 22, 45, 90
PEDESTRIAN_CODES = (WALK, CLEARANCE, CALL, PRESS)


def pedestrian_rows(piece: "Piece") -> "Iterator[tuple[str, Table]]":
    """A row a walk; presses are button events where the device logs any for the phase, else its registered calls."""
    for phase in piece.events.parameters(WALK):
        walks, presses = piece.events.times(WALK, phase), piece.events.times(PRESS, phase)
        presses = presses if len(presses) else piece.events.times(CALL, phase)
        ends = np.sort(np.concatenate([walks, piece.events.times(CLEARANCE, phase)]))
        since = np.append(-1, ends)[np.searchsorted(ends, walks)]
        first, after = np.searchsorted(presses, since), np.searchsorted(presses, walks, "right")
        called = np.append(presses, 0)[first]
        own = np.isin(walks, piece.own(walks))
        delay_s = np.where(after > first, (walks - called) / 1000.0, np.nan)[own]
        counts = (after - first)[own]
        yield (
            "pedestrians",
            {"phase": np.full(len(counts), phase), "begin_ms": walks[own], "presses": counts, "delay_s": delay_s},
        )
