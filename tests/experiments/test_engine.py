"""Worker processes: the outcome of every case, whatever happens to the process that runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.case import Case
from experiments.engine import Job, Outcome, core_count, run_jobs
from experiments.worker import Done, Failed
from signals.errors import PlantError
from tests.experiments.cheap_cases import HERE

CASES = [Case("resco:cologne1", "existing", 1.0, draw) for draw in range(4)]


def outcomes(function: str, workers: int = 2) -> list[Outcome]:
    kept: list[Outcome] = []
    run_jobs([Job(case) for case in CASES], workers, kept.append, f"{HERE}:{function}")
    return sorted(kept, key=lambda outcome: outcome.job.case.draw)


def failure(found: list[Outcome]) -> Failed:
    """Of draw 1, all others being done."""
    assert [type(outcome.result) for outcome in found] == [Done, Failed, Done, Done]
    assert isinstance(found[1].result, Failed)
    return found[1].result


def test_every_case_has_an_outcome_and_rows_are_plain_numbers():
    found = outcomes("run")
    assert [outcome.job.case for outcome in found] == CASES
    assert [type(outcome.result.row["seed"]) for outcome in found if isinstance(outcome.result, Done)] == [int] * 4


def test_results_do_not_depend_on_the_number_of_workers():
    alone, together = outcomes("run", workers=1), outcomes("run", workers=3)
    assert [outcome.result for outcome in alone] == [outcome.result for outcome in together]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_case_that_raises_fails_alone_with_its_message_in_one_line(workers: int):
    assert failure(outcomes("raise_in_draw_1", workers)).message == "edge 'a': no route"


def test_an_unexpected_exception_is_named_and_its_traceback_is_in_the_log():
    found = outcomes("stumble_in_draw_1")
    assert failure(found).message == "ZeroDivisionError: division by zero"
    assert "stumble_in_draw_1" in found[1].log


@pytest.mark.parametrize("workers", [1, 2])
def test_a_segmentation_fault_fails_one_case_and_the_rest_go_on(workers: int):
    found = outcomes("segfault_in_draw_1", workers)
    assert failure(found).message == "its process was killed by SIGSEGV"
    assert "segfault_in_draw_1" in found[1].log  # where in the code it happened


def test_sumo_that_ends_the_process_is_reported_with_its_own_error():
    found = outcomes("quit_in_draw_1")
    message = failure(found).message
    assert message.startswith("its process ended with exit status 3")
    assert message.endswith("SUMO: Vehicle 'v7' has no valid route.")
    assert "chatter" not in found[1].log  # a log holds its own case only


def test_a_worker_that_cannot_start_says_why():
    with pytest.raises(PlantError, match=r"cannot start: it ended with exit status 1: AttributeError.*no_such"):
        outcomes("no_such_function")


def test_the_longest_case_begins_first():
    kept: list[Outcome] = []
    run_jobs([Job(CASES[0], 1.0), Job(CASES[1], 3.0), Job(CASES[2], 2.0)], 1, kept.append, f"{HERE}:run")
    assert [outcome.job.case.draw for outcome in kept] == [1, 2, 0]


def test_no_worker_outlives_a_parent_that_was_killed(tmp_path: Path):
    """The parent cannot clean up after SIGKILL; the end of its workers' standard input does."""
    script = f"""
import os, signal, sys
from experiments import engine
from experiments.case import Case
line, theirs = engine.Pipe()
with open({str(tmp_path / "log")!r}, "wb") as log:
    print(engine.start("{HERE}:run", theirs, log).pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    parent = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    worker = int(parent.stdout)
    wait_for_end(worker)


def wait_for_end(process: int) -> None:
    """Gone, or a zombie that nobody in this container reaps."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        os.sched_yield()
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError(f"process {process} is still there")


def test_there_is_a_core():
    assert core_count() >= 1
