"""What every test may rely on: its own cache folder, one thread, fixed seeds, and programs that are there or named."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

NeedsProgram = Callable[..., Path]
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
"""A machine of a Ray cluster: one core."""

settings.register_profile("house", derandomize=True, deadline=None, database=None)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Before the workers start, so that they share one cache, and never the user's."""
    if not hasattr(config, "workerinput"):
        os.environ["ADAPTIVE_SIGNALS_CACHE"] = tempfile.mkdtemp(prefix="adaptive-signals-cache-")
    os.environ["MPLBACKEND"] = "Agg"
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker a core is enough, and sums in one order
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # Ray listens on the network


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["ADAPTIVE_SIGNALS_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def needs_program() -> NeedsProgram:
    """`needs_program("mosquitto", package="mosquitto")` is its path; a missing one skips the test by name.

    With CI=true it fails instead, so that nothing goes untested unnoticed.
    """

    def find(program: str, *, package: str) -> Path:
        found = shutil.which(program) or (install_package(package) and shutil.which(program))
        if found:
            return Path(found)
        said = f"{program} is missing: install Debian package {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(said, pytrace=False)
        pytest.skip(said)

    return find


def install_package(package: str) -> bool:
    """Only root may; a lock held by another test's installation is waited for."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    return apt_get("install", package) or (apt_get("update") and apt_get("install", package))


def apt_get(*arguments: str) -> bool:
    command = ["apt-get", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True, timeout=600).returncode == 0


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A Ray cluster of two nodes, beside a head that runs nothing; who loses one adds another."""
    import ray
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0, "include_dashboard": False})
    made.add_node(**NODE)
    made.add_node(**NODE)
    yield made
    ray.shutdown()
    made.shutdown()
