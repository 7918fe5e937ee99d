"""Runs cases on the machines of a Ray cluster: the same worker process a case as here, on whatever node has a core.

Only this machine writes results. A node that is lost costs the cases that it was on; Ray gives them to another one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import ray
from ray.exceptions import RayError, RayTaskError

from experiments.engine import LOOK_FOR_STOP_S, ROOT, Job, Keep, Outcome, Worker, longest_first, stop_requests
from experiments.travel import Answer, Order, check_same, order, packed, put_away, unpacked
from experiments.worker import Failed
from signals.errors import ConfigError, PlantError

PATIENCE_S = 10.0
LOSSES = 20
"""How often a case may lose its node before it is given up."""


@dataclass(frozen=True)
class RayEngine:
    """The cluster at an address, HOST:PORT; without one, the one that runs on this machine, or else a new one here.

    workers: cases at once; None: as many as the cluster has cores, those of nodes that come later too.
    """

    address: str = ""
    workers: int | None = None

    def connect(self) -> None:
        """Once for this process. Raises `ConfigError` where nobody answers."""
        if ray.is_initialized():
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = self.address or None
        where = f"at {address}" if address else "on this machine"
        try:
            if address:
                answers(address)
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        except (OSError, RuntimeError, ValueError, RayError) as error:
            raise ConfigError(f"engine ray: no cluster {where}: {str(error).strip().splitlines()[-1]}") from error

    def crew(self, run: str) -> RayCrew:
        """Whoever does what "module:function" names."""
        return RayCrew(self, run)

    def at_once(self) -> int:
        """How many cases of one core to hand out."""
        self.connect()
        return self.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))


def answers(address: str) -> None:
    """Raise OSError or ValueError where nobody listens; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError("must be HOST:PORT")
    socket.create_connection((host, int(port)), timeout=PATIENCE_S).close()


class RayCrew:
    """Cases handed out to a cluster; what is not finished at the end of the `with` is called off."""

    def __init__(self, engine: RayEngine, run: str) -> None:
        self._engine, self._run = engine, run
        self._running: dict[Any, Job] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._engine.connect()
        self._stops = self._open.enter_context(stop_requests())
        self._open.callback(self._call_off)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def work(self, jobs: Sequence[Job], keep: Keep) -> None:
        """As `experiments.engine.run_jobs`."""
        waiting = longest_first(jobs)
        while waiting or self._running:
            while waiting and len(self._running) < self._engine.at_once():
                self._hand_out(waiting.pop(0))
            self._collect(keep, LOOK_FOR_STOP_S)
            if self._stops:
                self._collect(keep, 0.0)
                raise KeyboardInterrupt

    def check(self) -> None:
        """As `experiments.engine.Crew`."""
        if self._stops:
            raise KeyboardInterrupt

    def _hand_out(self, job: Job) -> None:
        self._running[carry_out.options(num_cpus=job.cores).remote(order(job.case, self._run))] = job

    def _collect(self, keep: Keep, timeout_s: float) -> None:
        done, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=timeout_s)
        refused: ConfigError | PlantError | None = None
        for reference in done:
            job = self._running.pop(reference)
            try:
                keep(_outcome(job, reference))
            except (ConfigError, PlantError) as error:
                refused = refused or error
        if refused:  # what is finished is kept first
            raise refused

    def _call_off(self) -> None:
        for reference in self._running:
            ray.cancel(reference, force=True)
        self._running = {}


def _outcome(job: Job, reference: Any) -> Outcome:
    """Raises `ConfigError` where a node refused the case, `PlantError` where it or the cluster cannot work."""
    try:
        answer: Answer | str = ray.get(reference)
    except RayTaskError as error:
        cause = " ".join(f"{type(error.cause).__name__}: {error.cause}".split())
        raise PlantError(f"engine ray: a node cannot work, must have this checkout in {ROOT}: {cause}") from error
    except RayError as error:
        return Outcome(job, Failed(f"its node was lost: {' '.join(str(error).split())}"), "")
    if isinstance(answer, str):
        raise ConfigError(f"engine ray: {answer}")
    put_away(job.case, answer)
    return Outcome(job, answer.result, answer.log)


@ray.remote(max_retries=LOSSES)
def carry_out(wanted: Order) -> Answer | str:
    """On a node: the case in a worker process, which forks for it as the local engine's do. A refusal is a line."""
    try:
        check_same(wanted)
        with TemporaryDirectory(prefix="order-") as folder:
            moved = unpacked(wanted, Path(folder))
            outcome = bench(wanted.run).run(Job(moved))
            return packed(wanted, moved, outcome.result, outcome.log)
    except (ConfigError, PlantError) as error:
        return f"node {ray.util.get_node_ip_address()}: {error}"


@cache
def bench(run: str) -> Bench:
    """Of this Ray process, which takes one case after the other."""
    return Bench(run)


class Bench:
    """A worker process and its folder, renewed after a failure."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._folder = TemporaryDirectory(prefix="adaptive-signals-")  # named as the local engine's is
        self._worker: Worker | None = None

    def run(self, job: Job) -> Outcome:
        """Wait for one case. Raises `PlantError` where no worker can start."""
        worker = self._worker or Worker(self._run, Path(self._folder.name))
        self._worker = None
        worker.begin(job)
        while (outcome := worker.hear()) is None:
            pass
        if worker.spent:
            worker.stop()
        else:
            self._worker = worker
        return outcome
