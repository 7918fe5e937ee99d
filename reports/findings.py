"""The answer in sentences: what changed against the baseline, by how much, how surely, and what was not shown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from experiments.certainty import WIDE_SPREAD, draws_needed, log_spread
from experiments.statistics import Interval
from reports.comparison import Arm, ScenarioComparison
from reports.wording import bounded, demand, number, per_cent_change, ranges, signed
from reports.words import ENGLISH, Words
from scenarios.catalogue import BY_RESCO_PREFIX, RESCO_PREFIX

SECONDS_PER_HOUR = 3600.0
SURE = 0.05
SURE_OF_MANY = 0.04
"""Holm's p of a claim among several: below 0.05, since draws are skewed and few (benchmarks/intervals.py)."""
PRECISION = 0.05
"""Half of the interval that draws are counted for, as a share of the baseline's mean."""
DRAWS = ((range(100), "development"), (range(100, 200), "tuning"), (range(200, 300), "evaluation"))


class Verdict(StrEnum):
    """What may be said of a difference in delay."""

    LESS = "less"
    MORE = "more"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"  # too few draws for an interval
    GRIDLOCK = "gridlock"
    NOBODY = "nobody"  # no vehicle in the window, persons at most


@dataclass(frozen=True)
class Finding:
    """One controller against the baseline on one scenario."""

    arm: Arm
    verdict: Verdict
    claim: str
    evidence: tuple[str, ...]


def verdict(arm: Arm) -> Verdict:
    """Less or more only where the intervals of the difference and of the ratio both exclude no change.

    And where that is no accident among all the comparisons that the answer makes.
    """
    difference, ratio = arm.difference("delay_s"), arm.ratio("delay_s")
    if arm.mean("scheduled") == 0:
        return Verdict.NOBODY
    if arm.gridlocks:
        return Verdict.GRIDLOCK
    if not bounded(difference):
        return Verdict.UNKNOWN
    if arm.comparisons > 1 and arm.p > SURE_OF_MANY:
        return Verdict.UNCLEAR
    if difference.high < 0 and not ratio.high >= 1:
        return Verdict.LESS
    if difference.low > 0 and not ratio.low <= 1:
        return Verdict.MORE
    return Verdict.UNCLEAR


def findings(comparison: ScenarioComparison, say: Words = ENGLISH) -> list[Finding]:
    """One finding for each controller that can be paired with the baseline, at the headline's demand."""
    pairs = [(arm, comparison.baseline_of(arm)) for arm in comparison.headline_arms if not arm.is_baseline]
    return [_finding(arm, baseline, say) for arm, baseline in pairs if baseline and arm.paired_draws]


def _finding(arm: Arm, baseline: Arm, say: Words) -> Finding:
    evidence = [
        _amount(arm, say),
        _time_saved(arm, say),
        _draws(arm, baseline, say),
        _surely(arm, say),
        _needed(arm, baseline, say),
        _locked_out(arm, baseline, say),
    ]
    return Finding(arm, verdict(arm), _claim(arm, baseline, say), tuple(part for part in evidence if part))


def _claim(arm: Arm, baseline: Arm, say: Words) -> str:
    known, difference = verdict(arm), arm.difference("delay_s")
    before, after = (number(one.mean("delay_s")) for one in (baseline, arm))
    told = {"who": arm.controller, "before": before, "after": after}
    match known:
        case Verdict.LESS | Verdict.MORE:
            low, high = sorted(abs(bound) for bound in (difference.low, difference.high))
            amount = number(abs(difference.estimate))
            return say(f"claim.{known}", amount=amount, low=number(low), high=number(high), **told)
        case Verdict.UNCLEAR:
            amount, interval, why = (signed(difference.estimate), _from_to(difference, 1, say), _why(arm, say))
            return say("claim.unclear", amount=amount, interval=interval, why=why, **told)
        case Verdict.UNKNOWN:
            amount, draws = number(abs(difference.estimate)), say.count(arm.paired_draws, "draw")
            direction = "less" if difference.estimate < 0 else "more"
            return say(f"claim.unknown_{direction}", amount=amount, draws=draws, **told)
        case Verdict.GRIDLOCK:
            return say("claim.gridlock", locked=arm.gridlocks, draws=say.count(arm.draws, "draw"), **told)
        case Verdict.NOBODY:
            return say("claim.nobody", who=arm.controller, persons=_persons(arm, baseline, say))


def _persons(arm: Arm, baseline: Arm, say: Words) -> str:
    """Their delay, where there are no vehicles to speak of; no claim, since no interval is told."""
    before, after = (one.mean("person_delay_s") for one in (baseline, arm))
    if math.isnan(after):
        return ""
    return say("claim.persons", after=number(after), before=number(before), baseline=arm.baseline)


def _why(arm: Arm, say: Words) -> str:
    """Why a difference is not claimed."""
    if not arm.difference("delay_s").excludes(0.0):
        return say("claim.zero")
    if not arm.ratio("delay_s").excludes(1.0) and bounded(arm.ratio("delay_s")):
        return say("claim.ratio")
    return say("claim.many", p=p_text(arm.p))


def p_text(p: float) -> str:
    """'= 0.012'; never a zero."""
    return "< 0.001" if p < 0.001 else f"= {number(p, 3)}"


def _amount(arm: Arm, say: Words) -> str:
    """'−55 % (95 % interval −59 to −51 %)', after the difference where the claim has not said it."""
    difference, change = arm.difference("delay_s"), per_cent_change(arm.ratio("delay_s"))
    if verdict(arm) is Verdict.NOBODY:
        return ""
    if math.isnan(change.estimate):
        return say("evidence.no_share")
    key = "evidence.share_interval" if bounded(change) else "evidence.share"
    share = say(key, share=signed(change.estimate, 0), interval=_from_to(change, 0, say))
    if verdict(arm) is not Verdict.GRIDLOCK:
        return share
    key = "evidence.seconds_interval" if bounded(difference) else "evidence.seconds"
    return say(key, seconds=signed(difference.estimate), interval=_from_to(difference, 1, say), share=share)


def _from_to(of: Interval, decimals: int, say: Words) -> str:
    return say("claim.from_to", low=signed(of.low, decimals), high=signed(of.high, decimals))


def _time_saved(arm: Arm, say: Words) -> str:
    """The same difference over all vehicles of the window; nothing where zero cannot be excluded."""
    if verdict(arm) not in (Verdict.LESS, Verdict.MORE):
        return ""
    difference, vehicles = arm.difference("delay_s"), arm.mean("scheduled")
    in_hours = abs(difference.estimate) * vehicles >= SECONDS_PER_HOUR
    unit_s, unit = (SECONDS_PER_HOUR, "hours") if in_hours else (60.0, "minutes")
    low, amount, high = sorted(
        abs(each) * vehicles / unit_s for each in (difference.low, difference.estimate, difference.high)
    )
    change = "saved" if difference.estimate < 0 else "lost"
    amounts = {"amount": number(amount), "low": number(low), "high": number(high)}
    return say(f"evidence.{unit}_{change}", vehicles=number(vehicles, 0), **amounts)


def _draws(arm: Arm, baseline: Arm, say: Words) -> str:
    paired = say.count(arm.paired_draws, "paired_draw")
    if not (arm.gridlocks or baseline.gridlocks):
        return say("evidence.sound", paired=paired)
    own, theirs = (
        {"who": arm.controller, "own": arm.gridlocks, "own_draws": arm.draws},
        {"baseline": baseline.controller, "theirs": baseline.gridlocks, "their_draws": baseline.draws},
    )
    return say("evidence.locked", paired=paired, **own, **theirs)


def _surely(arm: Arm, say: Words) -> str:
    if arm.comparisons < 2 or math.isnan(arm.p):
        return ""
    return say("evidence.surely", p=p_text(arm.p), count=arm.comparisons)


def _needed(arm: Arm, baseline: Arm, say: Words) -> str:
    mine, theirs = arm.paired(baseline, "delay_s")
    half_s = PRECISION * float(theirs.mean())
    draws = draws_needed(mine - theirs, half_s)
    return "" if draws is None else say("evidence.needed", half=number(half_s), draws=say.count(draws, "draw"))


def _locked_out(arm: Arm, baseline: Arm, say: Words) -> str:
    after, before = arm.mean("never_entered"), baseline.mean("never_entered")
    return say("evidence.outside", after=number(after), before=number(before)) if after > before else ""


def headline(comparisons: tuple[ScenarioComparison, ...], baseline: str, say: Words = ENGLISH) -> str:
    """One sentence over all scenarios, with every controller and every verdict in it."""
    found = [finding for comparison in comparisons for finding in findings(comparison, say)]
    if not found:
        return say("headline.nothing", baseline=baseline)
    by_controller: dict[str, list[Finding]] = {}
    for finding in found:
        by_controller.setdefault(finding.arm.controller, []).append(finding)
    clauses = [_clause(controller, own, say) for controller, own in by_controller.items()]
    return say("headline.whole", baseline=baseline, clauses=say("headline.join").join(clauses))


def _clause(controller: str, own: list[Finding], say: Words) -> str:
    """'max-pressure lowers mean delay on 2 of 3 scenarios (−49 to −51 %) and shows no clear difference on 1'."""
    parts: list[str] = []
    for each in Verdict:
        arms = [finding.arm for finding in own if finding.verdict is each]
        if arms:
            of = "" if parts else say("headline.of", count=say.count(len(own), "scenario"))
            where = "" if len(own) == 1 else say("headline.where", some=len(arms), of=of)
            sizes = _sizes(arms, say) if each in (Verdict.LESS, Verdict.MORE) else ""
            parts.append(say(f"verb.{each}") + where + sizes)
    return say("headline.clause", who=controller, parts=say.listed(parts))


def _sizes(arms: list[Arm], say: Words) -> str:
    sizes = sorted((per_cent_change(arm.ratio("delay_s")).estimate for arm in arms), key=abs)
    if any(math.isnan(size) for size in sizes):
        return ""
    if len(arms) == 1:
        return _size(arms[0], say)
    shown = list(dict.fromkeys(signed(size, 0) for size in (sizes[0], sizes[-1])))
    return say("headline.sizes", sizes=f"{say('headline.to').join(shown)} %")


def _size(arm: Arm, say: Words) -> str:
    """Of one place, in per cent, in seconds of a vehicle, and in hours of all together."""
    saved_s = arm.difference("delay_s").estimate
    saved_h = saved_s * arm.mean("scheduled") / SECONDS_PER_HOUR
    hours = say("headline.hours", hours=signed(saved_h)) if abs(saved_h) >= 1 else ""
    share = f"{signed(per_cent_change(arm.ratio('delay_s')).estimate, 0)} %"
    return say("headline.one", share=share, seconds=signed(saved_s), hours=hours)


def notices(
    comparisons: tuple[ScenarioComparison, ...],
    baseline: str,
    failed: Sequence[Mapping[str, Any]],
    say: Words = ENGLISH,
) -> list[str]:
    """What is wrong with the results themselves, to be read before any figure."""
    said = [_failure(case, say) for case in failed]
    for comparison in comparisons:
        for multiple in comparison.demands:
            arms = [arm for arm in comparison.arms if arm.demand == multiple]
            where = say("notices.where", place=comparison.scenario, demand=demand(multiple))
            if not any(arm.is_baseline for arm in arms):
                said.append(say("notices.no_baseline", where=where, baseline=baseline))
            wanted = {draw for arm in arms for draw in arm.cases["draw"]}
            for arm in arms:
                if missing := wanted - set(arm.cases["draw"]):
                    said.append(say("notices.lacks", where=where, who=arm.controller, draws=ranges(missing)))
        said += _headline_notices(comparison, say)
    return said


def _headline_notices(comparison: ScenarioComparison, say: Words) -> list[str]:
    """Where the headline's figures hide something: gridlock, or draws that differ too much for an interval."""
    said = []
    where = say("notices.where", place=comparison.scenario, demand=demand(comparison.headline_demand))
    for arm in comparison.headline_arms:
        spread = log_spread(arm.cases["delay_s"])
        if arm.gridlocks:
            draws = say.count(arm.draws, "draw")
            said.append(say("notices.locked", where=where, who=arm.controller, locked=arm.gridlocks, draws=draws))
        elif arm.is_baseline and spread > WIDE_SPREAD:
            spread_text = number(100 * WIDE_SPREAD, 0)
            said.append(say("notices.spread", where=where, baseline=arm.controller, spread=spread_text))
    return said


def _failure(case: Mapping[str, Any], say: Words) -> str:
    where = say("notices.where", place=case["scenario"], demand=demand(case["demand"]))
    where += say("notices.with_faults", faults=case["faults"]) if case.get("faults") else ""
    return say("notices.failed", where=where, who=case["controller"], draw=case["draw"], why=case["message"])


def limits(
    comparisons: tuple[ScenarioComparison, ...], baseline: str, draws: set[int], say: Words = ENGLISH
) -> list[str]:
    """What the results do not show."""
    compared = sum(len(findings(comparison)) for comparison in comparisons)
    said = [
        say("limits.simulation"),
        _draw_kinds(draws, say),
        say("limits.corrected", count=compared) if compared > 1 else "",
        _guessed_plan(comparisons, baseline, say),
        _by_resco(comparisons, say),
        _uncontrolled(comparisons, say),
        say("limits.vehicles"),
        say("limits.turning"),
    ]
    return [sentence for sentence in said if sentence]


def _draw_kinds(draws: set[int], say: Words) -> str:
    kinds = [kind for numbers, kind in DRAWS if draws & set(numbers)]
    if draws - set(range(300)):
        kinds.append("unassigned")
    if kinds == ["evaluation"]:
        return say("limits.evaluation")
    return say("limits.draws", kinds=say.listed([say(f"kind.{kind}") for kind in kinds]))


def _guessed_plan(comparisons: tuple[ScenarioComparison, ...], baseline: str, say: Words) -> str:
    guessed = [each.label for each in comparisons if each.scenario.startswith((RESCO_PREFIX, BY_RESCO_PREFIX))]
    return say("limits.guessed", places=say.listed(guessed)) if baseline == "existing" and guessed else ""


def _by_resco(comparisons: tuple[ScenarioComparison, ...], say: Words) -> str:
    played = [each.label for each in comparisons if each.scenario.startswith(BY_RESCO_PREFIX)]
    return say("limits.resco", places=say.listed(played)) if played else ""


def _uncontrolled(comparisons: tuple[ScenarioComparison, ...], say: Words) -> str:
    partly = []
    for each in comparisons:
        controlled, signals = min(arm.junctions() for arm in each.arms if not arm.is_baseline or len(each.arms) == 1)
        if controlled < signals:
            partly.append(say("limits.some_of", controlled=controlled, signals=signals, place=each.label))
    return say("limits.uncontrolled", places=say.listed(partly)) if partly else ""
