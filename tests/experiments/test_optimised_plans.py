"""The plans that are kept in scenarios/plans fit the networks that they were made for, and tell how they were found."""

import re
from pathlib import Path

import pandas as pd
import pytest

from experiments.case import place_of
from experiments.optimise import EVALUATION_DRAWS
from scenarios.catalogue import find
from signals import plans
from signals.controllers.fixed_time import FixedTime
from signals.layout import layout

FOLDER = Path(__file__).resolve().parents[2] / "scenarios" / "plans"
FILES = sorted(FOLDER.glob("*.toml"))


def test_there_are_plans():
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_kept_plan_fits_its_network(file: Path):
    """It is of this very network, drives all its junctions, and was searched on no draw that is kept for evaluation."""
    text = file.read_text(encoding="utf-8")
    said = dict(re.findall(r"^# ([a-z ]+): (.*)$", text, flags=re.MULTILINE))
    network = place_of(find(said["scenario"])).network
    assert said["network digest"] == network.digest
    assert max(int(number) for number in re.findall(r"\d+", said["draws"])) < EVALUATION_DRAWS
    FixedTime(layout(network.intersections), plans.load(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_its_convergence_is_beside_it(file: Path):
    """From the existing plan down to the delay that the plan's file tells."""
    steps = pd.read_csv(file.with_suffix(".convergence.csv"))
    assert steps["phase"].iloc[0] == "existing"
    assert steps["delay_s"].is_monotonic_decreasing
    told = re.search(r"mean delay on the former: ([0-9.]+) s, existing ([0-9.]+) s", file.read_text(encoding="utf-8"))
    assert told
    assert float(told[1]) >= steps["delay_s"].iloc[-1] - 0.05
    assert float(told[2]) == pytest.approx(steps["delay_s"].iloc[0], abs=0.05)
