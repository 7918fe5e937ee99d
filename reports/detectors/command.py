"""What `evaluate.py detectors` does: read with a progress bar, judge, write, and say the verdicts in the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from experiments.store import one_line
from formats import source
from reports.detectors.diagnose_file import Diagnosis, detector_table, diagnosed, write_tables
from reports.detectors.page import FILE_NAME, facts, headline, subtitle, write_page
from reports.wording import number

STYLES = {"distrusted": "red", "suspect": "yellow", "repaired": "dim", "good": "green"}
SHOWN = 60


def report_detectors(
    file: Path, out: Path, intersection: Path | None, format: str, map: str, console: Console, errors: Console
) -> Path:
    """Write tables and page into `out`, print the verdicts; the page's path."""
    with _reading(file, errors) as progress, diagnosed(file, intersection, format, map, progress) as diagnosis:
        with one_line(out / FILE_NAME):
            write_tables(diagnosis, out)
            page = write_page(diagnosis, out)
        _print(diagnosis, console)
    return page


@contextmanager
def _reading(file: Path, errors: Console) -> Iterator[source.Progress]:
    columns = TextColumn("reading {task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(file.name, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update


def _print(diagnosis: Diagnosis, console: Console) -> None:
    findings = diagnosis.recording.findings
    console.print(subtitle(diagnosis), markup=False)
    console.print(_verdicts(detector_table(diagnosis)))
    for title, tally in (("broken row", findings.broken), ("faulty value", findings.faulty)):
        for sentence in tally.sentences():
            console.print(f"{title}: {sentence}", markup=False)
    for name, value in facts(diagnosis)[5:]:
        console.print(f"{name}: {value}", markup=False)
    console.print(headline(diagnosis.healths), markup=False)


def _verdicts(rows: pd.DataFrame) -> Table:
    """The worst detectors; the rest is in the files."""
    table = Table(box=None, pad_edge=False)
    table.add_column("detector")
    table.add_column("verdict")
    for name in ("veh", "lost", "veh/h"):
        table.add_column(name, justify="right")
    table.add_column("reasons")
    for row in rows.head(SHOWN).to_dict("records"):
        figures = [number(float(row[name]), 0) for name in ("volume_veh", "flow_veh_per_h")]
        lost, verdict = f"{row['lost_ons'] + row['lost_offs']}", str(row["verdict"])
        cells = [str(row["detector"]), verdict, figures[0], lost, figures[1], str(row["reasons"])]
        table.add_row(*(Text(cell, style=STYLES[verdict] if cell == verdict else "") for cell in cells))
    if len(rows) > SHOWN:
        table.add_row(f"and {len(rows) - SHOWN} more")
    return table
