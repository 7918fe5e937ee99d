"""Compare signal controllers on the same streets, under the same demand draws, with one accounting."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from experiments import tables
from experiments.capacity import CAPACITY, Sweep, capacities, references_of, sweep, write_capacity
from experiments.case import EVENT_LOGS, PATHS, check_controller
from experiments.compare import compare, settings_that_differ
from experiments.console import CASES_FAILED, OneLineErrors, complain, errors, list_failures, list_warnings, output
from experiments.engine import LOCAL, Engine, engine_of
from experiments.evaluation import Evaluation, run_grid, watch
from experiments.export import export
from experiments.grid import Grid, grid
from experiments.library import cases_where, condition, library, lines_where
from experiments.optimise import Task, optimise
from experiments.plan_report import plan_report
from experiments.statistics import summarise
from experiments.store import load
from experiments.tables import results_table as tables_of_results
from experiments.together import together
from experiments.tuning import convergence, search, tune
from reports.describe import describe, describe_network
from reports.describe_html import write_page
from reports.detectors.command import report_detectors
from reports.drawn import drawn
from reports.fit import fit_report
from reports.goals import parse_goal
from reports.html import write_page as write_report_page
from reports.html import write_report
from reports.mail import answer, mail
from reports.modes import mode_lines
from reports.performance.command import report_measures
from reports.scenario import write_overrides
from reports.words import ENGLISH, LANGUAGES, words
from scenarios.catalogue import BY_RESCO_PREFIX, entries, streets
from scenarios.from_counts import demand_from_counts
from scenarios.generated import PREFIX as GENERATED_PREFIX
from scenarios.osm import SignalTimes, import_osm, map_name
from scenarios.sampling import DEFAULT_SEED
from signals import overrides
from signals.controllers import CONTROLLERS
from simulation.faults import KINDS
from simulation.own_control import OWN_CONTROL

DEMO_SCENARIOS = ["resco:cologne1", "resco:cologne3", "arterial"]
DEMO_CONTROLLERS = ["existing", "actuated", "max-pressure", "adaptive"]
DEMO_DRAWS = 5
ONCE = [1.0]
EXISTING = ["existing"]
NO_FILES: list[Path] = []
NO_NAMES: list[str] = []
FAULTS = "Broken loops, as dead=0.2,late=0.05. " + "; ".join(f"{kind}: {line}" for kind, line in KINDS.items()) + "."
SOURCE = "Where a signal's loops lie: a .toml, a table with DeviceId, Phase, Parameter, Function, or scenario:junction."
DRAWS = "The first draw's number. Develop on 0-99, tune on 100-199; a figure to be quoted needs 200-299 (evaluation)."

app = typer.Typer(cls=OneLineErrors, no_args_is_help=True, add_completion=False, help=__doc__)

Out = Annotated[Path, typer.Option(help="Results folder; what is finished in it is not run again.")]
Workers = Annotated[int | None, typer.Option(help="Cases at once; by default one for each core.")]
EngineName = Annotated[str, typer.Option("--engine", help="local processes, or ray: the cores of more machines.")]
Address = Annotated[str, typer.Option(help="HOST:PORT of the Ray cluster; by default one of this machine's own.")]
Intersections = Annotated[list[Path], typer.Option(help="TOML with what is other in the street; again for each more.")]
Baseline = Annotated[str, typer.Option(help="The controller that the others are compared with.")]


@app.command("list")
def list_names() -> None:
    """Scenarios and controllers, a line each."""
    console = output()
    own = "your own: a .sumocfg, or net.net.xml,routes.rou.xml"
    known = [
        *entries(),
        (f"{BY_RESCO_PREFIX}NAME", "The same by RESCO's own rules, to set beside published figures."),
        (f"{GENERATED_PREFIX}SEED", "One to four junctions that nobody built, drawn from the seed; synthetic."),
    ]
    console.print(tables.names_table("scenario", known, "PATH", own))
    controllers = [(name, line) for name, (line, _) in [*CONTROLLERS.items(), *OWN_CONTROL.items()]]
    console.print(tables.names_table("controller", controllers, "NAME:FILE", "with its own plan or settings"))


@app.command("describe")
def describe_scenario(
    scenario: str,
    html: Annotated[bool, typer.Option("--html", help="Write one HTML file, with drawings.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where to; by default build/describe/SCENARIO.html.")] = None,
    intersection: Intersections = NO_FILES,
    write_intersection: Annotated[Path | None, typer.Option(help="Write what was read as a TOML to edit.")] = None,
) -> None:
    """A scenario: its junctions, stages, clearances, detectors and demand, and where each value comes from."""
    if write_intersection:
        typer.echo(f"intersections: {write_overrides(scenario, intersection, write_intersection)}")
    elif html or out:
        typer.echo(f"description: {write_page(scenario, intersection, out)}")
    else:
        typer.echo(describe(scenario, intersection))


@app.command("schema")
def print_schema(of: Annotated[str, typer.Argument(help="intersection")] = "intersection") -> None:
    """The JSON Schema of a file that --intersection takes, for editors."""
    typer.echo(overrides.schema_of(of))


@app.command("import")
def import_map(
    osm_file: Annotated[Path, typer.Argument(help="OSM's XML: .osm, .osm.xml, also .gz or .bz2.")],
    out: Annotated[Path | None, typer.Option(help="Folder; by default one of the map's name.")] = None,
    left_hand: Annotated[bool, typer.Option("--left-hand", help="Traffic keeps to the left.")] = False,
    guess: Annotated[
        bool, typer.Option("--guess", help="Signals on large junctions that have none in the map.")
    ] = False,
    cycle_s: Annotated[int, typer.Option(help="The plans' cycle.")] = SignalTimes.cycle_s,
    all_red_s: Annotated[int, typer.Option(help="Red clearance after each stage.")] = SignalTimes.all_red_s,
    left_green_s: Annotated[int, typer.Option(help="Green of a left turn of its own.")] = SignalTimes.left_green_s,
    yellow_change_s: Annotated[int | None, typer.Option(help="By default from the speed limit, at least 3.")] = None,
) -> None:
    """A network from a map: netconvert with signals, and what was understood of them."""
    times = SignalTimes(cycle_s, all_red_s, left_green_s, yellow_change_s)
    imported = import_osm(osm_file, out or Path(map_name(osm_file)), times, left_hand, guess)
    for warning in imported.warnings:
        complain(f"netconvert: {warning}")
    typer.echo(describe_network(imported.net_file))
    typer.echo(f"\nnext, counts: evaluate.py demand COUNTS --network {imported.configuration}")


@app.command("demand")
def demand_of_counts(
    counts: Annotated[Path, typer.Argument(help="Columns begin, end, from, to, count or veh_per_h; or SUMO's XML.")],
    network: Annotated[str, typer.Option(help="A .net.xml, a .sumocfg, or a scenario's name.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder; by default the network's own, or the scenario's name.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the choice among routes.")] = DEFAULT_SEED,
) -> None:
    """Routes that reproduce turning or link counts, how well they do (GEH), and a scenario to run."""
    by_path = Path(network).is_file()
    made = demand_from_counts(
        counts, streets(network), out or Path(network if not by_path else Path(network).parent), seed
    )
    typer.echo(fit_report(made))
    typer.echo(f"\nnext: evaluate.py run --scenario {made.configuration} --controller existing --out results/counted")


RUN_SCENARIO = (
    "Name, or path of a .sumocfg; again for each more: with one controller and the same traffic the first is before."
)


@app.command()
def run(
    scenario: Annotated[list[str], typer.Option(help=RUN_SCENARIO)],
    out: Out,
    controller: Annotated[list[str], typer.Option(help="NAME[:FILE]; again for each more.")] = EXISTING,
    demand: Annotated[list[float], typer.Option(help="Multiple of today's demand; again for each more.")] = ONCE,
    draws: Annotated[int, typer.Option(help="Demand draws: 5 to develop, 20 for a headline.")] = 5,
    first_draw: Annotated[int, typer.Option(help=DRAWS)] = 0,
    decision_s: Annotated[float, typer.Option(help="Seconds between decisions.")] = 1.0,
    intersection: Intersections = NO_FILES,
    faults: Annotated[str, typer.Option(metavar="KIND=VALUE,...", help=FAULTS)] = "",
    workers: Workers = None,
    engine: EngineName = LOCAL,
    address: Address = "",
    baseline: Baseline = "existing",
    gui: Annotated[bool, typer.Option("--gui", help="Watch one case in SUMO's window; store nothing.")] = False,
    event_log: Annotated[bool, typer.Option("--event-log", help="Keep each case's log for `measures` too.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Keep one draw's paths for the time-space diagram.")] = False,
) -> None:
    """Run every scenario x controller x demand x draw, print the differences to the baseline, write the report."""
    cases = grid(scenario, controller, demand, draws, first_draw, decision_s, intersection, faults)
    cases = replace(
        cases, event_logs=out / EVENT_LOGS if event_log else None, path_files=out / PATHS if paths else None
    )
    if gui:
        output().print(tables.row_table(watch(cases)))
    else:
        run_and_report(cases, out, engine_of(engine, address, workers), baseline)


@app.command()
def demo(out: Out = Path("results/demo"), workers: Workers = None) -> None:
    """Adaptive control against fixed timing on two real streets and an own arterial: what `make demo` runs."""
    cases = grid(DEMO_SCENARIOS, DEMO_CONTROLLERS, ONCE, DEMO_DRAWS)
    run_and_report(cases, out, engine_of(LOCAL, "", workers), "existing")


@app.command()
def capacity(
    scenario: Annotated[list[str], typer.Option(help="Name or path; again for each more.")],
    controller: Annotated[list[str], typer.Option(help="NAME[:FILE]; again for each more, the baseline too.")],
    out: Out,
    draws: Annotated[int, typer.Option(help="Demand draws: 5 to develop, 20 for a headline.")] = 5,
    first_draw: Annotated[int, typer.Option(help=DRAWS)] = 0,
    first: Annotated[float, typer.Option(help="The sweep's first multiple of today's demand.")] = Sweep.first,
    step: Annotated[float, typer.Option(help="From one multiple to the next.")] = Sweep.step,
    decision_s: Annotated[float, typer.Option(help="Seconds between decisions.")] = 1.0,
    intersection: Intersections = NO_FILES,
    faults: Annotated[str, typer.Option(metavar="KIND=VALUE,...", help=FAULTS)] = "",
    workers: Workers = None,
    engine: EngineName = LOCAL,
    address: Address = "",
    baseline: Baseline = "existing",
) -> None:
    """How much more traffic each controller carries at the same level of service: a sweep over the demand."""
    whole, multiples = (
        grid(scenario, controller, ONCE, draws, first_draw, decision_s, intersection, faults),
        Sweep(first, step),
    )
    where = engine_of(engine, address, workers)
    start(whole, baseline)
    evaluation = sweep(whole, multiples, lambda part: run_grid(part, out, where, baseline, command()))
    if evaluation.cases is not None:
        table = capacities(evaluation.cases, baseline, references_of(evaluation.cases, whole))
        output().print(*tables.capacity_report(table, baseline), sep="\n")
        typer.echo(f"table: {write_capacity(out / CAPACITY, table)}")
        typer.echo(f"report: {write_report(out, out / 'report.html')}")
    end(evaluation)


@app.command("tune")
def tune_settings(
    controller: Annotated[str, typer.Argument(help="NAME, or NAME:FILE to start from its settings.")],
    scenario: Annotated[list[str], typer.Option(help="Name or path; again for each more.")],
    out: Annotated[Path, typer.Option(help="TOML for NAME:FILE; what is run is kept in the folder beside it.")],
    demand: Annotated[list[float], typer.Option(help="Multiple of today's demand; again for each more.")] = ONCE,
    draws: Annotated[int, typer.Option(help="Demand draws, the same for all settings.")] = 5,
    first_draw: Annotated[int, typer.Option(help="The first draw's number, of the tuning draws 100-199.")] = 100,
    parameter: Annotated[list[str], typer.Option(help="Setting to search; again for each more; else all.")] = NO_NAMES,
    budget: Annotated[int, typer.Option(help="Settings to try at most, in whole generations.")] = 200,
    starvation: Annotated[
        float, typer.Option(help="Weight of starvation beyond 180 s (300 s above demand 1) beside log delay.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the search; the same seed, the same result.")] = 1,
    workers: Workers = None,
    engine: EngineName = LOCAL,
    address: Address = "",
) -> None:
    """Search a controller's settings by CMA-ES: least delay against the existing plan, on tuning draws."""
    what = search(controller, scenario, demand, draws, first_draw, parameter, budget, seed, starvation)
    where = engine_of(engine, address, workers)
    output().print(tables.parameter_table(what.parameters))
    output().print(tables.search_table(convergence(what, tune(what, out, where, command()))))
    typer.echo(f"settings: {what.controller}:{out}")


@app.command("optimise")
def optimise_plan(
    scenario: str,
    out: Annotated[Path, typer.Option(help="The plan's file; what is tried is kept beside it.")],
    demand: Annotated[float, typer.Option(help="Multiple of today's demand.")] = 1.0,
    draws: Annotated[int, typer.Option(help="Demand draws to search on; as many after them check.")] = Task.draws,
    first_draw: Annotated[int, typer.Option(help=DRAWS)] = Task.first_draw,
    budget: Annotated[int, typer.Option(help="Runs of SUMO at most.")] = Task.budget,
    seed: Annotated[int, typer.Option(help="Of the search; the same seed finds the same plan.")] = Task.seed,
    stages: Annotated[str, typer.Option(help="keep the existing ones in order, or reorder them.")] = Task.stages,
    workers: Workers = None,
    engine: EngineName = LOCAL,
    address: Address = "",
) -> None:
    """A strong fixed plan for fixed-time: cycle, splits, offsets and stage order, searched for offline."""
    task = Task(scenario, demand, out, draws, first_draw, budget, seed, stages)
    found = optimise(task, engine_of(engine, address, workers), command())
    output().print(*plan_report(found), sep="\n")
    typer.echo(f"\nplan: {found.plan_file}, for --controller fixed-time:{found.plan_file}")


@app.command("compare")
def compare_folders(first: Path, second: Path) -> None:
    """Second results minus first over equal cases, and the cases that have no equal."""
    results, console = (load(first), load(second)), output()
    parts = tables.comparison_report(compare(*results), settings_that_differ(*results), console.width)
    console.print(*parts, sep="\n")


@app.command()
def report(
    folder: Annotated[list[Path], typer.Argument(help="Results; with the same cases in each, the first is before.")],
    out: Annotated[Path | None, typer.Option(help="The file; by default report.html in the (first) folder.")] = None,
    lang: Annotated[str, typer.Option(help=f"One of {', '.join(LANGUAGES)}.")] = "en",
    goal: Annotated[list[str], typer.Option(help="As 'delay_s < 35'; again for each more.")] = NO_NAMES,
    before: Annotated[str, typer.Option(help="Scenario that the others are compared with.")] = "",
    corridor: Annotated[str, typer.Option(metavar="J1,J2,...", help="Junctions of the time-space diagram.")] = "",
    tables: Annotated[Path | None, typer.Option(help="Folder for all that is drawn, as CSV, Parquet, Excel.")] = None,
) -> None:
    """One file to hand over of one or more results folders; prints the answer as text for a mail."""
    say, goals, found = words(lang), [parse_goal(each) for each in goal], together(folder, before)
    named = [junction for junction in corridor.split(",") if junction]
    file = write_report_page(found, out or folder[0] / "report.html", goals, say, named)
    typer.echo(f"{mail(found, goals, say)}\n")
    if tables:
        typer.echo(f"tables: {export(tables, drawn(found, goals))}")
    typer.echo(f"report: {file}")


@app.command("results")
def list_results(
    folder: Annotated[Path, typer.Argument(help="Where results folders are, at any depth.")] = Path("results"),
    where: Annotated[str, typer.Option(help="As \"scenario = 'arterial' and demand >= 1 and delay_s < 60\".")] = "",
    tables: Annotated[Path | None, typer.Option(help="Folder for these cases as CSV, Parquet and Excel.")] = None,
) -> None:
    """What has been run: a line for each folder, scenario, controller and demand, least delay first."""
    wanted, found = condition(where), library(folder)
    lines = lines_where(found, wanted)
    list_warnings(found.left_out)
    output().print(tables_of_results(lines))
    if tables:
        typer.echo(f"tables: {export(tables, {'cases': cases_where(found, wanted), 'lines': lines})}")
    typer.echo(f"{int(lines['draws'].sum())} cases in {lines['folder'].nunique()} of {len(found.folders)} folders")


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


@app.command("measures")
def measure_signals(
    log: Annotated[Path, typer.Argument(help="High-resolution events: CSV, Parquet or .datZ.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables and the report.")],
    intersection: Annotated[list[str], typer.Option(metavar="[DEVICE=]SOURCE", help=SOURCE)] = NO_NAMES,
    bin_min: Annotated[int, typer.Option(help="Minutes that the tables' rows stand for.")] = 15,
    format: Annotated[str, typer.Option(help="By default told from the file.")] = "",
    lang: Annotated[str, typer.Option(help="The report's language: en or zh.")] = "en",
) -> None:
    """Signal performance measures of a log: arrivals on green, split failures, terminations, splits, counts, delay."""
    page = report_measures(log, intersection, out, bin_min, format, lang, command(), output(), errors)
    typer.echo(f"report: {page}")


def run_and_report(cases: Grid, out: Path, engine: int | Engine, baseline: str) -> None:
    start(cases, baseline)
    evaluation = run_grid(cases, out, engine, baseline, command())
    if evaluation.cases is not None:
        console = output()
        console.print(*tables.summary_report(summarise(evaluation.cases, baseline), baseline, console.width), sep="\n")
        found = together([out])
        typer.echo("\n".join(["", *mode_lines(found), "", answer(found, ENGLISH)]))
        typer.echo(f"report: {write_report_page(found, out / 'report.html')}")
    end(evaluation)


def command() -> str:
    return shlex.join(["evaluate.py", *sys.argv[1:]])


def start(cases: Grid, baseline: str) -> None:
    """What can be refused or warned of before the first case."""
    check_controller(baseline)
    cases.check_names()
    list_warnings(cases.warnings())


def end(evaluation: Evaluation) -> None:
    if evaluation.failures:
        list_failures(evaluation.failures)
        raise typer.Exit(CASES_FAILED)


if __name__ == "__main__":
    app()
