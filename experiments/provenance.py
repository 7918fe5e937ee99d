"""What a result depends on: versions, the commit, and the digests that decide whether a finished case still holds."""

import subprocess
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from platform import python_version

from experiments.case import Case, split_name
from scenarios.cache import combined_digest, file_digest
from scenarios.catalogue import find
from signals.controllers import digest, file_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("eclipse-sumo", "libsumo", "numpy", "pandas", "duckdb")
CODE_OF_A_CASE = ("signals", "scenarios", "simulation", "experiments/case.py", "experiments/demand.py")


def versions() -> dict[str, str]:
    """Of ourselves, Python and the packages that shape a result."""
    return {"adaptive-signals": own_version(), "python": python_version()} | {name: _version(name) for name in PACKAGES}


def own_version() -> str:
    """From pyproject.toml: the application runs from its checkout and is never installed."""
    try:
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, KeyError):
        return "unknown"


def commit() -> str | None:
    """The checkout's commit, '+changes' where files differ from it; None in an archive or without git."""
    try:
        described = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


@cache
def code_digest() -> str:
    """Of the source that a case's row comes from, so that a resumed run never mixes in rows of older code."""
    return source_digest(CODE_OF_A_CASE)


def source_digest(names: Sequence[str]) -> str:
    """Of the Python files in these folders, and of these files."""
    files = sorted(path for name in names for path in _python_files(ROOT / name))
    return combined_digest(part for path in files for part in (str(path.relative_to(ROOT)), file_digest(path)))


def case_stamp(case: Case) -> str:
    """Digest of all that a case is made from: our code, SUMO, its scenario's files, its controller's file."""
    simulator = _version("eclipse-sumo"), _version("libsumo")
    inputs = scenario_digest(case.scenario, case.override_files), _settings_digest(case.controller)
    return combined_digest((code_digest(), *simulator, *inputs))


@cache
def scenario_digest(name: str, override_files: tuple[Path, ...]) -> str:
    """Of a scenario's files and window, and of what engineers override."""
    scenario = find(name)
    overrides = (*scenario.override_files, *override_files)
    files = scenario.net_file, *scenario.route_files, *scenario.additional_files, *overrides
    window = scenario.begin_s, scenario.end_s, scenario.step_length_s, *scenario.options, scenario.scale
    window = *window, scenario.rules
    return combined_digest((*(file_digest(path) for path in files), *(str(value) for value in window)))


@cache
def _settings_digest(controller: str) -> str:
    """Of the FILE in NAME:FILE, or of a policy's two files by its folder or its name."""
    name, file = split_name(controller)
    return "" if file is None else digest(name, file_of(name, file))


@cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _python_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else list(path.rglob("*.py"))
