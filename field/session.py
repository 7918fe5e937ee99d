"""The loop on the wall clock, recorded and shown, until it gives the street back."""

from __future__ import annotations

from collections.abc import Callable

from field.clock import WallClock
from field.history_file import HistoryFile
from field.tally import Tally
from field.view import Shows
from signals.controllers.releasing import Releasing
from signals.errors import PlantError
from signals.flow import FlowEstimator
from signals.layout import Layout
from signals.loop import Controller, Loop, Plant
from signals.recording import Event, LogWriter
from signals.safety import Interlock
from signals.values import Record

RELEASE_WITHIN_S = 120.0
"""Street time in which every junction must be back on its own plan: a longest interstage and minimum green, twice."""


class Session:
    """One run of one loop. Ends itself in `give_back`; whatever else ends it leaves the commands to expire."""

    def __init__(
        self,
        layout: Layout,
        plant: Plant,
        controller: Controller,
        clock: WallClock,
        log: LogWriter,
        view: Shows,
        kept: HistoryFile | None = None,
    ):
        self._controller = Releasing(layout, controller)
        estimator = FlowEstimator(layout, kept.history if kept else None)
        self._loop = Loop(plant, estimator, self._controller, Interlock(layout))
        self._kept = kept
        self._clock, self._log, self._view = clock, log, view
        self._now_s = 0.0
        self.tally = Tally()

    def run(self, over: Callable[[float], bool]) -> None:
        """Tick until the street's time is over."""
        for now_s in self._clock:
            self._tick("active")
            if over(now_s):
                return

    def give_back(self, why: str) -> float:
        """Tick until every junction follows its own plan; how many seconds of the street it took."""
        since_s = self._now_s
        self._controller.let_go()
        self._log.note(Event(event="release", time_s=since_s, why=why))
        for now_s in self._clock:
            record = self._tick("releasing")
            if record.snapshot.local.all():
                self._view.show(record, "released", self.tally, last=True)
                return now_s - since_s
            if now_s - since_s > RELEASE_WITHIN_S:
                break
        raise PlantError(f"release: not every junction is on its own plan after {RELEASE_WITHIN_S:g} s")

    def _tick(self, mode: str) -> Record:
        record = self._loop.tick()
        self._now_s = record.snapshot.time_s
        self._log.append(record)
        self.tally.update(record)
        self._view.show(record, mode, self.tally)
        if self._kept:
            self._kept.keep(self._now_s)
        return record
