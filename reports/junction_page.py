"""One junction's section of the page: its drawings, and its tables with a note at each value that has a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from reports.junction_drawing import JunctionDrawings
from reports.junction_words import intervals_words, lane_numbers, length_s, movements, turns
from reports.origins import OVERRIDDEN
from reports.scenario import clock
from reports.timing_diagram import spans, timing_diagram
from signals.intersection import Intersection, LaneGroup, Stage
from signals.plans import TimingPlan
from signals.sequencer import intervals_between
from simulation.network import Network

KM_PER_H = 3.6
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Cell:
    """A value, the letter of its note and the note, and whether an engineer's file gave it."""

    text: str
    note: str = ""
    source: str = ""
    overridden: bool = False


@dataclass
class Notes:
    """A letter for each source, in the order in which they are first needed."""

    sources: Mapping[str, str]
    letters: dict[str, str] = field(default_factory=dict)

    def cell(self, text: str, *path: str) -> Cell:
        source = self.sources.get(".".join(path))
        if source is None:
            return Cell(text)
        letter = self.letters.setdefault(source, _letter(len(self.letters)))
        return Cell(text, letter, source, source.startswith(OVERRIDDEN))


def _letter(number: int) -> str:
    """a to z, then aa, ab and so on."""
    high, low = divmod(number, len(LETTERS))
    return (LETTERS[high - 1] if high else "") + LETTERS[low]


def junction_page(junction: Intersection, network: Network, drawings: JunctionDrawings) -> dict[str, Any]:
    """What the template needs."""
    notes = Notes(network.sources.get(junction.id, {}))
    crossings = {m.lane_group for m in junction.movements if m.turn == "crossing"}
    page = {
        "id": junction.id,
        "summary": _summary(junction),
        "warnings": list(network.overrides.less_safe.get(junction.id, {}).values()),
        "drawing": Markup(drawings.junction),
        "farther_loops": drawings.farther_loops,
        "stages": [_stage(junction, s, notes, drawings) for s in junction.stages],
        "stages_source": notes.cell("", "stages"),
        "phases": _phases(junction, notes),
        "interstages": _interstages(junction, notes),
        "steps": [
            (f"{i.start} to {i.end}", f"{length_s(i):g}", intervals_words(junction, i).split("\n"))
            for i in junction.interstages
        ],
        "plans": [_plan(junction, p, network.kinds.get(junction.id, "static")) for p in network.plans.of(junction.id)],
        "groups": [g.id for g in junction.signal_groups],
        "conflicts": _conflicts(junction, notes),
        "lane_groups": [_lane_group(junction, g, notes) for g in junction.lane_groups if g.id not in crossings],
        "loops": _loops(junction, notes),
        "exits": _exits(junction, notes),
    }
    return page | {"notes": [(letter, source) for source, letter in notes.letters.items()]}


def _summary(junction: Intersection) -> str:
    kinds = [g.kind for g in junction.signal_groups]
    parts = [f"{len({m.approach for m in junction.movements if m.turn != 'crossing'})} approaches"]
    parts += [f"{kinds.count(kind)} {kind} signal groups" for kind in dict.fromkeys(kinds)]
    return ", ".join([*parts, f"{len(junction.stages)} stages", f"{len(junction.detectors)} loops"])


def _stage(junction: Intersection, stage: Stage, notes: Notes, drawings: JunctionDrawings) -> dict[str, Any]:
    return {
        "name": stage.name,
        "shape": notes.cell("", "stages", stage.name),
        "drawing": Markup(drawings.stages[stage.name]),
        "green": [g for g in junction.green_groups(stage) if g not in stage.permissive],
        "permissive": stage.permissive,
        "turn_on_red": stage.turn_on_red,
        "minimum": notes.cell(f"{stage.minimum_green_s:g}", "stages", stage.name, "minimum_green_s"),
    }


def _phases(junction: Intersection, notes: Notes) -> list[dict[str, Any]]:
    kinds = {g.id: g.kind for g in junction.signal_groups}
    return [
        {
            "number": phase.number,
            "groups": " ".join(phase.signal_groups),
            "kind": " ".join(dict.fromkeys(kinds[g] for g in phase.signal_groups)),
            "times": [
                notes.cell(f"{getattr(phase, key):g}", "phases", str(phase.number), key)
                for key in ("minimum_green_s", "yellow_change_s", "red_clearance_s")
            ],
            "stages": " ".join(s.name for s in junction.stages if phase.number in s.phases) or "none",
            "movements": movements(junction, phase.signal_groups),
        }
        for phase in junction.phases
    ]


def _interstages(junction: Intersection, notes: Notes) -> list[tuple[str, list[tuple[str, Cell]]]]:
    """Per stage, how long it takes to each other; and whether the plan's own rows say so."""
    own = {(i.start, i.end) for i in junction.interstages}
    rows = []
    for start in junction.stages:
        cells = []
        for end in junction.stages:
            if start is end:
                cells.append(("same", Cell("")))
                continue
            time_s = sum(i.duration_s for i in intervals_between(junction, start, end))
            css = "plan" if (start.name, end.name) in own else "derived"
            cells.append((css, notes.cell(f"{time_s:g}", "interstages", start.name, end.name)))
        rows.append((start.name, cells))
    return rows


def _plan(junction: Intersection, plan: TimingPlan, kind: str) -> dict[str, Any]:
    splits = ", ".join(f"{s.stage} {s.split_s:g} s" for s in plan.splits)
    varied = "" if kind == "static" else f"; a {kind} program: SUMO varies these greens"
    whole = "" if spans(junction, plan) else "; a split is too short for the interstage after it, or its stage is gone"
    since = f"from {clock(plan.from_s)}, " if plan.from_s else ""
    return {
        "words": f"{since}cycle {plan.cycle_s:g} s, offset {plan.offset_s:g} s, splits {splits}{varied}{whole}",
        "diagram": Markup(timing_diagram(junction, plan)),
    }


def _conflicts(junction: Intersection, notes: Notes) -> list[tuple[str, list[tuple[str, Cell]]]]:
    """A matrix over the signal groups, both halves alike."""
    found = {frozenset((c.first, c.second)): c for c in junction.conflicts}
    order = [g.id for g in junction.signal_groups]
    rows = []
    for first in order:
        cells = []
        for second in order:
            conflict = found.get(frozenset((first, second))) if first != second else None
            path = ("conflicts", *sorted((first, second), key=order.index))
            if first == second:
                cells.append(("same", Cell("")))
            elif conflict is None:
                cells.append(("compatible", notes.cell("", *path)))
            elif conflict.yielding_in:
                cells.append(("yielding", notes.cell(" ".join(conflict.yielding_in), *path)))
            else:
                cells.append(("prohibited", notes.cell("×", *path)))
        rows.append((first, cells))
    return rows


def _lane_group(junction: Intersection, group: LaneGroup, notes: Notes) -> list[Cell]:
    flow = f"{group.saturation_flow_veh_per_h:.0f}"
    return [
        Cell(group.approach),
        Cell(lane_numbers(group)),
        Cell(turns(junction, group)),
        Cell(" ".join(group.signal_groups)),
        Cell(f"{group.length_m:.0f}"),
        Cell(f"{group.speed_m_per_s * KM_PER_H:.0f}"),
        notes.cell(flow, "lane_groups", group.id, "saturation_flow_veh_per_h"),
    ]


def _loops(junction: Intersection, notes: Notes) -> list[list[Cell]]:
    names = {g.id: f"{g.approach} {lane_numbers(g).replace(' ', '+')}" for g in junction.lane_groups}
    return [
        [
            notes.cell(d.id, "detectors", d.id),
            Cell(d.kind.replace("_", " ")),
            Cell(d.lane),
            Cell(", ".join(names[g] for g in d.lane_groups)),
            Cell(f"{d.setback_m:.1f}"),
            Cell(f"{d.length_m:.1f}"),
        ]
        for d in junction.detectors
    ]


def _exits(junction: Intersection, notes: Notes) -> list[list[Cell]]:
    onward = {n.exit: n for n in junction.neighbours}
    rows = []
    for name, length_m in junction.exit_lengths_m.items():
        next_one = onward.get(name)
        where = f"junction {next_one.intersection} in {next_one.distance_m:.0f} m" if next_one else "no junction here"
        rows.append([Cell(name), notes.cell(where, "neighbours", name), Cell(f"{length_m:.0f}")])
    return rows
