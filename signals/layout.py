"""The arrays' index: which row and column of an array is which junction, lane group, stage, signal group or loop.

Junctions differ in size, so every axis is padded to the largest (to 1 where there is no junction at all); `has_group`,
`has_stage`, `has_head` mask the padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from signals.errors import ConfigError
from signals.intersection import Aspect, Intersection
from signals.values import Bools, Floats, Ints

PERMISSIVE_SHARE = 0.5
"""How much of a protected green a permissive one is worth while opposing traffic flows (HCM: gap acceptance)."""


@dataclass(frozen=True)
class Layout:
    """Array form of some intersections. Built by `layout()`; see `signals.values` for the letters."""

    intersections: tuple[Intersection, ...]
    has_group: Bools  # [J, N]
    has_stage: Bools  # [J, S]
    has_head: Bools  # [J, P]
    stage_aspects: Ints  # [J, S, P]
    stage_green: Bools  # [J, S, P]
    serves: Floats  # [J, S, N] share of the lane group's heads that are green, permissive ones counted in part
    any_green: Bools  # [J, S, N] the lane group has some green
    full_green: Bools  # [J, S, N] all its heads are green (some, where no stage shows all)
    minimum_green_s: Floats  # [J, P]
    yellow_change_s: Floats  # [J, P]
    red_clearance_s: Floats  # [J, P]
    stage_minimum_green_s: Floats  # [J, S]
    saturation_flow_veh_per_h: Floats  # [J, N]
    lanes: Floats  # [J, N]
    advance_distance_m: Floats  # [J, N] stop line to the furthest loop, 0 where there is none
    speed_m_per_s: Floats  # [J, N]
    room_veh: Floats  # [J, N] vehicles that the lane group's lanes hold
    loops: tuple[tuple[int, str], ...]  # [L] (junction, detector id)
    stop_loop: Ints  # positions in [L] of stop-line loops, one a (loop, lane group) link
    stop_cell: Ints  # flat [J * N] cell of each such link
    advance_loop: Ints
    advance_cell: Ints
    button_head: Ints  # flat [J * P] heads of lane groups with a button, one a (head, lane group) link
    button_cell: Ints  # flat [J * N] cell of each such link
    advance_share: Floats  # first share of an advance loop's count that goes to the cell
    downstream: Ints  # [J, N, E] flat [J * N] cells of the next junction's approach, J * N where there is none

    @property
    def shape(self) -> tuple[int, int]:
        """(J, N)."""
        j, n = self.has_group.shape
        return j, n

    @property
    def stages(self) -> int:
        """S, the largest number of stages."""
        return int(self.has_stage.shape[1])


VEHICLE_SPACE_M = 7.5
"""Length that a standing vehicle takes in a queue (HCM: 25 ft)."""


def layout(intersections: Sequence[Intersection]) -> Layout:
    """Index some intersections, or none. Raises `ConfigError` when an id is there twice."""
    ids = [i.id for i in intersections]
    if len(set(ids)) != len(ids):
        raise ConfigError(f"intersection {max(ids, key=ids.count)}: appears twice")
    j, n = len(intersections), max((len(i.lane_groups) for i in intersections), default=1)
    s = max((len(i.stages) for i in intersections), default=1)
    p = max((len(i.signal_groups) for i in intersections), default=1)
    lanes = _lane_arrays(intersections, j, n)
    heads = _head_arrays(intersections, j, n, s, p)
    loops = _loop_arrays(intersections, n) | _button_arrays(intersections, n, p)
    return Layout(tuple(intersections), **lanes, **heads, **loops, downstream=_downstream(intersections, j, n))


def _lane_arrays(intersections: Sequence[Intersection], j: int, n: int) -> dict[str, Any]:
    names = ("saturation_flow_veh_per_h", "lanes", "advance_distance_m", "speed_m_per_s", "room_veh")
    arrays: dict[str, Any] = {name: np.zeros((j, n)) for name in names}
    arrays["speed_m_per_s"] = np.full((j, n), 13.9)
    arrays["has_group"] = np.zeros((j, n), bool)
    for row, intersection in enumerate(intersections):
        for column, group in enumerate(intersection.lane_groups):
            cell = row, column
            arrays["has_group"][cell] = True
            arrays["saturation_flow_veh_per_h"][cell] = group.saturation_flow_veh_per_h
            arrays["lanes"][cell] = len(group.lanes)
            arrays["speed_m_per_s"][cell] = group.speed_m_per_s
            arrays["room_veh"][cell] = len(group.lanes) * group.length_m / VEHICLE_SPACE_M
            own = [d.setback_m for d in intersection.detectors if d.kind == "advance" and group.id in d.lane_groups]
            arrays["advance_distance_m"][cell] = max(own, default=0.0)
    return arrays


def _head_arrays(intersections: Sequence[Intersection], j: int, n: int, s: int, p: int) -> dict[str, Any]:
    has_stage, has_head = np.zeros((j, s), bool), np.zeros((j, p), bool)
    aspects = np.full((j, s, p), int(Aspect.RED))
    serves, any_green, full_green = np.zeros((j, s, n)), np.zeros((j, s, n), bool), np.zeros((j, s, n), bool)
    minimum, yellow, clearance = np.zeros((j, p)), np.zeros((j, p)), np.zeros((j, p))
    stage_minimum = np.zeros((j, s))
    for row, intersection in enumerate(intersections):
        index = {g.id: k for k, g in enumerate(intersection.signal_groups)}
        has_stage[row, : len(intersection.stages)] = True
        has_head[row, : len(index)] = True
        for phase in intersection.phases:
            for group in phase.signal_groups:
                minimum[row, index[group]] = phase.minimum_green_s
                yellow[row, index[group]] = phase.yellow_change_s
                clearance[row, index[group]] = phase.red_clearance_s
        for k, stage in enumerate(intersection.stages):
            aspects[row, k, : len(index)] = intersection.stage_aspects(stage)
            stage_minimum[row, k] = stage.minimum_green_s
            for column, lane_group in enumerate(intersection.lane_groups):
                shown = [aspects[row, k, index[g]] for g in lane_group.signal_groups]
                worth = [1.0 if a == Aspect.GREEN else PERMISSIVE_SHARE * (a == Aspect.PERMISSIVE) for a in shown]
                serves[row, k, column] = sum(worth) / len(worth)
                any_green[row, k, column] = max(worth) > 0
                full_green[row, k, column] = min(worth) > 0
    green = (aspects == Aspect.GREEN) | (aspects == Aspect.PERMISSIVE)
    full_green = np.where(full_green.any(axis=1, keepdims=True), full_green, any_green)
    return {
        "has_stage": has_stage,
        "has_head": has_head,
        "stage_aspects": aspects,
        "stage_green": green,
        "serves": serves,
        "any_green": any_green,
        "full_green": full_green,
        "minimum_green_s": minimum,
        "yellow_change_s": yellow,
        "red_clearance_s": clearance,
        "stage_minimum_green_s": stage_minimum,
    }


def _loop_arrays(intersections: Sequence[Intersection], n: int) -> dict[str, Any]:
    loops: list[tuple[int, str]] = []
    links: dict[str, list[tuple[int, int, float]]] = {"stop_line": [], "advance": []}
    for row, intersection in enumerate(intersections):
        column = {g.id: k for k, g in enumerate(intersection.lane_groups)}
        lanes = {g.id: len(g.lanes) for g in intersection.lane_groups}
        for detector in intersection.detectors:
            total = sum(lanes[g] for g in detector.lane_groups)
            for group in detector.lane_groups:
                links[detector.kind].append((len(loops), row * n + column[group], lanes[group] / total))
            loops.append((row, detector.id))
    stop, advance = links["stop_line"], links["advance"]
    return {
        "loops": tuple(loops),
        "stop_loop": np.array([k for k, _, _ in stop], dtype=np.int64),
        "stop_cell": np.array([c for _, c, _ in stop], dtype=np.int64),
        "advance_loop": np.array([k for k, _, _ in advance], dtype=np.int64),
        "advance_cell": np.array([c for _, c, _ in advance], dtype=np.int64),
        "advance_share": np.array([w for _, _, w in advance]),
    }


def _button_arrays(intersections: Sequence[Intersection], n: int, p: int) -> dict[str, Any]:
    links = []
    for row, intersection in enumerate(intersections):
        index = {g.id: k for k, g in enumerate(intersection.signal_groups)}
        for column, group in enumerate(intersection.lane_groups):
            if group.button:
                links += [(row * p + index[g], row * n + column) for g in group.signal_groups]
    heads, cells = np.array(links, dtype=np.int64).reshape(-1, 2).T
    return {"button_head": heads, "button_cell": cells}


def _downstream(intersections: Sequence[Intersection], j: int, n: int) -> Ints:
    """For each lane group the lane groups of the next junction that its vehicles come to."""
    row_of = {i.id: row for row, i in enumerate(intersections)}
    cells: dict[tuple[int, int], list[int]] = {}
    for row, intersection in enumerate(intersections):
        by_exit = {x.exit: x for x in intersection.neighbours if x.intersection in row_of}
        for column, group in enumerate(intersection.lane_groups):
            for neighbour in (by_exit[e] for e in group.exits if e in by_exit):
                other = row_of[neighbour.intersection]
                groups = enumerate(intersections[other].lane_groups)
                cells.setdefault((row, column), []).extend(
                    other * n + k for k, g in groups if g.approach == neighbour.approach
                )
    width = max((len(v) for v in cells.values()), default=0)
    found = np.full((j, n, width), j * n, dtype=np.int64)
    for cell, values in cells.items():
        found[cell][: len(values)] = values
    return found
