"""From a wanted stage to the masks of phaseControlGroup, by level. No I/O; time is an argument.

At level hold the calls of the wanted phases and the omits of the others are placed first, then the holds of the others
are dropped and those phases forced off: a phase without a conflicting serviceable call would rest in green. The
cabinet serves its own minimum greens, walks and clearances, whatever is asked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from field.cabinet import Level
from field.ntcip import objects
from field.ntcip.objects import Object
from field.ntcip.probe import PhaseTable, members
from field.ntcip.stages import StagePhases
from field.ntcip.status import Raw
from field.site import PhaseLimit
from signals.errors import PlantError

MARGIN_S = 10.0
"""Beyond its minimum green, walk and clearances, in which a wanted stage has to come about."""
ORDER = (objects.VEH_CALL, objects.PHASE_OMIT, objects.HOLD, objects.FORCE_OFF)


IN_PASSING_SHARE = 0.8
"""Of the longest red: who has called for so long is served on the way from one stage to the next."""
WAITED_SHARE = 0.5
"""Of the longest red: who calls when the cabinet is first read has waited for so long, as nobody knows since when."""


@dataclass(frozen=True)
class Seen:
    """Phases green (crossings in walk), those whose pedestrians walk or clear, and the cabinet's calls."""

    time_s: float
    green: int
    walking: int
    calls: int

    @classmethod
    def of(cls, time_s: float, raw: Raw, green: int) -> Seen:
        """From one reading."""
        return cls(time_s, green, raw.walking(), raw.masks.get(objects.VEH_CALLS, 0))


class Masks:
    """Remembers since when who waits, is green, was forced off, and since when the wanted stage is wanted.

    limits: by the cabinet's phase.
    """

    def __init__(self, level: Level, phases: Mapping[int, PhaseTable], limits: Mapping[int, PhaseLimit]) -> None:
        self._level, self._phases, self._limits = level, phases, limits
        self._all = sum(1 << (n - 1) for n in phases)
        self._rings: dict[int, int] = {}
        for n, table in phases.items():
            self._rings[table.ring] = self._rings.get(table.ring, 0) | 1 << (n - 1)
        self._green_since: dict[int, float] = {}
        self._call_since: dict[int, float] = {}
        self._new = True
        self.clear()

    def clear(self) -> None:
        """Nothing of ours is in force. Who waits or is green has been so before us, by the cabinet's clock too."""
        self._forced = 0
        self._wanted, self._wanted_since_s, self._tries = 0, 0.0, 0

    def follow(self, seen: Seen) -> int:
        """Take a reading; which forced phases have left green."""
        for n in self._phases:
            bit = 1 << (n - 1)
            _since(self._green_since, n, bool(seen.green & bit), seen.time_s)
            waited_s = WAITED_SHARE * self._limits[n].max_red_s if self._new and n in self._limits else 0.0
            _since(self._call_since, n, bool(seen.calls & bit and not seen.green & bit), seen.time_s - waited_s)
        self._new = False
        ended = self._forced & ~seen.green
        self._forced &= seen.green
        return ended

    def want(self, stage: StagePhases, seen: Seen) -> dict[Object, int]:
        """What is to be in force. Raises `PlantError` where the stage did not come about, for the second time."""
        asked = stage.asked
        if asked != self._wanted:
            self._wanted, self._wanted_since_s, self._tries = asked, seen.time_s, 0
        moving = asked & ~seen.green or seen.green & self._all & ~stage.may
        calls = asked & ~seen.green
        if self._level == Level.CALLS:
            return {objects.VEH_CALL: calls}
        if not moving:
            self._wanted_since_s, self._tries = seen.time_s, 0
        elif seen.walking == 0 and self._insists(stage, seen):
            return {objects.FORCE_OFF: 0}
        if self._maxed_out(asked, seen):
            return {objects.VEH_CALL: calls, objects.PHASE_OMIT: 0, objects.HOLD: 0, objects.FORCE_OFF: 0}
        overdue = self._waiting(self._all & ~asked, seen, 1.0)
        if not moving and overdue:
            return self._serve_first(overdue, seen)
        self._forced &= ~asked
        self._forced |= seen.green & self._all & ~asked & ~seen.walking if moving else 0
        return {
            objects.VEH_CALL: calls,
            objects.PHASE_OMIT: self._omitted(asked, seen, bool(moving)),
            objects.HOLD: asked & seen.green,
            objects.FORCE_OFF: self._forced,
        }

    def _serve_first(self, overdue: int, seen: Seen) -> dict[Object, int]:
        """Whoever has waited for longest comes next, with other overdue ones beside him; what stands makes way.

        The cabinet would end the standing green by itself only at its maximum, and call a cycle fault before that.
        """
        first = 1 << (min(members(overdue), key=lambda n: self._call_since[n]) - 1)
        served = first | overdue & self._could_join(first)
        self._forced |= seen.green & self._all & ~served & ~seen.walking
        return {
            objects.VEH_CALL: served,
            objects.PHASE_OMIT: self._spare(self._all & ~served & ~self._could_join(served), served),
            objects.HOLD: 0,
            objects.FORCE_OFF: self._forced,
        }

    def _omitted(self, asked: int, seen: Seen, moving: bool) -> int:
        """On the way all others but who has waited for long; once there those that could join. Never a whole ring."""
        others = self._all & ~asked
        omitted = others if moving else others & self._could_join(asked)
        return self._spare(omitted & ~self._waiting(omitted, seen, IN_PASSING_SHARE), asked)

    def _spare(self, omitted: int, asked: int) -> int:
        """The same, but of a ring that would be omitted as a whole one phase less."""
        for ring in self._rings.values():
            if ring & ~omitted == 0:
                spared = (ring & ~self._could_join(asked)) or ring
                omitted &= ~(spared & -spared)
        return omitted

    def _could_join(self, asked: int) -> int:
        """Phases that the cabinet may serve beside all the asked ones."""
        wanted = set(members(asked))
        return sum(1 << (n - 1) for n, table in self._phases.items() if wanted <= table.concurrency)

    def _waiting(self, phases: int, seen: Seen, share: float) -> int:
        """Those of them that have called for longer than this share of their longest red."""
        return sum(
            1 << (n - 1)
            for n in members(phases)
            if seen.time_s - self._call_since.get(n, seen.time_s) > share * self._limits[n].max_red_s
        )

    def _maxed_out(self, asked: int, seen: Seen) -> bool:
        """A phase of the stage has had its longest green while another waits: the cabinet then goes on by itself."""
        waiting = bool(seen.calls & self._all & ~asked)
        return waiting and any(
            seen.time_s - self._green_since.get(n, seen.time_s) > self._limits[n].max_green_s
            for n in members(asked & seen.green)
        )

    def _insists(self, stage: StagePhases, seen: Seen) -> bool:
        """The effect is what verifies a force-off: it is asked again once, from a cleared bit, then that is a fault."""
        least_s = max(
            table.least_green_s + table.yellow_change_s + table.red_clear_s for table in self._phases.values()
        )
        if seen.time_s - self._wanted_since_s <= least_s + MARGIN_S:
            return False
        self._tries += 1
        if self._tries > 1:
            raise PlantError(
                f"stage {stage.name}: phases {members(stage.asked)} are not green {2 * (least_s + MARGIN_S):.0f} s "
                f"after they were asked for, must be within {least_s + MARGIN_S:.0f} s; green are {members(seen.green)}"
            )
        self._wanted_since_s, self._forced = seen.time_s, 0
        return True


def _since(times: dict[int, float], n: int, holds: bool, time_s: float) -> None:
    if holds:
        times.setdefault(n, time_s)
    else:
        times.pop(n, None)
