"""Vehicles between advance loop and stop line by input and output, and those that stand beyond the advance loop.

Input less output drifts, so it is bounded by what the loops tell outright: a covered stop line has somebody on it; one
that has been free for longer than a queue's headway has no queue, so whoever is inside came within the last travel
time. What the bounds take from one lane group they give to the others that the same advance loops feed.

Beyond a loop that has been covered for long the queue grows unseen, at the arrival flow, until in the discharge the
loop stays free for longer than a queue leaves it: then its tail has passed (the break point of Liu et al. 2009).
"""

from __future__ import annotations

import numpy as np

from signals.layout import VEHICLE_SPACE_M, Layout
from signals.readings import IN, OUT
from signals.values import Bools, Floats, some

STANDING_S = 3.0
SURELY_STANDING_S = 90.0
SURELY_BY_HALF_S = 12.0
"""The same where a lane group that the loop feeds has lost another one: it is then known too badly to contradict."""
LEAST_FULL = 0.5
"""Below this share of the room to the loop a covered loop has lost an edge rather than met a queue, unless it lasts."""
TAIL_S = 4.0
"""A discharging queue leaves a loop free for 1 to 2 s between two vehicles, at one reading a second."""
APPROACH_SLACK_S = 4.0
BRAKING_S = 2.0
SECTION_M = 150.0
"""Arrivals are told where they come past this distance from the stop line, or onto the lane group's lanes."""
MOST_BEYOND_VEH = 25.0
"""About 190 m of one lane. Behind a loop that a queue covers for good nobody can be counted, so what is believed to
stand there is a guess that must not run away: of 16 to 40 this errs least at one and a half times today's demand."""
TIGHT = 1.25
"""How much closer than `VEHICLE_SPACE_M` a queue may stand."""
LEAST_OWED_VEH = 0.25
PASSES = 1e6
"""Outweighs all readings of a loop since the last look, so that one figure tells covered throughout and none passed."""
SLOTS = 20
LOOK_EVERY_S = 3.0
SLOT_S = 1.0


class Queues:
    """inside_veh, beyond_veh [J, N]; spilled [L]: the queue is on the loop, or its tail still beyond it."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._shape = layout, layout.shape
        self._cells = layout.has_group.size
        loops, (j, n) = len(layout.loops), layout.shape
        self.inside_veh, self.beyond_veh = np.zeros((j, n)), np.zeros((j, n))
        self._index_room(layout)
        self.spilled, self.any_spilled = np.zeros(loops, bool), False
        self._covered_s, self._idle_s = np.zeros(loops), np.zeros(loops)
        self._beyond_loop_veh = np.zeros(loops)
        self._is_advance = np.zeros(loops, bool)
        self._is_advance[layout.advance_loop] = True
        self._came_veh, self._came_before_veh = np.zeros((j, n)), np.zeros((j, n))
        self._ring = np.zeros((j, n, 2 * SLOTS))
        self._flat_ring = self._ring.ravel()
        self._slot, self._slot_at_s, self._slot_s = 0, -np.inf, 0.0
        self._looked_s, self._looked_at, self._looks = 0.0, np.zeros((2, loops)), 0
        self._lasted, self._any_stuck = np.zeros(loops), False
        self._surely_s = np.full(loops, SURELY_STANDING_S)
        self._never = np.where(self._is_advance, 0.0, np.inf)
        self._quiet = np.zeros((j, n), bool)
        self._family, self._siblings = families(layout)
        self._any_siblings = bool(self._siblings.size)
        self._owed_veh = np.zeros((j, n))
        self._flat_owed_veh = self._owed_veh.ravel()
        self.arriving: Floats = layout.advance_share.copy()
        self.restart(0.0)

    def _index_room(self, layout: Layout) -> None:
        advances = np.bincount(layout.advance_cell, minlength=self._cells).reshape(self._shape)
        watched = np.bincount(layout.stop_cell, minlength=self._cells).reshape(self._shape) + advances > 0
        room = layout.lanes * layout.advance_distance_m / VEHICLE_SPACE_M
        self.reach_veh = np.where(advances > 0, room, layout.room_veh) + layout.lanes
        self.reach_veh[~watched] = 0.0
        self.room_veh = np.maximum(layout.room_veh, self.reach_veh)
        length_m = layout.room_veh * VEHICLE_SPACE_M / np.maximum(layout.lanes, 1.0)
        above_m = np.maximum(np.minimum(SECTION_M, length_m) - layout.advance_distance_m, 0.0)
        self._above_veh = np.where(advances > 0, layout.lanes * above_m / VEHICLE_SPACE_M, 0.0)
        self._free_s = layout.advance_distance_m / layout.speed_m_per_s
        cell = layout.advance_cell
        self._lane_room_veh = (layout.advance_distance_m / VEHICLE_SPACE_M + 1.0).ravel()[cell]
        self._most_veh = np.maximum(self.reach_veh, 1.0) * TIGHT

    def half_seen(self, groups: Bools) -> None:
        """Follow which lane groups [J, N] have lost a loop."""
        loop, cell = self._layout.advance_loop, self._layout.advance_cell
        touched = np.bincount(loop, groups.ravel()[cell], self._covered_s.size) > 0
        self._surely_s = np.where(touched, SURELY_BY_HALF_S, SURELY_STANDING_S)

    def restart(self, now_s: float) -> None:
        """A first reading, or a clock that stepped back: nothing has lasted, and nobody is known to be on his way."""
        self._covered_s[:], self._idle_s[:] = 0.0, 0.0
        self._looked_s = now_s
        self._begin_slots(now_s, SLOT_S)

    def _begin_slots(self, now_s: float, slot_s: float) -> None:
        """Nobody came but just now; how many slots back somebody came who now reaches the stop line."""
        self._slot_at_s, self._slot_s, self._slot = now_s, slot_s, 0
        self._ring[:] = self._came_veh[:, :, None]
        newest_at = np.arange(self._cells).reshape(self._shape) * 2 * SLOTS + SLOTS - 1
        back = np.minimum(np.ceil((self._free_s + APPROACH_SLACK_S) / slot_s), SLOTS - 1).astype(np.int64)
        self._travel_at = newest_at - back
        self._window = self._flat_ring[1:]
        free_slots = np.minimum((self._free_s + BRAKING_S) / slot_s + 0.5, SLOTS - 1.0)
        self._back_if_empty_at = newest_at + 1.0 - free_slots
        self._slots_by_queue = self._free_s / slot_s / self._most_veh
        self._find_back()

    def _find_back(self) -> None:
        """Where in the slots they are who now reach the back of the queue."""
        at = self.inside_veh * self._slots_by_queue
        at += self._back_if_empty_at
        self._back_at = at.astype(np.int64)

    def _remember(self, now_s: float, elapsed_s: float) -> None:
        """Keep what has come so far, about once a second, twice over so that the slots always follow each other."""
        slot_s = max(SLOT_S, elapsed_s)
        if now_s - self._slot_at_s < SLOT_S - 1e-6:
            return
        if slot_s != self._slot_s:
            self._begin_slots(now_s, slot_s)
        self._slot = slot = (self._slot + 1) % SLOTS
        self._slot_at_s = now_s
        self._ring[:, :, slot::SLOTS] = self._came_veh[:, :, None]
        self._window = self._flat_ring[slot + 1 :]

    def update(self, now_s: float, elapsed_s: float, sums: Floats, quiet: Bools) -> None:
        """One step. quiet [J, N]: the stop line has been free for longer than within a queue."""
        arrived = sums[IN]
        self._came_veh += arrived
        self._remember(now_s, elapsed_s)
        recent = self._came_veh - self._window.take(self._travel_at)
        wanted = self.inside_veh + arrived
        wanted -= sums[OUT]
        inside = np.minimum(wanted, np.where(quiet, recent, self._most_veh))
        np.maximum(inside, 0.0, out=inside)
        self.inside_veh, self._quiet = inside, quiet
        if self._any_siblings:
            self._owed_veh += wanted
            self._owed_veh -= inside

    @property
    def look_every_s(self) -> float:
        """A tail is a gap of few seconds, so where there is one to come every reading is looked at."""
        return 0.0 if self.any_spilled else LOOK_EVERY_S

    def look(self, now_s: float, counted: Floats, looks: int, loop_veh_per_s: Floats, quiet: Bools) -> None:
        """Every few seconds: what the loops say of the queue's back, and what lane groups owe each other.

        counted [2, L]: vehicles, and readings covered, since the beginning; looks: all readings.
        """
        elapsed_s, before, self._looked_s = now_s - self._looked_s, self._lasted, now_s
        np.copyto(self._came_before_veh, self._came_veh, where=quiet)
        if self._any_siblings and self._flat_owed_veh.dot(self._flat_owed_veh) > LEAST_OWED_VEH**2:
            self._share_out(quiet)
        self._lasted = counted[1] - PASSES * counted[0]
        stuck = self._lasted - before >= looks - self._looks + self._never
        self._looks = looks
        any_stuck = some(stuck)
        if any_stuck or self._any_stuck:
            self._covered_s += elapsed_s
            self._covered_s *= stuck
        if any_stuck or self.any_spilled:
            volume, presence = counted - self._looked_at
            self._spill(elapsed_s, volume, presence, loop_veh_per_s)
        self._any_stuck = any_stuck
        self._looked_at[:] = counted
        self._find_back()

    def _share_out(self, quiet: Bools) -> None:
        """Whoever is not in the one lane group is in another that the same loops feed."""
        siblings, family = self._siblings, self._family
        owed = np.bincount(family, self._owed_veh.take(siblings))[family]
        self._owed_veh[:] = 0.0
        own = self.inside_veh.take(siblings)
        free = ~quiet.take(siblings)
        room = np.where(owed > 0, (self.reach_veh.take(siblings) - own) * free, own)
        np.maximum(room, 0.0, out=room)
        total = np.bincount(family, room)[family]
        part = np.minimum(np.maximum(owed / np.maximum(total, 1e-9), -1.0), 1.0)
        own += room * part
        self.inside_veh.ravel()[siblings] = own

    def _spill(self, elapsed_s: float, volume: Floats, presence: Floats, loop_veh_per_s: Floats) -> None:
        """The part of the queue beyond the advance loops."""
        loop, cell = self._layout.advance_loop, self._layout.advance_cell
        standing = self._covered_s >= STANDING_S
        if some(standing):
            full = (self.inside_veh / self._most_veh).ravel()[cell]
            plausible = np.bincount(loop, full, volume.size) >= LEAST_FULL
            standing &= plausible | self.spilled | (self._covered_s >= self._surely_s)
        self._idle_s += elapsed_s
        self._idle_s *= (presence == 0) & (volume == 0)
        before = self.spilled
        self.spilled = (before | standing) & (self._idle_s < TAIL_S)
        beyond = self._beyond_loop_veh
        beyond += loop_veh_per_s * np.where(before, elapsed_s, self._covered_s)
        beyond -= volume * before
        np.maximum(beyond, 0.0, out=beyond)
        np.minimum(beyond, MOST_BEYOND_VEH, out=beyond)
        beyond *= self.spilled
        self.beyond_veh = (
            np.bincount(cell, beyond[loop] * self.arriving, self._cells).astype(float).reshape(self._shape)
        )
        floor = np.bincount(cell, standing[loop] * self._lane_room_veh * self.arriving, self._cells).reshape(
            self._shape
        )
        np.maximum(self.inside_veh, np.minimum(floor, self.reach_veh), out=self.inside_veh)
        self.any_spilled = some(self.spilled)

    def since_free_veh(self) -> Floats:
        """How many have come since the stop line was last free; with them grows what input less output is wrong by."""
        came: Floats = self._came_veh - self._came_before_veh
        return came

    def arrived_at_stop_veh(self) -> Floats:
        """Those inside that have had the time to reach the stop line."""
        moving = self._came_veh - self._window.take(self._travel_at)
        return np.maximum(self.inside_veh - moving, 0.0)

    def approaching_veh(self) -> Floats:
        """Those inside that came too lately to have reached the back of the queue."""
        moving: Floats = self._came_veh - self._window.take(self._back_at)
        np.minimum(moving, self.inside_veh, out=moving)
        np.copyto(moving, self.inside_veh, where=self._quiet)
        return moving

    def crossed_veh(self) -> Floats:
        """Those of the queue who have come past the section."""
        if not self.any_spilled:
            return self.inside_veh
        crossed: Floats = np.minimum(self.beyond_veh, self._above_veh)
        crossed += self.inside_veh
        return crossed


def families(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Lane groups that share advance loops: a number a family, and the cells of all that have a sibling."""
    leader: dict[int, int] = {}

    def find(cell: int) -> int:
        while leader.setdefault(cell, cell) != cell:
            cell = leader[cell]
        return cell

    first: dict[int, int] = {}
    for loop, cell in zip(layout.advance_loop.tolist(), layout.advance_cell.tolist(), strict=True):
        leader[find(cell)] = find(first.setdefault(loop, cell))
    root = {cell: find(cell) for cell in list(leader)}
    counts: dict[int, int] = {}
    for of in root.values():
        counts[of] = counts.get(of, 0) + 1
    cells = sorted(cell for cell, of in root.items() if counts[of] > 1)
    numbers = {of: k for k, of in enumerate(dict.fromkeys(root[cell] for cell in cells))}
    return np.array([numbers[root[c]] for c in cells], np.int64), np.array(cells, np.int64)
