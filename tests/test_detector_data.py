"""Real detector data, read as an independent reader reads it, and faults planted in it found."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import detector_data, detector_environment

FOUND = {  # at least this share; all of every other fault
    "30 % missed in the second hour": 0.8,
    "30 % too many in the second hour": 0.8,
    "30 % too many for the last three days": 0.4,
}


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    """Where the packages cannot be had the tests are skipped by name; with CI=true they fail."""
    try:
        detector_environment.python()
    except subprocess.CalledProcessError as error:
        said = (
            f"{', '.join(detector_environment.PACKAGES)} cannot be installed: {error.stderr.strip().splitlines()[-1]}"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return json.loads(json.dumps(detector_data.measure()))


@pytest.mark.slow
def test_real_detector_data_is_read_as_others_read_it_and_planted_faults_are_found(figures: dict[str, Any]):
    """Every count equals atspm's, also of what we write; every lost edge is put back; faults get their names."""
    events, counts = figures["events"], figures["counts"]
    assert (events["events"], events["vehicles"], events["detectors"]) == (37_152, 12_595, 23)
    assert events["cells that differ from atspm's"] == 0
    assert events["cells that differ when atspm reads our Parquet"] == 0
    assert events["lost edges put back"] == events["repeated states in the file"] == 249
    assert events["distrusted without a planted fault"] == []
    for fault, (planted, found) in (events["planted"] | counts["planted"]).items():
        assert found >= FOUND.get(fault, 1.0) * planted, fault
    assert sorted(events["phases"]) == ["2", "5", "6", "8"]
    assert counts["totals that differ from a query's"] == 0
    assert counts["rows"] == 54_824


def test_the_chart_in_the_documents_says_how_it_was_made():
    text = (Path(__file__).parents[1] / "docs" / "detector-data.md").read_text(encoding="utf-8")
    assert "python benchmarks/detector_data.py --json" in text
    assert "--chart docs/detector-data.svg" in text
