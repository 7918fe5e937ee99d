"""SUMO's command-line tools (netconvert, duarouter), run from the installed wheel."""

import os
import subprocess
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


def run_tool(tool: str, *arguments: str | Path, subject: str) -> None:
    """Run one tool to its end; its first error line becomes the ConfigError, which `subject` opens."""
    home = package_folder("sumo", "eclipse-sumo")
    environment = {**os.environ, "SUMO_HOME": str(home), "LC_ALL": "C"}
    command = [str(home / "bin" / tool), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith("Error")), lines[0] if lines else "no message")
        raise ConfigError(f"{subject}: {tool} ended with status {done.returncode}: {reason.removeprefix('Error: ')}")
