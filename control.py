"""Control a junction's cabinet, or watch it: look it over by `check`, run it by `run`, judge its logs by `report`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from field.audit_words import audit_words, verify_log
from field.check import check_sites
from field.console import OneLineErrors, output
from field.describe import describe_sites
from field.fleet import run_sites
from field.playback import play_back
from field.run import Run, acknowledge
from field.site_file import schema as site_schema
from field.virtual.misbehave import MISBEHAVIOURS

app = typer.Typer(cls=OneLineErrors, no_args_is_help=True, add_completion=False, help=__doc__)

DemoScenario = Annotated[
    str | None,
    typer.Option(
        help="Name or path; `evaluate.py list` shows the names. Without --junction all of it is driven directly.",
        show_default="single, over SNMP",
    ),
]
DemoJunction = Annotated[str | None, typer.Option(help="The junction of the scenario to stand the cabinet at.")]
DemoSpeed = Annotated[
    float | None,
    typer.Option(help="Seconds of the street per second of the wall clock.", show_default="5, or 20 driven directly"),
]
Controller = Annotated[str, typer.Option(help="NAME[:FILE]; `evaluate.py list` shows the names.")]
Speed = Annotated[float, typer.Option(help="Seconds of the street per second of the wall clock.")]
Seconds = Annotated[float, typer.Option(help="Seconds of the street to show.")]
Log = Annotated[
    Path | None,
    typer.Option(help="Where the record log goes; a folder, over SNMP.", show_default="recordings/demo-TIME"),
]
History = Annotated[Path | None, typer.Option(help="What is usual here: read if there, kept up to date.")]
Gui = Annotated[bool, typer.Option("--gui", help="Open SUMO's window beside.")]
NoPage = Annotated[bool, typer.Option("--no-page", help="Do without the live page.")]
Recorded = Annotated[Path, typer.Argument(help="A record log.")]
RunSeconds = Annotated[float | None, typer.Option("--seconds", help="Seconds of the street; else until Ctrl-C.")]
FeedText = Annotated[
    str | None, typer.Option("--feed", help="Readings in place of the site's: mqtt:HOST:PORT:TOPIC or replay:FILE.")
]
Who = Annotated[str, typer.Option(help="Your name, for the audit log.")]
AuditPath = Annotated[Path, typer.Argument(help="An audit log's file or folder, or a site's log folder.")]
LogPath = Annotated[Path | None, typer.Argument(help="A record log, or a site's log folder.")]
Out = Annotated[Path | None, typer.Option(help="Write it as one HTML file, too.")]
Before = Annotated[Path | None, typer.Option(help="The log of the time before.")]
After = Annotated[Path | None, typer.Option(help="The log of the time after.")]
SiteFile = Annotated[Path, typer.Argument(help="A site's TOML.", metavar="SITE")]
Sites = Annotated[Path, typer.Argument(help="A site's TOML, or a folder of them.", metavar="SITE")]
StandIn = Annotated[str | None, typer.Option("--controller", help="NAME[:FILE] in place of the one in the log.")]
Watch = Annotated[float | None, typer.Option("--speed", help="Watch it at so many times the wall clock.")]

Place = Annotated[str, typer.Argument(help="Name or path of a scenario; `evaluate.py list` shows the names.")]
Junction = Annotated[str | None, typer.Option(help="Which junction, where the scenario has several.")]
Port = Annotated[int, typer.Option(help="UDP port of its SNMP agent; 0 finds a free one.")]
Host = Annotated[str, typer.Option(help="Address that it listens on.")]
ForSeconds = Annotated[float | None, typer.Option(help="Seconds of the street after the warm-up; else until Ctrl-C.")]
WarmUp = Annotated[
    float, typer.Option("--warm-up-s", help="Seconds of the street that pass before it can be talked to.")
]
DemandMultiple = Annotated[float | None, typer.Option(help="Draw the traffic at this multiple; else as it is written.")]
Draw = Annotated[int, typer.Option(help="Number of the demand draw.")]
BackupTime = Annotated[
    int, typer.Option("--backup-time-s", help="unitBackupTime: seconds without a SET to local control.")
]
Period = Annotated[int, typer.Option("--report-period-s", help="volumeOccupancyPeriod.")]
LocalCalls = Annotated[
    bool, typer.Option(help="Whether loops call phases, or only report and leave calls to a central.")
]
SecretsFile = Annotated[Path | None, typer.Option("--secrets", help="TOML of mode 0600; written where it is missing.")]
EventFile = Annotated[
    Path | None, typer.Option("--event-log", help="High-resolution events: .csv, .parquet or a folder.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Where the accounts go.")]
Misbehave = Annotated[
    list[str] | None,
    typer.Option(help=f"What goes wrong at random; again for each more: {', '.join(MISBEHAVIOURS)}."),
]
Seed = Annotated[int, typer.Option(help="Of what goes wrong.")]
VirtualSpeed = Annotated[float, typer.Option(help="That of the virtual cabinet; a real street has 1.")]


@app.command()
def cabinet(
    scenario: Place,
    junction: Junction = None,
    speed: Speed = 1.0,
    port: Port = 6053,
    host: Host = "127.0.0.1",
    seconds: ForSeconds = None,
    warm_up: WarmUp = 300.0,
    demand: DemandMultiple = None,
    draw: Draw = 0,
    backup_time: BackupTime = 15,
    report_period: Period = 5,
    local_calls: LocalCalls = True,
    secrets: SecretsFile = None,
    event_log: EventFile = None,
    json: Json = None,
    misbehave: Misbehave = None,
    seed: Seed = 0,
    gui: Gui = False,
) -> None:
    """A cabinet that is not there: a NEMA controller answering NTCIP 1202, with SUMO's traffic on its street."""
    from field.virtual.command import CabinetOptions, run_cabinet  # SUMO, which the street has no use for

    options = CabinetOptions(
        scenario,
        junction,
        speed,
        port,
        host,
        seconds,
        warm_up,
        demand,
        draw,
        backup_time,
        report_period,
        local_calls,
        secrets,
        event_log,
        json,
        tuple(misbehave or ()),
        seed,
        gui,
    )
    raise typer.Exit(run_cabinet(options, output()))


@app.command()
def demo(
    scenario: DemoScenario = None,
    junction: DemoJunction = None,
    controller: Controller = "max-pressure",
    speed: DemoSpeed = None,
    seconds: Seconds = 300.0,
    log: Log = None,
    gui: Gui = False,
    history: History = None,
    no_page: NoPage = False,
) -> None:
    """Watch a controller think: a virtual cabinet, SUMO behind it, the loop over SNMP. Ctrl-C gives the street back."""
    from field.wired_demo import Asked, show_demo  # SUMO, which the street has no use for

    asked = Asked(scenario, junction, controller, speed, seconds, log, gui, history, not no_page)
    raise typer.Exit(show_demo(asked, output()))


@app.command()
def run(site: Sites, speed: VirtualSpeed = 1.0, seconds: RunSeconds = None, feed: FeedText = None) -> None:
    """Watch the cabinet of a site, or all of a folder, and control it as far as its file says; Ctrl-C gives it back."""
    raise typer.Exit(run_sites(Run(site, speed, seconds, feed), output()))


@app.command("acknowledge")
def acknowledge_lockout(site: SiteFile, who: Who) -> None:
    """Say that you have been at the cabinet and that it may be controlled again after a lockout."""
    raise typer.Exit(acknowledge(site, who, output()))


@app.command()
def verify(log: AuditPath) -> None:
    """Check the chain of an audit log; exit status 1 with the first line that is broken."""
    raise typer.Exit(verify_log(log, output()))


@app.command()
def report(
    log: LogPath = None, out: Out = None, before: Before = None, after: After = None, controller: StandIn = None
) -> None:
    """Say what a controller in shadow would have changed (LOG), or what it has changed (--before LOG --after LOG)."""
    from reports.field.command import (
        Asked,
        run_report,
    )  # drawing takes a second to load, which the street has no use for

    raise typer.Exit(run_report(Asked(log, out, before, after, controller), audit_words, output()))


@app.command()
def replay(log: Recorded, speed: Watch = None, controller: StandIn = None) -> None:
    """Play a record log back through a fresh loop and compare every decision; exit status 1 if one differs."""
    raise typer.Exit(play_back(log, speed, controller, output()))


@app.command()
def check(site: Sites) -> None:
    """Look the site's cabinet over, reading only; exit status 1 if something keeps it in shadow."""
    raise typer.Exit(check_sites(site, output()))


@app.command("describe")
def describe(site: Sites) -> None:
    """Say what would be written to the site's cabinet, when and for how long, and what never is. Needs no cabinet."""
    for line in describe_sites(site):
        output().print(line, markup=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a site file, for editors."""
    print(json.dumps(site_schema(), indent=1))


if __name__ == "__main__":
    app()
