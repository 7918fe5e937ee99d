"""Two real data sets and an independent reader, in their own environment: `atspm` needs an older duckdb than ours."""

import subprocess
import sys
from pathlib import Path

from scenarios.cache import kept_folder

PACKAGES = ("atspm==2.6.1", "traffic-anomaly==2.5.4", "duckdb==1.5.6")
EVENTS, PLACES = "atspm/data/sample_raw_data.parquet", "atspm/data/sample_config.parquet"
COUNTS = "traffic_anomaly/data/sample_counts.parquet"


def python() -> Path:
    """Raises `CalledProcessError` with pip's words where the packages cannot be installed."""
    return kept_folder("-".join(PACKAGES).replace("==", "-") + "-environment", _make) / "bin" / "python"


def _make(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, text=True)
    command = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *PACKAGES,
    ]
    subprocess.run(command, check=True, capture_output=True, text=True)


def data(environment: Path, name: str) -> Path:
    """A file that one of the packages brings."""
    return next((environment.parent.parent / "lib").glob(f"python3*/site-packages/{name}"))
