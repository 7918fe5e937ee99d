"""A second judge, for tests: what was shown over time against the timing sheet, and nothing else.

Reads recorded aspects alone. Shares no code with `signals.safety` and what serves it, nor with `signals.sequencer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.intersection import Aspect, Intersection

SLACK_S = 1e-6


class Violation(NamedTuple):
    """What must not have been, when it began or ended too early, and of which signal groups."""

    time_s: float
    kind: str
    groups: tuple[str, ...]


class Recording(NamedTuple):
    """One junction: row k of `aspects` [T, P] is shown from `time_s[k]` until `time_s[k + 1]`."""

    time_s: NDArray[np.float64]
    aspects: NDArray[np.int8]

    @property
    def green(self) -> NDArray[np.bool_]:
        """Protected or permissive."""
        return (self.aspects == Aspect.GREEN) | (self.aspects == Aspect.PERMISSIVE)


def check(intersection: Intersection, time_s: NDArray[np.float64], aspects: NDArray[np.int8]) -> list[Violation]:
    """All violations in one recording, in order of time. What was cut off by its ends is not judged for length."""
    lasting = np.append(np.diff(time_s) > SLACK_S, True)
    recording = Recording(time_s[lasting], aspects[lasting])
    found = [
        *_together(intersection, recording),
        *_greens(intersection, recording),
        *_yellows(intersection, recording),
        *_clearances(intersection, recording),
        *_turns_on_red(intersection, recording),
    ]
    return sorted(found)


def _together(intersection: Intersection, recording: Recording) -> Iterator[Violation]:
    """A pair is green together although no stage has it so, aspect for aspect."""
    column = {group.id: k for k, group in enumerate(intersection.signal_groups)}
    for conflict in intersection.conflicts:
        a, b = column[conflict.first], column[conflict.second]
        wrong = recording.green[:, a] & recording.green[:, b]
        for stage in intersection.stages:
            if stage.name in conflict.yielding_in:
                shown = intersection.stage_aspects(stage)
                wrong &= ~((recording.aspects[:, a] == shown[a]) & (recording.aspects[:, b] == shown[b]))
        for k in np.flatnonzero(wrong):
            yield Violation(float(recording.time_s[k]), "prohibited together", (conflict.first, conflict.second))


def _greens(intersection: Intersection, recording: Recording) -> Iterator[Violation]:
    for k, group in enumerate(intersection.signal_groups):
        least_s = intersection.phase_of(group.id).minimum_green_s
        for time_s in _short(recording, *_spans(recording.green[:, k]), least_s):
            yield Violation(time_s, "short green", (group.id,))


def _yellows(intersection: Intersection, recording: Recording) -> Iterator[Violation]:
    for k, group in enumerate(intersection.signal_groups):
        least_s, yellow = intersection.phase_of(group.id).yellow_change_s, recording.aspects[:, k] == Aspect.YELLOW
        starts, ends = _spans(yellow)
        after_green = recording.green[starts - 1, k]
        for time_s in _short(recording, starts[after_green], ends[after_green], least_s):
            yield Violation(time_s, "short yellow", (group.id,))
        lost = recording.green[:-1, k] & ~recording.green[1:, k] & ~yellow[1:]
        for before in np.flatnonzero(lost) if least_s > 0 else ():
            yield Violation(float(recording.time_s[before + 1]), "no yellow", (group.id,))


def _clearances(intersection: Intersection, recording: Recording) -> Iterator[Violation]:
    """A group turns green, and a foe that is not green has been without it for less than yellow and clearance."""
    column = {group.id: k for k, group in enumerate(intersection.signal_groups)}
    pairs = [(c.first, c.second) for c in intersection.conflicts]
    for starts, foe in (*pairs, *((b, a) for a, b in pairs)):
        phase, green = intersection.phase_of(foe), recording.green
        begun = np.flatnonzero(green[1:, column[starts]] & ~green[:-1, column[starts]]) + 1
        since_s = recording.time_s[begun] - _last_end_s(recording, column[foe])[begun]
        short = since_s < phase.yellow_change_s + phase.red_clearance_s - SLACK_S
        for k in begun[short & ~green[begun, column[foe]]]:
            yield Violation(float(recording.time_s[k]), "short clearance", (foe, starts))


def _turns_on_red(intersection: Intersection, recording: Recording) -> Iterator[Violation]:
    allowed = {group for stage in intersection.stages for group in stage.turn_on_red}
    for k, group in enumerate(intersection.signal_groups):
        for row in np.flatnonzero(recording.aspects[:, k] == Aspect.TURN_ON_RED) if group.id not in allowed else ():
            yield Violation(float(recording.time_s[row]), "turn on red", (group.id,))


def _spans(on: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row, and first row after, of each unbroken span that begins and ends within the recording."""
    starts, ends = np.flatnonzero(~on[:-1] & on[1:]) + 1, np.flatnonzero(on[:-1] & ~on[1:]) + 1
    ends = ends[ends > starts[0]] if starts.size else ends[:0]
    return starts[: ends.size], ends


def _short(recording: Recording, starts: NDArray[np.int64], ends: NDArray[np.int64], least_s: float) -> Iterator[float]:
    """When those spans ended that did not last."""
    short = recording.time_s[ends] - recording.time_s[starts] < least_s - SLACK_S
    yield from recording.time_s[ends[short]].tolist()


def _last_end_s(recording: Recording, column: int) -> NDArray[np.float64]:
    """By row, when the group's last green before it ended."""
    green = recording.green[:, column]
    ended = np.concatenate([[False], green[:-1] & ~green[1:]])
    return np.maximum.accumulate(np.where(ended, recording.time_s, -np.inf))
