"""A Python that can run sumo-rl: this one where it can, else one made for the benchmark in the cache folder."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

from scenarios.cache import kept_folder

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("eclipse-sumo", "libsumo", "sumo-rl", "sumolib", "traci")
IMPORTED = ("sumo_rl", "libsumo", "gymnasium", "pettingzoo", "PIL")


def pins() -> list[str]:
    """sumo-rl and SUMO, as pyproject.toml pins them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [pin for pin in project["optional-dependencies"]["sim"] if pin.split("==")[0] in PACKAGES]


def python() -> Path:
    """Raises `CalledProcessError` with pip's words where sumo-rl cannot be installed."""
    if all(importlib.util.find_spec(name) for name in IMPORTED):
        return Path(sys.executable)
    version = next(pin for pin in pins() if pin.startswith("sumo-rl"))
    return kept_folder(version.replace("==", "-") + "-environment", _make) / "bin" / "python"


def _make(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, text=True)
    options = ["--quiet", "--disable-pip-version-check", "--constraint", str(ROOT / "requirements.lock")]
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", *options, *pins()]
    subprocess.run(command, check=True, capture_output=True, text=True)
