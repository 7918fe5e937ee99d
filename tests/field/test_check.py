"""What `check` and `describe` say of a folder, and of a policy that was trained beside another rule."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

import control
from field.check import READY, REFUSED, check, check_sites
from field.site import Site
from signals.controllers import digest
from signals.errors import PlantError
from tests.field.ntcip.test_cabinet import Street
from tests.field.test_site import written
from tests.signals.states import write_policy


@pytest.fixture(autouse=True)
def street(monkeypatch: pytest.MonkeyPatch) -> Street:
    """Of every site but the one named silent."""
    street = Street()

    def connect(site: Site, *_: Any, **__: Any) -> Any:
        if site.name == "silent":
            raise PlantError("cabinet 127.0.0.1:10161: no answer in 1 s, 2 times")
        return street.cabinet

    monkeypatch.setattr("field.check.connect", connect)
    return street


def folder_of(tmp_path: Path, *names: str) -> Path:
    """Each site in a file of its own."""
    for name in names:
        file = written(tmp_path, ('name = "single"', f'name = "{name}"'))
        file.rename(file.with_name(f"{name}.toml"))
    return tmp_path


def test_a_folder_is_looked_over_site_by_site(tmp_path: Path, street: Street):
    """One that does not answer is told of, keeps no other from being looked over, and shows in the exit status."""
    console = Console(record=True, width=120)
    assert check_sites(folder_of(tmp_path, "silent", "west"), console) > REFUSED > READY
    told = console.export_text()
    assert "silent.toml: error: cabinet 127.0.0.1:10161: no answer" in told
    assert "site west: 1 of 12 keep it in shadow" in told
    assert street.unit.sets == []


def test_a_folder_is_described_site_by_site(tmp_path: Path):
    told = CliRunner().invoke(control.app, ["describe", str(folder_of(tmp_path, "east", "west"))]).stdout
    assert told.index("site east: junction J") < told.index("never written") < told.index("site west: junction J")


@pytest.mark.parametrize("command", ["check", "describe"])
def test_a_folder_without_a_site_is_a_mistake(tmp_path: Path, command: str):
    told = CliRunner().invoke(control.app, [command, str(tmp_path)])
    assert told.exit_code == 2
    assert "has no site, must have at least one .toml" in told.stderr


def test_a_policy_of_another_rule_is_warned_of_at_the_cabinet_too(tmp_path: Path):
    """In one line; it keeps the site from nothing (decision 0016)."""
    policy = write_policy(tmp_path / "policy", ("exists", "rule"), rule_sha256="0" * 64)
    lines = f'controller = "learned:policy"\npolicy_sha256 = "{digest("learned", policy)}"'
    console = Console(record=True, width=400)
    check(written(tmp_path, ('controller = "adaptive"', lines)), console)
    (line,) = [line for line in console.export_text().splitlines() if line.startswith("warning: ")]
    assert "trained beside another adaptive (000000000000" in line
