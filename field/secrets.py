"""Secrets of a site: from a file that only its owner can read, or from the environment; never shown, never logged."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

from pydantic import SecretStr, ValidationError

from signals.errors import ConfigError
from signals.intersection import Frozen

PREFIX = "ADAPTIVE_SIGNALS_"


class Secrets(Frozen):
    """What a site may need; a field that is not asked for stays empty."""

    community: SecretStr = SecretStr("")
    authentication_key: SecretStr = SecretStr("")
    privacy_key: SecretStr = SecretStr("")
    password: SecretStr = SecretStr("")
    page_token: SecretStr = SecretStr("")


def load_secrets(file: Path | None) -> Secrets:
    """From the file's TOML, or from ADAPTIVE_SIGNALS_COMMUNITY and the like. Raises `ConfigError` without a value."""
    if file is None:
        found = {name: os.environ.get(PREFIX + name.upper(), "") for name in Secrets.model_fields}
        return Secrets.model_validate(found)
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise ConfigError(f"{file}: mode is {mode:04o}, must be 0600: others could read its secrets")
        return Secrets.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigError(f"{file}: is not TOML") from None
    except ValidationError as error:  # its own text would show the value
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ConfigError(f"{file}: {where}: {error.errors()[0]['msg']}") from None


def required(secrets: Secrets, name: str, whence: Path | None) -> bytes:
    """One secret as bytes. Raises `ConfigError` where it is missing."""
    value: str = getattr(secrets, name).get_secret_value()
    if not value:
        place = f"{whence}: {name}" if whence else f"environment: {PREFIX}{name.upper()}"
        raise ConfigError(f"{place}: is missing, must be given")
    return value.encode()
