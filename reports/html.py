"""Results of a run → one HTML file that opens offline, prints, and says where each number came from."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from experiments.capacity import kept_references
from experiments.statistics import summarise
from experiments.store import Results, load, one_line
from reports import charts
from reports.capacity import COLUMNS as CAPACITY_COLUMNS
from reports.capacity import capacity_tables
from reports.comparison import Arm, ScenarioComparison, compare, controller_order
from reports.findings import Finding, Verdict, findings, headline, limits, notices
from reports.measures import MEASURES
from reports.palette import looks
from reports.table import COLUMNS, Cell, groups, row
from reports.templating import render_page
from reports.wording import count, demand, listed, ranges, unbroken

FILE_NAME = "report.html"
DIGEST_SHOWN = 12
BADGES = {
    Verdict.LESS: "less delay",
    Verdict.MORE: "more delay",
    Verdict.UNCLEAR: "no clear difference",
    Verdict.UNKNOWN: "too few draws",
    Verdict.GRIDLOCK: "gridlock",
    Verdict.NOBODY: "no vehicles",
}


def write_report(results_folder: Path, out: Path | None = None) -> Path:
    """Write the report of a results folder, into it unless told otherwise; equal results give equal bytes."""
    file = out or results_folder / FILE_NAME
    page = render(load(results_folder))
    with one_line(file):
        file.write_text(page, encoding="utf-8")
    return file


def render(results: Results) -> str:
    baseline = str(results.manifest["baseline"])
    comparisons = compare(results.cases, summarise(results.cases, baseline), baseline)
    values = _page(results, comparisons, baseline)
    return render_page("report.html.j2", values, unbroken=unbroken, breakable=_breakable)


def _page(results: Results, comparisons: tuple[ScenarioComparison, ...], baseline: str) -> dict[str, Any]:
    cases = results.cases
    controllers = controller_order(cases, baseline)
    chosen, references = looks(controllers), kept_references(results.folder)
    return {
        "title": _title(comparisons),
        "subtitle": _subtitle(cases, controllers),
        "headline": headline(comparisons, baseline),
        "notices": [
            *_overridden(results.manifest),
            *notices(comparisons, baseline, results.manifest.get("failed", [])),
        ],
        "answers": [_answer(comparison) for comparison in comparisons],
        "forest": _forest(comparisons, chosen),
        "limits": limits(comparisons, baseline, set(cases["draw"])),
        "capacities": capacity_tables(cases, baseline, references),
        "capacity_columns": CAPACITY_COLUMNS,
        "columns": COLUMNS,
        "groups": groups(),
        "tables": [_table(comparison) for comparison in comparisons],
        "panels": [
            _panel(place, comparison, chosen, references.get(comparison.scenario, math.nan))
            for place, comparison in enumerate(comparisons)
        ],
        "measures": MEASURES,
        "facts": _facts(results.manifest),
        "digests": _digests(cases),
        "manifest": json.dumps(results.manifest, indent=1, ensure_ascii=False),
    }


def _overridden(manifest: dict[str, Any]) -> list[str]:
    """What engineers' overrides make less safe than the plans; it stands before any figure."""
    return [
        f"{scenario}: overridden: {warning}"
        for scenario, found in manifest.get("overrides", {}).items()
        for warning in found["warnings"]
    ]


def _breakable(name: str) -> Markup:
    """A long name may go on in the next line after each of its parts."""
    return Markup(re.sub(r"([:/])", r"\1<wbr>", str(escape(name))))


def _title(comparisons: Sequence[ScenarioComparison]) -> str:
    names = [comparison.label for comparison in comparisons]
    return f"Signal control on {listed(names) if len(names) <= 4 else count(len(names), 'scenario')}"


def _subtitle(cases: pd.DataFrame, controllers: Sequence[str]) -> str:
    demands = ", ".join(demand(multiple) for multiple in sorted(cases["demand"].unique()))
    faults = "".join(f" · faults {each}" for each in cases["faults"].unique() if each)
    return (
        f"{listed(list(controllers))} · demand {demands} · draws {ranges(cases['draw'])} · {count(len(cases), 'case')}"
        f"{faults}"
    )


def _answer(comparison: ScenarioComparison) -> dict[str, Any]:
    found = findings(comparison)
    return {
        "scenario": comparison.scenario,
        "demand": demand(comparison.headline_demand),
        "other_demands": len(comparison.demands) - 1,
        "findings": [_with_badge(finding) for finding in found],
    }


def _with_badge(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict.value,
        "badge": BADGES[finding.verdict],
        "claim": finding.claim,
        "evidence": finding.evidence,
    }


def _forest(comparisons: Sequence[ScenarioComparison], chosen: charts.Looks) -> Markup | None:
    if not any(findings(comparison) for comparison in comparisons):
        return None
    return Markup(charts.forest("forest", comparisons, chosen))


def _table(comparison: ScenarioComparison) -> dict[str, Any]:
    bodies: dict[float, list[tuple[Arm, tuple[Cell, ...]]]] = {}
    for arm in comparison.arms:
        bodies.setdefault(arm.demand, []).append((arm, row(arm)))
    return {
        "scenario": comparison.scenario,
        "bodies": [(demand(multiple), rows) for multiple, rows in bodies.items()],
        "draws": ranges(pd.concat([arm.cases["draw"] for arm in comparison.arms])),
    }


def _panel(place: int, comparison: ScenarioComparison, chosen: charts.Looks, reference: float) -> dict[str, Any]:
    arms = comparison.headline_arms
    swept = charts.over_demand(f"demand{place}", comparison, chosen, reference) if len(comparison.demands) > 1 else None
    return {
        "scenario": comparison.scenario,
        "demand": demand(comparison.headline_demand),
        "delay": Markup(charts.delay(f"delay{place}", arms, chosen)),
        "accounting": Markup(charts.accounting(f"accounting{place}", arms)),
        "over_demand": Markup(swept) if swept else None,
    }


def _facts(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """The manifest's short entries, in its own order; versions one by one; the digests have their own table."""
    facts: list[tuple[str, str]] = []
    for name, value in manifest.items():
        title = "seconds between decisions" if name == "decision_s" else name.replace("_", " ")
        if name == "versions":
            facts.append((title, ", ".join(f"{package} {version}" for package, version in value.items())))
        elif name == "failed":
            facts.append((title, count(len(value), "case")))
        elif isinstance(value, list) and all(isinstance(each, int) for each in value):
            facts.append((title, ranges(value)))
        elif isinstance(value, list):
            facts.append((title, ", ".join(str(each) for each in value)))
        elif not isinstance(value, dict):
            facts.append((title, str(value)))
    return facts


def _digests(cases: pd.DataFrame) -> list[tuple[str, str, list[str]]]:
    """What was digested, of which scenario or controller, and the beginnings of its digests."""
    digested = (
        ("network", "scenario", "network_digest"),
        ("detectors", "scenario", "detector_digest"),
        ("demand", "scenario", "demand_digest"),
        ("overrides", "scenario", "override_digest"),
        ("controller", "controller", "controller_digest"),
    )
    return [
        (what, str(name), [digest[:DIGEST_SHOWN] for digest in group[column].unique()])
        for what, of, column in digested
        for name, group in cases.groupby(of, sort=False)
        if group[column].any()
    ]
