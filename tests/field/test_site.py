"""A site file that is wrong says so in one line; one that is right says what is allowed there."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from field.cabinet import Level
from field.secrets import load_secrets, required
from field.site import Hours
from field.site_file import built, load, schema
from signals.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs/sites/single.toml"
SECRET = "correct-horse-battery"


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    text = EXAMPLE.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_example_site_is_whole():
    """Its loops are all of the scenario's, each on a channel of its own."""
    site = load(EXAMPLE)
    intersection, plans = built(site)
    assert {d.id for d in site.cabinet.detectors} == {d.id for d in intersection.detectors}
    assert plans.of("J")[0].cycle_s == 75


def test_a_site_is_in_shadow_unless_it_says_otherwise(tmp_path: Path):
    """Nothing is ever written by default."""
    assert load(written(tmp_path, ('level = "hold"', ""))).level == Level.SHADOW


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('level = "hold"', 'leval = "hold"', "leval: Extra inputs are not permitted"),
        ('level = "hold"', 'level = "pattern"', "level = pattern must have at least one of patterns"),
        ("port = 10161", "port = 70000", "cabinet.port: Input should be less than or equal to 65535 (given: 70000)"),
        (
            'user = "central"',
            'version = "v2c"',
            "version = v2c sends its community in the clear, must have allow_insecure",
        ),
        ('user = "central"', "", "version = v3 must have a user"),
        ('user = "central"', 'community = "public"', "cabinet.snmp.community: Extra inputs are not permitted"),
        ("channel = 2 ", "channel = 1 ", "channel 1 appears twice"),
        ('scenario = "single"\n', "", "must have a file, or a scenario and its junction"),
        ('controller = "adaptive"', 'controller = "adaptif"', "controller adaptif: unknown, nearest are adaptive"),
    ],
)
def test_a_wrong_site_is_refused_in_one_line(tmp_path: Path, before: str, after: str, said: str):
    """With the file, the key and the bound."""
    file = written(tmp_path, (before, after))
    with pytest.raises(ConfigError) as refused:
        load(file)
    assert said in str(refused.value)
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("E-J.bay_0.stop", "E-J.bay_9.stop", "detector E-J.bay_9.stop: not in intersection J"),
        ("port = 10161", "port = 10161\nphases = { 9 = 1 }", "phase 9: not in intersection J"),
        ("port = 10161", "port = 10161\nphases = { 1 = 2 }", "phase 2 of the cabinet is two of ours"),
        ('junction = "J"', 'junction = "K"', "scenario single: unknown junction K, must be one of J"),
    ],
)
def test_what_the_junction_has_not_is_refused(tmp_path: Path, before: str, after: str, said: str):
    """A phase or loop that is misspelt is never silently left out."""
    site = load(written(tmp_path, (before, after)))
    with pytest.raises(ConfigError, match=said):
        built(site)


def test_paths_are_beside_the_site(tmp_path: Path):
    """It means the same from whatever folder it is started."""
    site = load(written(tmp_path, ('"../../logs/single"', '"logs"')))
    assert site.logging.folder == tmp_path / "logs"


def test_hours_may_go_past_midnight():
    """A night's hours belong to the day on which they begin."""
    nights = Hours.model_validate({"days": ["fri"], "begin": "22:00", "end": "05:00"})
    friday, saturday, sunday = (datetime(2026, 5, day, 4) for day in (15, 16, 17))
    assert [nights.include(day) for day in (friday, saturday, sunday)] == [False, True, False]
    assert nights.include(friday.replace(hour=23))


def test_the_schema_in_docs_is_current():
    """Renewed by: control.py schema > docs/site.schema.json."""
    assert json.loads((ROOT / "docs/site.schema.json").read_text(encoding="utf-8")) == schema()


def test_secrets_come_from_a_file_that_nobody_else_reads(tmp_path: Path):
    """0600, or it is refused."""
    file = tmp_path / "secrets.toml"
    file.write_text(f'community = "{SECRET}"\n', encoding="utf-8")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="mode is 0640, must be 0600"):
        load_secrets(file)
    file.chmod(0o600)
    assert required(load_secrets(file), "community", file) == SECRET.encode()
    with pytest.raises(ConfigError, match="privacy_key: is missing"):
        required(load_secrets(file), "privacy_key", file)


@pytest.mark.parametrize("text", [f'community = ["{SECRET}"]', f'comunity = "{SECRET}"', f'community = "{SECRET}'])
def test_no_error_shows_a_secret(tmp_path: Path, text: str):
    """Whatever is wrong with the file, what is in it stays there."""
    file = tmp_path / "secrets.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        load_secrets(file)
    assert SECRET not in f"{refused.value!r} {refused.value.__cause__!r}"


def test_secrets_come_from_the_environment_where_there_is_no_file(monkeypatch: pytest.MonkeyPatch):
    """And are not shown when printed."""
    monkeypatch.setenv("ADAPTIVE_SIGNALS_COMMUNITY", SECRET)
    secrets = load_secrets(None)
    assert required(secrets, "community", None) == SECRET.encode()
    assert SECRET not in repr(secrets)
