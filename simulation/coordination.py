"""Back into step: a junction that runs its own plan again finds the offset that it had before it was taken.

A coordinator in transition (Signal Timing Manual, 2nd ed., ch. 7): each green is lengthened or shortened by a part of
itself, whichever way is shorter, until the plan is where it would be had nobody interfered. No stage is left out, none
falls below its minimum green, and no junction is given back later for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signals.values import Bools
from simulation.sumo import Sumo

MOST_CHANGE = 0.25
"""Of a green: half a cycle, the most that can be missing, is then made good within two or three."""
IN_STEP_S = 0.5


@dataclass(frozen=True)
class FixedPlan:
    """A plan of fixed times: when a cycle begins, any one, and how long its rows last.

    least_s: the minimum green of each row that shows a stage; the other rows are nobody's to change.
    """

    begins_s: float
    times_s: tuple[float, ...]
    least_s: Mapping[int, float]

    def late_s(self, row: int, ends_s: float) -> float:
        """By how much a row that ends at this time is late, or early where negative: half a cycle at most."""
        cycle_s = sum(self.times_s)
        late_s = (ends_s - self.begins_s - sum(self.times_s[: row + 1])) % cycle_s
        return late_s - cycle_s if late_s > cycle_s / 2 else late_s

    def longer_s(self, row: int, late_s: float) -> float:
        """What a row is to be longer, or shorter where negative."""
        if row not in self.least_s:
            return 0.0
        most_s = MOST_CHANGE * self.times_s[row]
        can_spare_s = max(0.0, min(most_s, self.times_s[row] - self.least_s[row]))
        return max(-can_spare_s, min(most_s, -late_s))


class Coordination:
    """Of all junctions: where their own plans belong, and which are out of step. A plan that is not fixed never is.

    wished [J]: local control is wished for, so that the plan may be bent. Where the interlock forces it, lest somebody
    waits for ever, it is not.
    """

    def __init__(self, sumo: Sumo, names: Sequence[str], least_green_s: Sequence[Mapping[str, float]]) -> None:
        self._sumo, self._names, self._least_green_s = sumo, names, least_green_s
        self._plans: dict[tuple[int, str], FixedPlan | None] = {}
        self.out_of_step: dict[int, int] = {}
        """The row of its plan that each was last seen in, -1 before the first."""
        self.wished: Bools = np.zeros(len(names), bool)

    def leave(self, junction: int) -> None:
        """It is about to be taken off its own plan: remember where that is, unless it is out of step already."""
        name = self._names[junction]
        program = self._sumo.trafficlight.getProgram(name)
        if (junction, program) not in self._plans:
            self._plans[junction, program] = self._plan_that_runs(junction, name)
        self.out_of_step.pop(junction, None)

    def _plan_that_runs(self, junction: int, name: str) -> FixedPlan | None:
        times_s, least_green_s = self._sumo.fixed_times_s(name), self._least_green_s[junction]
        if not times_s:
            return None
        rows, signal = self._sumo.program_rows(name), self._sumo.trafficlight
        least_s = {row: least_green_s[state] for row, state in enumerate(rows) if state in least_green_s}
        begins_s = signal.getNextSwitch(name) - sum(times_s[: signal.getPhase(name) + 1])
        return FixedPlan(begins_s, tuple(times_s), least_s)

    def rejoin(self, junction: int) -> None:
        """It is on its own plan again, wherever in it; whether that is wished for is yet to be said."""
        self.out_of_step[junction] = -1
        self.wished = self.wished.copy()
        self.wished[junction] = False

    def correct(self, now_s: float) -> None:
        """Bend the greens that have just begun."""
        for junction in [row for row in self.out_of_step if self.wished[row]]:
            name, signal = self._names[junction], self._sumo.trafficlight
            plan, row = self._plans.get((junction, signal.getProgram(name))), signal.getPhase(name)
            if plan is None:
                del self.out_of_step[junction]
            elif row != self.out_of_step[junction]:
                self._bend(junction, plan, row, now_s)

    def _bend(self, junction: int, plan: FixedPlan, row: int, now_s: float) -> None:
        name, signal = self._names[junction], self._sumo.trafficlight
        ends_s = signal.getNextSwitch(name)
        late_s = plan.late_s(row, ends_s)
        if abs(late_s) < IN_STEP_S:
            del self.out_of_step[junction]
            return
        self.out_of_step[junction] = row
        longer_s = plan.longer_s(row, late_s)
        if longer_s:
            signal.setPhaseDuration(name, max(ends_s + longer_s, now_s) - now_s)
