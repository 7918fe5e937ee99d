"""Runs cases in worker processes: one libsumo each, many cases one after the other, the longest first.

Here, or on the machines of a Ray cluster (`experiments/ray_engine.py`): whoever runs cases takes either.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self

from experiments.worker import READY, Done, Failed
from signals.errors import ConfigError, PlantError

RUN_CASE = "experiments.case:run_case"
LOCAL, RAY = "local", "ray"
ROOT = Path(__file__).resolve().parent.parent
WORK = "from experiments.worker import main; main()"
STOPS = (signal.SIGINT, signal.SIGTERM)
LOOK_FOR_STOP_S = 0.2
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # the cases are what runs at once
SUMO_ERROR = re.compile(r"^(?:Fatal )?Error: *(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A case (or what else a function takes), how long it takes beside others, how many cores it keeps busy."""

    case: Any
    work: float = 1.0
    cores: int = 1


@dataclass(frozen=True)
class Outcome:
    """How a case ended, and what its process printed meanwhile."""

    job: Job
    result: Done | Failed
    log: str


def core_count() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Keep = Callable[[Outcome], None]


class Crew(Protocol):
    """Whoever may be given jobs, more than once; what they hold ends with the `with`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def work(self, jobs: Sequence[Job], keep: Keep) -> None:
        """As `run_jobs`."""

    def check(self) -> None:
        """Heed a Ctrl-C that came while no job was waited for."""


class Engine(Protocol):
    """What runs cases elsewhere than in processes of this machine."""

    def connect(self) -> None:
        """Once for this process; whoever needs it does so too. Raises `ConfigError` where nobody answers."""

    def at_once(self) -> int:
        """How many cases of one core."""

    def crew(self, run: str) -> Crew:
        """Whoever does what "module:function" names, a case each."""


def engine_of(name: str, address: str, workers: int | None) -> int | Engine:
    """As typed; without `workers` every core is used. Raises `ConfigError`."""
    return cluster_of(name, address, workers) or (core_count() if workers is None else workers)


def cluster_of(name: str, address: str, workers: int | None = None) -> Engine | None:
    """As typed; None where that is this machine. Raises `ConfigError`."""
    if workers is not None:
        check_engine(workers)
    if name not in (LOCAL, RAY):
        raise ConfigError(f"engine {name}: unknown, must be {LOCAL} or {RAY}")
    if name == RAY:
        return _ray_engine(address, workers)
    if address:
        raise ConfigError(f"address = {address}: of no use to engine {LOCAL}, must be with --engine {RAY}")
    return None


def _ray_engine(address: str, workers: int | None) -> Engine:
    try:
        from experiments.ray_engine import RayEngine
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise ConfigError("engine ray: Ray is not installed, must be: `make install-cluster`") from error
    return RayEngine(address, workers)


def check_engine(engine: int | Engine) -> None:
    """Raise `ConfigError` for a number of processes below 1."""
    if isinstance(engine, int) and engine < 1:
        raise ConfigError(f"workers = {engine}, must be at least 1")


def crew_of(engine: int | Engine, run: str = RUN_CASE) -> Crew:
    """So many worker processes of this machine, or the engine's."""
    return LocalCrew(engine, run) if isinstance(engine, int) else engine.crew(run)


def run_jobs(jobs: Sequence[Job], engine: int | Engine, keep: Keep, run: str = RUN_CASE) -> None:
    """Hand each outcome to `keep` as it comes; on Ctrl-C or SIGTERM those that are finished, then KeyboardInterrupt."""
    if jobs:
        with crew_of(engine, run) as crew:
            crew.work(jobs, keep)


def longest_first(jobs: Sequence[Job]) -> list[Job]:
    """A long case begun last would be waited for alone."""
    return sorted(jobs, key=lambda job: -job.work)


class LocalCrew:
    """Worker processes of this machine."""

    def __init__(self, workers: int, run: str = RUN_CASE) -> None:
        self._size, self._run = workers, run
        self._workers: list[Worker] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="adaptive-signals-")))
        self._stops = self._open.enter_context(stop_requests())
        self._open.callback(self._stop)
        return self

    def work(self, jobs: Sequence[Job], keep: Keep) -> None:
        """As `run_jobs`."""
        waiting = longest_first(jobs)
        while len(self._workers) < min(self._size, len(jobs)):
            self._workers.append(Worker(self._run, self._folder))
        while waiting or any(worker.job for worker in self._workers):
            self._workers = [_employed(worker, waiting, self._run, self._folder) for worker in self._workers]
            _collect(self._workers, keep, LOOK_FOR_STOP_S)
            if self._stops:
                _collect(self._workers, keep, 0.0)
                raise KeyboardInterrupt

    def check(self) -> None:
        """Heed a Ctrl-C that came while no job was waited for."""
        if self._stops:
            raise KeyboardInterrupt

    def _stop(self) -> None:
        for worker in self._workers:
            worker.stop()

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _employed(worker: "Worker", waiting: list[Job], run: str, folder: Path) -> "Worker":
    """The worker with a job, if one is left; a new one where a failed case may have left SUMO in a bad state."""
    if worker.job or not waiting:
        return worker
    if worker.spent:
        worker.stop()
        worker = Worker(run, folder)
    worker.begin(waiting.pop(0))
    return worker


def _collect(crew: list["Worker"], keep: Keep, timeout_s: float) -> None:
    busy = {worker.line: worker for worker in crew if worker.job}
    for line in wait(list(busy), timeout_s):
        outcome = busy[line].hear()  # type: ignore[index]
        if outcome:
            keep(outcome)


class Worker:
    """One process and the job it is on."""

    def __init__(self, run: str, folder: Path) -> None:
        self.job: Job | None = None
        self.spent = False
        self._ready = False
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._log = self._folder / "log"
        self._log_begin = 0
        self.line, theirs = Pipe()
        with self._log.open("wb") as log, theirs:
            self._process = start(run, theirs, log)

    def begin(self, job: Job) -> None:
        self.job, self._log_begin = job, self._log.stat().st_size
        with suppress(OSError):  # it died: `hear` finds the end of the line, and the log says why
            self.line.send((job.case, self._folder / "case"))

    def hear(self) -> Outcome | None:
        """To be called when the line has something: that the process is ready, a result, or the end because it died."""
        try:
            said = self.line.recv()
        except (EOFError, OSError):
            if not self._ready:
                raise PlantError(f"a worker process cannot start: it {self._cause_of_death()}") from None
            said = Failed(f"its process {self._cause_of_death()}")
        if said == READY:
            self._ready = True
            return None
        return self._finish(said)

    def _finish(self, result: Done | Failed) -> Outcome:
        assert self.job is not None
        job, self.job = self.job, None
        shutil.rmtree(self._folder / "case", ignore_errors=True)
        log = self._log.read_bytes()[self._log_begin :].decode(errors="replace")
        if isinstance(result, Failed):
            self.spent = True
            result = Failed(with_sumo_message(result.message, log))
        return Outcome(job, result, log)

    def _cause_of_death(self) -> str:
        status = self._process.wait()
        if status < 0:
            return f"was killed by {signal.Signals(-status).name}"
        last = self._log.read_text(errors="replace").strip().rpartition("\n")[2]
        return f"ended with exit status {status}: {last}"

    def stop(self) -> None:
        """At once, with whatever it started: nobody waits for its case any more."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self.line.close()


def start(run: str, line: Connection, log: BinaryIO) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches only us, and we decide what is finished."""
    search = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, "-u", "-X", "faulthandler", "-c", WORK, run, str(line.fileno())],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        pass_fds=[line.fileno()],
        start_new_session=True,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": search, "PYTHONHASHSEED": "0"},
    )


def with_sumo_message(message: str, log: str) -> str:
    """The failure in one line, with the last error that SUMO printed unless the failure says it already."""
    said = SUMO_ERROR.findall(log)
    line = " ".join(message.split())
    return line if not said or said[-1].strip() in line else f"{line}; SUMO: {said[-1].strip()}"


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collects signals that ask us to stop; raised anywhere they could lose a finished case while it is written."""
    received: list[int] = []
    heeded = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        heeded = []
    before = {number: signal.signal(number, lambda caught, _frame: received.append(caught)) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
