"""What `evaluate.py measures` does: read with a progress bar, measure, write, and say the answer in the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from experiments.store import one_line
from formats import source
from reports.performance.measure_log import measured_log, write_tables
from reports.performance.page import headline, write_page
from reports.words import words

WORDS = Path(__file__).parent / "words"


def report_measures(
    log: Path, intersections: Sequence[str], out: Path, bin_min: int, format: str, lang: str, command: str,
    console: Console, errors: Console,
) -> Path:  # fmt: skip
    """Write the tables and the page into `out`; the page's path."""
    say = words(lang, WORDS)
    with one_line(out):
        out.mkdir(parents=True, exist_ok=True)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True) as bar:
        steps = [_step(bar, f"{what} {log.name}") for what in ("reading", "measuring")]
        with one_line(out), measured_log(log, intersections, bin_min, format, *steps) as measures:
            bar.stop()
            write_tables(measures, out)
            page = write_page(measures, out, say, command)
            for sentence in headline(measures, measures.table("phases"), say):
                console.print(sentence, markup=False)
    return page


def _step(bar: Progress, description: str) -> source.Progress:
    task = bar.add_task(description, total=None, visible=False)

    def update(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total, visible=True)

    return update
