"""Control junctions on the wall clock, record what was decided and why, and play it back."""

import json
from pathlib import Path
from typing import Annotated

import typer

from field.check import check as check_site
from field.console import OneLineErrors, output
from field.demo import Demo, run_demo
from field.describe import describe
from field.playback import play_back
from field.site_file import built, load
from field.site_file import schema as site_schema

app = typer.Typer(cls=OneLineErrors, no_args_is_help=True, add_completion=False, help=__doc__)

Scenario = Annotated[str, typer.Option(help="Name or path; `evaluate.py list` shows the names.")]
Controller = Annotated[str, typer.Option(help="NAME[:FILE]; `evaluate.py list` shows the names.")]
Speed = Annotated[float, typer.Option(help="Seconds of the street per second of the wall clock.")]
Seconds = Annotated[float, typer.Option(help="Seconds of the street to show.")]
Log = Annotated[Path | None, typer.Option(help="Where the record log goes.", show_default="recordings/demo-TIME.jsonl")]
History = Annotated[Path | None, typer.Option(help="What is usual here: read if there, kept up to date.")]
Gui = Annotated[bool, typer.Option("--gui", help="Open SUMO's window beside.")]
Recorded = Annotated[Path, typer.Argument(help="A record log.")]
SiteFile = Annotated[Path, typer.Argument(help="A site's TOML.", metavar="SITE")]
StandIn = Annotated[str | None, typer.Option("--controller", help="NAME[:FILE] in place of the one in the log.")]
Watch = Annotated[float | None, typer.Option("--speed", help="Watch it at so many times the wall clock.")]


@app.command()
def demo(
    scenario: Scenario = "arterial",
    controller: Controller = "max-pressure",
    speed: Speed = 20.0,
    seconds: Seconds = 300.0,
    log: Log = None,
    gui: Gui = False,
    history: History = None,
) -> None:
    """Watch a controller think: the loop of the street, with SUMO as the street. Ctrl-C gives the street back."""
    raise typer.Exit(run_demo(Demo(scenario, controller, speed, seconds, log, gui, history), output()))


@app.command()
def replay(log: Recorded, speed: Watch = None, controller: StandIn = None) -> None:
    """Play a record log back through a fresh loop and compare every decision; exit status 1 if one differs."""
    raise typer.Exit(play_back(log, speed, controller, output()))


@app.command()
def check(site: SiteFile) -> None:
    """Look the site's cabinet over, reading only; exit status 1 if something keeps it in shadow."""
    raise typer.Exit(check_site(site, output()))


@app.command("describe")
def describe_site(site: SiteFile) -> None:
    """Say what would be written to the site's cabinet, when and for how long, and what never is. Needs no cabinet."""
    loaded = load(site)
    for line in describe(loaded, built(loaded)[0]):
        output().print(line, markup=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a site file, for editors."""
    print(json.dumps(site_schema(), indent=1))


if __name__ == "__main__":
    app()
