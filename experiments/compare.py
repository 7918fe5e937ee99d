"""Two results folders: the differences over equal cases, and the cases that have no equal."""

from dataclasses import dataclass

import pandas as pd

from experiments.statistics import SAME_IN_A_PAIR, contrast, measures
from experiments.store import Results

CASE = ["scenario", "controller", "demand", "faults", "draw"]
GROUP = CASE[:-1]


@dataclass(frozen=True)
class Comparison:
    """`paired`: second minus first for each group of draws. `unpaired`: the other cases, and why."""

    paired: pd.DataFrame
    unpaired: pd.DataFrame


def compare(first: Results, second: Results) -> Comparison:
    """Pair the equal cases: the same names, multiple, faults and draw, the very same demand, network and overrides."""
    cases = {"first": first.cases.set_index(CASE), "second": second.cases.set_index(CASE)}
    shared = cases["first"].index.intersection(cases["second"].index, sort=False)
    columns = list(SAME_IN_A_PAIR)
    same = (cases["first"].loc[shared, columns] == cases["second"].loc[shared, columns]).all(axis=1)
    equal = same.index[same]
    pairs = cases["first"].loc[equal].reset_index(), cases["second"].loc[equal].reset_index()
    groups = pairs[0].groupby(GROUP, sort=False).groups.values()
    rows = [_row(pairs[0].loc[index], pairs[1].loc[index]) for index in groups]
    others = [
        *((*case, "another demand, network or override in each") for case in same.index[~same]),
        *((*case, f"only in {first.folder}") for case in cases["first"].index.difference(shared, sort=False)),
        *((*case, f"only in {second.folder}") for case in cases["second"].index.difference(shared, sort=False)),
    ]
    return Comparison(pd.DataFrame(rows), _ranges(pd.DataFrame(others, columns=[*CASE, "why"])))


def _row(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, object]:
    names = measures(first)
    row: dict[str, object] = {name: first[name].iloc[0] for name in GROUP} | {"pairs": len(first)}
    for name in names:
        row |= {f"{name}_first": first[name].mean(), f"{name}_second": second[name].mean()}
    return row | contrast(second, first, names)


def _ranges(cases: pd.DataFrame) -> pd.DataFrame:
    """A row for each group of draws instead of each draw."""
    groups = cases.groupby([*GROUP, "why"], sort=False)["draw"]
    return groups.agg(lambda draws: ranges([int(draw) for draw in draws])).rename("draws").reset_index()


def ranges(numbers: list[int]) -> str:
    """'0-4, 7' for 0, 1, 2, 3, 4, 7."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def settings_that_differ(first: Results, second: Results) -> list[str]:
    """What, beside the cases, may explain a difference."""
    one, other = (_settings(results) for results in (first, second))
    differing = [name for name in one | other if one.get(name) != other.get(name)]
    return [f"{name}: {one.get(name)} and {other.get(name)}" for name in differing]


def _settings(results: Results) -> dict[str, object]:
    manifest = results.manifest
    return {"decision_s": manifest["decision_s"], "commit": manifest.get("commit"), **manifest.get("versions", {})}
