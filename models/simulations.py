"""Simulations to practise in, a process each: libsumo holds one a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.worker import Seen, Task
from signals.errors import PlantError

ROOT = Path(__file__).resolve().parent.parent
WORK = "from models.worker import main; main()"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Simulation(Protocol):
    """One simulation, asked and heard in turn."""

    def send(self, message: NDArray[np.int64] | None) -> None:
        """Begin an episode with None, or decide [J]."""

    def receive(self) -> Seen:
        """What all its junctions see then. Raises `ConfigError` and `PlantError`."""

    def close(self) -> None:
        """End it."""


class LocalSimulation:
    """In a process of this machine. It is in a session of its own, so that Ctrl-C reaches only us."""

    def __init__(self, task: Task) -> None:
        self._line, theirs = Pipe()
        search = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", WORK, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": search},
            )
        self.send(task)

    def send(self, message: object) -> None:
        """Raises `PlantError` where the process has gone."""
        try:
            self._line.send(message)
        except OSError as error:
            raise self._gone() from error

    def receive(self) -> Seen:
        """Its answer; the error that it ended with is raised here."""
        try:
            answer = self._line.recv()
        except (EOFError, OSError) as error:
            raise self._gone() from error
        if isinstance(answer, Exception):
            raise answer
        seen: Seen = answer
        return seen

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def _gone(self) -> PlantError:
        status = self._process.wait()
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
        return PlantError(f"simulation: its process {how}")

    def close(self) -> None:
        """It ends with its line."""
        self._line.close()
        self._process.wait()
