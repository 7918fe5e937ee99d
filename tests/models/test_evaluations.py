"""Checkpoints are judged on development draws, and the best one is what is exported."""

from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from models.curve import draw_curve
from models.evaluations import COLUMNS, Evaluations
from models.settings import TrainingSettings
from signals.errors import ConfigError

SETTINGS = TrainingSettings(scenarios=("single",), evaluation_draws=2)


def write(out: Path, *rows: tuple) -> Evaluations:
    """Evaluations with rows of controller, decisions, scenario, demand, draw, delay and gridlock."""
    pd.DataFrame(rows, columns=COLUMNS).to_csv(out / "evaluations.csv", index=False)
    return Evaluations(out, SETTINGS)


@pytest.fixture
def some(tmp_path: Path) -> Evaluations:
    delays = {0: (10, 40), 100: (10, 20), 200: (20, 15)}
    rows = [("learned", after, "single", 1.0, k, of[k], False) for after, of in delays.items() for k in range(2)]
    return write(tmp_path, ("adaptive", 0, "single", 1.0, 0, 16.0, False), *rows)


def test_a_place_with_little_delay_weighs_as_much_as_one_with_much(some: Evaluations):
    assert some.curve().round(2).to_dict() == {0: 20.0, 100: 14.14, 200: 17.32}
    assert some.best() == 100
    assert some.of_baselines().to_dict() == pytest.approx({"adaptive": 16.0})


def test_the_first_of_equals_is_best(tmp_path: Path):
    rows = [("learned", after, "single", 1.0, 0, 12.0, False) for after in (0, 100)]
    assert write(tmp_path, *rows).best() == 0


def test_without_an_evaluation_there_is_no_best(tmp_path: Path):
    assert Evaluations(tmp_path, SETTINGS).best() is None


def test_what_is_evaluated_already_is_not_run_again(some: Evaluations):
    """A training that is resumed goes on with the same table; this policy's folder is not even there."""
    assert some.policy(Path("nowhere"), 200) == pytest.approx(17.32, abs=0.01)


def test_a_table_that_is_none_is_named(tmp_path: Path):
    (tmp_path / "evaluations.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"evaluations\.csv: is no table of evaluations"):
        Evaluations(tmp_path, SETTINGS)


def test_the_curve_is_a_picture_with_the_baselines_in_it(some: Evaluations, tmp_path: Path):
    text = draw_curve(some, tmp_path / "curve.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert all(words in text for words in ("adaptive 16.0 s", "best 14.1 s", "Decisions"))
