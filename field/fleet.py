"""`control.py run FOLDER`: many sites in one process, a thread each, so that what ails one is no business of another's.

Each has its own cabinet's lock, logs, lockout and clock, as if it ran alone. One that ends by an error begins anew, in
shadow, as systemd would have it; one that hangs is told of, and its cabinet's own timer takes it back. Decision 0018.
"""

from __future__ import annotations

import threading
import time
import tomllib
import traceback
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from field.cabinets import connect
from field.clock import WallClock
from field.fleet_view import FleetView, Standing
from field.page.pages import Pages
from field.run import Job, OpenCabinet, Run, drive, prepare, run_site, say
from field.stop import Halt, StopRequest
from field.supervisor import Supervisor
from field.tally import Tally
from field.watchdog import Watchdog
from signals.errors import ConfigError, PlantError
from signals.values import Record

AGAIN_S = 5.0
"""RestartSec of the unit in docs/."""
HANGS_S = 10.0
"""WatchdogSec of the unit in docs/."""
LEAVE_S = 4.0
"""Within systemd's TimeoutStopSec; a release takes 2 s at most."""
LOOK_S = 1.0


def run_sites(run: Run, console: Console, open_cabinet: OpenCabinet = connect) -> int:
    """One site, or all that are in a folder; the exit status."""
    if not run.site.is_dir():
        return run_site(run, console, open_cabinet)
    if run.feed:
        raise ConfigError(f"feed = {run.feed}, must not be given with a folder: each site names its own")
    files, others = sites_in(run.site)
    if others:
        say(console, f"no sites, as they have no [cabinet]: {', '.join(file.name for file in others)}")
    return Fleet(run, files, console, open_cabinet).run()


def sites_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Its site files, and the TOML files beside them that are none. Raises `ConfigError` where there is no site."""
    files = sorted(folder.glob("*.toml"))
    others = [file for file in files if not _is_site(file)]
    if len(others) == len(files):
        raise ConfigError(f"{folder}: has no site, must have at least one .toml with [cabinet]")
    return [file for file in files if file not in others], others


def _is_site(file: Path) -> bool:
    """A file that cannot be read is one, so that somebody is told of it."""
    try:
        return "cabinet" in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return True


class Row:
    """One site of the fleet: told by its own thread, read by the one that shows it. clock: once it has ticked."""

    clock: WallClock

    def __init__(self, file: Path, console: Console) -> None:
        self.file, self.name = file, file.stem
        self.failed = ""
        """By what it ended the last time; empty once it ticks again."""
        self.ticked_s: float | None = None
        """When its last tick was over, by the steady clock; None while there are none to wait for."""
        self.standing = Standing(self.name)
        self._console = console

    def say(self, line: str) -> None:
        """With its time and whose it is."""
        say(self._console, f"{self.name}: {line}")

    def begins(self, job: Job, clock: WallClock) -> None:
        """Its cabinet has answered."""
        self.clock, self._job, self.ticked_s = clock, job, time.monotonic()

    def ticked(self, record: Record | None, supervisor: Supervisor, tally: Tally) -> None:
        """Note how it stands."""
        self.failed, self.ticked_s = "", time.monotonic()
        self.standing = Standing.of(self._job, self.clock, record, supervisor, tally)

    def ends(self) -> None:
        """It gives its cabinet back."""
        self.ticked_s = None

    def fails(self, error: Exception) -> None:
        """Said once, however often it is tried; an error that nobody foresaw with its trace."""
        expected = isinstance(error, (ConfigError, PlantError))
        words = " ".join((str(error) if expected else f"{type(error).__name__}: {error}").split())
        if words != self.failed:
            self.say(f"error: {words}; begun anew every {AGAIN_S:g} s")
            for line in [] if expected else traceback.format_exc().splitlines():
                self.say(line)
        self.failed = words
        self.standing = Standing(self.name, state="error")

    @property
    def hangs(self) -> bool:
        """Whether its loop should have said something by now."""
        last_s = self.ticked_s
        return last_s is not None and time.monotonic() - last_s > HANGS_S

    @property
    def alarm(self) -> str:
        """What somebody should look at; empty if nothing."""
        return f"no tick for {HANGS_S:g} s and more" if self.hangs else self.failed or self.standing.alarm


class Fleet:
    """The sites of a folder, until they are stopped or their time is over."""

    def __init__(self, run: Run, files: Iterable[Path], console: Console, open_cabinet: OpenCabinet = connect) -> None:
        self._run, self._console, self._open = run, console, open_cabinet
        self.rows = [Row(file, console) for file in files]
        self._halt, self._preparing = Halt(), threading.Lock()
        self._pages = Pages(lambda line: say(console, line))
        self._folders: dict[Path, Path] = {}
        """Whose log folder each is."""
        self._threads = [
            threading.Thread(target=self._keep, args=(row,), name=row.name, daemon=True) for row in self.rows
        ]

    def run(self) -> int:
        """All of them; the exit status is 1 where one has ended by an error."""
        watchdog = Watchdog()
        with StopRequest() as stop, FleetView(self._console, self._run.site.name) as view, self._pages:
            for thread in self._threads:
                thread.start()
            watchdog.tell("READY=1")
            while not stop.asked and not self._halt.asked and self._busy:
                stop.wait(LOOK_S)
                if self.lives:
                    watchdog.tell("WATCHDOG=1", f"STATUS={view.words(self._standings())}")
                view.show(self._standings())
            watchdog.tell("STOPPING=1")
            self._leave(stop.words or self._halt.words or "end of the run")
        watchdog.close()
        return stop.exit_status or int(any(row.failed for row in self.rows))

    @property
    def lives(self) -> bool:
        """Whether the watchdog is fed: some loop runs, or none has begun."""
        ticking = [row for row in self.rows if row.ticked_s is not None]
        return not ticking or not all(row.hangs for row in ticking)

    def stop(self, why: str) -> None:
        """From another thread, as a signal would."""
        self._halt.ask(why)

    @property
    def _busy(self) -> bool:
        """Whether some site has time left; one that fails is not waited for when the others' is over."""
        ends = self._run.seconds is not None
        alive = [row for row, thread in zip(self.rows, self._threads, strict=True) if thread.is_alive()]
        return any(not (ends and row.failed) for row in alive)

    def _standings(self) -> list[Standing]:
        return [row.standing.with_alarm(row.alarm) for row in self.rows]

    def _leave(self, why: str) -> None:
        """All release at once. Who does not come back is left to his cabinet's timer."""
        self._halt.ask(why)
        until_s = time.monotonic() + LEAVE_S
        for row, thread in zip(self.rows, self._threads, strict=True):
            thread.join(max(0.0, until_s - time.monotonic()))
            if thread.is_alive():
                row.say("does not stop: its cabinet takes itself back after its backup time")

    def _keep(self, row: Row) -> None:
        """One site, again and again, until somebody stops it or its time is over."""
        while not self._halt.asked:
            try:
                job = self._prepare(row)
                for line in drive(job, self._halt, self._pages.beside(row, job), self._open):
                    row.say(line)
                return
            except Exception as error:  # noqa: BLE001 - the top of this thread: no other site may feel it
                row.fails(error)
            self._halt.wait(AGAIN_S)

    def _prepare(self, row: Row) -> Job:
        """One at a time, since a scenario's network is built in a cache. Raises `ConfigError`."""
        with self._preparing:
            job = prepare(Run(row.file, self._run.speed, self._run.seconds))
            folder = job.site.logging.folder.resolve()
            owner = self._folders.setdefault(folder, row.file)
        if owner != row.file:
            raise ConfigError(f"{row.file}: logging.folder = {folder}, must be its own: {owner.name} has it")
        row.name = job.site.name
        return job
