"""Streets that nobody built: a junction, a row or a block of junctions with three or four legs, drawn at random.

Every street along one axis has as many lanes through; approaches differ in bays, in lanes that turns share, and in how
their left turns are served. Nobody turns into the lane of another: one lane for each turn, as many lanes straight on as
leave.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scenarios.place import LEFT, RIGHT, STRAIGHT, Place, PlanStage, SignalPlan, Street

SHAPES = ((1, 1), (1, 1), (1, 2), (1, 3), (2, 2))  # rows and columns; single junctions twice as often
SIDES = ("N", "E", "S", "W")
HEADING = {"N": (0.0, 1.0), "E": (1.0, 0.0), "S": (0.0, -1.0), "W": (-1.0, 0.0)}
BLOCK_M, LEG_M, BAY_M = (180.0, 420.0), (220.0, 450.0), (20.0, 100.0)
SHIFT_M, BEND_DEG = 20.0, 12.0
SPEEDS_M_PER_S, YELLOWS_S, ALL_REDS_S = (8.33, 11.11, 13.89, 16.67), (3, 4, 5), (0, 1, 2, 3)
LANES, LANE_SHARE = (1, 2, 3), (0.45, 0.4, 0.15)
LEG_SHARE, BAY_SHARE, SHARED_SHARE = 0.8, 0.6, 0.5
SERVED = {"permissive": 0.4, "protected": 0.25, "protected after": 0.2, "split": 0.15}
END_S = 4200.0

Spot = tuple[int, int]  # row and column of a junction, from the south-west
Legs = dict[Spot, dict[str, str]]  # the node at the other end of each side's leg


@dataclass(frozen=True)
class Draft:
    """Where streets run, before their lanes are drawn."""

    nodes: dict[str, tuple[float, float]]
    legs: Legs


def random_place(seed: int) -> Place:
    """The place of a seed; its plans have equal greens, which `demand` sets right."""
    random = np.random.default_rng([20_261, seed])
    rows, columns = SHAPES[random.integers(len(SHAPES))]
    draft = _draft(random, rows, columns)
    lanes = {axis: _lanes_through(random, draft.legs, axis) for axis in _axes(rows, columns)}
    streets = _streets(random, draft, lanes)
    yellow_s, all_red_s = int(random.choice(YELLOWS_S)), int(random.choice(ALL_REDS_S))
    signals = {}
    for spot, legs in draft.legs.items():
        greens = _greens(random, legs, {s.start: s for s in streets if s.end == name(spot)})
        stages = tuple(PlanStage(green=green, green_s=20, yellow_s=yellow_s, all_red_s=all_red_s) for green in greens)
        signals[name(spot)] = SignalPlan(offset_s=0, stages=stages)
    return Place(
        title=f"Generated from seed {seed}: {len(signals)} junction{'s' * (len(signals) > 1)}; synthetic.",
        begin_s=0.0,
        end_s=END_S,
        speed_m_per_s=float(random.choice(SPEEDS_M_PER_S)),
        nodes=draft.nodes,
        streets=tuple(streets),
        signals=signals,
    )


def name(spot: Spot) -> str:
    """A junction's id."""
    return f"J{spot[0]}{spot[1]}"


def _axes(rows: int, columns: int) -> list[tuple[str, int]]:
    return [("EW", row) for row in range(rows)] + [("NS", column) for column in range(columns)]


def _axis(spot: Spot, side: str) -> tuple[str, int]:
    return ("NS", spot[1]) if side in "NS" else ("EW", spot[0])


def _draft(random: np.random.Generator, rows: int, columns: int) -> Draft:
    north_m = np.cumsum(random.uniform(*BLOCK_M, rows))
    east_m = np.cumsum(random.uniform(*BLOCK_M, columns))
    spots = [(row, column) for row in range(rows) for column in range(columns)]
    nodes: dict[str, tuple[float, float]] = {}
    for row, column in spots:
        shift = random.uniform(-SHIFT_M, SHIFT_M, 2)
        nodes[name((row, column))] = (_rounded(east_m[column] + shift[0]), _rounded(north_m[row] + shift[1]))
    legs: Legs = {}
    for spot in spots:
        legs[spot] = {}
        for side in _sides(random, spot, rows, columns):
            if (beyond := _beyond(spot, side)) in spots:
                legs[spot][side] = name(beyond)
            else:
                legs[spot][side] = f"{side}{spot[0]}{spot[1]}"
                nodes[legs[spot][side]] = _leg_end(random, nodes[name(spot)], side)
    return Draft(nodes, legs)


def _sides(random: np.random.Generator, spot: Spot, rows: int, columns: int) -> list[str]:
    """Towards neighbours always, outwards mostly, three at least."""
    inner = [side for side in SIDES if 0 <= _beyond(spot, side)[0] < rows and 0 <= _beyond(spot, side)[1] < columns]
    outer = [side for side in SIDES if side not in inner]
    random.shuffle(outer)
    kept = [side for side in outer if random.random() < LEG_SHARE]
    kept += [side for side in outer if side not in kept][: max(0, 3 - len(inner) - len(kept))]
    return [side for side in SIDES if side in (*inner, *kept)]


def _beyond(spot: Spot, side: str) -> Spot:
    east, north = HEADING[side]
    return spot[0] + int(north), spot[1] + int(east)


def _leg_end(random: np.random.Generator, middle: tuple[float, float], side: str) -> tuple[float, float]:
    length_m, bend = random.uniform(*LEG_M), math.radians(random.uniform(-BEND_DEG, BEND_DEG))
    east, north = HEADING[side]
    turned = east * math.cos(bend) - north * math.sin(bend), east * math.sin(bend) + north * math.cos(bend)
    return _rounded(middle[0] + length_m * turned[0]), _rounded(middle[1] + length_m * turned[1])


def _rounded(metres: float) -> float:
    return round(float(metres), 1)


def _lanes_through(random: np.random.Generator, legs: Legs, axis: tuple[str, int]) -> int:
    """Lanes of the streets along an axis; at most one for each turn where a street ends at a T-junction."""
    lanes = int(random.choice(LANES, p=LANE_SHARE))
    ends = any(
        side in has and opposite(side) not in has and _axis(spot, side) == axis
        for spot, has in legs.items()
        for side in SIDES
    )
    return min(lanes, 2) if ends else lanes


def opposite(side: str) -> str:
    """Where whoever comes from a side goes straight on to."""
    return SIDES[(SIDES.index(side) + 2) % 4]


def turns_from(side: str, legs: dict[str, str]) -> str:
    """What whoever comes from a side can do: right is the side before it clockwise, left the one after."""
    at = SIDES.index(side)
    leads = {RIGHT: SIDES[at - 1], STRAIGHT: opposite(side), LEFT: SIDES[(at + 1) % 4]}
    return "".join(turn for turn, to in leads.items() if to in legs)


def _streets(random: np.random.Generator, draft: Draft, lanes: dict[tuple[str, int], int]) -> list[Street]:
    streets = []
    for spot, legs in draft.legs.items():
        for side, node in legs.items():
            through = lanes[_axis(spot, side)]
            marked, bay = _lane_turns(random, turns_from(side, legs), through)
            bay_m = round(float(random.uniform(*BAY_M)), 1) if bay else 0.0
            streets.append(Street(start=node, end=name(spot), lanes=marked, bay_m=bay_m))
            if node[0] != "J":
                streets.append(Street(start=name(spot), end=node, lanes=through))
    return streets


def _lane_turns(random: np.random.Generator, turns: str, through: int) -> tuple[tuple[str, ...], bool]:
    """The turns of each lane from the right, and whether the last one is a bay."""
    bay = LEFT in turns and (random.random() < BAY_SHARE)
    shared = random.random() < SHARED_SHARE
    if STRAIGHT not in turns:
        apart = (RIGHT, LEFT) if through > 1 or bay else (RIGHT + LEFT,)
        return apart, bay and through == 1
    marked = [STRAIGHT] * through
    if RIGHT in turns:
        marked[0] += RIGHT
    if bay:
        marked.append(LEFT)
    elif LEFT in turns:
        marked[-1] = marked[-1] + LEFT if through == 1 or shared else LEFT
    return tuple(marked), bay


def _greens(random: np.random.Generator, legs: dict[str, str], approaches: dict[str, Street]) -> list[str]:
    """What is green in each stage: one axis after the other, each as it was drawn."""
    greens: list[str] = []
    for axis in ("NS", "EW"):
        of = {legs[side]: turns_from(side, legs) for side in axis if side in legs}
        kinds = _kinds(list(of.items()), approaches)
        share = np.array([SERVED[kind] for kind in kinds])
        greens += _stages(str(random.choice(kinds, p=share / share.sum())), of)
    return greens


def _kinds(of: list[tuple[str, str]], approaches: dict[str, Street]) -> list[str]:
    """How an axis can be served: left turns have a stage of their own only from lanes of their own."""
    if len(of) < 2 or all(LEFT not in turns for _, turns in of):
        return ["permissive"]
    apart = all(LEFT in _lanes(approaches[node]) for node, turns in of if LEFT in turns)
    return list(SERVED) if apart else ["permissive", "split"]


def _lanes(street: Street) -> tuple[str, ...]:
    return street.lanes if isinstance(street.lanes, tuple) else ()


def _stages(kind: str, of: dict[str, str]) -> list[str]:
    every = {node: turns for node, turns in of.items() if turns}
    lefts = {node: LEFT for node, turns in of.items() if LEFT in turns}
    others = {node: turns.replace(LEFT, "") for node, turns in of.items()}
    parts = {
        "permissive": [every],
        "protected": [others, lefts],
        "protected after": [every, lefts],
        "split": [{node: turns} for node, turns in every.items()],
    }
    return [" ".join(f"{node}:{turns}" for node, turns in part.items()) for part in parts[kind]]
