"""`generated:SEED`: a place that nobody built, with its traffic, the same for the same seed; to train policies on."""

from __future__ import annotations

from pathlib import Path

from scenarios.build import SOURCES, write_place
from scenarios.cache import combined_digest, file_digest, kept_folder
from scenarios.random_demand import random_demand
from scenarios.random_streets import random_place
from scenarios.sumo_cfg import OwnFiles
from scenarios.sumo_tools import sumo_version
from signals.errors import ConfigError

PREFIX = "generated:"
SEEDS = 1_000_000
BUILDERS = (
    "build.py",
    "place.py",
    "plain_xml.py",
    "generated.py",
    "random_streets.py",
    "random_demand.py",
)


def generated(name: str) -> tuple[str, OwnFiles]:
    """Title and files of `generated:SEED`, built on first use and again whenever this code or SUMO change."""
    seed = _seed(name)
    digest = combined_digest([sumo_version(), *(file_digest(SOURCES / file) for file in BUILDERS)])
    folder = kept_folder(f"scenarios/generated-{seed}-{digest[:16]}", lambda work: _build(seed, work))
    place = random_place(seed)
    files = OwnFiles(folder / "generated.net.xml", (folder / "generated.rou.xml",), (), place.begin_s, place.end_s)
    return place.title, files


def _seed(name: str) -> int:
    text = name.removeprefix(PREFIX)
    if not (text.isascii() and text.isdigit() and int(text) < SEEDS):
        raise ConfigError(f"scenario '{name}': seed = {text}, must be a whole number from 0 to {SEEDS - 1}")
    return int(text)


def _build(seed: int, folder: Path) -> None:
    place, table = random_demand(random_place(seed), seed)
    (folder / "demand.csv").write_text(table, encoding="utf-8")
    write_place("generated", place, folder / "demand.csv", folder)
