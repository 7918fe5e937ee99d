"""What a junction's parts are called where they are described, in text and on the page."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from signals.intersection import Aspect, Intersection, Interstage, Interval, LaneGroup, Movement

ORDER_OF_TURNS = ("left", "through", "right", "u-turn", "crossing")
NOT_RED = {
    Aspect.YELLOW: "yellow",
    Aspect.RED_YELLOW: "red-yellow",
    Aspect.GREEN: "green",
    Aspect.PERMISSIVE: "green",
    Aspect.TURN_ON_RED: "turn on red",
    Aspect.DARK: "dark",
}


def by_approach(groups: Iterable[LaneGroup]) -> dict[str, list[LaneGroup]]:
    found = defaultdict(list)
    for group in groups:
        found[group.approach].append(group)
    return found


def lane_numbers(group: LaneGroup) -> str:
    """SUMO names a lane by its edge and a number."""
    return " ".join(lane.removeprefix(f"{group.approach}_") for lane in group.lanes)


def turns(junction: Intersection, group: LaneGroup) -> str:
    found = {
        m.turn
        for m in junction.movements
        if m.approach == group.approach and m.exit in group.exits and m.signal_group in group.signal_groups
    }
    return ", ".join(sorted(found, key=ORDER_OF_TURNS.index))


def movements(junction: Intersection, groups: Sequence[str]) -> list[str]:
    return [movement_words(m) for m in junction.movements if m.signal_group in groups]


def movement_words(movement: Movement) -> str:
    if movement.turn == "crossing":
        return f"{movement.approach} crossing of {movement.exit.replace('+', ' ')}"
    return f"{movement.approach} > {movement.exit} {movement.turn}"


def length_s(interstage: Interstage) -> float:
    return sum(i.duration_s for i in interstage.intervals)


def intervals_words(junction: Intersection, interstage: Interstage) -> str:
    if not interstage.intervals:
        return "none: the next stage's green begins at once"
    return "\n".join(f"{i.duration_s:g} s: {_shown(junction, i)}" for i in interstage.intervals)


def _shown(junction: Intersection, interval: Interval) -> str:
    """All heads that are not red, by what they show."""
    shown = defaultdict(list)
    for group, aspect in zip(junction.signal_groups, interval.aspects, strict=True):
        if aspect in NOT_RED:
            shown[NOT_RED[aspect]].append(group.id)
    return ", ".join(f"{aspect} {' '.join(groups)}" for aspect, groups in shown.items()) or "all red"
