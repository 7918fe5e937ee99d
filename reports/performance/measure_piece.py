"""One device's day of events → its rows of every measure's table; see `definitions.py` for what each measure is."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from formats.event_log import Device, Events, Whole
from reports.performance.actuations import OFF, ON, Actuations, Detector, detector, either
from reports.performance.pedestrians import PEDESTRIAN_CODES, pedestrian_rows
from reports.performance.phase_cycles import (
    NEVER,
    PHASE_CODES,
    SKIPPED,
    TERMINATIONS,
    PhaseCycles,
    phase_cycles,
)  # fmt: skip
from reports.performance.places import Channel, Places

COORDINATED = 151
CODES = (*PHASE_CODES, *PEDESTRIAN_CODES, OFF, ON, COORDINATED)
RED_MS, FULL = 5000, 0.8
"""Split failure: covered 0.8 and more of the green, and 0.8 and more of the first 5 s of red."""
GAP_MS = 300_000
UNKNOWN = 3  # a state beside 0 green, 1 yellow, 2 red
Table = dict[str, Whole | np.ndarray]
"""Columns of equal length."""


@dataclass(frozen=True)
class Piece:
    """Events of one device's day, sorted by what they speak of. `since_ms` to `until_ms` is what is known."""

    events: Events
    places: Places
    since_ms: int
    until_ms: int
    bin_ms: int

    def own(self, times_ms: Whole) -> Whole:
        """Of some times in order, those that lie in this piece's own day."""
        first, last = np.searchsorted(times_ms, [self.events.begin_ms, self.events.end_ms])
        return times_ms[first:last]

    @cached_property
    def limits_ms(self) -> Whole:
        return np.arange(self.events.begin_ms, self.events.end_ms + 1, self.bin_ms)

    def counted(self, times_ms: Whole) -> Whole:
        """Events a bin [B] of the day."""
        return np.diff(np.searchsorted(times_ms, self.limits_ms))

    def spread_ms(self, spans: Actuations) -> Whole:
        """How much of some spans lies in the known part of each bin [B]."""
        known = Actuations(self._known_until(spans.begin_ms), self._known_until(spans.end_ms))
        return np.diff(known.covered_ms(self._known_until(self.limits_ms)))

    @cached_property
    def known_ms(self) -> Whole:
        """The part of each bin [B] in which the device was heard of: between its first event and last, without gaps."""
        return np.diff(self._known_until(self.limits_ms))

    def _known_until(self, at_ms: Whole) -> Whole:
        clipped = np.clip(at_ms, self.since_ms, self.until_ms)
        return clipped - self.gaps.covered_ms(clipped)

    @cached_property
    def gaps(self) -> Actuations:
        """Times of five minutes and more in which the device said nothing."""
        times = np.sort(np.append(self.events.time_ms, [self.since_ms, self.until_ms]))
        places = np.flatnonzero(np.diff(times) >= GAP_MS)
        return Actuations(times[places], times[places + 1])

    @cached_property
    def detectors(self) -> dict[int, Detector]:
        """Every channel that was heard of."""
        found = {}
        for channel in self.events.parameters(OFF, ON):
            on, off = self.events.times(ON, channel), self.events.times(OFF, channel)
            found[channel] = detector(on, off, self.since_ms, self.until_ms)
        return found

    @cached_property
    def cycles(self) -> dict[int, PhaseCycles]:
        """Of every phase that was heard of."""
        return {
            phase: phase_cycles(partial(self.events.times, parameter=phase), self.since_ms)
            for phase in self.events.parameters(*PHASE_CODES)
        }

    def ons(self, channels: list[Channel]) -> Whole:
        """When anything came onto some channels, in order."""
        times = [self.detectors[each.channel].on_ms for each in channels if each.channel in self.detectors]
        return np.sort(np.concatenate(times)) if times else np.zeros(0, np.int64)

    def channels(self, phase: int, *functions: str) -> list[Channel]:
        """Those of a phase that were heard of."""
        found = self.places.with_function(self.events.device, *functions)
        return [each for each in found if each.phase == phase and each.channel in self.detectors]


def piece_of(events: Events, device: Device, places: Places, bin_ms: int) -> Piece:
    """Known is a device from its first event to its last; of other days, a piece knows an hour at most."""
    since_ms, until_ms = max(device.begin_ms, int(events.time_ms.min())), min(device.end_ms, int(events.time_ms.max()))
    if since_ms > device.begin_ms:
        since_ms = min(since_ms, events.begin_ms)
    if until_ms < device.end_ms:
        until_ms = max(until_ms, events.end_ms)
    return Piece(events, places, since_ms, until_ms, bin_ms)


def measured(piece: Piece) -> Iterator[tuple[str, Table]]:
    """(table's name, rows) for all that the piece's own day has."""
    for channel, found in piece.detectors.items():
        yield "detector_counts", _counts(piece, channel, found)
    for phase, cycles in piece.cycles.items():
        advance = piece.channels(phase, "advance")
        if advance:
            yield "arrivals_on_green", _arrivals(piece, phase, cycles, piece.ons(advance))
        yield "terminations", _terminations(piece, phase, cycles)
        yield "cycles", _cycles(piece, phase, cycles)
        for each in piece.channels(phase, "stop_line"):
            occupied = _occupancies(cycles, piece.detectors[each.channel].covered, piece.until_ms)
            yield "lane_cycles", _kept(piece, cycles, {"phase": phase, "detector": each.channel} | occupied)
    yield from pedestrian_rows(piece)
    yield "gaps", _gaps(piece)
    yield "repairs", _repairs(piece)
    coordinated = piece.events.parameters(COORDINATED)
    times = [len(piece.own(piece.events.times(COORDINATED, phase))) for phase in coordinated]
    yield "coordinated", {"phase": np.array(coordinated), "times": np.array(times)}


def rows(where: np.ndarray, columns: dict[str, Any]) -> Table:
    """The rows that are wanted; what is one value is so in each of them."""
    return {
        name: value[where] if isinstance(value, np.ndarray) else np.full(int(where.sum()), value)
        for name, value in columns.items()
    }


def _counts(piece: Piece, channel: int, found: Detector) -> Table:
    share = piece.spread_ms(found.covered) / np.maximum(piece.known_ms, 1)
    return rows(
        piece.known_ms > 0,
        {
            "begin_ms": piece.limits_ms[:-1],
            "detector": channel,
            "volume_veh": piece.counted(found.on_ms),
            "occupancy": share,
            "lost_ons": piece.counted(found.lost_on_ms),
            "lost_offs": piece.counted(found.lost_off_ms),
        },
    )


def _arrivals(piece: Piece, phase: int, cycles: PhaseCycles, ons: Whole) -> Table:
    """By bin and by what the phase showed; unknown in a cycle whose green has no end."""
    own = piece.own(ons)
    state = cycles.state(own)
    place = np.searchsorted(cycles.begin_ms, own, "right") - 1
    open_ended = (cycles.green_end_ms == NEVER) & (cycles.next_ms < NEVER)
    state[open_ended[place]] = UNKNOWN
    bins = len(piece.known_ms)
    by = np.bincount(((own - piece.events.begin_ms) // piece.bin_ms) * 4 + state, minlength=bins * 4).reshape(bins, 4)
    known = ~open_ended
    green = Actuations(cycles.begin_ms[known], np.minimum(cycles.green_end_ms, piece.until_ms)[known])
    return rows(
        piece.known_ms > 0,
        {
            "begin_ms": piece.limits_ms[:-1],
            "phase": phase,
            "arrivals": by.sum(axis=1),
            "on_green": by[:, 0],
            "on_yellow": by[:, 1],
            "on_red": by[:, 2],
            "unknown": by[:, 3],
            "green_s": piece.spread_ms(green) / 1000.0,
            "known_s": piece.known_ms / 1000.0,
        },
    )


def _terminations(piece: Piece, phase: int, cycles: PhaseCycles) -> Table:
    said = {name: piece.counted(piece.events.times(code, phase)) for code, name in TERMINATIONS.items()}
    ended = cycles.green_end_ms[1:]
    counts = {
        "gap_outs": said["gap-out"],
        "max_outs": said["max-out"],
        "force_offs": said["force-off"],
        "skips": piece.counted(piece.events.times(SKIPPED, phase)),
        "greens": piece.counted(np.sort(ended)),
        "not_said": piece.counted(np.sort(ended[cycles.ended_by[1:] == 0])),
    }
    return rows(np.any(list(counts.values()), axis=0), {"begin_ms": piece.limits_ms[:-1], "phase": phase} | counts)


def _cycles(piece: Piece, phase: int, cycles: PhaseCycles) -> Table:
    """A row a begin of green; seconds are NaN where an event did not come."""
    functions = {"arrivals": "advance", "stop_line": "stop_line", "crossings": "yellow_red"}
    channels = {name: piece.channels(phase, function) for name, function in functions.items()}
    yellow_s = _seconds(cycles.red_ms, cycles.green_end_ms)
    columns: dict[str, Any] = {
        "phase": phase,
        "green_s": _seconds(cycles.green_end_ms, cycles.begin_ms),
        "yellow_s": np.where(cycles.said_yellow & cycles.said_red, yellow_s, np.nan),
        "red_clearance_s": _seconds(cycles.clear_ms, cycles.red_ms),
        "split_s": _seconds(cycles.clear_ms, cycles.begin_ms),
        "cycle_s": _seconds(cycles.next_ms, cycles.begin_ms),
        "ended_by": cycles.ended_by,
    }
    lanes = [piece.detectors[each.channel].covered for each in channels["stop_line"]]
    nothing = dict.fromkeys(("green_occupancy", "red_occupancy", "split_failure"), np.nan)
    columns |= _occupancies(cycles, either(lanes), piece.until_ms) if lanes else nothing
    ons = piece.ons(channels["arrivals"])
    columns["arrivals"] = _between(ons, cycles.begin_ms, cycles.next_ms, channels["arrivals"])
    columns["arrivals_on_green"] = _between(ons, cycles.begin_ms, cycles.green_end_ms, channels["arrivals"])
    crossings = piece.ons(channels["crossings"])
    columns["on_yellow"] = _between(crossings, cycles.green_end_ms, cycles.red_ms, channels["crossings"])
    columns["on_red"] = _between(crossings, cycles.red_ms, cycles.next_ms, channels["crossings"])
    return _kept(piece, cycles, columns)


def _kept(piece: Piece, cycles: PhaseCycles, columns: dict[str, Any]) -> Table:
    """Rows of the cycles that begin in the piece's own day, with whether a silence of the device lies in them."""
    with_gap = np.zeros(len(cycles.begin_ms), bool)
    for begin_ms, end_ms in zip(piece.gaps.begin_ms, piece.gaps.end_ms, strict=True):
        with_gap |= (cycles.begin_ms < end_ms) & (cycles.next_ms > begin_ms)
    red_ms = np.where(cycles.red_ms < NEVER, cycles.red_ms, -1)
    times = {"begin_ms": cycles.begin_ms, "red_ms": red_ms, "with_gap": with_gap}
    return rows(_own(piece, cycles), times | columns)


def _own(piece: Piece, cycles: PhaseCycles) -> np.ndarray:
    """Which cycles begin in the piece's own day."""
    own = (cycles.begin_ms >= piece.events.begin_ms) & (cycles.begin_ms < piece.events.end_ms)
    own[0] = False
    return own


def _seconds(later_ms: Whole, earlier_ms: Whole) -> np.ndarray:
    known = (later_ms < NEVER) & (earlier_ms < NEVER)
    return np.where(known, (later_ms - earlier_ms) / 1000.0, np.nan)


def _between(times_ms: Whole, begin_ms: Whole, end_ms: Whole, channels: list[Channel]) -> np.ndarray:
    """How many times lie in each span; NaN where a limit is not known or nothing counts there."""
    counts = np.searchsorted(times_ms, end_ms) - np.searchsorted(times_ms, begin_ms)
    known = (begin_ms < NEVER) & (end_ms < NEVER) & bool(channels)
    return np.where(known, counts.astype(float), np.nan)


def _occupancies(cycles: PhaseCycles, covered: Actuations, until_ms: int) -> dict[str, np.ndarray]:
    """Shares of green and of the first 5 s of red; NaN where a change was not logged, or red is shorter or cut off."""
    barrier_ms = np.where(cycles.red_ms < NEVER, cycles.red_ms + RED_MS, NEVER)
    whole = cycles.said_yellow & cycles.said_red & (barrier_ms < cycles.next_ms) & (barrier_ms <= until_ms)
    whole &= cycles.green_end_ms > cycles.begin_ms
    green_ms = np.where(whole, cycles.green_end_ms - cycles.begin_ms, 1)
    green = covered.between_ms(cycles.begin_ms, cycles.begin_ms + green_ms) / green_ms
    red_ms = np.where(whole, cycles.red_ms, 0)
    red = covered.between_ms(red_ms, red_ms + RED_MS) / RED_MS
    failed = np.where(whole, (green >= FULL) & (red >= FULL), np.nan)
    return {
        "green_occupancy": np.where(whole, green, np.nan),
        "red_occupancy": np.where(whole, red, np.nan),
        "split_failure": failed,
    }


def _gaps(piece: Piece) -> Table:
    begin_ms = piece.gaps.begin_ms
    own = (begin_ms >= piece.events.begin_ms) & (begin_ms < piece.events.end_ms)
    return {"begin_ms": begin_ms[own], "end_ms": piece.gaps.end_ms[own]}


def _repairs(piece: Piece) -> Table:
    """What was put right or had to be left out, by kind."""
    found = {"repeated": piece.events.repeated}
    for cycles in piece.cycles.values():
        followed = _own(piece, cycles) & (cycles.next_ms < NEVER)
        without_end = followed & (cycles.green_end_ms == NEVER)
        without_yellow = followed & ~cycles.said_yellow & ~without_end
        without_red = followed & ~cycles.said_red & ~without_end
        short = followed & (cycles.red_ms < NEVER) & (cycles.next_ms - cycles.red_ms <= RED_MS)
        for kind, where in (
            ("open_greens", without_end),
            ("without_yellow", without_yellow),
            ("without_red", without_red),
            ("short_reds", short),
        ):
            found[kind] = found.get(kind, 0) + int(where.sum())
    lost = [(len(piece.own(each.lost_on_ms)), len(piece.own(each.lost_off_ms))) for each in piece.detectors.values()]
    found["lost_ons"] = sum(ons for ons, _ in lost)
    found["lost_offs"] = sum(offs for _, offs in lost)
    kinds = [kind for kind, times in found.items() if times]
    return {"kind": np.array(kinds, dtype=object), "times": np.array([found[kind] for kind in kinds], np.int64)}
