"""What several strategies need: interstage times between stages, and decisions that keep the street as it is."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import ValidationError

from signals.errors import ConfigError
from signals.intersection import Frozen, first_error
from signals.layout import Layout
from signals.sequencer import intervals_between
from signals.values import TRANSITION, Decision, Floats, Ints, Mode, TrafficState

Settings = TypeVar("Settings", bound=Frozen)


def interstages_s(layout: Layout) -> Floats:
    """How long it takes from each stage to each other, [J, S, S]; 0 from a stage to itself and in the padding."""
    junctions, stages = layout.has_stage.shape
    times_s = np.zeros((junctions, stages, stages))
    for row, intersection in enumerate(layout.intersections):
        for a, start in enumerate(intersection.stages):
            for b, end in enumerate(intersection.stages):
                if a != b:
                    times_s[row, a, b] = sum(i.duration_s for i in intervals_between(intersection, start, end))
    return times_s


def stage_or_hold(traffic: TrafficState, stage: Ints, why: Ints, number: Floats, wording: tuple[str, ...]) -> Decision:
    """Ask for `stage` where one is confirmed, and hold in interstages; `wording[0]` must say that."""
    confirmed = traffic.stage != TRANSITION
    mode = np.where(confirmed, np.int8(Mode.GO), np.int8(Mode.HOLD))
    if not confirmed.all():
        stage = np.where(confirmed, stage, traffic.last_stage)
        why = np.where(confirmed, why, 0)
    return Decision(traffic.time_s, mode, stage, why, number, wording)


def load_settings(kind: type[Settings], path: Path | None) -> Settings:
    """A controller's settings from TOML, or its defaults. Raises `ConfigError` naming the key, value and bound."""
    if path is None:
        return kind()
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_error(error)}") from error
