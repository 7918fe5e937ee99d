"""Results → one HTML file that opens offline, prints, and says where each number came from."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from experiments.store import Results, one_line
from experiments.tables import percentage
from experiments.together import Together, together
from reports import charts
from reports.before_after import Line, lines, needed_text, pairs
from reports.by_part import by_part
from reports.capacity import capacity_headings, capacity_tables
from reports.comparison import Arm, ScenarioComparison, compare, controller_order
from reports.findings import Finding, findings, headline, limits, notices, p_text
from reports.goals import Goal, goal_rows
from reports.ground import ground
from reports.junctions import delay_rows
from reports.links import link_rows
from reports.map_values import MEASURES
from reports.measure_maps import maps
from reports.measures import measures, part_measures
from reports.palette import looks
from reports.signals.section import signals_section
from reports.table import Cell, groups, headings, interval, row
from reports.templating import render_page
from reports.wording import NONE, bounds, demand, number, per_cent_change, ranges, signed, unbroken
from reports.words import ENGLISH, Words

FILE_NAME = "report.html"
DIGEST_SHOWN = 12
MOST_LISTED = 4
OPEN_AT_FIRST = 1
"""How many before-and-after tables are unfolded; all are on paper."""


def write_report(results_folder: Path, out: Path | None = None) -> Path:
    """Write the report of a results folder, into it unless told otherwise; equal results give equal bytes."""
    return write_page(together([results_folder]), out or results_folder / FILE_NAME)


def write_page(
    found: Together, file: Path, goals: Sequence[Goal] = (), say: Words = ENGLISH, corridor: Sequence[str] = ()
) -> Path:
    """The report of what was brought together; `corridor` names the junctions of its time-space diagram."""
    page = render(found, goals, say, corridor)
    with one_line(file):
        file.write_text(page, encoding="utf-8")
    return file


def render(found: Together, goals: Sequence[Goal] = (), say: Words = ENGLISH, corridor: Sequence[str] = ()) -> str:
    """The page's text."""
    comparisons = compare(found.cases, found.summary(), found.baseline)
    values = _page(found, comparisons, goals, say) | signals_section(found, comparisons, say, corridor)
    return render_page("report.html.j2", values, unbroken=unbroken, breakable=_breakable)


def _page(
    found: Together, comparisons: tuple[ScenarioComparison, ...], goals: Sequence[Goal], say: Words
) -> dict[str, Any]:
    cases, baseline = found.cases, found.baseline
    controllers = controller_order(cases, baseline)
    chosen, references = looks(controllers), found.references()
    return {
        "say": say,
        "title": _title(comparisons, say),
        "subtitle": _subtitle(cases, controllers, say),
        "headline": headline(comparisons, baseline, say),
        "notices": all_notices(found, comparisons, say),
        "answers": [_answer(comparison, say) for comparison in comparisons],
        "forest": _forest(comparisons, chosen, say),
        "limits": limits(comparisons, baseline, set(cases["draw"]), say),
        "goals": goal_rows(goals, comparisons, say),
        "headline_demand": ", ".join(dict.fromkeys(demand(each.headline_demand) for each in comparisons)),
        "before_after": _before_after(comparisons, say),
        "capacities": capacity_tables(found.capacities(), say),
        "capacity_headings": capacity_headings(say),
        "headings": headings(say),
        "groups": groups(say),
        "tables": [_table(comparison, say) for comparison in comparisons],
        "panels": [
            _panel(place, comparison, chosen, references.get(comparison.scenario, math.nan), say)
            for place, comparison in enumerate(comparisons)
        ],
        **_maps(found, comparisons, say),
        **by_part(found, comparisons, chosen, say),
        "measures": (*measures(say), *part_measures(say)),
        "made_by": [_made_by(results, say) for results in found.results],
        "digests": _digests(cases, say),
    }


def all_notices(found: Together, comparisons: tuple[ScenarioComparison, ...], say: Words) -> list[str]:
    """Whatever is wrong with the results, before any figure."""
    return [
        *(say(note.key, **note.values) for note in found.notes),
        *(line for results in found.results for line in _overridden(results.manifest, say)),
        *notices(comparisons, found.baseline, found.failed, say),
    ]


def _overridden(manifest: dict[str, Any], say: Words) -> list[str]:
    """What engineers' overrides make less safe than the plans; it stands before any figure."""
    return [
        say("notices.overridden", place=scenario, why=warning)
        for scenario, found in manifest.get("overrides", {}).items()
        for warning in found["warnings"]
    ]


def _breakable(name: str) -> Markup:
    """A long name may go on in the next line after each of its parts."""
    return Markup(re.sub(r"([:/_])", r"\1<wbr>", str(escape(name))))


def _title(comparisons: Sequence[ScenarioComparison], say: Words) -> str:
    names = [comparison.label for comparison in comparisons]
    return say("report.title", places=say.listed(names) if len(names) <= 4 else say.count(len(names), "scenario"))


def _subtitle(cases: pd.DataFrame, controllers: Sequence[str], say: Words) -> str:
    multiples = [demand(multiple) for multiple in sorted(cases["demand"].unique())]
    demands = ", ".join(multiples) if len(multiples) <= MOST_LISTED else f"{multiples[0]} – {multiples[-1]}"
    faults = [say("report.faults", faults=each) for each in cases["faults"].unique() if each]
    run = [say("report.demand", demand=demands), say("report.draws", draws=ranges(cases["draw"]))]
    return " · ".join([say.listed(list(controllers)), *run, say.count(len(cases), "case"), *faults])


def _answer(comparison: ScenarioComparison, say: Words) -> dict[str, Any]:
    return {
        "scenario": comparison.scenario,
        "demand": demand(comparison.headline_demand),
        "other_demands": len(comparison.demands) - 1,
        "controlled": _controlled(comparison, say),
        "findings": [_with_badge(finding, say) for finding in findings(comparison, say)],
    }


def _controlled(comparison: ScenarioComparison, say: Words) -> str:
    """How much of the place was controlled at all."""
    arms = [arm for arm in comparison.headline_arms if not arm.is_baseline] or comparison.headline_arms
    controlled, signals = min(arm.junctions() for arm in arms)
    share = min(arm.mean("vehicles_controlled_share") for arm in arms)
    return say("answer.controlled", controlled=controlled, signals=signals, share=percentage(share))


def _with_badge(finding: Finding, say: Words) -> dict[str, Any]:
    return {
        "verdict": finding.verdict.value,
        "badge": say(f"badge.{finding.verdict}"),
        "claim": finding.claim,
        "evidence": finding.evidence,
    }


def _forest(comparisons: Sequence[ScenarioComparison], chosen: charts.Looks, say: Words) -> Markup | None:
    if not any(findings(comparison) for comparison in comparisons):
        return None
    return Markup(charts.forest("forest", comparisons, chosen, say))


def _before_after(comparisons: Sequence[ScenarioComparison], say: Words) -> list[dict[str, Any]]:
    """A table for each scenario and controller."""
    titles = {each.name: (each.title, each.unit) for each in measures(say)}
    return [
        {
            "summary": say("before_after.summary", place=comparison.label, after=arm.controller, before=arm.baseline),
            "before": arm.baseline,
            "after": arm.controller,
            "open": place < OPEN_AT_FIRST,
            "rows": [(line.measure, *titles[line.measure], *_cells(line, say)) for line in lines(arm, baseline)],
        }
        for place, (comparison, arm, baseline) in enumerate(pairs(comparisons))
    ]


def _cells(line: Line, say: Words) -> tuple[list[Cell], str]:
    """Before, after, difference, change, p and draws; and the direction."""
    change, mark = per_cent_change(line.ratio), {"better": " ✓", "worse": " ✗", "": ""}[line.direction]
    cells = [
        Cell(number(line.before, line.decimals), line.level(line.before)),
        Cell(number(line.after, line.decimals), line.level(line.after)),
        Cell(signed(line.difference.estimate, line.decimals) + mark, interval(line.difference, say, line.decimals)),
        Cell(signed(change.estimate, 0), bounds(change, 0)),
        Cell(NONE if math.isnan(line.p) else p_text(line.p).removeprefix("= ")),
        Cell(needed_text(line, say("before_after.many"))),
    ]
    return cells, line.direction


def _table(comparison: ScenarioComparison, say: Words) -> dict[str, Any]:
    bodies: dict[float, list[tuple[Arm, tuple[Cell, ...]]]] = {}
    for arm in comparison.arms:
        bodies.setdefault(arm.demand, []).append((arm, row(arm, say)))
    return {
        "scenario": comparison.scenario,
        "bodies": [(demand(multiple), rows) for multiple, rows in bodies.items()],
        "draws": ranges(pd.concat([arm.cases["draw"] for arm in comparison.arms])),
    }


def _panel(
    place: int, comparison: ScenarioComparison, chosen: charts.Looks, reference: float, say: Words
) -> dict[str, Any]:
    arms, swept = comparison.headline_arms, len(comparison.demands) > 1
    over_demand = charts.over_demand(f"demand{place}", comparison, chosen, reference, say) if swept else None
    return {
        "scenario": comparison.scenario,
        "demand": demand(comparison.headline_demand),
        "delay": Markup(charts.delay(f"delay{place}", arms, chosen, say)),
        "accounting": Markup(charts.accounting(f"accounting{place}", arms, say)),
        "over_demand": Markup(over_demand) if over_demand else None,
    }


def _maps(found: Together, comparisons: Sequence[ScenarioComparison], say: Words) -> dict[str, Any]:
    """Of each scenario with links or more than one junction, where its network is still that which was run."""
    shown, links, movements = [], found.table("links"), found.table("movements")
    for place, comparison in enumerate(comparisons):
        arm = comparison.headline_arms[0]
        controllers, rows = delay_rows(comparison)
        on_links = link_rows(comparison, links)
        name = comparison.scenario.partition(", ")[0]
        digest = str(arm.cases["network_digest"].iloc[0])
        base = ground(found.places.get(name, name), digest) if len(rows) > 1 or on_links else None
        if base:
            everyone = [each.controller for each in comparison.headline_arms]
            tables = [
                (say("map.junction"), controllers, rows),
                *([(say("map.link"), everyone, on_links)] if on_links else []),
            ]
            drawn = maps(f"map{place}", comparison, base, say, links, movements)
            shown.append({"place": comparison.label, "tables": tables, **drawn})
    choice = {each["key"]: each["title"] for place in shown for each in place["measures"]}
    return {"maps": shown, "map_measures": [(key, choice[key]) for key in MEASURES if key in choice]}


def _made_by(results: Results, say: Words) -> dict[str, Any]:
    manifest = json.dumps(results.manifest, indent=1, ensure_ascii=False)
    return {"folder": results.folder.name, "facts": _facts(results.manifest, say), "manifest": manifest}


def _facts(manifest: dict[str, Any], say: Words) -> list[tuple[str, str]]:
    """The manifest's short entries, in its own order; versions one by one; the digests have their own table."""
    facts: list[tuple[str, str]] = []
    for name, value in manifest.items():
        title = say("sources.decision_s") if name == "decision_s" else name.replace("_", " ")
        if name == "versions":
            facts.append((title, ", ".join(f"{package} {version}" for package, version in value.items())))
        elif name == "failed":
            facts.append((title, say.count(len(value), "case")))
        elif isinstance(value, list) and value and all(isinstance(each, int) for each in value):
            facts.append((title, ranges(value)))
        elif isinstance(value, list):
            facts.append((title, ", ".join(str(each) for each in value) or NONE))
        elif not isinstance(value, dict):
            facts.append((title, NONE if value is None else str(value)))
    return facts


def _digests(cases: pd.DataFrame, say: Words) -> list[tuple[str, str, list[str]]]:
    """What was digested, of which scenario or controller, and the beginnings of its digests."""
    digested = (
        ("network", "scenario", "network_digest"),
        ("detectors", "scenario", "detector_digest"),
        ("demand", "scenario", "demand_digest"),
        ("overrides", "scenario", "override_digest"),
        ("controller", "controller", "controller_digest"),
    )
    return [
        (say(f"sources.{what}"), str(name), [digest[:DIGEST_SHOWN] for digest in group[column].unique()])
        for what, of, column in digested
        for name, group in cases.groupby(of, sort=False)
        if group[column].any()
    ]
