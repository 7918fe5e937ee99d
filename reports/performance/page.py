"""A measured log → one HTML file that opens offline, prints, and says what each figure rests on."""

from pathlib import Path
from typing import Any

import pandas as pd

from formats.event_log import Device
from reports.detectors.charts import WALL_CLOCK_FROM_S, when
from reports.performance.measure_log import TABLES, Measures
from reports.performance.signal_charts import endings, phase_charts, signal_of
from reports.templating import render_page
from reports.wording import number
from reports.words import Words

FILE_NAME, TEMPLATE = "measures.html", "signal_measures.html.j2"
SIGNALS_DRAWN, ROWS_SHOWN = 3, 400
HOUR_S = 3600.0


def write_page(measures: Measures, out: Path, say: Words, command: str) -> Path:
    file = out / FILE_NAME
    file.write_text(render_page(TEMPLATE, page(measures, say, command)), encoding="utf-8")
    return file


def page(measures: Measures, say: Words, command: str) -> dict[str, Any]:
    phases = measures.table("phases")
    drawn = _drawn(measures, phases)
    return {
        "say": say,
        "title": say("title", name=measures.log.recording.path.name),
        "subtitle": _span(measures),
        "headline": headline(measures, phases, say),
        "columns": [tuple(say(f"columns.{name}").split("|")) for name in COLUMNS],
        "rows": [(line["device"], row(line, say)) for line in phases.head(ROWS_SHOWN).to_dict("records")],
        "many": len(measures.log.devices) > 1,
        "signals": [_signal(measures, device, place, say) for place, device in enumerate(drawn)],
        "left_out": len(measures.log.devices) - len(drawn),
        "facts": _facts(measures, say, command),
        "repairs": _repairs(measures, say),
        "gaps": _gaps(measures),
        "vendor": ", ".join(f"{code} ({times:,})" for code, times in measures.log.vendor_codes().items()),
        "broken": [*measures.log.recording.findings.broken.sentences(), *measures.log.recording.findings.notices],
        "definitions": [tuple(text.split("|", 1)) for key, text in say.table.items() if key.startswith("definitions.")],
    }


def headline(measures: Measures, phases: pd.DataFrame, say: Words) -> list[str]:
    """What a reader should know first, the worst named."""
    several = len(measures.log.devices) > 1
    sentences = []
    judged = phases[phases["judged_cycles"] > 0]
    if judged.empty:
        sentences.append(say("headline.not_judged"))
    elif not judged["split_failures"].sum():
        sentences.append(say("headline.no_failures", cycles=f"{judged['judged_cycles'].sum():,}"))
    else:
        failed, cycles = int(judged["split_failures"].sum()), int(judged["judged_cycles"].sum())
        worst = _label(judged.sort_values("split_failures").iloc[-1], several, say)
        numbers = {"failed": f"{failed:,}", "cycles": f"{cycles:,}", "share": _per_cent(failed / cycles, 1)}
        sentences.append(say("headline.failures", worst=worst, **numbers))
    came = phases[phases["arrivals"].fillna(0) > 0]
    if came.empty:
        sentences.append(say("headline.no_arrivals"))
    else:
        share = (came["share_on_green"] * came["arrivals"]).sum() / came["arrivals"].sum()
        least = came.sort_values("share_on_green").iloc[0]
        numbers = {"share": _per_cent(share), "n": f"{came['arrivals'].sum():,.0f}"}
        named = {"least": _label(least, several, say), "least_share": _per_cent(least["share_on_green"])}
        sentences.append(say("headline.arrivals", **numbers, **named))
    if not measures.places.by_device:
        sentences.append(say("headline.unnamed"))
    gaps = measures.table("gaps")
    if len(gaps):
        hours = number(gaps["duration_s"].sum() / HOUR_S, 1)
        sentences.append(say("headline.gaps", n=f"{len(gaps):,}", hours=hours))
    return sentences


def _label(row: Any, several: bool, say: Words) -> str:
    phase = say("phase", n=row["phase"])
    return f"{say('signal', device=row['device'])}, {phase}" if several else phase


def _per_cent(share: float, decimals: int = 0) -> str:
    return f"{number(100.0 * share, decimals)} %"


def _figure(value: Any, decimals: int = 0, factor: float = 1.0) -> str:
    return number(float("nan") if pd.isna(value) else float(value) * factor, decimals)


COLUMNS = (
    "phase", "cycles", "cycle", "green", "split", "split_85th", "ended", "skips", "arrivals", "share", "platoon",
    "green_occupancy", "red_occupancy", "failures", "crossings", "walks", "pedestrian",
)  # fmt: skip


def row(line: Any, say: Words) -> list[tuple[str, str]]:
    """(figure, note) in the order of `COLUMNS`."""
    ends = [_figure(line[name]) for name in ("gap_outs", "max_outs", "force_offs")]
    failed = _figure(line["split_failures"])
    crossed = " / ".join(_figure(line[name]) for name in ("on_yellow", "on_red"))
    share = line["split_failures"] / line["judged_cycles"] if line["judged_cycles"] else float("nan")
    return [
        (say("phase", n=line["phase"]), ""),
        (f"{line['cycles']:,}", ""),
        (_figure(line["cycle_s"], 1), ""),
        (_figure(line["green_s"], 1), ""),
        (_figure(line["split_s"], 1), ""),
        (_figure(line["split_85th_s"], 1), ""),
        (" / ".join(ends), _figure(line["not_said"])),
        (_figure(line["skips"]), ""),
        (_figure(line["arrivals"]), ""),
        (_figure(line["share_on_green"], 0, 100.0), ""),
        (_figure(line["platoon_ratio"], 2), ""),
        (_figure(line["green_occupancy"], 0, 100.0), ""),
        (_figure(line["red_occupancy"], 0, 100.0), ""),
        (failed, _per_cent(share, 1) if line["judged_cycles"] else ""),
        (crossed if not pd.isna(line["on_red"]) else _figure(None), ""),
        (_figure(line["walks"]), ""),
        (_figure(line["pedestrian_delay_s"], 1), ""),
    ]


def _drawn(measures: Measures, phases: pd.DataFrame) -> list[Device]:
    """Those with most split failures, in the log's order."""
    failures = phases.groupby("device")["split_failures"].sum().to_dict()
    worst = sorted(measures.log.devices, key=lambda device: -failures.get(device.name, 0))[:SIGNALS_DRAWN]
    return [device for device in measures.log.devices if device in worst]


def _signal(measures: Measures, device: Device, place: int, say: Words) -> dict[str, Any]:
    """The charts of one signal: of its fullest day, and by time of day."""
    found = signal_of(measures, device)
    return {
        "device": device.name,
        "aside": _aside(found.begin_ms, say),
        "terminations": endings(f"ends{place}", found, say),
        "panels": [
            {"label": say("phase", n=phase), "charts": phase_charts(f"s{place}p{phase}", found, phase, say)}
            for phase in found.days
        ],
    }


def _aside(begin_ms: int, say: Words) -> str:
    """Which day is drawn; a simulation has no date."""
    if begin_ms < WALL_CLOCK_FROM_S * 1000.0:
        return say("sections.signal_aside_simulated")
    return say("sections.signal_aside", day=when(begin_ms / 1000.0).split(" ")[0])


def _span(measures: Measures) -> str:
    log = measures.log
    return f"{when(log.begin_ms / 1000.0)} – {when(log.end_ms / 1000.0)} · {log.rows:,}"


def _facts(measures: Measures, say: Words, command: str) -> list[tuple[str, str]]:
    log = measures.log
    coordinated = measures.query("select device, phase from raw_coordinated where times > 0 group by all order by all")
    named = sum(len(measures.places.of(device.name)) for device in log.devices)
    rows = {
        "log": str(log.recording.path),
        "rows": f"{log.rows:,}",
        "devices": f"{len(log.devices):,}",
        "span": f"{when(log.begin_ms / 1000.0)} – {when(log.end_ms / 1000.0)}",
        "bin": f"{measures.bin_ms // 60_000} min",
        "channels": f"{named:,}",
        "coordinated": ", ".join(f"{row.device}: {row.phase}" for row in coordinated.head(20).itertuples()) or "–",
        "tables": ", ".join(f"{name}.csv" for name in TABLES),
        "command": command,
    }
    return [(say(f"facts.{key}"), value) for key, value in rows.items()]


def _repairs(measures: Measures, say: Words) -> list[tuple[str, str]]:
    found = measures.query("select kind, sum(times)::bigint times from raw_repairs group by 1 order by 2 desc, 1")
    return [(say(f"repairs.{row.kind}"), f"{row.times:,}") for row in found.itertuples()]


def _gaps(measures: Measures) -> list[str]:
    gaps = measures.table("gaps").head(50)
    return [
        f"{row.device}: {row.begin} – {row.end} ({number(float(str(row.duration_s)), 0)} s)"
        for row in gaps.itertuples()
    ]
