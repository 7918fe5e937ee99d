"""Effective green as a share of time, from the stages that were shown."""

import numpy as np
import pytest

from signals.green_share import EXTENSION_S, GreenShare
from signals.layout import layout
from signals.values import TRANSITION
from tests.signals.fakes import crossing, protected_left

CYCLE_S = 60.0


def shown(built, stages: list[tuple[int, float]], cycles: int) -> tuple[GreenShare, float]:
    """Some stages in turn, each for a time; where nothing is between them they follow each other at once."""
    share, now_s = GreenShare(built), 0.0
    for _ in range(cycles):
        for stage, lasts_s in stages:
            share.follow(now_s, [0], np.array([stage]))
            now_s += lasts_s
    return share, now_s


def test_effective_green_is_displayed_green_less_what_the_start_loses_and_more_by_the_yellow():
    """A green of 24 s in 60, start-up lost time 3 s, 2 s of the change interval used: 23 s (a fading mean ripples)."""
    built = layout([crossing()])
    share, now_s = shown(built, [(0, 24.0), (TRANSITION, 6.0), (1, 26.0), (TRANSITION, 4.0)], 40)
    found = share.share(now_s, np.full(built.shape, 3.0))
    assert found[0, 0] == pytest.approx((24.0 - 3.0 + EXTENSION_S) / CYCLE_S, rel=0.08)
    assert found[0, 1] == pytest.approx((26.0 - 3.0 + EXTENSION_S) / CYCLE_S, rel=0.08)


def test_an_interstage_between_two_greens_is_green():
    """The left turn yields in A and is protected in B: it is served by half in A and on the way, wholly in B."""
    built = layout([protected_left()])
    share, now_s = shown(
        built, [(0, 20.0), (TRANSITION, 4.0), (1, 10.0), (TRANSITION, 4.0), (2, 18.0), (TRANSITION, 4.0)], 40
    )
    found = share.share(now_s, np.full(built.shape, 2.0))
    assert found[0, 1] == pytest.approx((0.5 * 24.0 + 10.0) / CYCLE_S, rel=0.05)


def test_a_stage_that_still_stands_counts():
    """After ten minutes in one stage its lane groups have green all the time, and the others none."""
    built = layout([crossing()])
    share = GreenShare(built)
    share.follow(0.0, [0], np.array([0]))
    found = share.share(600.0, np.full(built.shape, 2.0))
    assert found.tolist() == [[1.0, 0.0]]


def test_nothing_seen_is_no_green():
    built = layout([crossing()])
    assert GreenShare(built).share(0.0, np.zeros(built.shape)).tolist() == [[0.0, 0.0]]
