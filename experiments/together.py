"""Results folders, or scenarios of one, brought together to be compared; what cannot be is refused or noted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from experiments.capacity import capacities, kept_references
from experiments.case_tables import read_table
from experiments.compare import CASE, settings_that_differ
from experiments.statistics import SAME_IN_A_PAIR, summarise
from experiments.store import Results, load
from signals.errors import ConfigError

ONE_STREET = ("network_digest", "override_digest", "detector_digest")
SAME_TRAFFIC = ("demand_digest",)


@dataclass(frozen=True)
class Note:
    """What a reader must know before any figure: a key of the report's words and what to fill in."""

    key: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Together:
    """Cases to compare with a baseline. In a before-and-after `scenario` is the place and `controller` the state."""

    cases: pd.DataFrame
    baseline: str
    results: tuple[Results, ...]
    notes: tuple[Note, ...] = ()
    same_in_a_pair: tuple[str, ...] = SAME_IN_A_PAIR
    places: Mapping[str, str] = field(default_factory=dict)
    """The scenario behind each place, whose network a map may show."""

    def summary(self) -> pd.DataFrame:
        """A row for each scenario, controller, demand and faults. ConfigError where pairs had other traffic."""
        return summarise(self.cases, self.baseline, self.same_in_a_pair)

    def references(self) -> dict[str, float]:
        """By scenario, the critical-movement multiple that its sweep has kept."""
        return {name: value for each in self.results for name, value in kept_references(each.folder).items()}

    def capacities(self) -> pd.DataFrame:
        """A row for each scenario, faults and controller, of the demands that were run."""
        return capacities(self.cases, self.baseline, self.references(), self.same_in_a_pair)

    def table(self, kind: str) -> pd.DataFrame:
        """Figures by period, movement, link or mode; `case` is the index of each row's case among `cases`."""
        parts, before = [], 0
        for each in self.results:
            found = read_table(each.folder, kind, each.cases)
            parts.append(found.assign(case=found["case"] + before))
            before += len(each.cases)
        return pd.concat(parts, ignore_index=True)

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        return [case for results in self.results for case in results.manifest.get("failed", [])]


def together(folders: Sequence[Path], before: str = "") -> Together:
    """One folder as it was run; several with other cases each as one; with the same cases as before and after.

    before: a scenario; the others are compared with it. By itself so where one controller ran several scenarios with
    the very same traffic. Raises ConfigError.
    """
    results = tuple(load(folder) for folder in dict.fromkeys(folders))
    for each in results:
        check_one_street(each.cases, str(each.folder))
    notes = [*_mixed(results), *_run_otherwise(results)]
    cases = pd.concat([each.cases for each in results], ignore_index=True)
    if cases.duplicated(CASE).any():
        if before:
            raise ConfigError(f"before = {before}: the folders have the same cases, so the first is before")
        return _folders_compared(results, notes)
    check_one_street(cases, " + ".join(str(each.folder) for each in results))
    before = before or _alone_before(cases)
    if before:
        return _scenarios_compared(cases, before, results, notes)
    baselines = list(dict.fromkeys(str(each.manifest["baseline"]) for each in results))
    if len(baselines) > 1:
        raise ConfigError(f"baselines {', '.join(baselines)}: must be one; run the folders again with one --baseline")
    return Together(cases, baselines[0], results, tuple(notes), places=_themselves(cases))


def check_one_street(cases: pd.DataFrame, where: str) -> None:
    """Refuse a name that stands for two networks, detectors or settings: a mean over both would be of neither."""
    for column in ONE_STREET:
        _check_one(cases, ["scenario"], column, where)
    _check_one(cases, ["scenario", "controller"], "controller_digest", where)


def _check_one(cases: pd.DataFrame, names: list[str], column: str, where: str) -> None:
    for key, group in cases.groupby(names, sort=False):
        found = group[column].unique()
        if len(found) > 1:
            digests = ", ".join(digest[:8] or "none" for digest in found)
            who = ": ".join(str(part) for part in key)
            raise ConfigError(f"{where}: {who}: {column} = {digests}, must be one; run its cases again in a new folder")


def _mixed(results: Iterable[Results]) -> list[Note]:
    """Cases of one scenario and controller that were run by other code or from other files than the rest of them."""
    return [
        Note("notices.mixed", {"place": place, "who": who})
        for each in results
        for place, who in each.manifest.get("mixed", [])
    ]


def _run_otherwise(results: Sequence[Results]) -> list[Note]:
    differing = [line.partition(": ")[::2] for other in results[1:] for line in settings_that_differ(results[0], other)]
    return [Note("notices.settings", {"what": what, "values": values}) for what, values in dict.fromkeys(differing)]


def _alone_before(cases: pd.DataFrame) -> str:
    """The first scenario, where nothing but scenarios can be compared and all have the first one's traffic."""
    scenarios = list(dict.fromkeys(cases["scenario"]))
    if cases["controller"].nunique() > 1 or len(scenarios) < 2:
        return ""
    traffic = cases.groupby(["demand", "faults", "draw"])["demand_digest"].nunique()
    return str(scenarios[0]) if (traffic == 1).all() else ""


def _scenarios_compared(
    cases: pd.DataFrame, before: str, results: tuple[Results, ...], notes: Sequence[Note]
) -> Together:
    scenarios = [str(name) for name in dict.fromkeys(cases["scenario"])]
    if before not in scenarios:
        raise ConfigError(f"before = {before}: no such scenario in the results, which have {', '.join(scenarios)}")
    if len(scenarios) < 2:
        raise ConfigError(f"before = {before}: the results have no other scenario to compare with it")
    labels = _labels(scenarios)
    ordered = sorted(scenarios, key=lambda name: name != before)
    place = " → ".join(labels[name] for name in ordered)
    states = cases["scenario"].map(labels)
    return _states_compared(cases, pd.Series(place, index=cases.index), states, labels[before], results, notes, before)


def _folders_compared(results: tuple[Results, ...], notes: Sequence[Note]) -> Together:
    labels = _labels([str(each.folder) for each in results])
    parts = [each.cases.assign(state=labels[str(each.folder)]) for each in results]
    cases = pd.concat(parts, ignore_index=True)
    digests = cases.groupby("scenario", sort=False)["network_digest"].nunique()
    notes = [*notes, *(Note("notices.network", {"place": str(place)}) for place in digests.index[digests > 1])]
    state, first = cases.pop("state"), labels[str(results[0].folder)]
    return _states_compared(cases, cases["scenario"], state, first, results, notes)


def _states_compared(
    cases: pd.DataFrame,
    places: "pd.Series[str]",
    states: "pd.Series[str]",
    first: str,
    results: tuple[Results, ...],
    notes: Sequence[Note],
    scenario: str = "",
) -> Together:
    """A place for each scenario and controller, and the states instead of controllers."""
    if cases["controller"].nunique() > 1:
        places = places + ", " + cases["controller"]
    behind = dict(zip(places, cases["scenario"], strict=True))
    renamed = cases.assign(scenario=places, controller=states)
    where = {place: scenario or name for place, name in behind.items()}
    return Together(renamed, first, results, tuple(notes), SAME_TRAFFIC, where)


def _themselves(cases: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(name) for name in cases["scenario"].unique()}


def _labels(paths: Sequence[str]) -> dict[str, str]:
    """The last part of each path; whole paths where two would be called alike."""
    short = {path: PurePath(path).name.removesuffix(".sumocfg") for path in paths}
    return short if len(set(short.values())) == len(paths) else {path: path for path in paths}
