"""A `Record` told junction by junction, in words and numbers, for whoever draws it."""

from __future__ import annotations

from dataclasses import dataclass

from signals.intersection import Aspect, Intersection
from signals.layout import Layout
from signals.values import TRANSITION, Command, Decision, Known, Mode, Record, TrafficState

COLOUR_OF = {
    Aspect.UNKNOWN: "unknown",
    Aspect.DARK: "unknown",
    Aspect.RED: "red",
    Aspect.TURN_ON_RED: "red",
    Aspect.RED_YELLOW: "yellow",
    Aspect.YELLOW: "yellow",
    Aspect.PERMISSIVE: "green",
    Aspect.GREEN: "green",
}
MOST_TELLING = ("green", "yellow", "red", "unknown")


@dataclass(frozen=True)
class LoopView:
    """One loop: at the stop line or in advance of it, covered or free, and what its lanes' best head shows."""

    stop_line: bool
    covered: bool
    healthy: bool
    colour: str


@dataclass(frozen=True)
class ApproachView:
    """One approach: its loops, what is estimated of it, and how well that is known."""

    name: str
    colour: str
    loops: tuple[LoopView, ...]
    queue_veh: float
    measured: bool
    arrival_flow_veh_per_h: float


@dataclass(frozen=True)
class JunctionView:
    """One junction. `wish` is the stage asked for in the fewest characters, `why` the reason for it."""

    name: str
    stage: str
    phases: str
    green_s: float
    local: bool
    approaches: tuple[ApproachView, ...]
    wish: str
    why: str
    granted: bool
    answer: str


@dataclass(frozen=True)
class _Approach:
    name: str
    columns: tuple[int, ...]
    loops: tuple[tuple[int, bool, tuple[int, ...]], ...]
    """Position in [L], whether at the stop line, and the lane groups' columns."""


class Junctions:
    """Which approach has which lane groups and loops; `views` tells a record by them."""

    def __init__(self, layout: Layout) -> None:
        self._intersections = layout.intersections
        number = {loop: k for k, loop in enumerate(layout.loops)}
        self._approaches = [_approaches(i, row, number) for row, i in enumerate(layout.intersections)]
        self._heads = [_heads(i) for i in layout.intersections]

    def views(self, record: Record) -> list[JunctionView]:
        """Every junction, in the layout's order."""
        return [self._view(row, record) for row in range(len(self._intersections))]

    def _view(self, row: int, record: Record) -> JunctionView:
        intersection, snapshot = self._intersections[row], record.snapshot
        standing = int(snapshot.stage[row])
        phases = () if standing == TRANSITION else intersection.stages[standing].phases
        aspects = [Aspect(int(a)) for a in snapshot.aspects[row]]
        shown = [_best([aspects[head] for head in heads]) for heads in self._heads[row]]
        return JunctionView(
            name=intersection.id,
            stage=stage_name(intersection, standing),
            phases=" ".join(str(p) for p in phases),
            green_s=float(record.traffic.elapsed_green_s[row]),
            local=bool(snapshot.local[row]),
            approaches=tuple(_approach_view(a, row, record, shown) for a in self._approaches[row]),
            wish=_wish(intersection, standing, record.decision, row),
            why=reason(intersection, record.decision, row),
            granted=record.command.granted(row),
            answer=_answer(record.command, row),
        )


def stage_name(intersection: Intersection, stage: int) -> str:
    """The stage's own name, or that none stands."""
    if 0 <= stage < len(intersection.stages):
        return intersection.stages[stage].name
    return "interstage" if stage == TRANSITION else f"stage {stage}"


def reason(intersection: Intersection, decision: Decision, row: int) -> str:
    """The decision's reason with the stage by its name."""
    name, number = stage_name(intersection, int(decision.stage[row])), float(decision.number[row])
    return decision.wording[int(decision.why[row])].format(stage=name, number=number)


def _wish(intersection: Intersection, standing: int, decision: Decision, row: int) -> str:
    mode, stage = int(decision.mode[row]), int(decision.stage[row])
    if mode == Mode.GO:
        name = stage_name(intersection, stage)
        return name if stage == standing else f"→ {name}"
    return "hold" if mode == Mode.HOLD else ""


def _answer(command: Command, row: int) -> str:
    if command.granted(row):
        return "granted"
    mode = int(command.mode[row])
    return f"{Mode(mode).name.lower()}: {command.reason(row)}"


def _approaches(intersection: Intersection, row: int, number: dict[tuple[int, str], int]) -> tuple[_Approach, ...]:
    column = {g.id: k for k, g in enumerate(intersection.lane_groups)}
    approach_of = {g.id: g.approach for g in intersection.lane_groups}
    found = []
    for name in dict.fromkeys(g.approach for g in intersection.lane_groups):
        own = [d for d in intersection.detectors if approach_of[d.lane_groups[0]] == name]
        loops = [
            (number[row, d.id], d.kind == "stop_line", tuple(column[g] for g in d.lane_groups))
            for d in sorted(own, key=lambda d: d.kind != "stop_line")
        ]
        columns = tuple(column[g.id] for g in intersection.lane_groups if g.approach == name)
        found.append(_Approach(name, columns, tuple(loops)))
    return tuple(found)


def _heads(intersection: Intersection) -> list[tuple[int, ...]]:
    index = {g.id: k for k, g in enumerate(intersection.signal_groups)}
    return [tuple(index[name] for name in g.signal_groups) for g in intersection.lane_groups]


def _best(aspects: list[Aspect]) -> str:
    return _first({COLOUR_OF[a] for a in aspects})


def _first(colours: set[str]) -> str:
    return next(c for c in MOST_TELLING if c in colours)


def _approach_view(approach: _Approach, row: int, record: Record, shown: list[str]) -> ApproachView:
    snapshot, traffic, columns = record.snapshot, record.traffic, list(approach.columns)
    loops = tuple(
        LoopView(at_stop, bool(snapshot.presence[k]), bool(snapshot.healthy[k]), _first({shown[c] for c in fed}))
        for k, at_stop, fed in approach.loops
    )
    return ApproachView(
        name=approach.name,
        colour=_first({shown[c] for c in columns}),
        loops=loops,
        queue_veh=float(traffic.queue_veh[row, columns].sum()),
        measured=_measured(traffic, row, columns),
        arrival_flow_veh_per_h=float(traffic.arrival_flow_veh_per_h[row, columns].sum()),
    )


def _measured(traffic: TrafficState, row: int, columns: list[int]) -> bool:
    return bool((traffic.known[row, columns] == Known.MEASURED).all())
