"""An interlock that a test shows what it likes, and asks what it likes."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from signals.intersection import Intersection
from signals.layout import layout
from signals.values import TRANSITION, Decision, Mode, Snapshot
from tests.signals.fakes import aspects, crossing

NONE = TRANSITION
A, B, C, D = range(4)
HOLD, GO, RELEASE = Mode.HOLD, Mode.GO, Mode.RELEASE
GRANTED = "granted"
MINIMUM_GREEN = "minimum green"
AWAITED = "what was granted is awaited"
CLOCK = "the clock is not steady"
LOST = "the read-back is lost"
UNREAD = "released: the read-back is lost for too long"
STARVED = "released: a head has waited for the maximum red"
TOGETHER = "tripped: prohibited heads green together"
WAY = "tripped: right of way that the stage does not give"
YELLOW = "tripped: short yellow change"
CLEARANCE = "tripped: short clearance of a foe"


class Shown(NamedTuple):
    """One junction as it is read: letters of its heads, the stage that stands, and who controls it."""

    letters: str
    stage: int
    local: bool = False


class Street:
    """Shows an interlock what a test says, and asks it."""

    def __init__(self, safety: ModuleType, *intersections: Intersection, **settings: Any) -> None:
        self.layout = layout(intersections or (crossing(),))
        self.interlock = safety.Interlock(self.layout, **settings)
        self.occupied: set[str] = set()
        self.unhealthy: set[str] = set()
        self.calls: set[tuple[int, int]] = set()

    def snapshot(self, time_s: float, *shown: Shown) -> Snapshot:
        junctions, width = self.layout.has_head.shape
        heads = np.zeros((junctions, width), np.int8)
        for row, one in enumerate(shown):
            heads[row, : len(one.letters)] = aspects(one.letters)
        loops = [name for _, name in self.layout.loops]
        return Snapshot(
            time_s=time_s,
            volume_veh=np.zeros(len(loops)),
            occupancy=np.zeros(len(loops)),
            presence=np.array([name in self.occupied for name in loops]),
            healthy=np.array([name not in self.unhealthy for name in loops]),
            stage=np.array([one.stage for one in shown]),
            aspects=heads,
            local=np.array([one.local for one in shown]),
            calls=np.array([[(j, p) in self.calls for p in range(width)] for j in range(junctions)]),
        )

    def permit(self, snapshot: Snapshot, mode: Sequence[int], stage: Sequence[int]) -> Any:
        modes, stages, none = np.array(mode, np.int8), np.array(stage), np.zeros(len(stage))
        return self.interlock.permit(snapshot, Decision(snapshot.time_s, modes, stages, none.astype(int), none, ("",)))

    def ask(
        self, time_s: float, letters: str, standing: int, stage: int = NONE, mode: int = GO, local: bool = False
    ) -> str:
        """Show and ask one junction; what is said to it, which must agree with what it is told to do."""
        command = self.permit(self.snapshot(time_s, Shown(letters, standing, local)), [mode], [stage])
        said = str(command.reason(0))
        told = RELEASE if said.startswith(("tripped", "released")) else mode if said == GRANTED else HOLD
        assert command.mode[0] == told
        assert command.stage[0] == (stage if told == GO else TRANSITION)
        assert command.granted(0) == (said == GRANTED)
        return said

    def watch(self, times_s: Sequence[float], letters: str, standing: int, local: bool = False) -> None:
        """Show one junction at some times, and ask for nothing."""
        for time_s in times_s:
            self.ask(time_s, letters, standing, mode=HOLD, local=local)
