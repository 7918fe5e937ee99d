"""The policy that comes along: small, made from generated places alone, and run by its name."""

import json
from pathlib import Path

from experiments.case import Case, run_case
from models.settings import TrainingSettings
from signals.controllers.learned import SHIPPED, load, policy_folder

GENERALIST = policy_folder("generalist")


def test_it_is_small():
    assert sum(file.stat().st_size for file in GENERALIST.iterdir() if file.is_file()) < 2_000_000


def test_it_never_saw_a_place_that_it_is_judged_on():
    """Trained and chosen on generated places, by the settings that lie beside it."""
    assert GENERALIST == SHIPPED / "generalist"
    made = json.loads((GENERALIST / "manifest.json").read_text())["training"]
    settings = TrainingSettings.model_validate(made["settings"])
    assert len(settings.scenarios) >= 30
    assert all(name.startswith("generated:") for name in (*settings.scenarios, *settings.evaluated_on))
    assert not set(settings.scenarios) & set(settings.evaluated_on)
    assert made["draws"] == [100, 199]


def test_it_differs_from_the_rule_that_it_started_from():
    """It uses what it sees beside the rule's wish."""
    policy = load(GENERALIST)
    names = policy.manifest.features
    assert (abs(policy.embed_weight).max(axis=1) > 0.01).all()
    assert {"rule", "queue", "arrivals", "least_room"} <= set(names)


def test_it_runs_by_name(tmp_path: Path):
    row = run_case(Case("single", "learned:generalist", demand=0.2, draw=0), tmp_path)
    assert row["controller"] == "learned:generalist"
    assert row["completed"] > 0.95 * row["scheduled"]
