"""The house keeps its own rules: pins, imports, and messages to whoever installs it."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("signals", "formats", "scenarios", "simulation", "experiments", "models", "field", "reports")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = [*PROJECT["dependencies"], *(pin for extra in PROJECT["optional-dependencies"].values() for pin in extra)]
NAMES = {pin.split("==")[0] for pin in PINS}
INSTALLED_AS = {
    "paho": "paho-mqtt",
    "prometheus_client": "prometheus-client",
    "sumo": "eclipse-sumo",
    "sumo_rl": "sumo-rl",
    "stable_baselines3": "stable-baselines3",
    "sb3_contrib": "sb3-contrib",
}
DOORS = {
    "train.py": {"field", "reports"},
    "evaluate.py": {"field", "models", "torch", "stable_baselines3", "sb3_contrib", "libsumo", "traci"},
    "control.py": {"models", "experiments", "torch", "stable_baselines3", "sb3_contrib", "libsumo", "traci"},
}


def imports(file: Path) -> Iterator[str]:
    """Every module that the file names in an import, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and the contract, to break."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_pin_is_exact():
    """The same checkout installs the same versions next year."""
    assert [pin for pin in PINS if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin)] == []


def test_every_pin_is_in_the_lock():
    """requirements.lock was renewed when pyproject.toml changed."""
    lock = {
        line.lower().replace("_", "-") for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    }
    assert [pin for pin in PINS if pin not in lock] == []


def test_torch_is_the_agreed_one():
    assert "torch==2.13.0" in PROJECT["optional-dependencies"]["train"]


def test_every_imported_package_is_pinned():
    """Nobody leans on what another package happens to bring along."""
    files = [*sources(*PACKAGES, "benchmarks", "tests", "tools"), *ROOT.glob("*.py")]
    roots = {name.split(".")[0] for file in files for name in imports(file)}
    own = {*PACKAGES, "benchmarks", "tests", "tools", *(file.stem for file in ROOT.glob("*.py"))}
    foreign = roots - own - set(sys.stdlib_module_names)
    assert {name for name in foreign if INSTALLED_AS.get(name, name) not in NAMES} == set()


def test_import_contract_is_kept():
    """The arrows of CONTRIBUTING.md hold."""
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("signals/errors.py", "import scenarios"),
        ("signals/errors.py", "import pandas"),
        ("signals/safety.py", "import signals.sequencer"),
        ("formats/__init__.py", "import signals"),
        ("scenarios/__init__.py", "import simulation"),
        ("simulation/__init__.py", "import libsumo"),
        ("simulation/__init__.py", "import experiments"),
        ("experiments/__init__.py", "import torch"),
        ("experiments/__init__.py", "import reports"),
        ("reports/__init__.py", "import models"),
        ("field/__init__.py", "import simulation"),
        ("field/__init__.py", "import gymnasium"),
    ],
)
def test_import_contract_notices_a_breach(copy: Path, file: str, line: str):
    """An arrow the wrong way fails the check and is named."""
    source = copy / file
    source.write_text(source.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    result = lint_imports(copy)
    assert result.returncode != 0
    assert (
        f"{file.removesuffix('.py').replace('/__init__', '').replace('/', '.')} -> {line.split()[1]}" in result.stdout
    )


@pytest.mark.parametrize("door", DOORS)
def test_entry_points_open_only_their_own_rooms(door: str):
    """`evaluate.py` needs no torch, `control.py` no experiments, and only `simulation/sumo.py` talks to SUMO."""
    assert {name.split(".")[0] for name in imports(ROOT / door)} & DOORS[door] == set()


def test_nothing_is_unpickled_in_the_street():
    """A policy or site file cannot carry code into the cabinet."""
    unsafe = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
    assert {
        str(file) for file in sources("signals", "field") if {name.split(".")[0] for name in imports(file)} & unsafe
    } == set()
    assert [
        str(file) for file in sources("signals", "field") if "allow_pickle=True" in file.read_text(encoding="utf-8")
    ] == []


def pretend_python(folder: Path, name: str, version: str, has_venv: bool) -> None:
    """Answers the questions that tools/find_python.sh asks, as a Python of that version would."""
    new_enough = tuple(int(part) for part in version.split(".")) >= (3, 11)
    script = f"""#!/bin/sh
case "$2" in
    *print*) echo {version} ;;
    *exit*) exit {0 if new_enough else 1} ;;
    *ensurepip*) exit {0 if has_venv else 1} ;;
esac
"""
    (folder / name).write_text(script, encoding="utf-8")
    (folder / name).chmod(0o755)


def make_install(folder: Path, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`make install` of a checkout without .venv, with only the programs in `path`."""
    (folder / "tools").mkdir()
    for name in (
        "Makefile",
        "pyproject.toml",
        "requirements.lock",
        *(f"tools/{tool.name}" for tool in (ROOT / "tools").iterdir() if tool.is_file()),
    ):
        shutil.copy(ROOT / name, folder / name)
    for program in ("sh", "touch"):
        (path / program).symlink_to(str(shutil.which(program)))
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environment = {**outside, "PATH": str(path), **variables}
    return subprocess.run(
        [str(shutil.which("make")), "install"], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("pythons", "said"),
    [
        (
            [("python3", "3.11", False)],
            "python3 has no venv: install Debian package python3-venv (sudo apt-get install python3-venv)",
        ),
        (
            [("python3", "3.9", True)],
            "python3 is Python 3.9, must be at least 3.11: install Debian package python3.11-venv or a newer one",
        ),
        (
            [("python3.12", "3.12", False)],
            "python3.12 has no venv: install Debian package python3.12-venv (sudo apt-get install python3.12-venv)",
        ),
        ([], "python3 is missing: install Debian package python3-venv (sudo apt-get install python3-venv)"),
    ],
)
def test_an_unusable_python_is_named_with_the_package_to_install(
    tmp_path: Path, pythons: list[tuple[str, str, bool]], said: str
):
    """One line and a failing status, before anything is made."""
    path = tmp_path / "bin"
    path.mkdir()
    for name, version, has_venv in pythons:
        pretend_python(path, name, version, has_venv)
    result = make_install(tmp_path, path)
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == said
    assert result.stdout == ""
    assert not (tmp_path / ".venv").exists()


def test_a_newer_python_beside_an_old_one_is_found(tmp_path: Path):
    """On a system whose python3 is too old, an installed python3.12 is used without being asked for."""
    path = tmp_path / "bin"
    path.mkdir()
    pretend_python(path, "python3", "3.10", True)
    pretend_python(path, "python3.12", "3.12", True)
    (path / "sh").symlink_to(str(shutil.which("sh")))
    result = subprocess.run(
        ["sh", str(ROOT / "tools/find_python.sh")], env={"PATH": str(path)}, capture_output=True, text=True
    )
    assert result.stdout.strip() == str(path / "python3.12")


def test_a_missing_program_is_named(needs_program, monkeypatch: pytest.MonkeyPatch):
    """Skipped by name at a desk, a failure where CI=true."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", "")
    with pytest.raises(
        pytest.skip.Exception, match="no-such-program is missing: install Debian package no-such-package"
    ):
        needs_program("no-such-program", package="no-such-package")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is missing"):
        needs_program("no-such-program", package="no-such-package")
    assert needs_program("sh", package="dash").name == "sh"
