"""Which loops can be believed.

A loop is distrusted while the plant reports a fault on it; while it has been covered without a break for longer than
any queue stands (stuck on); while it sees nothing although others see those who must have passed it (stuck off); while
it counts or toggles as no traffic does (chatter); and while no loop of its junction sees anybody for far longer than
usual (mute: where all are dead, none is left to tell who is missed). It is believed again as soon as the sign is gone.
Limits: a controller's own diagnostics (NTCIP 1202 vehicleDetectorTable columns 9 to 11), but set by vehicles seen
elsewhere, because a short presence limit once starved a left turn that stood under a long queue. What a lane's own
loops say of each other has to agree with the whole approach (`signals/balance.py`): on an unused lane nobody is seen.
Who has once counted works, and is missed by as many as it used to see (`signals/partners.py`). Where a junction has a
loop that is stuck off, a lane whose loops have never told anything is not taken for unused any more (unproven).
"""

from __future__ import annotations

import numpy as np

from signals.balance import Balance
from signals.layout import VEHICLE_SPACE_M, Layout
from signals.miscounts import Miscounts
from signals.mute import MuteJunctions
from signals.partners import UsualPart, beside, expected_veh, lane_mates, pairs
from signals.values import Bools, Floats, some

CHECK_EVERY_S = 60.0
MAXIMUM_PRESENCE_S = 840.0
COVERED_VEH = 20.0
"""Vehicles that must have passed a covered loop, as others saw them, before it is stuck on."""
PASSED_VEH = 12.0
"""The same once it has been covered for the maximum presence."""
MOVED_VEH = 60.0
"""Counts of its junction in that time, if it has been covered since the beginning: a locked lane was once free."""
MISSED_VEH = 18.0
"""Vehicles that its partners saw, and none of them it: who changes lane between them is told by the balance."""
MISSED_OF_SEVERAL_VEH = 20.0
"""The same where they could have used another lane."""
USED_VEH = 6.0
"""So many its partners must have seen whom it is used to see too, if it has ever counted, before the approach alone
tells: a lane that few choose is as silent."""
MISSED_BESIDE_VEH = 30.0
"""The same where only the lanes beside it tell of them, scaled to how much of their traffic it used to have."""
FIRST_VEH = 1.0
"""Counts after which that scale is its own rather than an equal share."""
MOST_VEH_PER_S = 0.65
"""A lane passes one vehicle in 2 s, a chattering loop more than any lane."""
STILL_VEH_PER_S = 0.4
TOLD_VEH_PER_S = 0.2
"""More than that of one loop is not taken as word of what another should see: it may be chatter, not yet found."""
COMMON_SHARE = 0.025
"""Where so many loops of all junctions are stuck off, a silent lane of any junction may be another."""
UNPROVEN_S = 600.0
"""In which a lane that is used has been used: of 60 vehicles an hour one in 20,000 times nobody comes."""
OK, FAULT, STUCK_ON, STUCK_OFF, CHATTER, MUTE, UNDER, OVER, UNPROVEN = range(9)
REASONS = (
    "believed",
    "the plant reports a fault",
    "stuck on: covered without a break while vehicles pass",
    "stuck off: sees nobody while others see those who must have passed it",
    "chatter: counts more than any lane can pass",
    "mute: no loop of the junction has seen anybody for far longer than usual",
    "under-counting: turns from free to covered and counts nobody",
    "over-counting: counts two within a second, which no lane can pass",
    "unproven: no loop of its lane has ever seen anybody, and another of the junction is stuck off",
)


class LoopHealth:
    """Looks every minute at what each loop has counted and for how long it was covered."""

    def __init__(self, layout: Layout) -> None:
        loops = len(layout.loops)
        self._partners = pairs(layout)
        self._beside = beside(layout)
        self._lane_mate = lane_mates(layout)
        self._has_mate = self._lane_mate != np.arange(loops)
        self._missed_veh, self._missed_beside_veh = np.zeros(loops), np.zeros(loops)
        self._passed_veh, self._moved_veh = np.zeros(loops), np.zeros(loops)
        self._side_veh = np.zeros(loops)
        self._usual = UsualPart(loops)
        self._covered_s = np.zeros(loops)
        several = np.zeros(loops, bool)
        several[self._partners[0][self._partners[2] < 1.0]] = True
        self._most_missed_veh = np.where(several, MISSED_OF_SEVERAL_VEH, MISSED_VEH)
        self._room_veh = np.zeros(loops)
        room_veh = (layout.advance_distance_m / VEHICLE_SPACE_M + 1.0).ravel()[layout.advance_cell]
        np.maximum.at(self._room_veh, layout.advance_loop, room_veh)
        self._row = np.array([row for row, _ in layout.loops], np.int64)
        self._was_free = np.zeros(loops, bool)
        self._balance, self._mute = Balance(layout), MuteJunctions(layout)
        self._seen, self._miscounts = np.zeros((4, loops)), Miscounts(loops)
        self._checked_s = self._began_s = -np.inf
        self.verdict = np.full(loops, OK)
        self._healthy, self._believed = np.ones(loops, bool), np.ones(loops, bool)

    def reason(self, loop: int) -> str:
        """Why a loop is believed or not, in words."""
        return REASONS[int(self.verdict[loop])]

    def update(self, now_s: float, healthy: Bools, counted: Floats, looks: int) -> Bools:
        """The loops [L] that can be believed now, an array that is replaced where it changes.

        counted [4, L], since the beginning: vehicles, readings that found the loop covered, turns from free to covered
        that were not counted, and readings of two vehicles within a second. looks: all readings.
        """
        if now_s < self._checked_s or self._checked_s == -np.inf:
            self._restart(now_s, counted, looks)
        if now_s - self._checked_s >= CHECK_EVERY_S:
            self._check(now_s, counted, looks)
            self._believe(healthy)
        elif healthy is not self._healthy:
            self._believe(healthy)
        return self._believed

    def _believe(self, healthy: Bools) -> None:
        self._healthy = healthy
        self.verdict = np.where(healthy, np.where(self.verdict == FAULT, OK, self.verdict), FAULT)
        believed = self.verdict == OK
        if (believed != self._believed).any():
            self._believed = believed

    def _restart(self, now_s: float, counted: Floats, looks: int) -> None:
        """A first snapshot, or a clock that stepped back: nothing counts as having lasted."""
        for lasted in (self._missed_veh, self._missed_beside_veh, self._passed_veh, self._moved_veh):
            lasted[:] = 0.0
        self._covered_s[:] = 0.0
        self._balance.restart()
        self._mute.restart()
        self._seen, self._looks = counted.copy(), looks
        self._began_s = self._checked_s = now_s

    def _check(self, now_s: float, counted: Floats, looks: int) -> None:
        elapsed_s = now_s - self._checked_s
        volume, covered, uncounted, doubled = counted - self._seen
        self._checked_s, self._seen = now_s, counted.copy()
        readings, self._looks = looks - self._looks, looks
        most = np.where(self.verdict == CHATTER, STILL_VEH_PER_S, MOST_VEH_PER_S) * elapsed_s
        chatters = volume > most
        told = np.minimum(volume, TOLD_VEH_PER_S * elapsed_s) * ((self.verdict == OK) & ~chatters)
        expected, at_side = expected_veh(self._partners, told), expected_veh(self._beside, told)
        worked = counted[0] > 0.0
        usual = expected * np.where(worked, self._usual.update(volume, expected, self.verdict == OK), 1.0)
        self._side_veh += at_side
        at_side *= np.minimum((counted[0] + FIRST_VEH) / (self._side_veh + FIRST_VEH), 1.0)
        quiet, throughout = (volume == 0) & (covered == 0), (covered >= readings) & (volume == 0)
        for total, more, lasts in (
            (self._missed_veh, usual, quiet),
            (self._missed_beside_veh, at_side, quiet),
            (self._passed_veh, expected, throughout),
            (self._moved_veh, np.bincount(self._row, told)[self._row], throughout),
            (self._covered_s, elapsed_s, throughout),
        ):
            total += more
            total *= lasts
        sound = (self.verdict == OK) & ~chatters
        missing, confirmed, missing_upstream = self._balance.check(
            elapsed_s, volume, sound, self._mute.lively, quiet | throughout, self._missed_veh + self._passed_veh
        )
        inside_veh = np.minimum(counted[0], self._room_veh)  # may have stood there, and pass the stop line now
        stuck_off = missing & quiet & (~worked | (self._missed_veh > USED_VEH))
        stuck_off |= (self._missed_veh > self._most_missed_veh + inside_veh) & confirmed
        stuck_off |= missing_upstream & quiet & (self._missed_veh < 1.0)
        stuck_off |= self._missed_beside_veh > MISSED_BESIDE_VEH
        stuck_off |= (self.verdict == STUCK_OFF) & quiet
        too_long = self._covered_s > MAXIMUM_PRESENCE_S
        stuck_on = (self._passed_veh > np.where(too_long, PASSED_VEH, COVERED_VEH)) & confirmed
        stands = throughout & self._was_free
        stuck_on &= ~(stands & stands[self._lane_mate] & self._has_mate)
        stuck_on |= too_long & ~self._was_free & (self._moved_veh > MOVED_VEH)
        self._was_free |= ~throughout
        stands &= self.verdict != STUCK_ON
        told_of = ((volume > 0) | ~quiet & ~throughout | stands) & (self.verdict != FAULT) & ~chatters
        came_veh, known_upstream = self._balance.came_veh, self._balance.known_upstream
        mute = self._mute.check(elapsed_s, told_of, volume * told_of, quiet, came_veh, known_upstream)
        self._miscounts.check(elapsed_s, volume, uncounted, doubled)
        self.verdict = np.where(stuck_off, STUCK_OFF, np.where(mute, MUTE, OK))
        self.verdict[self._unproven(counted, stuck_off) & (self.verdict == OK)] = UNPROVEN
        self.verdict[self._miscounts.under] = UNDER
        self.verdict[self._miscounts.over] = OVER
        self.verdict[stuck_on] = STUCK_ON
        self.verdict[chatters] = CHATTER

    def _unproven(self, counted: Floats, stuck_off: Bools) -> Bools:
        """Loops [L] of lanes of which nobody has told since the beginning, where that proves nothing.

        Of a lane that is not used the same is true; but where loops are broken more may be than others can tell.
        """
        never = (counted[:2] == 0.0).all(axis=0) & (self._checked_s - self._began_s >= UNPROVEN_S)
        found: Bools = never & never[self._lane_mate]
        if some(found):
            found &= (np.bincount(self._row, stuck_off)[self._row] > 0) | (stuck_off.mean() >= COMMON_SHARE)
        return found
