"""Two junctions in a row for tests: what leaves the first, by either street, comes to the main street of the second."""

import numpy as np

from signals.intersection import Aspect, Intersection, Neighbour
from signals.layout import Layout, layout
from signals.values import Snapshot
from tests.signals.fakes import crossing

TRAVEL_S = 25.0
FIRST_MAIN, FIRST_SIDE, SECOND_MAIN, SECOND_SIDE = (0, 0), (0, 1), (1, 0), (1, 1)


def in_a_row() -> tuple[Intersection, Intersection]:
    """Junctions a and b."""
    onward = Neighbour(exit="a.out", intersection="b", approach="b.main", distance_m=350.0, travel_time_s=TRAVEL_S)
    return crossing("a").model_copy(update={"neighbours": (onward,)}), crossing("b")


def read(built: Layout, time_s: float, counted: tuple[int, ...] = (), covered: tuple[int, ...] = ()) -> Snapshot:
    """A snapshot in which the first stage of every junction is green; loops by position."""
    loops, junctions = len(built.loops), built.shape[0]
    volume, presence = np.zeros(loops), np.zeros(loops, bool)
    for loop in counted:
        volume[loop] += 1.0
    presence[list(covered)] = True
    return Snapshot(
        time_s=time_s,
        volume_veh=volume,
        occupancy=presence.astype(float),
        presence=presence,
        healthy=np.ones(loops, bool),
        stage=np.zeros(junctions, np.int64),
        aspects=np.full(built.has_head.shape, Aspect.RED, np.int8),
        local=np.zeros(junctions, bool),
        calls=np.zeros(built.has_head.shape, bool),
    )


def stop_loop(built: Layout, cell: tuple[int, int]) -> int:
    """The stop-line loop of a lane group."""
    at = cell[0] * built.shape[1] + cell[1]
    return int(built.stop_loop[built.stop_cell == at][0])


def advance_loop(built: Layout, cell: tuple[int, int]) -> int:
    """Its advance loop."""
    at = cell[0] * built.shape[1] + cell[1]
    return int(built.advance_loop[built.advance_cell == at][0])


ROW = layout(in_a_row())
