"""What control is worth while loops are broken: `python benchmarks/faulty_control.py --json FILE`.

Three questions, all of `max-pressure`, on the draws named (0-99 to develop, 200-299 for a figure to be quoted):

- a fifth of all loops is dead: which part of the gain over `existing` is kept, on three scenarios (at least 80 %);
- all loops are dead: junctions run their own time-of-day plan, so the delay is that of `existing` (ratio at most 1.05);
- one loop is dead: each alone on the first draw, then the worst of each junction on the draws named (told, without a
  bound; what is quoted of it leaves out the first draw, by which it was chosen).

Cases are ordinary ones (`evaluate.py run --faults`), kept in the folder `--out`: what is finished is not run again by
the same code. About 250 cases, of which arterial's are 120; `--quick`, one junction and two draws, is 27.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import pandas as pd  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from experiments.case import Case, place_of  # noqa: E402
from experiments.console import CaseProgress  # noqa: E402
from experiments.engine import Outcome, core_count, run_jobs  # noqa: E402
from experiments.evaluation import about  # noqa: E402
from experiments.grid import job  # noqa: E402
from experiments.provenance import case_stamp  # noqa: E402
from experiments.statistics import Interval, ratio  # noqa: E402
from experiments.store import ResultsFolder, load  # noqa: E402
from experiments.worker import Done  # noqa: E402
from scenarios.catalogue import find  # noqa: E402

SCENARIOS = ("resco:cologne1", "resco:cologne3", "arterial")
QUICK_SCENARIOS, QUICK_DRAWS = SCENARIOS[:1], 2
EXISTING, ADAPTIVE = "existing", "max-pressure"
GOOD, FIFTH, ALL = "", "dead=0.2", "dead=1"
LEAST_KEPT, MOST_RATIO = 0.8, 1.05
Row = dict[str, Any]
Loop = tuple[str, str, str]
"""Scenario, junction, loop."""


def loops_of(scenario: str) -> list[Loop]:
    """All loops of a scenario's junctions."""
    found = place_of(find(scenario)).network.intersections
    return [(scenario, i.id, d.id) for i in found for d in i.detectors]


class Delays:
    """Runs what is missing, and knows the delay of each draw."""

    def __init__(self, out: Path, draws: Iterable[int], workers: int) -> None:
        self._folder, self.draws, self._workers = ResultsFolder(out, 1.0), list(draws), workers

    def run(self, cases: list[Case]) -> None:
        """All of them at once. Raises `SystemExit` where one fails, as no figure stands without it."""
        stamps = {case: case_stamp(case) for case in cases}
        jobs = [job(case) for case in cases if not self._folder.holds(case.key, stamps[case])]
        failures: list[str] = []
        with CaseProgress(self._folder.folder, len(cases), [each.work for each in jobs]) as progress:

            def keep(outcome: Outcome) -> None:
                case, result = outcome.job.case, outcome.result
                if isinstance(result, Done):
                    self._folder.keep(case.key, stamps[case], result.row)
                else:
                    failures.append(f"{case}: {result.message}")
                progress.advance(outcome.job.work, failed=len(failures))

            run_jobs(jobs, self._workers, keep)
        if failures:
            raise SystemExit(failures[0])
        facts = about(self._folder, EXISTING, shlex.join(sys.argv), [])
        self._folder.write_tables(facts, SCENARIOS, (EXISTING, ADAPTIVE))
        self._cases = load(self._folder.folder).cases

    def of(self, scenario: str, controller: str, faults: str, draws: list[int] | None = None) -> pd.Series:
        """delay_s by draw."""
        found = self._cases.query("scenario == @scenario and controller == @controller and faults == @faults")
        return found.set_index("draw")["delay_s"].loc[self.draws if draws is None else draws]


def dead(loop: Loop) -> str:
    """The faults of which this loop is the only one."""
    return f"dead-at={loop[2]}"


def run_all(delays: Delays, scenarios: Iterable[str]) -> list[Loop]:
    """Everything but the worst loops again; which these are, one a junction."""
    first, loops = delays.draws[0], [loop for scenario in scenarios for loop in loops_of(scenario)]
    grid = [(EXISTING, GOOD), (ADAPTIVE, GOOD), (ADAPTIVE, FIFTH), (ADAPTIVE, ALL)]
    cases = [Case(s, c, 1.0, draw, faults=f) for s in scenarios for c, f in grid for draw in delays.draws]
    delays.run(cases + [Case(loop[0], ADAPTIVE, 1.0, first, faults=dead(loop)) for loop in loops])
    worst: dict[tuple[str, str], Loop] = {}
    for loop in sorted(loops, key=lambda each: -float(delays.of(each[0], ADAPTIVE, dead(each), [first]).iloc[0])):
        worst.setdefault(loop[:2], loop)
    found = [loop for loop in loops if loop in worst.values()]
    delays.run([Case(loop[0], ADAPTIVE, 1.0, draw, faults=dead(loop)) for loop in found for draw in delays.draws])
    return found


def kept_rows(delays: Delays, scenarios: Iterable[str]) -> list[Row]:
    """With a fifth of the loops dead."""
    rows = []
    for scenario in scenarios:
        plan, good = delays.of(scenario, EXISTING, GOOD), delays.of(scenario, ADAPTIVE, GOOD)
        broken = delays.of(scenario, ADAPTIVE, FIFTH)
        rows.append(
            {
                "scenario": scenario,
                "existing_s": plan.mean(),
                "good_s": good.mean(),
                "broken_s": broken.mean(),
                "kept": (plan - broken).mean() / (plan - good).mean(),
            }
        )
    return rows


def single_rows(delays: Delays, loops: list[Loop]) -> list[Row]:
    """Each junction's worst loop, dead alone: the delay against all loops good, on the draws that did not choose it."""
    chosen_by, others = delays.draws[:1], delays.draws[1:]
    rows = []
    for each in loops:
        scenario, junction, loop = each
        first, found = (
            ratio(delays.of(scenario, ADAPTIVE, dead(each), draws), delays.of(scenario, ADAPTIVE, GOOD, draws))
            for draws in (chosen_by, others)
        )
        of = {"scenario": scenario, "junction": junction, "loop": loop, "first_ratio": first.estimate}
        rows.append(of | _limits(found))
    return rows


def blind_rows(delays: Delays, scenarios: Iterable[str]) -> list[Row]:
    """With no loop left."""
    return [
        {
            "scenario": scenario,
            **_limits(ratio(delays.of(scenario, ADAPTIVE, ALL), delays.of(scenario, EXISTING, GOOD))),
        }
        for scenario in scenarios
    ]


def _limits(found: Interval) -> Row:
    return {"ratio": found.estimate, "ratio_low": found.low, "ratio_high": found.high}


def missed(kept: list[Row], blind: list[Row]) -> list[str]:
    """Every bound that was not held, in a line each."""
    lines = [
        f"{row['scenario']}: a fifth of loops dead: {row['kept']:.0%} of the gain kept, bound {LEAST_KEPT:.0%}"
        for row in kept
        if not row["kept"] >= LEAST_KEPT
    ]
    return lines + [
        f"{row['scenario']}: all loops dead: delay ratio up to {row['ratio_high']:.3f}, bound {MOST_RATIO}"
        for row in blind
        if not row["ratio_high"] <= MOST_RATIO
    ]


def tables(kept: list[Row], single: list[Row], blind: list[Row]) -> list[Table]:
    """What is printed."""
    first = Table("scenario", EXISTING, ADAPTIVE, "a fifth dead", "gain kept", title="a fifth of loops dead, s/veh")
    for row in kept:
        delays = (f"{row[name]:.1f}" for name in ("existing_s", "good_s", "broken_s"))
        first.add_row(row["scenario"], *delays, f"{row['kept']:.0%}")
    second = Table(
        *("scenario", "junction", "loop", "on the first draw", "on the others, 95 %"),
        title="one loop dead, the worst of a junction: delay ratio to all good",
    )
    for row in single:
        names = (row["scenario"], row["junction"], row["loop"])
        second.add_row(*names, f"{row['first_ratio']:.3f}", _told(row))
    third = Table("scenario", f"delay ratio to {EXISTING}, 95 %", title="all loops dead")
    for row in blind:
        third.add_row(row["scenario"], _told(row))
    return [first, second, third]


def _told(row: Row) -> str:
    return f"{row['ratio']:.3f} \\[{row['ratio_low']:.3f}, {row['ratio_high']:.3f}]"


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--out", type=Path, default=Path("results/faulty-control"), help="results folder")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="this one alone; again for each more")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--first-draw", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_DRAWS} draws, of {QUICK_SCENARIOS[0]}")
    parser.add_argument("--workers", type=int, default=core_count())
    words = parser.parse_args()
    scenarios = words.scenario or (QUICK_SCENARIOS if words.quick else SCENARIOS)
    count = QUICK_DRAWS if words.quick else max(2, words.draws)
    delays = Delays(words.out, range(words.first_draw, words.first_draw + count), words.workers)
    worst = run_all(delays, scenarios)
    kept, single = kept_rows(delays, scenarios), single_rows(delays, worst)
    blind = blind_rows(delays, scenarios)
    console = Console(width=max(130, Console().width))
    console.print(*tables(kept, single, blind))
    lines = missed(kept, blind)
    for line in lines:
        console.print(f"missed: {line}", highlight=False)
    if words.json:
        told = {"draws": delays.draws, "kept": kept, "single": single, "blind": blind, "missed": lines}
        words.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
