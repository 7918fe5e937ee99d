"""Signal performance measures as an independent tool has them, on a real log and on one that our simulation wrote."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks import detector_environment, signal_measures
from benchmarks.signal_agreement import UNEXPLAINED, Both, Cells, _equal


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> signal_measures.Figures:
    """Where the packages cannot be had the tests are skipped by name; with CI=true they fail."""
    try:
        environment = detector_environment.python()
    except subprocess.CalledProcessError as error:
        said = (
            f"{', '.join(detector_environment.PACKAGES)} cannot be installed: {error.stderr.strip().splitlines()[-1]}"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return signal_measures.measure_agreement(environment, tmp_path_factory.mktemp("logs"))


@pytest.mark.slow
def test_measures_are_atspm_s_or_the_difference_is_explained(figures: signal_measures.Figures):
    """Counts and terminations equal in every bin; elsewhere every bin that differs has its reason."""
    for log, measures in figures.items():
        for measure in ("detector counts", "terminations", "yellow and red", "pedestrian delay"):
            assert measures[measure]["differ"] == 0, (log, measure)
        for measure, told in measures.items():
            assert UNEXPLAINED not in told["because"], (log, measure)
    cells = {measure: told["cells"] for measure, told in figures["real"].items()}
    assert cells == {
        "detector counts": 184, "terminations": 43, "arrivals on green": 32, "platoon ratio": 32,
        "split failures": 32, "yellow and red": 8, "pedestrian delay": 2,
    }  # fmt: skip
    real = {measure: told["differ"] for measure, told in figures["real"].items() if told["differ"]}
    assert real == {"arrivals on green": 1, "platoon ratio": 7, "split failures": 1}
    assert figures["simulated"]["split failures"]["cells"] >= 16


def test_the_comparison_notices_a_difference():
    """One vehicle, one missing bin."""
    theirs: Cells = {(0.0, 2): (10.0, 5.0), (900.0, 2): (10.0, 5.0)}
    assert Both("arrivals", {**theirs, (900.0, 2): (10.0, 6.0)}, theirs).differing() == [(900.0, 2)]
    assert Both("arrivals", {(0.0, 2): (10.0, 5.0)}, theirs).differing() == [(900.0, 2)]
    assert _equal((0.5001,), (0.5,)) and not _equal((0.502,), (0.5,))


def test_the_document_says_how_its_figures_were_made():
    text = (Path(__file__).parents[1] / "docs" / "signal-measures.md").read_text(encoding="utf-8")
    assert "python benchmarks/signal_measures.py --json" in text
