"""Compare signal controllers on the same streets, under the same demand draws, with one accounting."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments import tables
from experiments.case import check_controller
from experiments.compare import compare, settings_that_differ
from experiments.console import CASES_FAILED, OneLineErrors, errors, list_failures, output
from experiments.engine import core_count
from experiments.evaluation import run_grid, watch
from experiments.grid import Grid, grid
from experiments.statistics import summarise
from experiments.store import load
from reports.describe import describe
from reports.detectors.command import report_detectors
from reports.html import write_report
from scenarios.catalogue import entries
from signals.controllers import CONTROLLERS

DEMO_SCENARIOS = ["resco:cologne1", "resco:cologne3", "arterial"]
DEMO_CONTROLLERS = ["existing", "actuated", "max-pressure"]
DEMO_DRAWS = 5
ONCE = [1.0]
DRAWS = "The first draw's number. Develop on 0-99, tune on 100-199; a figure to be quoted needs 200-299 (evaluation)."

app = typer.Typer(cls=OneLineErrors, no_args_is_help=True, add_completion=False, help=__doc__)

Out = Annotated[Path, typer.Option(help="Results folder; what is finished in it is not run again.")]
Workers = Annotated[int, typer.Option(help="Worker processes; by default one for each core.")]
Baseline = Annotated[str, typer.Option(help="The controller that the others are compared with.")]


@app.command("list")
def list_names() -> None:
    """Scenarios and controllers, a line each."""
    console = output()
    own = "your own: a .sumocfg, or net.net.xml,routes.rou.xml"
    console.print(tables.names_table("scenario", entries(), "PATH", own))
    controllers = [(name, line) for name, (line, _) in CONTROLLERS.items()]
    console.print(tables.names_table("controller", controllers, "NAME:FILE", "with its own plan or settings"))


@app.command("describe")
def describe_scenario(scenario: str) -> None:
    """A scenario as text: its junctions, stages, clearances, detectors and demand."""
    typer.echo(describe(scenario))


@app.command()
def run(
    scenario: Annotated[list[str], typer.Option(help="Name or path; again for each more.")],
    controller: Annotated[list[str], typer.Option(help="NAME[:FILE]; again for each more.")],
    out: Out,
    demand: Annotated[list[float], typer.Option(help="Multiple of today's demand; again for each more.")] = ONCE,
    draws: Annotated[int, typer.Option(help="Demand draws: 5 to develop, 20 for a headline.")] = 5,
    first_draw: Annotated[int, typer.Option(help=DRAWS)] = 0,
    decision_s: Annotated[float, typer.Option(help="Seconds between decisions.")] = 1.0,
    workers: Workers = core_count(),
    baseline: Baseline = "existing",
    gui: Annotated[bool, typer.Option("--gui", help="Watch one case in SUMO's window; store nothing.")] = False,
) -> None:
    """Run every scenario x controller x demand x draw, print the differences to the baseline, write the report."""
    cases = grid(scenario, controller, demand, draws, first_draw, decision_s)
    if gui:
        output().print(tables.row_table(watch(cases)))
    else:
        run_and_report(cases, out, workers, baseline)


@app.command()
def demo(out: Out = Path("results/demo"), workers: Workers = core_count()) -> None:
    """Adaptive control against fixed timing on two real streets and an own arterial: what `make demo` runs."""
    run_and_report(grid(DEMO_SCENARIOS, DEMO_CONTROLLERS, ONCE, DEMO_DRAWS), out, workers, "existing")


@app.command("compare")
def compare_folders(first: Path, second: Path) -> None:
    """Second results minus first over equal cases, and the cases that have no equal."""
    results, console = (load(first), load(second)), output()
    parts = tables.comparison_report(compare(*results), settings_that_differ(*results), console.width)
    console.print(*parts, sep="\n")


@app.command()
def report(folder: Path) -> None:
    """Write a results folder's report.html again."""
    load(folder)
    typer.echo(f"report: {write_report(folder, folder / 'report.html')}")


@app.command("detectors")
def diagnose_detectors(
    file: Path,
    out: Annotated[Path, typer.Option(help="Folder for the tables and the report.")],
    intersection: Annotated[Path | None, typer.Option(help="TOML that says which phase a detector serves.")] = None,
    format: Annotated[str, typer.Option(help="By default told from the file.")] = "",
    map: Annotated[str, typer.Option(help="Columns: name=column,… or a TOML file, also with [detectors].")] = "",
) -> None:
    """Which detectors of a recorded file can be believed, and what they saw: volumes, cycles, a report."""
    typer.echo(f"report: {report_detectors(file, out, intersection, format, map, output(), errors)}")


def run_and_report(cases: Grid, out: Path, workers: int, baseline: str) -> None:
    check_controller(baseline)
    evaluation = run_grid(cases, out, workers, baseline, shlex.join(["evaluate.py", *sys.argv[1:]]))
    if evaluation.cases is not None:
        console = output()
        console.print(*tables.summary_report(summarise(evaluation.cases, baseline), baseline, console.width), sep="\n")
        typer.echo(f"report: {write_report(out, out / 'report.html')}")
    if evaluation.failures:
        list_failures(evaluation.failures)
        raise typer.Exit(CASES_FAILED)


if __name__ == "__main__":
    app()
