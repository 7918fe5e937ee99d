"""What a results folder kept of an arm's first draw: its log of events and its vehicles' paths."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from experiments.case import EVENT_LOGS, PATHS, Case
from experiments.together import Together
from reports.comparison import Arm, ScenarioComparison


@dataclass(frozen=True)
class Kept:
    """One arm's files of one draw, which one or both of before and after have."""

    arm: Arm
    draw: int
    file: Path


def _cases(found: Together) -> dict[Hashable, Case]:
    """The case behind each row of `found.cases`, as it was run and in its own folder."""
    cases = [
        Case(
            str(row["scenario"]), str(row["controller"]), float(row["demand"]), int(row["draw"]),
            float(results.manifest["decision_s"]), faults=str(row["faults"]),
            event_logs=results.folder / EVENT_LOGS, path_files=results.folder / PATHS,
        )
        for results in found.results
        for row in results.cases.to_dict("records")
    ]  # fmt: skip
    return dict(zip(found.cases.index, cases, strict=True))


def kept(found: Together, comparison: ScenarioComparison, what: str) -> list[Kept]:
    """`event_log` or `paths` of before and of what is compared with it, of the first draw that has them.

    Among several the one with least delay is drawn beside the baseline. Empty where nothing was kept.
    """
    arms = sorted(comparison.headline_arms, key=lambda arm: (not arm.is_baseline, arm.mean("delay_s")))
    cases = _cases(found)
    files: dict[int, list[Kept]] = {}
    for arm in arms:
        for row, draw in arm.cases["draw"].items():
            file = getattr(cases[row], what)
            if file.exists():
                files.setdefault(int(draw), []).append(Kept(arm, int(draw), file))
    most = max((len(each) for each in files.values()), default=0)
    return next((files[draw][:2] for draw in sorted(files) if len(files[draw]) == most), [])
