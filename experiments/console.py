"""What the analyst's terminal shows beside tables: progress, failures, and errors in one line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from typer.core import TyperCommand, TyperGroup

from experiments.case import Case
from signals.errors import ConfigError, PlantError

WIDTH_IN_FILE = 150  # columns where the output is no terminal, so that no table is folded
INTERRUPTED, BAD_INPUT, CASES_FAILED = 130, 2, 1

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def output() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_IN_FILE)


def complain(message: str) -> None:
    """One red line on standard error, taken as it is."""
    errors.print(message, style="red", markup=False)


def in_one_line(run: Callable[[], Any]) -> Any:
    """Expected errors are a line and an exit status, never a traceback."""
    try:
        return run()
    except (ConfigError, PlantError) as error:
        complain(f"error: {error}")
        raise typer.Exit(BAD_INPUT) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error


class OneLineErrors(TyperGroup):
    """Several commands, each `in_one_line`."""

    def invoke(self, ctx: Any) -> Any:
        return in_one_line(lambda: super(OneLineErrors, self).invoke(ctx))


class OneLineCommand(TyperCommand):
    """The one command of a program, `in_one_line`."""

    def invoke(self, ctx: Any) -> Any:
        return in_one_line(lambda: super(OneLineCommand, self).invoke(ctx))


@dataclass(frozen=True)
class Failure:
    """A case without a row, why, and the file with what its process printed."""

    case: Case
    message: str
    log: Path


def bar(disable: bool = False, speed_over_s: float = 600.0) -> Progress:
    """How far, for how long already, and how long still at the speed of the last `speed_over_s`."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=errors,
        speed_estimate_period=speed_over_s,
        disable=disable,
    )


class CaseProgress:
    """Cases done and time left; when stopped, how to go on."""

    def __init__(self, out: Path, asked: int, works: list[float]) -> None:
        self._out, self._asked, self._done = out, asked, asked - len(works)
        if self._done:
            errors.print(f"{self._done} of {asked} cases are finished in {out} already", markup=False)
        self._progress = bar(disable=not works)
        self._task = self._progress.add_task(self._words(0), total=sum(works))

    def _words(self, failed: int) -> str:
        return f"cases {self._done}/{self._asked}" + (f", [red]{failed} failed[/]" if failed else "")

    def advance(self, work: float, failed: int) -> None:
        self._done += 1
        self._progress.update(self._task, advance=work, description=self._words(failed))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._progress.stop()
        if kind is KeyboardInterrupt:
            kept = f"{self._done} of {self._asked} cases are kept in {self._out}"
            complain(f"stopped: {kept}; the same command goes on from there")


class SearchProgress:
    """A search's work done and left, and the best so far; when stopped, how to go on."""

    def __init__(self, folder: Path, work: float) -> None:
        self._folder = folder
        self._progress = bar()
        self._task = self._progress.add_task("baseline", total=work)

    def advance(self, work: float) -> None:
        self._progress.update(self._task, advance=work)

    def skip(self, work: float) -> None:
        """What need not be done after all."""
        total = self._progress.tasks[0].total or 0.0
        self._progress.update(self._task, total=total - work)

    def tell(self, words: str) -> None:
        """Beside the bar; in a file, where there is none, a line of its own."""
        self._progress.update(self._task, description=words)
        if not errors.is_terminal:
            self.say(words)

    def say(self, words: str) -> None:
        """A line that stays."""
        errors.print(words, markup=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._progress.stop()
        if kind is KeyboardInterrupt:
            complain(f"stopped: what is finished is kept in {self._folder}; the same command goes on from there")


def list_warnings(lines: Sequence[str]) -> None:
    """Each in a line of its own on standard error, before anything is run."""
    for line in lines:
        errors.print(f"warning: {line}", style="yellow", markup=False)


def list_failures(failures: Sequence[Failure]) -> None:
    """Each reason once, with the cases that it ended and where to read on."""
    for message in dict.fromkeys(failure.message for failure in failures):
        complain(f"failed: {message}")
        for failure in (failure for failure in failures if failure.message == message):
            case = failure.case
            faults = f", faults {case.faults}" if case.faults else ""
            place = f"{case.scenario} {case.controller}, demand {case.demand:g}{faults}, draw {case.draw}"
            errors.print(f"  {place} (log: {failure.log})", markup=False)
    complain(f"{len(failures)} failed; the same command tries them again")
