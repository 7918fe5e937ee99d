"""What the operator of many junctions watches: a row each in a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from field.clock import WallClock
from field.run import Job
from field.states import State
from field.supervisor import Supervisor
from field.tally import Tally
from signals.values import TRANSITION, Record

LINE_EVERY_S = 5.0
ALARMS_IN_A_LINE = 3
HEADER_LINES = 3
STYLE_OF = {"error": "red", State.LOCKOUT: "red", State.FALLBACK: "yellow", State.DEGRADED: "yellow"}


@dataclass(frozen=True)
class Standing:
    """How one site stands at one moment. stage: as it is read back; alarm: empty if nothing needs a look."""

    name: str
    state: str = "boot"
    why: str = ""
    stage: str = ""
    ticks: int = 0
    late: int = 0
    lateness_p99_s: float = 0.0
    done_p99_s: float = 0.0
    changes: int = 0
    refused: int = 0
    alarm: str = ""

    @staticmethod
    def of(job: Job, clock: WallClock, record: Record | None, supervisor: Supervisor, tally: Tally) -> Standing:
        """After a tick."""
        shown = int(record.snapshot.stage[0]) if record else TRANSITION
        return Standing(
            name=job.site.name,
            state=str(supervisor.state),
            why=supervisor.words.partition(": ")[2],
            stage=job.place.intersections[0].stages[shown].name if shown != TRANSITION else "–",
            ticks=clock.ticks,
            late=clock.late,
            lateness_p99_s=clock.lateness_p99_s,
            done_p99_s=clock.done_p99_s,
            changes=tally.changes,
            refused=tally.refusals.total(),
            alarm="; ".join(supervisor.alarms),
        )

    def with_alarm(self, alarm: str) -> Standing:
        """The same, with what else needs a look."""
        return replace(self, alarm=alarm)


class FleetView:
    """Draws all standings, no more often than they can be read."""

    def __init__(self, console: Console, name: str) -> None:
        self._console, self._name, self._held = console, name, ExitStack()
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop") if terminal(console) else None
        self._shown_s = float("-inf")

    def words(self, standings: Sequence[Standing]) -> str:
        """All of them in a line."""
        states = Counter(s.state for s in standings)
        ticks, late = sum(s.ticks for s in standings), sum(s.late for s in standings)
        alarmed = [f"{s.name}: {s.alarm}" for s in standings if s.alarm]
        more = [f"and {len(alarmed) - ALARMS_IN_A_LINE} more"] if len(alarmed) > ALARMS_IN_A_LINE else []
        said = ", ".join(f"{n} {state}" for state, n in states.most_common())
        return "; ".join([said, f"late {late} of {ticks}", *alarmed[:ALARMS_IN_A_LINE], *more])

    def show(self, standings: Sequence[Standing]) -> None:
        """The table, or a line where there is no terminal."""
        if self._live:
            self._live.update(table(self._name, standings, self._console.size.height - HEADER_LINES), refresh=True)
        elif time.monotonic() - self._shown_s >= LINE_EVERY_S:
            self._shown_s = time.monotonic()
            self._console.print(f"{len(standings)} sites: {self.words(standings)}", markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        if self._live:
            self._held.enter_context(self._live)
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()


def terminal(console: Console) -> bool:
    """Whether it can show a picture."""
    return console.is_terminal and not console.is_dumb_terminal


def table(name: str, standings: Sequence[Standing], most: int) -> Table:
    """A row each; where there is no room for all, those with an alarm come first and the rest is counted."""
    fitting = list(standings)
    if len(fitting) > most:
        fitting = sorted(standings, key=lambda s: not s.alarm)[: max(1, most - 1)]
    left = len(standings) - len(fitting)
    drawn = Table(title=f"{name}: {len(standings)} sites", box=None, pad_edge=False, title_justify="left", expand=True)
    for heading in ("junction", "state", "stage"):
        drawn.add_column(heading, no_wrap=True)
    for heading in ("changes", "refused", "late", "by p99 ms", "done p99 ms"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    drawn.add_column("alarm, or why", no_wrap=True, overflow="ellipsis", ratio=1)
    for s in fitting:
        drawn.add_row(
            s.name,
            Text(s.state, style=STYLE_OF.get(s.state, "")),
            s.stage,
            str(s.changes),
            str(s.refused),
            str(s.late),
            f"{s.lateness_p99_s * 1000:.0f}",
            f"{s.done_p99_s * 1000:.0f}",
            Text(s.alarm or s.why, style="red" if s.alarm else "bright_black"),
        )
    if left:
        drawn.add_row(f"and {left} more")
    return drawn
