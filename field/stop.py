"""Ctrl-C and SIGTERM as a value that is looked at between two ticks, so that no tick and no log line is torn."""

from __future__ import annotations

import os
import select
import signal
import threading
from types import FrameType
from typing import Any, Protocol, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHELL_OFFSET = 128
"""A shell's exit status for a signal is this and the signal's number."""


class Stop(Protocol):
    """Whether to stop, looked at between two ticks."""

    @property
    def asked(self) -> bool:
        """Whether somebody wants us to."""

    @property
    def words(self) -> str:
        """Who does; empty if nobody."""

    def wait(self, seconds: float) -> None:
        """Sleep, or until it is asked."""


class Halt:
    """The same for any number of threads, asked by one of them."""

    def __init__(self) -> None:
        self.words = ""
        self._event = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether somebody wants us to stop."""
        return self._event.is_set()

    def ask(self, words: str) -> None:
        """All stop after the tick that they are in."""
        self.words = words
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Sleep, or until it is asked."""
        self._event.wait(seconds)


class StopRequest:
    """While entered, the first signal is noted and ends a `wait`; a second one does what it always does."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._reading, self._writing = -1, -1

    @property
    def asked(self) -> bool:
        """Whether somebody wants us to stop."""
        return self.signal is not None

    @property
    def words(self) -> str:
        """Who does; empty if nobody."""
        if self.signal is None:
            return ""
        return "Ctrl-C" if self.signal == signal.SIGINT else self.signal.name

    @property
    def exit_status(self) -> int:
        """What a shell expects: 0 if nobody asked, 130 for Ctrl-C, 143 for SIGTERM."""
        return SHELL_OFFSET + self.signal if self.signal is not None else 0

    def wait(self, seconds: float) -> None:
        """Sleep, or until the first signal."""
        if select.select([self._reading], [], [], seconds)[0]:
            os.read(self._reading, 1)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self._restore()
        os.write(self._writing, b"!")

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def __enter__(self) -> Self:
        self._reading, self._writing = os.pipe()
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()
        os.close(self._reading)
        os.close(self._writing)
