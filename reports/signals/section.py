"""Signals before and after, side by side, and the streets between them: what a report draws of logs and paths."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from experiments.tables import percentage
from experiments.together import Together
from formats.event_log import Device
from reports.comparison import ScenarioComparison
from reports.junctions import junction_delays
from reports.performance.command import WORDS as MEASURE_WORDS
from reports.performance.measure_log import Measures, measured_log
from reports.performance.page import COLUMNS, row
from reports.performance.signal_charts import Signal, endings, phase_charts, signal_of
from reports.signals.corridor import Corridor, Recorded, corridor, read_recorded
from reports.signals.kept import Kept, kept
from reports.signals.through_band import ThroughBand, through_band
from reports.signals.time_space import ALONG, SHOWN, THROUGH, cut, time_space
from reports.wording import number
from reports.words import Words, words
from simulation.event_log import GREEN, RED, YELLOW

WORDS = Path(__file__).parent / "words"
JUNCTIONS_DRAWN, PHASES_DRAWN = 3, 3
"""In a whole report, and of each junction: a chart is some 30 kB."""
BIN_MIN = 15
LEGEND = {
    "red": SHOWN[RED],
    "yellow": SHOWN[YELLOW],
    "green": SHOWN[GREEN],
    "along": (ALONG, 2.0),
    "others": ("var(--muted)", 2.0),
    "through": (f"{THROUGH}52", 12.0),
}
"""Colours and widths of the time-space diagram."""
TABLE = ("phase", "cycles", "cycle", "green", "ended", "arrivals", "share", "platoon", "green_occupancy", "failures")


def signals_section(
    found: Together, comparisons: Sequence[ScenarioComparison], say: Words, named: Sequence[str] = ()
) -> dict[str, Any]:
    """What `signals.html.j2` asks for; nothing is shown where nothing was kept."""
    own = own_words(say)
    return {
        "signal_words": own,
        "signals": signals(found, comparisons, say),
        "streets": streets(found, comparisons, say, named),
        "street_legend": [(colour, width, own(f"time_space.{name}")) for name, (colour, width) in LEGEND.items()],
        "corridor_named": bool(named),
    }


def own_words(say: Words, folder: Path = WORDS) -> Words:
    """In the report's language."""
    return words(say("language.code").split("-")[0], folder)


def signals(found: Together, comparisons: Sequence[ScenarioComparison], say: Words) -> list[dict[str, Any]]:
    """Of each place that has logs of events, its junctions with most delay."""
    logged = [(each, kept(found, each, "event_log")) for each in comparisons]
    logged = [(each, logs) for each, logs in logged if logs]
    drawn = max(1, JUNCTIONS_DRAWN // max(len(logged), 1))
    return [_place(f"g{place}", each, logs, drawn, say) for place, (each, logs) in enumerate(logged)]


def _place(name: str, comparison: ScenarioComparison, logs: Sequence[Kept], drawn: int, say: Words) -> dict[str, Any]:
    own, measure_say = own_words(say), own_words(say, MEASURE_WORDS)
    with ExitStack() as stack:
        measures = [
            stack.enter_context(measured_log(each.file, [str(each.file.with_suffix(".detectors.csv"))], BIN_MIN))
            for each in logs
        ]
        known = [each.name for each in measures[0].log.devices]
        delays = junction_delays(logs[0].arm)
        worst = sorted(known, key=lambda junction: -delays.get(junction, (0.0, 0.0))[0])[:drawn]
        who = [each.arm.controller for each in logs]
        junctions = [_junction(f"{name}j{k}", each, who, measures, measure_say) for k, each in enumerate(worst)]
    about = own("signals.about", draw=logs[0].draw, before=who[0], after=own.listed(who[1:]) or "–")
    return {
        "place": comparison.label,
        "about": about,
        "worst": own("signals.worst", n=len(worst), of=len(known)) if len(worst) < len(known) else "",
        "columns": [tuple(measure_say(f"columns.{column}").split("|")) for column in TABLE],
        "junctions": junctions,
    }


def _junction(name: str, junction: str, who: Sequence[str], measures: Sequence[Measures], say: Words) -> dict[str, Any]:
    """Its table, and each chart as it was before and after; a phase is drawn where every log has it."""
    devices = [next((d for d in each.log.devices if d.name == junction), None) for each in measures]
    logged = [(each, log, device) for each, log, device in zip(who, measures, devices, strict=True) if device]
    found = [signal_of(log, device) for _, log, device in logged]
    tables, own = [_phases(log, device) for _, log, device in logged], [each for each, _, _ in logged]
    chosen = [int(phase) for phase in _busiest(tables[0]) if all(phase in signal.days for signal in found)]
    return {
        "name": junction,
        "rows": _rows(tables, own, say),
        "who": own,
        "endings": [(say("sections.terminations"), endings(f"{name}a{k}", each, say)) for k, each in enumerate(found)],
        "phases": [(say("phase", n=phase), _charts(name, phase, found, say)) for phase in sorted(chosen)],
        "chosen": len(chosen),
        "of": len(tables[0]),
    }


def _phases(measures: Measures, device: Device) -> pd.DataFrame:
    name = device.name.replace("'", "''")
    return measures.table("phases", f"device = '{name}'")


def _busiest(table: pd.DataFrame) -> list[int]:
    """The phases with most split failures, then with most arrivals."""
    by = table.fillna({"split_failures": 0, "arrivals": 0}).sort_values(["split_failures", "arrivals"], ascending=False)
    return by["phase"].head(PHASES_DRAWN).tolist()


def _rows(tables: Sequence[pd.DataFrame], who: Sequence[str], say: Words) -> list[tuple[str, list[tuple[str, str]]]]:
    """(controller, cells) by phase, before and after beneath each other."""
    places = [COLUMNS.index(column) for column in TABLE]
    every = [
        (int(line["phase"]), k, controller, [row(line, say)[place] for place in places])
        for k, (controller, table) in enumerate(zip(who, tables, strict=True))
        for line in table.to_dict("records")
    ]
    return [(controller, cells) for _, _, controller, cells in sorted(every, key=lambda each: each[:2])]


def _charts(name: str, phase: int, found: Sequence[Signal], say: Words) -> list[tuple[str, list[Markup | None]]]:
    """(caption, [before, after]) of a phase."""
    drawn = []
    for k, signal in enumerate(found):
        others = [other for other in found if other is not signal]
        drawn.append(dict(phase_charts(f"{name}a{k}p{phase}", signal, phase, say, others)))
    captions = dict.fromkeys(caption for charts in drawn for caption in charts)
    return [(caption, [charts.get(caption) for charts in drawn]) for caption in captions]


def streets(
    found: Together, comparisons: Sequence[ScenarioComparison], say: Words, named: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """A time-space diagram before and after of each place that has paths; `named` are the junctions to drive along."""
    own, shown = own_words(say), []
    for comparison in comparisons:
        files = kept(found, comparison, "paths")
        if not files:
            continue
        recorded = [(each, read_recorded(each.file)) for each in files]
        along = corridor(recorded[0][1], named)
        times = recorded[0][1].paths["time_s"]
        minutes = number((times.max() - times.min()) / 60.0, 0)
        shown.append(
            {
                "title": own(
                    "time_space.corridor", place=comparison.label, junctions=" → ".join(map(cut, along.junctions))
                )
                if along
                else comparison.label,
                "about": own("time_space.about", minutes=minutes, draw=files[0].draw, begin=number(times.min(), 0))
                if along
                else own("time_space.none"),
                "diagrams": [_diagram(each.arm.controller, paths, along, own) for each, paths in recorded if along],
            }
        )
    return shown


def _diagram(who: str, recorded: Recorded, along: Corridor, say: Words) -> tuple[str, str, Markup]:
    """Who controls, what is told of the band of green, and the drawing."""
    band = through_band(recorded, along)
    return who, _band_words(band, say), Markup(time_space(recorded, along, who, say, band))


def _band_words(band: ThroughBand | None, say: Words) -> str:
    if band is None:
        return say("time_space.no_cycle")
    told = {"cycle": number(band.cycle_s, 0), "speed": number(band.speed_m_per_s * 3.6, 0)}
    if not band.width_s:
        return say("time_space.no_band", **told)
    shares = {"efficiency": percentage(band.efficiency), "attainability": percentage(band.attainability)}
    return say("time_space.band", width=number(band.width_s, 0), **told, **shares)
