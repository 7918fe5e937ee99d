"""A timing sheet as the interlock judges by it: tables of our own making, from the intersection itself.

Serves `signals.safety` alone, and like it imports neither `signals.sequencer` nor `signals.controllers`. A set of
heads (signal groups) is an integer, one bit a head: which of them conflict is then told by a few `&`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from signals.errors import ConfigError
from signals.intersection import Aspect, Intersection

MS_PER_S = 1000
"""Times are whole milliseconds, so that a limit is met exactly or missed."""


class Faces(NamedTuple):
    """What the heads of one junction show, as sets; green has the permissive ones too, unread the dark ones."""

    green: int
    protected: int
    yellow: int
    turning: int
    unread: int


class Limits(NamedTuple):
    """What one timing sheet demands.

    shows: by stage; foes: by stage and head, which heads must not be green with it, and last, which `TRANSITION`
    picks, those that no stage has green with it; served: the heads that some stage has green; interrupted: by two
    stages, the heads that both have green and the sheet's own way from one to the other has not.
    """

    heads: int
    shows: tuple[Faces, ...]
    foes: tuple[tuple[int, ...], ...]
    served: int
    interrupted: Mapping[tuple[int, int], int]
    minimum_green_ms: tuple[int, ...]
    yellow_change_ms: tuple[int, ...]
    clearance_ms: tuple[int, ...]


def milliseconds(seconds: float) -> int:
    """To the nearest."""
    return round(seconds * MS_PER_S)


def set_of(heads: Iterable[int]) -> int:
    """Heads as a set."""
    return sum(1 << head for head in heads)


@lru_cache(maxsize=4096)
def heads_in(heads: int) -> tuple[int, ...]:
    """A set as heads, in order."""
    return tuple(head for head in range(heads.bit_length()) if heads >> head & 1)


@lru_cache(maxsize=4096)
def faces(aspects: bytes) -> Faces:
    """What a row of aspects says, one byte a head."""

    def showing(*shown: Aspect) -> int:
        return set_of(head for head, aspect in enumerate(aspects) if aspect in shown)

    return Faces(
        green=showing(Aspect.GREEN, Aspect.PERMISSIVE),
        protected=showing(Aspect.GREEN),
        yellow=showing(Aspect.YELLOW),
        turning=showing(Aspect.TURN_ON_RED),
        unread=set_of(head for head, aspect in enumerate(aspects) if aspect > Aspect.GREEN),
    )


def limits_of(intersection: Intersection) -> Limits:
    """Raises `ConfigError` where a stage has two heads green that must not be."""
    phases = [intersection.phase_of(group.id) for group in intersection.signal_groups]
    shows = tuple(faces(bytes(intersection.stage_aspects(stage))) for stage in intersection.stages)
    foes = _foes(intersection)
    for stage, shown, of in zip(intersection.stages, shows, foes, strict=False):
        for head in heads_in(shown.green):
            for foe in heads_in(of[head] & shown.green):
                pair = " and ".join(intersection.signal_groups[k].id for k in (head, foe))
                raise ConfigError(f"{intersection.id}: stage {stage.name}: {pair} are green, must not be together")
    return Limits(
        heads=len(phases),
        shows=shows,
        foes=foes,
        served=set_of({head for shown in shows for head in heads_in(shown.green)}),
        interrupted=_interrupted(intersection, shows),
        minimum_green_ms=tuple(milliseconds(p.minimum_green_s) for p in phases),
        yellow_change_ms=tuple(milliseconds(p.yellow_change_s) for p in phases),
        clearance_ms=tuple(milliseconds(p.yellow_change_s + p.red_clearance_s) for p in phases),
    )


def _interrupted(intersection: Intersection, shows: tuple[Faces, ...]) -> dict[tuple[int, int], int]:
    stage = {one.name: k for k, one in enumerate(intersection.stages)}
    found = {}
    for way in intersection.interstages:
        start, end = stage[way.start], stage[way.end]
        both = lasting = shows[start].green & shows[end].green
        for interval in way.intervals:
            lasting &= faces(bytes(interval.aspects)).green
        found[start, end] = both & ~lasting
    return found


def _foes(intersection: Intersection) -> tuple[tuple[int, ...], ...]:
    head = {group.id: k for k, group in enumerate(intersection.signal_groups)}
    names = [stage.name for stage in intersection.stages]
    foes = [[0] * len(head) for _ in (*names, None)]
    for conflict in intersection.conflicts:
        a, b = head[conflict.first], head[conflict.second]
        prohibited = [name not in conflict.yielding_in for name in names]
        for k, applies in enumerate((*prohibited, all(prohibited))):
            foes[k][a] |= applies << b
            foes[k][b] |= applies << a
    return tuple(tuple(of) for of in foes)
