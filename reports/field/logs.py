"""The record logs of a site, read again with what was believed of the traffic at the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.history import History
from signals.layout import Layout
from signals.recording import Event, Header, LogReader, Tick
from signals.replay import logged_history
from signals.values import TrafficState

LONGEST_STEP_S = 5.0
"""Two ticks further apart than this are two watches, and the time between was not watched."""


@dataclass
class Moment:
    """One tick with the belief of its time. step_s: to the tick before, 0 where the watch begins or was broken."""

    tick: Tick
    traffic: TrafficState
    step_s: float


@dataclass
class SiteLog:
    """The files of one site, in order of their beginning. `events` and `broken` fill as `moments` goes on."""

    files: Sequence[Path]
    header: Header = field(init=False)
    layout: Layout = field(init=False)
    estimator: FlowEstimator = field(init=False)
    events: list[Event] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = LogReader(self.files[0])
        self.header, self.layout = first.header, first.layout
        self.estimator = FlowEstimator(self.layout, self._history())

    def _history(self) -> History | None:
        with suppress(ConfigError):
            return logged_history(self.header, self.layout)
        return None

    def moments(self) -> Iterator[Moment]:
        """Every tick. A file of another junction raises `ConfigError`; one that is damaged is read up to there."""
        before_s = float("-inf")
        for file in self.files:
            reader = LogReader(file)
            self._check(reader)
            try:
                for row in reader:
                    if isinstance(row, Event):
                        if not self.events or self.events[-1] != row:
                            self.events.append(row)
                        continue
                    step_s = row.snapshot.time_s - before_s
                    before_s = row.snapshot.time_s
                    traffic = self.estimator.update(row.snapshot)
                    yield Moment(row, traffic, step_s if 0 < step_s <= LONGEST_STEP_S else 0.0)
            except ConfigError as error:
                self.broken.append(str(error))

    def _check(self, reader: LogReader) -> None:
        if reader.header.intersections != self.header.intersections:
            names = ", ".join(i.id for i in reader.header.intersections)
            raise ConfigError(f"{reader.path}: is of {names}, timed or measured otherwise than {self.files[0]}")


def site_log(path: Path) -> SiteLog:
    """A record log, a folder of them, or a site's log folder. Raises `ConfigError` where there is none."""
    files = [path] if path.is_file() else sorted((path / "records").glob("*.jsonl")) or sorted(path.glob("*.jsonl"))
    if not files:
        raise ConfigError(f"{path}: has no record log, must be one, or a folder with *.jsonl or records/*.jsonl")
    return SiteLog(files)
