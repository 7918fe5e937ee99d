"""The answer in sentences: what changed against the baseline, by how much, how surely, and what was not shown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from experiments.statistics import Interval
from reports.comparison import Arm, ScenarioComparison
from reports.wording import bounded, count, demand, listed, number, per_cent_change, ranges, signed
from scenarios.catalogue import BY_RESCO_PREFIX, RESCO_PREFIX

SECONDS_PER_HOUR = 3600.0
DRAWS = ((range(100), "development"), (range(100, 200), "tuning"), (range(200, 300), "evaluation"))


class Verdict(StrEnum):
    """What may be said of a difference in delay."""

    LESS = "less"
    MORE = "more"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"  # too few draws for an interval
    GRIDLOCK = "gridlock"
    NOBODY = "nobody"  # no vehicle in the window, persons at most


VERBS = {
    Verdict.LESS: "lowers mean delay",
    Verdict.MORE: "raises mean delay",
    Verdict.UNCLEAR: "shows no clear difference",
    Verdict.UNKNOWN: "has too few draws to say",
    Verdict.GRIDLOCK: "locks up",
    Verdict.NOBODY: "had no vehicle to judge",
}


@dataclass(frozen=True)
class Finding:
    """One controller against the baseline on one scenario."""

    arm: Arm
    verdict: Verdict
    claim: str
    evidence: tuple[str, ...]


def verdict(arm: Arm) -> Verdict:
    """Less or more only where the intervals of the difference and of the ratio both exclude no change."""
    difference, ratio = arm.difference("delay_s"), arm.ratio("delay_s")
    if arm.mean("scheduled") == 0:
        return Verdict.NOBODY
    if arm.gridlocks:
        return Verdict.GRIDLOCK
    if not bounded(difference):
        return Verdict.UNKNOWN
    if difference.high < 0 and not ratio.high >= 1:
        return Verdict.LESS
    if difference.low > 0 and not ratio.low <= 1:
        return Verdict.MORE
    return Verdict.UNCLEAR


def findings(comparison: ScenarioComparison) -> list[Finding]:
    """One finding for each controller that can be paired with the baseline, at the headline's demand."""
    pairs = [(arm, comparison.baseline_of(arm)) for arm in comparison.headline_arms if not arm.is_baseline]
    return [_finding(arm, baseline) for arm, baseline in pairs if baseline and arm.paired_draws]


def _finding(arm: Arm, baseline: Arm) -> Finding:
    evidence = [_amount(arm), _time_saved(arm), _draws(arm, baseline), _locked_out(arm, baseline)]
    return Finding(arm, verdict(arm), _claim(arm, baseline), tuple(part for part in evidence if part))


def _claim(arm: Arm, baseline: Arm) -> str:
    before, after = (number(one.mean("delay_s")) for one in (baseline, arm))
    difference, who = arm.difference("delay_s"), arm.controller
    match verdict(arm):
        case Verdict.LESS | Verdict.MORE as known:
            low, high = sorted(abs(bound) for bound in (difference.low, difference.high))
            return (
                f"{who} {VERBS[known]} by {number(abs(difference.estimate))} s a vehicle "
                f"(95 % interval {number(low)} to {number(high)} s), from {before} to {after} s."
            )
        case Verdict.UNCLEAR:
            return (
                f"{who} shows no clear difference in mean delay: {signed(difference.estimate)} s a vehicle "
                f"(95 % interval {_from_to(difference, 1)} s, {_why_unclear(difference)}), {after} against {before} s."
            )
        case Verdict.UNKNOWN:
            return (
                f"{who} had {number(abs(difference.estimate))} s {_direction(difference.estimate)} mean delay "
                f"a vehicle, {after} against {before} s, but {count(arm.paired_draws, 'draw')} cannot say how surely."
            )
        case Verdict.GRIDLOCK:
            return (
                f"{who} locked up in {arm.gridlocks} of {count(arm.draws, 'draw')}: mean delay {after} against "
                f"{before} s a vehicle. No gain can be claimed for it here."
            )
        case Verdict.NOBODY:
            return f"{who} had no vehicle to judge{_persons(arm, baseline)}."


def _persons(arm: Arm, baseline: Arm) -> str:
    """Their delay, where there are no vehicles to speak of; no claim, since no interval is told."""
    before, after = (one.mean("person_delay_s") for one in (baseline, arm))
    return "" if math.isnan(after) else f"; persons lost {number(after)} s each, {number(before)} with {arm.baseline}"


def _direction(difference: float) -> str:
    return "less" if difference < 0 else "more"


def _why_unclear(difference: Interval) -> str:
    return "but the interval of the ratio includes no change" if difference.excludes(0.0) else "which includes zero"


def _amount(arm: Arm) -> str:
    """'−55 % (95 % interval −59 to −51 %)', after the difference where the claim has not said it."""
    difference, change = arm.difference("delay_s"), per_cent_change(arm.ratio("delay_s"))
    if verdict(arm) is Verdict.NOBODY:
        return ""
    if math.isnan(change.estimate):
        return "no change in per cent can be given: a draw had no delay"
    share = f"{signed(change.estimate, 0)} %" + (f" ({_from_to(change, 0)} %)" if bounded(change) else "")
    if verdict(arm) is not Verdict.GRIDLOCK:
        return share
    interval = f" (95 % interval {_from_to(difference, 1)} s)" if bounded(difference) else ""
    return f"{signed(difference.estimate)} s a vehicle{interval}, {share}"


def _from_to(of: Interval, decimals: int) -> str:
    return f"{signed(of.low, decimals)} to {signed(of.high, decimals)}"


def _time_saved(arm: Arm) -> str:
    """The same difference over all vehicles of the window; nothing where zero cannot be excluded."""
    if verdict(arm) not in (Verdict.LESS, Verdict.MORE):
        return ""
    difference, vehicles = arm.difference("delay_s"), arm.mean("scheduled")
    in_hours = abs(difference.estimate) * vehicles >= SECONDS_PER_HOUR
    unit_s, unit = (SECONDS_PER_HOUR, "vehicle-hours") if in_hours else (60.0, "vehicle-minutes")
    low, amount, high = sorted(
        abs(each) * vehicles / unit_s for each in (difference.low, difference.estimate, difference.high)
    )
    change = "saved" if difference.estimate < 0 else "lost"
    of = f"the window of {number(vehicles, 0)} vehicles"
    return f"{number(amount)} {unit} {change} in {of} ({number(low)} to {number(high)})"


def _draws(arm: Arm, baseline: Arm) -> str:
    paired = count(arm.paired_draws, "paired draw")
    if not (arm.gridlocks or baseline.gridlocks):
        return f"{paired}, no gridlock"
    return (
        f"{paired}, gridlock in {arm.gridlocks} of {arm.draws} with {arm.controller} "
        f"and {baseline.gridlocks} of {baseline.draws} with {baseline.controller}"
    )


def _locked_out(arm: Arm, baseline: Arm) -> str:
    after, before = arm.mean("never_entered"), baseline.mean("never_entered")
    if after <= before:
        return ""
    return f"more vehicles never entered: {number(after)} against {number(before)}; their wait is in the delay"


def headline(comparisons: tuple[ScenarioComparison, ...], baseline: str) -> str:
    """One sentence over all scenarios, with every controller and every verdict in it."""
    found = [finding for comparison in comparisons for finding in findings(comparison)]
    if not found:
        return f"Nothing is compared: no case can be paired with {baseline}."
    by_controller: dict[str, list[Finding]] = {}
    for finding in found:
        by_controller.setdefault(finding.arm.controller, []).append(finding)
    clauses = [_clause(controller, own) for controller, own in by_controller.items()]
    return f"Against {baseline}, {'; '.join(clauses)}."


def _clause(controller: str, own: list[Finding]) -> str:
    """'max-pressure lowers mean delay on 2 of 3 scenarios (−49 to −51 %) and shows no clear difference on 1'."""
    parts: list[str] = []
    for each, verb in VERBS.items():
        arms = [finding.arm for finding in own if finding.verdict is each]
        if arms:
            of = "" if parts else f" of {count(len(own), 'scenario')}"
            where = "" if len(own) == 1 else f" on {len(arms)}{of}"
            parts.append(verb + where + (_sizes(arms) if each in (Verdict.LESS, Verdict.MORE) else ""))
    return f"{controller} {listed(parts)}"


def _sizes(arms: list[Arm]) -> str:
    sizes = sorted((per_cent_change(arm.ratio("delay_s")).estimate for arm in arms), key=abs)
    if any(math.isnan(size) for size in sizes):
        return ""
    shown = list(dict.fromkeys(signed(size, 0) for size in (sizes[0], sizes[-1])))
    return f" ({' to '.join(shown)} %)"


def notices(
    comparisons: tuple[ScenarioComparison, ...], baseline: str, failed: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What is wrong with the results themselves, to be read before any figure."""
    said = [_failure(case) for case in failed]
    for comparison in comparisons:
        for multiple in comparison.demands:
            arms = [arm for arm in comparison.arms if arm.demand == multiple]
            where = f"{comparison.scenario} at demand {demand(multiple)}"
            if not any(arm.is_baseline for arm in arms):
                said.append(f"{where}: no case with {baseline}, so nothing there is compared.")
            wanted = {draw for arm in arms for draw in arm.cases["draw"]}
            for arm in arms:
                if missing := wanted - set(arm.cases["draw"]):
                    said.append(f"{where}: {arm.controller} lacks draw {ranges(missing)}; its mean is over fewer.")
    return said


def _failure(case: Mapping[str, Any]) -> str:
    faults = f" with {case['faults']}" if case.get("faults") else ""
    where = f"{case['scenario']} at demand {demand(case['demand'])}{faults}"
    return f"{where}: {case['controller']}, draw {case['draw']} failed and is in no figure: {case['message']}"


def limits(comparisons: tuple[ScenarioComparison, ...], baseline: str, draws: set[int]) -> list[str]:
    """What the results do not show."""
    compared = sum(len(findings(comparison)) for comparison in comparisons)
    said = [
        "This is simulation (SUMO), not a street: drivers, detectors and demand are models.",
        _draw_kinds(draws),
        _corrections(compared),
        _guessed_plan(comparisons, baseline),
        _by_resco(comparisons),
        _uncontrolled(comparisons),
        "Only vehicles are judged: delay of people on foot or on bicycles is not in these figures.",
    ]
    return [sentence for sentence in said if sentence]


def _draw_kinds(draws: set[int]) -> str:
    kinds = [kind for numbers, kind in DRAWS if draws & set(numbers)]
    if draws - set(range(300)):
        kinds.append("unassigned")
    if kinds == ["evaluation"]:
        return "Demand draws are evaluation draws, which tuning never saw."
    return f"Demand draws are {listed(kinds)} draws: a figure to be quoted needs evaluation draws (200–299)."


def _corrections(compared: int) -> str:
    if compared < 2:
        return ""
    return f"Each interval stands by itself: {compared} comparisons are made here, none corrected for the others."


def _guessed_plan(comparisons: tuple[ScenarioComparison, ...], baseline: str) -> str:
    guessed = [each.label for each in comparisons if each.scenario.startswith((RESCO_PREFIX, BY_RESCO_PREFIX))]
    if baseline != "existing" or not guessed:
        return ""
    return (
        f"The existing plan of {listed(guessed)} is a network generator's guess (no coordination), not the city's: "
        "a gain over it is no gain over the real signals."
    )


def _by_resco(comparisons: tuple[ScenarioComparison, ...]) -> str:
    played = [each.label for each in comparisons if each.scenario.startswith(BY_RESCO_PREFIX)]
    if not played:
        return ""
    return (
        f"{listed(played)}: by RESCO's own rules (demand as written, an hour without warm-up and drain, their yellow), "
        "to be set beside published figures; draws differ by SUMO's seed alone, and no gridlock can be told."
    )


def _uncontrolled(comparisons: tuple[ScenarioComparison, ...]) -> str:
    partly = []
    for each in comparisons:
        controlled, signals = min(arm.junctions() for arm in each.arms if not arm.is_baseline or len(each.arms) == 1)
        if controlled < signals:
            partly.append(f"{controlled} of {signals} on {each.label}")
    return f"Not every signal was controlled: {listed(partly)}." if partly else ""
