"""What may come over the broker, checked: JSON with a time, a sequence number and numbers within physical bounds.

A detector message: `{"time": UNIX_S, "sequence": N, "detectors": {"ID": {"on": true}}}`, or with
`{"volume": 2, "occupancy": 0.35}` of the time since the message before. A neighbour's: `{"time": …, "sequence": …,
"lane_groups": {"ID": {"discharge_veh_per_h": 300, "queue_veh": 2, "room_veh": 14}}}`.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError, model_validator

from signals.intersection import Frozen

LARGEST = 65_536
"""Bytes of a payload."""
MOST_VEH = 500
"""In one message; `field.mqtt.feed` asks besides whether a lane could pass them in the time."""


class Refusal(StrEnum):
    """Why a message was not taken. A fixed set, so that a hostile sender cannot fill the memory with reasons."""

    TOO_LARGE = "too large"
    NOT_JSON = "not JSON"
    MALFORMED = "malformed"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out of order"
    FUTURE = "from the future"
    OLD = "too old"
    UNKNOWN = "unknown detector"
    IMPOSSIBLE = "more than a lane can pass"


class Refused(ValueError):  # noqa: N818 - an outcome, not a fault
    """A message that is not taken, by its reason."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Strict(Frozen):
    """No text is a number here, and no number is a truth."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Finite = Annotated[float, Field(allow_inf_nan=False)]
UnixTime = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
Sequence = Annotated[int, Field(ge=0, le=2**53)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


class LoopMessage(_Strict):
    """One loop: covered or not now, or a count and an occupancy 0-1 of a period."""

    on: bool | None = None
    volume: Annotated[float, Field(ge=0, le=MOST_VEH, allow_inf_nan=False)] | None = None
    occupancy: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> LoopMessage:
        counted = self.volume is not None and self.occupancy is not None
        if (self.on is None) != counted or (self.on is not None and (self.volume or self.occupancy)):
            raise ValueError("must have `on`, or `volume` and `occupancy`")
        return self


class DetectorMessage(_Strict):
    """One source's loops at a time."""

    time: UnixTime
    sequence: Sequence
    detectors: Annotated[dict[Id, LoopMessage], Field(max_length=512)]


class LaneGroupMessage(_Strict):
    """What a neighbour tells of one lane group, as `signals.values.NeighbourMessage` has it."""

    discharge_veh_per_h: Annotated[float, Field(ge=0, le=20_000, allow_inf_nan=False)]
    queue_veh: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
    room_veh: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]


class JunctionMessage(_Strict):
    """One junction's word to its neighbours."""

    time: UnixTime
    sequence: Sequence
    lane_groups: Annotated[dict[Id, LaneGroupMessage], Field(max_length=512)]


Message = TypeVar("Message", DetectorMessage, JunctionMessage)


def parse(kind: type[Message], payload: bytes) -> Message:
    """A payload as a message of that kind. Raises `Refused`."""
    if len(payload) > LARGEST:
        raise Refused(Refusal.TOO_LARGE)
    try:
        row: Any = json.loads(payload, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(Refusal.NOT_JSON) from error
    try:
        return kind.model_validate(row)
    except (ValidationError, RecursionError) as error:
        raise Refused(Refusal.MALFORMED) from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
