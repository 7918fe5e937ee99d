"""A junction as it can be drawn from its description alone: where each arm, lane, lamp and loop lies, in drawing units.

An intersection has no coordinates. Its turns say how its arms lie to each other, though: who turns right from the
south leaves to the east. An approach whose name begins with N is drawn at the top, else the first one is. Traffic
keeps right.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

from signals.intersection import Intersection, LaneGroup

LANE = 15.0
ARM = 190.0
NEAR_M, FAR_M = 0.0, 150.0
TURNED_DEG = {"u-turn": 0.0, "right": 90.0, "through": 180.0, "left": 270.0}
"""From an approach's arm to its exit's, counter-clockwise."""
RANK = {"right": 0, "through": 1, "left": 2, "u-turn": 3}
LEAST_APART_DEG = 50.0
TOP_DEG = 90.0
NORTH = re.compile(r"(?i)n(orth)?(?![a-z])")


def schematic(intersection: Intersection) -> dict[str, Any]:
    """arms: angle (counter-clockwise from the east), name, lanes from kerb to middle, loops; walks; half: inner size.

    A lane has its lane group's column, its turns, its signal groups' columns; a loop its lane's place across the arm
    and `along`, 0 at the stop line to 1 at the arm's end.
    """
    head = {g.id: k for k, g in enumerate(intersection.signal_groups)}
    angles = arm_angles(intersection)
    walks = _walks(intersection)
    arms: list[dict[str, Any]] = []
    for name, angle in angles.items():
        lanes = _lanes(intersection, name, head)
        arms.append(
            {
                "name": name,
                "angle": angle,
                "lanes": lanes,
                "exits": max(1, min(2, len(lanes))),
                "loops": _loops(intersection, name, [lane["id"] for lane in lanes]),
            }
        )
    widest = max((len(arm["lanes"]) + arm["exits"] for arm in arms), default=2)
    half = max(48.0, widest * LANE * (0.62 if len(arms) <= 4 else 0.9))
    return {"arms": arms, "walks": walks, "half": half, "lane": LANE, "arm": ARM}


def arm_angles(intersection: Intersection) -> dict[str, float]:
    """Degrees of each approach that vehicles come by, clockwise, at least `LEAST_APART_DEG` apart."""
    turns = [m for m in intersection.movements if m.turn in TURNED_DEG]
    names = list(dict.fromkeys(m.approach for m in turns))
    if not names:
        return {}
    first = next((name for name in names if NORTH.match(name)), names[0])
    found: dict[str, float] = {}
    for start in [first, *names]:
        if start not in found:
            _spread_from(start, (_free(found) if found else TOP_DEG), turns, found)
    return _apart({name: found[name] for name in names}, first)


def _spread_from(start: str, angle: float, turns: list[Any], found: dict[str, float]) -> None:
    """Along turns from approach to exit to approach; the most common answer where turns disagree is the first heard."""
    exits: dict[str, float] = {}
    found[start] = angle
    waiting = [start]
    while waiting:
        name = waiting.pop(0)
        for m in turns:
            if m.approach == name:
                exits.setdefault(m.exit, (found[name] + TURNED_DEG[m.turn]) % 360)
        votes: dict[str, Counter[float]] = {}
        for m in turns:
            if m.approach not in found and m.exit in exits:
                back = (exits[m.exit] - TURNED_DEG[m.turn]) % 360
                votes.setdefault(m.approach, Counter())[back] += 1
        for other, heard in votes.items():
            found[other] = heard.most_common(1)[0][0]
            waiting.append(other)


def _free(found: dict[str, float]) -> float:
    """The middle of the widest gap."""
    taken = sorted(found.values())
    gaps = [((b - a) % 360 or 360.0, a) for a, b in zip(taken, [*taken[1:], taken[0]], strict=True)]
    gap, begin = max(gaps)
    return (begin + gap / 2) % 360


def _apart(angles: dict[str, float], first: str) -> dict[str, float]:
    """Clockwise from the first; those that share an angle or come too near are spread evenly over the circle."""
    order = sorted(angles, key=lambda name: ((angles[first] - angles[name]) % 360, name != first))
    degrees = [angles[name] for name in order]
    nearest = min(((a - b) % 360 for a, b in zip(degrees, [*degrees[1:], degrees[0]], strict=True)), default=360.0)
    if len(order) > 1 and nearest < LEAST_APART_DEG:
        degrees = [(TOP_DEG - 360 * k / len(order)) % 360 for k in range(len(order))]
    return dict(zip(order, degrees, strict=True))


def _lanes(intersection: Intersection, approach: str, head: dict[str, int]) -> list[dict[str, Any]]:
    """From the kerb to the middle: who turns right first."""
    own = [
        (k, g) for k, g in enumerate(intersection.lane_groups) if g.approach == approach and not _walk(intersection, g)
    ]
    rows = []
    for column, group in own:
        turns = _turns(intersection, group)
        for lane in group.lanes:
            heads = [head[name] for name in group.signal_groups]
            rows.append({"id": lane, "group": column, "turns": turns, "heads": heads})
    return sorted(rows, key=lambda row: sum(RANK[t] for t in row["turns"]) / max(1, len(row["turns"])))


def _turns(intersection: Intersection, group: LaneGroup) -> list[str]:
    turns = {m.turn for m in intersection.movements if m.lane_group == group.id and m.turn in RANK}
    return sorted(turns, key=lambda turn: -RANK[turn])


def _walk(intersection: Intersection, group: LaneGroup) -> bool:
    turns = {m.turn for m in intersection.movements if m.lane_group == group.id}
    return turns == {"crossing"}


def _walks(intersection: Intersection) -> list[dict[str, Any]]:
    """Crossings, which belong to no arm that we could tell: they are listed beside the drawing."""
    head = {g.id: k for k, g in enumerate(intersection.signal_groups)}
    return [
        {"name": group.id, "group": column, "heads": [head[name] for name in group.signal_groups]}
        for column, group in enumerate(intersection.lane_groups)
        if _walk(intersection, group)
    ]


def _loops(intersection: Intersection, approach: str, lanes: list[str]) -> list[dict[str, Any]]:
    """Each in its lane; one further upstream in the middle of the lanes that it feeds, beside others that do."""
    group_of = {g.id: g for g in intersection.lane_groups}
    own = [(k, d) for k, d in enumerate(intersection.detectors) if group_of[d.lane_groups[0]].approach == approach]
    rows: list[dict[str, Any]] = []
    for column, detector in own:
        fed = [lanes.index(lane) for name in detector.lane_groups for lane in group_of[name].lanes if lane in lanes]
        across = float(lanes.index(detector.lane)) if detector.lane in lanes else sum(fed) / max(1, len(fed))
        along = math.sqrt(min(1.0, max(0.0, detector.setback_m) / FAR_M))
        while any(abs(r["across"] - across) < 0.9 and abs(r["along"] - along) < 0.06 for r in rows):
            along += 0.07
        rows.append({"loop": column, "name": detector.id, "across": across, "along": min(along, 0.97)})
    return rows
