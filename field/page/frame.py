"""A reading as the page shows it: small, JSON, one letter a head and a loop."""

from __future__ import annotations

from collections import deque
from math import isfinite
from typing import Any

import numpy as np

from field.junctions import stage_name
from field.live import clock_face
from field.page.board import Board, Reading
from field.page.schematic import schematic
from signals.intersection import Aspect
from signals.values import TRANSITION, Bools, Mode, Record

LETTER = {
    Aspect.UNKNOWN: "u",
    Aspect.DARK: "d",
    Aspect.RED: "r",
    Aspect.TURN_ON_RED: "t",
    Aspect.RED_YELLOW: "o",
    Aspect.YELLOW: "y",
    Aspect.PERMISSIVE: "g",
    Aspect.GREEN: "G",
}
FREE, COVERED, FAULTY = "0", "1", "x"
STRIP_TICKS = 300


def place_of(board: Board) -> dict[str, Any]:
    """What does not change: the drawing, and what the columns of a frame are."""
    intersection = board.place.intersections[0]
    return {
        "name": board.name,
        "junction": intersection.id,
        "controller": board.controller,
        "level": board.level,
        "speed": board.speed,
        "asks": bool(board.token),
        "drawing": schematic(intersection),
        "stages": [{"name": s.name, "phases": list(s.phases)} for s in intersection.stages],
        "groups": [
            {"name": g.id, "approach": g.approach, "heads": [_column(intersection, h) for h in g.signal_groups],
             "loops": [k for k, d in enumerate(intersection.detectors) if g.id in d.lane_groups]}
            for g in intersection.lane_groups
        ],
    }  # fmt: skip


def _column(intersection: Any, head: str) -> int:
    return next(k for k, g in enumerate(intersection.signal_groups) if g.id == head)


def frame(board: Board, reading: Reading | None) -> dict[str, Any]:
    """One moment of a site; before its first tick only what was said of it."""
    if reading is None:
        return {"state": "boot", "why": "", "alarms": [], "lines": board.lines, "ticks": 0, "ended": board.ended}
    vitals = reading.vitals
    status = vitals.status
    told = {
        "state": vitals.state,
        "why": vitals.why,
        "alarms": list(vitals.alarms),
        "lines": board.lines,
        "ended": board.ended,
        "ticks": reading.ticks,
        "late": reading.late,
        "changes": reading.changes,
        "refused": sum(reading.refusals.values()),
        "replaced": vitals.replaced,
        "rules_only": vitals.rules_only,
        "sets": sum(vitals.sets.values()),
        "cabinet": status
        and {
            "age_s": round(vitals.status_age_s, 1),
            "command": str(status.command),
            "hands_off": status.hands_off or status.lockout,
            "backup_s": _finite(status.backup_time_s),
            "written": status.written,
            "offset_s": None if status.clock_offset_s is None else _finite(status.clock_offset_s),
        },
    }
    return told | (traffic_of(board, reading.record, vitals.doubted) if reading.record else {})


def traffic_of(board: Board, record: Record, doubted: Bools) -> dict[str, Any]:
    """What the street shows, what is estimated, decided and permitted."""
    intersection = board.place.intersections[0]
    snapshot, traffic, decision, command = record
    n, stage = len(intersection.lane_groups), int(snapshot.stage[0])
    return {
        "time_s": snapshot.time_s,
        "clock": clock_face(snapshot.time_s),
        "stage": stage,
        "stage_name": stage_name(intersection, stage) if stage != TRANSITION else "",
        "green_s": round(float(traffic.elapsed_green_s[0]), 1),
        "local": bool(snapshot.local[0]),
        "heads": heads_of(record, len(intersection.signal_groups)),
        "loops": loops_of(record, doubted),
        "queue_veh": _rounded(traffic.queue_veh[0, :n]),
        "known": [int(k) for k in traffic.known[0, :n]],
        "flow_veh_per_h": _rounded(traffic.arrival_flow_veh_per_h[0, :n], 0),
        "calls": [int(c) for c in traffic.calls[0, :n]],
        "wish": {
            "mode": Mode(int(decision.mode[0])).name.lower(),
            "stage": stage_name(intersection, int(decision.stage[0])),
        },
        "because": {"said": decision.wording[int(decision.why[0])], "number": _finite(float(decision.number[0]))},
        "answer": {
            "granted": command.granted(0),
            "mode": Mode(int(command.mode[0])).name.lower(),
            "said": command.reason(0),
        },
        "detectors": detectors_of(record, doubted),
    }


def detectors_of(record: Record, doubted: Bools) -> dict[str, int]:
    """Loops by their health: the cabinet has a fault on it, or only we do not believe it."""
    faulty = ~record.snapshot.healthy
    doubted = doubted if doubted.size else np.zeros_like(faulty)
    return {
        "believed": int((~faulty & ~doubted).sum()),
        "doubted": int((doubted & ~faulty).sum()),
        "faulty": int(faulty.sum()),
    }


def heads_of(record: Record, heads: int) -> str:
    """A letter a signal group."""
    return "".join(LETTER[Aspect(int(a))] for a in record.snapshot.aspects[0, :heads])


def loops_of(record: Record, doubted: Bools) -> str:
    """A letter a loop: covered now or crossed since the last tick, free, or not to be believed."""
    snapshot = record.snapshot
    lit = snapshot.presence | (snapshot.volume_veh > 0)
    bad = (doubted if doubted.size else False) | ~snapshot.healthy
    return "".join(FAULTY if b else COVERED if on else FREE for b, on in zip(bad, lit, strict=True))


def _finite(value: float, digits: int = 2) -> float | None:
    """JSON has no infinity."""
    return round(value, digits) if isfinite(value) else None


def _rounded(values: Any, digits: int = 1) -> list[float | None]:
    return [_finite(float(v), digits) for v in values]


class Strip:
    """The last minutes, for who begins to look: time, stage, heads and loops of each tick."""

    def __init__(self) -> None:
        self._rows: deque[list[Any]] = deque(maxlen=STRIP_TICKS)

    def add(self, told: dict[str, Any]) -> None:
        """One frame, unless it is of the tick before."""
        if "time_s" in told and not (self._rows and self._rows[-1][0] == told["time_s"]):
            self._rows.append([told["time_s"], told["stage"], told["heads"], told["loops"]])

    @property
    def rows(self) -> list[list[Any]]:
        """Oldest first."""
        return list(self._rows)
