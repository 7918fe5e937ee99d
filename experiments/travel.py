"""A case sent to another machine: what goes with it, what must be the same there, and what comes back.

The controller's own file goes along, and logs that the case writes come back. Everything else is looked for at the same
place there and compared by digest, so that a row is made from equal files by equal code, wherever it is made.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from experiments import provenance
from experiments.case import Case, split_name
from experiments.store import one_line
from experiments.worker import Done, Failed
from scenarios.cache import cache_dir
from signals.controllers import file_of
from signals.controllers.learned import MANIFEST_FILE, POLICY_FILE
from signals.errors import ConfigError

SOURCES = ("signals", "scenarios", "simulation", "experiments", "models")
LEARNING = ("torch", "stable-baselines3", "sb3-contrib", "gymnasium", "optuna")
LOGS = {"event_logs": "event_log", "path_files": "paths"}
"""Fields of a case that name a folder, and the property that names the file in it."""


@dataclass(frozen=True)
class Order:
    """Work for another machine: a `Case`, or something else with `scenarios`, for the function "module:function".

    files: the controller's own, by name; inputs: digests by scenario; here: `surroundings` of who orders.
    """

    what: Any
    run: str
    files: Mapping[str, bytes]
    inputs: Mapping[str, str]
    folder: str
    here: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """How it ended there. `logs`: whole files by the field that named their folder, the case's main one last."""

    result: Done | Failed
    log: str
    logs: tuple[tuple[str, str, bytes], ...] = ()


@cache
def surroundings() -> dict[str, str]:
    """What must be the same on every machine: not only code and versions, also paths.

    Orders inside SUMO follow addresses in memory, and the length of a path may change those (decision 0003).
    """
    packages = {name: _version(name) for name in LEARNING}
    return {
        "checkout": str(provenance.ROOT),
        "source": provenance.source_digest(SOURCES)[:16],
        "cache (ADAPTIVE_SIGNALS_CACHE)": str(cache_dir()),
        "temporary folder (TMPDIR)": tempfile.gettempdir(),
        **provenance.versions(),
        **packages,
    }


def order(what: Any, run: str) -> Order:
    """As it is sent from here. Raises `ConfigError` where a file of it cannot be read."""
    files = _files(what.controller) if isinstance(what, Case) else {}
    return Order(what, run, files, _inputs(what), str(Path.cwd()), surroundings())


def check_same(wanted: Order) -> None:
    """Raise `ConfigError` where this machine would make something else of it than the one that ordered."""
    there = surroundings()
    for name, here in wanted.here.items():
        if there.get(name) != here:
            raise ConfigError(f"{name} is {there.get(name)}, must be {here} as where the command was typed")
    try:
        os.chdir(wanted.folder)
    except OSError as error:
        raise ConfigError(f"{wanted.folder}: {error.strerror}; must be there as where the command was typed") from error
    for name, digest in _inputs(wanted.what).items():
        if digest != wanted.inputs[name]:
            raise ConfigError(f"scenario {name}: its files differ from those where the command was typed")


def unpacked(wanted: Order, work: Path) -> Any:
    """What is ordered, with its files and its logs in `work`."""
    if not isinstance(wanted.what, Case):
        return wanted.what
    case: Case = wanted.what
    moved: dict[str, Any] = {field: work / field for field in LOGS if getattr(case, field)}
    if not wanted.files:
        return replace(case, **moved)
    name, file = split_name(case.controller)
    place = work / Path(file or "").name
    for each, content in wanted.files.items():
        target = place / each if name == "learned" else place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return replace(case, controller=f"{name}:{place}", **moved)


def packed(wanted: Order, moved: Any, result: Done | Failed, log: str) -> Answer:
    """What goes back, named as if it had been made where it was ordered."""
    case = wanted.what
    if not isinstance(case, Case):
        return Answer(result, log)
    if isinstance(result, Done) and "controller" in result.row:
        result = Done(result.row | {"controller": case.controller})
    return Answer(result, log, tuple(_logs(case, moved)))


def put_away(what: Any, answer: Answer) -> None:
    """Write the logs of a case where they were wanted, each whole or not at all."""
    for field, name, content in answer.logs:
        file = getattr(what, field) / Path(name).name
        part = file.with_name(f".{name}.part")
        with one_line(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(file)


def _logs(case: Case, moved: Case) -> Iterator[tuple[str, str, bytes]]:
    for field, main in LOGS.items():
        folder, there, here = getattr(moved, field), getattr(moved, main), getattr(case, main)
        files = sorted(folder.iterdir()) if folder and folder.is_dir() else []
        for file in sorted(files, key=lambda each: each == there):
            yield field, here.stem + file.name.removeprefix(there.stem), file.read_bytes()


def _inputs(what: Any) -> dict[str, str]:
    if isinstance(what, Case):
        return {what.scenario: provenance.scenario_digest(what.scenario, what.override_files)}
    return {name: provenance.scenario_digest(name, ()) for name in what.scenarios}


def _files(controller: str) -> dict[str, bytes]:
    name, file = split_name(controller)
    path = file_of(name, file)
    if path is None:
        return {}
    wanted = [path / POLICY_FILE, path / MANIFEST_FILE] if name == "learned" else [path]
    with one_line(path):
        return {each.name: each.read_bytes() for each in wanted}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
