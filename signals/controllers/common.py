"""What several strategies need: interstage times between stages, and decisions that keep the street as it is."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import ValidationError

from signals.errors import ConfigError
from signals.intersection import Frozen, first_error
from signals.sequencer import interstages_s as interstages_s
from signals.values import TRANSITION, Decision, Floats, Ints, TrafficState, some

Settings = TypeVar("Settings", bound=Frozen)


def stage_or_hold(traffic: TrafficState, stage: Ints, why: Ints, number: Floats, wording: tuple[str, ...]) -> Decision:
    """Ask for `stage` where one is confirmed, and hold in interstages; `wording[0]` must say that."""
    confirmed = traffic.stage != TRANSITION
    mode = confirmed.view(np.int8)  # Mode.GO is 1 and Mode.HOLD 0
    if some(~confirmed):
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
