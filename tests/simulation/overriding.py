"""Networks with an override laid over them, written as an engineer types it."""

from pathlib import Path

import pytest

from scenarios.catalogue import find
from signals.errors import ConfigError
from signals.intersection import Intersection
from simulation.network import Network
from simulation.overrides import read_network


def overridden(folder: Path, text: str, name: str = "single") -> Network:
    """The network of a scenario with one file of overrides."""
    file = folder / "street.toml"
    file.write_text(text, encoding="utf-8")
    scenario = find(name)
    read_network.cache_clear()  # a file that has changed is another run
    return read_network(scenario.net_file, scenario.additional_files, (file,))


def junction(folder: Path, text: str) -> Intersection:
    return overridden(folder, text).intersections[0]


def refused(folder: Path, text: str, name: str = "single") -> str:
    """The one line that names the file and what is wrong."""
    with pytest.raises(ConfigError) as refusal:
        overridden(folder, text, name)
    line = str(refusal.value)
    assert "\n" not in line
    assert line.startswith(str(folder / "street.toml"))
    return line
