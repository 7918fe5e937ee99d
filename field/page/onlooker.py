"""Stands between a site's loop and its witness: shows each tick on the board, brings operators' wishes to the loop."""

from __future__ import annotations

from field.clock import WallClock
from field.page.board import Board, Durations, Reading
from field.run import Job, Witness
from field.supervisor import Supervisor
from field.tally import Tally
from signals.errors import ConfigError
from signals.values import Record


class Onlooker:
    """Implements `field.run.Witness`."""

    def __init__(self, witness: Witness, board: Board) -> None:
        self._witness, self._board = witness, board
        self._durations = Durations()
        self._record: Record | None = None

    def say(self, line: str) -> None:
        """On the page, too."""
        self._board.say(line)
        self._witness.say(line)

    def begins(self, job: Job, clock: WallClock) -> None:
        """The ticks begin."""
        self._clock = clock
        self._witness.begins(job, clock)

    def ticked(self, record: Record | None, supervisor: Supervisor, tally: Tally) -> None:
        """Show it, then hear what is asked: it is done in the tick that follows."""
        clock, self._record = self._clock, record or self._record
        self._durations.follow(clock)
        self._board.latest = Reading(
            self._record,
            supervisor.vitals,
            clock.ticks,
            clock.late,
            tally.changes,
            dict(tally.refusals),
            self._durations.so_far,
        )
        for wish in self._board.wishes():
            self._hear(wish.what, wish.who, supervisor)
        self._witness.ticked(record, supervisor, tally)

    def ends(self) -> None:
        """No tick will follow."""
        self._board.ended = True
        self._witness.ends()

    def _hear(self, what: str, who: str, supervisor: Supervisor) -> None:
        self.say(f"{who} asks on the page: {what}")
        if what == "release":
            supervisor.release_now(who)
            return
        try:
            supervisor.acknowledge(who)
        except ConfigError as error:
            self.say(str(error))
