"""A diagnosis → one HTML file that opens offline and says what each verdict rests on."""

from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from formats.recording import FORMATS
from reports.detectors import charts
from reports.detectors.cycles import Phase
from reports.detectors.definitions import DEFINITIONS
from reports.detectors.diagnose_file import Diagnosis, detector_table
from reports.detectors.diagnosis import DISTRUSTED, VERDICTS, Health
from reports.templating import render_page
from reports.wording import NONE, count, listed, number

FILE_NAME, TEMPLATE = "report.html", "detectors.html.j2"
CHARTS_AT_MOST, ROWS_AT_MOST = 60, 400
BADGES = {"distrusted": "more", "suspect": "warn", "repaired": "unclear", "good": "less"}


def write_page(diagnosis: Diagnosis, out: Path) -> Path:
    file = out / FILE_NAME
    file.write_text(render_page(TEMPLATE, page(diagnosis)), encoding="utf-8")
    return file


def page(diagnosis: Diagnosis) -> dict[str, Any]:
    healths, table = diagnosis.healths, detector_table(diagnosis)
    return {
        "title": f"Detectors of {diagnosis.recording.path.name}",
        "subtitle": subtitle(diagnosis),
        "headline": headline(healths),
        "troubles": [_trouble(health) for health in healths if health.verdict in ("distrusted", "suspect")],
        "overviews": _overviews(diagnosis),
        "rows": [_row(row) for row in table.head(ROWS_AT_MOST).to_dict("records")],
        "left_out": max(0, len(table) - ROWS_AT_MOST),
        "with_edges": diagnosis.recording.kind == "events",
        "phases": [_phase(place, phase, cycles) for place, (phase, cycles) in enumerate(diagnosis.phases)],
        "panels": _panels(diagnosis),
        "charts_left_out": max(0, len(healths) - CHARTS_AT_MOST),
        "facts": facts(diagnosis),
        "broken": diagnosis.recording.findings.broken.sentences(),
        "faulty": diagnosis.recording.findings.faulty.sentences(),
        "definitions": DEFINITIONS,
    }


def subtitle(diagnosis: Diagnosis) -> str:
    kept, found = diagnosis.collection, len(diagnosis.healths)
    span = f"{charts.when(kept.start_s)} to {charts.when(kept.end_s)}"
    return f"{FORMATS[diagnosis.recording.format][2]} · {count(kept.rows, 'row')} · {span} · {count(found, 'detector')}"


def headline(healths: list[Health]) -> str:
    """How many can be believed, and what is wrong with the rest, the most frequent first."""
    verdicts = [health.verdict for health in healths]
    sound = verdicts.count("good") + verdicts.count("repaired")
    first = f"{sound} of {count(len(healths), 'detector')} can be believed"
    tally = {each: verdicts.count(each) for each in VERDICTS[:2] if each in verdicts}
    rest = [f"{times} {'is' if times == 1 else 'are'} {each}" for each, times in tally.items()]
    kinds = [reason.kind for health in healths for reason in health.reasons if reason.kind in DISTRUSTED]
    frequent = sorted(set(kinds), key=lambda kind: (-kinds.count(kind), kind))
    named = [f"{kind} ({kinds.count(kind)})" for kind in frequent]
    return f"{first}{'; ' + listed(rest) if rest else ''}.{' Found: ' + listed(named) + '.' if named else ''}"


def _trouble(health: Health) -> dict[str, Any]:
    spans = [f"{charts.when(each.begin_s)} to {charts.when(each.end_s)}" for each in health.reasons]
    reasons = [f"{each.kind}: {each.words} ({span})" for each, span in zip(health.reasons, spans, strict=True)]
    return {"detector": health.detector, "verdict": health.verdict, "badge": BADGES[health.verdict], "reasons": reasons}


def _overviews(diagnosis: Diagnosis) -> list[Markup]:
    """One chart a group, as far as the page has room."""
    drawn, room = [], CHARTS_AT_MOST
    for place, judged in enumerate(diagnosis.groups):
        if room > 0:
            group, healths = judged.group, judged.healths[:room]
            chart = charts.overview(f"overview{place}", healths, group.begin_s, group.period_s, group.volume_veh)
            drawn.append(Markup(chart))
            room -= len(healths)
    return drawn


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    def figure(name: str, decimals: int = 0, factor: float = 1.0) -> str:
        return number(float(row[name]) * factor, decimals)

    phase = NONE if pd.isna(row["phase"]) else f"{row['phase']:.0f} {row['function'].replace('_', ' ')}"
    return {
        "detector": row["detector"], "phase": phase, "verdict": row["verdict"], "badge": BADGES[row["verdict"]],
        "reasons": row["reasons"], "volume": figure("volume_veh"), "measured": figure("measured_veh"),
        "lost": f"{row['lost_ons']} / {row['lost_offs']}", "flow": figure("flow_veh_per_h"),
        "highest": figure("highest_flow_veh_per_h"), "occupancy": figure("occupancy", 1, 100.0),
        "speed": figure("speed_m_per_s", 1, 3.6), "known": figure("known_share", 1, 100.0),
        "neighbours": row["neighbours"] or NONE,
    }  # fmt: skip


def _phase(place: int, phase: Phase, cycles: pd.DataFrame) -> dict[str, Any]:
    measured = bool(len(cycles)) and bool(cycles["queue_veh"].notna().any())
    ended = cycles["ended_by"].replace("", "not said").value_counts()
    return {
        "label": phase.label,
        "device": phase.device,
        "summary": [
            ("greens", f"{len(phase.greens):,}"),
            ("without an end, left out", f"{phase.lost_ends}"),
            ("mean green", f"{number(float(cycles['green_s'].mean()))} s"),
            ("mean cycle", f"{number(float(cycles['cycle_s'].mean()))} s"),
            ("ended by", ", ".join(f"{word} {times}" for word, times in ended.items()) or NONE),
            ("stop-line loops", ", ".join(phase.lanes) or "not given"),
            *(_loop_summary(cycles) if measured else []),
        ],
        "queue": Markup(charts.queue(f"queue{place}", phase.label, cycles)) if measured else None,
        "saturation": Markup(charts.saturation(f"saturation{place}", phase.label, cycles)) if measured else None,
    }


def _loop_summary(cycles: pd.DataFrame) -> list[tuple[str, str]]:
    full = int((cycles["degree_of_saturation"] > 0.95).sum())
    return [
        ("vehicles a cycle", number(float(cycles["volume_veh"].mean()))),
        ("queue served, 95th percentile", f"{number(float(cycles['queue_veh'].quantile(0.95)), 0)} veh"),
        ("cycles not cleared", f"{int((~cycles['cleared']).sum())} of {len(cycles)}"),
        ("cycles above 0.95", f"{full} of {len(cycles)}"),
    ]


def _panels(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Detectors in the order of their verdicts: flow over the file, and the daily profile where there are days."""
    order = {health.detector: place for place, health in enumerate(diagnosis.healths)}
    panels = []
    for judged in diagnosis.groups:
        for place, health in enumerate(judged.healths):
            if order[health.detector] < CHARTS_AT_MOST:
                panels.append((order[health.detector], _panel(judged.group, place, health, order[health.detector])))
    return [panel for _, panel in sorted(panels, key=lambda pair: pair[0])]


def _panel(group: Any, place: int, health: Health, number_of: int) -> dict[str, Any]:
    at = group.begin_s, group.period_s, group.volume_veh[:, place]
    days = charts.profile(*at)
    return {
        "detector": health.detector,
        "verdict": health.verdict,
        "badge": BADGES[health.verdict],
        "volumes": Markup(charts.volumes(f"volumes{number_of}", health, *at)),
        "profile": None if days is None else Markup(charts.daily_profile(f"profile{number_of}", health, days)),
    }


def facts(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """What was read, dropped and noticed; nothing is left out silently."""
    kept, findings = diagnosis.collection, diagnosis.recording.findings
    rows = [
        ("file", str(diagnosis.recording.path)),
        ("format", f"{diagnosis.recording.format}: {FORMATS[diagnosis.recording.format][2]}"),
        ("rows in the file", f"{findings.rows:,}"),
        ("broken rows, left out", f"{findings.broken.total:,}"),
        ("faulty values, taken for none", f"{findings.faulty.total:,}"),
        ("repeated rows, dropped", f"{kept.repeated:,}"),
        ("notices", "; ".join(findings.notices) or "none"),
    ]
    return rows + [("nothing logged", gap) for gap in log_gaps(diagnosis)]


def log_gaps(diagnosis: Diagnosis) -> list[str]:
    """Times in which a whole device, or every detector of a group, said nothing."""
    if diagnosis.recording.kind == "events":
        found = [
            (device, gap) for device in diagnosis.collection.devices for gap in diagnosis.collection.log_gaps(device)
        ]
        return [f"device {device}: {charts.when(a)} to {charts.when(b)}, {b - a:.1f} s" for device, (a, b) in found]
    return [
        f"all of {count(len(judged.group.names), 'detector')}: {charts.when(start)} to {charts.when(start + length)}"
        for judged in diagnosis.groups
        for start, length in charts.silent_spans(judged.group)
    ]
