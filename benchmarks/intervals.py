"""Whether the intervals cover what they say, and how often the headline claims an effect that is not there.

    .venv/bin/python benchmarks/intervals.py [--repetitions 1000] [--json FILE]

Draws are made up with a known effect: normal, skewed as delays are over demand draws (lognormal; at today's demand the
logarithm's standard deviation is 0.01 to 0.10), very skewed, and with gridlock in a draw of twenty. The last two are
told for themselves: few draws have no interval that holds there, and the report says so instead of claiming.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from experiments.statistics import difference, ratio, summarise  # noqa: E402
from reports.comparison import compare  # noqa: E402
from reports.findings import Verdict, verdict  # noqa: E402

DRAWS = (5, 10, 20)
BASE_S, RATIO, OWN = 50.0, 0.7, 0.1
BOUNDS = (0.93, 0.97)
MOST_FALSE = 0.05
PLACES, CONTROLLERS = 2, 2
GRIDLOCK_RATE, GRIDLOCK_TIMES = 0.05, 15.0
Array = NDArray[np.float64]
Dice = np.random.Generator


@dataclass(frozen=True)
class Kind:
    """How delays are spread over draws; `sound` where the intervals have to hold."""

    name: str
    baseline: Callable[[Dice, tuple[int, int]], Array]
    own: Callable[[Dice, tuple[int, int]], Array]
    additive: bool = False
    sound: bool = True
    own_mean: float = 1.0
    own_geometric_mean: float = math.exp(-(OWN**2) / 2)

    def sample(self, dice: Dice, shape: tuple[int, int], effect: float) -> tuple[Array, Array]:
        """The controller's and the baseline's delays, of a known ratio (or difference) in the mean."""
        baseline, own = self.baseline(dice, shape), self.own(dice, shape)
        return (baseline + BASE_S * (effect - 1) + own if self.additive else baseline * effect * own), baseline


def _lognormal(spread: float) -> Callable[[Dice, tuple[int, int]], Array]:
    """Of mean 1."""
    return lambda dice, shape: dice.lognormal(-(spread**2) / 2, spread, shape)


def _skewed(spread: float) -> Callable[[Dice, tuple[int, int]], Array]:
    return lambda dice, shape: BASE_S * _lognormal(spread)(dice, shape)


def _locking(dice: Dice, shape: tuple[int, int]) -> Array:
    return np.where(dice.random(shape) < GRIDLOCK_RATE, GRIDLOCK_TIMES, 1.0) * _lognormal(OWN)(dice, shape)


NORMAL = Kind("normal", lambda d, s: d.normal(BASE_S, 8.0, s), lambda d, s: d.normal(0.0, 4.0, s), additive=True)
KINDS = (
    NORMAL,
    Kind("skewed, 0.10", _skewed(0.10), _lognormal(OWN)),
    Kind("skewed, 0.25", _skewed(0.25), _lognormal(OWN)),
    Kind("very skewed, 0.60", _skewed(0.60), _lognormal(OWN), sound=False),
    Kind(
        "gridlock in 1 of 20",
        _skewed(0.10),
        _locking,
        sound=False,
        own_mean=1 + GRIDLOCK_RATE * (GRIDLOCK_TIMES - 1),
        own_geometric_mean=math.exp(-(OWN**2) / 2) * GRIDLOCK_TIMES**GRIDLOCK_RATE,
    ),
)


def coverage(kind: Kind, draws: int, repetitions: int) -> dict[str, float]:
    """The share of repetitions whose intervals hold the true difference, and the true ratio of geometric means."""
    values, baseline = kind.sample(np.random.default_rng([1, draws]), (repetitions, draws), RATIO)
    pairs = list(zip(values, baseline, strict=True))
    of_difference = [difference(*pair) for pair in pairs]
    found = {"difference": _share(of_difference, BASE_S * (RATIO * kind.own_mean - 1))}
    if not kind.additive:  # there a ratio has no one true value
        found["ratio"] = _share([ratio(*pair) for pair in pairs], RATIO * kind.own_geometric_mean)
    return found


def _share(intervals: list, truth: float) -> float:
    return float(np.mean([each.low <= truth <= each.high for each in intervals]))


def false_headlines(kind: Kind, draws: int, repetitions: int) -> float:
    """How often a report on several places and controllers claims anything although nothing has an effect."""
    dice = np.random.default_rng([2, draws])
    return float(np.mean([_claims(report_cases(kind, dice, draws)) for _ in range(repetitions)]))


def report_cases(kind: Kind, dice: Dice, draws: int) -> pd.DataFrame:
    """A baseline and controllers on places of their own; who is 10 times over the rest is locked."""
    rows = []
    for place in range(PLACES):
        values, baseline = zip(*(kind.sample(dice, (1, draws), 1.0) for _ in range(CONTROLLERS)), strict=True)
        shared = baseline[0][0]
        arms = {"existing": shared} | {
            f"controller {k}": shared * own[0] / its[0]
            for k, (own, its) in enumerate(zip(values, baseline, strict=True))
        }
        for controller, delays in arms.items():
            rows += [_row(f"place {place}", controller, draw, float(s)) for draw, s in enumerate(delays)]
    return pd.DataFrame(rows)


def _row(place: str, controller: str, draw: int, delay_s: float) -> dict[str, object]:
    same = dict.fromkeys(("demand_digest", "network_digest", "override_digest", "faults"), "")
    counts = {"scheduled": 1000, "junctions": 1, "junctions_controlled": 1}
    return {
        "scenario": place, "controller": controller, "demand": 1.0, "draw": draw, "delay_s": delay_s, **same, **counts,
        "vehicles_controlled_share": 1.0, "gridlock": delay_s > 5 * BASE_S,
    }  # fmt: skip


def _claims(cases: pd.DataFrame) -> bool:
    comparisons = compare(cases, summarise(cases), "existing")
    verdicts = {verdict(arm) for comparison in comparisons for arm in comparison.headline_arms if not arm.is_baseline}
    return bool(verdicts & {Verdict.LESS, Verdict.MORE})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found, failed = [], 0
    for kind in KINDS:
        for draws in DRAWS:
            row = coverage(kind, draws, arguments.repetitions)
            false = false_headlines(kind, draws, arguments.repetitions)
            bad = kind.sound and not all(BOUNDS[0] <= share <= BOUNDS[1] for share in row.values())
            bad |= false > MOST_FALSE
            failed += bad
            found.append({"kind": kind.name, "draws": draws, **row, "false_headlines": false, "sound": kind.sound})
            shares = ", ".join(f"{name} {share:.1%}" for name, share in row.items())
            mark = "BAD" if bad else "" if kind.sound else "(told for itself)"
            print(f"{kind.name:20} {draws:3} draws: covers {shares}; false headlines {false:.1%} {mark}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
