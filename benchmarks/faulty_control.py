"""What control is worth while loops are broken: `python benchmarks/faulty_control.py --json FILE` (long, resumable).

Three questions, all of `max-pressure`, on the draws named (0-99 to develop, 200-299 for a figure to be quoted):

- a fifth of all loops is dead: which part of the gain over `existing` is kept, on three scenarios (at least 80 %);
- one loop is dead: the delay against all loops good, and the worst such loop of each junction (told, without a bound);
- all loops are dead: junctions run their own time-of-day plan, so the delay is that of `existing` (ratio at most 1.05).

Cases are ordinary ones (`evaluate.py run --faults`), kept in the folder `--out`: what is finished is not run again.
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

from experiments.case import place_of  # noqa: E402
from experiments.engine import core_count  # noqa: E402
from experiments.evaluation import run_grid  # noqa: E402
from experiments.grid import grid  # noqa: E402
from experiments.statistics import Interval, ratio  # noqa: E402
from experiments.store import load  # noqa: E402
from scenarios.catalogue import find  # noqa: E402

SCENARIOS = ("resco:cologne1", "resco:cologne3", "arterial")
ONE_BY_ONE = {"resco:cologne1": "GS_cluster_357187_359543", "arterial": "J4"}
"""Whose loops are killed one at a time, unless `--every-junction` asks for all."""
EXISTING, ADAPTIVE = "existing", "max-pressure"
GOOD, FIFTH, ALL = "", "dead=0.2", "dead=1"
LEAST_KEPT, MOST_RATIO = 0.8, 1.05
Row = dict[str, Any]


def loops_of(scenario: str, junction: str | None) -> list[tuple[str, str]]:
    """(junction, loop) of one junction or of all."""
    found = place_of(find(scenario)).network.intersections
    return [(i.id, d.id) for i in found if junction in (None, i.id) for d in i.detectors]


class Delays:
    """Runs what is missing, and knows the delay of each draw."""

    def __init__(self, out: Path, draws: int, first_draw: int, workers: int) -> None:
        self._out, self._draws, self._first, self._workers = out, draws, first_draw, workers

    def run(self, scenarios: Iterable[str], controllers: Iterable[str], faults: str) -> None:
        """One grid. Raises `SystemExit` where a case fails, as no figure stands without it."""
        cases = grid([*scenarios], [*controllers], [1.0], self._draws, self._first, faults=faults)
        done = run_grid(cases, self._out, self._workers, EXISTING, shlex.join(sys.argv))
        if done.failures:
            raise SystemExit(f"{done.failures[0].case}: {done.failures[0].message}")

    def of(self, scenario: str, controller: str, faults: str) -> pd.Series:
        """delay_s by draw."""
        cases = load(self._out).cases.query("scenario == @scenario and controller == @controller and faults == @faults")
        return cases.set_index("draw")["delay_s"].loc[self._first : self._first + self._draws - 1]


def kept_rows(delays: Delays) -> list[Row]:
    """With a fifth of the loops dead."""
    rows = []
    for scenario in SCENARIOS:
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


def single_rows(delays: Delays, loops: list[tuple[str, str, str]]) -> list[Row]:
    """Each loop dead alone, the worst first."""
    rows = []
    for scenario, junction, loop in loops:
        found = ratio(delays.of(scenario, ADAPTIVE, f"dead-at={loop}"), delays.of(scenario, ADAPTIVE, GOOD))
        rows.append({"scenario": scenario, "junction": junction, "loop": loop, **_limits(found)})
    return sorted(rows, key=lambda row: (row["scenario"], row["junction"], -row["ratio"]))


def blind_rows(delays: Delays) -> list[Row]:
    """With no loop left."""
    return [
        {
            "scenario": scenario,
            **_limits(ratio(delays.of(scenario, ADAPTIVE, ALL), delays.of(scenario, EXISTING, GOOD))),
        }
        for scenario in SCENARIOS
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
    second = Table("scenario", "junction", "loop", "delay ratio, 95 %", title="one loop dead, the worst of a junction")
    worst = {(row["scenario"], row["junction"]): row for row in reversed(single)}
    for row in reversed(worst.values()):
        second.add_row(row["scenario"], row["junction"], row["loop"], _told(row))
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
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--first-draw", type=int, default=0)
    parser.add_argument("--every-junction", action="store_true", help="single dead loops of all junctions (very long)")
    parser.add_argument("--workers", type=int, default=core_count())
    words = parser.parse_args()
    delays = Delays(words.out, words.draws, words.first_draw, words.workers)
    delays.run(SCENARIOS, (EXISTING, ADAPTIVE), GOOD)
    for faults in (FIFTH, ALL):
        delays.run(SCENARIOS, (ADAPTIVE,), faults)
    places = dict.fromkeys(SCENARIOS) if words.every_junction else ONE_BY_ONE
    loops = [(scenario, *found) for scenario, junction in places.items() for found in loops_of(scenario, junction)]
    for scenario, _, loop in loops:
        delays.run((scenario,), (ADAPTIVE,), f"dead-at={loop}")
    kept, single, blind = kept_rows(delays), single_rows(delays, loops), blind_rows(delays)
    console = Console(width=max(130, Console().width))
    console.print(*tables(kept, single, blind))
    lines = missed(kept, blind)
    for line in lines:
        console.print(f"missed: {line}", highlight=False)
    if words.json:
        told = {"draws": words.draws, "first_draw": words.first_draw, "kept": kept, "single": single, "blind": blind}
        words.json.write_text(json.dumps(told | {"missed": lines}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
