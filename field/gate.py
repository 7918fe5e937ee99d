"""What stands between the loop and a cabinet: feeds in place of its own loops, and a gate that commands go through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from field.cabinet import Cabinet
from signals.layout import Layout
from signals.values import Command, Snapshot


class DetectorFeed(Protocol):
    """Readings that come another way than through the cabinet."""

    def fill(self, snapshot: Snapshot) -> Snapshot:
        """The same with this feed's loops in it, as seen since the last call; a stale one has no healthy loop."""

    def words(self) -> str:
        """How it fares, in a line."""

    def close(self) -> None:
        """Let it go."""


class Gate:
    """A plant of one cabinet. While it is shut nothing is applied, whatever the cabinet itself would do with it."""

    def __init__(self, cabinet: Cabinet, feeds: Sequence[DetectorFeed] = ()) -> None:
        self.layout: Layout = cabinet.layout
        self.open = False
        self._cabinet, self._feeds = cabinet, feeds

    def read(self) -> Snapshot:
        """The cabinet's reading, with the feeds' loops."""
        snapshot = self._cabinet.read()
        for feed in self._feeds:
            snapshot = feed.fill(snapshot)
        return snapshot

    def apply(self, command: Command) -> None:
        """Pass it on, or not."""
        if self.open:
            self._cabinet.apply(command)
