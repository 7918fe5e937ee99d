"""What travels along the path, frozen. Arrays hold all junctions that one process serves.

Shapes use the letters of `signals.layout.Layout`: J junctions, N lane groups, S stages, P signal groups (each padded
to the largest junction), L loops (flat, over all junctions).

Named tuples, since five are made a tick and a frozen dataclass takes five times as long to make; `_replace` makes
another with some fields changed. Like all that holds arrays they are not compared with `==`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def some(mask: Bools) -> bool:
    """Whether any is true, in a fraction of the time that `mask.any()` takes."""
    return 1 in mask.tobytes()


def every(mask: Bools) -> bool:
    """Whether all are true, in a fraction of the time that `mask.all()` takes."""
    return 0 not in mask.tobytes()


TRANSITION = -1
"""In `Snapshot.stage`: no stage is confirmed (an interstage, a start-up, or a lost read-back)."""


class Mode(IntEnum):
    """What a command asks of a junction. `HOLD` and `RELEASE` are two things, so neither is a missing value."""

    HOLD = 0
    GO = 1
    RELEASE = 2


class Known(IntEnum):
    """How a quantity is known."""

    ASSUMED = 0
    INFERRED = 1
    MEASURED = 2


class Estimate(NamedTuple):
    """A quantity of every lane group [J, N], its standard deviation, and how it is `Known`."""

    value: Floats
    sd: Floats
    known: NDArray[np.int8]


class Snapshot(NamedTuple):
    """What the plant says of itself and of its loops at `time_s`, and nothing that a street could not say.

    volume_veh [L]: vehicles that came onto the loop since the snapshot before; occupancy [L]: 0-1, share of that time
    covered (at `time_s` where the plant samples); presence [L]: covered at `time_s`; healthy [L]: the plant has no
    fault on it.
    stage [J]: confirmed by read-back, or `TRANSITION`; aspects [J, P]: `Aspect` values read back (`UNKNOWN` when the
    read-back was lost); local [J]: the plant follows its own plan; calls [J, P]: latched pedestrian and bicycle calls.
    """

    time_s: float
    volume_veh: Floats
    occupancy: Floats
    presence: Bools
    healthy: Bools
    stage: Ints
    aspects: NDArray[np.int8]
    local: Bools
    calls: Bools


class NeighbourMessage(NamedTuple):
    """What junctions tell each other, all at once: one entry a junction and lane group, [J, N].

    discharge_veh_per_h: expected to leave by this lane group; queue_veh and room_veh: on its approach lanes.
    """

    time_s: float
    discharge_veh_per_h: Floats
    queue_veh: Floats
    room_veh: Floats


class TrafficState(NamedTuple):
    """What is believed of the traffic, from loops and neighbours alone.

    stage [J] (confirmed, or `TRANSITION`), last_stage [J] (the last one confirmed), elapsed_green_s [J] (of the
    confirmed stage), red_s [J, N] (since the lane group was last green, while it has a call), eligible [J, S] (the
    action mask), calls [J, N] (somebody waits or comes), gap_s [J, N] (since the last detection),
    queue_veh [J, N] (standing or moving up in the queue, beyond the advance loop too), known [J, N] (how the queue is
    known), arrival_flow_veh_per_h [J, N], occupancy [J, N] (stop line, 0-1), exit_room_veh [J, N] (room at the exits of
    the lane group, infinity where nothing is known), blocked [J, N] (green, standing, and discharging nothing),
    approaching_veh [J, N] (past the advance loop, not yet at the back of the queue), arrived_veh [J, N] (vehicles that
    have come past 150 m before the stop line, or onto the lanes where these are shorter, since the estimator began).
    """

    time_s: float
    stage: Ints
    last_stage: Ints
    elapsed_green_s: Floats
    red_s: Floats
    eligible: Bools
    calls: Bools
    gap_s: Floats
    queue_veh: Floats
    known: NDArray[np.int8]
    arrival_flow_veh_per_h: Floats
    occupancy: Floats
    exit_room_veh: Floats
    blocked: Bools
    approaching_veh: Floats
    arrived_veh: Floats


class Outlook(NamedTuple):
    """What changes slowly or is asked for seldom: every quantity of the lane groups with how well it is known.

    expected_veh_60s: will reach the stop line within the next 60 s at free speed; queue_m: its length, lanes alike;
    degree_of_saturation: arrival flow over saturation flow and effective green share (HCM v/c), infinity where there
    was no green; turning_share: part of the approach's arrivals that the lane group has.
    """

    time_s: float
    arrival_flow_veh_per_h: Estimate
    expected_veh_60s: Estimate
    queue_veh: Estimate
    queue_m: Estimate
    saturation_flow_veh_per_h: Estimate
    startup_lost_s: Estimate
    degree_of_saturation: Estimate
    turning_share: Estimate


class Decision(NamedTuple):
    """A wish for every junction: a stage [J] and a mode [J], and why.

    `why` holds one row of `wording` a junction and `number` its figure; the sentence is built when someone reads it.
    """

    time_s: float
    mode: NDArray[np.int8]
    stage: Ints
    why: Ints
    number: Floats
    wording: tuple[str, ...]

    def reason(self, junction: int) -> str:
        """The reason for one junction, in one clause."""
        return self.wording[int(self.why[junction])].format(
            stage=int(self.stage[junction]), number=float(self.number[junction])
        )


class Command(NamedTuple):
    """What may be done: the interlock's answer. After `expires_s` the plant returns to its own plan.

    mode, stage [J]; refusal [J]: index into `wording`, 0 where the wish was granted.
    """

    time_s: float
    expires_s: float
    mode: NDArray[np.int8]
    stage: Ints
    refusal: Ints
    wording: tuple[str, ...]

    def granted(self, junction: int) -> bool:
        """Whether the wish for this junction was passed on as it was."""
        return bool(self.refusal[junction] == 0)

    def reason(self, junction: int) -> str:
        """Why the wish for this junction was refused, or "granted"."""
        return self.wording[int(self.refusal[junction])]


class Record(NamedTuple):
    """One tick, whole: what was read, believed, wished and permitted. Rows are made of it when someone reads it."""

    snapshot: Snapshot
    traffic: TrafficState
    decision: Decision
    command: Command
