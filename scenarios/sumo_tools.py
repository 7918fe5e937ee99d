"""SUMO's command-line tools (netconvert, duarouter, routeSampler.py), run from the installed wheel."""

import os
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from signals.errors import ConfigError


@cache
def package_folder(package: str, distribution: str) -> Path:
    """Folder of an installed package, found without importing it: both packages change the environment on import."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"the Python package {distribution} is not installed: pip install '.[sim]'")
    return Path(next(iter(spec.submodule_search_locations)))


@cache
def sumo_version() -> str:
    """Version of the installed SUMO wheel."""
    try:
        return version("eclipse-sumo")
    except PackageNotFoundError as error:
        raise ConfigError("the Python package eclipse-sumo is not installed: pip install '.[sim]'") from error


def run_tool(tool: str, *arguments: str | Path, subject: str) -> str:
    """Run one tool to its end and return what it warned of; its first error line becomes the ConfigError."""
    return _run([str(package_folder("sumo", "eclipse-sumo") / "bin" / tool), *map(str, arguments)], tool, subject)


def run_script(script: str, *arguments: str | Path, subject: str) -> str:
    """Run one of the wheel's Python tools (`tools/<script>`) with our Python, in one order of its sets and dicts."""
    path = package_folder("sumo", "eclipse-sumo") / "tools" / script
    return _run([sys.executable, str(path), *map(str, arguments)], script, subject)


def _run(command: list[str], tool: str, subject: str) -> str:
    home = package_folder("sumo", "eclipse-sumo")
    own = {"SUMO_HOME": str(home), "PROJ_DATA": str(home / "data" / "proj"), "LC_ALL": "C", "PYTHONHASHSEED": "0"}
    environment = {**os.environ, **own}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith("Error")), lines[-1] if lines else "no message")
        raise ConfigError(f"{subject}: {tool} ended with status {done.returncode}: {reason.removeprefix('Error: ')}")
    return done.stderr
