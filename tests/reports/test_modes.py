"""The lines on modes say what each controller's greens were given for; who follows the plan alone has none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.store import ResultsFolder
from experiments.together import together
from reports.modes import mode_lines
from tests.reports.synthetic_results import REAL_STREETS, case, write_results


def kept(folder: Path, controller: str, modes: Mapping[str, list[Any]]) -> None:
    row = case(REAL_STREETS, "arterial", controller, 1.0, 0)
    ResultsFolder(folder, 1.0).keep(controller, "made up", row | {"tables": {"modes": modes}})


def test_a_line_a_controller_that_decides(tmp_path: Path):
    """Shares are over all junctions; a mode that brought no green is not named."""
    kept(tmp_path, "existing", {"junction": ["J"], "mode": ["own plan"], "time_s": [100.0], "green_s": [70.0]})
    modes = ["own plan", "interstage", "rate of service", "maximum red"]
    of: dict[str, list[Any]] = {
        "junction": ["J", "J", "K", "K"],
        "mode": modes,
        "time_s": [10.0, 20.0, 40.0, 30.0],
        "green_s": [5, 0, 60, 15],
    }
    kept(tmp_path, "max-pressure", of)
    ResultsFolder(tmp_path, 1.0).write_tables({"baseline": "existing"}, ["arterial"], ["existing", "max-pressure"])
    assert mode_lines(together([tmp_path])) == [
        "arterial ×1, max-pressure: green by rate of service 75 %, maximum red 19 %, own plan 6 %; "
        "20 % of the time in interstages, 10 % under its own plan"
    ]


def test_results_without_modes_have_no_line(tmp_path: Path):
    assert mode_lines(together([write_results(tmp_path)])) == []
