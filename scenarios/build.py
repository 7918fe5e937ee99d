"""Own scenarios: text sources built with netconvert into the cache."""

from scenarios.sumo_cfg import OwnFiles
from signals.errors import ConfigError

OWN_SCENARIOS: dict[str, str] = {}


def built_files(name: str) -> OwnFiles:
    """Files of an own scenario, built on first use."""
    raise ConfigError(f"scenario '{name}' is unknown")
