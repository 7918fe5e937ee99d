"""A training's folder: its settings, and checkpoints from which it goes on.

OUT/settings.json       what is trained; a resumed run must ask for the same
OUT/rule.sha256         the `adaptive` that it is trained beside; a resumed run must have the same
OUT/checkpoints/*.zip   the learner's whole state by number of decisions; for training alone, never for the street
OUT/evaluations.csv     what checkpoints were worth on development draws
OUT/                    the best of them exported, to be run as learned:OUT
OUT/last/               the last one
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError
from stable_baselines3.common.base_class import BaseAlgorithm

from models.settings import MAY_CHANGE, TrainingSettings
from signals.controllers.rule import rule_digest
from signals.errors import ConfigError
from signals.intersection import first_error

LAST = "last"
NAME = re.compile(r"decisions-(\d+)\.zip")


class TrainingFolder:
    """Where a training writes; a checkpoint is there whole or not at all."""

    def __init__(self, out: Path) -> None:
        self.out, self._settings, self._checkpoints = out, out / "settings.json", out / "checkpoints"
        self._rule = out / "rule.sha256"

    def begin(self, settings: TrainingSettings, resume: bool) -> Path | None:
        """The checkpoint to go on from. Raises `ConfigError` where the folder holds another training, or none."""
        newest = self.newest()
        if resume:
            self._check_same(settings)
        elif newest is not None:
            raise ConfigError(f"{self.out}: holds a training already ({newest.name}); --resume goes on with it")
        try:
            self._checkpoints.mkdir(parents=True, exist_ok=True)
            self._settings.write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")
            self._rule.write_text(rule_digest() + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{self.out}: cannot be written: {error.strerror}") from error
        return newest

    def _check_same(self, settings: TrainingSettings) -> None:
        try:
            before = TrainingSettings.model_validate_json(self._settings.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{self._settings}: {error.strerror}; there is no training to resume") from error
        except ValidationError as error:
            raise ConfigError(f"{self._settings}: {first_error(error)}") from error
        for name in TrainingSettings.model_fields.keys() - set(MAY_CHANGE):
            now, then = getattr(settings, name), getattr(before, name)
            if now != then:
                raise ConfigError(f"{self.out}: was trained with {name} = {then}, not {now}; resume it as it was")
        self._check_same_rule()

    def _check_same_rule(self) -> None:
        """A training half beside one `adaptive` and half beside another would be exported as if of the second alone."""
        before = self._rule.read_text(encoding="utf-8").strip() if self._rule.is_file() else "unknown"
        if before != rule_digest():
            raise ConfigError(
                f"{self._rule}: trained beside another adaptive ({before:.12}, now {rule_digest():.12}); begin anew"
            )

    def newest(self) -> Path | None:
        """The checkpoint after the most decisions."""
        found = [(int(m[1]), path) for path in self._checkpoints.glob("*.zip") if (m := NAME.fullmatch(path.name))]
        return max(found)[1] if found else None

    def checkpoint(self, decisions: int) -> Path:
        """Where the learner is kept after so many decisions."""
        return self._checkpoints / f"decisions-{decisions:09d}.zip"

    def save(self, model: BaseAlgorithm) -> Path:
        """Keep the learner as it is."""
        path = self.checkpoint(model.num_timesteps)
        unfinished = path.with_suffix(".unfinished")
        try:
            with unfinished.open("wb") as stream:
                model.save(stream)
            unfinished.replace(path)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
        return path
