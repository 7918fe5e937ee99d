"""A worker process: takes one case after the other from its parent, and leaves with it.

`main`, with the arguments MODULE:FUNCTION FD, answers each case sent over the socket FD with `Done` or `Failed`.
What it and SUMO print goes to one log; the parent holds standard input open, so its end tells that the parent is gone.
"""

import importlib
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from experiments.case import Case
from signals.errors import ConfigError, PlantError

READY = "ready"  # said once, when all that a case needs is imported
RunCase = Callable[[Case, Path], dict[str, Any]]


@dataclass(frozen=True)
class Done:
    """A case's row of measures."""

    row: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """Why a case has no row, in one line."""

    message: str


def named_function(dotted: str) -> RunCase:
    """The function that "module:function" names."""
    module, _, function = dotted.partition(":")
    found: RunCase = getattr(importlib.import_module(module), function)
    return found


def answer(run: RunCase, case: Case, work: Path) -> Done | Failed:
    """Run one case; whatever it raises becomes a line, and its traceback goes to the log."""
    work.mkdir()
    try:
        return Done({name: plain(value) for name, value in run(case, work).items()})
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one crashed case must not end the others
        traceback.print_exc()
        expected = isinstance(error, ConfigError | PlantError)
        return Failed(str(error) if expected else f"{type(error).__name__}: {error}")


def plain(value: Any) -> Any:
    """A numpy scalar as Python's own, so that every row is written alike."""
    return value.item() if hasattr(value, "item") else value


def serve(run: RunCase, parent: Connection) -> None:
    parent.send(READY)
    while True:
        try:
            case, work = parent.recv()
        except EOFError:
            return
        parent.send(in_own_process(run, case, work))


def in_own_process(run: RunCase, case: Case, work: Path) -> Done | Failed:
    """The answer of a child that has imported all but run nothing: SUMO's second run in a process is another run."""
    hears, tells = Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        threading.Thread(target=leave_with_parent, daemon=True).start()
        tells.send(answer(run, case, work))
        leave(0)
    tells.close()
    try:
        said: Done | Failed = hears.recv()
    except EOFError:
        leave_like(os.waitpid(child, 0)[1])
    os.waitpid(child, 0)
    return said


def leave_like(status: int) -> NoReturn:
    """End as the child ended, so that whoever watches this process sees why."""
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    leave(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


def leave(status: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def leave_with_parent() -> None:
    """A parent that was killed cannot stop us, and a gridlocked case may go on for long."""
    os.read(0, 1)  # not through sys.stdin, whose lock would then break an orderly end
    os._exit(1)


def main() -> None:
    run, socket = sys.argv[1:]
    serve(named_function(run), Connection(int(socket)))
