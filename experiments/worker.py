"""A worker process: takes one case after the other from its parent, and leaves with it.

`main`, with the arguments MODULE:FUNCTION FD, answers each case sent over the socket FD with `Done` or `Failed`.
What it and SUMO print goes to one log; the parent holds standard input open, so its end tells that the parent is gone.
"""

import importlib
import os
import select
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from experiments.case import Case
from signals.errors import ConfigError, PlantError

READY = "ready"  # said once, when all that a case needs is imported
NO_MORE_CASES = 3
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
    """Fork for each case a child that has imported all but run nothing, and do nothing else.

    Orders inside SUMO follow addresses in memory, so a run is the same only in a process whose memory is: the second
    run of a process is another run, and so is one in a process that has worked on anything before.
    """
    parent.send(READY)
    while True:
        select.select([parent], [], [])
        child = os.fork()
        if child == 0:
            serve_one(run, parent)
        status = os.waitpid(child, 0)[1]
        if status != 0:
            leave_like(status)


def serve_one(run: RunCase, parent: Connection) -> NoReturn:
    threading.Thread(target=leave_with_parent, daemon=True).start()
    try:
        case, work = parent.recv()
    except EOFError:
        leave(NO_MORE_CASES)
    parent.send(answer(run, case, work))
    leave(0)


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
